//! The contract, held by Redis and Valkey.

mod contract;
mod redis_server;

use lclq_stores::{RemoteLog, StoreNode};
use redis_server::{Kind, Server};
use std::sync::Arc;

struct Store {
    node: StoreNode,
    _server: Arc<Server>,
}

impl contract::Subject for Store {
    type Store = RemoteLog;

    fn connect(&self) -> RemoteLog {
        self.node.open(0, Arc::new(|| {})).unwrap()
    }
}

fn store(kind: Kind) -> Store {
    let server = Server::shared(kind);
    Store {
        node: server.node(&server.prefix(), 2),
        _server: server,
    }
}

mod redis {
    use super::*;

    contract!(store(Kind::Redis));
}

mod valkey {
    use super::*;

    contract!(store(Kind::Valkey));
}
