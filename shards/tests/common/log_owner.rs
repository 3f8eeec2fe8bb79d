//! An owner of a shared log, driven by hand: a shard host on a journal that is watched.

use super::shared_log::{Connection, Fault, SharedLog};
use super::{Driver, START};
use lclq_shards::command::{Command, Reply};
use lclq_shards::journal::*;
use lclq_shards::{Millis, ShardConfig, ShardHost};
use std::cell::RefCell;
use std::rc::Rc;

/// Turns in which an owner comes to rest.
const TURNS_MAX: usize = 1000;

/// What is seen of a journal.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// Batches that were handed over.
    pub batches: u64,
    /// The last record that was handed over, and the last that was acknowledged.
    pub latest: Option<Place>,
    pub acknowledged: Option<Place>,
    /// Where a reader has to begin.
    pub low: u64,
    pub is_fenced: bool,
}

/// A journal in a log, watched.
pub struct Watched {
    pub journal: LogJournal<Connection>,
    pub seen: Rc<RefCell<Seen>>,
    pub sabotage: Sabotage,
}

/// A defect between a shard and its journal that a simulation must notice.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Sabotage {
    #[default]
    None,
    /// Messages of FIFO queues go out before their receive is durable.
    HoldsNothing,
    /// Every fourth piece that batches carry along isn't.
    LosesCarried,
    /// What came from other shards isn't written down.
    ForgetsTransfers,
}

impl Watched {
    fn look(&mut self) {
        let mut seen = self.seen.borrow_mut();
        seen.latest = Some(self.journal.latest());
        seen.acknowledged = Some(self.journal.acknowledged());
        seen.low = self.journal.low();
    }

    fn spoil(&self, batch: &mut Batch) {
        if self.sabotage == Sabotage::ForgetsTransfers {
            batch.ops.retain(|op| !matches!(op, Op::Inbox { .. }));
        }
    }

    fn handed_over(&mut self) {
        self.seen.borrow_mut().batches += 1;
        self.look();
    }
}

impl Journal for Watched {
    fn load(&mut self, visit: &mut dyn FnMut(Op)) -> Result<u64, JournalError> {
        let epoch = self.journal.load(visit);
        self.look();
        epoch
    }

    fn commit(&mut self, epoch: u64, mut batch: Batch) {
        self.spoil(&mut batch);
        self.journal.commit(epoch, batch);
        self.handed_over();
    }

    fn poll(&mut self) -> Option<Completion> {
        let completion = self.journal.poll();
        self.look();
        if matches!(completion, Some(Completion::Fenced { .. })) {
            self.seen.borrow_mut().is_fenced = true;
        }
        completion
    }

    fn room(&self) -> bool {
        self.journal.room()
    }

    fn holds_exclusive_receives(&self) -> bool {
        self.sabotage != Sabotage::HoldsNothing && self.journal.holds_exclusive_receives()
    }

    fn lap_bytes(&self, changes: &[Op], kept_bytes: u64) -> usize {
        self.journal.lap_bytes(changes, kept_bytes)
    }

    fn commit_carrying(&mut self, epoch: u64, mut batch: Batch, mut carried: Carried) {
        self.spoil(&mut batch);
        if self.sabotage == Sabotage::LosesCarried {
            let mut at = batch.number;
            carried.pieces.retain(|_| {
                at += 1;
                !at.is_multiple_of(4)
            });
        }
        self.journal.commit_carrying(epoch, batch, carried);
        self.handed_over();
    }
}

/// Opens a shard on a journal that has the log.
pub fn open(
    journal: LogJournal<Connection>,
    config: ShardConfig,
    now: Millis,
    sabotage: Sabotage,
) -> (ShardHost, Rc<RefCell<Seen>>) {
    let seen = Rc::new(RefCell::new(Seen::default()));
    let watched = Watched {
        journal,
        seen: seen.clone(),
        sabotage,
    };
    let host = ShardHost::open(config, Box::new(watched), now);
    (host.expect("what was taken over can be loaded"), seen)
}

/// An owner whose requests to the store are done when the test says so.
pub struct LogOwner {
    pub driver: Driver,
    pub log: SharedLog,
    pub client: u32,
    pub seen: Rc<RefCell<Seen>>,
}

impl LogOwner {
    /// Takes the log over.
    pub fn take(log: &SharedLog, now: Millis) -> Self {
        Self::claim(log, now, Claim::default()).unwrap_or_else(|taking| panic!("{taking:?}"))
    }

