//! An owner on a log that several can reach: what is under way, what is in doubt, who is fenced off,
//! and what the next owner finds.

mod common;

use common::log_owner::{LogOwner, kept_by, meaning, replayed};
use common::shared_log::{Defect, Fault, SharedLog};
use common::topics::{TOPIC, admin, message, wrap};
use common::{START, bodies, receive};
use lclq_shards::attributes::QueueAttribute;
use lclq_shards::command::*;
use lclq_shards::journal::*;
use lclq_shards::pubsub::command::*;
use lclq_shards::pubsub::{SubscriptionSettings, TopicSettings};
use lclq_shards::{Millis, QueueName, ShardConfig};

fn log() -> SharedLog {
    SharedLog::new(false, Defect::None)
}

fn name(text: &str) -> QueueName {
    QueueName::new("us-east-1", "000000000000", text)
}

fn create(owner: &mut LogOwner, text: &str) -> QueueRef {
    let fifo = text.ends_with(".fifo");
    let attributes = fifo.then(|| (QueueAttribute::FifoQueue, "true".to_owned()));
    let command = QueueCommand::Create {
        name: name(text),
        attributes: attributes.into_iter().collect(),
        tags: Default::default(),
        recreate_after_ms: 0,
    };
    match owner.ask(Command::Queue(Box::new(command))) {
        Reply::Queue(queue) => queue,
        other => panic!("{other:?}"),
    }
}

fn find(owner: &LogOwner, text: &str) -> QueueRef {
    let found = owner.driver.host.shard().find_queue(&name(text));
    found.expect("the queue is there")
}

/// Sends without waiting.
fn start_send(owner: &mut LogOwner, queue: QueueRef, body: &str, group: Option<&str>) -> Token {
    let entry = owner.driver.entry(body, group, group.map(|_| body));
    let entries = [entry].into_iter().collect();
    let token = owner.driver.start(Command::Send { queue, entries });
    owner.driver.host.flush();
    token
}

fn send(owner: &mut LogOwner, queue: QueueRef, body: &str, group: Option<&str>) {
    let token = start_send(owner, queue, body, group);
    owner.settle();
    assert!(is_sent(owner, token), "{body}");
}

fn is_sent(owner: &LogOwner, token: Token) -> bool {
    matches!(&owner.driver.replies.get(&token), Some(Reply::Sent(results)) if results[0].is_ok())
}

fn is_refused(owner: &LogOwner, token: Token) -> bool {
    let reply = owner.driver.replies.get(&token);
    matches!(reply, Some(Reply::Refused(Refusal::JournalDown)))
}

fn receive_some(owner: &mut LogOwner, queue: QueueRef, visibility_s: u32) -> Vec<Delivery> {
    match owner.ask(receive(queue, 10, Some(visibility_s), None)) {
        Reply::Received(messages) => messages.into_vec(),
        other => panic!("{other:?}"),
    }
}

fn all_bodies(owner: &mut LogOwner, queue: QueueRef) -> Vec<String> {
    let mut found = Vec::new();
    loop {
        let some = receive_some(owner, queue, 600);
        if some.is_empty() {
            found.sort();
            return found;
        }
        found.extend(bodies(&some));
    }
}

#[test]
fn several_batches_are_under_way_and_committed_in_order() {
    let log = log();
    let mut owner = LogOwner::take(&log, START);
    let queue = create(&mut owner, "q");
    let tokens = ["a", "b", "c"].map(|body| start_send(&mut owner, queue, body, None));
    assert_eq!(log.waiting(owner.client), 3);
    for (done, token) in tokens.iter().enumerate() {
        assert!(!is_sent(&owner, *token));
        owner.work(Fault::None);
        assert!(is_sent(&owner, *token));
        let rest = tokens[done + 1..].iter();
        assert!(rest.clone().all(|token| !is_sent(&owner, *token)));
    }
}

#[test]
fn there_is_no_room_for_more_than_a_window() {
    let log = log();
    let limits = LogLimits {
        window_records_max: 2,
        ..LogLimits::default()
    };
    let mut owner = LogOwner::take_with(&log, limits);
    let queue = create(&mut owner, "q");
    let tokens: Vec<Token> = (0..5)
        .map(|n| start_send(&mut owner, queue, &n.to_string(), None))
        .collect();
    assert_eq!(log.waiting(owner.client), 2);
    let before = owner.seen.borrow().batches;
    owner.settle();
    assert!(tokens.iter().all(|token| is_sent(&owner, *token)));
    // What came while there was no room went out together.
    assert!(owner.seen.borrow().batches - before <= 2);
}

