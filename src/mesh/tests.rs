//! Two cores with a shard each.

use super::*;
use crate::runtime::{DriverKind, Shutdown, spawn_cores};
use lclq_shards::Eviction;
use lclq_shards::command::{Command, QueueCommand, Reply};
use std::time::Duration;

/// As many requests as many connections have under way at once, for one queue on the other core.
const REQUESTS: usize = 3 * LANE_REQUESTS_MAX + 1;

#[test]
fn more_requests_than_a_lane_holds_are_all_answered() {
    let plan = MeshPlan::new(MeshConfig {
        cores: 2,
        shards: Some(2),
        storage: Storage::Memory,
        memory_bytes_max: None,
        eviction: Eviction::Reject,
        cluster: None,
        journey_events: 0,
    });
    let parts = plan.expect("memory is always to be had").into_parts();
    let done = Shutdown::new();
    let cores = spawn_cores(DriverKind::Epoll, 2, move |core| {
        let (parts, done) = (parts.clone(), done.clone());
        async move {
            let mesh = parts.start(core).expect("a core in memory starts");
            if core == 0 {
                let stats = || Command::Queue(Box::new(QueueCommand::Stats));
                // All of them before the first is waited for: the lane can't be emptied meanwhile
                // as fast as it is filled.
                let calls: Vec<Call> = (0..REQUESTS).map(|_| mesh.call(1, stats())).collect();
                for call in calls {
                    let reply = call.await;
                    assert!(matches!(reply, Reply::Stats(_)), "{reply:?}");
                }
                done.trigger();
            }
            done.wait().await;
            mesh.close(Duration::from_secs(1)).await;
        }
    });
    cores
        .expect("threads start")
        .join()
        .expect("nothing panicked");
}
