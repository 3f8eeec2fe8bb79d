//! Bringing a shard back from what its journal kept, and handing over what it has to keep.

use super::Shard;
use super::lists::Arrival;
use super::restored_times::bring_in_line;
use crate::Millis;
use crate::epochs::first_number;
use crate::records::Op;
use std::collections::HashMap;

/// Queue slots by id while a shard is restored.
#[derive(Default)]
pub(crate) struct Restoring {
    slots: HashMap<u64, u32>,
    pub topics: HashMap<u64, u32>,
    pub subscriptions: HashMap<u64, u32>,
    /// Entries of acknowledged messages.
    pub acked: Vec<u32>,
}

impl Shard {
    /// Takes one piece of the kept state. Pieces come in the order of [`crate::journal::Journal`].
    pub(crate) fn restore(&mut self, state: &mut Restoring, mut op: Op) {
        bring_in_line(&mut op, self.now);
        match op {
            Op::Reserve { sequence, queue_id } => {
                self.next_sequence = self.next_sequence.max(sequence);
                self.next_queue_id = self.next_queue_id.max(queue_id);
                self.reserved = (self.next_sequence, self.next_queue_id);
                self.batch_first_sequence = self.next_sequence;
            }
            Op::PutQueue(record) => {
                let id = record.id;
                let slot = self.add_queue(*record);
                state.slots.insert(id, slot);
            }
            Op::Insert(record) => {
                let Some(slot) = state.slots.get(&record.queue_id).copied() else {
                    return;
                };
                if record.sequence < self.queues[slot].cold.purged_below {
                    return;
                }
                let place = self.place_message(
                    slot,
                    record.sequence,
                    Arrival {
                        payload: record.payload,
                        receive_count: record.receive_count,
                        base_count: record.base_count,
                        first_received_at: record.first_received_at,
                        available_at: record.available_at,
                    },
                );
                self.restored.push((record.sequence, place));
            }
            Op::Leased {
                sequence,
                received_at,
                until,
            } => self.restore_lease(sequence, received_at, until),
            Op::Dedup {
                queue_id,
                key,
                entry,
            } => {
                let Some(slot) = state.slots.get(&queue_id).copied() else {
                    return;
                };
                let purged = entry.sequence < self.queues[slot].cold.purged_below;
                if !purged && entry.expires_at > self.now {
                    self.remember(slot, key, entry);
                }
            }
            Op::OutboxPut(transfer) => {
                let outbox = &mut self.outboxes[usize::from(transfer.target)];
                outbox.last_number = outbox.last_number.max(transfer.number);
                outbox.waiting.push_back(transfer.clone());
                self.outgoing.push(transfer);
            }
            Op::OutboxDelete { target, up_to } => {
                let outbox = &mut self.outboxes[usize::from(target)];
                outbox.last_number = outbox.last_number.max(up_to);
            }
            Op::Inbox { source, up_to } => {
                let inbox = &mut self.inboxes[usize::from(source)];
                *inbox = (*inbox).max(up_to);
            }
            Op::PutTopic(_)
            | Op::PutSubscription(_)
            | Op::PutSchema(_)
            | Op::Publish(_)
            | Op::Delivery { .. } => self.restore_pubsub(state, op),
            Op::DropTopic(_)
            | Op::DropSubscription(_)
            | Op::DropSchema(_)
            | Op::Unpublish { .. }
            | Op::ResetDeliveries { .. } => debug_assert!(false, "not a piece of kept state"),
            Op::DropQueue(_) | Op::Received { .. } | Op::Delete(_) | Op::Nothing => {
                debug_assert!(false, "not a piece of kept state");
            }
        }
    }

    /// Somebody has a message still, by a handle that an earlier owner gave out.
    fn restore_lease(&mut self, sequence: u64, received_at: Millis, until: Millis) {
        let restored = &self.restored;
        let Ok(at) = restored.binary_search_by_key(&sequence, |(sequence, _)| *sequence) else {
            return;
        };
        let slot = restored[at].1;
        let message = &mut self.messages[slot];
        if until <= self.now || message.receive_count == 0 {
            return;
        }
        message.received_after_ms = message.offset(received_at);
        self.hold_in_flight(self.messages[slot].queue, slot, until);
    }

    /// Begins a run of the shard. An epoch is durable before it is used, so numbers that begin with
    /// it were never given out before, not even by what a crash of the machine took back. Were they
    /// used again, an old receipt handle would name another message, and another shard would take a
    /// transfer for one that it has.
    pub(crate) fn begin_epoch(&mut self, epoch: u64) {
        let first = first_number(epoch);
        self.next_sequence = self.next_sequence.max(first);
        self.next_queue_id = self.next_queue_id.max(first);
        self.reserved = (self.next_sequence, self.next_queue_id);
        self.batch_first_sequence = self.next_sequence;
        // A clock may show the same time at two starts.
        self.pubsub.run = epoch;
        self.pubsub.next_stream = self.pubsub.next_stream.max(first);
        for outbox in &mut self.outboxes {
            outbox.last_number = outbox.last_number.max(first);
        }
    }

    /// Hands over the changes since the last call, and opens a new batch.
    pub(crate) fn take_ops(&mut self) -> Vec<Op> {
        let mut ops = std::mem::take(&mut self.ops);
        for (slot, sequence) in std::mem::take(&mut self.dirty) {
            let Some(message) = self.messages.get_mut(slot) else {
                continue;
            };
            if message.sequence == sequence {
                message.count_dirty = false;
                ops.push(Op::Received {
                    sequence,
                    receive_count: message.receive_count,
                    first_received_at: message.first_received_at().unwrap_or(0),
                });
                if self.keeps_leases {
                    ops.push(self.kept_lease(slot));
                }
            }
        }
        self.batch_first_sequence = self.next_sequence;
        self.batch_inserts.clear();
        ops
    }

    /// Whether there are changes that no batch has yet.
    pub(crate) fn has_ops(&self) -> bool {
        !self.ops.is_empty() || !self.dirty.is_empty()
    }
}
