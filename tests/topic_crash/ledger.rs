//! What the clients know: which messages they published, were given and acknowledged, and what the
//! server has answered to that. Every delivery is held against it.

use super::plan::{Subscription, Topic, matches};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A message: the topic it was published to, its ordering key (0: none), its number.
pub type Message = (usize, u32, u32);

/// The data says which message it is and has a length of its own.
pub fn data(message: Message) -> String {
    let (topic, key, number) = message;
    let spread = number.wrapping_mul(2_654_435_761) >> 16;
    let pad = match spread % 64 {
        0 => 40_000,
        other => other as usize * 5,
    };
    format!("{topic}/{key}/{number}:{}", "x".repeat(pad))
}

fn parse(text: &str) -> Option<Message> {
    let (message, _) = text.split_once(':')?;
    let mut parts = message.split('/');
    let topic = parts.next()?.parse().ok()?;
    let key = parts.next()?.parse().ok()?;
    let number = parts.next()?.parse().ok()?;
    (parts.next().is_none() && data((topic, key, number)) == text).then_some((topic, key, number))
}

/// A point in the order of what happened at the clients.
pub type Moment = u64;

/// One answer of a pull, or one stream.
pub type Holder = u64;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// Nobody asked to acknowledge it.
    Open,
    /// That was asked for so many times without an answer.
    Asked(u32),
    /// It must not be delivered by any call that starts after this.
    Gone(Moment),
}

/// A message of a subscription.
#[derive(Debug)]
struct Record {
    end: End,
    seen: bool,
    /// Run of the server in which it was leased for longer than the run lasts, and since when.
    leased: Option<(u32, Moment)>,
    /// Who got it last, and when that was noted.
    holder: Holder,
    delivered: Moment,
    /// When it was first seen in the dead-letter subscription.
    dead_lettered: Option<Moment>,
    /// Drain in which it was seen.
    drained: u32,
}

#[derive(Debug, Default)]
struct Published {
    /// The server has said yes, or has delivered it.
    certain: bool,
    message_id: Option<String>,
}

/// A message as a delivery brought it.
pub struct Seen {
    pub data: String,
    pub message_id: String,
    pub key: String,
    /// `CloudPubSubDeadLetterSourceSubscription`.
    pub dead_letter_of: Option<String>,
    pub ack_id: String,
}

/// Under which circumstances messages were delivered.
#[derive(Clone, Copy, Debug)]
pub struct Delivery {
    pub subscription: usize,
    /// When the call that brought them began.
    pub asked: Moment,
    pub holder: Holder,
    /// Whether nobody else is given them until the server is restarted.
    pub leased: bool,
    /// When the holder first gave something of the ordering key back: what was on its way to it
    /// then still arrives, while another holder may have been given the key anew.
    pub gave_back: Option<Moment>,
}

impl Delivery {
    /// Whether another holder was given the message of a record since this one gave its key back,
    /// so that this delivery may be older than that one.
    fn may_be_older(&self, record: &Record) -> bool {
        record.holder != self.holder && self.gave_back.is_some_and(|at| record.delivered > at)
    }
}

/// How much there was of what, for the summary.
#[derive(Default, Debug, Clone, Copy)]
pub struct Totals {
    pub published: u64,
    pub delivered: u64,
    pub streamed: u64,
    pub acknowledged: u64,
    pub acks_refused: u64,
    pub dead_lettered: u64,
    pub drained: u64,
    pub renewed: u64,
}

/// Of an ordered subscription's key: what is not gone, and the newest that was delivered.
#[derive(Default)]
struct Key {
    open: BTreeSet<u32>,
    newest: u32,
}

pub struct Ledger {
    topics: Vec<Topic>,
    subscriptions: Vec<Subscription>,
    published: HashMap<Message, Published>,
    /// By subscription (of dead letters: the one they come from) and message.
    records: BTreeMap<(usize, Message), Record>,
    keys: HashMap<(usize, usize, u32), Key>,
    now: Moment,
    run: u32,
    drain: u32,
    draining: bool,
    live: usize,
    pub totals: Totals,
}

