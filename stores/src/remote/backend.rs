//! What a store has to be able to do, for its logs to be served.

use super::facts::Facts;
use super::membership::{Beat, Cluster, Wish};
use super::owner::Usage;
use crate::NodeError;
use lclq_shards::journal::{Answer, Append, Place};
use std::sync::Arc;

/// What a store is asked about one log.
#[derive(Debug)]
pub(crate) enum Question {
    Tail,
    Append(Append),
    Read { from: u64, bytes_max: usize },
    Trim { below: u64, provided: Place },
}

/// A connection's own task.
pub(crate) trait Link: Send {
    /// Waits until the connection is gone; says why.
    fn ended(&mut self) -> impl Future<Output = Box<str>> + Send;
}

/// A connection that is ready for a log's requests; or why there is none, in the store's words.
pub(crate) type Connected<B> =
    Result<(Arc<<B as Backend>::Session>, <B as Backend>::Link), Box<str>>;

/// A store that can be connected to, once for each log.
pub(crate) trait Backend: Send + Sync + 'static {
    /// What a shard asks with. Once nobody has it, the connection ends.
    type Session: Send + Sync + 'static;
    type Link: Link;
    /// What keeps others from it.
    type Guard: Send + 'static;
    /// What asks who is there.
    type Members: Send + Sync + 'static;

    /// What is known of it.
    fn facts(&self) -> &Facts;

    /// Makes what logs are kept in, or finds it made.
    fn make(&self) -> impl Future<Output = Result<(), NodeError>>;

    /// Keeps others from the store: all others, or those that aren't of its cluster. Waits for the one
    /// before to be gone, as [`succeed`] does.
    ///
    /// [`succeed`]: super::succeed
    fn take(&self, usage: &Usage) -> impl Future<Output = Result<Self::Guard, NodeError>>;

    /// Goes on keeping them from it, for as long as there are logs.
    fn keep(
        self: Arc<Self>,
        guard: Self::Guard,
        usage: Usage,
    ) -> impl Future<Output = ()> + Send + 'static;

    /// Makes a connection that asks who is there.
    fn join(&self) -> impl Future<Output = Result<(Self::Members, Self::Link), Box<str>>> + Send;

    /// Says what one node runs, and answers what is known of all.
    fn beat(
        &self,
        members: &Self::Members,
        beat: &Beat,
    ) -> impl Future<Output = Result<Cluster, Box<str>>> + Send;

    /// Answers what is known of all.
    fn look(
        &self,
        members: &Self::Members,
    ) -> impl Future<Output = Result<Cluster, Box<str>>> + Send;

    /// Forgets a node.
    fn leave(
        &self,
        members: &Self::Members,
        node: &str,
    ) -> impl Future<Output = Result<(), Box<str>>> + Send;

    /// Keeps what somebody wants of the cluster.
    fn wish(
        &self,
        members: &Self::Members,
        wish: &Wish,
    ) -> impl Future<Output = Result<(), Box<str>>> + Send;

    /// Makes a connection for a shard's log.
    fn connect(&self, shard: u16) -> impl Future<Output = Connected<Self>> + Send;

    /// Does what is asked. What is begun in order arrives in order; it is answered in the end, if only by
    /// [`Answer::Unknown`].
    fn answer(
        session: &Self::Session,
        shard: u16,
        question: Question,
    ) -> impl Future<Output = Answer> + Send;

    /// Whether a session has come to be of no more use.
    fn is_spent(session: &Self::Session) -> bool;
}
