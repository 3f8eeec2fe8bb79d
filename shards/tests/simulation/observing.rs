//! What the oracle makes of answers.

use super::calls::{Asked, Call, Known, LeaseUse};
use super::message::{number_in, number_of};
use super::oracle::{Accepted, DedupId, Fate, Oracle, Removed};
use crate::machine::{Checked, check};
use lclq_shards::command::{Delivery, LeaseError, Refusal, Reply, SendError, Sent};
use lclq_shards::{DEDUPLICATION_WINDOW_MS, Millis};

/// A message can be kept invisible this long after it was received, ms.
const INVISIBLE_MS_MAX: Millis = 12 * 3_600_000;

type LeaseResult = Result<(), LeaseError>;

impl Oracle {
    /// An answer has left its shard.
    pub fn check_answer(&mut self, call: &Call, reply: &Reply, now: Millis) -> Checked {
        match (&call.asked, reply) {
            (_, Reply::Stale(_)) => self.not_done(call),
            (_, Reply::Refused(Refusal::Overloaded)) => self.not_done(call),
            (_, Reply::Refused(Refusal::JournalDown)) => {
                check(self.plan.durable, || {
                    "no journal, yet it is down".to_owned()
                })?;
                self.note_lost(call);
                if matches!(call.asked, Asked::Receive { .. }) {
                    self.uncount(call.queue);
                }
            }
            (Asked::Send(numbers), Reply::Sent(results)) => {
                check(numbers.len() == results.len(), || {
                    format!("{call:?} got {reply:?}")
                })?;
                for (number, result) in numbers.iter().zip(results) {
                    self.sent(call, *number, result)?;
                }
            }
            (Asked::Receive { .. }, Reply::Received(deliveries)) => {
                let mut given = Vec::new();
                for delivery in deliveries {
                    self.received(call, delivery, &mut given, now)?;
                }
            }
            (Asked::Receive { .. }, Reply::Refused(Refusal::NoQueue)) if call.long_poll => {}
            (Asked::Receive { .. }, Reply::Refused(Refusal::InFlightLimit)) => {
                check(self.plan.in_flight_max < 1000, || {
                    "in flight limit".to_owned()
                })?;
            }
            (Asked::Delete(uses), Reply::Leases(results)) => {
                for (using, result) in uses.iter().zip(results) {
                    self.deleted(call, using, result, now)?;
                }
                self.close_deletes(call.shard, uses);
            }
            (Asked::Change(uses), Reply::Leases(results)) => {
                for ((using, timeout_s), result) in uses.iter().zip(results) {
                    self.changed(call, using, *timeout_s, result)?;
                }
            }
            (Asked::Purge(hit) | Asked::DeleteQueue(hit), Reply::Done) => {
                for (number, surely) in hit {
                    let life = self.lives.get_mut(*number).expect("a known message");
                    if *surely {
                        life.removed = Removed::Yes;
                        life.removed_at = now;
                    }
                }
            }
            (Asked::Create | Asked::Resolve, Reply::Queue(_)) => {}
            (Asked::Resolve, Reply::Refused(Refusal::NoQueue)) => {}
            (Asked::Create, Reply::Refused(Refusal::Exists(_)))
                if self.plan.retention_changes || self.plan.delay_changes => {}
            (Asked::SetAttributes(_, delay_s), Reply::Done) => {
                if delay_s.is_some() {
                    self.delay_set(call.queue, call.order);
                }
            }
            (Asked::StartMove(_) | Asked::GiveBack(_), Reply::Done) => {}
            (Asked::StartMove(_), Reply::Refused(Refusal::MoveRunning)) => {}
            (Asked::CancelMove, Reply::MoveCancelled(_)) => {}
            (Asked::CancelMove, Reply::Refused(Refusal::NoMove)) => {}
            _ => return Err(format!("{call:?} got {reply:?}")),
        }
        Ok(())
    }

