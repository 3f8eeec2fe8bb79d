//! The contract, held by the log in memory that the engine's simulations use.

mod contract;
#[path = "../../shards/tests/common/shared_log.rs"]
#[allow(dead_code, reason = "the simulations' faults are not for here")]
mod shared_log;

use shared_log::{Connection, Defect, SharedLog};

struct Memory(SharedLog);

impl contract::Subject for Memory {
    type Store = Connection;

    fn connect(&self) -> Connection {
        self.0.connect()
    }
}

contract!(Memory(SharedLog::new(true, Defect::None)));
