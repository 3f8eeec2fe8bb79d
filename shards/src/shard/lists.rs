//! How messages enter, change and leave the lists of their queue.

use super::Shard;
use crate::Millis;
use crate::attributes::QueueConfig;
use crate::journal::{MessageRecord, Op};
use crate::message::{
    Group, MESSAGE_BYTES, Message, State, push_by_age, push_group, push_in_group, unlink_by_age,
    unlink_from_group, unlink_group,
};
use crate::payload::{Payload, Section};
use crate::shard::timers::Timer;
use crate::slab::NONE;
use std::hash::{BuildHasher, Hasher};

/// Sequence numbers that are reserved in the journal at a time.
const RESERVED_SEQUENCES: u64 = 1 << 20;

/// A message before it has a place.
pub(crate) struct Arrival {
    pub payload: Payload,
    pub receive_count: u32,
    pub base_count: u32,
    pub first_received_at: Millis,
    /// Not visible before; 0 for at once.
    pub available_at: Millis,
}

impl Arrival {
    pub fn new(payload: Payload) -> Self {
        Self {
            payload,
            receive_count: 0,
            base_count: 0,
            first_received_at: 0,
            available_at: 0,
        }
    }
}

impl Shard {
    /// Gives a message the next sequence number and a place in the queue; answers both.
    pub(crate) fn insert_message(&mut self, queue_slot: u32, arrival: Arrival) -> (u64, u32) {
        let sequence = self.take_sequence();
        if self.config.durable {
            self.batch_inserts.push(self.ops.len() as u32);
            self.ops.push(Op::Insert(MessageRecord {
                sequence,
                queue_id: self.queues[queue_slot].id,
                payload: arrival.payload.clone(),
                available_at: arrival.available_at,
                receive_count: arrival.receive_count,
                base_count: arrival.base_count,
                first_received_at: arrival.first_received_at,
            }));
        }
        let slot = self.place_message(queue_slot, sequence, arrival);
        (sequence, slot)
    }

    /// The next sequence number. In durable mode the caller must note in `batch_inserts` what
    /// became of it.
    pub(crate) fn take_sequence(&mut self) -> u64 {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        if self.config.durable && self.next_sequence > self.reserved.0 {
            self.reserved.0 = self.next_sequence + RESERVED_SEQUENCES;
            let (sequence, queue_id) = self.reserved;
            self.ops.push(Op::Reserve { sequence, queue_id });
        }
        sequence
    }

    /// Places a message that has its number already.
    pub(crate) fn place_message(
        &mut self,
        queue_slot: u32,
        sequence: u64,
        arrival: Arrival,
    ) -> u32 {
        let Arrival {
            payload,
            receive_count,
            base_count,
            first_received_at,
            available_at,
        } = arrival;
        self.resident_bytes += (payload.memory_bytes() + MESSAGE_BYTES) as u64;
        let sent_at = payload.sent_at();
        let delayed = available_at > self.now;
        let offset = |at: Millis| u32::try_from(at.saturating_sub(sent_at)).unwrap_or(u32::MAX);
        let slot = self.messages.insert(Message {
            payload,
            sequence,
            queue: queue_slot,
            group: NONE,
            prev: NONE,
            next: NONE,
            older: NONE,
            newer: NONE,
            timer: NONE,
            receive_count,
            base_count,
            first_received_after_ms: offset(first_received_at),
            received_after_ms: offset(first_received_at),
            state: State::Delayed,
            count_dirty: false,
        });
        let queue = &mut self.queues[queue_slot];
        push_by_age(&mut self.messages, &mut queue.ages, slot);
        let fifo = queue.config.fifo;
        if queue.retention_timer == NONE {
            let due = sent_at + Millis::from(queue.config.retention_s) * 1000;
            queue.retention_timer = self.wheel.arm(due, Timer::Retention(queue_slot));
        }
        if fifo {
            self.append_to_group(queue_slot, slot);
        }
        if delayed {
            self.queues[queue_slot].counts.delayed += 1;
            self.delayed += 1;
            self.messages[slot].timer = self.wheel.arm(available_at, Timer::Visible(slot));
        } else {
            self.make_ready(slot);
        }
        self.note_arrival(queue_slot, sequence);
        slot
    }

    /// Lets a message be received. It must stand in no state count.
    pub(crate) fn make_ready(&mut self, slot: u32) {
        let message = &mut self.messages[slot];
        message.state = State::Ready;
        message.timer = NONE;
        let queue_slot = message.queue;
        let queue = &mut self.queues[queue_slot];
        queue.counts.visible += 1;
        if !queue.config.fifo {
            self.append_to_group(queue_slot, slot);
        }
        let group = self.messages[slot].group;
        self.settle_group(group);
    }