    fn sent(&mut self, call: &Call, number: u64, result: &Result<Sent, SendError>) -> Checked {
        let life = self.lives.get_mut(number).expect("sent by the workload");
        let key = life.dedup_key.map(|key| (call.queue, key));
        let sent = match result {
            Ok(sent) => sent,
            Err(SendError::MemoryFull) if self.plan.memory_bytes_max != u64::MAX => {
                life.fate = Fate::Never;
                return Ok(());
            }
            Err(error) => return Err(format!("{call:?} got {error:?}")),
        };
        if let Some(first) = sent.duplicate_of {
            life.fate = Fate::Never;
            let first = number_of(first);
            let first_life = self.lives.get(first).ok_or("a duplicate of nothing")?;
            let same = first_life.dedup_key == self.lives[number].dedup_key && key.is_some();
            let age = call.at.saturating_sub(first_life.at);
            let (at, span_ms) = (first_life.at, DEDUPLICATION_WINDOW_MS);
            let until = self.clock.stored_due(call.shard, at, at + span_ms, span_ms);
            check(
                same && self.clock.shown(call.at) < until && first_life.order <= call.order,
                || format!("message {number} taken for a duplicate of {first}, {age} ms old"),
            )?;
            return check(first_life.fate != Fate::Never, || {
                format!("message {number} is a duplicate of {first}, which was refused")
            });
        }
        life.fate = Fate::There;
        let home = self.homes.get(&(call.shard, sent.sequence));
        match home {
            None => {
                self.settle_home(number, call.queue, call.shard, sent.sequence)?;
                let home = self.homes.get_mut(&(call.shard, sent.sequence));
                home.expect("just made").counted = true;
            }
            Some(home) => check(home.number == number, || {
                format!("messages {number} and {} have one number", home.number)
            })?,
        }
        let Some(key) = key else { return Ok(()) };
        self.opened_window(
            key,
            Accepted {
                number,
                order: call.order,
                at: call.at,
            },
        )
    }

    /// Within five minutes of a message that opened a window none may open it again, unless the clock
    /// was set forth.
    fn opened_window(&mut self, key: (usize, DedupId), new: Accepted) -> Checked {
        let barriers = self.barriers.get(&key.0).map_or(&[][..], Vec::as_slice);
        let accepted = self.accepted.entry(key).or_default();
        for old in accepted.iter() {
            let (low, high) = (old.order.min(new.order), old.order.max(new.order));
            let parted = barriers.iter().any(|at| (low..high).contains(at));
            let apart = old.at.abs_diff(new.at);
            let early_ms = self.clock.rise_since(old.at.min(new.at));
            check(
                parted || apart + early_ms >= DEDUPLICATION_WINDOW_MS,
                || {
                    let (old, new) = (old.number, new.number);
                    format!(
                        "message {new} is a duplicate of {old}, {apart} ms old, and was accepted"
                    )
                },
            )?;
        }
        accepted.push(new);
        Ok(())
    }

