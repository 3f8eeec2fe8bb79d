//! What the clients know: which messages they sent, received and deleted, and what the server has
//! answered to that. Every receive is held against it.

use std::collections::HashMap;

/// What kind of queue it is, and how the load uses it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Standard,
    Fifo,
    /// Its consumers give every message back, so that it ends in the dead-letter queue.
    Poison,
    DeadLetter,
}

#[derive(Clone, Debug)]
pub struct Queue {
    pub name: String,
    pub kind: Kind,
}

impl Queue {
    pub fn url(&self) -> String {
        format!("http://localhost/000000000000/{}", self.name)
    }
}

/// A message's place in the ledger: queue it was sent to, group (0 outside FIFO queues), number.
pub type Id = (usize, u32, u32);

/// The body says which message it is and has a length of its own.
pub fn body(id: Id) -> String {
    let (queue, group, number) = id;
    let spread = number.wrapping_mul(2_654_435_761) >> 16;
    let pad = match spread % 64 {
        0 => 40_000,
        other => other as usize * 5,
    };
    format!("{queue}/{group}/{number}:{}", "x".repeat(pad))
}

fn parse(text: &str) -> Option<Id> {
    let (id, _) = text.split_once(':')?;
    let mut parts = id.split('/');
    let queue = parts.next()?.parse().ok()?;
    let group = parts.next()?.parse().ok()?;
    let number = parts.next()?.parse().ok()?;
    (parts.next().is_none() && body((queue, group, number)) == text)
        .then_some((queue, group, number))
}

/// A point in the order of what happened at the clients.
pub type Moment = u64;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sent {
    /// Asked for, without an answer.
    Unknown,
    Acknowledged,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// Nobody asked to delete it.
    Open,
    /// A delete was asked for, without an answer.
    Asked,
    /// It must not be seen by any receive that starts after this.
    Gone(Moment),
}

#[derive(Debug)]
struct Record {
    sent: Sent,
    end: End,
    message_id: Option<String>,
    /// Run of the server in which it was leased for longer than the run lasts, and since when.
    leased: Option<(u32, Moment)>,
    /// When it was first seen in the dead-letter queue.
    dead_lettered: Option<Moment>,
    /// Drain in which it was seen.
    drained: u32,
}

/// A message as a receive brought it.
pub struct Seen {
    pub body: String,
    pub message_id: String,
    pub group: Option<String>,
    pub handle: String,
}

/// How much there was of what, for the summary.
#[derive(Default, Debug, Clone, Copy)]
pub struct Totals {
    pub sent: u64,
    pub sent_unknown: u64,
    pub received: u64,
    pub deleted: u64,
    pub deletes_unknown: u64,
    pub drained: u64,
}

pub struct Ledger {
    queues: Vec<Queue>,
    records: HashMap<Id, Record>,
    now: Moment,
    run: u32,
    drain: u32,
    draining: bool,
    live: usize,
    pub totals: Totals,
}