    /// Takes a message out of its state: counts, deadline and (standard queues) the ready list.
    pub(crate) fn leave_state(&mut self, slot: u32) {
        let message = &mut self.messages[slot];
        let (queue_slot, state, group) = (message.queue, message.state, message.group);
        if message.timer != NONE {
            self.wheel.disarm(message.timer);
            message.timer = NONE;
        }
        let queue = &mut self.queues[queue_slot];
        match state {
            State::Ready => {
                queue.counts.visible -= 1;
                if !queue.config.fifo {
                    unlink_from_group(&mut self.messages, &mut self.groups[group].messages, slot);
                    self.messages[slot].group = NONE;
                    self.settle_group(group);
                }
            }
            State::InFlight => {
                queue.counts.in_flight -= 1;
                self.in_flight -= 1;
                // Room below the limit on messages in flight, which may be all that was missing.
                if !queue.waiters.is_empty() && !queue.ready_groups.is_empty() {
                    self.to_serve.push(queue_slot);
                }
            }
            State::Delayed => {
                queue.counts.delayed -= 1;
                self.delayed -= 1;
            }
        }
    }

    /// Takes a message out of its queue for good.
    pub(crate) fn remove_message(&mut self, slot: u32) -> Message {
        self.leave_state(slot);
        let (queue_slot, group) = {
            let message = &self.messages[slot];
            (message.queue, message.group)
        };
        unlink_by_age(&mut self.messages, &mut self.queues[queue_slot].ages, slot);
        if group != NONE {
            unlink_from_group(&mut self.messages, &mut self.groups[group].messages, slot);
            self.settle_group(group);
        }
        let message = self.messages.remove(slot);
        self.resident_bytes -= (message.payload.memory_bytes() + MESSAGE_BYTES) as u64;
        if self.config.durable {
            let insert = message
                .sequence
                .checked_sub(self.batch_first_sequence)
                .and_then(|at| self.batch_inserts.get(at as usize).copied());
            match insert {
                // Sent and removed within one batch: the journal need not hear of it.
                Some(at) => self.ops[at as usize] = Op::Nothing,
                None => self.ops.push(Op::Delete(message.sequence)),
            }
        }
        message
    }

    /// Makes what the queue's ready list says of a group true again: listed exactly if its first
    /// message can be received, gone if it holds none.
    pub(crate) fn settle_group(&mut self, group_slot: u32) {
        let Some(group) = self.groups.get_mut(group_slot) else {
            return;
        };
        let group_queue = group.queue;
        let queue = &mut self.queues[group_queue];
        let head = group.messages.head;
        let ready = head != NONE && self.messages[head].state == State::Ready;
        if ready != group.listed {
            group.listed = ready;
            if ready {
                push_group(&mut self.groups, &mut queue.ready_groups, group_slot);
                // A delete may have unlocked the group: no message became ready, yet one can be
                // given.
                if !queue.waiters.is_empty() {
                    self.to_serve.push(group_queue);
                }
            } else {
                unlink_group(&mut self.groups, &mut queue.ready_groups, group_slot);
            }
        }
        let group = &self.groups[group_slot];
        if head == NONE && !group.ungrouped {
            if let Ok(entry) = queue
                .groups
                .find_entry(group.hash, |slot| *slot == group_slot)
            {
                entry.remove();
            }
            self.groups.remove(group_slot);
        }
    }

    /// Moves a listed group behind the others, so that each has its turn.
    pub(crate) fn rotate_group(&mut self, queue_slot: u32, group_slot: u32) {
        let ends = &mut self.queues[queue_slot].ready_groups;
        if ends.tail != group_slot && self.groups[group_slot].listed {
            unlink_group(&mut self.groups, ends, group_slot);
            push_group(&mut self.groups, ends, group_slot);
        }
    }

    fn append_to_group(&mut self, queue_slot: u32, slot: u32) {
        let id = self.messages[slot].payload.section(Section::Group);
        let group_slot = match id {
            None => {
                let queue = &mut self.queues[queue_slot];
                if queue.ungrouped == NONE {
                    queue.ungrouped = self.groups.insert(new_group(queue_slot, 0, true));
                }
                queue.ungrouped
            }
            Some(id) => {
                let hasher = foldhash::fast::FixedState::with_seed(u64::from_le_bytes(
                    self.config.secret[8..].try_into().expect("16 bytes"),
                ));
                let mut state = hasher.build_hasher();
                state.write(id);
                let hash = state.finish();
                let queue = &mut self.queues[queue_slot];
                let (groups, messages) = (&self.groups, &self.messages);
                // A group's id is that of its first message; a group without messages is gone.
                let found = queue.groups.find(hash, |candidate| {
                    let group = &groups[*candidate];
                    group.hash == hash
                        && messages[group.messages.head]
                            .payload
                            .section(Section::Group)
                            == Some(id)
                });
                match found {
                    Some(found) => *found,
                    None => {
                        let made = self.groups.insert(new_group(queue_slot, hash, false));
                        let groups = &self.groups;
                        queue
                            .groups
                            .insert_unique(hash, made, |slot| groups[*slot].hash);
                        made
                    }
                }
            }
        };
        self.messages[slot].group = group_slot;
        push_in_group(
            &mut self.messages,
            &mut self.groups[group_slot].messages,
            slot,
        );
    }

    pub(crate) fn retention_ends(config: &QueueConfig, payload: &Payload) -> Millis {
        payload.sent_at() + Millis::from(config.retention_s) * 1000
    }
}

fn new_group(queue: u32, hash: u64, ungrouped: bool) -> Group {
    Group {
        queue,
        hash,
        messages: Default::default(),
        prev: NONE,
        next: NONE,
        listed: false,
        ungrouped,
    }
}
