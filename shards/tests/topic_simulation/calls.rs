//! Requests under way, and what the model makes of their answers.

use super::model::{Held, Mark, Model, Outcome, Reader, Snapshot, Sure};
use super::neighbours::Neighbourly;
use crate::machine::numbered::Map;
use crate::machine::{Checked, check};
use lclq_shards::Millis;
use lclq_shards::command::{LeaseRef, Refusal, Reply};
use lclq_shards::pubsub::command::{PubsubRefusal, Pulled, Resource, SeekTo, Settled, StreamRef};
use std::rc::Rc;

/// The longest life of a snapshot, ms.
const SNAPSHOT_MS_MAX: Millis = 7 * 24 * 3_600_000;

#[derive(Debug)]
pub enum Asked {
    Publish(Vec<u64>),
    Pull,
    OpenStream,
    StreamPull(StreamRef),
    CloseStream(StreamRef),
    Acknowledge(Vec<Use>),
    Modify(Vec<(Use, u32)>),
    CreateTopic(usize),
    GetTopic(usize),
    DeleteTopic(usize),
    CreateSubscription,
    GetSubscription,
    DeleteSubscription,
    Update {
        ack_deadline_s: u32,
        retain_acked: bool,
        retention_ms: u64,
    },
    /// A topic's retention, ms; 0 for none.
    UpdateTopic(usize, u64),
    Detach,
    Seek(SeekTo, Outcome),
    TakeSnapshot(String, Map<Mark, Sure>),
    Queue(usize, Neighbourly),
}

/// A delivery that a client has.
#[derive(Clone, Copy, Debug)]
pub struct Use {
    pub lease: LeaseRef,
    pub mark: Mark,
    /// The subscription that it was delivered by: another one of its name is not asked.
    pub subscription_id: u64,
    /// Order of the call that got it.
    pub order: u64,
    /// Surely the latest delivery, and in time.
    pub current: bool,
    /// Something earlier of its ordering key is to be acknowledged first.
    pub blocked: Sure,
}

#[derive(Debug)]
pub struct Call {
    pub core: usize,
    pub shard: u16,
    /// The subscription, where the call is about one, and its id as the client knows it.
    pub subscription: usize,
    pub subscription_id: u64,
    pub asked: Asked,
    pub order: u64,
    pub at: Millis,
    /// Its client has gone: it may or may not be answered.
    pub cancelled: bool,
}

/// Whether it is a subscription that was cut off its topic: it has nothing and gets nothing.
pub fn is_detached(found: &Resource) -> bool {
    let settings = found.subscription.as_ref();
    settings.is_some_and(|settings| settings.detached)
}

