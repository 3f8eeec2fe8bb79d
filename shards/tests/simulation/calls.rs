//! Requests of clients under way.

use lclq_shards::Millis;
use lclq_shards::command::LeaseRef;

/// What a client asked for.
#[derive(Debug)]
pub enum Asked {
    /// Messages by number.
    Send(Vec<u64>),
    Receive {
        visibility_s: u32,
        attempt: Option<Box<str>>,
    },
    Delete(Vec<LeaseUse>),
    Change(Vec<(LeaseUse, u32)>),
    Create,
    Resolve,
    /// Numbers of the messages that were there, and whether surely.
    Purge(Vec<(u64, bool)>),
    DeleteQueue(Vec<(u64, bool)>),
    StartMove([u8; 16]),
    CancelMove,
    /// A retention, s, and perhaps a delay, s.
    SetAttributes(u32, Option<u32>),
    /// Receives that reached nobody.
    GiveBack(Vec<LeaseRef>),
}

/// A lease that is used, and what the oracle knew of it when the shard saw the request.
#[derive(Debug)]
pub struct LeaseUse {
    pub lease: LeaseRef,
    /// Receive from which on the lease is one of an earlier run of the shard.
    pub known: Known,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Known {
    /// The message is there, and the lease is its latest and not over.
    Current,
    /// The message is there, and the lease isn't current.
    Over,
    /// The message isn't where the lease says.
    Gone,
    /// No telling.
    Unsure,
}

/// One request.
#[derive(Debug)]
pub struct Call {
    pub core: usize,
    pub shard: u16,
    /// Index of the queue in the plan.
    pub queue: usize,
    pub asked: Asked,
    /// Place among all that shards were asked, and when; 0 until the shard sees it.
    pub order: u64,
    pub at: Millis,
    pub long_poll: bool,
    /// Its client has gone: it may or may not be answered.
    pub cancelled: bool,
}
