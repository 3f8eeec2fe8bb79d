//! Dead-lettering, transfers between shards, and move tasks.

use super::lists::Arrival;
use super::{Hold, Shard};
use crate::command::{Refusal, Reply, Token};
use crate::journeys::Step;
use crate::message::State;
use crate::moves::{
    Address, MoveStatus, MoveTask, Moved, OUTBOX_TRANSFERS_MAX, Transfer, TransferAck,
};
use crate::payload::Section;
use crate::queue::MOVES_MAX;
use crate::records::Op;
use crate::slab::NONE;
use crate::{Millis, QueueName};

/// Time between two steps of a move task, ms.
const STEP_MS: u64 = 20;
/// Messages that a move task without a rate moves per step.
const STEP_MESSAGES_MAX: u64 = 1000;

impl Shard {
    /// Moves a ready message to its queue's dead-letter queue.
    pub(crate) fn dead_letter(&mut self, slot: u32, target: QueueName) -> Moved {
        let queue_slot = self.messages[slot].queue;
        let arn = self.queues[queue_slot].cold.name.arn();
        let payload = self.messages[slot].payload.with_section(
            Section::DeadLetterSource,
            Some(arn.as_bytes()),
            None,
        );
        let payload = payload.renumbered();
        let message = &self.messages[slot];
        let mut arrival = Arrival::new(payload);
        arrival.receive_count = message.receive_count;
        arrival.base_count = message.receive_count;
        arrival.first_received_at = message.first_received_at().unwrap_or(0);
        let moved = self.move_message(slot, target, arrival, None);
        if moved == Moved::Gone {
            self.queues[queue_slot].traffic.dead_lettered += 1;
            self.counters.sqs.dead_lettered += 1;
        }
        moved
    }

    /// Takes a message out of its queue and puts `arrival` into the target, here or elsewhere.
    fn move_message(
        &mut self,
        slot: u32,
        target: QueueName,
        arrival: Arrival,
        task: Option<[u8; 16]>,
    ) -> Moved {
        let shard = target.shard(self.config.shards);
        if shard == self.config.index {
            let Some(target_slot) = self.slot_by_name(&target) else {
                return Moved::Nowhere;
            };
            self.note_moved(slot, &target, &arrival);
            self.remove_message(slot);
            let arrival = match task {
                None => self.as_dead_letter(target_slot, arrival),
                Some(_) => arrival,
            };
            let (_, slot) = self.insert_message(target_slot, arrival);
            self.note_message(slot, |_| Step::Arrived);
            return Moved::Gone;
        }
        if self.outboxes[usize::from(shard)].waiting.len() >= OUTBOX_TRANSFERS_MAX {
            return Moved::Busy;
        }
        let from = self.queues[self.messages[slot].queue].cold.name.clone();
        self.note_moved(slot, &target, &arrival);
        self.remove_message(slot);
        let (to, from) = (Address::Queue(target), Address::Queue(from));
        self.send_transfer(shard, to, from, arrival, task, false);
        Moved::Gone
    }

    #[inline]
    fn note_moved(&mut self, slot: u32, target: &QueueName, arrival: &Arrival) {
        self.note_message(slot, |message| {
            let id = arrival.payload.id();
            let new = (id != message.payload.id()).then_some(id);
            Step::Moved(target.arn().into(), new)
        });
    }

    /// A message as the dead-letter queue `target` takes it. In a FIFO queue its time of arrival
    /// begins anew, so that its retention counts from the move, and its deduplication id is its own
    /// id. Done where it arrives: one that is sent back stays as it was.
    fn as_dead_letter(&self, target: u32, mut arrival: Arrival) -> Arrival {
        if self.queues[target].config.fifo {
            let id = arrival.payload.id();
            arrival.payload = arrival.payload.with_section(
                Section::Deduplication,
                Some(hyphenated(id).as_bytes()),
                Some((id, self.now)),
            );
        }
        arrival
    }

    pub(crate) fn send_transfer(
        &mut self,
        target: u16,
        to: Address,
        from: Address,
        arrival: Arrival,
        task: Option<[u8; 16]>,
        returned: bool,
    ) {
        let outbox = &mut self.outboxes[usize::from(target)];
        outbox.last_number += 1;
        let transfer = Box::new(Transfer {
            source: self.config.index,
            target,
            number: outbox.last_number,
            oldest: 0,
            to,
            from,
            payload: arrival.payload,
            receive_count: arrival.receive_count,
            first_received_at: arrival.first_received_at,
            task,
            returned,
        });
        outbox.waiting.push_back(transfer.clone());
        self.log(Op::OutboxPut(transfer.clone()));
        self.outgoing.push(transfer);
    }

