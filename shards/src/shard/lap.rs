//! Walking through all that the journal has to keep, a piece at a time, while it changes.
//!
//! Slots are stable: what was there when the walk began is where it was when the walk comes by, or has
//! gone, and then the journal knows. What has come since, or has been made anew, the journal has from
//! since. So nothing is copied when a walk begins, and no change has to look after it.

use super::Shard;
use crate::journal::codec::size_about;
use crate::message::State;
use crate::pubsub::state::EntryState;
use crate::records::{MessageRecord, NEVER_HAD, Op, PublishedRecord};
use crate::slab::NONE;

/// Slots that one step looks at, at most: those that hold nothing take time as well.
const STEP_LOOKS_MAX: usize = 4096;

/// What is walked through, in this order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Numbers,
    Outboxes,
    Queues,
    Messages,
    Topics,
    Subscriptions,
    Schemas,
    /// Each message with the word that nobody has still to get it.
    Published,
    /// Who has still to get what. Behind all of those words: it takes them back.
    Entries,
    End,
}

impl Stage {
    fn next(self) -> Self {
        match self {
            Self::Numbers => Self::Outboxes,
            Self::Outboxes => Self::Queues,
            Self::Queues => Self::Messages,
            Self::Messages => Self::Topics,
            Self::Topics => Self::Subscriptions,
            Self::Subscriptions => Self::Schemas,
            Self::Schemas => Self::Published,
            Self::Published => Self::Entries,
            Self::Entries | Self::End => Self::End,
        }
    }
}

/// How far a walk has come.
pub(crate) struct Lap {
    /// Sequence numbers of what was there are below.
    before: u64,
    stage: Stage,
    slot: u32,
    /// The queue whose deduplication ids are walked, and the place of the next one.
    dedup: Option<(u64, u32)>,
    /// Transfers of the outbox that is walked were carried up to this number.
    sent: u64,
}

/// What a step has room for.
struct Room<'a> {
    out: &'a mut Vec<Op>,
    bytes: usize,
    looks: usize,
}

impl Room<'_> {
    fn is_left(&self) -> bool {
        self.bytes > 0 && self.looks > 0
    }

    fn look(&mut self) {
        self.looks = self.looks.saturating_sub(1);
    }

    fn put(&mut self, op: Op) {
        self.bytes = self.bytes.saturating_sub(size_about(&op));
        self.out.push(op);
    }
}

impl Shard {
    /// Begins to walk through what is kept.
    pub(crate) fn begin_lap(&self) -> Lap {
        Lap {
            before: self.next_sequence,
            stage: Stage::Numbers,
            slot: 0,
            dedup: None,
            sent: 0,
        }
    }

    /// Goes on for about so many bytes. Answers whether it has come round.
    pub(crate) fn lap_step(&self, lap: &mut Lap, bytes_max: usize, out: &mut Vec<Op>) -> bool {
        let mut room = Room {
            out,
            bytes: bytes_max.max(1),
            looks: STEP_LOOKS_MAX,
        };
        while lap.stage != Stage::End {
            let end = self.stage_slots(lap.stage);
            while lap.slot < end {
                if !room.is_left() {
                    return false;
                }
                room.look();
                if self.carry_slot(lap, &mut room) {
                    lap.slot += 1;
                }
            }
            lap.stage = lap.stage.next();
            lap.slot = 0;
        }
        true
    }

    /// Visits all that the journal has to keep, as changes that would produce it: for tools and tests.
    pub fn visit_kept(&self, visit: &mut dyn FnMut(Op)) {
        let mut lap = self.begin_lap();
        let mut pieces = Vec::new();
        loop {
            let is_round = self.lap_step(&mut lap, usize::MAX, &mut pieces);
            pieces.drain(..).for_each(&mut *visit);
            if is_round {
                return;
            }
        }
    }

    fn stage_slots(&self, stage: Stage) -> u32 {
        let ps = &self.pubsub;
        match stage {
            Stage::Numbers => 1,
            Stage::Outboxes => self.outboxes.len() as u32,
            Stage::Queues => self.queues.slots(),
            Stage::Messages => self.messages.slots(),
            Stage::Topics => ps.topics.slots(),
            Stage::Subscriptions => ps.subscriptions.slots(),
            Stage::Schemas => ps.schemas.slots(),
            Stage::Published => ps.stored.slots(),
            Stage::Entries => ps.entries.slots(),
            Stage::End => 0,
        }
    }

    /// Answers whether the slot has been dealt with.
    fn carry_slot(&self, lap: &mut Lap, room: &mut Room<'_>) -> bool {
        let slot = lap.slot;
        let ps = &self.pubsub;
        match lap.stage {
            Stage::Numbers => self.carry_numbers(room),
            Stage::Outboxes => return self.carry_outbox(lap, room),
            Stage::Queues => return self.carry_queue(lap, room),
            Stage::Messages => self.carry_message(lap, room),
            Stage::Topics => {
                if ps.topics.get(slot).is_some() {
                    room.put(Op::PutTopic(Box::new(self.topic_record(slot))));
                }
            }
            Stage::Subscriptions => {
                if ps.subscriptions.get(slot).is_some_and(|it| !it.ghost) {
                    let record = self.subscription_record(slot);
                    room.put(Op::PutSubscription(Box::new(record)));
                }
            }
            Stage::Schemas => {
                if ps.schemas.get(slot).is_some() {
                    room.put(Op::PutSchema(Box::new(self.schema_record(slot))));
                }
            }
            Stage::Published => self.carry_published(lap, room),
            Stage::Entries => self.carry_entry(lap, room),
            Stage::End => {}
        }
        true
    }

