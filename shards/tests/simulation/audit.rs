//! Standing still and counting: what is in the queues must be what the model says.

use super::message::number_in;
use super::oracle::{Fate, Removed};
use super::world::World;
use crate::machine::disk::Sabotage;
use crate::machine::numbered::Map;
use crate::machine::{Checked, START, Violation, check};
use lclq_shards::command::{
    Command, Counts, Description, MessageState, Peeked, QueueCommand, QueueRef, Receive, Reply,
    ShardStats,
};
use lclq_shards::moves::MoveStatus;

/// Rounds of a quarter of a second in which everything must come to rest.
const ROUNDS_MAX: usize = 4000;
/// Receives that empty a run's queues.
const DRAIN_RECEIVES_MAX: usize = 20_000;

/// Where an audit found a message.
struct Found {
    queue: usize,
    shard: u16,
    peeked: Peeked,
}

impl World {
    /// Ends all faults and waits until nothing moves any more.
    pub fn settle(&mut self) -> Checked {
        self.lanes.heal();
        self.heal_disks(true);
        for round in 0.. {
            check(round < ROUNDS_MAX, || {
                let (calls, transfers) = (self.calls.len(), self.on_their_way());
                format!("no rest: {calls} calls and {transfers} transfers open")
            })?;
            self.settle_calls()?;
            self.nobody_waits_in_vain()?;
            // Numbers would not do: a target that lost its tail has confirmed what it has no more.
            let arrived = self.on_their_way() == 0;
            let answered = self.calls.values().all(|call| call.cancelled);
            if answered && arrived && !self.moves_run()? {
                self.calls.clear();
                return Ok(());
            }
            self.now += 250;
            self.note_time();
        }
        Ok(())
    }

    fn queue_ref(&self, queue: usize) -> Option<(u16, QueueRef)> {
        let shard = self.model.shard_of(queue);
        let host = &self.members[usize::from(shard)].host;
        let found = host.shard().find_queue(&self.plan.queues[queue].name)?;
        Some((shard, found))
    }

    fn ask_queue(&mut self, shard: u16, command: QueueCommand) -> Result<Reply, Violation> {
        self.ask(shard, Command::Queue(Box::new(command)))
    }

    fn describe(&mut self, shard: u16, queue: QueueRef) -> Result<Box<Description>, Violation> {
        match self.ask_queue(shard, QueueCommand::Describe(queue))? {
            Reply::Described(description) => Ok(description),
            other => Err(format!("{other:?}")),
        }
    }

    /// While a client waits on a standard queue there is nothing that it could be given.
    fn nobody_waits_in_vain(&mut self) -> Checked {
        let waiting: Vec<usize> = self
            .calls
            .values()
            .filter(|call| call.long_poll && !call.cancelled && !self.plan.queues[call.queue].fifo)
            .map(|call| call.queue)
            .collect();
        for queue in waiting {
            let Some((shard, found)) = self.queue_ref(queue) else {
                continue;
            };
            let counts = self.describe(shard, found)?.counts;
            let full = counts.in_flight >= self.plan.in_flight_max;
            check(counts.visible == 0 || full, || {
                format!("a client waits on queue {queue} for one of {counts:?}")
            })?;
        }
        Ok(())
    }

    fn moves_run(&mut self) -> Result<bool, Violation> {
        for queue in 0..self.plan.queues.len() {
            let Some((shard, found)) = self.queue_ref(queue) else {
                continue;
            };
            match self.ask_queue(shard, QueueCommand::ListMoves(found, 10))? {
                Reply::Moves(tasks) => {
                    if tasks.iter().any(|task| task.status == MoveStatus::Running) {
                        return Ok(true);
                    }
                }
                other => return Err(format!("{other:?}")),
            }
        }
        Ok(false)
    }

