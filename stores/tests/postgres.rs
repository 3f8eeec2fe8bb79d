//! The contract, held by PostgreSQL: the machine's, and the newest.

mod contract;
mod server;

use lclq_stores::{RemoteLog, StoreNode};
use server::Server;
use std::sync::Arc;

struct Postgres {
    node: StoreNode,
    _server: Arc<Server>,
}

impl contract::Subject for Postgres {
    type Store = RemoteLog;

    fn connect(&self) -> RemoteLog {
        self.node.open(0, Arc::new(|| {})).unwrap()
    }
}

fn postgres_on(server: Arc<Server>) -> Postgres {
    Postgres {
        node: server.node(&server.schema(), 2),
        _server: server,
    }
}

contract!(postgres_on(Server::shared()));

mod newest {
    use super::*;
    contract!(postgres_on(Server::shared_newest()));
}
