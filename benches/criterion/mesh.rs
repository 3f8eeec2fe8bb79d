//! Asking a shard of the same core, and of another core, with few and many requests under way.
//!
//!     cargo bench -p lclq-benches --bench mesh

mod quick;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lclq::mesh::{Mesh, MeshConfig, MeshPlan, Storage};
use lclq::runtime::{DriverKind, Shutdown, spawn_cores, spawn_local};
use lclq_shards::Eviction;
use lclq_shards::command::{Command, QueueCommand, Reply};
use quick::quick;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Two cores with a shard each.
fn config() -> MeshConfig {
    MeshConfig {
        cores: 2,
        shards: Some(2),
        storage: Storage::Memory,
        memory_bytes_max: None,
        eviction: Eviction::Reject,
        cluster: None,
        journey_events: 0,
    }
}

/// Has core 0 ask `shard` `requests` times in all, `under_way` at once, and tells how long it took.
fn ask(shard: u16, requests: u64, under_way: u64) -> Duration {
    let parts = MeshPlan::new(config()).expect("memory").into_parts();
    let spent = Arc::new(Mutex::new(Duration::ZERO));
    let done = Shutdown::new();
    let told = spent.clone();
    let cores = spawn_cores(DriverKind::Epoll, 2, move |core| {
        let (parts, done, told) = (parts.clone(), done.clone(), told.clone());
        async move {
            let mesh = parts.start(core).expect("a core in memory starts");
            if core == 0 {
                *told.lock().expect("one writer") =
                    ask_from(&mesh, shard, requests, under_way).await;
                done.trigger();
            }
            done.wait().await;
            mesh.close(Duration::from_secs(1)).await;
        }
    })
    .expect("threads start");
    cores.join().expect("cores end");
    let spent = spent.lock().expect("nobody else has it");
    *spent
}

async fn ask_from(mesh: &Mesh, shard: u16, requests: u64, under_way: u64) -> Duration {
    let left = Rc::new(Cell::new(requests));
    let running = Rc::new(Cell::new(under_way));
    let all_done = Shutdown::new();
    let began = Instant::now();
    for _ in 0..under_way {
        let (mesh, left, running) = (mesh.clone(), left.clone(), running.clone());
        let all_done = all_done.clone();
        spawn_local(async move {
            while left.get() > 0 {
                left.set(left.get() - 1);
                let command = Command::Queue(Box::new(QueueCommand::Stats));
                let reply = mesh.call(shard, command).await;
                assert!(matches!(reply, Reply::Stats(_)));
            }
            running.set(running.get() - 1);
            if running.get() == 0 {
                all_done.trigger();
            }
        });
    }
    all_done.wait().await;
    began.elapsed()
}

fn hop(c: &mut Criterion) {
    let mut group = c.benchmark_group("mesh");
    group.throughput(Throughput::Elements(1));
    for (place, shard) in [("same core", 0), ("other core", 1)] {
        for under_way in [1, 16, 64, 256] {
            group.bench_function(BenchmarkId::new(place, under_way), |b| {
                b.iter_custom(|requests| ask(shard, requests, under_way));
            });
        }
    }
}

criterion_group! {
    name = benches;
    config = quick();
    targets = hop
}
criterion_main!(benches);
