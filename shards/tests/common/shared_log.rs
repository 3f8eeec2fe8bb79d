//! A log that several owners share, in memory: at once, or a request at a time and with all that can
//! go wrong between an owner and a database.

use lclq_shards::journal::{Answer, Append, LogRecord, LogStore, Place, Ticket};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::rc::Rc;

/// What a store is asked.
#[derive(Clone, Debug)]
pub enum Question {
    Tail,
    Append(Append),
    Read { from: u64, bytes_max: usize },
    Trim { below: u64, provided: Place },
}

/// What goes wrong with one request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    None,
    /// It is done, and its answer gets lost before a replica has it.
    LosesAnswer,
    /// It never arrives.
    LosesRequest,
    /// Its answer gets lost, and it is done later.
    IsLate,
}

/// A defect that a simulation must notice.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Defect {
    #[default]
    None,
    /// Records need only find their place free.
    NoChain,
    /// Trims take the last record, too.
    TrimsTheLast,
    /// What is there is said to be safe.
    PresentIsAppended,
}

#[derive(Default)]
struct Client {
    waiting: VecDeque<(Ticket, Question)>,
    answers: VecDeque<(Ticket, Answer)>,
}

#[derive(Default)]
struct Log {
    records: BTreeMap<u64, LogRecord>,
    /// All up to this position outlives what the store is on.
    safe: u64,
    /// Records that were safe at some time, and may have been acknowledged for that.
    promised: BTreeSet<(u64, u64)>,
    clients: HashMap<u32, Client>,
    next_client: u32,
    next_ticket: Ticket,
    late: Vec<Question>,
    /// What was trimmed, and the position of the last record then: a replica that lacks that one hasn't
    /// seen the trim.
    trims: Vec<(u64, BTreeMap<u64, LogRecord>)>,
    /// Records that were lost after they were acknowledged, and not put back.
    missing: BTreeMap<u64, LogRecord>,
    /// One of them can't come back: another has its place.
    lost_for_good: bool,
    /// Every record that was ever put in, in that order.
    put: Vec<LogRecord>,
    defect: Defect,
    /// Requests are done as they come.
    at_once: bool,
    has_room: bool,
}

/// The log. Clones share it.
#[derive(Clone)]
pub struct SharedLog(Rc<RefCell<Log>>);

/// One owner's way to it.
pub struct Connection {
    log: SharedLog,
    pub client: u32,
}

impl SharedLog {
    /// An empty log; with `at_once` every request is done as it comes.
    pub fn new(at_once: bool, defect: Defect) -> Self {
        let log = Log {
            at_once,
            defect,
            has_room: true,
            ..Log::default()
        };
        Self(Rc::new(RefCell::new(log)))
    }

    pub fn connect(&self) -> Connection {
        let mut log = self.0.borrow_mut();
        log.next_client += 1;
        let client = log.next_client;
        log.clients.insert(client, Client::default());
        Connection {
            log: self.clone(),
            client,
        }
    }

    /// Records that there are.
    pub fn records(&self) -> Vec<LogRecord> {
        self.0.borrow().records.values().cloned().collect()
    }

    /// Records that were put in since there were `since` of them.
    pub fn put_since(&self, since: usize) -> Vec<LogRecord> {
        self.0.borrow().put[since..].to_vec()
    }

    pub fn tail(&self) -> Option<Place> {
        self.0.borrow().tail()
    }

    /// Whether a record is where nothing but a lagging replica loses it.
    pub fn is_safe(&self, place: Place) -> bool {
        let log = self.0.borrow();
        let is_trimmed = log
            .records
            .keys()
            .next()
            .is_some_and(|first| place.position < *first);
        let is_it = |record: &LogRecord| record.place == place;
        place.position <= log.safe
            && (is_trimmed || log.records.get(&place.position).is_some_and(is_it))
            || log.missing.get(&place.position).is_some_and(is_it)
            || log.lost_for_good
    }

