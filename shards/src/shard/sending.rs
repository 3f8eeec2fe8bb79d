//! SendMessage and SendMessageBatch.

use super::lists::Arrival;
use super::timer::Timer;
use super::{Hold, Shard};
use crate::Millis;
use crate::command::{Refusal, Reply, SendEntry, SendError, Sent, Token};
use crate::dedup::{DEDUP_BYTES, DedupEntry, WINDOW_MS, dedup_key};
use crate::journeys::Step;
use crate::payload::Section;
use crate::records::Op;
use crate::slab::NONE;
use smallvec::SmallVec;

impl Shard {
    pub(crate) fn send(
        &mut self,
        token: Token,
        queue_slot: u32,
        entries: SmallVec<[SendEntry; 1]>,
    ) {
        let fifo = self.queues[queue_slot].config.fifo;
        if fifo {
            // What a FIFO queue misses fails the whole request, before anything is sent.
            let by_content = self.queues[queue_slot].config.content_based_deduplication;
            for entry in &entries {
                if entry.payload.section(Section::Group).is_none() {
                    return self.refuse(token, Refusal::NoGroup);
                }
                if entry.payload.section(Section::Deduplication).is_none()
                    || entry.deduplication_from_content && !by_content
                {
                    return self.refuse(token, Refusal::NoDeduplicationId);
                }
            }
        }
        self.note_use(queue_slot);
        let mut results = SmallVec::with_capacity(entries.len());
        for entry in entries {
            results.push(self.send_one(queue_slot, fifo, entry));
        }
        self.reply(token, Reply::Sent(results), Hold::UntilCommit);
    }

    #[inline(always)]
    fn send_one(
        &mut self,
        queue_slot: u32,
        fifo: bool,
        entry: SendEntry,
    ) -> Result<Sent, SendError> {
        let config = &self.queues[queue_slot].config;
        if entry.counted_bytes > config.message_bytes_max {
            return Err(SendError::TooLong(config.message_bytes_max));
        }
        let delay_s = match entry.delay_s {
            Some(delay) if fifo && delay > 0 => return Err(SendError::DelayOnFifo(delay)),
            Some(delay) if !fifo => delay,
            _ => config.delay_s,
        };
        let key = if fifo {
            let group = entry.payload.section(Section::Group);
            let group = group.filter(|_| config.deduplicate_per_group);
            let id = entry
                .payload
                .section(Section::Deduplication)
                .unwrap_or_default();
            let secret = self.queues[queue_slot].cold.dedup_secret.as_ref();
            let key = dedup_key(secret.unwrap_or(&self.config.secret), group, id);
            self.expire_dedup(queue_slot, 4);
            if let Some(first) = self.queues[queue_slot].cold.dedup.get(key, self.now) {
                let (sequence, id) = (first.sequence, first.message_id);
                self.note_duplicate(queue_slot, id);
                return Ok(Sent {
                    sequence,
                    duplicate_of: Some(id),
                });
            }
            Some(key)
        } else {
            None
        };
        let remembered = if fifo { DEDUP_BYTES } else { 0 };
        if !self.make_room(entry.payload.memory_bytes() as u64 + remembered) {
            self.counters.throttles.memory += 1;
            return Err(SendError::MemoryFull);
        }
        let (message_id, bytes) = (entry.payload.id(), u64::from(entry.counted_bytes));
        let mut arrival = Arrival::new(entry.payload);
        if delay_s > 0 {
            arrival.available_at = self.now + Millis::from(delay_s) * 1000;
        }
        let (sequence, slot) = self.insert_message(queue_slot, arrival);
        self.note_message(slot, |_| Step::Sent);
        for traffic in [&mut self.queues[queue_slot].traffic, &mut self.counters.sqs] {
            traffic.sent += 1;
            traffic.sent_bytes += bytes;
        }
        if let Some(key) = key {
            let expires_at = self.now + WINDOW_MS;
            self.remember(
                queue_slot,
                key,
                DedupEntry {
                    message_id,
                    sequence,
                    expires_at,
                },
            );
            let queue_id = self.queues[queue_slot].id;
            let entry = DedupEntry {
                message_id,
                sequence,
                expires_at,
            };
            self.log(Op::Dedup {
                queue_id,
                key,
                entry,
            });
        }
        Ok(Sent {
            sequence,
            duplicate_of: None,
        })
    }

    pub(crate) fn remember(&mut self, queue_slot: u32, key: u128, entry: DedupEntry) {
        let queue = &mut self.queues[queue_slot];
        queue.cold.dedup.insert(key, entry);
        self.resident_bytes += DEDUP_BYTES;
        self.dedup_entries += 1;
        if queue.dedup_timer == NONE {
            queue.dedup_timer = self.wheel.arm(entry.expires_at, Timer::Dedup(queue_slot));
        }
    }

    /// Forgets deduplication ids that are over, at most `entries_max` at once.
    pub(crate) fn expire_dedup(&mut self, queue_slot: u32, entries_max: usize) {
        let window = &mut self.queues[queue_slot].cold.dedup;
        let forgotten = window.expire(self.now, entries_max);
        self.resident_bytes -= forgotten as u64 * DEDUP_BYTES;
        self.dedup_entries -= forgotten as u64;
    }
}