    fn carry_numbers(&self, room: &mut Room<'_>) {
        let (sequence, queue_id) = self.reserved;
        room.put(Op::Reserve { sequence, queue_id });
        for (source, up_to) in self.inboxes.iter().enumerate() {
            if *up_to > 0 {
                let (source, up_to) = (source as u16, *up_to);
                room.put(Op::Inbox { source, up_to });
            }
        }
    }

    fn carry_outbox(&self, lap: &mut Lap, room: &mut Room<'_>) -> bool {
        let outbox = &self.outboxes[lap.slot as usize];
        if lap.sent == 0 && outbox.last_number > 0 {
            let target = lap.slot as u16;
            // What is confirmed ends where what waits begins.
            let up_to = match outbox.waiting.front() {
                Some(oldest) => oldest.number - 1,
                None => outbox.last_number,
            };
            room.put(Op::OutboxDelete { target, up_to });
        }
        let from = outbox
            .waiting
            .partition_point(|transfer| transfer.number <= lap.sent);
        for transfer in outbox.waiting.range(from..) {
            if !room.is_left() {
                return false;
            }
            room.put(Op::OutboxPut(transfer.clone()));
            lap.sent = transfer.number;
        }
        lap.sent = 0;
        true
    }

    fn carry_queue(&self, lap: &mut Lap, room: &mut Room<'_>) -> bool {
        let found = self.queues.get(lap.slot).filter(|queue| !queue.ghost);
        let Some(queue) = found else {
            lap.dedup = None;
            return true;
        };
        let window = &queue.cold.dedup;
        let mut place = match lap.dedup {
            Some((id, place)) if id == queue.id => place,
            _ => {
                room.put(Op::PutQueue(Box::new(queue.record())));
                window.first_place()
            }
        };
        while let Some((at, key, entry)) = window.at_or_after(place) {
            if !room.is_left() {
                lap.dedup = Some((queue.id, place));
                return false;
            }
            room.look();
            place = at.wrapping_add(1);
            if entry.expires_at > self.now {
                let queue_id = queue.id;
                room.put(Op::Dedup {
                    queue_id,
                    key,
                    entry,
                });
            }
        }
        lap.dedup = None;
        true
    }

    fn carry_message(&self, lap: &Lap, room: &mut Room<'_>) {
        let slot = lap.slot;
        let Some(message) = self.messages.get(slot) else {
            return;
        };
        let queue = &self.queues[message.queue];
        if message.sequence >= lap.before || queue.ghost {
            return;
        }
        let available_at = match (message.state, message.timer) {
            (State::Delayed, timer) if timer != NONE => self.wheel.deadline(timer),
            _ => 0,
        };
        room.put(Op::Insert(MessageRecord {
            sequence: message.sequence,
            queue_id: queue.id,
            payload: message.payload.clone(),
            available_at,
            receive_count: message.receive_count,
            base_count: message.base_count,
            first_received_at: message.first_received_at().unwrap_or(0),
        }));
        if self.keeps_leases && message.state == State::InFlight {
            room.put(self.kept_lease(slot));
        }
    }

    fn carry_published(&self, lap: &Lap, room: &mut Room<'_>) {
        let ps = &self.pubsub;
        let found = ps.stored.get(lap.slot);
        let Some(stored) = found.filter(|stored| stored.sequence < lap.before) else {
            return;
        };
        let topic = &ps.topics[stored.topic];
        let sequence = stored.sequence;
        room.put(Op::Publish(PublishedRecord {
            sequence,
            topic_id: topic.id,
            published_at: stored.published_at,
            bytes: stored.bytes.clone(),
            returned: stored.returned,
        }));
        for reader in &topic.readers {
            room.look();
            let reader = &ps.subscriptions[*reader];
            if reader.floor <= sequence {
                room.put(Op::Delivery {
                    subscription_id: reader.id,
                    sequence,
                    acked: true,
                    failures: NEVER_HAD,
                });
            }
        }
    }

    fn carry_entry(&self, lap: &Lap, room: &mut Room<'_>) {
        let ps = &self.pubsub;
        let Some(entry) = ps.entries.get(lap.slot) else {
            return;
        };
        let subscription = &ps.subscriptions[entry.subscription];
        let sequence = ps.stored[entry.stored].sequence;
        if sequence >= lap.before || subscription.ghost {
            return;
        }
        let acked = entry.state == EntryState::Acked;
        room.put(Op::Delivery {
            subscription_id: subscription.id,
            sequence,
            acked,
            failures: if acked { 0 } else { entry.failures },
        });
    }
}