    /// Whether acknowledged records are lost, for now.
    pub fn misses_some(&self) -> bool {
        !self.0.borrow().missing.is_empty()
    }

    /// Whether acknowledged records were lost for good since this was last asked.
    pub fn take_lost_for_good(&self) -> bool {
        std::mem::take(&mut self.0.borrow_mut().lost_for_good)
    }

    /// What is missing is not going to be sent again: nobody has it.
    pub fn give_up_missing(&self) {
        let mut log = self.0.borrow_mut();
        if !log.missing.is_empty() {
            log.missing.clear();
            log.lost_for_good = true;
        }
    }

    /// Somebody removes a record.
    pub fn remove(&self, position: u64) {
        self.0.borrow_mut().records.remove(&position);
    }

    /// Somebody changes a record.
    pub fn damage(&self, position: u64) {
        if let Some(record) = self.0.borrow_mut().records.get_mut(&position) {
            let mut bytes = record.bytes.to_vec();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 4;
            record.bytes = bytes.into();
        }
    }

    /// Requests that a client has open.
    pub fn waiting(&self, client: u32) -> usize {
        let log = self.0.borrow();
        log.clients.get(&client).map_or(0, |of| of.waiting.len())
    }

    /// Does a client's next request, or not quite.
    pub fn work(&self, client: u32, fault: Fault) -> bool {
        let mut log = self.0.borrow_mut();
        let Some(of) = log.clients.get_mut(&client) else {
            return false;
        };
        let Some((ticket, question)) = of.waiting.pop_front() else {
            return false;
        };
        let answer = match fault {
            Fault::None => log.carry_out(question, true),
            Fault::LosesAnswer => {
                log.carry_out(question, false);
                unknown()
            }
            Fault::LosesRequest => unknown(),
            Fault::IsLate => {
                log.late.push(question);
                unknown()
            }
        };
        if let Some(of) = log.clients.get_mut(&client) {
            of.answers.push_back((ticket, answer));
        }
        true
    }

    /// Does a request whose client believes that nobody knows of it.
    pub fn work_late(&self, at: usize) -> bool {
        let mut log = self.0.borrow_mut();
        if log.late.is_empty() {
            return false;
        }
        let at = at % log.late.len();
        let question = log.late.swap_remove(at);
        log.carry_out(question, false);
        true
    }

    /// The store's replica takes over. It lacks what wasn't safe and, where it lags, `lag` records
    /// more; the first stays. With `untrims` it hasn't seen the last trim in any case.
    pub fn fail_over(&self, lag: u64, untrims: bool) {
        let mut log = self.0.borrow_mut();
        let Some(first) = log.records.keys().next().copied() else {
            return;
        };
        let safe = log.safe;
        // Before the first record that is there now stand those that were trimmed.
        let first = log
            .trims
            .first()
            .map_or(first, |(_, it)| *it.keys().next().unwrap_or(&first));
        let end = safe.saturating_sub(lag).max(first);
        log.lose_behind(end);
        log.safe = end;
        let mut untrims = untrims;
        while let Some((at, _)) = log.trims.last()
            && (*at > end || std::mem::take(&mut untrims))
            && let Some((_, back)) = log.trims.pop()
        {
            log.records.extend(back);
        }
        log.lose_behind(end);
    }

    /// A process is gone: nothing waits for its answers.
    pub fn disconnect(&self, client: u32, late: bool) {
        let mut log = self.0.borrow_mut();
        if let Some(of) = log.clients.remove(&client)
            && late
        {
            let open = of.waiting.into_iter().map(|(_, question)| question);
            log.late.extend(open);
        }
    }
}

fn unknown() -> Answer {
    Answer::Unknown("the simulated connection broke".into())
}

impl Log {
    fn tail(&self) -> Option<Place> {
        let (_, last) = self.records.last_key_value()?;
        Some(last.place)
    }

