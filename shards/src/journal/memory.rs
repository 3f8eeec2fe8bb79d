//! A journal in memory that can lose its tail: for simulations and tests.

use super::{
    Batch, Completion, Journal, JournalError, MessageRecord, Op, PublishedRecord, QueueRecord,
};
use crate::Millis;
use crate::dedup::{DedupEntry, DedupKey};
use crate::moves::Transfer;
use crate::pubsub::{SchemaRecord, SubscriptionRecord, TopicRecord};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

/// What has been committed, as a map per kind.
#[derive(Clone, Default, Debug)]
struct Kept {
    next: (u64, u64),
    queues: BTreeMap<u64, QueueRecord>,
    messages: BTreeMap<u64, MessageRecord>,
    dedup: BTreeMap<u64, (u64, DedupKey, DedupEntry)>,
    outbox: BTreeMap<(u16, u64), Transfer>,
    confirmed: BTreeMap<u16, u64>,
    inbox: BTreeMap<u16, u64>,
    topics: BTreeMap<u64, TopicRecord>,
    subscriptions: BTreeMap<u64, SubscriptionRecord>,
    schemas: BTreeMap<u64, SchemaRecord>,
    published: BTreeMap<u64, PublishedRecord>,
    /// By sequence number and subscription: acknowledged, failures.
    deliveries: BTreeMap<(u64, u64), (bool, u32)>,
}

#[derive(Default, Debug)]
struct Disk {
    kept: Kept,
    epoch: u64,
    /// Batches with the time of their first possible change.
    waiting: VecDeque<(Batch, Millis)>,
    completions: VecDeque<u64>,
    failing: bool,
    /// States before the latest batches, where a lost tail is to be simulated.
    history: VecDeque<(Kept, Millis)>,
    history_max: usize,
    now: Millis,
    /// When the batch before the latest was handed over: no change of the latest is older.
    handed_over_at: Millis,
}

/// Commits when it is told to, and survives the shard that writes to it. Clones share the disk.
#[derive(Clone, Default, Debug)]
pub struct MemoryJournal(Rc<RefCell<Disk>>);

impl MemoryJournal {
    /// An empty journal.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the batch under way durable. Answers whether there was one.
    pub fn complete(&self) -> bool {
        let mut disk = self.0.borrow_mut();
        if disk.failing {
            return false;
        }
        let Some((batch, since)) = disk.waiting.pop_front() else {
            return false;
        };
        if disk.history_max > 0 {
            if disk.history.len() >= disk.history_max {
                disk.history.pop_front();
            }
            let before = (disk.kept.clone(), since);
            disk.history.push_back(before);
        }
        for op in batch.ops {
            disk.kept.keep(op);
        }
        disk.completions.push_back(batch.number);
        true
    }

    /// Whether a batch is under way.
    pub fn is_busy(&self) -> bool {
        !self.0.borrow().waiting.is_empty()
    }

    /// The process dies: what is not durable is gone.
    pub fn crash(&self) {
        let mut disk = self.0.borrow_mut();
        disk.waiting.clear();
        disk.completions.clear();
    }

    /// From now on the last `batches` can be lost by [`MemoryJournal::lose_tail`].
    pub fn keep_history(&self, batches: usize) {
        self.0.borrow_mut().history_max = batches;
    }

    /// Tells the journal the time, which it remembers with each batch.
    pub fn set_now(&self, now: Millis) {
        self.0.borrow_mut().now = now;
    }

    /// The machine died and the disk had not yet written the last `batches`. Answers since when
    /// changes are lost, if any are.
    pub fn lose_tail(&self, batches: usize) -> Option<Millis> {
        let mut disk = self.0.borrow_mut();
        let mut lost = None;
        for _ in 0..batches {
            let Some((kept, at)) = disk.history.pop_back() else {
                break;
            };
            disk.kept = kept;
            lost = Some(lost.unwrap_or(at).min(at));
        }
        lost
    }

    /// A disk that fails: commits neither succeed nor are lost until it works again.
    pub fn set_failing(&self, failing: bool) {
        self.0.borrow_mut().failing = failing;
    }
}

impl Journal for MemoryJournal {
    fn load(&mut self, visit: &mut dyn FnMut(Op)) -> Result<u64, JournalError> {
        let kept = {
            let mut disk = self.0.borrow_mut();
            disk.epoch += 1;
            disk.kept.clone()
        };
        kept.visit(visit);
        Ok(self.0.borrow().epoch)
    }

    fn commit(&mut self, epoch: u64, batch: Batch) {
        let mut disk = self.0.borrow_mut();
        assert_eq!(epoch, disk.epoch, "a commit of an epoch that is over");
        let since = disk.handed_over_at;
        disk.handed_over_at = disk.now;
        disk.waiting.push_back((batch, since));
    }

