//! What every journal promises, asked of each: SQLite, the journal in memory that simulations run on,
//! and the one in a shared log.

mod common;

use common::memory_journal::MemoryJournal;
use common::shared_log::{Defect, SharedLog};
use fastrand::Rng;
use lclq_shards::journal::*;
use lclq_shards::moves::{Address, MoveStatus, MoveTask, Transfer};
use lclq_shards::pubsub::{
    DeadLetterSettings, RetrySettings, SchemaRecord, SubscriptionRecord, SubscriptionSettings,
    TopicRecord, TopicSettings,
};
use lclq_shards::{DEDUPLICATION_WINDOW_MS, DedupEntry, Draft, Millis, Payload, QueueName};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tempfile::TempDir;

const NOW: Millis = 1_700_000_000_000;

const OWNER: FileOwner = FileOwner {
    directory: 1,
    shard: 0,
    shards: 2,
};

/// Time that a commit may take before the test fails.
const COMMIT_MAX: Duration = Duration::from_secs(30);

/// What can be opened, closed and opened again.
trait Store {
    fn open(&mut self) -> Box<dyn Journal>;
    /// Waits until the journal has something to say about the batch under way.
    fn finish(&mut self);
}

struct OnSqlite {
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
struct InMemory(MemoryJournal);

impl Store for InMemory {
    fn open(&mut self) -> Box<dyn Journal> {
        Box::new(self.0.clone())
    }

