//! What subscribers of a run may believe: for each subscription and message whether it is surely
//! still to come, surely done with, or whether there is no telling.

use super::neighbours::Queued;
use super::plan::Plan;
use crate::machine::clock::Clock;
use crate::machine::numbered::{Map, Numbered};
use crate::machine::{Checked, check};
use lclq_shards::Millis;
use lclq_shards::command::LeaseRef;
use lclq_shards::pubsub::command::StreamRef;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sure {
    No,
    Maybe,
    Yes,
}

/// A message as a client published it, or as the dead letter of a subscription.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Mark {
    pub number: u64,
    pub dead_of: Option<usize>,
}

/// A message that was published.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    pub topic: usize,
    pub key: &'static str,
    pub class: &'static str,
    pub order: u64,
    pub at: Millis,
    /// Whether it was taken.
    pub taken: Sure,
    pub refused: bool,
}

/// What is known of one message in one subscription.
#[derive(Clone, Debug)]
pub struct Held {
    pub done: Sure,
    /// Order of what `done` was learnt from.
    pub learnt: u64,
    pub done_at: Millis,
    /// Orders of the acknowledgements that have no answer. A seek forgets those from before it: they
    /// came to the shard before it did, and their answers say nothing of what came after.
    pub acks_open: Vec<u64>,
    pub sequence: u64,
    pub leases: u32,
    pub run: Millis,
    pub stream: Option<u64>,
    /// Until then it surely is with whoever has it.
    pub busy_until: Millis,
    /// Delivered since the shard started or the subscription was set anew.
    pub delivered: bool,
    /// A seek made it the subscription's own, though it was published before.
    pub sought: bool,
}

impl Default for Held {
    fn default() -> Self {
        Self {
            done: Sure::No,
            learnt: 0,
            done_at: 0,
            acks_open: Vec::new(),
            sequence: 0,
            leases: 0,
            run: 0,
            stream: None,
            busy_until: 0,
            delivered: false,
            sought: false,
        }
    }
}

/// One subscription.
#[derive(Debug)]
pub struct Reader {
    pub alive: Sure,
    pub created: u64,
    pub created_at: Millis,
    /// Order of the latest seek, or of the creation: what was asked before tells nothing.
    pub reset: u64,
    pub sought: bool,
    /// Order of the latest seek or creation that was answered; `reset` is later while a seek has
    /// no answer, and may not last.
    pub confirmed: u64,
    /// When that was.
    pub confirmed_at: Millis,
    /// Nothing is sure until the next audit.
    pub wild: bool,
    /// It was found, and nobody knows when it was made: it may have messages from before
    /// `created`.
    pub found: bool,
    /// It was deleted once, perhaps after some of its messages had become dead letters.
    pub deleted: bool,
    /// When that was last answered.
    pub deleted_at: Millis,
    /// Order of the latest loss of a tail since it was last empty, if it has dead letters: what one
    /// shard had passed on and another had taken may be with both since, so what was published until
    /// then may be here twice, and go to the dead letters twice. It outlives the subscription.
    pub torn: u64,
    /// The shortest ack deadline that it may have, s.
    pub ack_deadline_s_min: u32,
    /// Whether it retains what is acknowledged may have changed.
    pub retain_changed: bool,
    /// The shortest and the longest retention that it may have had, ms.
    pub retention_ms: (u64, u64),
    /// When it was surely used last: only after that it can be idle.
    pub used_at: Millis,
    /// It sought to snapshots of these, or to snapshots of what had sought to theirs.
    pub sought_others: BTreeSet<usize>,
    /// Order of the first deletion of its topic that may have happened, and of the one that surely
    /// did: it has what was published before, and gets nothing that is published after.
    pub cut: Option<u64>,
    pub cut_by: Option<u64>,
    pub held: Map<Mark, Held>,
}

impl Reader {
    pub fn new(alive: Sure, created: u64, created_at: Millis) -> Self {
        Self {
            alive,
            created,
            created_at,
            reset: created,
            sought: false,
            confirmed: created,
            confirmed_at: created_at,
            wild: false,
            found: false,
            deleted: false,
            deleted_at: 0,
            torn: 0,
            ack_deadline_s_min: u32::MAX,
            retain_changed: false,
            retention_ms: (u64::MAX, 0),
            used_at: created_at,
            sought_others: BTreeSet::new(),
            cut: None,
            cut_by: None,
            held: Map::default(),
        }
    }
}

