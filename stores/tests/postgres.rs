//! The contract, held by PostgreSQL.

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

fn postgres() -> Postgres {
    let server = Server::shared();
    Postgres {
        node: server.node(&server.schema(), 2),
        _server: server,
    }
}

contract!(postgres());
