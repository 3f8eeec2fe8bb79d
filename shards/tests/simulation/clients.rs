//! Clients that do things at random.

use super::calls::{Asked, Call, Known, LeaseUse};
use super::message::Message;
use super::oracle::{Fate, Group, Life, Removed};
use super::plan::Plan;
use super::world::World;
use crate::machine::disk::Sabotage;
use crate::machine::{self, Checked, Violation};
use lclq_shards::attributes::QueueAttribute;
use lclq_shards::command::{
    Command, LeaseRef, QueueCommand, QueueRef, Receive, Refusal, Reply, SendEntry, Token,
};
use std::collections::VecDeque;

/// A lease that a client holds.
#[derive(Clone, Copy)]
pub struct Handle {
    queue: usize,
    queue_id: u64,
    lease: LeaseRef,
}

pub struct Clients {
    /// Where queues are, as far as known.
    pub refs: Vec<Option<QueueRef>>,
    handles: VecDeque<Handle>,
    pub polls: Vec<Token>,
    tasks: Vec<(usize, [u8; 16])>,
    /// What was answered to clients that have gone, by queue.
    in_vain: Vec<(usize, Vec<LeaseRef>)>,
    next_number: u64,
}

impl machine::Clients<Plan, Call> for Clients {
    fn new(plan: &Plan) -> Self {
        Self {
            refs: vec![None; plan.queues.len()],
            handles: VecDeque::new(),
            polls: Vec::new(),
            tasks: Vec::new(),
            in_vain: Vec::new(),
            next_number: 1,
        }
    }

    /// All cores were started anew: what they remembered of queues is gone.
    fn forget(&mut self) {
        self.refs.fill(None);
        self.polls.clear();
        self.in_vain.clear();
    }

    fn forget_shard(&mut self, plan: &Plan, shard: u16) {
        for (found, queue) in self.refs.iter_mut().zip(&plan.queues) {
            if queue.name.shard(plan.shards) == shard {
                *found = None;
            }
        }
    }

    /// An answer has come back to its client.
    fn answered(&mut self, plan: &Plan, call: &Call, reply: Reply) {
        match (&call.asked, reply) {
            (Asked::Create | Asked::Resolve, Reply::Queue(found)) => {
                self.refs[call.queue] = Some(found);
            }
            (Asked::Receive { .. }, Reply::Received(deliveries))
                if plan.goes && call.order.is_multiple_of(5) && !deliveries.is_empty() =>
            {
                let leases = deliveries.iter().map(|delivery| delivery.lease);
                self.in_vain.push((call.queue, leases.collect()));
            }
            (Asked::Receive { .. }, Reply::Received(deliveries)) => {
                let Some(found) = self.refs[call.queue] else {
                    return;
                };
                for delivery in deliveries {
                    if self.handles.len() >= plan.handles_max {
                        self.handles.pop_front();
                    }
                    self.handles.push_back(Handle {
                        queue: call.queue,
                        queue_id: found.id,
                        lease: delivery.lease,
                    });
                }
            }
            (Asked::DeleteQueue(_), Reply::Done) => self.refs[call.queue] = None,
            (_, Reply::Stale(_) | Reply::Refused(Refusal::NoQueue)) => self.refs[call.queue] = None,
            (Asked::StartMove(task), Reply::Done) => self.tasks.push((call.queue, *task)),
            _ => {}
        }
    }

    fn requested(&mut self, call: &Call, token: Token) {
        if call.long_poll {
            self.polls.push(token);
        }
    }
}

impl World {
    /// A client does something.
    pub fn act(&mut self) -> Checked {
        if let Some((queue, leases)) = self.clients.in_vain.pop() {
            return self.give_back(queue, leases);
        }
        let plan = &self.plan;
        if self.calls.len() >= plan.calls_open_max {
            return Ok(());
        }
        let queue = self.rng.usize(..plan.queues.len());
        let Some(found) = self.clients.refs[queue] else {
            return self.find(queue);
        };
        type Act = fn(&mut World, usize, QueueRef) -> Checked;
        let choices: [(u32, Act); 9] = [
            (plan.send, Self::send),
            (plan.receive, Self::receive),
            (plan.delete, Self::delete),
            (plan.change, Self::change),
            (plan.purge, Self::purge),
            (plan.delete_queue, Self::delete_queue),
            (plan.move_task, Self::start_move),
            (plan.cancel_move, Self::cancel_move),
            (plan.touch_attributes, Self::touch_attributes),
        ];
        let total: u32 = choices.iter().map(|(weight, _)| weight).sum();
        let mut at = self.rng.u32(..total);
        for (weight, act) in choices {
            if at < weight {
                return act(self, queue, found);
            }
            at -= weight;
        }
        Ok(())
    }

    /// A client that waits for messages goes away.
    pub fn give_up(&mut self) {
        if !self.clients.polls.is_empty() {
            let at = self.rng.usize(..self.clients.polls.len());
            let token = self.clients.polls.swap_remove(at);
            self.cancel(token);
        }
    }

