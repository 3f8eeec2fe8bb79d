//! Which nodes of a cluster there are, and what each says that it runs: by rows or keys of the store, whose
//! clock is the only one that is compared. Nothing that is kept depends on it, since each log is its own fence.

use super::backend::{Backend, Link as _};
use super::limits::{BEAT_WAIT, BEATS_WAITING_MAX};
use crate::NodeError;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, mpsc as blocking};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// A node, as it says itself who it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// Another one with each start.
    pub node: Box<str>,
    /// Where other nodes reach it.
    pub address: Box<str>,
    /// What it speaks with other nodes.
    pub protocol: u32,
    /// Of its certificate.
    pub key_hash: Box<[u8]>,
}

/// A sign of life.
#[derive(Clone, Debug)]
pub struct Beat {
    /// Whose.
    pub member: Arc<Member>,
    /// It wants no more shards.
    pub draining: bool,
    /// Shards that it runs, all of them, and their epochs.
    pub owns: BTreeMap<u16, u64>,
}

/// A node as the store has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SeenMember {
    /// Who.
    pub member: Member,
    /// It wants no more shards.
    pub draining: bool,
    /// Somebody wants it to run none.
    pub drained: bool,
    /// Time since its last sign of life.
    pub silent: Duration,
}

/// What a store knows of a cluster.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cluster {
    /// Nodes, those of the last hour.
    pub members: Vec<SeenMember>,
    /// Shards by the node that said last that it runs them. That is a hint: it may be gone.
    pub owners: BTreeMap<u16, ShardOwner>,
    /// Shards that somebody wants a certain node to run.
    pub pins: BTreeMap<u16, Box<str>>,
}

/// What somebody who operates a cluster wants of it. Nodes see it with their next sign of life.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wish {
    /// A node is to run no shards, or may again.
    Drain {
        /// The node. The wish goes with it; one that isn't there has none.
        node: Box<str>,
        /// Whether it is to run none.
        drained: bool,
    },
    /// A shard is to be run by this node for as long as that lives, or by whichever node has its turn.
    Pin {
        /// The shard.
        shard: u16,
        /// The node. One that isn't there is wished for in vain.
        node: Option<Box<str>>,
    },
}

/// Who runs a shard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShardOwner {
    /// The node.
    pub node: Box<str>,
    /// Its epoch of the shard.
    pub epoch: u64,
}

/// What a node's thread is asked.
pub(crate) enum Ask {
    Beat(Box<Beat>, blocking::SyncSender<Result<Cluster, Box<str>>>),
    Look(blocking::SyncSender<Result<Cluster, Box<str>>>),
    Leave(Box<str>, blocking::SyncSender<Result<(), Box<str>>>),
    Wish(Wish, blocking::SyncSender<Result<(), Box<str>>>),
}

/// A node's way to say and hear who is there. Its calls block.
#[derive(Clone)]
pub struct Membership {
    asks: mpsc::Sender<Ask>,
}

impl Membership {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Ask>) {
        let (asks, of_thread) = mpsc::channel(BEATS_WAITING_MAX);
        (Self { asks }, of_thread)
    }

    /// Gives a sign of life, and says what this node runs. Answers what the store knows of the others.
    ///
    /// # Errors
    ///
    /// In the store's words, or because it took too long.
    pub fn beat(&self, beat: Beat) -> Result<Cluster, NodeError> {
        self.ask(|answer| Ask::Beat(Box::new(beat), answer))
    }

    /// What the store knows of nodes and shards.
    ///
    /// # Errors
    ///
    /// As [`Membership::beat`].
    pub fn look(&self) -> Result<Cluster, NodeError> {
        self.ask(Ask::Look)
    }

    /// Has the store forget a node, which runs nothing any more.
    ///
    /// # Errors
    ///
    /// As [`Membership::beat`].
    pub fn leave(&self, node: &str) -> Result<(), NodeError> {
        self.ask(|answer| Ask::Leave(node.into(), answer))
    }

    /// Has the store keep what somebody wants of the cluster.
    ///
    /// # Errors
    ///
    /// As [`Membership::beat`].
    pub fn wish(&self, wish: Wish) -> Result<(), NodeError> {
        self.ask(|answer| Ask::Wish(wish, answer))
    }

    fn ask<T>(
        &self,
        ask: impl FnOnce(blocking::SyncSender<Result<T, Box<str>>>) -> Ask,
    ) -> Result<T, NodeError> {
        let gone = || NodeError::from(io::Error::other("the store's thread is gone"));
        let (answer, answered) = blocking::sync_channel(1);
        self.asks.try_send(ask(answer)).map_err(|_| gone())?;
        // The thread gives up by itself; where it is stuck, this does.
        match answered.recv_timeout(2 * BEAT_WAIT) {
            Ok(answer) => answer.map_err(|words| NodeError::Store(words.into())),
            Err(blocking::RecvTimeoutError::Timeout) => {
                Err(NodeError::Late((2 * BEAT_WAIT).as_secs()))
            }
            Err(blocking::RecvTimeoutError::Disconnected) => Err(gone()),
        }
    }
}

/// Asks the store for as long as somebody asks this. A connection that answered with an error is made anew.
pub(super) async fn serve<B: Backend>(backend: Arc<B>, mut asks: mpsc::Receiver<Ask>) {
    let mut connected: Option<(B::Members, B::Link)> = None;
    while let Some(ask) = asks.recv().await {
        if let Some((_, link)) = &mut connected
            && timeout(Duration::ZERO, link.ended()).await.is_ok()
        {
            connected = None;
        }
        let done = timeout(BEAT_WAIT, answer(&*backend, &mut connected, &ask)).await;
        let done = done.unwrap_or_else(|_| Err("the store took too long".into()));
        if done.is_err() {
            connected = None;
        }
        // Whoever asked may have given up.
        match ask {
            Ask::Beat(_, to) | Ask::Look(to) => drop(to.try_send(done)),
            Ask::Leave(_, to) | Ask::Wish(_, to) => drop(to.try_send(done.map(drop))),
        }
    }
}

async fn answer<B: Backend>(
    backend: &B,
    connected: &mut Option<(B::Members, B::Link)>,
    ask: &Ask,
) -> Result<Cluster, Box<str>> {
    let (members, _) = match connected {
        Some(connected) => connected,
        None => connected.insert(backend.join().await?),
    };
    match ask {
        Ask::Beat(beat, _) => backend.beat(members, beat).await,
        Ask::Look(_) => backend.look(members).await,
        Ask::Leave(node, _) => backend
            .leave(members, node)
            .await
            .map(|()| Cluster::default()),
        Ask::Wish(wish, _) => backend
            .wish(members, wish)
            .await
            .map(|()| Cluster::default()),
    }
}
