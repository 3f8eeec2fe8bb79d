//! How messages enter, change and leave the lists of their queue.

use super::Shard;
use crate::Millis;
use crate::attributes::QueueConfig;
use crate::message::{
    Group, MESSAGE_BYTES, Message, State, push_by_age, push_group, push_in_group, unlink_by_age,
    unlink_from_group, unlink_group,
};
use crate::payload::{Payload, Section};
use crate::queue::Queue;
use crate::records::{MessageRecord, Op};
use crate::shard::timer::Timer;
use crate::slab::{NONE, Slab};
use crate::taps::Passed;
use crate::wheel::Wheel;
use std::hash::{BuildHasher, Hasher};

/// Sequence numbers that are reserved in the journal at a time.
const RESERVED_SEQUENCES: u64 = 1 << 20;
/// Messages in a row that are too old for a changed delay, after which all others are taken to be.
const OLD_IN_A_ROW_MAX: u32 = 1024;

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
        if self.taps.any() {
            let (of, at) = (self.queues[queue_slot].id, self.now);
            let payload = &arrival.payload;
            self.taps.note(of, at, || Passed::Sent {
                sequence,
                payload: payload.clone(),
                at,
            });
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
        let bytes = (payload.memory_bytes() + MESSAGE_BYTES) as u64;
        self.resident_bytes += bytes;
        self.queues[queue_slot].bytes += bytes;
        let sent_at = payload.sent_at();
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
            held: false,
        });
        let now = self.now;
        let mut at = self.at_queue(queue_slot);
        let available_at = match receive_count {
            0 if at.queue.config.fifo => at.queue.config.fifo_available_at(sent_at),
            0 => available_at,
            // One that was received has been through its delay, whatever a restart's clock says.
            _ => 0,
        };
        push_by_age(at.messages, &mut at.queue.ages, slot);
        if at.queue.retention_timer == NONE {
            let due = sent_at + Millis::from(at.queue.config.retention_s) * 1000;
            at.queue.retention_timer = at.wheel.arm(due, Timer::Retention(queue_slot));
        }
        if at.queue.config.fifo {
            at.append_to_group(slot);
        }
        if available_at > now {
            at.delay(slot, available_at);
        } else {
            at.make_ready(slot);
        }
        self.note_arrival(queue_slot, sequence);
        slot
    }

    /// A queue with what its lists reach into.
    #[inline]
    pub(crate) fn at_queue(&mut self, queue_slot: u32) -> AtQueue<'_> {
        AtQueue {
            queue: &mut self.queues[queue_slot],
            queue_slot,
            messages: &mut self.messages,
            groups: &mut self.groups,
            wheel: &mut self.wheel,
            to_serve: &mut self.to_serve,
            in_flight: &mut self.in_flight,
            delayed: &mut self.delayed,
            named_groups: &mut self.named_groups,
            secret: &self.config.secret,
        }
    }

    /// The queue of a message, with what its lists reach into.
    #[inline]
    pub(crate) fn at_message(&mut self, slot: u32) -> AtQueue<'_> {
        self.at_queue(self.messages[slot].queue)
    }

    /// Takes a message out of its queue for good. Answers how often it was received.
    pub(crate) fn remove_message(&mut self, slot: u32) -> u32 {
        if self.portable.view.is_some() {
            self.view_message_goes(slot);
        }
        let mut at = self.at_message(slot);
        at.leave_state(slot);
        unlink_by_age(at.messages, &mut at.queue.ages, slot);
        let group = at.messages[slot].group;
        if group != NONE {
            unlink_from_group(at.messages, &mut at.groups[group].messages, slot);
            at.settle_group(group);
        }
        let message = self.messages.remove(slot);
        let bytes = (message.payload.memory_bytes() + MESSAGE_BYTES) as u64;
        self.resident_bytes -= bytes;
        self.queues[message.queue].bytes -= bytes;
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
        message.receive_count
    }

    /// Lets a FIFO queue's changed delay act on the messages that nobody has received. Only
    /// those younger than the longer of the two delays, 15 min at most, can be affected.
    ///
    /// Messages stand in the order in which they came, and their age counts from when they were
    /// sent: some were under way for longer than others, or are back from where they were moved.
    pub(crate) fn apply_fifo_delay(&mut self, queue_slot: u32, before_s: u32) {
        let now = self.now;
        let mut at = self.at_queue(queue_slot);
        let longest_ms = Millis::from(before_s.max(at.queue.config.delay_s)) * 1000;
        let (mut delayed, mut old_in_a_row) = (at.queue.counts.delayed, 0);
        let mut slot = at.queue.ages.tail;
        while slot != NONE && (delayed > 0 || old_in_a_row < OLD_IN_A_ROW_MAX) {
            let message = &at.messages[slot];
            let (older, group) = (message.older, message.group);
            let sent_at = message.payload.sent_at();
            let is_delayed = message.state == State::Delayed;
            delayed -= u64::from(is_delayed);
            if !is_delayed && sent_at + longest_ms <= now {
                old_in_a_row += 1;
                slot = older;
                continue;
            }
            old_in_a_row = 0;
            if message.receive_count == 0 && message.state != State::InFlight {
                at.leave_state(slot);
                let available_at = at.queue.config.fifo_available_at(sent_at);
                if available_at > now {
                    at.delay(slot, available_at);
                    at.settle_group(group);
                } else {
                    at.make_ready(slot);
                }
            }
            slot = older;
        }
    }

    pub(crate) fn retention_ends(config: &QueueConfig, payload: &Payload) -> Millis {
        payload.sent_at() + Millis::from(config.retention_s) * 1000
    }
}