    pub fn call(
        &mut self,
        queue: usize,
        asked: Asked,
        command: Command,
        long_poll: bool,
    ) -> Checked {
        let call = Call {
            core: self.rng.usize(..self.plan.cores),
            shard: self.model.shard_of(queue),
            queue,
            asked,
            order: 0,
            at: 0,
            long_poll,
            cancelled: false,
        };
        self.request(call, command)
    }

    fn queue_call(&mut self, queue: usize, asked: Asked, command: QueueCommand) -> Checked {
        self.call(queue, asked, Command::Queue(Box::new(command)), false)
    }

    /// Finds a queue or makes it.
    pub fn find(&mut self, queue: usize) -> Checked {
        let name = self.plan.queues[queue].name.clone();
        if self.rng.u8(..3) == 0 {
            return self.queue_call(queue, Asked::Resolve, QueueCommand::Resolve(name));
        }
        let attributes = self.plan.attributes(&self.plan.queues[queue]);
        let command = QueueCommand::Create {
            name,
            attributes,
            tags: Default::default(),
            recreate_after_ms: 0,
        };
        self.queue_call(queue, Asked::Create, command)
    }

    pub fn send(&mut self, queue: usize, found: QueueRef) -> Checked {
        let mut numbers = Vec::new();
        let mut entries = smallvec::SmallVec::new();
        for _ in 0..if self.rng.u8(..4) == 0 {
            self.rng.usize(1..=10)
        } else {
            1
        } {
            let number = self.clients.next_number;
            self.clients.next_number += 1;
            entries.push(self.message(queue, number));
            numbers.push(number);
        }
        let command = Command::Send {
            queue: found,
            entries,
        };
        self.call(queue, Asked::Send(numbers), command, false)
    }

    fn message(&mut self, queue: usize, number: u64) -> SendEntry {
        let plan = &self.plan.queues[queue];
        let padding_bytes = self.rng.usize(..200);
        let fair = !plan.fifo && self.rng.bool();
        let grouped = plan.fifo || fair;
        let group = grouped.then(|| self.rng.usize(..self.plan.groups) as Group);
        // Now and then the same id again, that of one of the last messages.
        let dedup = plan.fifo.then(|| {
            if self.plan.repeats && self.rng.u8(..3) == 0 {
                number.saturating_sub(self.rng.u64(..20))
            } else {
                number
            }
        });
        let delay_s =
            (!plan.fifo && self.plan.delays && self.rng.u8(..3) == 0).then(|| self.rng.u32(..20));
        let message = Message {
            number,
            padding_bytes,
            group,
            dedup,
        };
        let life = Life {
            queue,
            group,
            dedup_key: dedup.map(|of| (of, group.filter(|_| plan.dedup_per_group))),
            sent_at: self.now,
            told_at: self.now,
            made_at: self.now,
            own_delay_s: delay_s,
            delay_s: (0, 0),
            received: false,
            at: 0,
            order: 0,
            fate: Fate::Pending,
            removed: Removed::No,
            removed_at: 0,
            wild: false,
            home: None,
        };
        self.model.lives.insert(number, life);
        let payload = message.payload(self.wall());
        SendEntry {
            counted_bytes: payload.body().len() as u32,
            payload,
            delay_s,
            deduplication_from_content: false,
        }
    }

    fn receive(&mut self, queue: usize, found: QueueRef) -> Checked {
        let plan = &self.plan.queues[queue];
        let visibility = match self.rng.u8(..6) {
            0 => Some(0),
            1 | 2 => Some(self.rng.u32(1..60)),
            _ => None,
        };
        let wait_s = self.plan.long_polls && self.rng.bool();
        let wait_s = wait_s.then(|| self.rng.u32(1..=20));
        let attempt: Option<Box<str>> = (plan.fifo && self.plan.attempts && self.rng.bool())
            .then(|| format!("attempt-{}", self.rng.u8(..4)).into());
        let visibility_s = visibility.unwrap_or(plan.visibility_s);
        let command = Command::Receive(Receive {
            queue: found,
            messages_max: self.rng.u8(1..=10),
            visibility_timeout_s: visibility,
            wait_s,
            attempt: attempt.clone(),
            client: 0,
        });
        let asked = Asked::Receive {
            visibility_s,
            attempt,
        };
        self.call(queue, asked, command, wait_s.is_some())
    }

    /// Takes some leases of one queue to use them, or to use them again later.
    fn leases(&mut self, keep: bool) -> Option<(usize, QueueRef, Vec<LeaseUse>)> {
        if self.clients.handles.is_empty() {
            return None;
        }
        let at = self.rng.usize(..self.clients.handles.len());
        let queue = self.clients.handles[at].queue;
        let found = self.clients.refs[queue]?;
        let wanted = self.rng.usize(1..=10);
        let mut uses: Vec<LeaseUse> = Vec::new();
        self.clients.handles.retain(|handle| {
            if handle.queue != queue || uses.len() >= wanted {
                return true;
            }
            let twice = uses
                .iter()
                .any(|used| used.lease.sequence == handle.lease.sequence);
            if handle.queue_id == found.id && !twice {
                uses.push(LeaseUse {
                    lease: handle.lease,
                    known: Known::Unsure,
                });
                return keep;
            }
            // A handle of a queue that was deleted and made again is refused by the dialect.
            handle.queue_id == found.id
        });
        (!uses.is_empty()).then_some((queue, found, uses))
    }