    fn finish(&mut self) {
        self.0.complete();
    }
}

/// In memory, with the latest batches not yet where they can't be lost.
struct InMemoryWithTail(MemoryJournal);

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
struct InALog(SharedLog);

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
struct Opened<S> {
    store: S,
    journal: Option<Box<dyn Journal>>,
    epoch: u64,
    batches: u64,
}

impl<S: Store + Default> Opened<S> {
    /// A store with nothing in it.
    fn empty() -> Self {
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
    fn reload(&mut self) -> Vec<Op> {
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
    fn kept(&mut self) -> Vec<Op> {
        let mut kept = self.reload();
        assert_eq!(kept.remove(0), reserve(1, 1));
        kept
    }

    fn hand_over(&mut self, epoch: u64, ops: Vec<Op>) -> Completion {
        self.batches += 1;
        let number = self.batches;
        let journal = self.journal.as_mut().expect("it is open");
        journal.commit(epoch, Batch { number, ops });
        self.store.finish();
        journal.poll().expect("something became of the batch")
    }

    fn commit(&mut self, ops: impl Into<Vec<Op>>) {
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

/// Asks each kind of journal.
macro_rules! every_journal {
    ($($case:ident)*) => {
        mod sqlite {
            $(#[test] fn $case() { super::$case::<super::OnSqlite>(); })*
        }
        mod memory {
            $(#[test] fn $case() { super::$case::<super::InMemory>(); })*
        }
        mod memory_with_a_tail {
            $(#[test] fn $case() { super::$case::<super::InMemoryWithTail>(); })*
        }
        mod log {
            $(#[test] fn $case() { super::$case::<super::InALog>(); })*
        }
    };
}

every_journal! {
    every_kind_comes_back_in_the_promised_order
    the_latest_of_a_record_counts
    numbers_that_were_reserved_come_back
    receives_are_counted
    what_is_deleted_stays_deleted
    a_queue_takes_its_messages_with_it
    what_is_purged_stays_purged
    deduplication_ids_are_remembered_by_number
    confirmed_transfers_leave_the_outbox
    what_has_arrived_is_known_by_source
    deliveries_go_with_their_message
    deliveries_of_a_subscription_are_forgotten
    topics_and_subscriptions_take_their_rows_with_them
    a_batch_of_nothing_is_committed
    an_epoch_that_is_over_commits_nothing
}

fn reserve(sequence: u64, queue_id: u64) -> Op {
    Op::Reserve { sequence, queue_id }
}

fn payload(text: &str) -> Payload {
    Draft {
        id: [7; 16],
        sent_at: NOW,
        body: text.as_bytes(),
        ..Draft::default()
    }
    .build()
}

fn name(text: &str) -> QueueName {
    QueueName::new("us-east-1", "000000000000", text)
}

fn queue(id: u64, purged_below: u64) -> Op {
    let task = MoveTask {
        id: [3; 16],
        destination: Some(name("elsewhere")),
        messages_per_s_max: Some(20),
        moved: 1,
        to_move: 9,
        started_at: NOW,
        status: MoveStatus::Running,
        failure: Some("why".to_owned()),
    };
    Op::PutQueue(Box::new(QueueRecord {
        id,
        name: name(&format!("q{id}")),
        attributes: Default::default(),
        tags: [("team".to_owned(), "zoë".to_owned())].into(),
        created_at: NOW,
        modified_at: NOW + 1,
        purged_below,
        moves: vec![task],
        dedup_secret: None,
    }))
}

fn message(sequence: u64, queue_id: u64) -> MessageRecord {
    MessageRecord {
        sequence,
        queue_id,
        payload: payload(&format!("message {sequence}")),
        available_at: NOW + sequence,
        receive_count: 1,
        base_count: 4,
        first_received_at: NOW + 2,
    }
}

fn insert(sequence: u64, queue_id: u64) -> Op {
    Op::Insert(message(sequence, queue_id))
}

fn dedup(sequence: u64, queue_id: u64, key: u128) -> Op {
    let entry = DedupEntry {
        message_id: [9; 16],
        sequence,
        expires_at: NOW + DEDUPLICATION_WINDOW_MS + sequence,
    };
    Op::Dedup {
        queue_id,
        key,
        entry,
    }
}

/// A transfer as it is handed over: the lowest number that its source keeps isn't stored.
fn transfer(target: u16, number: u64, oldest: u64) -> Op {
    let (to, from) = match number % 3 {
        0 => (Address::Queue(name("to")), Address::Queue(name("from"))),
        1 => {
            let subscription = Address::Subscription {
                subscription: "projects/p/subscriptions/s".into(),
                id: Some(number),
            };
            let topic = "projects/p/topics/dead".into();
            (Address::Topic { topic }, subscription)
        }
        _ => {
            let subscription = "projects/p/subscriptions/old".into();
            let from = Address::Subscription {
                subscription,
                id: None,
            };
            (Address::Queue(name("to")), from)
        }
    };
    Op::OutboxPut(Box::new(Transfer {
        source: 0,
        target,
        number,
        oldest,
        to,
        from,
        payload: payload(&format!("transfer {number}")),
        receive_count: 3,
        first_received_at: NOW,
        task: number.is_multiple_of(2).then_some([5; 16]),
        returned: number % 2 == 1,
    }))
}

fn confirmed(target: u16, up_to: u64) -> Op {
    Op::OutboxDelete { target, up_to }
}

fn inbox(source: u16, up_to: u64) -> Op {
    Op::Inbox { source, up_to }
}

fn topic(id: u64, version: &str) -> Op {
    Op::PutTopic(Box::new(TopicRecord {
        id,
        name: format!("projects/p/topics/t{id}").into(),
        deleted: id % 2 == 1,
        created_at: NOW,
        settings: TopicSettings {
            retention_ms: Some(id * 1000),
        },
        spec: version.as_bytes().into(),
        policy: b"\0policy".as_slice().into(),
    }))
}

fn subscription(id: u64, topic_id: u64, version: &str) -> Op {
    let settings = SubscriptionSettings {
        ack_deadline_s: 17,
        ordering: true,
        exactly_once: true,
        filter: "attributes.a = \"b\"".into(),
        retention_ms: 600_000,
        retain_acked: true,
        expiration_ms: None,
        dead_letter: Some(DeadLetterSettings {
            topic: "projects/p/topics/dead".into(),
            attempts_max: 5,
        }),
        retry: Some(RetrySettings {
            backoff_ms_min: 10,
            backoff_ms_max: 600,
        }),
        detached: true,
    };
    Op::PutSubscription(Box::new(SubscriptionRecord {
        id,
        name: format!("projects/p/subscriptions/s{id}").into(),
        topic_id,
        created_at: NOW,
        floor: 12,
        snapshot_expires_at: (id % 2 == 1).then_some(NOW + id),
        settings,
        spec: version.as_bytes().into(),
        policy: b"".as_slice().into(),
    }))
}

fn schema(id: u64, version: &str) -> Op {
    Op::PutSchema(Box::new(SchemaRecord {
        id,
        name: format!("projects/p/schemas/c{id}").into(),
        created_at: NOW,
        spec: version.as_bytes().into(),
        policy: b"".as_slice().into(),
    }))
}

fn publish(sequence: u64, topic_id: u64) -> Op {
    Op::Publish(PublishedRecord {
        sequence,
        topic_id,
        published_at: NOW + sequence,
        bytes: format!("published {sequence}").into_bytes().into(),
        returned: sequence % 2 == 1,
    })
}

fn unpublish(sequence: u64, has_rows: bool) -> Op {
    Op::Unpublish { sequence, has_rows }
}

fn delivery(sequence: u64, subscription_id: u64, acked: bool, failures: u32) -> Op {
    Op::Delivery {
        subscription_id,
        sequence,
        acked,
        failures,
    }
}

fn every_kind_comes_back_in_the_promised_order<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    let in_order = [
        queue(2, 0),
        queue(5, 0),
        insert(10, 5),
        insert(11, 2),
        insert(14, 5),
        dedup(10, 5, u128::MAX - 1),
        dedup(14, 5, 3),
        confirmed(0, 3),
        confirmed(1, 6),
        transfer(0, 4, 0),
        transfer(0, 5, 0),
        transfer(1, 7, 0),
        inbox(0, 8),
        inbox(1, 9),
        topic(20, "20"),
        topic(21, "21"),
        subscription(22, 21, "22"),
        subscription(23, 20, "23"),
        schema(24, "24"),
        schema(25, "25"),
        publish(30, 21),
        publish(31, 20),
        delivery(30, 22, true, NEVER_HAD),
        delivery(30, 23, false, 2),
        delivery(31, 23, true, 0),
    ];
    // Written the other way round, in several batches.
    let mut backwards = in_order.to_vec();
    backwards.reverse();
    for ops in backwards.chunks(4) {
        opened.commit(ops);
    }
    assert_eq!(opened.kept(), in_order);
    // And that is what a journal makes of what it has loaded, too.
    let mut second = Opened::<S>::empty();
    second.commit(in_order.clone());
    assert_eq!(second.kept(), in_order);
    assert_eq!(second.kept(), in_order);
}

fn the_latest_of_a_record_counts<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    opened.commit([topic(20, "a"), subscription(21, 20, "a"), schema(22, "a")]);
    opened.commit([
        queue(1, 0),
        topic(20, "b"),
        subscription(21, 20, "b"),
        schema(22, "b"),
        queue(1, 7),
    ]);
    let kept = [
        queue(1, 7),
        topic(20, "b"),
        subscription(21, 20, "b"),
        schema(22, "b"),
    ];
    assert_eq!(opened.kept(), kept);
    opened.commit([
        Op::DropSchema(22),
        Op::DropSubscription(21),
        Op::DropTopic(20),
    ]);
    assert_eq!(opened.kept(), [queue(1, 7)]);
}

fn numbers_that_were_reserved_come_back<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    opened.commit([reserve(100, 10), queue(1, 0), insert(99, 1)]);
    opened.commit([Op::Delete(99), Op::DropQueue(1), reserve(200, 11)]);
    assert_eq!(opened.reload(), [reserve(200, 11)]);
    assert_eq!(opened.reload(), [reserve(200, 11)]);
}

fn receives_are_counted<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    opened.commit([queue(1, 0), insert(5, 1), insert(6, 1)]);
    let received = |sequence, receive_count| Op::Received {
        sequence,
        receive_count,
        first_received_at: NOW + 77,
    };
    opened.commit([received(5, 2), Op::Delete(6)]);
    // A message may have gone since, or before a batch began.
    opened.commit([received(5, 3), received(6, 9), received(7, 1)]);
    let counted = MessageRecord {
        receive_count: 3,
        first_received_at: NOW + 77,
        ..message(5, 1)
    };
    assert_eq!(opened.kept(), [queue(1, 0), Op::Insert(counted)]);
}

fn what_is_deleted_stays_deleted<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    opened.commit([queue(1, 0), insert(5, 1), insert(6, 1), Op::Delete(5)]);
    assert_eq!(opened.kept(), [queue(1, 0), insert(6, 1)]);
    opened.commit([Op::Delete(6), Op::Delete(5), insert(7, 1), Op::Delete(700)]);
    assert_eq!(opened.kept(), [queue(1, 0), insert(7, 1)]);
}

fn a_queue_takes_its_messages_with_it<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    opened.commit([queue(1, 0), insert(5, 1), dedup(5, 1, 1)]);
    opened.commit([queue(2, 0), insert(6, 2), dedup(6, 2, 1), Op::DropQueue(1)]);
    let kept = [queue(2, 0), insert(6, 2), dedup(6, 2, 1)];
    assert_eq!(opened.kept(), kept);
    // Rows that came with the queue's end, late.
    opened.commit([Op::Delete(5)]);
    assert_eq!(opened.kept(), kept);
}

fn what_is_purged_stays_purged<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    opened.commit([queue(1, 0), insert(5, 1), dedup(5, 1, 1), insert(6, 1)]);
    opened.commit([queue(1, 6), queue(2, 0), insert(7, 2), dedup(7, 2, 1)]);
    let kept = [
        queue(1, 6),
        queue(2, 0),
        insert(6, 1),
        insert(7, 2),
        dedup(7, 2, 1),
    ];
    assert_eq!(opened.kept(), kept);
}

fn deduplication_ids_are_remembered_by_number<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    opened.commit([queue(1, 0), dedup(9, 1, 77), dedup(8, 1, 77)]);
    // The same id again, once its window was over; and a message's number with another id.
    opened.commit([dedup(12, 1, 77), dedup(8, 1, 78)]);
    let kept = [
        queue(1, 0),
        dedup(8, 1, 78),
        dedup(9, 1, 77),
        dedup(12, 1, 77),
    ];
    assert_eq!(opened.kept(), kept);
}

fn confirmed_transfers_leave_the_outbox<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    opened.commit([transfer(1, 4, 4), transfer(1, 5, 4), transfer(1, 6, 4)]);
    opened.commit([transfer(0, 4, 4), transfer(0, 5, 4), confirmed(1, 5)]);
    let rest = [transfer(0, 4, 0), transfer(0, 5, 0), transfer(1, 6, 0)];
    let mut kept = vec![confirmed(1, 5)];
    kept.extend(rest);
    assert_eq!(opened.kept(), kept);
    // All are gone, and the number of the last one is still known.
    opened.commit([confirmed(1, 6), confirmed(0, 5)]);
    assert_eq!(opened.kept(), [confirmed(0, 5), confirmed(1, 6)]);
}

