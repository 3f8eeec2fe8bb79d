//! What systemd is told.

use crate::support::Launch;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

/// How long a sign of life may take: within this much systemd wants one.
const WATCHDOG: Duration = Duration::from_secs(2);

#[test]
fn systemd_is_told_that_it_is_ready_alive_and_stopping() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let next = || {
        let mut told = [0; 200];
        let length = socket.recv(&mut told).expect("something is told");
        String::from_utf8_lossy(&told[..length]).trim().to_owned()
    };
    let mut launch = Launch::new().flag("--cores", "2");
    launch.command.env("NOTIFY_SOCKET", &path);
    launch
        .command
        .env("WATCHDOG_USEC", WATCHDOG.as_micros().to_string());
    let mut server = launch.start();
    // A sign of life may come first.
    assert!((0..3).any(|_| next() == "READY=1"));
    for _ in 0..3 {
        let from = Instant::now();
        assert_eq!(next(), "WATCHDOG=1");
        assert!(from.elapsed() < WATCHDOG, "{:?}", from.elapsed());
    }
    server.terminate();
    assert!((0..3).any(|_| next() == "STOPPING=1"));
    assert!(server.wait().success());
}