#[test]
fn what_an_acknowledged_record_stands_behind_is_in_whatever_its_answer_was() {
    let log = log();
    let mut owner = LogOwner::take(&log, START);
    let queue = create(&mut owner, "q");
    let first = start_send(&mut owner, queue, "a", None);
    let second = start_send(&mut owner, queue, "b", None);
    owner.work(Fault::LosesAnswer);
    assert!(!is_sent(&owner, first));
    owner.work(Fault::None);
    assert!(is_sent(&owner, first) && is_sent(&owner, second));
}

#[test]
fn what_is_merely_there_counts_only_behind_what_was_acknowledged() {
    let log = log();
    let mut owner = LogOwner::take(&log, START);
    let queue = create(&mut owner, "q");
    let token = start_send(&mut owner, queue, "a", None);
    owner.work(Fault::LosesAnswer);
    // Asked again, the store has it: its replica may not.
    owner.work(Fault::None);
    assert!(!is_sent(&owner, token));
    let unsafe_yet = owner.seen.borrow().acknowledged.expect("it was looked at");
    assert_eq!(
        log.tail().map(|tail| tail.position),
        Some(unsafe_yet.position + 1)
    );
    // A record with nothing in it proves it.
    owner.work(Fault::None);
    assert!(is_sent(&owner, token));
}

#[test]
fn what_never_arrived_is_sent_again_with_what_follows_it() {
    let log = log();
    let mut owner = LogOwner::take(&log, START);
    let queue = create(&mut owner, "q");
    let tokens = ["a", "b"].map(|body| start_send(&mut owner, queue, body, None));
    owner.work(Fault::LosesRequest);
    assert_eq!(
        log.waiting(owner.client),
        1,
        "nothing more goes out meanwhile"
    );
    owner.settle();
    assert!(tokens.iter().all(|token| is_sent(&owner, *token)));
    assert_eq!(all_bodies(&mut owner, queue), ["a", "b"]);
}

#[test]
fn a_request_that_is_done_late_does_nothing_twice() {
    let log = log();
    let mut owner = LogOwner::take(&log, START);
    let queue = create(&mut owner, "q");
    let token = start_send(&mut owner, queue, "a", None);
    owner.work(Fault::IsLate);
    owner.settle();
    assert!(is_sent(&owner, token));
    let records = log.records();
    assert!(log.work_late(0));
    assert_eq!(log.records(), records);
}

#[test]
fn clients_are_refused_while_the_store_answers_nothing() {
    let log = log();
    let mut owner = LogOwner::take(&log, START);
    let queue = create(&mut owner, "q");
    let token = start_send(&mut owner, queue, "a", None);
    for _ in 0..LogLimits::default().doubts_max {
        assert!(!is_refused(&owner, token));
        owner.work(Fault::LosesRequest);
    }
    assert!(is_refused(&owner, token));
    assert!(owner.driver.host.down().is_some());
    let other = start_send(&mut owner, queue, "b", None);
    assert!(is_refused(&owner, other));
    owner.settle();
    assert!(owner.driver.host.down().is_none());
    // What was promised to nobody was written all the same.
    assert_eq!(all_bodies(&mut owner, queue), ["a"]);
}

#[test]
fn an_owner_that_slept_while_another_took_over_promises_nothing() {
    let log = log();
    let mut old = LogOwner::take(&log, START);
    let queue = create(&mut old, "q");
    send(&mut old, queue, "a", None);
    let tokens = ["b", "c", "d"].map(|body| start_send(&mut old, queue, body, None));
    // One of three arrives before the other owner does.
    assert!(log.work(old.client, Fault::None));
    let mut new = LogOwner::take(&log, START);
    let there = find(&new, "q");
    send(&mut new, there, "e", None);
    old.settle();
    assert!(old.driver.host.fenced().is_some() && old.seen.borrow().is_fenced);
    // What was in before it was fenced off it may say or not.
    assert!(is_sent(&old, tokens[0]) || is_refused(&old, tokens[0]));
    assert!(is_refused(&old, tokens[1]) && is_refused(&old, tokens[2]));
    assert_eq!(all_bodies(&mut new, there), ["a", "b", "e"]);
}