fn what_has_arrived_is_known_by_source<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    opened.commit([inbox(1, 1), inbox(0, 40), inbox(1, 2)]);
    opened.commit([inbox(1, 1 << 32)]);
    assert_eq!(opened.kept(), [inbox(0, 40), inbox(1, 1 << 32)]);
}

fn deliveries_go_with_their_message<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    opened.commit([topic(20, ""), subscription(21, 20, ""), publish(30, 20)]);
    opened.commit([delivery(30, 21, false, 1), publish(31, 20)]);
    opened.commit([delivery(30, 21, false, 2), delivery(31, 21, true, 0)]);
    let head = [topic(20, ""), subscription(21, 20, "")];
    let mut kept = head.to_vec();
    kept.extend([publish(30, 20), publish(31, 20)]);
    kept.extend([delivery(30, 21, false, 2), delivery(31, 21, true, 0)]);
    assert_eq!(opened.kept(), kept);
    // Whether or not the shard knew of rows.
    opened.commit([unpublish(30, true), unpublish(31, false), publish(32, 20)]);
    let mut kept = head.to_vec();
    kept.push(publish(32, 20));
    assert_eq!(opened.kept(), kept);
}

fn deliveries_of_a_subscription_are_forgotten<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    let kept = [
        topic(20, ""),
        subscription(21, 20, ""),
        subscription(22, 20, ""),
        publish(30, 20),
        delivery(30, 22, true, 0),
    ];
    opened.commit(kept.clone());
    opened.commit([delivery(30, 21, true, 0)]);
    let subscription_id = 21;
    opened.commit([Op::ResetDeliveries { subscription_id }]);
    assert_eq!(opened.kept(), kept);
}