impl Ledger {
    pub fn new(queues: Vec<Queue>) -> Self {
        Self {
            queues,
            records: HashMap::new(),
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

    /// Messages that may be in the server.
    pub fn live(&self) -> usize {
        self.live
    }

    /// A send is about to be asked for, perhaps once more.
    pub fn sending(&mut self, id: Id) {
        match self.records.get_mut(&id) {
            // It wasn't there after a crash, so this attempt is its first.
            Some(record) if record.sent == Sent::Unknown && matches!(record.end, End::Gone(_)) => {
                if record.message_id.is_none() {
                    record.end = End::Open;
                    self.live += 1;
                }
            }
            Some(_) => {}
            None => {
                self.totals.sent_unknown += 1;
                self.live += 1;
                let record = Record {
                    sent: Sent::Unknown,
                    end: End::Open,
                    message_id: None,
                    leased: None,
                    dead_lettered: None,
                    drained: 0,
                };
                self.records.insert(id, record);
            }
        }
    }

    /// The server has said yes to a send.
    pub fn sent(&mut self, id: Id, message_id: &str) {
        let record = self.records.get_mut(&id).expect("noted when asked for");
        if record.sent == Sent::Unknown {
            record.sent = Sent::Acknowledged;
            self.totals.sent_unknown -= 1;
            self.totals.sent += 1;
        }
        note_message_id(record, id, message_id);
    }

    /// A receive that was asked for at `asked` has brought these, in this order. Answers their ids.
    pub fn received(
        &mut self,
        queue: usize,
        asked: Moment,
        leased: bool,
        seen: &[Seen],
    ) -> Vec<Id> {
        let now = self.tick();
        let mut ids = Vec::with_capacity(seen.len());
        for message in seen {
            let id = parse(&message.body)
                .unwrap_or_else(|| panic!("a message that nobody sent: {:.80}", message.body));
            self.check_place(queue, id, message);
            if self.queues[queue].kind == Kind::Fifo {
                self.check_order(id, &ids);
            }
            let (run, drain, draining) = (self.run, self.drain, self.draining);
            let record = self
                .records
                .get_mut(&id)
                .unwrap_or_else(|| panic!("{id:?} was never sent"));
            if let End::Gone(gone) = record.end {
                assert!(
                    gone > asked,
                    "{id:?} came back: it was gone at {gone}, this receive began at {asked}; \
                     {record:?}"
                );
            }
            if let Some((leased_run, since)) = record.leased {
                assert!(
                    leased_run != run || since > asked,
                    "{id:?} was leased at {since} and received again by a receive that began at \
                     {asked}, in the same run"
                );
            }
            assert!(!ids.contains(&id), "{id:?} twice in one answer");
            if draining {
                assert!(record.drained != drain, "{id:?} is there twice");
                record.drained = drain;
                self.totals.drained += 1;
            }
            if leased {
                record.leased = Some((run, now));
            }
            if record.sent == Sent::Unknown {
                // What was seen once may not be lost any more.
                record.sent = Sent::Acknowledged;
                self.totals.sent_unknown -= 1;
                self.totals.sent += 1;
            }
            note_message_id(record, id, &message.message_id);
            self.totals.received += 1;
            ids.push(id);
        }
        ids
    }

    /// It must be in the queue it was sent to, or have moved on to the dead-letter queue for good.
    fn check_place(&mut self, queue: usize, id: Id, message: &Seen) {
        let now = self.now;
        let record = self.records.get_mut(&id);
        match self.queues[queue].kind {
            Kind::DeadLetter => {
                assert_eq!(self.queues[id.0].kind, Kind::Poison, "{id:?} in {queue}");
                if let Some(record) = record {
                    record.dead_lettered.get_or_insert(now);
                }
            }
            _ => assert_eq!(id.0, queue, "{id:?} in another queue"),
        }
        if self.queues[queue].kind == Kind::Fifo {
            assert_eq!(message.group, Some(group_name(id.1)), "{id:?}");
        }
    }

    /// All messages of the group with smaller numbers must be gone, or about to go, or before it
    /// in the same answer.
    fn check_order(&self, id: Id, before: &[Id]) {
        let (queue, group, number) = id;
        for earlier in (0..number).rev() {
            let earlier = (queue, group, earlier);
            let record = self
                .records
                .get(&earlier)
                .unwrap_or_else(|| panic!("{earlier:?} was not sent before {id:?}"));
            let passed = record.end != End::Open || before.contains(&earlier);
            assert!(passed, "{id:?} overtook {earlier:?}: {record:?}");
            if matches!(record.end, End::Gone(_)) {
                break;
            }
        }
    }

    /// A receive of the source after the message was seen in the dead-letter queue would be a
    /// double.
    pub fn check_not_dead_lettered(&self, ids: &[Id], asked: Moment) {
        for id in ids {
            let at = self.records[id].dead_lettered;
            assert!(
                at.is_none_or(|at| at > asked),
                "{id:?} was dead-lettered at {at:?} and is in its source again at {asked}"
            );
        }
    }

    /// Deletes are about to be asked for.
    pub fn deleting(&mut self, ids: &[Id]) {
        for id in ids {
            let record = self.records.get_mut(id).expect("received before");
            if record.end == End::Open {
                record.end = End::Asked;
                self.totals.deletes_unknown += 1;
            }
        }
    }

    /// The server has said yes to a delete.
    pub fn deleted(&mut self, id: Id) {
        let now = self.tick();
        let record = self.records.get_mut(&id).expect("received before");
        if record.end == End::Asked {
            record.end = End::Gone(now);
            self.live -= 1;
            self.totals.deletes_unknown -= 1;
            self.totals.deleted += 1;
        }
    }

    /// From now on until [`Ledger::end_drain`], every message may be seen once.
    pub fn begin_drain(&mut self) {
        self.drain += 1;
        self.draining = true;
    }

    /// Messages that have to be seen in this drain and were not.
    pub fn missing(&self) -> Vec<Id> {
        let missing = self.records.iter().filter(|(_, record)| {
            record.sent == Sent::Acknowledged
                && record.end == End::Open
                && record.drained != self.drain
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
                .map(|id| (id, &self.records[id]))
                .collect::<Vec<_>>()
        );
        let now = self.tick();
        self.draining = false;
        for record in self.records.values_mut() {
            if record.end == End::Asked {
                self.totals.deletes_unknown -= 1;
            }
            if !matches!(record.end, End::Gone(_)) {
                record.end = End::Gone(now);
                self.live -= 1;
            }
        }
        assert_eq!(self.live, 0);
    }
}

/// A message keeps its id, through restarts and dead-letter queues.
fn note_message_id(record: &mut Record, id: Id, message_id: &str) {
    match &record.message_id {
        Some(known) => assert_eq!(known, message_id, "{id:?} changed its id"),
        None => record.message_id = Some(message_id.to_owned()),
    }
}

pub fn group_name(group: u32) -> String {
    format!("group-{group}")
}
