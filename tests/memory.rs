//! What the process takes, as the system counts it, and what is shared of its bounds.

#![cfg(target_os = "linux")]

mod support;

use serde_json::{Value, json};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use support::{Client, Launch, Server, status_bytes};

const MIB: u64 = 1 << 20;
/// The longest that a client who does nothing unusual waits while others do.
const ANSWER_MS_MAX: u128 = 2_000;

fn url(queue: &str) -> String {
    format!("http://localhost/000000000000/{queue}")
}

fn resident_bytes(server: &Server) -> u64 {
    status_bytes(server.pid(), "VmRSS:").expect("KiB")
}

/// The most that it ever took.
fn peak_bytes(server: &Server) -> u64 {
    status_bytes(server.pid(), "VmHWM:").expect("KiB")
}

fn try_send(client: &mut Client, queue: &str, body: &str) -> bool {
    let request = json!({ "QueueUrl": url(queue), "MessageBody": body });
    client.call("SendMessage", &request).unwrap().status == 200
}

#[test]
fn half_sent_bodies_are_bounded_and_small_ones_go_on() {
    let server = Launch::new()
        .flag("--cores", "1")
        .flag("--memory-bytes-max", "1048576")
        .flag("--request-memory-bytes-max", "33554432")
        .start();
    let mut client = server.client();
    client.ok("CreateQueue", &json!({ "QueueName": "q" }));
    let before = resident_bytes(&server);
    let half = vec![b'x'; 16_000_000];
    let senders: Vec<_> = (0..10)
        .map(|_| {
            let mut stream = TcpStream::connect(server.address()).unwrap();
            let half = half.clone();
            std::thread::spawn(move || {
                stream.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
                let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\n\
                            X-Amz-Target: AmazonSQS.SendMessage\r\nContent-Length: 16700000\r\n\r\n";
                stream.write_all(head.as_bytes()).unwrap();
                // It is not taken where the body has to wait for its turn.
                let _ = stream.write_all(&half);
                stream
            })
        })
        .collect();
    std::thread::sleep(Duration::from_millis(1500));
    let start = Instant::now();
    assert!(try_send(&mut client, "q", "small"));
    assert!(start.elapsed().as_millis() < ANSWER_MS_MAX);
    let streams: Vec<TcpStream> = senders.into_iter().map(|s| s.join().unwrap()).collect();
    let taken = resident_bytes(&server).saturating_sub(before);
    assert!(taken < 48 * MIB, "{taken} bytes");
    // Those whose turn didn't come are told so. What they sent and nobody read may make their
    // system drop the answer, but not of all.
    let (mut told, mut ended) = (0, 0);
    for mut stream in streams {
        let mut answer = [0; 4096];
        let patience = Some(Duration::from_secs(8));
        stream.set_read_timeout(patience).unwrap();
        match stream.read(&mut answer) {
            Ok(read) if answer[..read].starts_with(b"HTTP/1.1 503") => told += 1,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => ended += 1,
            Ok(0) => ended += 1,
            _ => {}
        }
    }
    assert!(told >= 1 && told + ended >= 5, "{told}, {ended}");
}

#[test]
fn the_bound_is_one_for_all_shards() {
    let room = |shards: &str| {
        let server = Launch::new()
            .flag("--cores", "2")
            .flag("--shards", shards)
            .flag("--memory-bytes-max", "8388608")
            .start();
        let mut client = server.client();
        client.ok("CreateQueue", &json!({ "QueueName": "q" }));
        let body = "x".repeat(100_000);
        let mut sent = 0;
        while try_send(&mut client, "q", &body) {
            sent += 1;
        }
        sent
    };
    assert_eq!((room("1"), room("8")), (83, 83));
}

