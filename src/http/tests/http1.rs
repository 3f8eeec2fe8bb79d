use std::io::{Read, Write};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Server, get, is_closed, on_servers, read_reply, wait_for};
use crate::http::HttpLimits;
use crate::net::NetLimits;
use crate::runtime;

#[test]
fn a_connection_is_kept_alive() {
    on_servers(HttpLimits::default(), |server| {
        let mut client = server.connect();
        for _ in 0..100 {
            assert_eq!(get(&mut client, "/hello"), "/hello");
        }
        assert_eq!(server.shared.connections_open_total(), 1);
    });
}

#[test]
fn a_request_may_come_byte_by_byte() {
    on_servers(HttpLimits::default(), |server| {
        // Begins like HTTP/2's preface, too.
        let request = b"PROPFIND /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc";
        let mut client = server.connect();
        for byte in request {
            client.write_all(&[*byte]).unwrap();
            std::thread::sleep(Duration::from_micros(500));
        }
        assert_eq!(read_reply(&mut client).1, b"abc");
    });
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    on_servers(HttpLimits::default(), |server| {
        let mut client = server.connect();
        let requests: String = (0..50)
            .map(|n| format!("GET /{n} HTTP/1.1\r\nhost: x\r\n\r\n"))
            .collect();
        client.write_all(requests.as_bytes()).unwrap();
        for n in 0..50 {
            assert_eq!(read_reply(&mut client).1, format!("/{n}").as_bytes());
        }
    });
}

#[test]
fn megabytes_go_both_ways() {
    on_servers(HttpLimits::default(), |server| {
        let body: Vec<u8> = (0..5_000_000u32)
            .map(|byte| ((byte * 31) >> 3) as u8)
            .collect();
        let mut client = server.connect();
        for chunked in [false, true] {
            if chunked {
                let head = "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
                client.write_all(head.as_bytes()).unwrap();
                for chunk in body.chunks(70_001) {
                    write!(client, "{:x}\r\n", chunk.len()).unwrap();
                    client.write_all(chunk).unwrap();
                    client.write_all(b"\r\n").unwrap();
                }
                client.write_all(b"0\r\n\r\n").unwrap();
            } else {
                let length = body.len();
                write!(
                    client,
                    "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n"
                )
                .unwrap();
                client.write_all(&body).unwrap();
            }
            // Slow to read, so that the reply has to wait for room.
            std::thread::sleep(Duration::from_millis(30));
            assert!(read_reply(&mut client).1 == body);
        }
    });
}

#[test]
fn expect_continue_is_honoured() {
    on_servers(HttpLimits::default(), |server| {
        let mut client = server.connect();
        let head = "POST /echo HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n\
                    content-length: 2\r\n\r\n";
        client.write_all(head.as_bytes()).unwrap();
        let mut goon = [0; 25];
        client.read_exact(&mut goon).unwrap();
        assert_eq!(&goon, b"HTTP/1.1 100 Continue\r\n\r\n");
        client.write_all(b"ok").unwrap();
        assert_eq!(read_reply(&mut client).1, b"ok");
    });
}

/// Or a queue would lease messages to nobody.
#[test]
fn a_client_that_leaves_takes_its_long_poll_along() {
    on_servers(HttpLimits::default(), |server| {
        let mut client = server.connect();
        client
            .write_all(b"GET /poll HTTP/1.1\r\nhost: x\r\n\r\n")
            .unwrap();
        wait_for("the poll to begin", || {
            server.seen.polls.load(Ordering::SeqCst) == 1
        });
        drop(client);
        wait_for("the poll to be dropped", || {
            server.seen.dropped.load(Ordering::SeqCst) == 1
        });
    });
}

#[test]
fn a_panicking_handler_costs_its_connection_only() {
    on_servers(HttpLimits::default(), |server| {
        // Both cores.
        let mut others = [server.connect(), server.connect()];
        for _ in 0..4 {
            let mut client = server.connect();
            client
                .write_all(b"GET /panic HTTP/1.1\r\nhost: x\r\n\r\n")
                .unwrap();
            assert!(is_closed(&mut client));
        }
        for other in &mut others {
            assert_eq!(get(other, "/fine"), "/fine");
        }
    });
}

#[test]
fn shutdown_lets_requests_end() {
    for kind in runtime::tests::drivers() {
        let server = Server::start(kind, NetLimits::default(), HttpLimits::default());
        let mut idle = server.connect();
        assert_eq!(get(&mut idle, "/hello"), "/hello");
        let _silent = server.connect();
        let mut polling = server.connect();
        polling
            .write_all(b"GET /poll HTTP/1.1\r\nhost: x\r\n\r\n")
            .unwrap();
        wait_for("the poll to begin", || {
            server.seen.polls.load(Ordering::SeqCst) == 1
        });
        server.shutdown.trigger();
        assert!(is_closed(&mut idle));
        assert_eq!(read_reply(&mut polling).1, b"polled");
        assert!(is_closed(&mut polling));
        server.stop();
    }
}

#[test]
fn shutdown_drops_what_does_not_end() {
    for kind in runtime::tests::drivers() {
        let net = NetLimits {
            shutdown_ms_max: 50,
            ..NetLimits::default()
        };
        let server = Server::start(kind, net, HttpLimits::default());
        let mut polling = server.connect();
        polling
            .write_all(b"GET /poll HTTP/1.1\r\nhost: x\r\n\r\n")
            .unwrap();
        wait_for("the poll to begin", || {
            server.seen.polls.load(Ordering::SeqCst) == 1
        });
        let started = Instant::now();
        let seen = server.seen.clone();
        server.stop();
        assert!(
            started.elapsed() < Duration::from_millis(350),
            "{:?}",
            started.elapsed()
        );
        assert_eq!(seen.dropped.load(Ordering::SeqCst), 1);
        assert!(is_closed(&mut polling));
    }
}