/// A queue with what its lists reach into, borrowed apart from the rest of its shard, so that a
/// step on a message looks its queue up once.
pub(crate) struct AtQueue<'a> {
    pub queue: &'a mut Queue,
    pub queue_slot: u32,
    pub messages: &'a mut Slab<Message>,
    pub groups: &'a mut Slab<Group>,
    pub wheel: &'a mut Wheel<Timer>,
    pub to_serve: &'a mut Vec<u32>,
    pub in_flight: &'a mut u64,
    pub delayed: &'a mut u64,
    pub named_groups: &'a mut u64,
    secret: &'a [u8; 16],
}

impl AtQueue<'_> {
    /// Lets a message be received. It must stand in no state count.
    #[inline]
    pub fn make_ready(&mut self, slot: u32) {
        let message = &mut self.messages[slot];
        message.state = State::Ready;
        message.timer = NONE;
        self.queue.counts.visible += 1;
        if self.queue.config.fifo {
            let group = message.group;
            self.settle_group(group);
            return;
        }
        // Whatever is in a standard queue's group can be received.
        let group = self.append_to_group(slot);
        if !self.groups[group].listed {
            self.list_group(group);
        }
    }

    /// Keeps a message back until `available_at`. It must stand in no state count.
    #[inline]
    fn delay(&mut self, slot: u32, available_at: Millis) {
        self.queue.counts.delayed += 1;
        *self.delayed += 1;
        let message = &mut self.messages[slot];
        message.state = State::Delayed;
        message.timer = self.wheel.arm(available_at, Timer::Visible(slot));
    }

    /// Takes a message out of its state: counts, deadline and (standard queues) the ready list.
    #[inline]
    pub fn leave_state(&mut self, slot: u32) {
        let message = &mut self.messages[slot];
        let timer = std::mem::replace(&mut message.timer, NONE);
        match message.state {
            State::Ready => {
                self.queue.counts.visible -= 1;
                if !self.queue.config.fifo {
                    let group_slot = std::mem::replace(&mut message.group, NONE);
                    let group = &mut self.groups[group_slot];
                    unlink_from_group(self.messages, &mut group.messages, slot);
                    if group.messages.is_empty() {
                        self.settle_group(group_slot);
                    }
                }
            }
            State::InFlight => {
                self.queue.counts.in_flight -= 1;
                *self.in_flight -= 1;
                // Room below the limit on messages in flight, which may be all that was missing.
                if !self.queue.waiters.is_empty() && !self.queue.ready_groups.is_empty() {
                    self.to_serve.push(self.queue_slot);
                }
            }
            State::Delayed => {
                self.queue.counts.delayed -= 1;
                *self.delayed -= 1;
            }
        }
        if timer != NONE {
            self.wheel.disarm(timer);
        }
    }

    /// Makes what the queue's ready list says of a group true again: listed exactly if its first
    /// message can be received, gone if it holds none.
    pub fn settle_group(&mut self, group_slot: u32) {
        // It may have gone, and its slot to a group of another queue.
        let Some(group) = self.groups.get_mut(group_slot) else {
            return;
        };
        if group.queue != self.queue_slot {
            return;
        }
        let head = group.messages.head;
        let ready = head != NONE && self.messages[head].state == State::Ready;
        if ready != group.listed {
            if ready {
                self.list_group(group_slot);
            } else {
                group.listed = false;
                unlink_group(self.groups, &mut self.queue.ready_groups, group_slot);
            }
        }
        if head != NONE {
            return;
        }
        let group = &self.groups[group_slot];
        if !group.ungrouped {
            if let Ok(entry) = self
                .queue
                .groups
                .find_entry(group.hash, |slot| *slot == group_slot)
            {
                entry.remove();
            }
            self.groups.remove(group_slot);
            *self.named_groups -= 1;
        }
    }

    fn list_group(&mut self, group_slot: u32) {
        self.groups[group_slot].listed = true;
        push_group(self.groups, &mut self.queue.ready_groups, group_slot);
        // A delete may have unlocked the group: no message became ready, yet one can be given.
        if !self.queue.waiters.is_empty() {
            self.to_serve.push(self.queue_slot);
        }
    }

    /// Moves a listed group behind the others, so that each has its turn.
    #[inline]
    pub fn rotate_group(&mut self, group_slot: u32) {
        let ends = &mut self.queue.ready_groups;
        if ends.tail != group_slot && self.groups[group_slot].listed {
            unlink_group(self.groups, ends, group_slot);
            push_group(self.groups, ends, group_slot);
        }
    }

    /// Puts a message at the end of its group, which is answered.
    #[inline]
    fn append_to_group(&mut self, slot: u32) -> u32 {
        let has_group = self.messages[slot]
            .payload
            .section(Section::Group)
            .is_some();
        let group_slot = if has_group {
            self.group_by_id(slot)
        } else {
            if self.queue.ungrouped == NONE {
                self.queue.ungrouped = self.groups.insert(new_group(self.queue_slot, 0, true));
            }
            self.queue.ungrouped
        };
        self.messages[slot].group = group_slot;
        let ends = &mut self.groups[group_slot].messages;
        push_in_group(self.messages, ends, slot);
        group_slot
    }

    /// The group that a message names, made if it's the first to.
    fn group_by_id(&mut self, slot: u32) -> u32 {
        let id = self.messages[slot].payload.section(Section::Group);
        let hasher = foldhash::fast::FixedState::with_seed(u64::from_le_bytes(
            self.secret[8..].try_into().expect("16 bytes"),
        ));
        let mut state = hasher.build_hasher();
        state.write(id.unwrap_or_default());
        let hash = state.finish();
        let (groups, messages) = (&*self.groups, &*self.messages);
        // A group's id is that of its first message; a group without messages is gone.
        let found = self.queue.groups.find(hash, |candidate| {
            let group = &groups[*candidate];
            let first = &messages[group.messages.head].payload;
            group.hash == hash && first.section(Section::Group) == id
        });
        if let Some(found) = found {
            return *found;
        }
        let made = self.groups.insert(new_group(self.queue_slot, hash, false));
        *self.named_groups += 1;
        let groups = &*self.groups;
        self.queue
            .groups
            .insert_unique(hash, made, |slot| groups[*slot].hash);
        made
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
