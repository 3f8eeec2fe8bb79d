//! What clients were promised, and what they believe to have.

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

/// One message.
#[derive(Clone, Debug, Default)]
pub struct Life {
    /// Its message group; standard queues have none.
    pub group: Option<u64>,
    /// Sent for sure, under this sequence number.
    pub sequence: Option<u64>,
    pub removed: Removed,
    /// The earliest epoch whose owner said that it is removed.
    pub removed_in: Option<u64>,
    /// Who has it, and until when.
    pub holder: Option<LeaseRef>,
    pub held_until: Millis,
    /// The store has lost records, of which this may have been one.
    pub is_wild: bool,
}

#[derive(Default)]
pub struct Oracle {
    pub lives: BTreeMap<u64, Life>,
    pub acknowledged: u64,
    pub delivered: u64,
}

impl Oracle {
    pub fn sends(&mut self, number: u64, group: Option<u64>) {
        self.lives.entry(number).or_default().group = group;
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
        self.acknowledged += 1;
        Ok(())
    }

    /// Messages reach a client; the owner of `epoch` gives them out.
    ///
    /// What an owner said is removed, neither it nor an owner of a later epoch gives out again, unless
    /// that record is lost for good: later owners began behind it. An owner of an earlier epoch can't
    /// know. Where giving out is a write, as with FIFO queues, the log tells it, and it gives out
    /// nothing; standard queues ask nobody. The log's end doesn't say whose turn it is: a store that
    /// failed over may end with an earlier owner's records, while the later one is yet to put its own
    /// back. Only once something else stands in their place are they lost for good.
    pub fn received(
        &mut self,
        given: &[(u64, Delivery)],
        visibility_ms: Millis,
        epoch: u64,
        now: Millis,
    ) -> Checked {
        for (at, (number, delivery)) in given.iter().enumerate() {
            let lease = delivery.lease;
            let until = lease.received_at + visibility_ms;
            let life = self.life(*number)?.clone();
            self.delivered += 1;
            // A late packet: whoever gets it has nothing.
            if until <= now || life.is_wild {
                continue;
            }
            let is_gone = life.removed == Removed::Yes;
            if let Some(group) = life.group {
                check(!is_gone, || format!("message {number} came back: {life:?}"))?;
                let before = &given[..at];
                self.has_its_turn(*number, group, lease.sequence, before, now)?;
            } else {
                let must_know = life.removed_in.is_none_or(|removed_in| removed_in <= epoch);
                check(!is_gone || !must_know, || {
                    format!("message {number} came back in epoch {epoch}: {life:?}")
                })?;
            }
        }
        for (number, delivery) in given {
            let life = self.life(*number)?;
            let until = delivery.lease.received_at + visibility_ms;
            if until > now {
                (life.holder, life.held_until) = (Some(delivery.lease), until);
            }
        }
        Ok(())
    }

    /// Nobody else holds a message or one before it in its group, and none before it is there.
    fn has_its_turn(
        &self,
        number: u64,
        group: u64,
        sequence: u64,
        before: &[(u64, Delivery)],
        now: Millis,
    ) -> Checked {
        for (other, life) in &self.lives {
            if life.group != Some(group) || life.is_wild {
                continue;
            }
            // One that was given back can be given out again while later ones of its group are held.
            let holds_up = life.holder.is_some_and(|held| held.sequence <= sequence);
            check(!holds_up || life.held_until <= now, || {
                format!(
                    "message {number} is given out while {other} of its group is held: {life:?}"
                )
            })?;
            let is_there = life.removed == Removed::No;
            let is_before = life.sequence.is_some_and(|other| other < sequence);
            let is_given = before.iter().any(|(given, _)| given == other);
            check(!is_there || !is_before || is_given, || {
                format!("message {number} is given out before {other}: {life:?}")
            })?;
        }
        Ok(())
    }

    /// Somebody is done with a message: from here on it may be gone.
    pub fn deletes(&mut self, number: u64) {
        if let Some(life) = self.lives.get_mut(&number) {
            life.held_until = 0;
            if life.removed == Removed::No {
                life.removed = Removed::Maybe;
            }
        }
    }

    /// The owner of `epoch` says that a message is removed.
    pub fn deleted(&mut self, number: u64, epoch: u64) {
        if let Some(life) = self.lives.get_mut(&number) {
            life.removed = Removed::Yes;
            life.removed_in = Some(life.removed_in.map_or(epoch, |earlier| earlier.min(epoch)));
        }
    }

    /// Somebody asks for a message until another time: until that is answered, for no longer.
    pub fn changes(&mut self, number: u64, lease: LeaseRef, until: Millis) {
        if let Some(life) = self.lives.get_mut(&number)
            && life.holder == Some(lease)
        {
            life.held_until = life.held_until.min(until);
        }
    }

    pub fn changed(&mut self, number: u64, lease: LeaseRef, until: Millis, now: Millis) {
        if let Some(life) = self.lives.get_mut(&number)
            && life.holder == Some(lease)
            && life.held_until > now
            && life.removed == Removed::No
        {
            life.held_until = until;
        }
    }

    /// The store has lost what it said was safe, and nobody has put it back.
    pub fn lost_for_good(&mut self) {
        for life in self.lives.values_mut() {
            life.is_wild = true;
        }
    }

    /// What there is in the end, number by number, is what there must be.
    pub fn audit(&self, found: &BTreeMap<u64, u32>) -> Checked {
        for (number, life) in &self.lives {
            let copies = found.get(number).copied().unwrap_or(0);
            if life.is_wild {
                continue;
            }
            check(copies <= 1, || {
                format!("message {number} is there {copies} times")
            })?;
            let must = life.sequence.is_some() && life.removed == Removed::No;
            check(!must || copies == 1, || {
                format!("message {number} is lost: {life:?}")
            })?;
            check(life.removed != Removed::Yes || copies == 0, || {
                format!("message {number} came back in the end: {life:?}")
            })?;
        }
        let strange = found.keys().find(|number| !self.lives.contains_key(number));
        check(strange.is_none(), || {
            format!("message {strange:?} is nobody's")
        })
    }
}
