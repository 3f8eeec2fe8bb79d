//! What happens to nodes, their store and the network, and how it ends.

use crate::cluster::{Cluster, NODES};
use crate::server::{ByHand, Stop};
use rand::Rng;
use rand::rngs::SmallRng;
use std::time::{Duration, Instant};

/// Three times what a node may be silent, and a second.
const STANDS_STILL: Duration = Duration::from_secs(16);
/// Longer than a request waits for a shard that nobody runs, and a second.
const NODES_APART: Duration = Duration::from_secs(13);
/// Longer than a node may be silent, milliseconds.
const STORE_AWAY_MS: std::ops::Range<u64> = 6_500..10_000;

/// What the store may take to end the sessions of a node that was cut off.
const SESSIONS_MAX: Duration = Duration::from_secs(20);
const SESSIONS: &str = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'lclq%'";
const WHICH: &str = "SELECT concat_ws(' ', host(client_addr), application_name, state, wait_event, backend_start, \
                     state_change, query) FROM pg_stat_activity WHERE application_name LIKE 'lclq%' ORDER BY 1";
/// How long as many sessions are there as before, where nothing happens.
const AT_REST: Duration = Duration::from_secs(2);
const OF_NODES: &str = "FROM pg_stat_activity WHERE application_name LIKE 'lclq%'";

/// Which way nothing arrives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    Both,
    /// What the first sends.
    Out,
    /// What the first would get.
    In,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    Killed,
    Stopped,
    Sessions,
    StoreRestarted,
    Promoted,
    CutFromStore(Way),
    CutFromNode(Way),
    Rolling,
}

/// All faults, by their names.
pub const FAULTS: [(&str, Fault); 11] = [
    ("killed", Fault::Killed),
    ("stopped", Fault::Stopped),
    ("sessions", Fault::Sessions),
    ("store-restarted", Fault::StoreRestarted),
    ("promoted", Fault::Promoted),
    ("store-cut", Fault::CutFromStore(Way::Both)),
    ("store-cut-out", Fault::CutFromStore(Way::Out)),
    ("store-cut-in", Fault::CutFromStore(Way::In)),
    ("nodes-cut", Fault::CutFromNode(Way::Both)),
    ("nodes-cut-one-way", Fault::CutFromNode(Way::Out)),
    ("rolling", Fault::Rolling),
];

impl Fault {
    /// What the time is that a round answers.
    pub fn what_is_timed(self) -> &'static str {
        match self {
            Self::Killed => "first answer elsewhere after the kill",
            Self::Stopped => "first answer elsewhere after it stood still",
            Self::Sessions => "all shards answer after the sessions' end",
            Self::StoreRestarted => "all shards answer after the store's stop",
            Self::Promoted => "all shards answer after the primary's death",
            Self::CutFromStore(_) => "first answer elsewhere after the cut",
            Self::CutFromNode(_) => "each answers for the other after the cut has healed",
            Self::Rolling => "a node has handed over and ended",
        }
    }

    pub fn has_standby(self) -> bool {
        self == Self::Promoted
    }

    /// Whether a request that nobody else answers may be refused.
    pub fn may_refuse(self) -> bool {
        self != Self::Rolling
    }

    /// Whether what was given out of standard queues may be given out again.
    pub fn loses_leases(self) -> bool {
        !matches!(self, Self::Sessions | Self::Rolling)
    }

    /// Has it happen once and heal.
    pub fn round(self, cluster: &mut Cluster, rng: &mut SmallRng) -> Duration {
        let one = rng.random_range(0..NODES);
        let other = (one + rng.random_range(1..NODES)) % NODES;
        match self {
            Self::Killed => kill(cluster, one, other),
            Self::Stopped => stop(cluster, one, other),
            Self::Sessions => end_sessions(cluster, one),
            Self::StoreRestarted => restart_store(cluster, one, rng),
            Self::Promoted => promote(cluster, one),
            Self::CutFromStore(way) => {
                let time = Duration::from_millis(rng.random_range(STORE_AWAY_MS));
                cut_from_store(cluster, one, other, way, time)
            }
            Self::CutFromNode(way) => cut_from_node(cluster, one, other, way),
            Self::Rolling => roll(cluster),
        }
    }
}

fn kill(cluster: &mut Cluster, one: usize, other: usize) -> Duration {
    let shard = cluster.shard_of(one);
    cluster.watch.strike(cluster.address(one));
    cluster.take(one).kill();
    let killed = Instant::now();
    cluster.wait_for_answer(other, shard);
    let took = killed.elapsed();
    cluster.revive(one);
    cluster.wait_for_shares();
    took
}