impl Model {
    /// A shard is about to see a request.
    pub fn note_asked(&mut self, call: &mut Call, now: Millis) {
        self.lapse(now);
        self.orders += 1;
        (call.order, call.at) = (self.orders, now);
        let at = call.subscription;
        match &mut call.asked {
            Asked::Publish(numbers) => {
                for number in numbers {
                    let message = self
                        .published
                        .get_mut(*number)
                        .expect("published by a client");
                    (message.order, message.at) = (call.order, now);
                }
            }
            Asked::Acknowledge(uses) => {
                for using in uses.iter_mut() {
                    using.current = self.is_current(at, using.mark, &using.lease, now);
                    let held = self.readers[at].held.entry(using.mark).or_default();
                    held.acks_open.push(call.order);
                }
                // Whatever one request acknowledges of a key, it does in order.
                for using in uses {
                    using.blocked = self.is_blocked(at, using.mark);
                }
            }
            Asked::Modify(uses) => {
                for (using, _) in uses {
                    using.current = self.is_current(at, using.mark, &using.lease, now);
                }
            }
            Asked::CloseStream(stream) => {
                self.closed.push(*stream);
                let exactly_once = self.plan.subscriptions[at].settings.exactly_once;
                for held in self.readers[at].held.values_mut() {
                    if held.stream == Some(stream.number) && !exactly_once {
                        held.busy_until = 0;
                    }
                }
            }
            Asked::DeleteTopic(topic) => {
                self.deletions[*topic].push(call.order);
                for (reader, plan) in self.readers.iter_mut().zip(&self.plan.subscriptions) {
                    if plan.topic == *topic && reader.cut.is_none() {
                        reader.cut = Some(call.order);
                    }
                }
            }
            Asked::UpdateTopic(topic, retention_ms) => {
                let (least, most) = &mut self.retentions_ms[*topic];
                *least = (*least).min(*retention_ms);
                *most = (*most).max(*retention_ms);
            }
            Asked::Update {
                ack_deadline_s,
                retain_acked,
                retention_ms,
            } => {
                let retains = self.plan.subscriptions[at].settings.retain_acked;
                let reader = &mut self.readers[at];
                reader.ack_deadline_s_min = reader.ack_deadline_s_min.min(*ack_deadline_s);
                reader.retain_changed |= retains != *retain_acked;
                let (least, most) = &mut reader.retention_ms;
                *least = (*least).min(*retention_ms);
                *most = (*most).max(*retention_ms);
            }
            Asked::DeleteSubscription | Asked::Detach => {
                self.readers[at].deleted = true;
                if self.readers[at].alive == Sure::Yes {
                    self.readers[at].alive = Sure::Maybe;
                }
            }
            Asked::Seek(to, outcome) => {
                *outcome = match to {
                    SeekTo::Time(time) => self.outcome_of_time(at, *time),
                    SeekTo::Snapshot(name) => self.outcome_of_snapshot(at, name),
                };
                let snapshot = match to {
                    SeekTo::Snapshot(name) => self.snapshots.get(&**name),
                    SeekTo::Time(_) => None,
                };
                let reader = &mut self.readers[at];
                if let Some(snapshot) = snapshot {
                    reader.sought_others.insert(snapshot.of);
                    reader.sought_others.extend(&snapshot.others);
                }
                (reader.reset, reader.sought) = (call.order, true);
                let sought = || Held {
                    done: Sure::Maybe,
                    sought: true,
                    ..Held::default()
                };
                for (mark, _) in outcome {
                    reader.held.insert(*mark, sought());
                }
                // Dead letters that came back to others, and are here by a snapshot of theirs, are
                // given out anew like all else; which of them there are is not in the outcome.
                for (mark, held) in &mut reader.held {
                    if mark.dead_of.is_some() {
                        *held = sought();
                    }
                }
            }
            Asked::Queue(_, asked) => self.queued.asked(asked),
            Asked::TakeSnapshot(_, states) => *states = self.snapshot_of(at),
            _ => {}
        }
    }

    pub fn not_done(&mut self, call: &Call) {
        match &call.asked {
            Asked::Publish(numbers) => {
                for number in numbers {
                    self.published
                        .get_mut(*number)
                        .expect("published by a client")
                        .refused = true;
                }
            }
            Asked::Queue(_, asked) => self.queued.not_done(asked),
            Asked::Acknowledge(uses) if call.order > 0 => {
                for using in uses {
                    self.close_ack(call, using.mark);
                }
            }
            Asked::DeleteTopic(topic) if call.order > 0 => {
                self.deletions[*topic].retain(|order| *order != call.order);
                for reader in &mut self.readers {
                    reader.cut = reader.cut.filter(|cut| *cut != call.order);
                }
            }
            Asked::DeleteSubscription | Asked::Detach if call.order > 0 => {
                // Stale or refused: perhaps because it was gone.
                self.readers[call.subscription].wild = true;
            }
            _ => {}
        }
    }

    /// Order of the first deletion of a subscription's topic that may have come after `order`.
    fn first_deletion(&self, subscription: usize, order: u64) -> Option<u64> {
        let deletions = &self.deletions[self.plan.subscriptions[subscription].topic];
        deletions.iter().copied().filter(|at| *at > order).min()
    }

    fn close_ack(&mut self, call: &Call, mark: Mark) {
        if let Some(held) = self.readers[call.subscription].held.get_mut(&mark) {
            held.acks_open.retain(|order| *order != call.order);
        }
    }

    pub fn note_lost(&mut self, call: &Call) {
        if call.order == 0 {
            return self.not_done(call);
        }
        let reader = self.readers.get_mut(call.subscription);
        match (&call.asked, reader) {
            (Asked::CreateSubscription, Some(reader)) if reader.alive == Sure::No => {
                (reader.alive, reader.created) = (Sure::Maybe, 0);
                (reader.wild, reader.found) = (true, true);
                // What was known was about no subscription, or an earlier one.
                reader.cut_by = None;
            }
            (Asked::DeleteSubscription | Asked::Detach, Some(reader)) => reader.wild = true,
            _ => {}
        }
        // Publishes may have been taken, acknowledgements may count: they stay open.
    }

