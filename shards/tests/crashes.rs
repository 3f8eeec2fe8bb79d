//! What the simulation has found: crashes that took something back.

mod common;
use common::memory_journal::MemoryJournal;
use common::{Driver, START, bodies, receive};
use lclq_shards::attributes::QueueAttribute;
use lclq_shards::command::*;
use lclq_shards::{Outgoing, QueueName, ShardConfig, ShardHost};

/// A driver whose commits are done at once, unless the test says otherwise.
struct Durable {
    driver: Driver,
    journal: MemoryJournal,
}

impl Durable {
    fn open(shard: u16, shards: u16, journal: &MemoryJournal) -> Self {
        let config = ShardConfig::new(shard, shards);
        let host = ShardHost::open(config, Box::new(journal.clone()), START).unwrap();
        let driver = Driver::on(host);
        Self {
            driver,
            journal: journal.clone(),
        }
    }

    fn commit(&mut self) {
        self.driver.host.flush();
        while self.journal.complete() {
            self.driver.host.poll_journal();
        }
    }

    fn ask(&mut self, command: Command) -> Reply {
        let token = self.driver.start(command);
        self.commit();
        self.driver.collect();
        self.driver.replies.remove(&token).expect("an answer")
    }

    fn create(&mut self, name: &str, attributes: &[(QueueAttribute, String)]) -> QueueRef {
        let command = QueueCommand::Create {
            name: QueueName::new("us-east-1", "000000000000", name),
            attributes: attributes.iter().cloned().collect(),
            tags: Default::default(),
            recreate_after_ms: 0,
        };
        match self.ask(Command::Queue(Box::new(command))) {
            Reply::Queue(queue) => queue,
            other => panic!("{other:?}"),
        }
    }