impl Ledger {
    pub fn new(topics: Vec<Topic>, subscriptions: Vec<Subscription>) -> Self {
        Self {
            topics,
            subscriptions,
            published: HashMap::new(),
            records: BTreeMap::new(),
            keys: HashMap::new(),
            now: 0,
            run: 0,
            drain: 0,
            draining: false,
            live: 0,
            totals: Totals::default(),
        }
    }

    /// The next moment.
    pub fn tick(&mut self) -> Moment {
        self.now += 1;
        self.now
    }

    /// The server was started again: leases are over.
    pub fn restarted(&mut self) {
        self.run += 1;
    }

    /// Deliveries that may be due.
    pub fn live(&self) -> usize {
        self.live
    }

    fn is_ordered(&self, subscription: usize, message: Message) -> bool {
        message.1 != 0 && self.subscriptions[subscription].ordered
    }

    /// Messages are about to be published: each is of every subscription that exists and matches.
    pub fn publishing(&mut self, messages: &[Message]) {
        for message in messages {
            self.published.insert(*message, Published::default());
            for (at, subscription) in self.subscriptions.iter().enumerate() {
                if subscription.topic != message.0 || !matches(subscription, *message) {
                    continue;
                }
                self.live += 1;
                let record = Record {
                    end: End::Open,
                    seen: false,
                    leased: None,
                    holder: 0,
                    delivered: 0,
                    dead_lettered: None,
                    drained: 0,
                };
                self.records.insert((at, *message), record);
                if message.1 != 0 && subscription.ordered {
                    let key = self.keys.entry((at, message.0, message.1)).or_default();
                    key.open.insert(message.2);
                }
            }
        }
    }

    /// The server has said yes to a publish.
    pub fn published(&mut self, message: Message, message_id: &str) {
        self.totals.published += 1;
        let published = self.published.get_mut(&message).expect("noted when asked");
        published.certain = true;
        note_message_id(published, message, message_id);
    }

    /// A subscription was deleted and made again: what it had must not come back.
    pub fn renewed(&mut self, subscription: usize) {
        self.totals.renewed += 1;
        let of_it = (subscription, (0, 0, 0))..(subscription + 1, (0, 0, 0));
        let gone: Vec<_> = self.records.range(of_it).map(|(id, _)| *id).collect();
        for id in gone {
            let record = self.records.remove(&id).expect("just found");
            self.live -= usize::from(!matches!(record.end, End::Gone(_)));
        }
        self.keys.retain(|(of, _, _), _| *of != subscription);
    }

