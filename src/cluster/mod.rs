//! Several servers on one store, each of which runs a part of the shards and answers any request.
//!
//! A thread beside the cores (`control`) gives a sign of life each second, sees who else is there and what they
//! run, and decides what this node takes over and hands over (`plan`). It is only about who does something: two
//! nodes that take the same shard cost time, and the shard's log picks one. Cores ask other nodes by a
//! connection of their own to each (`link`), and answer those of others (`serving`); what goes over them is in
//! `wire`. What waits at a core for other nodes, or for a shard that nobody runs, is in [`crate::mesh`].

mod control;
mod identity;
mod link;
mod overview;
mod peers;
mod plan;
mod serving;
mod wire;

pub use control::{Control, News, Takes};
pub use identity::Identity;
pub use link::{CONNECT_WAIT, CallBody, Link, Lost};
pub use overview::{NodeState, NodeView, Overview};
pub use peers::{Peer, Peers};
pub use plan::SILENCE_MAX;
pub use serving::serve;
pub use wire::{PROTOCOL, command_body, decode};

use crate::hex;
use crate::runtime::{SharedListener, Shutdown};
use lclq_stores::{Cluster, Member, Membership};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

/// Random bytes in a node's name.
const NAME_BYTES: usize = 12;

/// How a server is a node.
#[derive(Clone, Debug)]
pub struct ClusterConfig {
    /// Where other nodes reach it; port 0 takes a free one.
    pub address: SocketAddr,
}

/// What all cores of a node share.
pub struct Joined {
    /// Who it is.
    pub member: Arc<Member>,
    /// How others know it.
    pub identity: Identity,
    /// Others.
    pub peers: Peers,
    /// What it knows of them, and they of it.
    pub membership: Membership,
    /// Where it is reached by others.
    pub listener: SharedListener,
    /// What its control hears.
    pub news: mpsc::Sender<News>,
    /// It has taken over, once, what was to be had.
    pub settled: Shutdown,
    /// Cores that have not closed.
    pub cores: AtomicUsize,
    /// What the store last said.
    seen: Mutex<Arc<Cluster>>,
}

impl Joined {
    /// Takes a port for other nodes, and a name.
    pub fn new(
        listener: SharedListener,
        membership: Membership,
        cores: usize,
    ) -> io::Result<(Self, mpsc::Receiver<News>)> {
        let mut random = [0; NAME_BYTES];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let identity = Identity::new()?;
        let member = Member {
            node: hex::text(&random).into(),
            address: listener.local_addr().to_string().into(),
            protocol: PROTOCOL,
            key_hash: identity.hash().into(),
        };
        let (news, heard) = mpsc::channel();
        let joined = Self {
            member: Arc::new(member),
            identity,
            peers: Peers::default(),
            membership,
            listener,
            news,
            settled: Shutdown::new(),
            cores: AtomicUsize::new(cores),
            seen: Mutex::default(),
        };
        Ok((joined, heard))
    }

    /// The store has said this.
    fn saw(&self, cluster: Arc<Cluster>) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = cluster;
    }

    /// What the store last said of all nodes, about a second ago at most while it answers.
    pub fn seen(&self) -> Arc<Cluster> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.clone()
    }

    /// A core has closed. Answers whether it was the last.
    pub fn is_last_core(&self) -> bool {
        self.cores.fetch_sub(1, Ordering::SeqCst) == 1
    }

    /// Tells control. It hears as long as there are cores.
    pub fn tell(&self, news: News) {
        let _ = self.news.send(news);
    }
}