/// A snapshot: what its subscription had still to deliver.
#[derive(Debug)]
pub struct Snapshot {
    /// The subscription that it was taken of.
    pub of: usize,
    /// Those whose snapshots that one had sought to: it may hold dead letters of theirs.
    pub others: BTreeSet<usize>,
    pub order: u64,
    pub taken_at: Millis,
    /// Its end, as long as nobody sets the clock.
    pub expires_at: Millis,
    pub done: Map<Mark, Sure>,
}

/// What becomes of messages by a seek.
pub type Outcome = Vec<(Mark, Sure)>;

pub struct Model {
    pub plan: Rc<Plan>,
    pub clock: Clock,
    pub published: Numbered<Published>,
    pub queued: Queued,
    /// Those with an ordering key, by topic and key.
    keyed: Map<(usize, &'static str), Vec<u64>>,
    pub readers: Vec<Reader>,
    pub snapshots: HashMap<String, Snapshot>,
    /// Streams that were ended; what they were given is given back.
    pub closed: Vec<StreamRef>,
    /// Orders of the deletions that were asked for and may have happened, by topic.
    pub deletions: Vec<Vec<u64>>,
    /// The shortest and the longest retention that topics may have had, ms; 0 where none.
    pub retentions_ms: Vec<(u64, u64)>,
    /// A tail was lost: what was answered about resources may not have lasted.
    pub tail_lost: bool,
    pub now: Millis,
    pub orders: u64,
    pub delivered: u64,
    pub acked: u64,
    /// Acknowledgements that were out of order.
    pub unordered: u64,
    /// Seeks that were answered.
    pub seeks: u64,
    /// Deleted subscriptions and topics, and detached subscriptions.
    pub ended: u64,
}

impl Model {
    pub fn of(plan: Plan) -> Self {
        let readers = plan
            .subscriptions
            .iter()
            .map(|subscription| {
                let retention_ms = subscription.settings.retention_ms;
                let mut reader = Reader::new(Sure::No, 0, 0);
                reader.retention_ms = (retention_ms, retention_ms);
                reader
            })
            .collect();
        let retentions_ms = plan
            .topics
            .iter()
            .map(|topic| topic.settings.retention_ms.unwrap_or(0))
            .map(|retention_ms| (retention_ms, retention_ms))
            .collect();
        Self {
            retentions_ms,
            tail_lost: false,
            now: 0,
            deletions: vec![Vec::new(); plan.topics.len()],
            clock: Clock::new(plan.shards),
            plan: Rc::new(plan),
            published: Numbered::default(),
            queued: Queued::default(),
            keyed: Map::default(),
            readers,
            snapshots: HashMap::new(),
            closed: Vec::new(),
            orders: 0,
            delivered: 0,
            acked: 0,
            unordered: 0,
            seeks: 0,
            ended: 0,
        }
    }

    /// A client publishes a message.
    pub fn publish(&mut self, number: u64, message: Published) {
        self.published.insert(number, message);
        if !message.key.is_empty() {
            let keyed = self.keyed.entry((message.topic, message.key)).or_default();
            keyed.push(number);
        }
    }

    /// Messages of the ordering key of another that came to its shard before it.
    pub fn of_its_key_before(&self, number: u64) -> impl Iterator<Item = u64> {
        let message = self.published[number];
        let keyed = self.keyed.get(&(message.topic, message.key));
        keyed.into_iter().flatten().copied().filter(move |earlier| {
            let order = self.published[*earlier].order;
            order > 0 && (order, *earlier) < (message.order, number)
        })
    }

    pub fn shard_of(&self, subscription: usize) -> u16 {
        let topic = self.plan.subscriptions[subscription].topic;
        self.plan.shard_of(topic)
    }