fn topics_and_subscriptions_take_their_rows_with_them<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    opened.commit([topic(20, ""), subscription(21, 20, ""), publish(30, 20)]);
    opened.commit([topic(25, ""), subscription(26, 25, ""), publish(31, 25)]);
    opened.commit([delivery(30, 21, true, 0), delivery(31, 26, false, 3)]);
    opened.commit([Op::DropSubscription(26), Op::DropTopic(20)]);
    let kept = [topic(25, ""), subscription(21, 20, ""), publish(31, 25)];
    assert_eq!(opened.kept(), kept);
}

fn a_batch_of_nothing_is_committed<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    opened.commit([]);
    opened.commit([Op::Nothing, queue(1, 0), Op::Nothing]);
    assert_eq!(opened.kept(), [queue(1, 0)]);
}

fn an_epoch_that_is_over_commits_nothing<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    opened.commit([queue(1, 0)]);
    assert_eq!(opened.kept(), [queue(1, 0)]);
    let completion = opened.hand_over(opened.epoch - 1, vec![queue(2, 0)]);
    let current = opened.epoch;
    assert!(
        matches!(completion, Completion::Fenced { epoch } if epoch == current),
        "{completion:?}"
    );
    assert_eq!(opened.kept(), [queue(1, 0)]);
}