    pub fn check_answer(&mut self, call: &Call, reply: &Reply, now: Millis) -> Checked {
        let at = call.subscription;
        self.lapse(now);
        let uses = matches!(
            reply,
            Reply::Pulled(_) | Reply::Acknowledged(_) | Reply::Stream(_)
        );
        if let Some(reader) = self.readers.get_mut(at).filter(|_| uses) {
            reader.used_at = reader.used_at.max(call.at);
        }
        match (&call.asked, reply) {
            (_, Reply::Stale(_) | Reply::Refused(Refusal::Overloaded)) => self.not_done(call),
            (_, Reply::Refused(Refusal::JournalDown)) => {
                check(self.plan.durable, || {
                    "no journal, yet it is down".to_owned()
                })?;
                self.note_lost(call);
            }
            (Asked::Queue(_, asked), reply) => {
                self.queued.check_answer(&self.plan, asked, reply)?;
            }
            (Asked::Publish(numbers), Reply::Published(_)) => {
                for number in numbers {
                    let message = self
                        .published
                        .get_mut(*number)
                        .expect("published by a client");
                    message.taken = Sure::Yes;
                }
            }
            (Asked::Pull | Asked::StreamPull(_), Reply::Pulled(messages)) => {
                for pulled in messages {
                    self.delivered(call, pulled, now)?;
                }
            }
            (Asked::Acknowledge(uses), Reply::Acknowledged(results)) => {
                check(uses.len() == results.len(), || {
                    format!("{call:?} got {reply:?}")
                })?;
                for (using, result) in uses.iter().zip(results) {
                    self.acknowledged(call, using, *result, now)?;
                }
            }
            (Asked::Modify(uses), Reply::Acknowledged(results)) => {
                for ((using, deadline_s), result) in uses.iter().zip(results) {
                    let result = *result == Settled::Counted;
                    self.modified(call, using, *deadline_s, result)?;
                }
            }
            (Asked::CreateSubscription, Reply::Resource(_)) => {
                let cut = self.first_deletion(at, call.order);
                let before = &self.readers[at];
                let sought_at = before.reset;
                self.readers[at] = Reader {
                    deleted: before.deleted,
                    torn: before.torn,
                    ack_deadline_s_min: before.ack_deadline_s_min,
                    retain_changed: before.retain_changed,
                    retention_ms: before.retention_ms,
                    sought_others: before.sought_others.clone(),
                    cut,
                    ..Reader::new(Sure::Yes, call.order, call.at)
                };
                if sought_at > call.order {
                    // A seek came to it before this answer.
                    let reader = &mut self.readers[at];
                    (reader.reset, reader.sought) = (sought_at, true);
                    (reader.wild, reader.found) = (true, true);
                }
            }
            (Asked::DeleteTopic(topic), Reply::Done) => {
                self.ended += 1;
                for (reader, plan) in self.readers.iter_mut().zip(&self.plan.subscriptions) {
                    let had_it = !reader.found && reader.created < call.order;
                    let may_be = reader.cut.is_some_and(|cut| cut <= call.order);
                    if plan.topic == *topic && had_it && may_be && reader.cut_by.is_none() {
                        reader.cut_by = Some(call.order);
                    }
                }
            }
            (Asked::Update { .. } | Asked::UpdateTopic(..), Reply::Resource(_)) => {}
            (Asked::GetSubscription, Reply::Resource(found)) if is_detached(found) => {
                let reader = &mut self.readers[at];
                check(reader.deleted, || {
                    format!("nobody detached subscription {at}")
                })?;
            }
            (Asked::GetSubscription, Reply::Resource(found)) => {
                let since = if found.topic.is_some() { call.order } else { 0 };
                let cut = self.first_deletion(at, since);
                let reader = &mut self.readers[at];
                if reader.alive != Sure::Yes {
                    // It was made or not deleted, and its answer was lost.
                    reader.alive = Sure::Maybe;
                    reader.created = 0;
                    (reader.wild, reader.found) = (true, true);
                    (reader.cut, reader.cut_by) = (cut, None);
                }
            }
            (Asked::DeleteSubscription | Asked::Detach, Reply::Done) => {
                self.ended += 1;
                (self.readers[at].alive, self.readers[at].deleted_at) = (Sure::No, now);
            }
            (Asked::Seek(to, outcome), Reply::Done) => {
                self.seeks += 1;
                if let SeekTo::Snapshot(name) = to
                    && let Some(snapshot) = self.snapshots.get(&**name)
                {
                    let (at, due) = (snapshot.taken_at, snapshot.expires_at);
                    let due = self.clock.stored_due(call.shard, at, due, SNAPSHOT_MS_MAX);
                    check(self.clock.shown(call.at) < due, || {
                        format!("{name} was there after its end: {call:?}")
                    })?;
                }
                let reader = &mut self.readers[at];
                if call.order < reader.reset {
                    // Another seek came after it.
                    return Ok(());
                }
                (reader.confirmed, reader.confirmed_at) = (call.order, now);
                reader.used_at = reader.used_at.max(call.at);
                for (mark, done) in outcome {
                    let held = reader.held.entry(*mark).or_default();
                    if held.learnt <= call.order && held.done == Sure::Maybe && !held.delivered {
                        (held.done, held.done_at, held.learnt) = (*done, now, call.order);
                    }
                }
            }
            (Asked::TakeSnapshot(name, states), Reply::Resource(found)) => {
                let expires_at = found.expires_at.ok_or("a snapshot without an end")?;
                let snapshot = Snapshot {
                    of: at,
                    others: self.readers[at].sought_others.clone(),
                    taken_at: call.at,
                    expires_at: self.clock.truth(expires_at),
                    order: call.order,
                    done: states.clone(),
                };
                self.snapshots.insert(name.clone(), snapshot);
            }
            (Asked::CreateTopic(_) | Asked::GetTopic(_), Reply::Resource(_)) => {}
            (Asked::OpenStream, Reply::Stream(_)) => {}
            (Asked::CloseStream(_), Reply::Done) => {}
            (_, Reply::Refused(Refusal::Pubsub(refusal))) => self.refused(call, *refusal)?,
            _ => return Err(format!("{call:?} got {reply:?}")),
        }
        Ok(())
    }

