//! Deadlines: arming and disarming among few and many, and firing.
//!
//!     cargo bench -p lclq-benches --bench wheel

mod quick;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lclq_shards::Wheel;
use quick::quick;
const START: u64 = 1_700_000_000_000;

/// A lease's time, spread over half a minute.
fn deadline(at: u64) -> u64 {
    START + 1 + at.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 30_000
}

fn arm_and_disarm(c: &mut Criterion) {
    let mut group = c.benchmark_group("wheel/arm and disarm");
    group.throughput(Throughput::Elements(1));
    for armed in [0, 1_000, 1_000_000] {
        let mut wheel = Wheel::new(START);
        let mut ids: Vec<u32> = (0..armed).map(|at| wheel.arm(deadline(at), at)).collect();
        let mut at = 0u64;
        group.bench_function(BenchmarkId::from_parameter(armed), |b| {
            b.iter(|| {
                at += 1;
                let id = wheel.arm(deadline(at), at);
                // The oldest goes, as a lease does whose message is deleted.
                let old = if ids.is_empty() {
                    id
                } else {
                    let place = at as usize % ids.len();
                    std::mem::replace(&mut ids[place], id)
                };
                wheel.disarm(old)
            });
        });
    }
}

fn fire(c: &mut Criterion) {
    const ARMED: u64 = 100_000;
    let mut group = c.benchmark_group("wheel/fire");
    group.throughput(Throughput::Elements(ARMED));
    group.bench_function(BenchmarkId::from_parameter(ARMED), |b| {
        b.iter_batched_ref(
            || {
                let mut wheel = Wheel::new(START);
                for at in 0..ARMED {
                    wheel.arm(deadline(at), at);
                }
                wheel
            },
            |wheel| {
                let mut fired = Vec::with_capacity(ARMED as usize);
                let mut now = START;
                while !wheel.is_empty() {
                    now += 10;
                    while wheel.advance(now, 4096, &mut fired) {}
                }
                assert_eq!(fired.len() as u64, ARMED);
                fired
            },
            criterion::BatchSize::PerIteration,
        );
    });
}

criterion_group! {
    name = benches;
    config = quick();
    targets = arm_and_disarm, fire
}
criterion_main!(benches);