#[test]
fn a_number_that_was_used_fails_the_whole_batch() {
    for (first, again) in [
        (insert(5, 1), insert(5, 1)),
        (publish(30, 20), publish(30, 20)),
        (transfer(1, 4, 0), transfer(1, 4, 0)),
    ] {
        let mut kept = Kept::default();
        assert_eq!(kept.keep(first.clone()), Ok(()));
        assert!(kept.keep(again.clone()).is_err(), "{again:?}");
        let mut opened = Opened::<OnSqlite>::empty();
        opened.commit([queue(1, 0), topic(20, ""), first.clone()]);
        let completion = opened.hand_over(opened.epoch, vec![queue(2, 0), again]);
        assert!(
            matches!(completion, Completion::Failed(2, _)),
            "{completion:?}"
        );
        let kept = opened.kept();
        assert_eq!(kept.len(), 3, "{kept:?}");
        assert!(kept.contains(&first) && !kept.contains(&queue(2, 0)));
    }
}

#[test]
fn a_batch_that_fails_is_tried_again() {
    let mut opened = Opened::<InMemory>::empty();
    let disk = opened.store.0.clone();
    disk.set_failing(true);
    let completion = opened.hand_over(opened.epoch, vec![queue(1, 0)]);
    assert!(
        matches!(completion, Completion::Failed(1, _)),
        "{completion:?}"
    );
    disk.set_failing(false);
    assert!(disk.complete());
    let journal = opened.journal.as_mut().expect("it is open");
    let completion = journal.poll();
    assert!(
        matches!(completion, Some(Completion::Committed(1))),
        "{completion:?}"
    );
    assert_eq!(opened.kept(), [queue(1, 0)]);
}

#[test]
fn a_lost_tail_takes_whole_batches_and_no_epoch() {
    let mut opened = Opened::<InMemoryWithTail>::empty();
    let disk = opened.store.0.clone();
    for id in 1..=5 {
        disk.set_now(NOW + id);
        opened.commit([queue(id, 0), insert(10 + id, id)]);
    }
    // Changes of the fourth were made after the third was handed over.
    assert_eq!(disk.lose_tail(2), Some(NOW + 3));
    let kept = [1, 2, 3].map(|id| queue(id, 0)).into_iter();
    let kept: Vec<Op> = kept
        .chain([1, 2, 3].map(|id| insert(10 + id, id)))
        .collect();
    assert_eq!(opened.kept(), kept);
    assert_eq!(disk.lose_tail(0), None);
    // No more than it was to keep.
    assert_eq!(disk.lose_tail(9), Some(NOW + 2));
    assert_eq!(
        opened.kept(),
        [queue(1, 0), queue(2, 0), insert(11, 1), insert(12, 2)]
    );
}

/// Ids of one kind of thing: none is given out twice.
#[derive(Default)]
struct Ids {
    live: Vec<u64>,
    gone: Vec<u64>,
}

impl Ids {
    fn live(&self, rng: &mut Rng) -> Option<u64> {
        rng.choice(&self.live).copied()
    }

    /// One that there is, or was: rows of what has gone may follow.
    fn known(&self, rng: &mut Rng) -> Option<u64> {
        let known: Vec<u64> = self.live.iter().chain(&self.gone).copied().collect();
        rng.choice(known)
    }

    fn drop_one(&mut self, rng: &mut Rng) -> Option<u64> {
        let at = rng.choice(0..self.live.len())?;
        let id = self.live.swap_remove(at);
        self.gone.push(id);
        Some(id)
    }
}

/// Changes as a shard might make them, of few things that come and go.
struct Changes {
    rng: Rng,
    next_id: u64,
    next_sequence: u64,
    next_number: [u64; 2],
    queues: Ids,
    topics: Ids,
    subscriptions: Ids,
}

impl Changes {
    fn of(round: u64) -> Self {
        Self {
            rng: Rng::with_seed(round),
            next_id: 1,
            next_sequence: 100,
            next_number: [0; 2],
            queues: Ids::default(),
            topics: Ids::default(),
            subscriptions: Ids::default(),
        }
    }

