//! The engine by itself: what sending, receiving and deleting cost, by size, batch, kind of queue,
//! number of queues and messages that are there already.
//!
//!     cargo bench -p lclq-benches --bench engine

mod quick;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lclq_benches::engine::{Engine, Kind};
use quick::quick;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Memory that a benchmark's messages may take before it goes on with an empty engine.
const RESIDENT_BYTES_MAX: u64 = 64 << 20;
/// Messages after which a FIFO benchmark does, since deduplication remembers every one.
const FIFO_MESSAGES_MAX: u64 = 100_000;

/// Repeats `step` on engines that are made anew, outside of the time, when they are full.
fn on_fresh_engines(
    rounds: u64,
    make: impl Fn() -> Engine,
    messages_per_step: u64,
    mut step: impl FnMut(&mut Engine),
) -> Duration {
    let mut spent = Duration::ZERO;
    let mut engine = make();
    let mut since_made = 0;
    let mut left = rounds;
    while left > 0 {
        if engine.resident_bytes() > RESIDENT_BYTES_MAX || since_made > FIFO_MESSAGES_MAX {
            engine = make();
            since_made = 0;
        }
        let run = left.min(1 + 10_000 / messages_per_step);
        let began = Instant::now();
        for _ in 0..run {
            step(&mut engine);
        }
        spent += began.elapsed();
        left -= run;
        since_made += run * messages_per_step;
    }
    black_box(&engine);
    spent
}

fn send(c: &mut Criterion) {
    let mut group = c.benchmark_group("send");
    for body_bytes in [100, 1_000, 10_000, 100_000] {
        for batch in [1, 10, 100, 1000] {
            if body_bytes * batch > 10_000_000 {
                continue;
            }
            group.throughput(Throughput::Elements(batch as u64));
            let id = BenchmarkId::new(format!("{body_bytes}B"), batch);
            group.bench_function(id, |b| {
                b.iter_custom(|rounds| {
                    let make = || Engine::new(Kind::Standard, 1, body_bytes);
                    on_fresh_engines(rounds, make, batch as u64, |engine| {
                        let queue = engine.queues[0];
                        engine.send(queue, batch);
                    })
                });
            });
        }
    }
}

/// Messages to receive or delete in one go of the clock.
const FILLED: usize = 10_000;

fn receive(c: &mut Criterion) {
    let mut group = c.benchmark_group("receive");
    for count in [1, 10] {
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new("100B", count), |b| {
            b.iter_custom(|rounds| {
                let mut spent = Duration::ZERO;
                let mut left = rounds;
                while left > 0 {
                    let mut engine = Engine::new(Kind::Standard, 1, 100);
                    engine.fill(FILLED);
                    let queue = engine.queues[0];
                    let run = left.min((FILLED / count) as u64);
                    let began = Instant::now();
                    for _ in 0..run {
                        let deliveries = engine.receive(queue, count);
                        assert_eq!(deliveries.len(), count);
                    }
                    spent += began.elapsed();
                    left -= run;
                }
                spent
            });
        });
    }
}

fn delete(c: &mut Criterion) {
    let mut group = c.benchmark_group("delete");
    for count in [1, 10] {
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new("100B", count), |b| {
            b.iter_custom(|rounds| {
                let mut spent = Duration::ZERO;
                let mut left = rounds;
                while left > 0 {
                    let mut engine = Engine::new(Kind::Standard, 1, 100);
                    engine.fill(FILLED);
                    let queue = engine.queues[0];
                    let run = left.min((FILLED / count) as u64);
                    let received: Vec<_> = (0..run).map(|_| engine.receive(queue, count)).collect();
                    let began = Instant::now();
                    for deliveries in received {
                        engine.delete(queue, deliveries);
                    }
                    spent += began.elapsed();
                    left -= run;
                }
                spent
            });
        });
    }
}

fn cycle(c: &mut Criterion) {
    let mut group = c.benchmark_group("cycle");
    for kind in [Kind::Standard, Kind::Fair, Kind::Fifo] {
        for (body_bytes, batch) in [(100, 1), (100, 10), (10_000, 1)] {
            group.throughput(Throughput::Elements(batch as u64));
            let id = BenchmarkId::new(format!("{kind:?}/{body_bytes}B"), batch);
            group.bench_function(id, |b| {
                b.iter_custom(|rounds| {
                    let make = || Engine::new(kind, 1, body_bytes);
                    on_fresh_engines(rounds, make, batch as u64, |engine| {
                        let queue = engine.queues[0];
                        engine.cycle(queue, batch);
                    })
                });
            });
        }
    }
}

/// Cycles over many queues, with many messages in them.
fn queues(c: &mut Criterion) {
    let mut group = c.benchmark_group("queues");
    group.throughput(Throughput::Elements(1));
    for (queues, resident) in [
        (1, 1_000_000),
        (100, 0),
        (10_000, 0),
        (10_000, 1_000_000),
        (100_000, 0),
        (100_000, 1_000_000),
    ] {
        let mut engine = Engine::new(Kind::Standard, queues, 100);
        engine.fill(resident);
        let mut at = 0;
        group.bench_function(BenchmarkId::new(format!("{queues}"), resident), |b| {
            b.iter(|| {
                // A stride that is prime to the number of queues: no two neighbours in a row.
                at = (at + 7919) % queues;
                let queue = engine.queues[at];
                engine.cycle(queue, 1);
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = quick();
    targets = send, receive, delete, cycle, queues
}
criterion_main!(benches);
