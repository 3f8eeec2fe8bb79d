//! What one core has to do with shards that it doesn't reach by itself: what is under way at other nodes, what waits
//! for a shard that nobody runs, and long polls, which follow their shard.

use super::orders::Orders;
use super::ownership::Owner;
use crate::cluster::{CONNECT_WAIT, CallBody, Joined, Link};
use crate::runtime::Doorbell;
use lclq_shards::ShardHost;
use lclq_shards::command::{Command, QueueCommand, Receive, Reply, SendEntry, Token};
use lclq_shards::pubsub::command::{AdminCommand, PubsubCommand, SubscriptionRef};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Requests of one core that wait for a shard that nobody runs, long polls not counted.
pub(super) const PARKED_MAX: usize = 65_536;
/// Bytes of their messages.
pub(super) const PARKED_BYTES_MAX: usize = 64 << 20;
/// How long one waits before it is refused. Clients of the services give up trying long before.
pub(super) const HOLD: Duration = Duration::from_secs(10);
/// How long one waits before no other node is asked any more: reaching that one might take longer than is left.
pub(super) const ASKED_AGAIN_MAX: Duration = HOLD.checked_sub(CONNECT_WAIT).expect("it is longer");
/// Between two looks at what waits.
pub(super) const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// A request under way at another node.
pub(super) struct Asked {
    /// The node.
    pub number: u16,
    pub shard: u16,
    /// It may be asked of yet another.
    pub body: CallBody,
    /// It may be carried out twice.
    pub is_repeatable: bool,
    pub asked_at: Instant,
}

/// A request that waits for an owner.
pub(super) struct Parked {
    pub token: Token,
    pub shard: u16,
    pub command: Command,
    pub bytes: usize,
    pub asked_at: Instant,
    /// It was given back a moment ago.
    pub not_before: Instant,
}

/// A long poll, wherever it waits.
pub(super) struct Poll {
    pub shard: u16,
    pub at: Owner,
    pub of: PollOf,
    pub asked_at: Instant,
}

/// What a long poll waits for: what it takes to wait for the same elsewhere.
pub(super) enum PollOf {
    Queue(Receive),
    Subscription {
        subscription: SubscriptionRef,
        messages_max: u32,
        bytes_max: u64,
        wait_ms: u32,
        client: u32,
    },
    /// A stream is known to nobody but the shard's owner.
    Stream,
}

impl PollOf {
    pub fn of(command: &Command) -> Option<Self> {
        match command {
            Command::Receive(receive) => Some(Self::Queue(receive.clone())),
            Command::Pubsub(command) => match **command {
                PubsubCommand::Pull {
                    subscription,
                    messages_max,
                    bytes_max,
                    wait_ms,
                    client,
                } => Some(Self::Subscription {
                    subscription,
                    messages_max,
                    bytes_max,
                    wait_ms,
                    client,
                }),
                PubsubCommand::StreamPull { .. } => Some(Self::Stream),
                _ => None,
            },
            _ => None,
        }
    }

    /// The same command for the time that is left, or what is answered where none is.
    pub fn again(&self, waited: Duration) -> Result<Command, Reply> {
        match self {
            Self::Queue(receive) => {
                let mut receive = receive.clone();
                // How long one waits by its queue's settings, only who runs the queue knows.
                let wait = receive
                    .wait_s
                    .map(|wait_s| Duration::from_secs(wait_s.into()));
                let left = wait.unwrap_or(ASKED_AGAIN_MAX).checked_sub(waited);
                let left = left.ok_or_else(|| Reply::Received(Default::default()))?;
                receive.wait_s = receive.wait_s.map(|_| left.as_secs() as u32);
                Ok(Command::Receive(receive))
            }
            Self::Subscription {
                subscription,
                messages_max,
                bytes_max,
                wait_ms,
                client,
            } => {
                let left = Duration::from_millis((*wait_ms).into()).checked_sub(waited);
                let left = left.ok_or_else(|| Reply::Pulled(Vec::new()))?;
                Ok(Command::Pubsub(Box::new(PubsubCommand::Pull {
                    subscription: *subscription,
                    messages_max: *messages_max,
                    bytes_max: *bytes_max,
                    wait_ms: left.as_millis() as u32,
                    client: *client,
                })))
            }
            Self::Stream => Err(Reply::Refused(lclq_shards::command::Refusal::Unreachable)),
        }
    }
}

/// A shard that this core has given up and that isn't wholly in the store yet.
pub(super) struct Closing {
    pub shard: u16,
    pub host: Box<ShardHost>,
    pub since: Instant,
}