    fn received(
        &mut self,
        call: &Call,
        delivery: &Delivery,
        given: &mut Vec<u64>,
        now: Millis,
    ) -> Checked {
        let lease = delivery.lease;
        let number = number_in(delivery.payload.body())?;
        let place = (call.shard, lease.sequence);
        let life = self
            .lives
            .get_mut(number)
            .ok_or("a message that nobody sent")?;
        self.delivered += 1;
        check(life.fate != Fate::Never, || {
            format!("message {number} was refused, and is there")
        })?;
        check(life.wild || life.removed != Removed::Yes, || {
            format!("message {number} was deleted, and is there: {life:?}")
        })?;
        life.fate = Fate::There;
        let first_home = life.home.is_none_or(|home| home == place);
        // A FIFO queue's delay counts from the time of sending, which is before the shard sees it.
        // A dead letter's begins anew, and it has been through its delay.
        let (from, life_delay_s, received) = (
            (life.made_at, life.at),
            life.delay_s.0,
            // The answer to an earlier receive may be lost, and a repeated attempt gives out what
            // was received when it was made first.
            std::mem::replace(&mut life.received, true)
                || lease.receive_count > 1
                || self.clock.truth(lease.received_at) < call.at,
        );
        let (from, delay_s) = if self.plan.queues[call.queue].fifo {
            (from.0, self.delays_s(call.queue, call.order).0)
        } else {
            (from.1, life_delay_s)
        };
        let unseen = first_home && !(received && self.plan.delay_changes);
        let not_before = from + Millis::from(delay_s) * 1000;
        let received_at = self.clock.truth(lease.received_at);
        let early_ms = self.clock.rise_since(from);
        check(!unseen || received_at + early_ms >= not_before, || {
            format!("message {number} was given out at {received_at} before its delay")
        })?;
        self.settle_home(number, call.queue, call.shard, lease.sequence)?;
        let life = &self.lives[number];
        let (available_at, _) = self.available_at(call.shard, life, call.order);
        // One that was received has been through its delay, whatever the clock says since.
        let first = !self.moves[call.queue] && !received;
        check(!first || lease.received_at >= available_at, || {
            format!("message {number} was given out at {received_at} before its delay is over")
        })?;
        let sent_at = delivery.payload.sent_at();
        let kept = self.clock.stored(call.shard, life.made_at);
        check(self.moves[call.queue] || sent_at == kept, || {
            format!("message {number} was sent at {sent_at}, not at {kept}: {life:?}")
        })?;
        let life = self.lives.get_mut(number).expect("just seen");
        (life.sent_at, life.told_at) = (self.clock.truth(sent_at), now);
        let life = &self.lives[number];
        let retention_s = self.retentions_s[call.queue].1;
        let expires_at = sent_at + Millis::from(retention_s) * 1000;
        check(lease.received_at < expires_at, || {
            format!("message {number} was given out after its retention")
        })?;
        let Asked::Receive {
            visibility_s,
            attempt,
        } = &call.asked
        else {
            return Err("a delivery to no receive".to_owned());
        };
        let visibility_ms = Millis::from(*visibility_s) * 1000;
        let home = &self.homes[&place];
        check(!home.removed || life.wild, || {
            format!("message {number} was deleted, and is there")
        })?;
        let this_receive = (lease.receive_count, lease.received_at);
        // A receive with the same count in the same millisecond as one that was given back is another
        // one if later ones are known.
        let is_newest = home.floor <= lease.receive_count && home.received_at <= lease.received_at;
        let again = (home.floor, home.received_at) == this_receive
            || home.given_back == Some(this_receive) && is_newest;
        if again && attempt.is_some() && home.attempt == *attempt {
            let home = self.homes.get_mut(&place).expect("just seen");
            home.floor = home.floor.max(lease.receive_count);
            home.busy_until = call.at + visibility_ms;
            given.push(lease.sequence);
            return Ok(());
        }
        let before = lease.receive_count < home.floor && lease.received_at <= home.received_at;
        // One that was given back since takes the floor below it.
        let returned = home.given_back.is_some_and(|(count, at)| {
            let later = lease.received_at < home.received_at;
            later && lease.receive_count <= home.floor
                || lease.received_at <= at && lease.receive_count < count
        });
        if before || returned {
            // Its reply waited for another message to become durable, and others overtook it.
            given.push(lease.sequence);
            return Ok(());
        }
        // Likewise, and meanwhile a client has changed the lease by an older handle. When in a
        // millisecond a long poll had its messages there is no telling.
        let fifo = self.plan.queues[call.queue].fifo;
        let (changed_at, changed_order) = home.changed;
        let overtaken = received_at < changed_at || !call.long_poll && call.order < changed_order;
        let unclear = call.long_poll && received_at == changed_at;
        if !fifo && changed_order > 0 && (unclear || overtaken) {
            let home = self.homes.get_mut(&place).expect("just seen");
            if unclear {
                home.busy_until = 0;
            }
            home.floor = home.floor.max(lease.receive_count);
            home.received_at = lease.received_at;
            given.push(lease.sequence);
            return Ok(());
        }
        check(home.busy_until <= received_at, || {
            format!("message {number} was given out at {received_at} within a lease: {home:?}")
        })?;
        check(lease.receive_count > home.floor, || {
            format!(
                "message {number} has receive count {} after {}",
                lease.receive_count, home.floor
            )
        })?;
        check(delivery.first_received_at <= lease.received_at, || {
            format!("message {number} was received first later than now")
        })?;
        self.in_order(call, number, lease.sequence, given, now)?;
        let home = self.homes.get_mut(&place).expect("just seen");
        home.floor = lease.receive_count;
        home.received_at = lease.received_at;
        // An attempt that was repeated before anyone saw its first answer counts from the repeat.
        let from = if attempt.is_some() {
            call.at.max(received_at)
        } else {
            received_at
        };
        home.busy_until = from + visibility_ms;
        home.attempt = attempt.clone();
        given.push(lease.sequence);
        Ok(())
    }

