//! Owners that take the log from each other while their connections are killed: nothing acknowledged is
//! missing, there is no gap, and no epoch goes down.

mod contract;
mod owners;
mod redis_server;
mod server;

use contract::read_all;
use lclq_shards::journal::Place;
use lclq_stores::StoreNode;
use owners::{Chaos, Owner};
use redis_server::Kind;
use server::Server;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long it goes on, unless `LCLQ_CHAOS_SECONDS` says otherwise.
const CHAOS_SECONDS: u64 = 5;
/// Owners at once.
const OWNERS: u64 = 4;
/// Between two kills.
const KILL_PAUSE: Duration = Duration::from_millis(80);

fn seconds() -> u64 {
    let given = std::env::var("LCLQ_CHAOS_SECONDS").ok();
    given
        .and_then(|given| given.parse().ok())
        .unwrap_or(CHAOS_SECONDS)
}

#[test]
fn nothing_acknowledged_is_missing_in_postgresql() {
    let server = Server::start(&[]);
    let schema = server.schema();
    let by_hand = server.by_hand();
    let kill = || {
        by_hand.number(
            "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity \
             WHERE application_name = 'lclq' ORDER BY random() LIMIT 1) AS one",
        )
    };
    owners_contend(|| server.node(&schema, 1), kill);
}

#[test]
fn nothing_acknowledged_is_missing_in_redis() {
    let server = redis_server::Server::start(Kind::Redis, &[]);
    owners_contend(|| server.node("lclq", 1), || server.kill_a_connection());
}

/// `kill` ends one of their connections, and answers how many it has ended.
fn owners_contend(node: impl Fn() -> StoreNode, mut kill: impl FnMut() -> i64) {
    let chaos = Arc::new(Chaos::default());
    let owners: Vec<_> = (0..OWNERS)
        .map(|seed| {
            let node = node();
            let chaos = chaos.clone();
            std::thread::spawn(move || Owner::new(&node, seed).run(&chaos))
        })
        .collect();
    let until = Instant::now() + Duration::from_secs(seconds());
    let mut kills = 0;
    while Instant::now() < until {
        std::thread::sleep(KILL_PAUSE);
        kills += kill();
    }
    chaos.is_over.store(true, Ordering::Relaxed);
    let runs: Vec<_> = owners
        .into_iter()
        .map(|owner| owner.join().unwrap())
        .collect();
    let acknowledged: Vec<_> = runs.iter().flat_map(|run| &run.acknowledged).collect();
    let take_overs: usize = runs.iter().map(|run| run.take_overs).sum();
    let trims: usize = runs.iter().map(|run| run.trims).sum();
    println!(
        "{kills} kills, {take_overs} take-overs, {trims} trims, {} acknowledged",
        acknowledged.len()
    );

    let node = node();
    let mut store = node.open(0, Arc::new(|| {})).unwrap();
    let all = read_all(&mut store, 4 << 20);
    let first = all.first().unwrap().place.position;
    for pair in all.windows(2) {
        let (before, after) = (pair[0].place, pair[1].place);
        assert_eq!(after.position, before.position + 1);
        assert!(after.epoch >= before.epoch, "{before:?} {after:?}");
    }
    assert!(first <= chaos.trimmed_below.load(Ordering::Relaxed).max(1));
    let there: BTreeMap<u64, u64> = all
        .iter()
        .map(|record| (record.place.position, record.place.epoch))
        .collect();
    let mut epochs = BTreeMap::new();
    for Place { position, epoch } in acknowledged {
        if *position >= first {
            assert_eq!(there.get(position), Some(epoch), "{position}");
        }
        // Those that are trimmed by now, too: one place, one record, and epochs that only grow.
        assert_eq!(epochs.insert(position, epoch), None, "{position}");
    }
    let epochs: Vec<_> = epochs.into_values().collect();
    assert!(epochs.is_sorted());
    assert!(take_overs > OWNERS as usize && kills > 0 && trims > 0);
}
