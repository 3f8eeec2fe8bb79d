//! A shard's journal over PostgreSQL: taken over, written, and found again by another node, which ends
//! the first one.

mod server;

use lclq_shards::journal::{
    Batch, Claim, Completion, Journal as _, LogJournal, Op, TakeOver, Taking,
};
use lclq_stores::{RemoteLog, StoreNode};
use server::Server;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

/// What an answer may take.
const ANSWER_WAIT: Duration = Duration::from_secs(60);
/// Batches that a test writes.
const BATCHES: u64 = 50;

/// An owner, and what rings when its store has an answer.
struct Owner {
    journal: LogJournal<RemoteLog>,
    bell: Receiver<()>,
}

impl Owner {
    fn take(node: &StoreNode, shard: u16) -> Self {
        let (ring, bell) = sync_channel(1);
        // One that rings already is enough.
        let wake = Arc::new(move || {
            let _ = ring.try_send(());
        });
        let store = node.open(shard, wake).unwrap();
        let claim = Claim {
            owner: b"a test"[..].into(),
            ..Claim::default()
        };
        let mut take_over = TakeOver::begin(store, claim);
        loop {
            match take_over.poll() {
                Taking::UnderWay => bell.recv_timeout(ANSWER_WAIT).unwrap(),
                Taking::Done => break,
                other => panic!("{other:?}"),
            }
        }
        let journal = take_over.into_journal().unwrap();
        Self { journal, bell }
    }

    fn load(&mut self) -> (u64, Vec<Op>) {
        let mut ops = Vec::new();
        let epoch = self.journal.load(&mut |op| ops.push(op)).unwrap();
        (epoch, ops)
    }

    fn completion(&mut self) -> Completion {
        loop {
            if let Some(completion) = self.journal.poll() {
                return completion;
            }
            self.bell.recv_timeout(ANSWER_WAIT).unwrap();
        }
    }

    /// Commits batches whose changes reserve their own numbers, as many at once as there is room for.
    fn commit(&mut self, epoch: u64, numbers: std::ops::RangeInclusive<u64>) {
        let (mut next, end) = (*numbers.start(), *numbers.end());
        let mut committed = next - 1;
        while committed < end {
            let is_idle = committed + 1 == next;
            while next <= end && (is_idle && committed + 1 == next || self.journal.room()) {
                self.journal.commit(epoch, batch(next));
                next += 1;
            }
            match self.completion() {
                Completion::Committed(number) => {
                    assert_eq!(number, committed + 1);
                    committed = number;
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

fn reserve(number: u64) -> Op {
    Op::Reserve {
        sequence: number,
        queue_id: number,
    }
}

fn batch(number: u64) -> Batch {
    Batch {
        number,
        ops: vec![reserve(number)],
    }
}

#[test]
fn another_node_finds_what_was_committed_and_ends_the_one_before() {
    let server = Server::shared();
    let schema = server.schema();
    let (first, second) = (server.node(&schema, 4), server.node(&schema, 4));
    let mut old = Owner::take(&first, 3);
    let (epoch, ops) = old.load();
    assert!(
        !ops.iter()
            .any(|op| matches!(op, Op::Insert(_) | Op::PutQueue(_)))
    );
    old.commit(epoch, 1..=BATCHES);

    let mut new = Owner::take(&second, 3);
    let (new_epoch, ops) = new.load();
    assert!(new_epoch > epoch);
    assert!(ops.contains(&reserve(BATCHES)), "{ops:?}");
    new.commit(new_epoch, 1..=3);

    old.journal.commit(epoch, batch(BATCHES + 1));
    match old.completion() {
        Completion::Fenced { epoch } => assert_eq!(epoch, new_epoch),
        other => panic!("{other:?}"),
    }
    new.commit(new_epoch, 4..=6);
}

#[test]
fn shards_have_logs_of_their_own() {
    let server = Server::shared();
    let schema = server.schema();
    let node = server.node(&schema, 4);
    let mut owners: Vec<_> = (0..4).map(|shard| Owner::take(&node, shard)).collect();
    for (shard, owner) in owners.iter_mut().enumerate() {
        let (epoch, _) = owner.load();
        owner.commit(epoch, 1..=shard as u64 + 1);
    }
    drop(owners);
    for shard in 0..4 {
        let (_, ops) = Owner::take(&node, shard).load();
        assert!(
            ops.contains(&reserve(u64::from(shard) + 1)),
            "{shard}: {ops:?}"
        );
    }
}
