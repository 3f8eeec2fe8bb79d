//! Cores: what each carries.

use super::Admin;
use super::answers::AdminResult;
use super::route::Asked;
use crate::mesh::Owner;
use schemars::JsonSchema;
use serde::Serialize;
use std::rc::Rc;

/// A core, which is a thread with shards and connections of its own.
#[derive(Serialize, JsonSchema)]
pub(super) struct CoreView {
    core: usize,
    /// Connections that are open on it.
    connections: usize,
    /// Shards that it owns.
    shards: Vec<u16>,
    /// Lanes that lead to other cores; each has one in either direction.
    lanes: usize,
    /// Times that it found requests of other cores in a lane, since the server's start.
    lane_turns: u64,
    /// Those requests: with `lane_turns`, how deep lanes are.
    lane_requests: u64,
    /// Time that its thread has run, ms; null where the system doesn't tell.
    busy_ms: Option<u64>,
}

/// All cores.
#[derive(Serialize, JsonSchema)]
pub(super) struct CoreList {
    cores: Vec<CoreView>,
    /// The server's time, ms since 1970: two looks at `busy_ms` give a core's load.
    at: u64,
}

pub(super) async fn list(admin: Rc<Admin>, _: Asked) -> AdminResult<CoreList> {
    let busy = busy_ms();
    let cores = admin.connections.cores();
    let seen = admin.mesh.seen();
    let depths = |core| seen.lane_depths.get(core).copied().unwrap_or_default();
    let views = (0..cores).map(|core| CoreView {
        core,
        connections: admin.connections.open_on(core),
        shards: (0..admin.mesh.shards())
            .filter(|shard| admin.mesh.owner(*shard) == Owner::Core(core))
            .collect(),
        lanes: cores - 1,
        lane_turns: depths(core).total(),
        lane_requests: depths(core).sum,
        busy_ms: busy.iter().find(|(of, _)| *of == core).map(|(_, ms)| *ms),
    });
    Ok(CoreList {
        cores: views.collect(),
        at: crate::mesh::wall_clock(),
    })
}

/// How long the thread of each core has run.
#[cfg(target_os = "linux")]
fn busy_ms() -> Vec<(usize, u64)> {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten();
    let of = |task: std::path::PathBuf| {
        let name = std::fs::read_to_string(task.join("comm")).ok()?;
        let core = name.trim().strip_prefix("lclq-core-")?.parse().ok()?;
        let times = std::fs::read_to_string(task.join("schedstat")).ok()?;
        let ns: u64 = times.split(' ').next()?.parse().ok()?;
        Some((core, ns / 1_000_000))
    };
    tasks.filter_map(|task| of(task.ok()?.path())).collect()
}

#[cfg(not(target_os = "linux"))]
fn busy_ms() -> Vec<(usize, u64)> {
    Vec::new()
}
