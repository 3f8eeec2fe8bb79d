//! The parts of the benchmark.

use crate::client::{BATCH, BODY_BYTES, Connection, Queue, drain, fill, pump};
use clap::{Parser, ValueEnum};
use lclq_loadtest::report::{Bound, Report};
use lclq_loadtest::server::{Server, Setup, default_binary, raise_descriptor_limit};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Cost on a large thing over cost on a small one.
const RATIO_MAX: f64 = 2.0;
const START_MS_MAX: f64 = 50.0;
const IDLE_MIB_MAX: f64 = 30.0;
const OVERHEAD_BYTES_MAX: f64 = 200.0;
const DRAIN_PER_S_MIN: f64 = 60_000.0;
const POLL_CPU_PERCENT_MAX: f64 = 1.0;
const POLL_KIB_MAX: f64 = 20.0;

/// Measure how lclq scales.
#[derive(Parser, Debug)]
pub struct Options {
    /// Parts to run; all by default.
    #[arg(long, value_enum, value_delimiter = ',')]
    parts: Vec<Part>,
    /// Exit with 1 if a bound is missed.
    #[arg(long)]
    check: bool,
    /// The lclq to measure.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Driver to run it on.
    #[arg(long, default_value = "epoll")]
    runtime: String,
    /// Cores to run it on; by default all.
    #[arg(long)]
    cores: Option<usize>,
    /// Messages in a long queue.
    #[arg(long, default_value_t = 1_000_000)]
    messages: usize,
    /// Groups of a FIFO queue with many.
    #[arg(long, default_value_t = 100_000)]
    groups: usize,
    /// Queues where there are many.
    #[arg(long, default_value_t = 100_000)]
    queues: usize,
    /// Long polls that wait.
    #[arg(long, default_value_t = 10_000)]
    polls: usize,
    /// Messages to drain.
    #[arg(long, default_value_t = 200_000)]
    drain: usize,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Part {
    /// Cost per operation on the engine alone.
    Engine,
    /// Start to first answer, and memory when idle.
    Start,
    /// One long standard queue: cost per operation, memory per message.
    Standard,
    /// One long FIFO queue of many groups.
    Groups,
    /// One long FIFO queue of one group.
    Group,
    /// Many queues.
    Queues,
    /// Emptying a queue.
    Drain,
    /// Many idle long polls.
    Polls,
    /// Restarting on what a long queue left on disk.
    Restart,
}

/// Runs the parts. Answers whether all bounds that are to be checked are met.
pub fn run(options: &Options) -> io::Result<bool> {
    let setup = Setup {
        binary: options.binary.clone().unwrap_or_else(default_binary),
        runtime: options.runtime.clone(),
        cores: options.cores,
        data_dir: None,
    };
    let started = Instant::now();
    let parts = if options.parts.is_empty() {
        Part::value_variants()
    } else {
        &options.parts
    };
    let mut report = Report::default();
    for part in parts {
        match part {
            Part::Engine => {
                let Options {
                    messages,
                    groups,
                    queues,
                    ..
                } = *options;
                crate::engine::run(messages, groups, queues, &mut report)?;
            }
            Part::Start => start(&setup, &mut report)?,
            Part::Standard => {
                long_queue(&setup, "standard", options.messages, 0, 0, &mut report)?;
            }
            Part::Groups => {
                let groups = options.groups;
                long_queue(&setup, "groups", options.messages, groups, 100, &mut report)?;
            }
            Part::Group => long_queue(&setup, "group", options.messages, 1, 1, &mut report)?,
            Part::Queues => many_queues(&setup, options.queues, &mut report)?,
            Part::Drain => drain_queue(&setup, options.drain, &mut report)?,
            Part::Polls => long_polls(&setup, options.polls, &mut report)?,
            Part::Restart => restart(&setup, options.drain, &mut report)?,
        }
    }
    println!("{:.0} s in all", started.elapsed().as_secs_f64());
    println!("{}", report.json());
    Ok(!options.check || report.all_met())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn start(setup: &Setup, report: &mut Report) -> io::Result<()> {
    const STARTS: usize = 11;
    let directory = std::env::temp_dir().join(format!("lclq-scale-{}", std::process::id()));
    for data_dir in [None, Some(directory.clone())] {
        let stored = if data_dir.is_some() {
            "SQLite"
        } else {
            "memory"
        };
        let setup = Setup {
            data_dir,
            ..setup.clone()
        };
        let mut times = Vec::new();
        for _ in 0..STARTS {
            let server = Server::start(&setup)?;
            let queue = Queue::new(&server.address, "first", 0);
            Connection::open(&server.address)?.call(&queue.create())?;
            times.push(server.spawned.elapsed().as_secs_f64() * 1000.0);
            server.stop()?;
        }
        let best = times.iter().copied().fold(f64::INFINITY, f64::min);
        let name = format!("start to first answer, {stored}, median of {STARTS}");
        report.add(
            "start",
            name,
            median(times),
            "ms",
            Bound::AtMost(START_MS_MAX),
        );
        let name = format!("start to first answer, {stored}, best");
        report.add("start", name, best, "ms", Bound::None);
    }
    let _ = std::fs::remove_dir_all(directory);

    let server = Server::start(setup)?;
    std::thread::sleep(Duration::from_millis(300));
    let idle = server.resident_bytes()? as f64 / f64::from(1 << 20);
    // Rings take more, by design.
    let bound = if setup.runtime == "epoll" {
        Bound::AtMost(IDLE_MIB_MAX)
    } else {
        Bound::None
    };
    report.add("start", "memory when idle", idle, "MiB", bound);
    Ok(())
}

/// What the operations on one queue cost.
#[derive(Default)]
struct Costs {
    send: Vec<f64>,
    receive: Vec<f64>,
    delete: Vec<f64>,
    /// Server's CPU time per operation, µs.
    send_cpu: Vec<f64>,
    receive_delete_cpu: Vec<f64>,
}

/// Operations on queues, by turns, so that what else the machine does hits all alike.
struct Prober<'a> {
    server: &'a Server,
    connection: Connection,
    next: usize,
}

impl Prober<'_> {
    /// A round of sends, receives and deletes over `queues`, which leaves their lengths alone.
    fn round(&mut self, queues: &[&Queue], costs: &mut Costs) -> io::Result<()> {
        const CYCLES: usize = 20;
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        let picked: Vec<&Queue> = (0..CYCLES)
            .map(|cycle| queues[(self.next / BATCH + cycle * 7919) % queues.len()])
            .collect();
        let before = self.server.cpu()?;
        for queue in &picked {
            for _ in 0..BATCH {
                self.next += 1;
                let request = queue.send(self.next);
                costs.send.push(micros(self.connection.timed(&request)?.0));
            }
        }
        let between = self.server.cpu()?;
        for queue in &picked {
            let request = queue.receive();
            let (time, answer) = self.connection.timed(&request)?;
            costs.receive.push(micros(time));
            let (request, count) = queue
                .delete_received(answer)
                .ok_or_else(|| io::Error::other("an empty receive"))?;
            if count != BATCH {
                return Err(io::Error::other(format!("{count} messages received")));
            }
            costs
                .delete
                .push(micros(self.connection.timed(&request)?.0));
        }
        let after = self.server.cpu()?;
        let sends = (CYCLES * BATCH) as f64;
        costs.send_cpu.push(micros(between - before) / sends);
        let others = (CYCLES * 2) as f64;
        costs
            .receive_delete_cpu
            .push(micros(after - between) / others);
        Ok(())
    }
}

