//! What clients were promised, and what they believe to have.

use super::queues::Queue;
use crate::{Checked, check};
use lclq_shards::Millis;
use lclq_shards::command::{Delivery, LeaseRef};
use std::collections::BTreeMap;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Removed {
    #[default]
    No,
    /// Somebody has asked for it and knows no answer.
    Maybe,
    Yes,
}

/// A message as a queue has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    pub queue: usize,
    pub sequence: u64,
}

/// Who has a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Held {
    pub queue: usize,
    pub lease: LeaseRef,
}

/// One message.
#[derive(Clone, Debug, Default)]
pub struct Life {
    /// The queue that it was sent to.
    pub home: usize,
    /// Its message group; standard queues have none.
    pub group: Option<u64>,
    pub first_sent_at: Millis,
    /// Sent for sure, under this sequence number.
    pub sequence: Option<u64>,
    /// Where it was seen last: it is there, or has gone on or away from there.
    pub place: Option<Place>,
    pub removed: Removed,
    /// The queue that it was removed from, and the earliest epoch whose owner said that it is.
    pub removed_in: Option<(usize, u64)>,
    /// The earliest epoch whose owner sent it on to the dead-letter queue.
    pub moved_in: Option<u64>,
    /// A later one of its group went out, so it isn't at home any more.
    pub is_overtaken: bool,
    /// The dead-letter queue was lost with its log's tail: what is sent there comes back, perhaps again and again.
    pub comes_back: bool,
    /// Who has it, and until when by the true time.
    pub holder: Option<Held>,
    pub held_until: Millis,
    /// Until when somebody asked for it last: what was asked before says nothing any more.
    pub asked_until: Millis,
    /// The store has lost records, of which this may have been one.
    pub is_wild: bool,
}

/// Messages that reach a client.
pub struct Given<'a> {
    pub queue: usize,
    /// Of the owner that gives them out.
    pub epoch: u64,
    /// How far its clock is ahead of the true time.
    pub ahead_ms: i64,
    pub visibility_ms: Millis,
    pub messages: &'a [(u64, Delivery)],
}

impl Given<'_> {
    /// When a lease is over by the true time, if it is looked at on the node that gave it.
    fn until(&self, lease: LeaseRef) -> Millis {
        (lease.received_at + self.visibility_ms).saturating_add_signed(-self.ahead_ms)
    }
}

#[derive(Default)]
pub struct Oracle {
    queues: Vec<Queue>,
    /// How much earlier a lease may end on another node.
    skew_ms: Millis,
    pub lives: BTreeMap<u64, Life>,
    pub acknowledged: u64,
    pub delivered: u64,
    /// Of those delivered, the ones from dead-letter queues.
    pub dead_letters: u64,
}

impl Oracle {
    pub fn of(queues: Vec<Queue>, skew_ms: Millis) -> Self {
        Self {
            queues,
            skew_ms,
            ..Self::default()
        }
    }

    fn dead_letters_of(&self, queue: usize) -> Option<usize> {
        self.queues[queue].dead_letters_to.map(|(target, _)| target)
    }

    pub fn sends(&mut self, number: u64, home: usize, group: Option<u64>, now: Millis) {
        let life = self.lives.entry(number).or_insert_with(|| Life {
            first_sent_at: now,
            ..Life::default()
        });
        (life.home, life.group) = (home, group);
    }

    fn life(&mut self, number: u64) -> Result<&mut Life, String> {
        let life = self.lives.get_mut(&number);
        life.ok_or_else(|| format!("message {number}, which nobody sent"))
    }

    pub fn sent(&mut self, number: u64, sequence: u64) -> Checked {
        let life = self.life(number)?;
        let known = life.sequence.replace(sequence);
        check(
            life.is_wild || known.is_none_or(|known| known == sequence),
            || format!("message {number} is {sequence} and was {known:?}"),
        )?;
        let queue = life.home;
        life.place.get_or_insert(Place { queue, sequence });
        self.acknowledged += 1;
        Ok(())
    }

