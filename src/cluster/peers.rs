//! The other nodes, by number, so that who runs a shard is one word.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

/// Nodes that a process can have met: each start of a server is another one.
const PEERS_MAX: usize = 60_000;

/// Another node.
#[derive(Debug)]
pub struct Peer {
    /// Its number in this process. No other node ever has it.
    pub number: u16,
    /// Its name.
    pub node: Box<str>,
    /// Where it is reached.
    pub address: SocketAddr,
    /// What its certificate is told by.
    pub key_hash: Box<[u8]>,
}

/// The nodes that this process has met.
#[derive(Default, Debug)]
pub struct Peers(RwLock<Vec<Arc<Peer>>>);

impl Peers {
    /// By its number.
    pub fn get(&self, number: u16) -> Option<Arc<Peer>> {
        let met = self.0.read().unwrap_or_else(PoisonError::into_inner);
        met.get(usize::from(number)).cloned()
    }

    /// By its name.
    pub fn named(&self, node: &str) -> Option<Arc<Peer>> {
        let met = self.0.read().unwrap_or_else(PoisonError::into_inner);
        met.iter().rev().find(|peer| &*peer.node == node).cloned()
    }

    /// By its name; makes it known if it isn't. `None` if there is no number left.
    pub fn meet(&self, node: &str, address: SocketAddr, key_hash: &[u8]) -> Option<Arc<Peer>> {
        let mut met = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // The latest are the likeliest to be met again.
        if let Some(peer) = met.iter().rev().find(|peer| &*peer.node == node) {
            return Some(peer.clone());
        }
        if met.len() >= PEERS_MAX {
            return None;
        }
        let peer = Arc::new(Peer {
            number: met.len() as u16,
            node: node.into(),
            address,
            key_hash: key_hash.into(),
        });
        met.push(peer.clone());
        Some(peer)
    }
}