    fn poll(&mut self) -> Option<Completion> {
        let mut disk = self.0.borrow_mut();
        if disk.failing && !disk.waiting.is_empty() {
            let number = disk.waiting[0].0.number;
            let full = JournalError::Corrupt("the simulated disk is full".to_owned());
            return Some(Completion::Failed(number, full));
        }
        disk.completions.pop_front().map(Completion::Committed)
    }
}

impl Kept {
    fn keep(&mut self, op: Op) {
        match op {
            Op::PutQueue(record) => {
                self.queues.insert(record.id, *record);
            }
            Op::DropQueue(id) => {
                self.queues.remove(&id);
            }
            Op::Insert(record) => {
                let before = self.messages.insert(record.sequence, record);
                assert!(before.is_none(), "a sequence number was used twice");
            }
            Op::Received {
                sequence,
                receive_count,
                first_received_at,
            } => {
                if let Some(record) = self.messages.get_mut(&sequence) {
                    record.receive_count = receive_count;
                    record.first_received_at = first_received_at;
                }
            }
            Op::Delete(sequence) => {
                self.messages.remove(&sequence);
            }
            Op::Dedup {
                queue_id,
                key,
                entry,
            } => {
                self.dedup.insert(entry.sequence, (queue_id, key, entry));
            }
            Op::OutboxPut(transfer) => {
                self.outbox
                    .insert((transfer.target, transfer.number), *transfer);
            }
            Op::OutboxDelete { target, up_to } => {
                self.outbox
                    .retain(|(to, number), _| *to != target || *number > up_to);
                self.confirmed.insert(target, up_to);
            }
            Op::Inbox { source, up_to } => {
                self.inbox.insert(source, up_to);
            }
            Op::Reserve { sequence, queue_id } => self.next = (sequence, queue_id),
            Op::PutTopic(record) => {
                self.topics.insert(record.id, *record);
            }
            Op::DropTopic(id) => {
                self.topics.remove(&id);
            }
            Op::PutSubscription(record) => {
                self.subscriptions.insert(record.id, *record);
            }
            Op::DropSubscription(id) => {
                self.subscriptions.remove(&id);
            }
            Op::PutSchema(record) => {
                self.schemas.insert(record.id, *record);
            }
            Op::DropSchema(id) => {
                self.schemas.remove(&id);
            }
            Op::Publish(record) => {
                let before = self.published.insert(record.sequence, record);
                assert!(before.is_none(), "a sequence number was used twice");
            }
            Op::Unpublish { sequence, has_rows } => {
                self.published.remove(&sequence);
                if has_rows {
                    self.deliveries.retain(|(of, _), _| *of != sequence);
                }
            }
            Op::Delivery {
                subscription_id,
                sequence,
                acked,
                failures,
            } => {
                self.deliveries
                    .insert((sequence, subscription_id), (acked, failures));
            }
            Op::ResetDeliveries { subscription_id } => {
                self.deliveries.retain(|(_, of), _| *of != subscription_id);
            }
            Op::Nothing => {}
        }
    }

    fn visit(self, visit: &mut dyn FnMut(Op)) {
        let (sequence, queue_id) = self.next;
        visit(Op::Reserve {
            sequence: sequence.max(1),
            queue_id: queue_id.max(1),
        });
        for record in self.queues.into_values() {
            visit(Op::PutQueue(Box::new(record)));
        }
        for record in self.messages.into_values() {
            visit(Op::Insert(record));
        }
        for (queue_id, key, entry) in self.dedup.into_values() {
            visit(Op::Dedup {
                queue_id,
                key,
                entry,
            });
        }
        for (target, up_to) in self.confirmed {
            visit(Op::OutboxDelete { target, up_to });
        }
        for transfer in self.outbox.into_values() {
            visit(Op::OutboxPut(Box::new(transfer)));
        }
        for (source, up_to) in self.inbox {
            visit(Op::Inbox { source, up_to });
        }
        for record in self.topics.into_values() {
            visit(Op::PutTopic(Box::new(record)));
        }
        for record in self.subscriptions.into_values() {
            visit(Op::PutSubscription(Box::new(record)));
        }
        for record in self.schemas.into_values() {
            visit(Op::PutSchema(Box::new(record)));
        }
        for record in self.published.into_values() {
            visit(Op::Publish(record));
        }
        for ((sequence, subscription_id), (acked, failures)) in self.deliveries {
            visit(Op::Delivery {
                subscription_id,
                sequence,
                acked,
                failures,
            });
        }
    }
}