#[test]
fn a_peek_is_answered_in_pages() {
    let server = Launch::new().flag("--cores", "1").start();
    let mut client = server.client();
    client.ok("CreateQueue", &json!({ "QueueName": "q" }));
    let body = "x".repeat(300_000);
    for _ in 0..10 {
        assert!(try_send(&mut client, "q", &body));
    }
    let (mut seen, mut after) = (0, "0".to_owned());
    loop {
        let path = format!(
            "/_lclq/sqs/messages?QueueUrl={}&Max=1000&After={after}",
            url("q")
        );
        let answer: Value = client.get(&path).unwrap().json();
        let messages = answer["messages"].as_array().unwrap().len();
        assert!((1..=3).contains(&messages), "{messages}");
        seen += messages;
        match answer["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, 10);
}

/// Sends a request whose body is `start`, `element` as often as `bytes` hold, and `end`.
fn repeated(start: &str, element: &str, end: &str, bytes: usize) -> String {
    let times = (bytes - start.len() - end.len()) / (element.len() + 1);
    let list = vec![element; times].join(",");
    format!("{start}{list}{end}")
}

#[test]
fn what_is_read_of_a_request_does_not_outgrow_it() {
    let server = Launch::new().flag("--cores", "1").start();
    let mut client = server.client();
    client.ok("CreateQueue", &json!({ "QueueName": "q" }));
    let before = peak_bytes(&server);
    let sqs_start = format!(r#"{{"QueueUrl":"{}","#, url("q"));
    for (action, list, element) in [
        ("SendMessageBatch", "Entries", "{}"),
        ("DeleteMessageBatch", "Entries", "{}"),
        ("ReceiveMessage", "AttributeNames", r#""""#),
        ("UntagQueue", "TagKeys", r#""""#),
    ] {
        let start = format!(r#"{sqs_start}"{list}":["#);
        let body = repeated(&start, element, "]}", 10_000_000);
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\n\
             X-Amz-Target: AmazonSQS.{action}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        client.write(head.as_bytes()).unwrap();
        client.write(body.as_bytes()).unwrap();
        let answer = client.receive().unwrap();
        assert_eq!(answer.status, 400, "{action}");
    }
    let mut rest = server.pubsub_client();
    let topic = "/v1/projects/p/topics/topic";
    rest.rest("PUT", topic, &json!({})).unwrap().ok();
    let subscription = json!({ "topic": "projects/p/topics/topic" });
    let path = "/v1/projects/p/subscriptions/subscription";
    rest.rest("PUT", path, &subscription).unwrap().ok();
    for (path, list, element) in [
        (format!("{topic}:publish"), "messages", "{}"),
        (format!("{path}:acknowledge"), "ackIds", r#""""#),
        (format!("{path}:modifyAckDeadline"), "ackIds", r#""""#),
    ] {
        let body = repeated(&format!(r#"{{"{list}":["#), element, "]}", 10_000_000);
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        rest.write(head.as_bytes()).unwrap();
        rest.write(body.as_bytes()).unwrap();
        let answer = rest.receive().unwrap();
        assert_eq!(answer.status, 400, "{path}");
    }
    let taken = peak_bytes(&server) - before;
    assert!(taken < 96 * MIB, "{} MiB", taken / MIB);
}

#[test]
fn replies_that_nobody_reads_are_bounded() {
    const READERS: usize = 100;
    /// The system takes some of them for each connection.
    const REQUESTS_EACH: usize = 12;
    let server = Launch::new()
        .flag("--cores", "1")
        .flag("--request-memory-bytes-max", "33554432")
        .start();
    let mut client = server.client();
    client.ok("CreateQueue", &json!({ "QueueName": "q" }));
    client.ok("CreateQueue", &json!({ "QueueName": "small" }));
    let body = "x".repeat(100_000);
    for _ in 0..10 {
        assert!(try_send(&mut client, "q", &body));
    }
    assert!(try_send(&mut client, "small", "y"));
    let before = resident_bytes(&server);
    // Each takes 1 MB, visible again at once, and reads nothing.
    let request =
        json!({ "QueueUrl": url("q"), "MaxNumberOfMessages": 10, "VisibilityTimeout": 0 });
    let readers: Vec<Client> = (0..READERS)
        .map(|_| {
            let mut reader = server.client();
            for _ in 0..REQUESTS_EACH {
                reader.send("ReceiveMessage", &request).unwrap();
            }
            reader
        })
        .collect();
    // Whoever asks now is told, until somebody reads or goes.
    let until = Instant::now() + Duration::from_secs(20);
    let told = loop {
        let answer = client.call(
            "ReceiveMessage",
            &json!({ "QueueUrl": url("small"), "VisibilityTimeout": 0 }),
        );
        let answer = answer.unwrap();
        if answer.status != 200 {
            break answer;
        }
        assert!(Instant::now() < until, "never told");
    };
    assert_eq!(told.status, 503);
    assert!(try_send(&mut client, "small", "z"), "sends go on");
    let taken = resident_bytes(&server).saturating_sub(before);
    assert!(taken < 100 * MIB, "{} MiB", taken / MIB);
    drop(readers);
    let until = Instant::now() + Duration::from_secs(20);
    let small = json!({ "QueueUrl": url("small") });
    while client.call("ReceiveMessage", &small).unwrap().status != 200 {
        assert!(Instant::now() < until, "there is never room again");
    }
}