    fn refused(&mut self, call: &Call, refusal: PubsubRefusal) -> Checked {
        use PubsubRefusal::*;
        let detached = refusal == Detached && self.readers[call.subscription].deleted;
        let fine = match &call.asked {
            _ if detached => true,
            Asked::Publish(_) if refusal == MemoryFull => self.plan.memory_bytes_max != u64::MAX,
            Asked::Update { .. } | Asked::UpdateTopic(..) => matches!(refusal, NotFound | Changed),
            Asked::CreateTopic(_) | Asked::CreateSubscription => {
                matches!(refusal, Exists | TopicNotFound)
            }
            Asked::TakeSnapshot(..) if refusal == Detached => {
                let reader = &self.readers[call.subscription];
                reader.cut.is_some() || reader.found
            }
            Asked::TakeSnapshot(..) => matches!(refusal, NotFound | Exists | SnapshotTooOld),
            Asked::Seek(SeekTo::Snapshot(name), _) if refusal == SnapshotNotFound => {
                let snapshot = self.snapshots.get(&**name);
                self.tail_lost
                    || snapshot.is_none_or(|found| {
                        found.expires_at <= call.at + self.clock.rise_since(found.taken_at)
                    })
            }
            Asked::Seek(..) => matches!(refusal, NotFound | OtherTopic),
            Asked::StreamPull(_) => matches!(refusal, NotFound | TooMany | Changed),
            _ => matches!(refusal, NotFound | TopicNotFound),
        };
        check(fine, || format!("{call:?} refused: {refusal:?}"))?;
        self.not_done(call);
        Ok(())
    }