    /// Nothing of a FIFO group is given out while something before it is there.
    fn in_order(
        &self,
        call: &Call,
        number: u64,
        sequence: u64,
        given: &[u64],
        now: Millis,
    ) -> Checked {
        let life = &self.lives[number];
        let Some(group) = life.group.filter(|_| self.plan.queues[call.queue].fifo) else {
            return Ok(());
        };
        let Some(places) = self.groups.get(&(call.queue, group)) else {
            return Ok(());
        };
        let before = places
            .range(..sequence)
            .find(|other| !given.contains(other) && self.surely_there(call.shard, **other, now));
        match before {
            None => Ok(()),
            Some(place) => {
                let earlier = &self.homes[&(call.shard, *place)];
                Err(format!(
                    "message {number} of group {group} was given out while {} is before it: \
                     {earlier:?}",
                    earlier.number
                ))
            }
        }
    }

    fn deleted(
        &mut self,
        call: &Call,
        using: &LeaseUse,
        result: &LeaseResult,
        now: Millis,
    ) -> Checked {
        let fifo = self.plan.queues[call.queue].fifo;
        let known = using.known;
        let wrong = match result {
            Ok(()) => fifo && known == Known::Over,
            Err(LeaseError::Expired) => !fifo || known == Known::Current || known == Known::Gone,
            Err(_) => true,
        };
        check(!wrong, || {
            format!(
                "deleting by {:?}: {result:?}, but it is {known:?}",
                using.lease
            )
        })?;
        let Some(home) = self.homes.get_mut(&(call.shard, using.lease.sequence)) else {
            return Ok(());
        };
        if result.is_err() || home.removed {
            return Ok(());
        }
        (home.removed, home.removed_at) = (true, now);
        let life = self.lives.get_mut(home.number).expect("a known message");
        if let Some(group) = life.group
            && let Some(places) = self.groups.get_mut(&(home.queue, group))
        {
            places.remove(&using.lease.sequence);
        }
        let surely = matches!(known, Known::Current | Known::Over);
        if surely {
            life.removed = Removed::Yes;
        } else if life.removed == Removed::No {
            life.removed = Removed::Maybe;
        }
        life.removed_at = now;
        Ok(())
    }

    fn changed(
        &mut self,
        call: &Call,
        using: &LeaseUse,
        timeout_s: u32,
        result: &LeaseResult,
    ) -> Checked {
        let fifo = self.plan.queues[call.queue].fifo;
        let known = using.known;
        let wrong = match result {
            Ok(()) => known == Known::Gone || fifo && known == Known::Over,
            Err(LeaseError::NoMessage) => known == Known::Current || !fifo && known == Known::Over,
            Err(LeaseError::TooLongInAll) => {
                let until = self.clock.shown(call.at) + Millis::from(timeout_s) * 1000;
                until <= using.lease.received_at + INVISIBLE_MS_MAX
            }
            Err(_) => true,
        };
        check(!wrong, || {
            format!(
                "changing {:?}: {result:?}, but it is {known:?}",
                using.lease
            )
        })?;
        if let Some(home) = self.homes.get_mut(&(call.shard, using.lease.sequence))
            && result.is_ok()
        {
            home.busy_until = call.at + Millis::from(timeout_s) * 1000;
            home.changed = (call.at, call.order);
        }
        Ok(())
    }
}