#[test]
fn of_two_that_take_over_at_once_one_has_the_shard() {
    let log = log();
    let takers = [1, 2].map(|owner| {
        let claim = Claim {
            owner: Box::new([owner]),
            ..Claim::default()
        };
        let connection = log.connect();
        (connection.client, TakeOver::begin(connection, claim))
    });
    let [(one, mut first), (other, mut second)] = takers;
    let mut taken = 0;
    for _ in 0..10 {
        for (client, taker) in [(one, &mut first), (other, &mut second)] {
            log.work(client, Fault::None);
            taken += match taker.poll() {
                Taking::Done => 10,
                Taking::Lost { epoch } if epoch == 1 || epoch == 0 => 1,
                Taking::UnderWay => 0,
                other => panic!("{other:?}"),
            };
        }
    }
    assert!(first.into_journal().is_some() != second.into_journal().is_some());
    assert!(taken > 10, "one has it and the other knows");
}

#[test]
fn a_late_record_of_the_owner_before_only_delays_a_take_over() {
    let log = log();
    let mut old = LogOwner::take(&log, START);
    let queue = create(&mut old, "q");
    start_send(&mut old, queue, "a", None);
    let connection = log.connect();
    let client = connection.client;
    let mut taker = TakeOver::begin(connection, Claim::default());
    log.work(client, Fault::None);
    assert!(matches!(taker.poll(), Taking::UnderWay));
    log.work(old.client, Fault::None);
    let done = (0..20).any(|_| {
        log.work(client, Fault::None);
        matches!(taker.poll(), Taking::Done)
    });
    assert!(done);
    let mut ops = Vec::new();
    let mut journal = taker.into_journal().expect("it is done");
    let epoch = journal.load(&mut |op| ops.push(op)).expect("it loads");
    // The epoch of the try that failed is not given out again.
    assert_eq!(epoch, 3);
    assert!(ops.iter().any(|op| matches!(op, Op::Insert(_))));
}

#[test]
fn a_take_over_that_was_lost_while_it_read_takes_nothing_for_its_own() {
    let log = log();
    let mut old = LogOwner::take(&log, START);
    let queue = create(&mut old, "q");
    start_send(&mut old, queue, "a", None);
    let connection = log.connect();
    let client = connection.client;
    let mut taker = TakeOver::begin(connection, Claim::default());
    for _ in 0..2 {
        log.work(client, Fault::None);
        assert!(matches!(taker.poll(), Taking::UnderWay));
    }
    // It is the owner and reads. Its record goes, and a late one of the owner before comes instead.
    log.fail_over(1, false);
    log.work(old.client, Fault::None);
    let taking = (0..20).find_map(|_| {
        log.work(client, Fault::None);
        match taker.poll() {
            Taking::UnderWay => None,
            other => Some(other),
        }
    });
    assert!(
        matches!(taking, Some(Taking::Lost { epoch: 1 })),
        "{taking:?}"
    );
}

#[test]
fn an_epoch_is_at_least_what_its_claim_says() {
    let log = log();
    let claim = |least_epoch| Claim {
        least_epoch,
        ..Claim::default()
    };
    for (least, epoch) in [(700, 700), (0, 701), (690, 702), (9000, 9000)] {
        let Ok(owner) = LogOwner::claim(&log, START, claim(least)) else {
            panic!("it is free")
        };
        let seen = owner.seen.borrow().acknowledged;
        assert_eq!(seen.map(|place| place.epoch), Some(epoch));
    }
}

#[test]
fn a_store_that_lost_its_tail_gets_it_again() {
    let log = log();
    let mut owner = LogOwner::take(&log, START);
    let queue = create(&mut owner, "q");
    for body in ["a", "b", "c", "d"] {
        send(&mut owner, queue, body, None);
    }
    let before = log.records();
    log.fail_over(3, false);
    assert!(log.misses_some());
    send(&mut owner, queue, "e", None);
    assert!(!log.misses_some());
    assert_eq!(log.records()[..before.len()], before);
    let mut next = LogOwner::take(&log, START);
    let queue = find(&next, "q");
    assert_eq!(all_bodies(&mut next, queue), ["a", "b", "c", "d", "e"]);
}