    /// How long a subscription keeps a message, at least and at most, ms.
    fn retention_ms(&self, subscription: usize) -> (u64, u64) {
        let (least, most) = self.readers[subscription].retention_ms;
        let topic = self.plan.subscriptions[subscription].topic;
        // What a topic retains goes when it is deleted.
        (least, most.max(self.retentions_ms[topic].1))
    }

    /// Whether a subscription may have kept a message no longer, and whether surely.
    pub fn is_expired(&self, subscription: usize, number: u64, now: Millis) -> (bool, bool) {
        let at = self.published[number].at;
        let early_age = now.saturating_sub(at) + self.clock.rise_since(at);
        let (least, most) = self.retention_ms(subscription);
        // Messages go in the order in which they came, so one goes no earlier than older ones that a
        // start brought in line with a clock that was set back.
        let kept_since = self.clock.stored_at_most(self.shard_of(subscription), at);
        (
            early_age >= least,
            self.clock.shown(now) >= kept_since + most,
        )
    }

    /// A subscription may have been idle for too long.
    pub fn lapse(&mut self, now: Millis) {
        self.now = now;
        for (reader, plan) in self.readers.iter_mut().zip(&self.plan.subscriptions) {
            let idle = now.saturating_sub(reader.used_at);
            let may_be = plan.settings.expiration_ms.is_some_and(|most| idle >= most);
            // Dead letters outlive it.
            reader.deleted |= may_be && reader.used_at > 0;
            if may_be && reader.alive == Sure::Yes {
                reader.alive = Sure::Maybe;
                (reader.wild, reader.found) = (true, true);
            }
        }
    }

    /// Whether a message is one that the subscription has to deliver.
    pub fn owes(&self, subscription: usize, number: u64) -> Sure {
        if self.plan.subscriptions[subscription].topic != self.published[number].topic {
            return Sure::No;
        }
        let (may_be, surely) = self.is_expired(subscription, number, self.now);
        match self.owed(subscription, number) {
            _ if surely => Sure::No,
            Sure::Yes if may_be => Sure::Maybe,
            owed => owed,
        }
    }

    /// Whether a message is one that the subscription has to deliver or had, however old.
    pub fn owed(&self, subscription: usize, number: u64) -> Sure {
        let (plan, reader) = (
            &self.plan.subscriptions[subscription],
            &self.readers[subscription],
        );
        let message = &self.published[number];
        let fits = plan.topic == message.topic
            && plan.class.is_none_or(|class| class == message.class)
            && !message.refused;
        let mark = Mark {
            number,
            dead_of: None,
        };
        let brought = reader.held.get(&mark).filter(|held| held.sought);
        let is_there = brought.is_some_and(|held| held.done == Sure::No);
        let older = message.order <= reader.created && !is_there;
        let may_be = !older || reader.found || brought.is_some();
        if !fits || reader.alive == Sure::No || !may_be {
            return Sure::No;
        }
        if reader.cut_by.is_some_and(|cut| message.order > cut) {
            return Sure::No;
        }
        if reader.cut.is_some_and(|cut| message.order > cut) {
            return Sure::Maybe;
        }
        if older {
            return Sure::Maybe;
        }
        let sure = !self.plan.evicts()
            && reader.alive == Sure::Yes
            && message.taken == Sure::Yes
            && !reader.wild;
        if sure { Sure::Yes } else { Sure::Maybe }
    }

    pub fn done(&self, subscription: usize, mark: Mark) -> Sure {
        match self.readers[subscription].held.get(&mark) {
            None => Sure::No,
            Some(held) if !held.acks_open.is_empty() && held.done == Sure::No => Sure::Maybe,
            Some(held) => held.done,
        }
    }

    /// How many messages a subscription must and may have.
    pub fn backlog(&self, subscription: usize) -> (u64, u64) {
        let (mut least, mut most) = (0, 0);
        let dead_letters = self.plan.subscriptions[subscription]
            .dead_letters_to
            .is_some();
        for number in self.published.numbers() {
            let mark = Mark {
                number,
                dead_of: None,
            };
            let (owed, done) = (
                self.owes(subscription, number),
                self.done(subscription, mark),
            );
            if owed != Sure::No && done != Sure::Yes {
                most += 1;
                // With a dead-letter policy it may have been given out too often, unseen.
                least += u64::from(owed == Sure::Yes && done == Sure::No && !dead_letters);
            }
        }
        (least, most + self.dead_letters_of_others(subscription))
    }