/// What a core of a node knows of others.
pub(super) struct Away {
    pub joined: Arc<Joined>,
    pub orders: Arc<Orders>,
    /// By the node's number.
    pub links: RefCell<HashMap<u16, Rc<Link>>>,
    pub asked: RefCell<HashMap<Token, Asked>>,
    pub parked: RefCell<VecDeque<Parked>>,
    pub parked_bytes: Cell<usize>,
    /// Those of them that somebody still waits for; of the others, nothing is left after the next look.
    pub waits: RefCell<HashSet<Token>>,
    pub polls: RefCell<HashMap<Token, Poll>>,
    /// Requests that other nodes have asked here; they take back themselves what isn't here any more.
    pub served: RefCell<HashSet<Token>>,
    pub closing: RefCell<Vec<Closing>>,
    /// Rung when this core has got a shard.
    pub opened: RefCell<Vec<Doorbell>>,
    /// A task looks at what waits.
    pub looks: Cell<bool>,
}

impl Away {
    pub fn new(joined: Arc<Joined>, orders: Arc<Orders>) -> Self {
        Self {
            joined,
            orders,
            links: RefCell::default(),
            asked: RefCell::default(),
            parked: RefCell::default(),
            parked_bytes: Cell::new(0),
            waits: RefCell::default(),
            polls: RefCell::default(),
            served: RefCell::default(),
            closing: RefCell::default(),
            opened: RefCell::default(),
            looks: Cell::new(false),
        }
    }

    /// Has a request wait for an owner.
    pub fn keep_parked(&self, parked: Parked) {
        self.waits.borrow_mut().insert(parked.token);
        self.parked_bytes
            .set(self.parked_bytes.get() + parked.bytes);
        self.parked.borrow_mut().push_back(parked);
    }
}

/// Bytes of messages that a command carries.
pub(super) fn bytes_of(command: &Command) -> usize {
    match command {
        Command::Send { entries, .. } => entries
            .iter()
            .map(|entry| entry.payload.memory_bytes())
            .sum(),
        Command::Transfer(transfer) => transfer.payload.memory_bytes(),
        Command::Pubsub(command) => match &**command {
            PubsubCommand::Publish { messages, .. } => {
                messages.iter().map(|message| message.len()).sum()
            }
            _ => 0,
        },
        _ => 0,
    }
}

/// Whether a command may be asked again where nobody knows whether it was carried out: it changes nothing, or
/// the same once more, or a second time is told from the first.
pub(super) fn is_repeatable(command: &Command) -> bool {
    let is_deduplicated = |entry: &SendEntry| {
        let section = lclq_shards::Section::Deduplication;
        entry.payload.section(section).is_some()
    };
    match command {
        Command::Send { entries, .. } => entries.iter().all(is_deduplicated),
        Command::Receive(_) | Command::Delete { .. } | Command::ChangeVisibility { .. } => true,
        // Sent again by its shard.
        Command::Transfer(_) => false,
        Command::Queue(command) => !matches!(
            **command,
            QueueCommand::StartMove { .. }
                | QueueCommand::CancelMove(..)
                | QueueCommand::Export(_)
                | QueueCommand::Import(_)
        ),
        Command::Pubsub(command) => match &**command {
            PubsubCommand::Publish { .. } => false,
            PubsubCommand::Admin(command) => matches!(
                **command,
                AdminCommand::Get { .. }
                    | AdminCommand::List { .. }
                    | AdminCommand::ListOfTopic { .. }
                    | AdminCommand::Peek { .. }
                    | AdminCommand::ListStreams { .. }
                    | AdminCommand::Follow { .. }
                    | AdminCommand::Release { .. }
            ),
            // A stream is gone with the node that ran its shard.
            PubsubCommand::OpenStream { .. }
            | PubsubCommand::Pull { .. }
            | PubsubCommand::Acknowledge { .. }
            | PubsubCommand::ModifyDeadline { .. }
            | PubsubCommand::ReturnDeliveries { .. } => true,
            PubsubCommand::StreamPull { .. }
            | PubsubCommand::SetStreamDeadline { .. }
            | PubsubCommand::CloseStream { .. } => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lclq_shards::command::QueueRef;

    fn receive(wait_s: Option<u32>) -> PollOf {
        PollOf::Queue(Receive {
            queue: QueueRef {
                shard: 0,
                slot: 0,
                id: 1,
            },
            messages_max: 1,
            visibility_timeout_s: None,
            wait_s,
            attempt: None,
            client: 0,
        })
    }

    fn left(of: &PollOf, waited_s: u64) -> Option<Option<u32>> {
        match of.again(Duration::from_secs(waited_s)) {
            Ok(Command::Receive(receive)) => Some(receive.wait_s),
            Ok(_) => panic!("another command"),
            Err(_) => None,
        }
    }

    #[test]
    fn a_receive_waits_for_what_is_left_of_its_time() {
        assert_eq!(left(&receive(Some(20)), 5), Some(Some(15)));
        assert_eq!(left(&receive(Some(20)), 21), None);
        assert_eq!(left(&receive(Some(0)), 1), None);
    }

    #[test]
    fn one_without_a_time_of_its_own_waits_as_long_as_any_request() {
        let wait_s = ASKED_AGAIN_MAX.as_secs();
        assert_eq!(left(&receive(None), wait_s - 1), Some(None));
        assert_eq!(left(&receive(None), wait_s + 1), None);
    }
}
