//! One queue: its settings, counts and the ends of its lists.

use crate::attributes::{AttributeMap, QueueConfig};
use crate::command::{Counts, Description, QueueRef};
use crate::dedup::DedupWindow;
use crate::figures::Traffic;
use crate::message::{Ends, Message};
use crate::moves::MoveTask;
use crate::records::QueueRecord;
use crate::slab::{NONE, Slab};
use crate::{Millis, QueueName};
use hashbrown::HashTable;
use std::collections::{BTreeMap, VecDeque};

/// Move tasks that a queue remembers.
pub(crate) const MOVES_MAX: usize = 10;
/// Receive attempts that a FIFO queue remembers.
pub(crate) const ATTEMPTS_MAX: usize = 1000;

pub(crate) struct Queue {
    pub id: u64,
    pub config: QueueConfig,
    /// Groups with a message to give, in the order of their turns.
    pub ready_groups: Ends,
    /// All messages, oldest first.
    pub ages: Ends,
    /// Messages by state.
    pub counts: Counts,
    /// Memory that they take.
    pub bytes: u64,
    /// What has passed.
    pub traffic: Traffic,
    /// The group of messages without a group id (standard queues).
    pub ungrouped: u32,
    /// Slots of the other groups that hold messages, by the hash of their id.
    pub groups: HashTable<u32>,
    /// Long polls, in order of arrival.
    pub waiters: Ends,
    /// Deadline of the oldest message's retention.
    pub retention_timer: u32,
    pub dedup_timer: u32,
    pub move_timer: u32,
    /// Ends of this queue's links in the list of queues by use.
    pub used_prev: u32,
    pub used_next: u32,
    /// When it was used last, in uses (only kept for that eviction policy).
    pub used: u64,
    /// No longer reachable by name; what it holds is being removed.
    pub ghost: bool,
    pub cold: Box<Cold>,
}

/// What is seldom looked at, kept out of the way of what is.
pub(crate) struct Cold {
    pub name: QueueName,
    pub attributes: AttributeMap,
    pub tags: BTreeMap<String, String>,
    pub created_at: Millis,
    pub modified_at: Millis,
    pub purged_at: Option<Millis>,
    pub purged_below: u64,
    pub moves: Vec<MoveTask>,
    pub dedup_secret: Option<[u8; 16]>,
    pub dedup: DedupWindow,
    pub attempts: VecDeque<Attempt>,
}

/// A receive that can be repeated (ReceiveRequestAttemptId).
pub(crate) struct Attempt {
    pub id: Box<str>,
    pub expires_at: Millis,
    /// Slot, sequence number and receive count of each message given.
    pub given: Vec<(u32, u64, u32)>,
}

impl Queue {
    pub fn new(record: QueueRecord) -> Self {
        Self {
            id: record.id,
            config: QueueConfig::derive(&record.attributes),
            ready_groups: Ends::default(),
            ages: Ends::default(),
            bytes: 0,
            counts: Counts::default(),
            traffic: Traffic::default(),
            ungrouped: NONE,
            groups: HashTable::new(),
            waiters: Ends::default(),
            retention_timer: NONE,
            dedup_timer: NONE,
            move_timer: NONE,
            used_prev: NONE,
            used_next: NONE,
            used: 0,
            ghost: false,
            cold: Box::new(Cold {
                name: record.name,
                attributes: record.attributes,
                tags: record.tags,
                created_at: record.created_at,
                modified_at: record.modified_at,
                purged_at: None,
                purged_below: record.purged_below,
                moves: record.moves,
                dedup_secret: record.dedup_secret,
                dedup: DedupWindow::default(),
                attempts: VecDeque::new(),
            }),
        }
    }

    pub fn record(&self) -> QueueRecord {
        let cold = &self.cold;
        QueueRecord {
            id: self.id,
            name: cold.name.clone(),
            attributes: cold.attributes.clone(),
            tags: cold.tags.clone(),
            created_at: cold.created_at,
            modified_at: cold.modified_at,
            purged_below: cold.purged_below,
            moves: cold.moves.clone(),
            dedup_secret: cold.dedup_secret,
        }
    }

    pub fn describe(&self, queue: QueueRef, messages: &Slab<Message>) -> Description {
        let cold = &self.cold;
        Description {
            queue,
            name: cold.name.clone(),
            attributes: cold.attributes.clone(),
            tags: cold.tags.clone(),
            created_at: cold.created_at,
            modified_at: cold.modified_at,
            counts: self.counts,
            memory_bytes: self.bytes,
            traffic: self.traffic,
            oldest_at: messages
                .get(self.ages.head)
                .map(|oldest| oldest.payload.sent_at()),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.ages.is_empty()
    }
}
