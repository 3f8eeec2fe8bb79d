//! A shard that another owner has taken: nothing that this one promises or gives out holds.

mod common;

use common::Driver;
use lclq_shards::command::*;
use lclq_shards::journal::{Batch, Completion, Journal, JournalError, Op};
use lclq_shards::{QueueName, ShardConfig, ShardHost};
use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;

/// Commits until another owner has the shard.
#[derive(Default)]
struct SharedStore {
    other_epoch: Rc<Cell<u64>>,
    completions: VecDeque<Completion>,
    committed: Rc<Cell<u64>>,
}

impl Journal for SharedStore {
    fn load(&mut self, _visit: &mut dyn FnMut(Op)) -> Result<u64, JournalError> {
        Ok(1)
    }

    fn commit(&mut self, epoch: u64, batch: Batch) {
        let other = self.other_epoch.get();
        self.completions.push_back(if other > epoch {
            Completion::Fenced { epoch: other }
        } else {
            self.committed.set(self.committed.get() + 1);
            Completion::Committed(batch.number)
        });
    }

    fn poll(&mut self) -> Option<Completion> {
        self.completions.pop_front()
    }
}

fn settle(d: &mut Driver) {
    d.host.flush();
    d.host.poll_journal();
    d.collect();
}

fn send(d: &mut Driver, queue: QueueRef, body: &str) -> Token {
    let entries = [d.entry(body, None, None)].into_iter().collect();
    d.start(Command::Send { queue, entries })
}

fn is_refused(d: &mut Driver, token: Token) -> bool {
    let reply = d.replies.remove(&token).expect("an answer");
    matches!(reply, Reply::Refused(Refusal::JournalDown))
}

#[test]
fn a_fenced_owner_answers_nothing_but_refusals() {
    let store = SharedStore::default();
    let (other_epoch, committed) = (store.other_epoch.clone(), store.committed.clone());
    let host = ShardHost::open(ShardConfig::new(0, 1), Box::new(store), common::START).unwrap();
    let mut d = Driver::on(host);
    let create = d.start(Command::Queue(Box::new(QueueCommand::Create {
        name: QueueName::new("us-east-1", "000000000000", "orders"),
        attributes: Default::default(),
        tags: Default::default(),
        recreate_after_ms: 0,
    })));
    settle(&mut d);
    let Some(Reply::Queue(queue)) = d.replies.remove(&create) else {
        panic!("{:?}", d.replies);
    };
    let kept = send(&mut d, queue, "kept");
    settle(&mut d);
    assert!(!is_refused(&mut d, kept));
    let before = committed.get();

    other_epoch.set(2);
    let promised = send(&mut d, queue, "promised to nobody");
    assert!(
        !d.replies.contains_key(&promised),
        "it waits for its commit"
    );
    settle(&mut d);
    assert_eq!(d.host.fenced(), Some(2));
    assert!(is_refused(&mut d, promised));

    // Not even a read: the other owner gives the same message out.
    let read = d.start(common::receive(queue, 10, None, None));
    let late = send(&mut d, queue, "too late");
    settle(&mut d);
    assert!(is_refused(&mut d, read) && is_refused(&mut d, late));
    assert_eq!(d.host.tick(common::START + 1_000_000), None);
    assert_eq!((d.host.next_due(), committed.get()), (None, before));
}
