//! The contract, held by PostgreSQL.

mod contract;
mod server;

use lclq_stores::{PostgresLog, PostgresNode};
use server::Server;
use std::sync::Arc;

struct Postgres {
    node: PostgresNode,
    _server: Arc<Server>,
}

impl contract::Subject for Postgres {
    type Store = PostgresLog;

    fn connect(&self) -> PostgresLog {
        self.node.open(0, Arc::new(|| {})).unwrap()
    }
}

fn postgres() -> Postgres {
    let server = Server::shared();
    Postgres {
        node: server.node(&server.schema(), 2),
        _server: server,
    }
}

contract!(postgres());