    /// A call has brought these, in this order. Answers which messages they are.
    pub fn delivered(&mut self, delivery: &Delivery, seen: &[Seen]) -> Vec<Message> {
        let now = self.tick();
        let mut messages = Vec::with_capacity(seen.len());
        for one in seen {
            let message = parse(&one.data)
                .unwrap_or_else(|| panic!("a message that nobody published: {:.80}", one.data));
            assert_eq!(one.key, key_name(message.1), "{message:?}");
            let source = self.check_place(delivery.subscription, message, one);
            let id = (source, message);
            let is_source = source == delivery.subscription;
            let (run, drain, draining) = (self.run, self.drain, self.draining);
            let record = self
                .records
                .get_mut(&id)
                .unwrap_or_else(|| panic!("{id:?} is not of this subscription"));
            let asked = delivery.asked;
            if let End::Gone(gone) = record.end {
                assert!(
                    gone > asked,
                    "{id:?} came back: it was gone at {gone}, this call began at {asked}; \
                     {record:?}"
                );
            }
            if let Some((leased_run, since)) = record.leased {
                assert!(
                    leased_run != run || since > asked,
                    "{id:?} was leased at {since} and delivered again by a call that began at \
                     {asked}, in the same run"
                );
            }
            if is_source {
                let at = record.dead_lettered;
                assert!(
                    at.is_none_or(|at| at > asked),
                    "{id:?} was dead-lettered at {at:?} and is in its source again at {asked}"
                );
            } else if record.dead_lettered.is_none() {
                record.dead_lettered = Some(now);
                self.totals.dead_lettered += 1;
            }
            if draining {
                assert!(record.drained != drain, "{id:?} is there twice");
                record.drained = drain;
                self.totals.drained += 1;
            }
            let first = !std::mem::replace(&mut record.seen, true);
            let again = record.holder == delivery.holder;
            if !delivery.may_be_older(record) {
                record.holder = delivery.holder;
                record.delivered = now;
                record.leased = delivery.leased.then_some((run, now));
            }
            if is_source && self.is_ordered(source, message) {
                self.check_order(source, message, delivery, first, again);
            }
            let published = self.published.get_mut(&message).expect("published");
            // What one subscriber was given may not be lost to the others any more.
            published.certain = true;
            if is_source {
                note_message_id(published, message, &one.message_id);
            }
            self.totals.delivered += 1;
            messages.push(message);
        }
        messages
    }

    /// It must be in a subscription that it was published to, or be its dead letter. Answers the
    /// subscription that had it first.
    fn check_place(&self, subscription: usize, message: Message, one: &Seen) -> usize {
        let plan = &self.subscriptions[subscription];
        if self.topics[plan.topic].dead_letters {
            let source = self
                .subscriptions
                .iter()
                .position(|source| source.dead_letter == Some(plan.topic))
                .expect("someone's dead-letter topic");
            let name = &self.subscriptions[source].name;
            assert_eq!(one.dead_letter_of.as_ref(), Some(name), "{message:?}");
            return source;
        }
        assert_eq!(one.dead_letter_of, None, "{message:?}");
        assert!(
            plan.topic == message.0 && matches(plan, message),
            "{message:?} in subscription {}",
            plan.name
        );
        subscription
    }

    /// All messages of the key with smaller numbers must be gone, or about to go, or have been
    /// given to the same holder before; or this delivery was on its way already when they were given
    /// to another.
    fn check_order(
        &mut self,
        subscription: usize,
        message: Message,
        delivery: &Delivery,
        first: bool,
        again: bool,
    ) {
        let (topic, key, number) = message;
        let keys = self.keys.get_mut(&(subscription, topic, key));
        let keys = keys.expect("of an ordered subscription");
        assert!(
            !first || number > keys.newest,
            "{message:?} is new after {}",
            keys.newest
        );
        keys.newest = keys.newest.max(number);
        for earlier in keys.open.range(..number) {
            let id = (subscription, (topic, key, *earlier));
            let record = &self.records[&id];
            let certain = self.published[&id.1].certain;
            let passed = record.end != End::Open
                || record.holder == delivery.holder
                || delivery.may_be_older(record)
                || !certain;
            assert!(
                passed,
                "{message:?} overtook {earlier}: {record:?}, {delivery:?}"
            );
        }
        if again {
            // It was called back, and all later ones with it: they come after it once more.
            for later in keys.open.range(number + 1..) {
                let id = (subscription, (topic, key, *later));
                let record = self.records.get_mut(&id).expect("one that is open");
                if record.holder == delivery.holder {
                    record.holder = 0;
                }
            }
        }
    }

    /// The subscription whose record it is.
    fn source(&self, subscription: usize) -> usize {
        let topic = self.subscriptions[subscription].topic;
        let is_source = |source: &Subscription| source.dead_letter == Some(topic);
        let found = self.subscriptions.iter().position(is_source);
        found.unwrap_or(subscription)
    }