/// Compares operations on `large` with operations on `small`.
fn compare(
    part: &'static str,
    server: &Server,
    large: &[&Queue],
    small: &[&Queue],
    next: usize,
    report: &mut Report,
) -> io::Result<()> {
    const ROUNDS: usize = 40;
    let mut prober = Prober {
        server,
        connection: Connection::open(&server.address)?,
        next,
    };
    let (mut on_large, mut on_small) = (Costs::default(), Costs::default());
    for round in 0..ROUNDS + 2 {
        if round == 2 {
            // The first rounds warm up.
            (on_large, on_small) = (Costs::default(), Costs::default());
        }
        prober.round(large, &mut on_large)?;
        prober.round(small, &mut on_small)?;
    }
    for (name, large, small) in [
        ("send", on_large.send, on_small.send),
        ("receive(10)", on_large.receive, on_small.receive),
        ("delete-batch(10)", on_large.delete, on_small.delete),
        ("CPU of a send", on_large.send_cpu, on_small.send_cpu),
        (
            "CPU of a receive or delete",
            on_large.receive_delete_cpu,
            on_small.receive_delete_cpu,
        ),
    ] {
        let (large, small) = (median(large), median(small));
        let name = format!("{name}: {large:.1} us to {small:.1} us with little");
        report.add(part, name, large / small, "x", Bound::AtMost(RATIO_MAX));
    }
    Ok(())
}

