//! Counts over shards.

use super::Admin;
use super::answers::{AdminError, AdminResult};
use super::operations::quantile;
use super::route::Asked;
use crate::mesh::Mesh;
use lclq_shards::command::{Command, QueueCommand, Reply, ShardStats};
use schemars::JsonSchema;
use serde::Serialize;
use std::rc::Rc;

/// Counts as the API shows them, of one shard or of all.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
pub(super) struct Stats {
    pub queues: u64,
    pub topics: u64,
    /// With snapshots.
    pub subscriptions: u64,
    pub visible: u64,
    pub in_flight: u64,
    pub delayed: u64,
    pub memory_bytes: u64,
    /// Long polls that wait.
    pub waiters: u64,
    /// Since the start, like those that follow.
    pub sent: u64,
    pub received: u64,
    pub deleted: u64,
    pub dead_lettered: u64,
    /// For age or for room.
    pub dropped: u64,
}

impl Stats {
    fn add(&mut self, shard: &ShardStats) {
        self.queues += shard.queues;
        self.topics += shard.topics;
        self.subscriptions += shard.subscriptions;
        self.visible += shard.messages.visible;
        self.in_flight += shard.messages.in_flight;
        self.delayed += shard.messages.delayed;
        self.memory_bytes += shard.resident_bytes;
        self.waiters += shard.waiters;
        self.sent += shard.sent;
        self.received += shard.received;
        self.deleted += shard.deleted;
        self.dead_lettered += shard.dead_lettered;
        self.dropped += shard.dropped;
    }
}

/// Counts of one shard.
#[derive(Serialize, JsonSchema)]
pub(super) struct OfShard {
    shard: u16,
    #[serde(flatten)]
    stats: Stats,
}

/// Counts by shard.
#[derive(Serialize, JsonSchema)]
pub(super) struct ShardList {
    shards: Vec<OfShard>,
    journals: Journals,
}

/// What the shards' journals do, all together.
#[derive(Serialize, JsonSchema)]
struct Journals {
    /// What keeps the messages, such as `memory`, which has no journal, or `sqlite`.
    backend: &'static str,
    /// Whether all can be written.
    up: bool,
    /// Why one can't.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Batches that were committed, since the start.
    commits: u64,
    /// Attempts to commit that failed.
    commits_failed: u64,
    /// Half of the commits took no longer, us; null where there were none.
    commit_p50_us: Option<u64>,
    /// 99 % of them took no longer, us.
    commit_p99_us: Option<u64>,
}

impl Journals {
    fn of(admin: &Admin) -> Self {
        let seen = admin.mesh.seen().journals;
        let reason = admin.mesh.journal_down();
        let times = seen.commits.cumulative();
        Self {
            backend: admin.metrics.backend(),
            up: reason.is_none(),
            reason,
            commits: seen.commits.total(),
            commits_failed: seen.commits_failed,
            commit_p50_us: quantile(&times, 50),
            commit_p99_us: quantile(&times, 99),
        }
    }
}

pub(super) async fn show(admin: Rc<Admin>, _: Asked) -> AdminResult<Stats> {
    of_all(&admin).await
}

pub(super) async fn list(admin: Rc<Admin>, _: Asked) -> AdminResult<ShardList> {
    let shards = of_shards(&admin).await?;
    Ok(ShardList {
        shards,
        journals: Journals::of(&admin),
    })
}

pub(super) async fn of_all(admin: &Admin) -> AdminResult<Stats> {
    let mut sum = Stats::default();
    for shard in 0..admin.mesh.shards() {
        sum.add(&of_shard(&admin.mesh, shard).await?);
    }
    Ok(sum)
}

pub(super) async fn of_shards(admin: &Admin) -> AdminResult<Vec<OfShard>> {
    let mut shards = Vec::new();
    for shard in 0..admin.mesh.shards() {
        let mut stats = Stats::default();
        stats.add(&of_shard(&admin.mesh, shard).await?);
        shards.push(OfShard { shard, stats });
    }
    Ok(shards)
}

/// Counts of one shard.
pub(super) async fn of_shard(mesh: &Mesh, shard: u16) -> AdminResult<ShardStats> {
    let command = Command::Queue(Box::new(QueueCommand::Stats));
    match mesh.call(shard, command).await {
        Reply::Stats(stats) => Ok(*stats),
        _ => Err(AdminError::unavailable(format!(
            "shard {shard} does not answer"
        ))),
    }
}