    /// Dead letters that may have come back to other subscriptions, and be here by a snapshot of theirs.
    fn dead_letters_of_others(&self, subscription: usize) -> u64 {
        let others = self.readers[subscription].sought_others.iter().copied();
        let with_dead_letters =
            others.filter(|of| self.plan.subscriptions[*of].dead_letters_to.is_some());
        let may_be = |of: usize, number: u64| {
            let plan = &self.plan.subscriptions[of];
            let message = &self.published[number];
            let fits = plan.topic == message.topic
                && plan.class.is_none_or(|class| class == message.class)
                && message.order > 0;
            let mark = Mark {
                number,
                dead_of: Some(of),
            };
            fits && self.done(subscription, mark) != Sure::Yes
        };
        with_dead_letters
            .map(|of| {
                let numbers = self.published.numbers();
                numbers.filter(|number| may_be(of, *number)).count() as u64
            })
            .sum()
    }

    /// What a seek to a time (by the clock) leaves behind, if nothing else happens.
    pub fn outcome_of_time(&self, subscription: usize, time: Millis) -> Outcome {
        let plan = &self.plan.subscriptions[subscription];
        let cut = self.readers[subscription].cut;
        let retention_ms = self.retentions_ms[plan.topic].0;
        // What a topic retained went with it.
        let deleted = self.deletions[plan.topic].iter().max().copied();
        let shard = self.shard_of(subscription);
        let mut outcome = Vec::new();
        for (number, message) in self.published.iter() {
            if message.topic != plan.topic || message.order == 0 {
                continue;
            }
            let mark = Mark {
                number,
                dead_of: None,
            };
            let (owed, done) = (
                self.owes(subscription, number),
                self.done(subscription, mark),
            );
            let fits = plan.class.is_none_or(|class| class == message.class);
            let retain_acked =
                plan.settings.retain_acked && !self.readers[subscription].retain_changed;
            let retained = cut.is_none()
                && deleted.is_none_or(|deleted| deleted < message.order)
                && self.now + self.clock.rise_since(message.at) < message.at + retention_ms;
            let published_at = self.clock.stored(shard, message.at);
            let kept = retained || retain_acked && owed == Sure::Yes;
            let had = owed == Sure::Yes && done == Sure::No && plan.dead_letters_to.is_none();
            let result = if published_at < time && plan.dead_letters_to.is_none() {
                Sure::Yes
            } else if fits && message.taken == Sure::Yes && (kept || had) {
                Sure::No
            } else {
                Sure::Maybe
            };
            // What has gone to the dead letters is no more retained than it is there.
            let unclear = plan.dead_letters_to.is_some() && result == Sure::No;
            outcome.push((mark, if unclear { Sure::Maybe } else { result }));
        }
        outcome
    }

    pub fn outcome_of_snapshot(&self, subscription: usize, snapshot: &str) -> Outcome {
        let Some(snapshot) = self.snapshots.get(snapshot) else {
            return Vec::new();
        };
        let cut = self.readers[subscription].cut;
        let plan = &self.plan.subscriptions[subscription];
        let of = &self.plan.subscriptions[snapshot.of];
        let mut outcome = Vec::new();
        for (number, message) in self.published.iter() {
            if message.topic != plan.topic || message.order == 0 {
                continue;
            }
            let mark = Mark {
                number,
                dead_of: None,
            };
            // It holds what passes the filter of its own subscription.
            let held = of.class.is_none_or(|class| class == message.class);
            let result = match snapshot.done.get(&mark) {
                Some(done) => *done,
                None if message.order <= snapshot.order => Sure::Maybe,
                // Published since: the snapshot holds it.
                None if message.taken == Sure::Yes && cut.is_none() => Sure::No,
                None => Sure::Maybe,
            };
            let fits = plan.class.is_none_or(|class| class == message.class);
            let fits = fits && held;
            outcome.push((mark, if fits { result } else { Sure::Yes }));
        }
        outcome
    }