    fn delete(&mut self, _: usize, _: QueueRef) -> Checked {
        let keep = self.plan.stale_handles && self.rng.u8(..3) == 0;
        self.delete_some(keep).map(drop)
    }

    /// Deletes by some leases; answers whether there were any.
    fn delete_some(&mut self, keep: bool) -> Result<bool, Violation> {
        let Some((queue, found, uses)) = self.leases(keep) else {
            return Ok(false);
        };
        let entries = uses.iter().map(|using| using.lease).collect();
        let command = Command::Delete {
            queue: found,
            entries,
        };
        self.call(queue, Asked::Delete(uses), command, false)?;
        Ok(true)
    }

    /// Deletes by all leases that clients hold.
    pub fn delete_all(&mut self) -> Checked {
        let refs = &self.clients.refs;
        self.clients
            .handles
            .retain(|handle| refs[handle.queue].is_some_and(|found| found.id == handle.queue_id));
        while self.delete_some(false)? {}
        Ok(())
    }

    fn give_back(&mut self, queue: usize, leases: Vec<LeaseRef>) -> Checked {
        let asked = Asked::GiveBack(leases.clone());
        let leases = match self.sabotage {
            Sabotage::GivesNothingBack => Vec::new(),
            _ => leases,
        };
        self.queue_call(queue, asked, QueueCommand::ReturnDeliveries(leases))
    }

    fn change(&mut self, _: usize, _: QueueRef) -> Checked {
        let Some((queue, found, uses)) = self.leases(false) else {
            return Ok(());
        };
        for using in &uses {
            // The handle stays good.
            let handle = Handle {
                queue,
                queue_id: found.id,
                lease: using.lease,
            };
            self.clients.handles.push_back(handle);
        }
        let timeout = |rng: &mut fastrand::Rng| if rng.bool() { 0 } else { rng.u32(1..60) };
        let uses: Vec<(LeaseUse, u32)> = uses
            .into_iter()
            .map(|using| (using, timeout(&mut self.rng)))
            .collect();
        let entries = uses
            .iter()
            .map(|(using, timeout_s)| (using.lease, *timeout_s))
            .collect();
        let command = Command::ChangeVisibility {
            queue: found,
            entries,
        };
        self.call(queue, Asked::Change(uses), command, false)
    }

    fn purge(&mut self, queue: usize, found: QueueRef) -> Checked {
        let command = QueueCommand::Purge {
            queue: found,
            interval_ms: 0,
        };
        self.queue_call(queue, Asked::Purge(Vec::new()), command)
    }

    fn delete_queue(&mut self, queue: usize, found: QueueRef) -> Checked {
        self.queue_call(
            queue,
            Asked::DeleteQueue(Vec::new()),
            QueueCommand::Delete(found),
        )
    }

    fn start_move(&mut self, queue: usize, found: QueueRef) -> Checked {
        let queues = &self.plan.queues;
        let component = queues[queue].component;
        let other = (0..queues.len())
            .find(|other| *other != queue && queues[*other].component == component);
        // Only dead-letter queues have move tasks.
        let Some(other) = other.filter(|_| queues[queue].dead_letters_to.is_none()) else {
            return Ok(());
        };
        let mut task_id = [0; 16];
        task_id[..8].copy_from_slice(&self.rng.u64(..).to_be_bytes());
        let command = QueueCommand::StartMove {
            source: found,
            destination: self.rng.bool().then(|| queues[other].name.clone()),
            messages_per_s_max: self.rng.bool().then(|| self.rng.u32(5..500)),
            task_id,
        };
        self.queue_call(queue, Asked::StartMove(task_id), command)
    }

    fn cancel_move(&mut self, _: usize, _: QueueRef) -> Checked {
        let Some((queue, task)) = self.clients.tasks.pop() else {
            return Ok(());
        };
        let Some(found) = self.clients.refs[queue] else {
            return Ok(());
        };
        self.queue_call(
            queue,
            Asked::CancelMove,
            QueueCommand::CancelMove(found, task),
        )
    }

    /// Sets the retention, to what it is or to another one, and perhaps the delay.
    fn touch_attributes(&mut self, queue: usize, found: QueueRef) -> Checked {
        let retention_s = match self.rng.u8(..4) {
            0 if self.plan.retention_changes => self.rng.u32(60..400),
            1 if self.plan.retention_changes => 345_600,
            _ => self.plan.queues[queue].retention_s,
        };
        let value = Some(retention_s.to_string());
        let mut changes = vec![(QueueAttribute::MessageRetentionPeriod, value)];
        let delays = self.plan.delay_changes && self.rng.bool();
        let delay_s = delays.then(|| self.rng.u32(..30));
        if let Some(delay_s) = delay_s {
            changes.push((QueueAttribute::DelaySeconds, Some(delay_s.to_string())));
        }
        self.queue_call(
            queue,
            Asked::SetAttributes(retention_s, delay_s),
            QueueCommand::SetAttributes(found, changes),
        )
    }
}
