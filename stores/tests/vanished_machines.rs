//! The database asks a machine that it doesn't hear whether it is there, so that what one that vanished had open ends.

#![cfg(target_os = "linux")]

mod server;

use server::Server;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The kernel's ticks in a second, as it shows them.
const TICKS: u64 = 100;
/// What a connection may be idle before it is asked, and what a busy machine takes.
const ASKED_AFTER_MAX: Duration = Duration::from_secs(4);
/// What sessions may take to be set up.
const PATIENCE: Duration = Duration::from_secs(20);
/// Each has a connection.
const LOGS: u16 = 2;
const ESTABLISHED: &str = "01";
/// A timer that asks whether the other side is there.
const ASKS: &str = "02";

/// When the server's kernel asks each of its clients whether it is there; nothing where it wouldn't.
fn asks(port: u16) -> Vec<Option<Duration>> {
    let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let local = format!(":{port:04X}");
    let fields = sockets
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let of_server = fields.filter(|fields| fields[1].ends_with(&local) && fields[3] == ESTABLISHED);
    let timers = of_server.map(|fields| {
        let (timer, ticks) = fields[5].split_once(':').unwrap();
        let ticks = u64::from_str_radix(ticks, 16).unwrap();
        (timer == ASKS).then(|| Duration::from_millis(ticks * 1_000 / TICKS))
    });
    timers.collect()
}

#[test]
fn the_database_asks_whether_a_node_is_there() {
    let server = Server::start(&[]);
    let node = server.node(&server.schema(), LOGS);
    let _logs: Vec<_> = (0..LOGS)
        .map(|shard| node.open(shard, Arc::new(|| {})).unwrap())
        .collect();
    let until = Instant::now() + PATIENCE;
    loop {
        let asks = asks(server.port());
        let is_soon = |asks: &Option<Duration>| asks.is_some_and(|after| after < ASKED_AFTER_MAX);
        if asks.len() >= LOGS.into() && asks.iter().all(is_soon) {
            return;
        }
        assert!(Instant::now() < until, "{asks:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
