//! The contract, held by Redis.

mod contract;
mod redis_server;

use lclq_stores::{RemoteLog, StoreNode};
use redis_server::{Kind, Server};
use std::sync::Arc;

struct Redis {
    node: StoreNode,
    _server: Arc<Server>,
}

impl contract::Subject for Redis {
    type Store = RemoteLog;

    fn connect(&self) -> RemoteLog {
        self.node.open(0, Arc::new(|| {})).unwrap()
    }
}

fn redis() -> Redis {
    let server = Server::shared(Kind::Redis);
    Redis {
        node: server.node(&server.prefix(), 2),
        _server: server,
    }
}

contract!(redis());