    /// A number that was given out lately, or is not yet.
    fn some_sequence(&mut self) -> u64 {
        self.rng
            .u64(self.next_sequence - 12..self.next_sequence + 2)
    }

    fn new_sequence(&mut self) -> u64 {
        self.next_sequence += self.rng.u64(1..4);
        self.next_sequence
    }

    fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn next(&mut self) -> Op {
        self.some_change().unwrap_or(Op::Nothing)
    }

    fn some_change(&mut self) -> Option<Op> {
        Some(match self.rng.u8(..24) {
            0 => {
                let id = self.new_id();
                self.queues.live.push(id);
                queue(id, 0)
            }
            // Purges go on from where the last one ended.
            1 => queue(self.queues.live(&mut self.rng)?, self.next_sequence - 3),
            2 if self.rng.bool() => Op::DropQueue(self.queues.drop_one(&mut self.rng)?),
            2..6 => {
                let sequence = self.new_sequence();
                insert(sequence, self.queues.known(&mut self.rng)?)
            }
            6 => Op::Received {
                sequence: self.some_sequence(),
                receive_count: self.rng.u32(1..9),
                first_received_at: NOW,
            },
            7 => Op::Delete(self.some_sequence()),
            8 => {
                let sequence = self.some_sequence();
                dedup(
                    sequence,
                    self.queues.known(&mut self.rng)?,
                    self.rng.u128(..3),
                )
            }
            9 | 10 => {
                let target = self.rng.u16(..2);
                let number = &mut self.next_number[usize::from(target)];
                *number += 1;
                transfer(target, *number, 1)
            }
            11 => {
                let target = self.rng.u16(..2);
                let sent = self.next_number[usize::from(target)];
                confirmed(target, self.rng.u64(..=sent))
            }
            12 => inbox(self.rng.u16(..2), self.rng.u64(..9)),
            13 => reserve(self.next_sequence + 1, self.next_id + 1),
            14 => {
                let id = self.new_id();
                self.topics.live.push(id);
                topic(id, "a")
            }
            15 => topic(self.topics.live(&mut self.rng)?, "b"),
            16 => {
                let (id, topic) = (self.new_id(), self.topics.live(&mut self.rng)?);
                self.subscriptions.live.push(id);
                subscription(id, topic, "a")
            }
            17 => match self.rng.u8(..4) {
                0 => Op::DropTopic(self.topics.drop_one(&mut self.rng)?),
                1 => Op::DropSubscription(self.subscriptions.drop_one(&mut self.rng)?),
                2 => Op::DropSchema(1),
                _ => schema(1, "a"),
            },
            18 | 19 => {
                let sequence = self.new_sequence();
                publish(sequence, self.topics.known(&mut self.rng)?)
            }
            20 => unpublish(self.some_sequence(), self.rng.bool()),
            21 | 22 => {
                let sequence = self.some_sequence();
                let subscription_id = self.subscriptions.known(&mut self.rng)?;
                delivery(
                    sequence,
                    subscription_id,
                    self.rng.bool(),
                    self.rng.u32(..4),
                )
            }
            _ => Op::ResetDeliveries {
                subscription_id: self.subscriptions.known(&mut self.rng)?,
            },
        })
    }
}

/// Rounds of random changes; each makes a file.
const ROUNDS: u64 = 40;

#[test]
fn all_journals_keep_the_same() {
    let mut rows = 0;
    for round in 0..ROUNDS {
        let mut changes = Changes::of(round);
        let mut sqlite = Opened::<OnSqlite>::empty();
        let mut memory = Opened::<InMemory>::empty();
        let mut with_tail = Opened::<InMemoryWithTail>::empty();
        let mut log = Opened::<InALog>::empty();
        for _ in 0..4 {
            for _ in 0..changes.rng.usize(1..8) {
                let ops: Vec<Op> = (0..changes.rng.usize(..12))
                    .map(|_| changes.next())
                    .collect();
                sqlite.commit(ops.clone());
                memory.commit(ops.clone());
                log.commit(ops.clone());
                with_tail.commit(ops);
            }
            let kept = sqlite.reload();
            assert_eq!(memory.reload(), kept, "round {round}");
            assert_eq!(with_tail.reload(), kept, "round {round}");
            assert_eq!(log.reload(), kept, "round {round}");
            rows += kept.len();
        }
    }
    assert!(rows > 30 * ROUNDS as usize, "{rows} rows");
}