    /// What a snapshot taken now would say.
    pub fn snapshot_of(&self, subscription: usize) -> Map<Mark, Sure> {
        let mut done = Map::default();
        for (number, message) in self.published.iter() {
            let mark = Mark {
                number,
                dead_of: None,
            };
            let owed = self.owes(subscription, number);
            if message.order == 0 || message.topic != self.plan.subscriptions[subscription].topic {
                continue;
            }
            let moved = self.plan.subscriptions[subscription]
                .dead_letters_to
                .is_some();
            let state = match (owed, self.done(subscription, mark)) {
                (Sure::Yes, Sure::No) if !moved => Sure::No,
                (Sure::No, _) if self.readers[subscription].alive == Sure::Yes => Sure::Yes,
                (Sure::Yes, Sure::Yes) => Sure::Yes,
                _ => Sure::Maybe,
            };
            done.insert(mark, state);
        }
        done
    }

    pub fn note_crash(&mut self, shard: u16) {
        for (reader, plan) in self.readers.iter_mut().zip(&self.plan.subscriptions) {
            if self.plan.shard_of(plan.topic) == shard {
                // A seek without an answer has lasted or not: from now on that doesn't change, unless
                // a tail is lost that it is in.
                if reader.confirmed < reader.reset {
                    (reader.confirmed, reader.confirmed_at) = (reader.reset, self.now);
                }
                for held in reader.held.values_mut() {
                    held.busy_until = 0;
                    held.delivered = false;
                    held.stream = None;
                    held.leases = 0;
                }
            }
        }
    }

    pub fn note_lost_tail(&mut self, shard: u16, since: Millis) {
        self.tail_lost = true;
        let orders = self.orders;
        for message in self.published.values_mut() {
            let here = self.plan.shard_of(message.topic) == shard;
            if here && message.at >= since && message.taken == Sure::Yes {
                message.taken = Sure::Maybe;
            }
        }
        for (reader, plan) in self.readers.iter_mut().zip(&self.plan.subscriptions) {
            if self.plan.topics[plan.topic].dead_letters || plan.dead_letters_to.is_some() {
                reader.wild = true;
            }
            if plan.dead_letters_to.is_some() {
                reader.torn = orders;
            }
            if self.plan.shard_of(plan.topic) == shard {
                if reader.alive == Sure::Yes && reader.created_at >= since {
                    reader.alive = Sure::Maybe;
                    reader.wild = true;
                }
                if reader.alive == Sure::No && reader.deleted && reader.deleted_at >= since {
                    (reader.alive, reader.created) = (Sure::Maybe, 0);
                    (reader.wild, reader.found) = (true, true);
                }
                reader.cut_by = None;
                let seek_lost = reader.sought && reader.confirmed_at >= since;
                for held in reader.held.values_mut() {
                    if seek_lost || held.done == Sure::Yes && held.done_at >= since {
                        held.done = Sure::Maybe;
                    }
                }
            }
        }
    }

    /// The engine holds nothing for this subscription any more.
    pub fn emptied(&mut self, subscription: usize, now: Millis) -> Checked {
        let dead = self.plan.subscriptions[subscription].dead_letters_to;
        let mut owed = Vec::new();
        for number in self.published.numbers() {
            let mark = Mark {
                number,
                dead_of: None,
            };
            let owes = self.owes(subscription, number);
            if owes == Sure::No {
                continue;
            }
            let held = self.readers[subscription].held.get(&mark);
            owed.push(mark);
            let must = owes == Sure::Yes && self.done(subscription, mark) == Sure::No;
            let excused = dead.is_some_and(|topic| self.went_to(topic, subscription, number));
            check(!must || excused, || {
                let message = &self.published[number];
                format!(
                    "lost: message {number} of subscription {subscription}: {message:?}, {held:?}"
                )
            })?;
        }
        // The journal says nothing of messages that went for their age: with a clock that was set back
        // they may be young enough again.
        let may_return: BTreeSet<Mark> = owed
            .iter()
            .chain(self.readers[subscription].held.keys())
            .filter(|mark| {
                let is_old = |mark: &Mark| self.is_expired(subscription, mark.number, now).0;
                self.plan.clock_steps && (mark.dead_of.is_some() || is_old(mark))
            })
            .copied()
            .collect();
        let orders = self.orders;
        let reader = &mut self.readers[subscription];
        for mark in owed {
            reader.held.entry(mark).or_default();
        }
        for (mark, held) in &mut reader.held {
            let done = match held.done {
                Sure::No | Sure::Maybe if may_return.contains(mark) => Sure::Maybe,
                _ => Sure::Yes,
            };
            (held.done, held.done_at, held.learnt) = (done, now, orders);
            held.acks_open.clear();
        }
        (reader.wild, reader.torn) = (false, 0);
        if reader.confirmed < reader.reset {
            (reader.confirmed, reader.confirmed_at) = (reader.reset, now);
        }
        Ok(())
    }