/// A small queue on the shard of `name`, or the comparison would be one of hops between cores.
fn small_beside(address: &str, name: &str, groups: usize) -> Queue {
    let suffix = if groups > 0 { ".fifo" } else { "" };
    // As many shards as this divides by: whatever their number, the two are on one shard.
    const SHARDS: [u16; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
    let full = |name: &str| lclq_shards::QueueName::new("us-east-1", "000000000000", name);
    let place = |name: &str| SHARDS.map(|shards| full(name).shard(shards));
    let found = (0..)
        .map(|n| format!("small-{n}{suffix}"))
        .find(|small| place(small) == place(name))
        .expect("some name falls there");
    Queue::new(address, &found, groups)
}

fn long_queue(
    setup: &Setup,
    part: &'static str,
    messages: usize,
    groups: usize,
    small_groups: usize,
    report: &mut Report,
) -> io::Result<()> {
    const SMALL_MESSAGES: usize = 1000;
    let server = Server::start(setup)?;
    let address = &server.address;
    let name = if groups > 0 { "long.fifo" } else { "long" };
    let long = Queue::new(address, name, groups);
    let small = small_beside(address, name, small_groups);
    let mut connection = Connection::open(address)?;
    for queue in [&long, &small] {
        connection.call(&queue.create())?;
    }
    fill(address, &small, 0, SMALL_MESSAGES)?;

    let before = server.resident_bytes()?;
    let start = Instant::now();
    fill(address, &long, SMALL_MESSAGES, messages)?;
    let rate = messages as f64 / start.elapsed().as_secs_f64();
    report.add(
        part,
        "sent by send-batch(10)",
        rate,
        "messages/s",
        Bound::None,
    );
    let per_message = (server.resident_bytes()? - before) as f64 / messages as f64;
    let overhead = per_message - BODY_BYTES as f64;
    // On a FIFO queue it includes what is remembered for deduplication, for five minutes.
    let bound = if groups == 0 {
        Bound::AtMost(OVERHEAD_BYTES_MAX)
    } else {
        Bound::None
    };
    report.add(
        part,
        "memory per message beyond its body",
        overhead,
        "B",
        bound,
    );

    let next = messages + 2 * SMALL_MESSAGES;
    compare(part, &server, &[&long], &[&small], next, report)?;

    // One group allows one receive at a time.
    let connections = if groups == 1 { 1 } else { 16 };
    let start = Instant::now();
    let gone = drain(
        address,
        &long,
        connections,
        messages / 2,
        Duration::from_secs(8),
    )?;
    let rate = gone as f64 / start.elapsed().as_secs_f64();
    let name = format!("drained over {connections} connections");
    report.add(part, name, rate, "messages/s", Bound::None);
    Ok(())
}

fn many_queues(setup: &Setup, count: usize, report: &mut Report) -> io::Result<()> {
    const PART: &str = "queues";
    let server = Server::start(setup)?;
    let address = &server.address;
    let queue = |n: usize| Queue::new(address, &format!("queue-{n}"), 0);
    let few: Vec<Queue> = (0..16)
        .map(|n| Queue::new(address, &format!("few-{n}"), 0))
        .collect();
    pump(address, few.len(), |n| few[n].create())?;

    let before = server.resident_bytes()?;
    let start = Instant::now();
    pump(address, count, |n| queue(n).create())?;
    let rate = count as f64 / start.elapsed().as_secs_f64();
    report.add(PART, "created", rate, "queues/s", Bound::None);
    let each = (server.resident_bytes()? - before) as f64 / count as f64;
    report.add(PART, "memory per empty queue", each, "B", Bound::None);
    pump(address, count, |n| queue(n).send_batch(0))?;
    pump(address, few.len() * 10, |n| {
        few[n % few.len()].send_batch(0)
    })?;

    let many: Vec<Queue> = (0..count).map(queue).collect();
    let many: Vec<&Queue> = many.iter().collect();
    let few: Vec<&Queue> = few.iter().collect();
    compare(PART, &server, &many, &few, 0, report)
}

fn drain_queue(setup: &Setup, messages: usize, report: &mut Report) -> io::Result<()> {
    const PART: &str = "drain";
    let server = Server::start(setup)?;
    let address = &server.address;
    let queue = Queue::new(address, "drained", 0);
    Connection::open(address)?.call(&queue.create())?;
    fill(address, &queue, 0, messages)?;
    let start = Instant::now();
    let gone = drain(address, &queue, 16, messages, Duration::from_secs(60))?;
    let rate = gone as f64 / start.elapsed().as_secs_f64();
    let name = format!("{messages} by receive(10) and delete-batch(10)");
    report.add(
        PART,
        name,
        rate,
        "messages/s",
        Bound::AtLeast(DRAIN_PER_S_MIN),
    );
    let mut connection = Connection::open(address)?;
    if queue
        .delete_received(connection.call(&queue.receive())?)
        .is_some()
    {
        return Err(io::Error::other("the queue isn't empty after the drain"));
    }
    Ok(())
}

fn long_polls(setup: &Setup, count: usize, report: &mut Report) -> io::Result<()> {
    const PART: &str = "polls";
    const WATCHED: Duration = Duration::from_secs(5);
    raise_descriptor_limit(count as u64 + 200)?;
    let server = Server::start(setup)?;
    let address = &server.address;
    let queues: Vec<Queue> = (0..100)
        .map(|n| Queue::new(address, &format!("polled-{n}"), 0))
        .collect();
    pump(address, queues.len(), |n| queues[n].create())?;
    // What the first requests make the server allocate is not the polls'.
    pump(address, 2000, |n| queues[n % queues.len()].receive())?;
    let before = server.resident_bytes()?;
    let requests: Vec<Vec<u8>> = queues.iter().map(Queue::long_poll).collect();
    let start = Instant::now();
    let mut polls = Vec::with_capacity(count);
    for n in 0..count {
        let mut poll = Connection::open(address)?;
        poll.send(&requests[n % requests.len()])?;
        polls.push(poll);
    }
    let opened = start.elapsed();
    std::thread::sleep(Duration::from_secs(1));
    let each = (server.resident_bytes()? - before) as f64 / count as f64 / 1024.0;
    let cpu = server.cpu()?;
    std::thread::sleep(WATCHED);
    let spent = (server.cpu()? - cpu).as_secs_f64() / WATCHED.as_secs_f64() * 100.0;
    let name = format!("CPU of {count} idle long polls");
    report.add(
        PART,
        name,
        spent,
        "% of a core",
        Bound::AtMost(POLL_CPU_PERCENT_MAX),
    );
    report.add(
        PART,
        "memory per idle long poll",
        each,
        "KiB",
        Bound::AtMost(POLL_KIB_MAX),
    );
    let rate = count as f64 / opened.as_secs_f64();
    report.add(PART, "opened", rate, "polls/s", Bound::None);

    // They do wait: a message wakes the first of its queue's, and no other.
    let mut connection = Connection::open(address)?;
    let mut times = Vec::new();
    for (n, queue) in queues.iter().enumerate().take(50) {
        let start = Instant::now();
        connection.call(&queue.send(0))?;
        if queue.delete_received(polls[n].receive()?).is_none() {
            return Err(io::Error::other("a long poll came back empty"));
        }
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    report.add(
        PART,
        "send to answer of a waiting poll, median",
        median(times),
        "ms",
        Bound::None,
    );
    Ok(())
}

fn restart(setup: &Setup, messages: usize, report: &mut Report) -> io::Result<()> {
    const PART: &str = "restart";
    let directory = std::env::temp_dir().join(format!("lclq-scale-{}", std::process::id()));
    let setup = Setup {
        data_dir: Some(directory.clone()),
        ..setup.clone()
    };
    let server = Server::start(&setup)?;
    let queue = Queue::new(&server.address, "kept", 0);
    Connection::open(&server.address)?.call(&queue.create())?;
    let start = Instant::now();
    fill(&server.address, &queue, 0, messages)?;
    let rate = messages as f64 / start.elapsed().as_secs_f64();
    report.add(
        PART,
        "sent by send-batch(10), fsync",
        rate,
        "messages/s",
        Bound::None,
    );
    let time = server.stop()?;
    report.add(
        PART,
        "time to stop",
        time.as_secs_f64() * 1000.0,
        "ms",
        Bound::None,
    );
    let server = Server::start(&setup)?;
    let time = server.spawned.elapsed();
    let name = format!("start with {messages} messages");
    report.add(PART, name, time.as_secs_f64() * 1000.0, "ms", Bound::None);
    let queue = Queue::new(&server.address, "kept", 0);
    let start = Instant::now();
    let gone = drain(
        &server.address,
        &queue,
        16,
        messages,
        Duration::from_secs(15),
    )?;
    let rate = gone as f64 / start.elapsed().as_secs_f64();
    report.add(
        PART,
        "drained over 16 connections, fsync",
        rate,
        "messages/s",
        Bound::None,
    );
    drop(server);
    let _ = std::fs::remove_dir_all(directory);
    Ok(())
}