    /// A message arrives from another shard.
    pub(crate) fn transfer(&mut self, token: Token, transfer: Transfer) {
        let source = transfer.source;
        let arrived = self.inboxes[usize::from(source)];
        if self.now < self.portable.hold_until {
            // Sent again in a moment.
            return self.refuse(token, Refusal::Overloaded);
        }
        if transfer.number > arrived + 1 && transfer.number > transfer.oldest {
            // One before it was not taken. Taking this one would count that as arrived.
            return self.refuse(token, Refusal::Overloaded);
        }
        let ack = TransferAck {
            source,
            target: self.config.index,
            up_to: transfer.number,
        };
        if transfer.number > arrived {
            self.inboxes[usize::from(source)] = transfer.number;
            self.log(Op::Inbox {
                source,
                up_to: transfer.number,
            });
            self.accept_transfer(transfer);
        }
        self.reply(token, Reply::Transferred(ack), Hold::UntilCommit);
    }

    pub(crate) fn accept_transfer(&mut self, transfer: Transfer) {
        let Address::Queue(name) = &transfer.to else {
            return self.accept_dead_letter(transfer);
        };
        let target = self.slot_by_name(name);
        let mut arrival = Arrival::new(transfer.payload);
        arrival.receive_count = transfer.receive_count;
        arrival.first_received_at = transfer.first_received_at;
        // A message that came back is given out as often again before it is sent off once more.
        arrival.base_count = transfer.receive_count;
        match target {
            Some(queue) => {
                if transfer.returned {
                    self.note_return(queue, transfer.task);
                } else if transfer.task.is_none() {
                    arrival = self.as_dead_letter(queue, arrival);
                }
                let (_, slot) = self.insert_message(queue, arrival);
                self.note_message(slot, |_| Step::Arrived);
            }
            // Back to where it came from; if that is gone too, the message went with its queue.
            None if !transfer.returned => self.send_transfer(
                transfer.source,
                transfer.from,
                transfer.to,
                arrival,
                transfer.task,
                true,
            ),
            None => self.counters.dropped += 1,
        }
    }

    /// A message came back because its target doesn't exist.
    fn note_return(&mut self, queue_slot: u32, task: Option<[u8; 16]>) {
        let Some(id) = task else { return };
        let moves = &mut self.queues[queue_slot].cold.moves;
        if let Some(task) = moves.iter_mut().find(|task| task.id == id) {
            task.moved = task.moved.saturating_sub(1);
            task.status = MoveStatus::Failed;
            task.failure = Some("AWS.SimpleQueueService.NonExistentQueue".to_owned());
            self.log_queue(queue_slot);
        }
    }

    /// The target has made a transfer durable.
    pub(crate) fn transfer_acked(&mut self, ack: TransferAck) {
        let outbox = &mut self.outboxes[usize::from(ack.target)];
        let mut forgot = false;
        while outbox
            .waiting
            .front()
            .is_some_and(|transfer| transfer.number <= ack.up_to)
        {
            outbox.waiting.pop_front();
            forgot = true;
        }
        if forgot {
            self.log(Op::OutboxDelete {
                target: ack.target,
                up_to: ack.up_to,
            });
        }
    }

    pub(crate) fn start_move(
        &mut self,
        token: Token,
        queue_slot: u32,
        destination: Option<QueueName>,
        messages_per_s_max: Option<u32>,
        task_id: [u8; 16],
    ) {
        let now = self.now;
        let queue = &mut self.queues[queue_slot];
        if queue
            .cold
            .moves
            .iter()
            .any(|task| task.status == MoveStatus::Running)
        {
            return self.refuse(token, Refusal::MoveRunning);
        }
        if queue.cold.moves.len() >= MOVES_MAX {
            queue.cold.moves.remove(0);
        }
        queue.cold.moves.push(MoveTask {
            id: task_id,
            destination,
            messages_per_s_max,
            moved: 0,
            to_move: queue.counts.visible,
            started_at: now,
            status: MoveStatus::Running,
            failure: None,
        });
        self.log_queue(queue_slot);
        self.arm_move(queue_slot, now + 1);
        self.reply(token, Reply::Done, Hold::UntilCommit);
    }