    /// Whether a message may have become a dead letter: it was seen as one, or nobody that would
    /// have seen it was there.
    fn went_to(&self, topic: usize, of: usize, number: u64) -> bool {
        let mark = Mark {
            number,
            dead_of: Some(of),
        };
        let (order, at) = (self.published[number].order, self.published[number].at);
        let mut readers = (0..self.readers.len())
            .filter(|at| self.plan.subscriptions[*at].topic == topic)
            .map(|at| &self.readers[at]);
        readers.all(|reader| {
            reader.held.contains_key(&mark)
                || reader.wild
                || reader.alive != Sure::Yes
                || reader.cut.is_some()
                || reader.created >= order
                // It may have been kept there for long enough, unseen.
                || self.now.saturating_sub(at) + self.clock.rise_after(at) >= reader.retention_ms.0
        })
    }

    /// Whether something earlier of a message's ordering key is unacknowledged, so that under
    /// exactly-once delivery the message can't be acknowledged yet.
    pub fn is_blocked(&self, subscription: usize, mark: Mark) -> Sure {
        let (plan, reader) = (
            &self.plan.subscriptions[subscription],
            &self.readers[subscription],
        );
        let settings = &plan.settings;
        let keyed = !self.published[mark.number].key.is_empty();
        if !settings.exactly_once || !settings.ordering || !keyed {
            return Sure::No;
        }
        // Dead letters keep their keys and come in an order of their own.
        let dead_letters = plan.dead_letters_to.is_some()
            || self.plan.topics[plan.topic].dead_letters
            || mark.dead_of.is_some()
            || !reader.sought_others.is_empty();
        if dead_letters
            || reader.wild
            || reader.alive != Sure::Yes
            || reader.confirmed < reader.reset
        {
            return Sure::Maybe;
        }
        let mut blocked = Sure::No;
        for number in self.of_its_key_before(mark.number) {
            let earlier = Mark {
                number,
                dead_of: None,
            };
            let owed = self.owes(subscription, number);
            match (owed, self.done(subscription, earlier)) {
                (Sure::No, _) | (_, Sure::Yes) => {}
                (Sure::Yes, Sure::No) => return Sure::Yes,
                _ => blocked = Sure::Maybe,
            }
        }
        blocked
    }

    /// What is known of a delivery.
    pub fn is_current(
        &self,
        subscription: usize,
        mark: Mark,
        lease: &LeaseRef,
        now: Millis,
    ) -> bool {
        let reader = &self.readers[subscription];
        if self.is_expired(subscription, mark.number, now).0 || self.plan.evicts() {
            return false;
        }
        // With an ordering key, one that comes back calls later ones back, but under exactly-once
        // delivery.
        let settings = &self.plan.subscriptions[subscription].settings;
        if settings.ordering
            && !settings.exactly_once
            && !self.published[mark.number].key.is_empty()
        {
            return false;
        }
        reader.held.get(&mark).is_some_and(|held| {
            held.sequence == lease.sequence
                && held.leases == lease.receive_count
                && held.run == lease.received_at
                && held.busy_until > now
                && held.acks_open.is_empty()
                && held.done == Sure::No
                && !reader.wild
                && reader.alive == Sure::Yes
        })
    }
}
