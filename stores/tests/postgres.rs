//! The contract, held by PostgreSQL: the machine's, the newest, and one behind a pooler.

mod contract;
mod server;

use lclq_stores::{RemoteLog, StoreNode};
use server::Server;
use server::pooler::Pooler;
use std::sync::Arc;

struct Postgres {
    node: StoreNode,
    _pooler: Option<Pooler>,
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
        _pooler: None,
        _server: server,
    }
}

contract!(postgres_on(Server::shared()));

mod newest {
    use super::*;
    contract!(postgres_on(Server::shared_newest()));
}

mod pooled {
    use super::*;

    fn pooled() -> Postgres {
        let server = Server::shared();
        let pooler = Pooler::before(&server);
        Postgres {
            node: pooler.node(&server.schema(), 2),
            _pooler: Some(pooler),
            _server: server,
        }
    }

    contract!(pooled());
}