    /// Messages reach a client.
    ///
    /// What an owner said is removed, neither it nor an owner of a later epoch gives out again, unless
    /// that record is lost for good: later owners began behind it. An owner of an earlier epoch can't
    /// know. Where giving out is a write, as with FIFO queues, the log tells it, and it gives out
    /// nothing; standard queues ask nobody. The log's end doesn't say whose turn it is: a store that
    /// failed over may end with an earlier owner's records, while the later one is yet to put its own
    /// back. Only once something else stands in their place are they lost for good.
    ///
    /// The same goes for what an owner has sent on to a dead-letter queue, which nobody else gives it
    /// out before.
    pub fn received(&mut self, given: &Given<'_>, now: Millis) -> Checked {
        let held = |given: &Given<'_>, lease| given.until(lease) > now + self.skew_ms;
        let all = given.messages;
        let known: Vec<bool> = all
            .iter()
            .map(|(_, delivery)| held(given, delivery.lease))
            .collect();
        for (at, (number, delivery)) in all.iter().enumerate() {
            let life = self.life(*number)?.clone();
            self.delivered += 1;
            self.dead_letters += u64::from(given.queue != life.home);
            // A late packet: whoever gets it has nothing.
            if !known[at] || life.is_wild {
                continue;
            }
            self.may_be_given(*number, &life, given)?;
            if let Some(group) = life.group {
                let before = &all[..at];
                let sequence = delivery.lease.sequence;
                self.has_its_turn(*number, group, given.queue, sequence, before, now)?;
            }
        }
        for ((number, delivery), known) in all.iter().zip(known) {
            let (queue, lease) = (given.queue, delivery.lease);
            let until = given.until(lease);
            let life = self.life(*number)?;
            if queue == life.home && life.moved_in.is_some() {
                // By an owner that can't know; whoever holds it where it is now isn't troubled.
                continue;
            }
            let sequence = lease.sequence;
            life.place = Some(Place { queue, sequence });
            if known {
                (life.holder, life.held_until) = (Some(Held { queue, lease }), until);
            }
        }
        Ok(())
    }

    /// That it is there for all that the owner can know.
    fn may_be_given(&self, number: u64, life: &Life, given: &Given<'_>) -> Checked {
        let Given { queue, epoch, .. } = *given;
        let told = |what: &str| format!("message {number} {what} in epoch {epoch}: {life:?}");
        let is_at_home = queue == life.home;
        check(
            is_at_home || self.dead_letters_of(life.home) == Some(queue),
            || told("is in a strange queue"),
        )?;
        // Where owners of earlier epochs ask nobody.
        let must_know = |known_in: u64| life.group.is_some() || known_in <= epoch;
        let is_gone = life.removed == Removed::Yes;
        let removed_here = life.removed_in.filter(|(removed, _)| *removed == queue);
        let removed_elsewhere = life.removed_in.is_some() && removed_here.is_none();
        let must_know_removed = removed_here.is_none_or(|(_, known_in)| must_know(known_in));
        if is_at_home {
            check(!life.moved_in.is_some_and(must_know), || {
                told("came back from its dead-letter queue")
            })?;
            check(!life.is_overtaken, || {
                told("is given out, and a later one was before")
            })?;
            check(!is_gone || removed_elsewhere || !must_know_removed, || {
                told("came back")
            })
        } else {
            check(life.moved_in.is_some(), || {
                told("is where nobody has sent it")
            })?;
            check(
                !is_gone || (!removed_elsewhere && !must_know_removed),
                || told("came back as a dead letter"),
            )
        }
    }

    /// Nobody else holds a message or one before it in its group, and none before it is there.
    fn has_its_turn(
        &mut self,
        number: u64,
        group: u64,
        queue: usize,
        sequence: u64,
        before: &[(u64, Delivery)],
        now: Millis,
    ) -> Checked {
        let moves_on = self.dead_letters_of(queue).is_some();
        let skew_ms = self.skew_ms;
        for (other, life) in &mut self.lives {
            if life.group != Some(group) || life.is_wild {
                continue;
            }
            // One that was given back can be given out again while later ones of its group are held.
            let held = life.holder.filter(|held| held.queue == queue);
            let holds_up = held.is_some_and(|held| held.lease.sequence <= sequence);
            check(!holds_up || life.held_until <= now + skew_ms, || {
                format!(
                    "message {number} is given out while {other} of its group is held: {life:?}"
                )
            })?;
            let is_there = life.removed == Removed::No && life.moved_in.is_none_or(|_| !moves_on);
            let place = life.place.filter(|place| place.queue == queue);
            let is_before = place.is_some_and(|place| place.sequence < sequence);
            let is_given = before.iter().any(|(given, _)| given == other);
            if is_there && is_before && !is_given {
                check(moves_on, || {
                    format!("message {number} is given out before {other}: {life:?}")
                })?;
                life.is_overtaken = !life.comes_back;
            }
        }
        Ok(())
    }