    /// Compares what is there with what must be.
    pub fn audit(&mut self) -> Checked {
        self.settle()?;
        let mut found: Map<u64, Vec<Found>> = Map::default();
        let mut sums = vec![Counts::default(); usize::from(self.plan.shards)];
        for queue in 0..self.plan.queues.len() {
            let Some((shard, place)) = self.queue_ref(queue) else {
                continue;
            };
            let counts = self.look_into(queue, shard, place, &mut found)?;
            let sum = &mut sums[usize::from(shard)];
            sum.visible += counts.visible;
            sum.in_flight += counts.in_flight;
            sum.delayed += counts.delayed;
        }
        for (member, sum) in self.members.iter().zip(&sums) {
            let stats: ShardStats = member.host.stats();
            check(stats.messages == *sum, || {
                format!("{:?} in all, {sum:?} by queue", stats.messages)
            })?;
            check(stats.waiters == 0, || {
                format!("{} waiters, no calls", stats.waiters)
            })?;
        }
        self.compare(found)
    }

    /// Peeks at a whole queue and compares with its counts.
    fn look_into(
        &mut self,
        queue: usize,
        shard: u16,
        place: QueueRef,
        found: &mut Map<u64, Vec<Found>>,
    ) -> Result<Counts, Violation> {
        let mut seen = Counts::default();
        let (mut after, mut near) = (0, None);
        loop {
            let command = QueueCommand::Peek {
                queue: place,
                after,
                near,
                messages_max: 100,
            };
            let page = match self.ask_queue(shard, command)? {
                Reply::Peeked(page) => page,
                other => return Err(format!("{other:?}")),
            };
            let Some(last) = page.last() else { break };
            (after, near) = (last.sequence, Some(last.slot));
            for peeked in page {
                match peeked.state {
                    MessageState::Visible => seen.visible += 1,
                    MessageState::InFlight => seen.in_flight += 1,
                    MessageState::Delayed => seen.delayed += 1,
                }
                let number = number_in(peeked.payload.body())?;
                found.entry(number).or_default().push(Found {
                    queue,
                    shard,
                    peeked,
                });
            }
        }
        let counts = self.describe(shard, place)?.counts;
        check(counts == seen, || {
            format!("queue {queue} counts {counts:?} and has {seen:?}")
        })?;
        Ok(counts)
    }

    fn compare(&mut self, mut found: Map<u64, Vec<Found>>) -> Checked {
        let now = self.now;
        for number in self.model.lives.numbers() {
            let copies = found.remove(&number).unwrap_or_default();
            let life = &self.model.lives[number];
            let places: Vec<_> = copies
                .iter()
                .map(|one| (one.queue, one.peeked.sequence))
                .collect();
            let story = || format!("message {number} is at {places:?}: {life:?}");
            check(life.wild || copies.len() <= 1, || {
                format!("doubled: {}", story())
            })?;
            let must = life.fate == Fate::There
                && life.removed == Removed::No
                && !life.wild
                && !self.model.plan.evicts()
                && !self.model.may_be_expired(life, now)
                && life.home.is_none_or(|home| {
                    self.model
                        .homes
                        .get(&home)
                        .is_none_or(|home| home.deletes_open == 0)
                });
            check(!must || copies.len() == 1, || format!("lost: {}", story()))?;
            let may = life.wild || life.fate != Fate::Never && life.removed != Removed::Yes;
            check(may || copies.is_empty(), || {
                format!("came back: {}", story())
            })?;
            self.look_at(number, copies)?;
        }
        check(found.is_empty(), || {
            format!("messages {:?} that nobody sent", found.keys())
        })
    }