#[test]
fn a_store_that_lost_an_owner_s_whole_time_gets_it_again() {
    let log = log();
    let mut first = LogOwner::take(&log, START);
    create(&mut first, "q");
    let mut owner = LogOwner::take(&log, START);
    let queue = find(&owner, "q");
    send(&mut owner, queue, "a", None);
    log.fail_over(2, false);
    assert_eq!(log.tail().map(|tail| tail.epoch), Some(1));
    send(&mut owner, queue, "b", None);
    assert_eq!(all_bodies(&mut owner, queue), ["a", "b"]);
    assert!(!log.misses_some() && owner.driver.host.fenced().is_none());
}

/// The log may end with an earlier owner's records once more: that doesn't make it the owner again, as
/// long as the later one can put its own back. Until it writes it can't know.
#[test]
fn a_replaced_owner_at_the_log_s_end_has_no_say_until_it_writes() {
    let log = log();
    let mut first = LogOwner::take(&log, START);
    let (standard, fifo) = (create(&mut first, "q"), create(&mut first, "q.fifo"));
    send(&mut first, standard, "a", None);
    send(&mut first, fifo, "b", Some("g"));
    let mut owner = LogOwner::take(&log, START);
    for text in ["q", "q.fifo"] {
        let queue = find(&owner, text);
        for given in receive_some(&mut owner, queue, 30) {
            let entries = [given.lease].into_iter().collect();
            let deleted = owner.ask(Command::Delete { queue, entries });
            assert!(matches!(deleted, Reply::Leases(results) if results[0].is_ok()));
        }
    }
    log.fail_over(5, false);
    assert_eq!(log.tail().map(|tail| tail.epoch), Some(1));
    assert!(log.misses_some());
    // Standard queues promise at least once, and ask nobody; the others' receive has to be written.
    let old = first.driver.start(receive(standard, 1, None, None));
    let found = first.driver.replies.remove(&old);
    assert!(matches!(found, Some(Reply::Received(given)) if bodies(&given) == ["a"]));
    let held = first.driver.start(receive(fifo, 1, None, None));
    assert!(!first.driver.replies.contains_key(&held));
    let queue = find(&owner, "q");
    send(&mut owner, queue, "c", None);
    assert!(!log.misses_some() && !log.take_lost_for_good());
    first.settle();
    assert!(is_refused(&first, held) && first.driver.host.fenced().is_some());
    let queues = ["q", "q.fifo"].map(|text| find(&owner, text));
    let left = queues.map(|queue| all_bodies(&mut owner, queue));
    assert_eq!(left, [vec!["c".to_owned()], vec![]]);
}

#[test]
fn an_owner_that_no_longer_has_what_was_lost_is_out() {
    let log = log();
    let limits = LogLimits {
        ring_records_max: 2,
        ..LogLimits::default()
    };
    let mut owner = LogOwner::take_with(&log, limits);
    let queue = create(&mut owner, "q");
    for body in ["a", "b", "c", "d"] {
        send(&mut owner, queue, body, None);
    }
    log.fail_over(3, false);
    let token = start_send(&mut owner, queue, "e", None);
    owner.settle();
    assert!(is_refused(&owner, token) && owner.driver.host.fenced().is_some());
}

#[test]
fn a_message_of_a_fifo_queue_is_given_out_once_its_receive_is_durable() {
    let log = log();
    let mut owner = LogOwner::take(&log, START);
    let (fifo, standard) = (create(&mut owner, "q.fifo"), create(&mut owner, "q"));
    send(&mut owner, fifo, "a", Some("g"));
    send(&mut owner, standard, "b", None);
    let at_once = owner.driver.start(receive(standard, 1, None, None));
    assert!(owner.driver.replies.contains_key(&at_once));
    owner.settle();
    let token = owner.driver.start(receive(fifo, 1, None, None));
    assert!(!owner.driver.replies.contains_key(&token));
    // Another owner comes first.
    let mut next = LogOwner::take(&log, START);
    let queue = find(&next, "q.fifo");
    let given = receive_some(&mut next, queue, 30);
    assert_eq!(bodies(&given), ["a"]);
    owner.settle();
    assert!(is_refused(&owner, token));
}

