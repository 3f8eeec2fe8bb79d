//! The same comparisons on the engine alone: one shard, no sockets, no journal.

use lclq_loadtest::report::{Bound, Report};
use lclq_shards::attributes::{AttributeMap, QueueAttribute};
use lclq_shards::command::{
    Command, Delivery, QueueCommand, QueueRef, Receive, Reply, SendEntry, Token,
};
use lclq_shards::{Draft, Millis, Outgoing, QueueName, Section, ShardConfig, ShardHost};
use std::io;
use std::time::Instant;

/// Cost on a large thing over cost on a small one.
const RATIO_MAX: f64 = 2.0;
const BATCH: usize = 10;
const BODY: &[u8] = &[b'x'; 200];
const SMALL_MESSAGES: usize = 1000;
const START: Millis = 1_700_000_000_000;

/// A shard with a clock of its own: a millisecond per hundred operations.
struct Engine {
    host: ShardHost,
    operations: u64,
    next: u64,
}

impl Engine {
    fn new() -> Self {
        let host = ShardHost::in_memory(ShardConfig::new(0, 1), START);
        Self {
            host,
            operations: 0,
            next: 0,
        }
    }

    fn ask(&mut self, command: Command) -> Reply {
        self.operations += 1;
        let token: Token = self.operations;
        self.host
            .apply(START + self.operations / 100, token, command);
        match self.host.next_outgoing() {
            Some(Outgoing::Reply(_, reply)) => reply,
            other => panic!("a reply at once, not {other:?}"),
        }
    }

    fn create(&mut self, name: &str, fifo: bool) -> QueueRef {
        let mut attributes = AttributeMap::new();
        if fifo {
            attributes.insert(QueueAttribute::FifoQueue, "true".to_owned());
        }
        let command = QueueCommand::Create {
            name: QueueName::new("us-east-1", "000000000000", name),
            attributes,
            tags: Default::default(),
            recreate_after_ms: 0,
        };
        match self.ask(Command::Queue(Box::new(command))) {
            Reply::Queue(queue) => queue,
            other => panic!("{other:?}"),
        }
    }

    fn send(&mut self, queue: QueueRef, groups: usize) {
        self.next += 1;
        let number = self.next.to_string();
        let group = format!("group-{}", self.next % groups.max(1) as u64);
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.next.to_le_bytes());
        let mut draft = Draft {
            id,
            sent_at: START + self.operations / 100,
            body: BODY,
            ..Draft::default()
        };
        if groups > 0 {
            draft.sections.push((Section::Group, group.as_bytes()));
            draft
                .sections
                .push((Section::Deduplication, number.as_bytes()));
        }
        let entry = SendEntry {
            payload: draft.build(),
            counted_bytes: BODY.len() as u32,
            delay_s: None,
            deduplication_from_content: false,
        };
        let entries = [entry].into_iter().collect();
        match self.ask(Command::Send { queue, entries }) {
            Reply::Sent(results) if results[0].is_ok() => {}
            other => panic!("{other:?}"),
        }
    }

    fn receive(&mut self, queue: QueueRef) -> Vec<Delivery> {
        let command = Command::Receive(Receive {
            queue,
            messages_max: BATCH as u8,
            visibility_timeout_s: None,
            wait_s: None,
            attempt: None,
            client: 0,
        });
        match self.ask(command) {
            Reply::Received(messages) if messages.len() == BATCH => messages.into_vec(),
            other => panic!("ten messages, not {other:?}"),
        }
    }

    fn delete(&mut self, queue: QueueRef, deliveries: &[Delivery]) {
        let entries = deliveries.iter().map(|delivery| delivery.lease).collect();
        match self.ask(Command::Delete { queue, entries }) {
            Reply::Leases(results) if results.iter().all(Result::is_ok) => {}
            other => panic!("{other:?}"),
        }
    }

    /// Sends, receives and deletes 1000 messages, ns per message sent, and per message received
    /// and deleted.
    fn round(&mut self, queues: &[QueueRef], groups: usize, turn: usize) -> (f64, f64) {
        const BATCHES: usize = 100;
        // A stride that visits many queues in no order that a cache would like.
        let pick =
            |batch: usize| queues[(turn * BATCHES + batch).wrapping_mul(7919) % queues.len()];
        let start = Instant::now();
        for batch in 0..BATCHES {
            for _ in 0..BATCH {
                self.send(pick(batch), groups);
            }
        }
        let sent = start.elapsed();
        let start = Instant::now();
        for batch in 0..BATCHES {
            let got = self.receive(pick(batch));
            self.delete(pick(batch), &got);
        }
        let taken = start.elapsed();
        let each = |time: std::time::Duration| time.as_secs_f64() * 1e9 / (BATCHES * BATCH) as f64;
        (each(sent), each(taken))
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Compares queues that hold much, or are many, with some that don't.
fn compare(
    engine: &mut Engine,
    what: &str,
    (large, large_groups): (&[QueueRef], usize),
    (small, small_groups): (&[QueueRef], usize),
    report: &mut Report,
) {
    const ROUNDS: usize = 300;
    let mut costs: [Vec<f64>; 4] = Default::default();
    for turn in 0..ROUNDS {
        let (send, take) = engine.round(large, large_groups, turn);
        let (small_send, small_take) = engine.round(small, small_groups, turn);
        for (costs, cost) in costs.iter_mut().zip([send, small_send, take, small_take]) {
            costs.push(cost);
        }
    }
    let [send, small_send, take, small_take] = costs.map(median);
    for (operation, large, small) in [
        ("send", send, small_send),
        ("receive(10) + delete(10), per message", take, small_take),
    ] {
        let name = format!("{what}: {operation}: {large:.0} ns to {small:.0}");
        report.add("engine", name, large / small, "x", Bound::AtMost(RATIO_MAX));
    }
}

/// Runs all comparisons.
pub fn run(messages: usize, groups: usize, queues: usize, report: &mut Report) -> io::Result<()> {
    for (what, large_groups, small_groups) in
        [("standard", 0, 0), ("groups", groups, 100), ("group", 1, 1)]
    {
        let mut engine = Engine::new();
        let fifo = large_groups > 0;
        let suffix = if fifo { ".fifo" } else { "" };
        let large = engine.create(&format!("long{suffix}"), fifo);
        let small = engine.create(&format!("small{suffix}"), fifo);
        for _ in 0..SMALL_MESSAGES {
            engine.send(small, small_groups);
        }
        for _ in 0..messages {
            engine.send(large, large_groups);
        }
        let (large, small) = ([large], [small]);
        compare(
            &mut engine,
            what,
            (&large, large_groups),
            (&small, small_groups),
            report,
        );
    }
    let mut engine = Engine::new();
    let many: Vec<QueueRef> = (0..queues)
        .map(|n| engine.create(&format!("queue-{n}"), false))
        .collect();
    let few: Vec<QueueRef> = (0..16)
        .map(|n| engine.create(&format!("few-{n}"), false))
        .collect();
    for queue in many.iter().chain(&few) {
        for _ in 0..BATCH {
            engine.send(*queue, 0);
        }
    }
    for queue in &few {
        for _ in 0..SMALL_MESSAGES {
            engine.send(*queue, 0);
        }
    }
    compare(&mut engine, "queues", (&many, 0), (&few, 0), report);
    Ok(())
}
