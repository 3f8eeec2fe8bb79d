//! Bringing topics and subscriptions back from what the journal kept.

use super::state::EntryState;
use crate::records::{NEVER_HAD, Op};
use crate::shard::Shard;
use crate::shard::restoring::Restoring;
use crate::slab::NONE;

impl Shard {
    /// Takes one piece of the kept state. Pieces come in the order of
    /// [`crate::journal::Journal`].
    pub(crate) fn restore_pubsub(&mut self, state: &mut Restoring, op: Op) {
        match op {
            Op::PutTopic(record) => {
                let id = record.id;
                let slot = self.add_topic(*record);
                state.topics.insert(id, slot);
            }
            Op::PutSubscription(record) => {
                let Some(topic) = state.topics.get(&record.topic_id).copied() else {
                    return;
                };
                let id = record.id;
                let slot = self.add_subscription(*record, topic);
                state.subscriptions.insert(id, slot);
            }
            Op::PutSchema(record) => {
                self.add_schema(*record);
            }
            Op::Publish(record) => {
                let Some(topic) = state.topics.get(&record.topic_id).copied() else {
                    return;
                };
                let stored = self.store(
                    topic,
                    record.sequence,
                    record.published_at,
                    record.bytes,
                    record.returned,
                );
                for at in 0..self.pubsub.topics[topic].readers.len() {
                    let slot = self.pubsub.topics[topic].readers[at];
                    let reader = &self.pubsub.subscriptions[slot];
                    let is_snapshot = reader.snapshot_expires_at.is_some();
                    let retention_ms = self.pubsub.topics[topic].retention_ms(&reader.settings);
                    let until = record.published_at + retention_ms;
                    if record.sequence >= reader.floor
                        && (is_snapshot || until > self.now)
                        && reader.passes(&self.pubsub.stored[stored].bytes)
                    {
                        let entry = self.add_entry(slot, stored);
                        self.pubsub.subscriptions[slot]
                            .restored
                            .push((record.sequence, entry));
                    }
                }
            }
            Op::Delivery {
                subscription_id,
                sequence,
                acked,
                failures,
            } => {
                let Some(slot) = state.subscriptions.get(&subscription_id).copied() else {
                    return;
                };
                let restored = &self.pubsub.subscriptions[slot].restored;
                let Ok(at) = restored.binary_search_by_key(&sequence, |(sequence, _)| *sequence)
                else {
                    return;
                };
                let entry = restored[at].1;
                let stored = self.pubsub.entries[entry].stored;
                self.pubsub.stored[stored].has_rows = true;
                if !acked {
                    self.pubsub.entries[entry].failures = failures;
                } else {
                    self.withdraw_entry(entry);
                    self.pubsub.entries[entry].state = EntryState::Acked;
                    let snapshot = self.pubsub.subscriptions[slot]
                        .snapshot_expires_at
                        .is_some();
                    let retain_acked = self.pubsub.subscriptions[slot].settings.retain_acked;
                    if snapshot || !retain_acked || failures == NEVER_HAD {
                        state.acked.push(entry);
                    }
                }
            }
            _ => debug_assert!(false, "not a piece of kept state"),
        }
    }

    /// All pieces have come: what nobody holds any more is dropped.
    pub(crate) fn finish_restoring(&mut self, state: Restoring) {
        // Last, so that slots in `restored` mean what they did while rows were read.
        for entry in state.acked {
            self.drop_entry(entry);
        }
        for topic in state.topics.into_values() {
            let mut at = self.pubsub.topics[topic].messages.head;
            while at != NONE {
                let stored = &self.pubsub.stored[at];
                let newer = stored.newer;
                if stored.refs == 0 && !stored.retained {
                    self.forget_stored(at);
                }
                at = newer;
            }
            if self.pubsub.topics[topic].deleted {
                self.pubsub.topic_ghosts.push(topic);
            }
        }
    }
}