#[test]
fn a_lease_goes_on_under_the_next_owner() {
    let log = log();
    let mut owner = LogOwner::take(&log, START);
    let queue = create(&mut owner, "q.fifo");
    for body in ["a", "b"] {
        send(&mut owner, queue, body, Some("g"));
    }
    owner.driver.now += 5;
    let command = receive(queue, 1, Some(30), None);
    let Reply::Received(given) = owner.ask(command) else {
        panic!("no messages")
    };
    let mut next = LogOwner::take(&log, START + 1000);
    let queue = find(&next, "q.fifo");
    assert!(receive_some(&mut next, queue, 30).is_empty());
    // Longer, by the handle that the owner before gave out, and for the owner after.
    let entries = [(given[0].lease, 100)].into_iter().collect();
    let longer = next.ask(Command::ChangeVisibility { queue, entries });
    assert!(
        matches!(&longer, Reply::Leases(results) if results[0].is_ok()),
        "{longer:?}"
    );
    let mut third = LogOwner::take(&log, START + 90_000);
    let queue = find(&third, "q.fifo");
    assert!(receive_some(&mut third, queue, 30).is_empty());
    let entries = [given[0].lease].into_iter().collect();
    let deleted = third.ask(Command::Delete { queue, entries });
    assert!(
        matches!(&deleted, Reply::Leases(results) if results[0].is_ok()),
        "{deleted:?}"
    );
    assert_eq!(bodies(&receive_some(&mut third, queue, 30)), ["b"]);
    // And it ends when it is over.
    let mut last = LogOwner::take(&log, START + 125_000);
    let queue = find(&last, "q.fifo");
    assert_eq!(bodies(&receive_some(&mut last, queue, 30)), ["b"]);
}

#[test]
fn an_owner_that_was_replaced_does_not_say_that_what_it_never_knew_is_deleted() {
    let log = log();
    let mut old = LogOwner::take(&log, START);
    let queue = create(&mut old, "q");
    let mut new = LogOwner::take(&log, START);
    let there = find(&new, "q");
    send(&mut new, there, "a", None);
    let given = receive_some(&mut new, there, 0);
    let entries = [given[0].lease].into_iter().collect();
    let token = old.driver.start(Command::Delete { queue, entries });
    assert!(!old.driver.replies.contains_key(&token));
    old.settle();
    assert!(is_refused(&old, token));
}

fn subscribe(owner: &mut LogOwner, text: &str, settings: SubscriptionSettings) -> SubscriptionRef {
    let command = AdminCommand::CreateSubscription {
        name: text.into(),
        topic: TOPIC.into(),
        spec: SharedBytes::from([]),
        settings,
    };
    match owner.ask(admin(command)) {
        Reply::Resource(resource) => resource.subscription_ref(),
        other => panic!("{other:?}"),
    }
}

fn make_topic(owner: &mut LogOwner, retention_ms: Option<Millis>) -> TopicRef {
    let command = AdminCommand::CreateTopic {
        name: TOPIC.into(),
        spec: SharedBytes::from([]),
        settings: TopicSettings { retention_ms },
    };
    match owner.ask(admin(command)) {
        Reply::Resource(resource) => resource.topic_ref(),
        other => panic!("{other:?}"),
    }
}

fn publish(owner: &mut LogOwner, topic: TopicRef, text: &str) {
    let messages = vec![message(text, "", &[])];
    let reply = owner.ask(wrap(PubsubCommand::Publish { topic, messages }));
    assert!(matches!(reply, Reply::Published(_)), "{reply:?}");
}

fn pull(subscription: SubscriptionRef) -> Command {
    wrap(PubsubCommand::Pull {
        subscription,
        messages_max: 3,
        bytes_max: 1 << 20,
        wait_ms: 0,
        client: 0,
    })
}

