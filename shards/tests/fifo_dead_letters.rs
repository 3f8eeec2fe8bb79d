//! FIFO messages in FIFO dead-letter queues.

mod common;

use common::memory_journal::MemoryJournal;
use common::{Driver, START, bodies, receive};
use lclq_shards::attributes::QueueAttribute;
use lclq_shards::attributes::QueueAttribute::*;
use lclq_shards::command::{Command, QueueCommand, QueueRef, Reply};
use lclq_shards::{QueueName, Section, ShardConfig, ShardHost};

const TO_DEAD: &str =
    r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead.fifo","maxReceiveCount":1}"#;

/// A source of retention 100 s whose message "a" has just gone to the dead-letter queue, which
/// keeps messages for 60 s. The move is 50 s after the sending.
fn moved(driver: &mut Driver) -> QueueRef {
    let dead = driver.create(
        "dead.fifo",
        &[(FifoQueue, "true"), (MessageRetentionPeriod, "60")],
    );
    let source = driver.create(
        "source.fifo",
        &[
            (FifoQueue, "true"),
            (MessageRetentionPeriod, "100"),
            (RedrivePolicy, TO_DEAD),
        ],
    );
    driver.send_group(source, "g", "a");
    driver.pass(50_000);
    assert_eq!(bodies(&driver.receive_for(source, 1, Some(0))), ["a"]);
    assert!(driver.receive(source, 1).is_empty());
    dead
}

#[test]
fn its_own_id_is_its_deduplication_id() {
    let mut driver = Driver::in_memory();
    let dead = moved(&mut driver);
    let found = driver.receive(dead, 1);
    let payload = &found[0].payload;
    let id: String = payload
        .id()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let shown = payload.text(Section::Deduplication).unwrap();
    assert_eq!(shown.replace('-', ""), id);
    assert_eq!(shown.len(), 36);
    assert_eq!(payload.text(Section::Group), Some("g"));
    assert_eq!(found[0].lease.receive_count, 2);
}

#[test]
fn its_retention_counts_from_the_move() {
    let mut driver = Driver::in_memory();
    let dead = moved(&mut driver);
    // 109 s after it was sent, 59 s after it was moved.
    driver.pass(59_000);
    let found = driver.receive_for(dead, 1, Some(0));
    assert_eq!(bodies(&found), ["a"]);
    assert_eq!(found[0].payload.sent_at(), START + 50_000);
    driver.pass(1_000);
    assert!(driver.receive(dead, 1).is_empty());
    assert_eq!(driver.counts(dead), Default::default());
}

#[test]
fn the_move_is_remembered_over_a_restart() {
    let journal = MemoryJournal::new();
    let open = |now| {
        let config = ShardConfig::new(0, 1);
        ShardHost::open(config, Box::new(journal.clone()), now).unwrap()
    };
    let mut driver = Driver::on(open(START));
    let dead = QueueName::new("us-east-1", "000000000000", "dead.fifo");
    let commands = [
        create(
            "dead.fifo",
            &[(FifoQueue, "true"), (MessageRetentionPeriod, "60")],
        ),
        create(
            "source.fifo",
            &[(FifoQueue, "true"), (RedrivePolicy, TO_DEAD)],
        ),
    ];
    for command in commands {
        ask(&mut driver, &journal, command);
    }
    let name = QueueName::new("us-east-1", "000000000000", "source.fifo");
    let source = driver.host.shard().find_queue(&name).unwrap();
    let entries = [driver.entry("a", Some("g"), Some("a"))]
        .into_iter()
        .collect();
    let queue = source;
    ask(&mut driver, &journal, Command::Send { queue, entries });
    driver.pass(50_000);
    for _ in 0..2 {
        ask(&mut driver, &journal, receive(source, 1, Some(0), None));
    }
    drop(driver);
    let mut driver = Driver::on(open(START + 109_000));
    driver.now = START + 109_000;
    let queue = driver.host.shard().find_queue(&dead).unwrap();
    let found = driver.receive_for(queue, 1, Some(0));
    assert_eq!(bodies(&found), ["a"]);
    assert_eq!(found[0].payload.sent_at(), START + 50_000);
    driver.pass(1_000);
    assert_eq!(driver.counts(queue), Default::default());
}

fn create(name: &str, attributes: &[(QueueAttribute, &str)]) -> Command {
    Command::Queue(Box::new(QueueCommand::Create {
        name: QueueName::new("us-east-1", "000000000000", name),
        attributes: attributes
            .iter()
            .map(|(attribute, value)| (*attribute, (*value).to_owned()))
            .collect(),
        tags: Default::default(),
        recreate_after_ms: 0,
    }))
}

fn ask(driver: &mut Driver, journal: &MemoryJournal, command: Command) {
    let token = driver.start(command);
    driver.host.flush();
    while journal.complete() {
        driver.host.poll_journal();
    }
    driver.collect();
    let reply = driver.replies.remove(&token).expect("an answer");
    assert!(!matches!(reply, Reply::Refused(_)), "{reply:?}");
}
