use std::io::Write;
use std::time::{Duration, Instant};

use super::{get, is_closed, on_bounded_servers, on_servers, read_reply, wait_for};
use crate::http::HttpLimits;
use crate::net::NetLimits;

#[test]
fn a_head_too_long_is_refused() {
    let limits = HttpLimits {
        header_bytes_max: 8192,
        ..HttpLimits::default()
    };
    on_servers(limits, |server| {
        let mut client = server.connect();
        let long = "x".repeat(10_000);
        let _ = write!(client, "GET / HTTP/1.1\r\nhost: x\r\nlong: {long}\r\n\r\n");
        assert!(read_reply(&mut client).0.starts_with("http/1.1 431"));
        assert!(is_closed(&mut client));
    });
}

#[test]
fn too_many_headers_are_refused() {
    let limits = HttpLimits {
        headers_max: 20,
        ..HttpLimits::default()
    };
    on_servers(limits, |server| {
        let mut client = server.connect();
        let many: String = (0..30).map(|n| format!("h{n}: x\r\n")).collect();
        write!(client, "GET / HTTP/1.1\r\nhost: x\r\n{many}\r\n").unwrap();
        assert!(read_reply(&mut client).0.starts_with("http/1.1 431"));
    });
}

#[test]
fn a_body_too_long_is_refused() {
    let limits = HttpLimits {
        body_bytes_max: 100_000,
        ..HttpLimits::default()
    };
    on_servers(limits, |server| {
        // Told in advance: not a byte of it is read.
        let mut client = server.connect();
        write!(
            client,
            "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 100001\r\n\r\n"
        )
        .unwrap();
        assert_eq!(read_reply(&mut client).1, b"TooLarge");
        // Not told.
        let mut client = server.connect();
        write!(
            client,
            "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        .unwrap();
        let chunk = "x".repeat(0x8000);
        for _ in 0..4 {
            write!(client, "8000\r\n{chunk}\r\n").unwrap();
        }
        assert_eq!(read_reply(&mut client).1, b"TooLarge");
        // Just fits.
        let mut client = server.connect();
        let body = "y".repeat(100_000);
        write!(
            client,
            "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n{body}"
        )
        .unwrap();
        assert_eq!(read_reply(&mut client).1, body.as_bytes());
    });
}

/// Runs `f`, and checks that it took about this long.
fn takes(ms: std::ops::Range<u64>, f: impl FnOnce()) {
    let started = Instant::now();
    f();
    let elapsed = started.elapsed();
    let range = Duration::from_millis(ms.start)..Duration::from_millis(ms.end);
    assert!(
        range.contains(&elapsed),
        "took {elapsed:?}, expected {range:?}"
    );
}

#[test]
fn the_slow_are_cut_off() {
    let limits = HttpLimits {
        header_ms_max: 200,
        idle_ms_max: 60_000,
        body_read_ms_max: 200,
        ..HttpLimits::default()
    };
    let net = NetLimits {
        opening_ms_max: 200,
        ..NetLimits::default()
    };
    on_bounded_servers(net, limits, |server| {
        // Nothing at all.
        let mut client = server.connect();
        takes(150..2_000, || assert!(is_closed(&mut client)));
        // A part of HTTP/2's preface.
        let mut client = server.connect();
        client.write_all(b"PRI * HT").unwrap();
        takes(150..2_000, || assert!(is_closed(&mut client)));
        // A part of a head, drop by drop: the time counts from its first byte.
        let mut client = server.connect();
        takes(150..2_000, || {
            for byte in b"GET / HTTP/1.1\r\nhost: x\r\n".iter().cycle() {
                std::thread::sleep(Duration::from_millis(30));
                if client.write_all(&[*byte]).is_err() {
                    break;
                }
            }
        });
        // A part of a second head, after a request.
        let mut client = server.connect();
        assert_eq!(get(&mut client, "/hello"), "/hello");
        client.write_all(b"GET / HT").unwrap();
        takes(150..2_000, || assert!(is_closed(&mut client)));
        // A part of a body.
        for part in ["", "some"] {
            let mut client = server.connect();
            write!(
                client,
                "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{part}"
            )
            .unwrap();
            takes(150..2_000, || {
                assert_eq!(read_reply(&mut client).1, b"Timeout")
            });
        }
        // A connection between two requests isn't slow.
        let mut client = server.connect();
        assert_eq!(get(&mut client, "/hello"), "/hello");
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(get(&mut client, "/hello"), "/hello");
    });
}

#[test]
fn idle_connections_are_closed_and_busy_ones_are_not() {
    let limits = HttpLimits {
        header_ms_max: 10_000,
        idle_ms_max: 150,
        ..HttpLimits::default()
    };
    on_servers(limits, |server| {
        let mut client = server.connect();
        // A long poll longer than the idle time.
        assert_eq!(get(&mut client, "/poll"), "polled");
        for _ in 0..10 {
            std::thread::sleep(Duration::from_millis(40));
            assert_eq!(get(&mut client, "/hello"), "/hello");
        }
        takes(100..2_000, || assert!(is_closed(&mut client)));
    });
}

#[test]
fn connections_beyond_the_bound_are_refused() {
    let net = NetLimits {
        connections_per_core_max: 2,
        ..NetLimits::default()
    };
    on_bounded_servers(net, HttpLimits::default(), |server| {
        let mut clients: Vec<_> = (0..4).map(|_| server.connect()).collect();
        for client in &mut clients {
            assert_eq!(get(client, "/hello"), "/hello");
        }
        let mut refused = server.connect();
        assert!(is_closed(&mut refused));
        for client in &mut clients {
            assert_eq!(get(client, "/hello"), "/hello");
        }
        clients.pop();
        wait_for("a place", || server.shared.connections_open_total() == 3);
        assert_eq!(get(&mut server.connect(), "/hello"), "/hello");
    });
}