    fn send(&mut self, queue: QueueRef, body: &str, group: Option<&str>) -> Sent {
        let entry = self.driver.entry(body, group, group.map(|_| body));
        let entries = [entry].into_iter().collect();
        match self.ask(Command::Send { queue, entries }) {
            Reply::Sent(results) => results[0].unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn delete(&mut self, queue: QueueRef, lease: LeaseRef) -> Result<(), LeaseError> {
        let entries = [lease].into_iter().collect();
        match self.ask(Command::Delete { queue, entries }) {
            Reply::Leases(results) => results[0],
            other => panic!("{other:?}"),
        }
    }

    /// The process or the machine dies, and the last batches with it.
    fn crash(self, shard: u16, shards: u16, lost_batches: usize) -> Self {
        drop(self.driver);
        self.journal.crash();
        self.journal.lose_tail(lost_batches);
        Self::open(shard, shards, &self.journal)
    }
}

#[test]
fn a_lease_from_before_a_crash_is_over_even_if_its_count_is_given_out_again() {
    let journal = MemoryJournal::new();
    let mut d = Durable::open(0, 1, &journal);
    let fifo = [(QueueAttribute::FifoQueue, "true".to_owned())];
    let queue = d.create("q.fifo", &fifo);
    d.send(queue, "one", Some("g"));
    // The receive count is not durable when the process dies.
    let before = d.driver.receive(queue, 1).remove(0);
    let mut d = d.crash(0, 1, 0);
    let name = QueueName::new("us-east-1", "000000000000", "q.fifo");
    let queue = d.driver.host.shard().find_queue(&name).unwrap();
    d.driver.now += 10;
    let after = d.driver.receive(queue, 1).remove(0);
    assert_eq!(before.lease.receive_count, after.lease.receive_count);
    assert_eq!(d.delete(queue, before.lease), Err(LeaseError::Expired));
    assert_eq!(d.delete(queue, after.lease), Ok(()));
}

#[test]
fn a_sequence_number_that_a_crash_took_back_is_not_used_again() {
    let journal = MemoryJournal::new();
    let mut d = Durable::open(0, 1, &journal);
    journal.keep_tail(8);
    let queue = d.create("q", &[]);
    let lost = d.send(queue, "one", None);
    let mut d = d.crash(0, 1, 1);
    let name = QueueName::new("us-east-1", "000000000000", "q");
    let queue = d.driver.host.shard().find_queue(&name).unwrap();
    assert_ne!(d.send(queue, "two", None).sequence, lost.sequence);
}

/// Two shards, a queue in one and its dead-letter queue in the other.
struct Pair {
    source: Durable,
    target: Durable,
    queue: QueueRef,
    dead_letters: QueueRef,
    names: [QueueName; 2],
}

impl Pair {
    fn new() -> Self {
        let named = |kind: &str, shard| {
            (0..)
                .map(|n| QueueName::new("us-east-1", "000000000000", &format!("{kind}{n}")))
                .find(|name| name.shard(2) == shard)
                .unwrap()
        };
        let names = [named("queue", 0), named("dead", 1)];
        let journals = [MemoryJournal::new(), MemoryJournal::new()];
        let mut source = Durable::open(0, 2, &journals[0]);
        let mut target = Durable::open(1, 2, &journals[1]);
        let policy = format!(
            r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":1}}"#,
            names[1].arn()
        );
        let dead_letters = target.create(&names[1].name, &[]);
        let queue = source.create(&names[0].name, &[(QueueAttribute::RedrivePolicy, policy)]);
        for journal in &journals {
            journal.keep_tail(8);
        }
        Self {
            source,
            target,
            queue,
            dead_letters,
            names,
        }
    }

    /// Sends a message and has it dead-lettered. Answers what the target says to the transfer.
    fn dead_letter(&mut self, body: &str) -> Reply {
        self.source.send(self.queue, body, None);
        let got = self.source.driver.receive(self.queue, 1);
        assert_eq!(bodies(&got), [body]);
        self.source.driver.now += 60_000;
        let poll = receive(self.queue, 1, None, None);
        let now = self.source.driver.now;
        self.source.driver.host.apply(now, 1 << 40, poll);
        self.source.commit();
        let mut answer = None;
        while let Some(outgoing) = self.source.driver.host.next_outgoing() {
            if let Outgoing::Transfer(transfer) = outgoing {
                let reply = self.target.ask(Command::Transfer(transfer));
                if let Reply::Transferred(ack) = reply {
                    self.source.driver.host.acked(ack);
                }
                answer = Some(reply);
            }
        }
        self.source.commit();
        answer.expect("a transfer")
    }

    fn arrived(&mut self) -> Vec<String> {
        let got = self
            .target
            .driver
            .receive_for(self.dead_letters, 10, Some(0));
        bodies(&got)
    }
}

#[test]
fn a_target_that_forgot_what_arrived_takes_what_comes_next() {
    let mut pair = Pair::new();
    pair.dead_letter("one");
    pair.dead_letter("two");
    pair.target = pair.target.crash(1, 2, 2);
    pair.dead_letters = pair
        .target
        .driver
        .host
        .shard()
        .find_queue(&pair.names[1])
        .unwrap();
    let reply = pair.dead_letter("three");
    assert!(matches!(reply, Reply::Transferred(_)), "{reply:?}");
    assert_eq!(pair.arrived(), ["three"]);
}

#[test]
fn a_source_that_forgot_what_it_sent_is_not_taken_to_repeat_itself() {
    let mut pair = Pair::new();
    pair.dead_letter("one");
    // The source loses the acknowledgement, the move and the message.
    pair.source = pair.source.crash(0, 2, 4);
    pair.queue = pair
        .source
        .driver
        .host
        .shard()
        .find_queue(&pair.names[0])
        .unwrap();
    let reply = pair.dead_letter("two");
    assert!(matches!(reply, Reply::Transferred(_)), "{reply:?}");
    assert_eq!(pair.arrived(), ["one", "two"]);
}

#[test]
fn the_twelve_hours_of_a_lease_count_from_its_receive_whenever_the_message_was_sent() {
    const HOURS_13: u64 = 13 * 3_600_000;
    let journal = MemoryJournal::new();
    let mut durable = Durable::open(0, 1, &journal);
    let queue = durable.create("q", &[]);
    durable.send(queue, "a", None);
    durable.driver.now += HOURS_13;
    let received = durable.driver.receive_for(queue, 1, Some(60));
    assert_eq!(bodies(&received), ["a"]);
    journal.crash();
    let mut driver = common::topics::open(&journal, durable.driver.now + 1);
    let name = QueueName::new("us-east-1", "000000000000", "q");
    let resolve = Command::Queue(Box::new(QueueCommand::Resolve(name)));
    let Reply::Queue(queue) = driver.ask(resolve) else {
        panic!("the queue is there")
    };
    driver.change(queue, &received[0], 60).unwrap();
    driver.now += HOURS_13;
    let late = driver.change(queue, &received[0], 60);
    assert_eq!(late, Err(LeaseError::TooLongInAll));
}
