//! The contract, held by Valkey.

mod contract;
mod redis_server;

use lclq_stores::{RemoteLog, StoreNode};
use redis_server::{Kind, Server};
use std::sync::Arc;

struct Valkey {
    node: StoreNode,
    _server: Arc<Server>,
}

impl contract::Subject for Valkey {
    type Store = RemoteLog;

    fn connect(&self) -> RemoteLog {
        self.node.open(0, Arc::new(|| {})).unwrap()
    }
}

fn valkey() -> Valkey {
    let server = Server::shared(Kind::Valkey);
    Valkey {
        node: server.node(&server.prefix(), 2),
        _server: server,
    }
}

contract!(valkey());
