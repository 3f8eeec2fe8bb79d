//! What one seed means: nodes, shards and queues, what goes wrong, and how often.

use super::queues::{Queue, queues};
use fastrand::Rng;
use lclq_shards::journal::LogLimits;
use lclq_shards::{Millis, ShardConfig};

#[derive(Clone, Debug)]
pub struct Plan {
    pub nodes: usize,
    pub shards: u16,
    pub queues: Vec<Queue>,
    /// How far a node's clock may be from the true time.
    pub skew_ms_max: Millis,
    pub steps: usize,
    pub groups: u64,
    pub limits: LogLimits,
    /// Logs get so long that laps are run.
    pub laps: bool,
    /// Acknowledged records that a fail-over may lose; 0 where replicas don't lag.
    pub lag_max: u64,
    /// The longest visibility timeout that clients ask for.
    pub visibility_s_max: u32,
    /// Topics beside queues.
    pub topics: bool,
    /// Clients ask owners that have been replaced as often as others.
    pub stale_clients: bool,
    pub long_pauses: bool,
    // Weights of what happens.
    pub clients: u32,
    pub store: u32,
    pub poll: u32,
    pub time: u32,
    pub pause: u32,
    pub crash: u32,
    pub take_over: u32,
    pub late: u32,
    pub fail_over: u32,
    pub frames: u32,
    /// Nodes are cut off from each other, and from the store.
    pub cut: u32,
    /// Requests of a hundred that come to grief.
    pub faults_percent: u32,
}

impl Plan {
    /// The plan of `seed`.
    pub fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let laps = rng.u8(..10) < 7;
        let lag_max = if rng.bool() { rng.u64(1..6) } else { 0 };
        let on = |rng: &mut Rng, weight: u32| if rng.u8(..10) < 7 { weight } else { 0 };
        let shards = rng.u16(1..=3);
        let moves = shards > 1 && rng.u8(..4) > 0;
        let max_receives = if moves { rng.u32(1..4) } else { 0 };
        let sources = if rng.bool() { shards.min(2) } else { 1 };
        Self {
            nodes: rng.usize(2..=4),
            shards,
            queues: queues(shards, sources, max_receives),
            skew_ms_max: [0, 0, 250, 5000][rng.usize(..4)],
            steps: rng.usize(300..2500) * usize::from(shards),
            groups: rng.u64(1..4),
            limits: LogLimits {
                window_records_max: rng.usize(1..6),
                window_bytes_max: if rng.u8(..5) == 0 { 300 } else { 1 << 20 },
                ring_records_max: if rng.bool() { 1000 } else { rng.usize(0..12) },
                ring_bytes_max: if rng.u8(..4) == 0 { 2000 } else { 1 << 20 },
                doubts_max: rng.u32(1..5),
                lap_extra_bytes: if laps { rng.u64(0..3000) } else { 1 << 30 },
                read_bytes_max: rng.usize(1..3000),
            },
            laps,
            lag_max,
            visibility_s_max: if moves && rng.bool() { 2 } else { 20 },
            topics: rng.u8(..3) == 0,
            stale_clients: rng.bool(),
            long_pauses: rng.bool(),
            clients: rng.u32(200..600),
            store: rng.u32(200..900),
            poll: rng.u32(200..600),
            time: rng.u32(10..80),
            pause: on(&mut rng, 10),
            crash: on(&mut rng, 4),
            take_over: rng.u32(2..12),
            late: rng.u32(5..30),
            fail_over: on(&mut rng, 5),
            frames: rng.u32(50..400),
            cut: if shards > 1 { on(&mut rng, 12) } else { 0 },
            faults_percent: [0, 2, 10, 30][rng.usize(..4)],
        }
    }

    pub fn config(&self, shard: u16) -> ShardConfig {
        ShardConfig::new(shard, self.shards)
    }

    /// How much earlier than by the clock of the node that gave it out a lease may end on another.
    pub fn skew_between(&self) -> Millis {
        2 * self.skew_ms_max
    }
}