    pub(crate) fn cancel_move(&mut self, token: Token, queue_slot: u32, task_id: [u8; 16]) {
        let moves = &mut self.queues[queue_slot].cold.moves;
        let running = moves
            .iter_mut()
            .find(|task| task.id == task_id && task.status == MoveStatus::Running);
        let Some(task) = running else {
            return self.refuse(token, Refusal::NoMove);
        };
        task.status = MoveStatus::Cancelled;
        let moved = task.moved;
        self.log_queue(queue_slot);
        self.reply(token, Reply::MoveCancelled(moved), Hold::UntilCommit);
    }

    /// Moves as many messages as the task may by now.
    pub(crate) fn step_move(&mut self, queue_slot: u32) {
        let now = self.now;
        let Some(task) = self.running_move(queue_slot) else {
            return;
        };
        let (id, destination) = (task.id, task.destination.clone());
        let allowed = match task.messages_per_s_max {
            // What the rate allows since the start, so that short steps don't round it down.
            Some(rate) => {
                let elapsed = now.saturating_sub(task.started_at);
                (u64::from(rate) * elapsed / 1000).saturating_sub(task.moved)
            }
            None => STEP_MESSAGES_MAX,
        };
        let mut moved = 0;
        let mut end = None;
        while moved < allowed.min(STEP_MESSAGES_MAX) {
            let group = self.queues[queue_slot].ready_groups.head;
            if group == NONE {
                end = Some(MoveStatus::Completed);
                break;
            }
            let slot = self.groups[group].messages.head;
            debug_assert_eq!(self.messages[slot].state, State::Ready);
            match self.redrive(slot, destination.as_ref(), id) {
                Ok(Moved::Gone) => moved += 1,
                Ok(Moved::Busy) => break,
                Ok(Moved::Nowhere) => {
                    end = Some(MoveStatus::Failed);
                    let failure = "AWS.SimpleQueueService.NonExistentQueue";
                    self.fail_move(queue_slot, failure);
                    break;
                }
                Err(failure) => {
                    end = Some(MoveStatus::Failed);
                    self.fail_move(queue_slot, failure);
                    break;
                }
            }
        }
        if end.is_none() && self.queues[queue_slot].counts.visible == 0 {
            end = Some(MoveStatus::Completed);
        }
        if let Some(task) = self.running_move(queue_slot) {
            task.moved += moved;
            if let Some(status) = end {
                task.status = status;
            }
        }
        if moved > 0 || end.is_some() {
            self.log_queue(queue_slot);
        }
        if end.is_none() {
            self.arm_move(queue_slot, now + STEP_MS);
        }
    }

    fn running_move(&mut self, queue_slot: u32) -> Option<&mut MoveTask> {
        let moves = &mut self.queues[queue_slot].cold.moves;
        moves
            .iter_mut()
            .find(|task| task.status == MoveStatus::Running)
    }

    fn fail_move(&mut self, queue_slot: u32, failure: &str) {
        if let Some(task) = self.running_move(queue_slot) {
            task.failure = Some(failure.to_owned());
        }
    }

    /// Moves one message out of a dead-letter queue. It counts as new from then on: new id, new
    /// time of sending, no receives.
    fn redrive(
        &mut self,
        slot: u32,
        destination: Option<&QueueName>,
        task: [u8; 16],
    ) -> Result<Moved, &'static str> {
        let payload = &self.messages[slot].payload;
        let destination = match destination {
            Some(name) => name.clone(),
            None => payload
                .text(Section::DeadLetterSource)
                .and_then(QueueName::from_arn)
                .ok_or("CouldNotDetermineMessageSource")?,
        };
        let identity = Some((self.ids.next(), self.now));
        let payload = payload.with_section(Section::DeadLetterSource, None, identity);
        let payload = payload.renumbered();
        Ok(self.move_message(slot, destination, Arrival::new(payload), Some(task)))
    }

    /// Starts move tasks again that ran when the shard stopped.
    pub(crate) fn resume_moves(&mut self) {
        let running: Vec<u32> = self
            .queues
            .iter()
            .filter(|(_, queue)| {
                queue
                    .cold
                    .moves
                    .iter()
                    .any(|task| task.status == MoveStatus::Running)
            })
            .map(|(slot, _)| slot)
            .collect();
        let at: Millis = self.now + 1;
        for slot in running {
            self.arm_move(slot, at);
        }
    }
}

/// A UUID as text.
fn hyphenated(id: [u8; 16]) -> String {
    let number = u128::from_be_bytes(id);
    let part = |from: u32, bits: u32| (number >> from) & ((1 << bits) - 1);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        part(96, 32),
        part(80, 16),
        part(64, 16),
        part(48, 16),
        part(0, 48)
    )
}
