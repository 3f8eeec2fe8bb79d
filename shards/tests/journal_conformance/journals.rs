//! Journals that are opened, closed and opened again.

use super::records::reserve;
use crate::common::memory_journal::MemoryJournal;
use crate::common::shared_log::{Defect, SharedLog};
use lclq_shards::journal::*;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tempfile::TempDir;

const OWNER: FileOwner = FileOwner {
    directory: 1,
    shard: 0,
    shards: 2,
};

/// Time that a commit may take before the test fails.
const COMMIT_MAX: Duration = Duration::from_secs(30);

/// What can be opened, closed and opened again.
pub trait Store {
    fn open(&mut self) -> Box<dyn Journal>;
    /// Waits until the journal has something to say about the batch under way.
    fn finish(&mut self);
}

pub struct OnSqlite {
    dir: TempDir,
    woken: Option<Receiver<()>>,
}

impl Default for OnSqlite {
    fn default() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        Self { dir, woken: None }
    }
}

impl Store for OnSqlite {
    fn open(&mut self) -> Box<dyn Journal> {
        let path = self.dir.path().join("shard.sqlite");
        if !path.exists() {
            SqliteFile::make(&path, OWNER, 0).expect("it is made");
        }
        let file = SqliteFile::open(&path, OWNER, Durability::Normal, false).expect("it opens");
        let (wake, woken) = channel();
        self.woken = Some(woken);
        let setup = JournalSetup {
            prepare: Box::new(|| {}),
            wake: Box::new(move || wake.send(()).unwrap_or_default()),
            found: Box::new(|finding| panic!("{finding:?}")),
            figures: Arc::default(),
        };
        Box::new(SqliteJournal::new(file, setup))
    }

    fn finish(&mut self) {
        let woken = self.woken.as_ref().expect("it is open");
        woken.recv_timeout(COMMIT_MAX).expect("the batch ends");
    }
}

#[derive(Default)]
pub struct InMemory(pub MemoryJournal);

impl Store for InMemory {
    fn open(&mut self) -> Box<dyn Journal> {
        Box::new(self.0.clone())
    }

    fn finish(&mut self) {
        self.0.complete();
    }
}

/// In memory, with the latest batches not yet where they can't be lost.
pub struct InMemoryWithTail(pub MemoryJournal);

impl Default for InMemoryWithTail {
    fn default() -> Self {
        let journal = MemoryJournal::new();
        journal.keep_tail(3);
        Self(journal)
    }
}

impl Store for InMemoryWithTail {
    fn open(&mut self) -> Box<dyn Journal> {
        Box::new(self.0.clone())
    }

    fn finish(&mut self) {
        self.0.complete();
    }
}

/// In a log that does what it is asked.
pub struct InALog(SharedLog);

impl Default for InALog {
    fn default() -> Self {
        Self(SharedLog::new(true, Defect::None))
    }
}

impl Store for InALog {
    fn open(&mut self) -> Box<dyn Journal> {
        let mut take_over = TakeOver::begin(self.0.connect(), Claim::default());
        let taking = take_over.poll();
        assert!(matches!(taking, Taking::Done), "{taking:?}");
        Box::new(take_over.into_journal().expect("it is done"))
    }

    fn finish(&mut self) {}
}

/// A store whose journal is open.
pub struct Opened<S> {
    pub store: S,
    pub journal: Option<Box<dyn Journal>>,
    pub epoch: u64,
    pub batches: u64,
}

impl<S: Store + Default> Opened<S> {
    /// A store with nothing in it.
    pub fn empty() -> Self {
        let mut opened = Self {
            store: S::default(),
            journal: None,
            epoch: 0,
            batches: 0,
        };
        assert_eq!(opened.reload(), vec![reserve(1, 1)]);
        opened
    }

    /// Closes the journal, opens it again and answers what it has kept.
    pub fn reload(&mut self) -> Vec<Op> {
        self.journal = None;
        let mut journal = self.store.open();
        let mut kept = Vec::new();
        let epoch = journal.load(&mut |op| kept.push(op)).expect("it loads");
        assert_eq!(epoch, self.epoch + 1, "epochs count up by one");
        // What a subscription has of a message that isn't there says nothing: a shard passes it over.
        let published: HashSet<u64> = kept.iter().filter_map(published_sequence).collect();
        kept.retain(|op| match op {
            Op::Delivery { sequence, .. } => published.contains(sequence),
            _ => true,
        });
        (self.journal, self.epoch, self.batches) = (Some(journal), epoch, 0);
        kept
    }

    /// What is kept beside the reserve, which comes first.
    pub fn kept(&mut self) -> Vec<Op> {
        let mut kept = self.reload();
        assert_eq!(kept.remove(0), reserve(1, 1));
        kept
    }

    pub fn hand_over(&mut self, epoch: u64, ops: Vec<Op>) -> Completion {
        self.batches += 1;
        let number = self.batches;
        let journal = self.journal.as_mut().expect("it is open");
        journal.commit(epoch, Batch { number, ops });
        self.store.finish();
        journal.poll().expect("something became of the batch")
    }

    pub fn commit(&mut self, ops: impl Into<Vec<Op>>) {
        let completion = self.hand_over(self.epoch, ops.into());
        let number = self.batches;
        assert!(
            matches!(completion, Completion::Committed(of) if of == number),
            "{completion:?}"
        );
        let journal = self.journal.as_mut().expect("it is open");
        assert!(journal.poll().is_none(), "a batch ends once");
    }
}

fn published_sequence(op: &Op) -> Option<u64> {
    match op {
        Op::Publish(record) => Some(record.sequence),
        _ => None,
    }
}