    fn delivered(&mut self, call: &Call, pulled: &Pulled, now: Millis) -> Checked {
        let at = call.subscription;
        let plan = Rc::clone(&self.plan);
        let plan = &plan.subscriptions[at];
        let (number, dead_of) = super::wire::read(&pulled.bytes).ok_or("not a client's message")?;
        // A copy on another shard outlives what a lost tail takes back.
        let proves_taken = dead_of.is_none() || !self.tail_lost;
        // One that was on its way to a dead-letter topic that isn't there comes back so marked.
        let dead_of = dead_of.filter(|of| *of != at);
        let mark = Mark { number, dead_of };
        self.delivered += 1;
        let message = self
            .published
            .get_mut(number)
            .ok_or("a message that nobody published")?;
        check(!message.refused, || {
            format!("message {number} was refused, and is there")
        })?;
        if proves_taken {
            message.taken = Sure::Yes;
        }
        let message = *message;
        match dead_of {
            None => check(message.topic == plan.topic, || {
                format!("message {number} is of another topic than subscription {at}")
            })?,
            Some(of) => {
                let of_plan = &self.plan.subscriptions[of];
                // One that came back is in snapshots of its subscription.
                let in_snapshot = self.readers[at].sought_others.contains(&of);
                let dead_letter = of_plan.dead_letters_to == Some(plan.topic);
                check(dead_letter || in_snapshot, || {
                    format!("message {number} is no dead letter of {of} for {at}")
                })?;
                let reader = &self.readers[of];
                let had = self.owed(of, number) != Sure::No
                    || reader.deleted
                    // Its creation was lost, and what had left it by then was not.
                    || message.order <= reader.torn;
                check(had, || {
                    format!("message {number} is a dead letter of {of}, which never had it")
                })?;
            }
        }
        check(
            plan.class.is_none_or(|class| class == message.class),
            || format!("message {number} doesn't match the filter of subscription {at}"),
        )?;
        let (_, expired) = self.is_expired(at, number, call.at);
        // One that comes back from a dead-letter topic that isn't there stands behind younger ones,
        // and stays until they go.
        let late = dead_of.is_some() || plan.dead_letters_to.is_some();
        check(!expired || late, || {
            format!("message {number} of subscription {at} came after its retention")
        })?;
        let kept = self.clock.stored(call.shard, message.at);
        let published_at = pulled.published_at;
        check(late || published_at == kept, || {
            format!("message {number} was published at {published_at}, not at {kept}: {message:?}")
        })?;
        let reader = &mut self.readers[at];
        if call.order < reader.reset {
            // It waited, and there is no telling whether this is from before or after the seek.
            let held = reader.held.entry(mark).or_default();
            held.delivered = true;
            if held.done == Sure::No {
                held.done = Sure::Maybe;
            }
            return Ok(());
        }
        let reader = &self.readers[at];
        let later = reader.cut_by.is_some_and(|cut| message.order > cut) && dead_of.is_none();
        check(!later || reader.wild, || {
            format!("message {number} is of a later topic than subscription {at} is of")
        })?;
        let own = message.order > reader.created || dead_of.is_some();
        check(own || reader.sought || reader.found || reader.wild, || {
            format!("message {number} is older than subscription {at}")
        })?;
        let held = reader.held.get(&mark).cloned().unwrap_or_default();
        // A message that a seek brought back may become a dead letter once more.
        let again = dead_of.is_some_and(|of| {
            let of = &self.readers[of];
            of.sought || of.deleted || message.order <= of.torn
        });
        // One that was on its way there meanwhile, and comes back, is a second one.
        let doubled = plan.dead_letters_to.is_some() && reader.sought;
        let again = again || doubled && held.sequence != pulled.lease.sequence;
        check(held.done != Sure::Yes || reader.wild || again, || {
            format!(
                "message {number} of subscription {at} was acknowledged, and is there: {held:?}"
            )
        })?;
        let lease = pulled.lease;
        self.queued.is_young_enough(call.shard, lease.sequence)?;
        let moved = held.sequence != 0 && held.sequence != lease.sequence;
        check(
            !moved || reader.wild || again || plan.dead_letters_to.is_some(),
            || format!("message {number} is twice in subscription {at}: {held:?}, {lease:?}"),
        )?;
        if held.run == lease.received_at && lease.receive_count <= held.leases && !moved {
            check(lease.receive_count < held.leases, || {
                format!(
                    "message {number} has delivery {} twice",
                    lease.receive_count
                )
            })?;
            // Its answer waited for the disk, and another overtook it.
            return Ok(());
        }
        let grouped = plan.settings.ordering && !message.key.is_empty();
        // One that comes back calls later ones of its key back, but under exactly-once delivery.
        let called_back = grouped && !plan.settings.exactly_once;
        check(
            called_back || moved || held.busy_until <= now || reader.wild,
            || {
                format!(
                    "message {number} of subscription {at} was delivered within a lease: {held:?}"
                )
            },
        )?;
        if grouped && plan.dead_letters_to.is_none() {
            self.in_order(at, number)?;
        }
        let deadline_s = plan.settings.ack_deadline_s.min(reader.ack_deadline_s_min);
        let deadline_ms = Millis::from(deadline_s) * 1000;
        let unconfirmed = self.readers[at].confirmed < self.readers[at].reset;
        let held = self.readers[at].held.entry(mark).or_default();
        if held.done == Sure::Yes {
            // The other one is done with; this one isn't.
            held.done = Sure::Maybe;
        }
        held.sequence = lease.sequence;
        held.leases = lease.receive_count;
        held.run = lease.received_at;
        let closed =
            matches!(&call.asked, Asked::StreamPull(stream) if self.closed.contains(stream));
        held.busy_until = if closed { 0 } else { call.at + deadline_ms };
        held.delivered = true;
        held.stream = match &call.asked {
            Asked::StreamPull(stream) => Some(stream.number),
            _ => None,
        };
        if held.done == Sure::Maybe && held.acks_open.is_empty() && !unconfirmed {
            held.done = Sure::No;
        }
        Ok(())
    }