#[test]
fn a_delivery_under_exactly_once_waits_for_its_commit() {
    let log = log();
    let mut owner = LogOwner::take(&log, START);
    let topic = make_topic(&mut owner, None);
    let exact = SubscriptionSettings {
        exactly_once: true,
        ..Default::default()
    };
    let plain = subscribe(
        &mut owner,
        "projects/p/subscriptions/plain",
        Default::default(),
    );
    let exact = subscribe(&mut owner, "projects/p/subscriptions/exact", exact);
    publish(&mut owner, topic, "a");
    let at_once = owner.driver.start(pull(plain));
    assert!(owner.driver.replies.contains_key(&at_once));
    let held = owner.driver.start(pull(exact));
    assert!(!owner.driver.replies.contains_key(&held));
    let next = LogOwner::take(&log, START);
    owner.settle();
    assert!(is_refused(&owner, held));
    drop(next);
}

/// Sends and deletes, with some messages that stay, until the log has been through laps.
fn churn(owner: &mut LogOwner, queue: QueueRef, rounds: usize) {
    for round in 0..rounds {
        send(owner, queue, &format!("body {round}"), None);
        for delivery in receive_some(owner, queue, 0) {
            let stays = delivery.lease.sequence % 8 == 0;
            let entries = [delivery.lease].into_iter().collect();
            if !stays {
                owner.ask(Command::Delete { queue, entries });
            }
        }
    }
}

#[test]
fn laps_keep_the_log_short_and_lose_nothing() {
    let log = log();
    let limits = LogLimits {
        lap_extra_bytes: 4000,
        read_bytes_max: 500,
        ..LogLimits::default()
    };
    let mut owner = LogOwner::take_with(&log, limits);
    let queue = create(&mut owner, "q");
    let topic = make_topic(&mut owner, Some(600_000));
    let keeping = SubscriptionSettings {
        retain_acked: true,
        ..Default::default()
    };
    let one = subscribe(&mut owner, "projects/p/subscriptions/one", keeping);
    subscribe(
        &mut owner,
        "projects/p/subscriptions/two",
        Default::default(),
    );
    for text in ["a", "b", "c", "d"] {
        publish(&mut owner, topic, text);
    }
    let Reply::Pulled(pulled) = owner.ask(pull(one)) else {
        panic!("nothing was pulled")
    };
    let leases = pulled.iter().take(2).map(|pulled| pulled.lease).collect();
    owner.ask(wrap(PubsubCommand::Acknowledge {
        subscription: one,
        leases,
    }));
    let (mut laps, mut low, mut bytes_max) = (0, 1, 0);
    for _ in 0..60 {
        churn(&mut owner, queue, 5);
        let records = log.records();
        bytes_max = bytes_max.max(records.iter().map(|it| it.bytes.len()).sum::<usize>());
        laps += usize::from(owner.seen.borrow().low != low);
        low = owner.seen.borrow().low;
        let now = owner.driver.now;
        let expected = meaning(
            kept_by(&owner.driver.host),
            ShardConfig::new(0, 1),
            now,
            true,
        );
        assert_eq!(
            meaning(replayed(&records), ShardConfig::new(0, 1), now, true),
            expected
        );
    }
    assert!(laps >= 3, "{laps} laps");
    assert!(log.records()[0].place.position > 1, "nothing was trimmed");
    assert!(bytes_max < 60_000, "{bytes_max} bytes");
    let now = owner.driver.now;
    let expected = meaning(
        kept_by(&owner.driver.host),
        ShardConfig::new(0, 1),
        now,
        true,
    );
    let next = LogOwner::take(&log, now);
    assert_eq!(
        meaning(
            kept_by(&next.driver.host),
            ShardConfig::new(0, 1),
            now,
            true
        ),
        expected
    );
}

/// Takes a log over that is not as it was.
fn refusal(log: &SharedLog) -> String {
    match LogOwner::claim(log, START, Claim::default()).err() {
        Some(Taking::Failed(error)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_log_that_lacks_a_record_is_not_opened() {
    for missing in [1, 3] {
        let log = log();
        let mut owner = LogOwner::take(&log, START);
        let queue = create(&mut owner, "q");
        for body in ["a", "b", "c"] {
            send(&mut owner, queue, body, None);
        }
        log.remove(missing);
        let error = refusal(&log);
        assert!(error.contains(&format!("record {missing} ")), "{error}");
    }
}

#[test]
fn a_damaged_record_is_told() {
    let log = log();
    let mut owner = LogOwner::take(&log, START);
    let queue = create(&mut owner, "q");
    send(&mut owner, queue, "a", None);
    log.damage(2);
    let error = refusal(&log);
    assert!(error.contains("checksum"), "{error}");
}
