//! What a walk through a shard finds is what its journal keeps.

mod common;

use common::Driver;
use common::log_owner::kept_by;
use common::{START, receive};
use lclq_shards::attributes::QueueAttribute;
use lclq_shards::command::*;
use lclq_shards::journal::{Batch, Completion, Journal, JournalError, Kept, Op};
use lclq_shards::moves::Transfer;
use lclq_shards::{Outgoing, QueueName, ShardConfig, ShardHost};
use std::cell::RefCell;
use std::rc::Rc;

/// Keeps at once what it is given.
#[derive(Clone, Default)]
struct AtOnce {
    kept: Rc<RefCell<Kept>>,
    done: Option<u64>,
}

impl Journal for AtOnce {
    fn load(&mut self, _: &mut dyn FnMut(Op)) -> Result<u64, JournalError> {
        Ok(1)
    }

    fn commit(&mut self, _: u64, batch: Batch) {
        for op in batch.ops {
            let kept = self.kept.borrow_mut().keep(op);
            kept.expect("no number is used twice");
        }
        self.done = Some(batch.number);
    }

    fn poll(&mut self) -> Option<Completion> {
        self.done.take().map(Completion::Committed)
    }
}

/// One of two shards.
struct Half {
    host: ShardHost,
    journal: AtOnce,
    now: u64,
    transfers: Vec<Transfer>,
    replies: Vec<Reply>,
}

impl Half {
    fn new(shard: u16) -> Self {
        let journal = AtOnce::default();
        let config = ShardConfig::new(shard, 2);
        let host = ShardHost::open(config, Box::new(journal.clone()), START).expect("it opens");
        Self {
            host,
            journal,
            now: START,
            transfers: Vec::new(),
            replies: Vec::new(),
        }
    }

    fn ask(&mut self, command: Command) -> Reply {
        self.host.apply(self.now, 1, command);
        self.commit();
        self.replies.pop().expect("an answer")
    }

    fn commit(&mut self) {
        self.host.flush();
        while !self.host.is_idle() {
            self.host.poll_journal();
            self.pass_on();
        }
    }

    fn pass_on(&mut self) {
        while let Some(outgoing) = self.host.next_outgoing() {
            match outgoing {
                Outgoing::Reply(_, reply) => self.replies.push(reply),
                Outgoing::Transfer(transfer) => self.transfers.push(*transfer),
            }
        }
    }

    fn create(&mut self, name: &QueueName, attributes: &[(QueueAttribute, String)]) -> QueueRef {
        let command = QueueCommand::Create {
            name: name.clone(),
            attributes: attributes.iter().cloned().collect(),
            tags: Default::default(),
            recreate_after_ms: 0,
        };
        match self.ask(Command::Queue(Box::new(command))) {
            Reply::Queue(queue) => queue,
            other => panic!("{other:?}"),
        }
    }

    /// What the walk finds is what the journal has.
    fn holds_together(&self) -> Vec<Op> {
        let keeps_runs_apart = |op: &Op| matches!(op, Op::Reserve { .. } | Op::OutboxDelete { .. });
        let (mut found, mut kept) = (Vec::new(), Vec::new());
        kept_by(&self.host).visit(&mut |op| found.push(op));
        let mut of_journal = self.journal.kept.borrow().clone();
        of_journal.drop_orphans();
        of_journal.visit(&mut |op| kept.push(op));
        for op in &kept {
            let Op::OutboxDelete { target, up_to } = op else {
                continue;
            };
            let is_confirmed = |op: &Op| matches!(op, Op::OutboxDelete { target: of, up_to: to } if of == target && to >= up_to);
            assert!(found.iter().any(is_confirmed), "{op:?} of {found:?}");
        }
        found.retain(|op| !keeps_runs_apart(op));
        kept.retain(|op| !keeps_runs_apart(op));
        assert_eq!(found, kept);
        found
    }
}

fn named(kind: &str, shard: u16) -> QueueName {
    (0..)
        .map(|n| QueueName::new("us-east-1", "000000000000", &format!("{kind}{n}")))
        .find(|name| name.shard(2) == shard)
        .expect("names spread")
}

fn count(ops: &[Op], is_it: impl Fn(&Op) -> bool) -> usize {
    ops.iter().filter(|op| is_it(op)).count()
}

#[test]
fn messages_under_way_between_shards_are_found() {
    let (mut source, mut target) = (Half::new(0), Half::new(1));
    let dead = named("dead", 1);
    target.create(&dead, &[]);
    let arn = dead.arn();
    let policy = format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":1}}"#);
    let policy = [(QueueAttribute::RedrivePolicy, policy)];
    let queue = source.create(&named("queue", 0), &policy);
    let mut driver = Driver::in_memory();
    for body in ["a", "b", "c"] {
        let entries = [driver.entry(body, None, None)].into_iter().collect();
        source.ask(Command::Send { queue, entries });
    }
    source.holds_together();
    for _ in 0..2 {
        source.ask(receive(queue, 10, Some(1), None));
        source.now += 2000;
        source.host.tick(source.now);
    }
    source.commit();
    assert_eq!(source.transfers.len(), 3);
    let is_sent = |op: &Op| matches!(op, Op::OutboxPut(_));
    assert_eq!(count(&source.holds_together(), is_sent), 3);
    for transfer in source.transfers.split_off(0).into_iter().take(2) {
        let reply = target.ask(Command::Transfer(Box::new(transfer)));
        let Reply::Transferred(ack) = reply else {
            panic!("{reply:?}")
        };
        source.host.acked(ack);
        source.commit();
    }
    assert_eq!(count(&source.holds_together(), is_sent), 1);
    let arrived = target.holds_together();
    assert_eq!(
        count(&arrived, |op| matches!(op, Op::Inbox { source: 0, .. })),
        1
    );
    assert_eq!(count(&arrived, |op| matches!(op, Op::Insert(_))), 2);
}