    /// Nothing of an ordering key is delivered before what was published earlier.
    fn in_order(&self, at: usize, number: u64) -> Checked {
        for earlier in self.of_its_key_before(number) {
            let mark = Mark {
                number: earlier,
                dead_of: None,
            };
            if self.owes(at, earlier) == Sure::Yes && self.done(at, mark) == Sure::No {
                let delivered = self.readers[at]
                    .held
                    .get(&mark)
                    .is_some_and(|held| held.delivered);
                check(delivered, || {
                    format!("message {number} came before {earlier} of its key to {at}")
                })?;
            }
        }
        Ok(())
    }

    fn acknowledged(&mut self, call: &Call, using: &Use, result: Settled, now: Millis) -> Checked {
        let at = call.subscription;
        self.close_ack(call, using.mark);
        let settings = &self.plan.subscriptions[at].settings;
        let fine = match result {
            Settled::Counted => using.blocked != Sure::Yes,
            Settled::Unordered => using.blocked != Sure::No,
            Settled::Invalid => settings.exactly_once && !using.current,
        };
        check(fine, || {
            format!("acknowledging {using:?} of subscription {at} in order: {result:?}")
        })?;
        self.unordered += u64::from(result == Settled::Unordered);
        let result = result == Settled::Counted;
        let moves = settings.dead_letter.is_some();
        let reader = &mut self.readers[at];
        if !result || call.order < reader.reset {
            return Ok(());
        }
        if using.order < reader.reset {
            if let Some(held) = reader.held.get_mut(&using.mark)
                && held.done == Sure::No
            {
                held.done = Sure::Maybe;
            }
            return Ok(());
        }
        self.acked += 1;
        let plan = &self.plan.subscriptions[at];
        let strict = plan.settings.exactly_once && plan.settings.ordering && !moves;
        if strict && using.mark.dead_of.is_none() {
            self.acknowledged_in_order(at, using.mark.number)?;
        }
        // Of one that had gone for its age nothing is noted, and with a clock that was set back it may be
        // young enough again.
        let gone = self.plan.clock_steps && self.is_expired(at, using.mark.number, call.at).0;
        let reader = &mut self.readers[at];
        let held = reader.held.entry(using.mark).or_default();
        // Under a dead-letter policy it may have gone there, or come back, in the meantime.
        let sure = using.current && held.sequence == using.lease.sequence
            || !moves && !reader.wild && !gone;
        if sure {
            held.done = Sure::Yes;
        } else if held.done == Sure::No {
            held.done = Sure::Maybe;
        }
        (held.done_at, held.learnt) = (now, call.order);
        Ok(())
    }

    /// Under exactly-once delivery nothing of an ordering key is acknowledged before what was
    /// published earlier.
    fn acknowledged_in_order(&self, at: usize, number: u64) -> Checked {
        for earlier in self.of_its_key_before(number) {
            let mark = Mark {
                number: earlier,
                dead_of: None,
            };
            let left = self.owes(at, earlier) == Sure::Yes && self.done(at, mark) == Sure::No;
            check(!left, || {
                format!("message {number} was acknowledged before {earlier} of its key in {at}")
            })?;
        }
        Ok(())
    }

    fn modified(&mut self, call: &Call, using: &Use, deadline_s: u32, result: bool) -> Checked {
        let at = call.subscription;
        let exactly_once = self.plan.subscriptions[at].settings.exactly_once;
        check(result || exactly_once && !using.current, || {
            format!("modifying {using:?} of subscription {at} failed")
        })?;
        let reader = &mut self.readers[at];
        if call.order < reader.reset {
            return Ok(());
        }
        if let Some(held) = reader.held.get_mut(&using.mark)
            && held.sequence == using.lease.sequence
            && held.leases == using.lease.receive_count
            && held.run == using.lease.received_at
        {
            let surely = using.current || exactly_once && result;
            held.busy_until = if surely && deadline_s > 0 {
                call.at + Millis::from(deadline_s) * 1000
            } else {
                0
            };
        }
        Ok(())
    }
}