fn stop(cluster: &Cluster, one: usize, other: usize) -> Duration {
    let shard = cluster.shard_of(one);
    cluster.watch.strike(cluster.address(one));
    assert!(cluster.node(one).signal("-STOP"));
    let stopped = Instant::now();
    cluster.wait_for_answer(other, shard);
    let took = stopped.elapsed();
    std::thread::sleep(STANDS_STILL.saturating_sub(stopped.elapsed()));
    assert!(cluster.node(one).signal("-CONT"));
    cluster.watch.is_well(cluster.address(one));
    cluster.wait_for_shares();
    took
}

fn end_sessions(cluster: &Cluster, by: usize) -> Duration {
    let by_hand = cluster.primary().by_hand();
    let all =
        format!("SELECT count(*) FROM (SELECT pg_terminate_backend(pid) {OF_NODES}) AS ended");
    assert!(by_hand.number(&all) > NODES as i64);
    let ended = Instant::now();
    cluster.wait_for_all(by);
    let took = ended.elapsed();
    cluster.wait_for_shares();
    took
}

fn restart_store(cluster: &Cluster, by: usize, rng: &mut SmallRng) -> Duration {
    let how = match rng.random() {
        true => Stop::AtOnce,
        false => Stop::InOrder,
    };
    let stopped = Instant::now();
    cluster.primary().stop(how);
    cluster.primary().go_on(&[]);
    cluster.wait_for_all(by);
    let took = stopped.elapsed();
    cluster.wait_for_shares();
    took
}

fn promote(cluster: &mut Cluster, by: usize) -> Duration {
    cluster.primary().stop(Stop::Killed);
    let killed = Instant::now();
    cluster.promote();
    cluster.wait_for_all(by);
    let took = killed.elapsed();
    cluster.add_standby();
    cluster.wait_for_shares();
    took
}

/// Cuts one off from another.
fn cut(cluster: &Cluster, one: usize, other: usize, way: Way) {
    if way != Way::In {
        cluster.network.cut(one, other);
    }
    if way != Way::Out {
        cluster.network.cut(other, one);
    }
}

fn cut_from_store(
    cluster: &Cluster,
    one: usize,
    other: usize,
    way: Way,
    time: Duration,
) -> Duration {
    let shard = cluster.shard_of(one);
    let by_hand = cluster.primary().by_hand();
    let sessions = *cluster.sessions.get_or_init(|| at_rest(&by_hand));
    cut(cluster, one, cluster.store(), way);
    let began = Instant::now();
    cluster.wait_for_answer(other, shard);
    let took = began.elapsed();
    std::thread::sleep(time.saturating_sub(began.elapsed()));
    cluster.network.heal();
    cluster.wait_for_shares();
    cluster.wait_for_all(one);
    // Those that were cut off have ended, too.
    let until = Instant::now() + SESSIONS_MAX;
    while by_hand.number(SESSIONS) > sessions {
        assert!(
            Instant::now() < until,
            "more than {sessions} sessions are left behind in the store: {:#?}",
            by_hand.texts(WHICH)
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    took
}

/// How many sessions nodes have: one may just be about to be made anew.
fn at_rest(by_hand: &ByHand) -> i64 {
    let (mut sessions, mut since) = (by_hand.number(SESSIONS), Instant::now());
    while since.elapsed() < AT_REST {
        std::thread::sleep(Duration::from_millis(50));
        let now = by_hand.number(SESSIONS);
        if now != sessions {
            (sessions, since) = (now, Instant::now());
        }
    }
    sessions
}

fn cut_from_node(cluster: &Cluster, one: usize, other: usize, way: Way) -> Duration {
    let (of_one, of_other) = (cluster.shard_of(one), cluster.shard_of(other));
    cut(cluster, one, other, way);
    std::thread::sleep(NODES_APART);
    cluster.network.heal();
    let healed = Instant::now();
    cluster.wait_for_answer(one, of_other);
    cluster.wait_for_answer(other, of_one);
    let took = healed.elapsed();
    cluster.wait_for_shares();
    took
}

/// Ends the next node in turn and starts it again; answers how long it took to end.
fn roll(cluster: &mut Cluster) -> Duration {
    let node = cluster.next_in_turn();
    cluster.watch.strike(cluster.address(node));
    let asked = Instant::now();
    cluster.take(node).stop();
    let took = asked.elapsed();
    cluster.revive(node);
    cluster.wait_for_shares();
    took
}