    /// Takes up what the audit has found out about one message.
    fn look_at(&mut self, number: u64, copies: Vec<Found>) -> Checked {
        let now = self.now;
        let durable_tail = self.plan.tail_batches_max == 0;
        match &copies[..] {
            [] => {
                let life = self.model.lives.get_mut(number).expect("a known message");
                // One that a lost tail may have brought back went again at some time, of which this
                // is the latest.
                let unclear = std::mem::take(&mut life.wild) || life.removed != Removed::Yes;
                if unclear && life.fate != Fate::Never {
                    life.removed = Removed::Yes;
                    life.removed_at = now;
                }
                // Whatever deletes were open: it is gone.
                if let Some(home) = life.home.and_then(|at| self.model.homes.get_mut(&at)) {
                    home.removed = durable_tail || home.removed;
                    home.deletes_open = 0;
                }
            }
            [one] => {
                let place = (one.shard, one.peeked.sequence);
                self.model
                    .settle_home(number, one.queue, place.0, place.1)?;
                let life = self.model.lives.get_mut(number).expect("a known message");
                life.fate = Fate::There;
                life.removed = Removed::No;
                life.wild = false;
                let sent_at = one.peeked.payload.sent_at();
                (life.sent_at, life.told_at) = (self.clock.truth(sent_at), now);
                let life = &self.model.lives[number];
                let of = &self.model.plan.queues[one.queue];
                // A FIFO queue's delay holds for whatever arrives, and counts from the arrival.
                let not_before = if of.fifo {
                    let (_, most) = self.model.delays_s(one.queue, u64::MAX);
                    sent_at + u64::from(most) * 1000
                } else {
                    self.model.available_at(one.shard, life, u64::MAX).1
                };
                let home = self.model.homes.get_mut(&place).expect("just seen");
                home.deletes_open = 0;
                home.removed = false;
                let (state, count) = (one.peeked.state, one.peeked.receive_count);
                check(count >= home.floor, || {
                    format!("message {number} was received {count} times: {home:?}")
                })?;
                check(!home.counted || count == home.floor, || {
                    format!("message {number} counts {count} receives: {home:?}")
                })?;
                check(
                    home.busy_until <= now || state == MessageState::InFlight,
                    || {
                        format!(
                            "message {number} is {state:?} in a lease at {}: {home:?}",
                            now - START
                        )
                    },
                )?;
                let wall = self.clock.shown(now);
                check(state != MessageState::Delayed || not_before > wall, || {
                    format!("message {number} is still delayed")
                })?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Receives and deletes everything: whatever is there can be had.
    pub fn drain(&mut self) -> Checked {
        self.audit()?;
        for turn in 0..DRAIN_RECEIVES_MAX {
            let mut left = 0;
            for queue in 0..self.plan.queues.len() {
                let Some((shard, place)) = self.queue_ref(queue) else {
                    continue;
                };
                let counts = self.describe(shard, place)?.counts;
                left += counts.visible + counts.in_flight + counts.delayed;
                if counts.visible > 0 {
                    self.take_some(queue, place)?;
                }
            }
            self.settle_calls()?;
            self.delete_all()?;
            self.settle_calls()?;
            if left == 0 {
                return self.audit();
            }
            self.now += if turn % 4 == 3 { 20_000 } else { 50 };
            self.note_time();
        }
        Err("the queues can't be emptied".to_owned())
    }

    /// Deletes all queues with something in them: nothing of them stays in memory.
    pub fn delete_everything(&mut self) -> Checked {
        for queue in 0..self.plan.queues.len() {
            if let Some((_, place)) = self.queue_ref(queue) {
                self.send(queue, place)?;
                self.send(queue, place)?;
                self.settle_calls()?;
                self.take_some(queue, place)?;
                self.settle_calls()?;
            }
        }
        let forgotten = usize::from(self.sabotage == Sabotage::KeepsAQueue);
        for queue in forgotten..self.plan.queues.len() {
            if let Some((shard, place)) = self.queue_ref(queue) {
                self.ask_queue(shard, QueueCommand::Delete(place))?;
            }
        }
        self.nothing_resides()
    }

    fn take_some(&mut self, queue: usize, place: QueueRef) -> Checked {
        let command = Command::Receive(Receive {
            queue: place,
            messages_max: 10,
            visibility_timeout_s: Some(30),
            wait_s: Some(0),
            attempt: None,
            client: 0,
        });
        self.clients.refs[queue] = Some(place);
        let asked = super::calls::Asked::Receive {
            visibility_s: 30,
            attempt: None,
        };
        self.call(queue, asked, command, false)
    }
}
