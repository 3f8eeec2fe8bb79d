//! A publisher's answer leaves the server before the delivery of its message does, whichever cores
//! the two connections are on.
//!
//! One thread watches both connections: the system's list of those that can be read is in the order
//! in which the server wrote to them.

#![cfg(target_os = "linux")]

mod support;

use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;
use support::Launch;

/// On several cores some pairs of connections are on two of them, and the topic on a third.
const PAIRS: usize = 8;
const ROUNDS: usize = 25;
/// A pull that has come by then waits; one that hasn't is answered later still.
const PULL_ARRIVES: Duration = Duration::from_millis(2);
const PATIENCE_MS: i32 = 20_000;

struct Connection(TcpStream);

impl Connection {
    fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    fn post(&mut self, path: &str, body: &str) {
        let request = format!(
            "POST /v1/projects/p/{path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.0.write_all(request.as_bytes()).unwrap();
    }

    /// An answer of one packet.
    fn answer(&mut self) -> String {
        let mut bytes = [0; 8192];
        let read = self.0.read(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..read]).into_owned()
    }
}

/// What becomes readable first.
struct Watch(OwnedFd);

impl Watch {
    fn on(connections: [&Connection; 2]) -> Self {
        // SAFETY: epoll_create1 takes no pointer, and what it answers is owned by nobody else.
        let watch = unsafe { OwnedFd::from_raw_fd(libc::epoll_create1(0)) };
        for (number, connection) in connections.into_iter().enumerate() {
            let mut event = libc::epoll_event {
                events: libc::EPOLLIN as u32,
                u64: number as u64,
            };
            // SAFETY: the event lives through the call.
            let added = unsafe {
                let fd = connection.0.as_raw_fd();
                libc::epoll_ctl(watch.as_raw_fd(), libc::EPOLL_CTL_ADD, fd, &raw mut event)
            };
            assert_eq!(added, 0);
        }
        Self(watch)
    }

    fn first(&self) -> u64 {
        let mut event = libc::epoll_event { events: 0, u64: 9 };
        // SAFETY: there is room for the one event that is asked for.
        let count = unsafe { libc::epoll_wait(self.0.as_raw_fd(), &raw mut event, 1, PATIENCE_MS) };
        assert_eq!(count, 1, "nobody is answered");
        event.u64
    }
}

fn overtaken(cores: &str, runtime: &str) -> usize {
    let server = Launch::new()
        .flag("--cores", cores)
        .flag("--runtime", runtime)
        .start();
    let mut overtaken = 0;
    for pair in 0..PAIRS {
        let mut client = server.pubsub_client();
        let (topic, subscription) = (
            format!("topics/t-{pair}"),
            format!("subscriptions/s-{pair}"),
        );
        let path = format!("/v1/projects/p/{topic}");
        client.rest("PUT", &path, &json!({})).unwrap().ok();
        let path = format!("/v1/projects/p/{subscription}");
        let body = json!({ "topic": format!("projects/p/{topic}") });
        client.rest("PUT", &path, &body).unwrap().ok();
        let mut publisher = Connection::open(server.pubsub_address());
        let mut subscriber = Connection::open(server.pubsub_address());
        for _ in 0..ROUNDS {
            // A new one: the list of one that was asked before may begin with what was ready then.
            let watch = Watch::on([&publisher, &subscriber]);
            subscriber.post(&format!("{subscription}:pull"), r#"{"maxMessages":1}"#);
            std::thread::sleep(PULL_ARRIVES);
            publisher.post(
                &format!("{topic}:publish"),
                r#"{"messages":[{"data":"eA=="}]}"#,
            );
            overtaken += usize::from(watch.first() == 1);
            assert!(publisher.answer().contains("messageIds"));
            let delivery = subscriber.answer();
            let (_, body) = delivery.split_once("\r\n\r\n").expect("a whole answer");
            let body: Value = serde_json::from_str(body).expect("JSON");
            let ack_id = &body["receivedMessages"][0]["ackId"];
            assert!(ack_id.is_string(), "{body}");
            let body = json!({ "ackIds": [ack_id] }).to_string();
            subscriber.post(&format!("{subscription}:acknowledge"), &body);
            assert!(subscriber.answer().starts_with("HTTP/1.1 200"));
        }
    }
    server.stop();
    overtaken
}

#[test]
fn publishers_are_answered_before_subscribers_are_told() {
    let mut runtimes = vec!["epoll"];
    if support::io_uring_works() {
        runtimes.push("io-uring");
    }
    for runtime in runtimes {
        for cores in ["1", "2", "4"] {
            let overtaken = overtaken(cores, runtime);
            println!(
                "{runtime}, {cores} cores: {overtaken} of {} overtaken",
                PAIRS * ROUNDS
            );
            assert_eq!(overtaken, 0, "{runtime}, {cores} cores");
        }
    }
}
