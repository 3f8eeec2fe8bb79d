//! Streams and push on any node, and what becomes of them when the node goes that runs the topic.

use crate::nodes::Store;
use crate::support::streaming::Stream;
use crate::support::{Client, Server};
use lclq::pubsub::proto::{StreamingPullRequest, StreamingPullResponse};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Topics with a subscription each: some on each node.
const TOPICS: usize = 12;
const PATIENCE: Duration = Duration::from_secs(20);

fn topic(number: usize) -> String {
    format!("projects/project/topics/topic-{number}")
}

fn subscription(number: usize) -> String {
    format!("projects/project/subscriptions/subscription-{number}")
}

fn put(client: &mut Client, path: &str, body: &Value) {
    let answer = client.rest("PUT", &format!("/v1/{path}"), body);
    answer.unwrap().ok();
}

/// Publishes until that is answered: nobody may know of the first time.
fn publish(client: &mut Client, number: usize, text: &str) {
    let path = format!("/v1/{}:publish", topic(number));
    let data = base64_simd::STANDARD.encode_to_string(text);
    let messages = json!({ "messages": [{ "data": data }] });
    let until = Instant::now() + PATIENCE;
    loop {
        let answer = client.rest("POST", &path, &messages).unwrap();
        match answer.status {
            200 => return,
            503 => assert!(Instant::now() < until, "{}", answer.text()),
            _ => panic!("{}", answer.text()),
        }
    }
}

fn open(node: &Server, number: usize) -> Stream {
    let first = StreamingPullRequest {
        subscription: subscription(number),
        stream_ack_deadline_seconds: 60,
        ..StreamingPullRequest::default()
    };
    Stream::open(node.pubsub_address(), &first).unwrap()
}

fn acknowledge(stream: &mut Stream, got: &StreamingPullResponse) -> Vec<String> {
    let received = &got.received_messages;
    let acks = StreamingPullRequest {
        ack_ids: received.iter().map(|of| of.ack_id.clone()).collect(),
        ..StreamingPullRequest::default()
    };
    stream.send(&acks).unwrap();
    let texts = received.iter().filter_map(|of| of.message.as_ref());
    let texts = texts.map(|message| String::from_utf8(message.data.to_vec()).unwrap());
    texts.collect()
}

/// The messages of a stream until one says `text`. Opens another where it has ended for a reason for which
/// clients' libraries do so. Answers whether it has.
fn await_text(stream: &mut Stream, node: &Server, number: usize, text: &str) -> bool {
    let until = Instant::now() + PATIENCE;
    let mut has_ended = false;
    while Instant::now() < until {
        match stream.next(Duration::from_secs(1)) {
            Ok(None) => {}
            Ok(Some(got)) => {
                if acknowledge(stream, &got).iter().any(|of| of == text) {
                    return has_ended;
                }
            }
            Err(error) => {
                let said = error.to_string();
                assert!(said.contains("\"14\""), "not UNAVAILABLE: {said}");
                has_ended = true;
                *stream = open(node, number);
            }
        }
    }
    panic!("{text} doesn't come to subscription {number}");
}

#[test]
fn streams_follow_their_subscriptions() {
    let store = Store::postgres();
    let mut nodes = store.nodes(3);
    let mut clients: Vec<Client> = nodes.iter().map(Server::pubsub_client).collect();
    for number in 0..TOPICS {
        let client = &mut clients[number % 3];
        put(client, &topic(number), &json!({}));
        let of = json!({ "topic": topic(number) });
        put(client, &subscription(number), &of);
    }
    let mut streams: Vec<Stream> = (0..TOPICS).map(|number| open(&nodes[0], number)).collect();
    for (number, stream) in streams.iter_mut().enumerate() {
        publish(&mut clients[1 + number % 2], number, "first");
        assert!(!await_text(stream, &nodes[0], number, "first"));
    }
    let (_, mut by) = (clients.pop(), clients.pop().unwrap());
    nodes.pop().unwrap().kill();
    let mut ended = 0;
    for (number, stream) in streams.iter_mut().enumerate() {
        publish(&mut by, number, "second");
        ended += usize::from(await_text(stream, &nodes[0], number, "second"));
    }
    println!("{ended} of {TOPICS} streams had ended with the node");
    assert!(ended > 0 && ended < TOPICS, "{ended}");
    nodes.stop();
}

/// Takes pushes and tells their texts.
fn receiver() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (report, seen) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let report = report.clone();
            std::thread::spawn(move || {
                let mut stream = BufReader::new(stream);
                while let Some(body) = read_request(&mut stream) {
                    let data = body["message"]["data"].as_str().unwrap_or_default();
                    let text = base64_simd::STANDARD.decode_to_vec(data).unwrap();
                    let _ = report.send(String::from_utf8(text).unwrap());
                    let done = b"HTTP/1.1 204 Done\r\ncontent-length: 0\r\n\r\n";
                    if stream.get_mut().write_all(done).is_err() {
                        return;
                    }
                }
            });
        }
    });
    (format!("http://127.0.0.1:{port}/push"), seen)
}

fn read_request(stream: &mut BufReader<TcpStream>) -> Option<Value> {
    let (mut line, mut length) = (String::new(), 0);
    while line != "\r\n" {
        line.clear();
        if stream.read_line(&mut line).unwrap_or(0) == 0 {
            return None;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(serde_json::from_slice(&body).unwrap())
}

fn await_all(seen: &Receiver<String>, mut expected: BTreeSet<String>) {
    let until = Instant::now() + PATIENCE;
    while !expected.is_empty() {
        let left = until.saturating_duration_since(Instant::now());
        match seen.recv_timeout(left) {
            // What was pushed when a node was killed may come once more.
            Ok(text) => {
                expected.remove(&text);
            }
            Err(_) => panic!("not pushed: {expected:?}"),
        }
    }
}

#[test]
fn push_goes_on_from_who_runs_the_topic() {
    let store = Store::postgres();
    let mut nodes = store.nodes(3);
    let (endpoint, seen) = receiver();
    let mut clients: Vec<Client> = nodes.iter().map(Server::pubsub_client).collect();
    let texts = |when: &str| {
        (0..TOPICS)
            .map(|number| format!("{when} {number}"))
            .collect()
    };
    for number in 0..TOPICS {
        let client = &mut clients[number % 3];
        put(client, &topic(number), &json!({}));
        let of = json!({
            "topic": topic(number), "pushConfig": { "pushEndpoint": endpoint },
        });
        put(client, &subscription(number), &of);
    }
    for number in 0..TOPICS {
        publish(
            &mut clients[number % 3],
            number,
            &format!("before {number}"),
        );
    }
    await_all(&seen, texts("before"));
    drop(clients);
    nodes.pop().unwrap().kill();
    let mut client = nodes[0].pubsub_client();
    for number in 0..TOPICS {
        publish(&mut client, number, &format!("after {number}"));
    }
    await_all(&seen, texts("after"));
    nodes.stop();
}