    /// Somebody is done with a message that a queue gave out: from here on it may be gone.
    pub fn deletes(&mut self, number: u64, queue: usize) {
        if let Some(life) = self.lives.get_mut(&number)
            && (queue != life.home || life.moved_in.is_none())
        {
            life.held_until = 0;
            if life.removed == Removed::No {
                life.removed = Removed::Maybe;
            }
        }
    }

    /// The owner of `epoch` says that a message is removed from a queue.
    pub fn deleted(&mut self, number: u64, queue: usize, epoch: u64) -> Checked {
        let life = self.life(number)?;
        if queue == life.home && (life.moved_in.is_some() || life.comes_back) {
            // It isn't there any more, or perhaps not, and to delete what isn't there is no error.
            return Ok(());
        }
        life.removed = Removed::Yes;
        let earlier = life.removed_in.filter(|(removed, _)| *removed == queue);
        let epoch = earlier.map_or(epoch, |(_, earlier)| earlier.min(epoch));
        life.removed_in = Some((queue, epoch));
        Ok(())
    }

    /// The owner of `epoch` sends a message on to its dead-letter queue.
    pub fn moved(&mut self, number: u64, epoch: u64) -> Checked {
        let life = self.life(number)?;
        if life.comes_back {
            return Ok(());
        }
        life.moved_in = Some(life.moved_in.map_or(epoch, |earlier| earlier.min(epoch)));
        let removed_before = life.removed_in.is_some_and(|(queue, _)| queue == life.home);
        check(!removed_before || life.is_wild, || {
            format!("message {number} was removed and is sent on: {life:?}")
        })
    }

    /// There was no queue to take a dead letter, which comes back.
    pub fn returned(&mut self, number: u64) -> Checked {
        let life = self.life(number)?;
        (life.moved_in, life.is_overtaken, life.comes_back) = (None, false, true);
        if life.removed == Removed::Yes {
            // Where it wasn't at that time.
            (life.removed, life.removed_in) = (Removed::Maybe, None);
        }
        Ok(())
    }

    /// Somebody asks for a message until another time: until that is answered, for no longer.
    pub fn changes(&mut self, number: u64, held: Held, until: Millis) {
        if let Some(life) = self.lives.get_mut(&number)
            && life.holder == Some(held)
        {
            life.held_until = life.held_until.min(until);
            life.asked_until = until;
        }
    }

    pub fn changed(&mut self, number: u64, held: Held, until: Millis, now: Millis) {
        if let Some(life) = self.lives.get_mut(&number)
            && life.holder == Some(held)
            && life.held_until > now
            && life.asked_until == until
            && life.removed == Removed::No
        {
            life.held_until = until;
        }
    }

    /// The store has lost what a message needs to arrive.
    pub fn may_be_lost(&mut self, number: u64) -> Checked {
        self.life(number)?.is_wild = true;
        Ok(())
    }

    /// The store has lost what it said was safe, and nobody has put it back.
    pub fn lost_for_good(&mut self) {
        for life in self.lives.values_mut() {
            life.is_wild = true;
        }
    }

    /// The queues in which each message is in the end are the ones in which it must be.
    pub fn audit(&self, found: &BTreeMap<u64, Vec<usize>>) -> Checked {
        for (number, life) in &self.lives {
            let copies = found.get(number).map_or(&[][..], Vec::as_slice);
            if life.is_wild {
                continue;
            }
            check(copies.len() <= 1, || {
                format!("message {number} is in {copies:?}: {life:?}")
            })?;
            let must = life.sequence.is_some() && life.removed == Removed::No;
            check(!must || copies.len() == 1, || {
                format!("message {number} is lost: {life:?}")
            })?;
            check(life.removed != Removed::Yes || copies.is_empty(), || {
                format!("message {number} came back in the end: {life:?}")
            })?;
            let is_moved = life.moved_in.is_some() || life.is_overtaken;
            check(!is_moved || !copies.contains(&life.home), || {
                format!("message {number} is at home again: {life:?}")
            })?;
        }
        let strange = found.keys().find(|number| !self.lives.contains_key(number));
        check(strange.is_none(), || {
            format!("message {strange:?} is nobody's")
        })
    }
}