    fn carry_out(&mut self, question: Question, is_answered: bool) -> Answer {
        match question {
            Question::Tail => Answer::Tail(self.records.last_key_value().map(|(_, it)| it.clone())),
            Question::Append(append) => self.append(append, is_answered),
            Question::Read { from, bytes_max } => {
                let mut bytes = 0;
                let some = self.records.range(from..).map(|(_, it)| it.clone());
                let some = some.take_while(|record| {
                    let has_room = bytes == 0 || bytes < bytes_max;
                    bytes += record.bytes.len();
                    has_room
                });
                Answer::Records(some.collect())
            }
            Question::Trim { below, provided } => {
                let there = self.records.get(&provided.position);
                if there.is_some_and(|it| it.place == provided) && below <= provided.position {
                    let below = match self.defect {
                        Defect::TrimsTheLast => u64::MAX,
                        _ => below,
                    };
                    let rest = self.records.split_off(&below);
                    let gone = std::mem::replace(&mut self.records, rest);
                    if let Some((last, _)) = self.records.last_key_value()
                        && !gone.is_empty()
                    {
                        self.trims.push((*last, gone));
                    }
                }
                Answer::Trimmed
            }
        }
    }

    fn lose_behind(&mut self, end: u64) {
        for (position, record) in self.records.split_off(&(end + 1)) {
            if self.promised.contains(&(position, record.place.epoch)) {
                self.missing.entry(position).or_insert(record);
            }
        }
    }

    fn append(&mut self, append: Append, is_answered: bool) -> Answer {
        let Append { after, record } = append;
        let position = record.place.position;
        if let Some(there) = self.records.get(&position) {
            return if *there != record {
                Answer::Refused { tail: self.tail() }
            } else if self.defect == Defect::PresentIsAppended {
                Answer::Appended
            } else {
                Answer::Present
            };
        }
        let follows = match after {
            None => self.records.is_empty(),
            Some(after) => {
                let before = self.records.get(&after.position);
                before.is_some_and(|before| before.place == after)
            }
        };
        if !follows && self.defect != Defect::NoChain {
            return Answer::Refused { tail: self.tail() };
        }
        if self.missing.get(&position) == Some(&record) {
            self.missing.remove(&position);
        } else if !self.missing.is_empty() {
            // What was lost can't follow it.
            self.missing.clear();
            self.lost_for_good = true;
        }
        self.put.push(record.clone());
        self.records.insert(position, record);
        if is_answered && position > self.safe {
            let since_safe = self.records.range(self.safe + 1..=position);
            let places = since_safe.map(|(at, it)| (*at, it.place.epoch));
            self.promised.extend(places);
            self.safe = position;
        }
        Answer::Appended
    }
}

impl Connection {
    fn ask(&mut self, question: Question) -> Ticket {
        let mut log = self.log.0.borrow_mut();
        log.next_ticket += 1;
        let ticket = log.next_ticket;
        let at_once = log.at_once;
        if let Some(of) = log.clients.get_mut(&self.client) {
            of.waiting.push_back((ticket, question));
        }
        drop(log);
        if at_once {
            self.log.work(self.client, Fault::None);
        }
        ticket
    }
}

impl LogStore for Connection {
    fn tail(&mut self) -> Ticket {
        self.ask(Question::Tail)
    }

    fn append(&mut self, append: Append) -> Ticket {
        self.ask(Question::Append(append))
    }

    fn read(&mut self, from: u64, bytes_max: usize) -> Ticket {
        self.ask(Question::Read { from, bytes_max })
    }

    fn trim(&mut self, below: u64, provided: Place) -> Ticket {
        self.ask(Question::Trim { below, provided })
    }

    fn poll(&mut self) -> Option<(Ticket, Answer)> {
        let mut log = self.log.0.borrow_mut();
        log.clients.get_mut(&self.client)?.answers.pop_front()
    }

    fn has_room(&self) -> bool {
        self.log.0.borrow().has_room
    }
}