    /// The same with bounds of its own.
    pub fn take_with(log: &SharedLog, limits: LogLimits) -> Self {
        let claim = Claim {
            limits,
            ..Claim::default()
        };
        Self::claim(log, START, claim).unwrap_or_else(|taking| panic!("{taking:?}"))
    }

    /// Takes the log over if it can be.
    pub fn claim(log: &SharedLog, now: Millis, claim: Claim) -> Result<Self, Taking> {
        let connection = log.connect();
        let client = connection.client;
        let mut take_over = TakeOver::begin(connection, claim);
        let taking = (0..TURNS_MAX)
            .map(|_| {
                log.work(client, Fault::None);
                take_over.poll()
            })
            .find(|taking| !matches!(taking, Taking::UnderWay));
        match taking {
            Some(Taking::Done) => {}
            Some(other) => return Err(other),
            None => panic!("a take-over doesn't end"),
        }
        let journal = take_over.into_journal().expect("it is done");
        let (host, seen) = open(journal, ShardConfig::new(0, 1), now, Sabotage::None);
        let mut driver = Driver::on(host);
        driver.now = now;
        Ok(Self {
            driver,
            log: log.clone(),
            client,
            seen,
        })
    }

    /// Does what the store has been asked, and takes note.
    pub fn settle(&mut self) {
        for _ in 0..TURNS_MAX {
            self.driver.host.flush();
            let worked = self.log.work(self.client, Fault::None);
            self.poll();
            if !worked && self.log.waiting(self.client) == 0 {
                return;
            }
        }
        panic!("the owner comes to no rest");
    }

    pub fn poll(&mut self) {
        self.driver.host.poll_journal();
        self.driver.collect();
    }

    /// Does the next request, or not quite.
    pub fn work(&mut self, fault: Fault) {
        assert!(self.log.work(self.client, fault), "the store was asked");
        self.poll();
    }

    /// Carries a command out and has what it writes acknowledged.
    pub fn ask(&mut self, command: Command) -> Reply {
        let token = self.driver.start(command);
        self.settle();
        self.driver.replies.remove(&token).expect("an answer")
    }
}

/// What a kept state is to a shard, in an order of its own: whatever means the same is the same. Numbers
/// that only keep runs apart are left out.
pub fn meaning(kept: Kept, config: ShardConfig, now: Millis, keeps_leases: bool) -> Vec<Op> {
    struct Loaded(Kept, bool);
    impl Journal for Loaded {
        fn load(&mut self, visit: &mut dyn FnMut(Op)) -> Result<u64, JournalError> {
            self.0.drop_orphans();
            self.0.visit(visit);
            Ok(1)
        }
        fn commit(&mut self, _: u64, _: Batch) {}
        fn poll(&mut self) -> Option<Completion> {
            None
        }
        fn holds_exclusive_receives(&self) -> bool {
            self.1
        }
    }
    let journal = Box::new(Loaded(kept, keeps_leases));
    let host = ShardHost::open(config, journal, now).expect("it loads");
    let mut kept = Kept::default();
    host.shard().visit_kept(&mut |op| {
        let keeps_runs_apart = matches!(
            op,
            Op::Reserve { .. } | Op::OutboxDelete { .. } | Op::Inbox { .. }
        );
        if !keeps_runs_apart {
            kept.keep_again(op);
        }
    });
    let mut ops = Vec::new();
    kept.visit(&mut |op| ops.push(op));
    ops
}

/// What a shard has to keep.
pub fn kept_by(host: &ShardHost) -> Kept {
    let mut kept = Kept::default();
    host.shard().visit_kept(&mut |op| kept.keep_again(op));
    kept
}

/// What a reader makes of records up to the last of them.
pub fn replayed(records: &[LogRecord]) -> Kept {
    let read = |record: &LogRecord| codec::Record::read(&record.bytes).map(|it| it.head);
    let last = records.last().expect("there are records");
    let low = read(last).expect("it is a record").low;
    let mut kept = Kept::default();
    let from = records.iter().find(|it| it.place.position >= low);
    assert_eq!(from.map(|it| it.place.position), Some(low), "it is missing");
    for stored in records.iter().filter(|it| it.place.position >= low) {
        let record = codec::Record::read(&stored.bytes).expect("it is a record");
        record
            .changes(&mut |op| kept.keep(op).expect("no number is used twice"))
            .expect("its changes can be read");
        if record.head.lap == low {
            let carried = record.carried(&mut |op| kept.keep_again(op));
            carried.expect("what it carries can be read");
        }
    }
    kept
}