    /// Acknowledgements are about to be asked for.
    pub fn acknowledging(&mut self, subscription: usize, messages: &[Message]) {
        let source = self.source(subscription);
        for message in messages {
            // A subscription that was made again has forgotten it.
            if let Some(record) = self.records.get_mut(&(source, *message)) {
                record.end = match record.end {
                    End::Open => End::Asked(1),
                    End::Asked(times) => End::Asked(times + 1),
                    gone => gone,
                };
            }
        }
    }

    /// The server has said yes to an acknowledgement.
    pub fn acknowledged(&mut self, subscription: usize, message: Message) {
        let now = self.tick();
        let source = self.source(subscription);
        let Some(record) = self.records.get_mut(&(source, message)) else {
            return;
        };
        if !matches!(record.end, End::Gone(_)) {
            record.end = End::Gone(now);
            self.live -= 1;
            self.totals.acknowledged += 1;
            self.close(source, message);
        }
    }

    fn close(&mut self, source: usize, message: Message) {
        if let Some(key) = self.keys.get_mut(&(source, message.0, message.1)) {
            key.open.remove(&message.2);
        }
    }

    /// The server has said no to an acknowledgement: it has not happened.
    pub fn refused(&mut self, subscription: usize, message: Message) {
        self.totals.acks_refused += 1;
        let source = self.source(subscription);
        if let Some(record) = self.records.get_mut(&(source, message)) {
            record.end = match record.end {
                End::Asked(1) => End::Open,
                End::Asked(times) => End::Asked(times - 1),
                other => other,
            };
        }
    }

    /// Messages are about to be given back, so they may be delivered again; of an ordering key,
    /// all later ones with them.
    pub fn releasing(&mut self, subscription: usize, messages: &[Message]) {
        let source = self.source(subscription);
        for message in messages {
            if let Some(record) = self.records.get_mut(&(source, *message)) {
                record.leased = None;
            }
            if self.is_ordered(source, *message) {
                let (topic, key, number) = *message;
                let later = &self.keys[&(source, topic, key)].open;
                for later in later.range(number..) {
                    let id = (source, (topic, key, *later));
                    self.records.get_mut(&id).expect("open").leased = None;
                }
            }
        }
    }

    /// Drains so far.
    pub fn drains(&self) -> u32 {
        self.drain
    }

    /// From now on until [`Ledger::end_drain`], every message may be seen once.
    pub fn begin_drain(&mut self) {
        self.drain += 1;
        self.draining = true;
    }

    /// Messages that have to be seen in this drain and were not.
    pub fn missing(&self) -> Vec<(usize, Message)> {
        let missing = self.records.iter().filter(|((_, message), record)| {
            record.end == End::Open
                && record.drained != self.drain
                && self.published[message].certain
        });
        missing.map(|(id, _)| *id).collect()
    }

    /// The server has nothing more to give: what was not seen must never be.
    pub fn end_drain(&mut self) {
        let missing = self.missing();
        assert!(
            missing.is_empty(),
            "{} acknowledged messages are lost, such as {:?}",
            missing.len(),
            missing
                .iter()
                .take(5)
                .map(|id| (self.subscriptions[id.0].name.clone(), id, &self.records[id]))
                .collect::<Vec<_>>()
        );
        let now = self.tick();
        self.draining = false;
        for record in self.records.values_mut() {
            if !matches!(record.end, End::Gone(_)) {
                record.end = End::Gone(now);
                self.live -= 1;
            }
        }
        self.keys.values_mut().for_each(|key| key.open.clear());
        assert_eq!(self.live, 0);
    }
}

/// A message has the same id in all subscriptions, and keeps it through restarts.
fn note_message_id(published: &mut Published, message: Message, message_id: &str) {
    match &published.message_id {
        Some(known) => assert_eq!(known, message_id, "{message:?} changed its id"),
        None => published.message_id = Some(message_id.to_owned()),
    }
}

/// The ordering key of a message.
pub fn key_name(key: u32) -> String {
    match key {
        0 => String::new(),
        key => format!("key-{key}"),
    }
}
