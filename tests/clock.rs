//! A test drives the server's clock: what is due comes when it is due, in a moment.

#[path = "../shards/tests/common/mod.rs"]
mod common;
mod support;

use common::Driver;
use lclq_shards::attributes::QueueAttribute;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::{Client, Launch, Server};

const HOUR_MS: u64 = 3_600_000;

fn launch() -> Launch {
    Launch::new()
        .flag("--cores", "2")
        .flag("--shards", "3")
        .switch("--test-controls")
}

/// A server whose clock stands, and clients of its endpoints.
struct Stopped {
    server: Server,
    admin: Client,
    sqs: Client,
}

impl Stopped {
    fn start(launch: Launch) -> Self {
        let server = launch.start();
        let mut stopped = Self {
            admin: server.admin_client(),
            sqs: server.client(),
            server,
        };
        stopped.clock("stop", json!({}));
        stopped
    }

    #[track_caller]
    fn clock(&mut self, verb: &str, body: Value) -> Value {
        let path = format!("/api/v1/test/clock/{verb}");
        self.admin.rest("POST", &path, &body).unwrap().ok()
    }

    #[track_caller]
    fn pass(&mut self, ms: u64) {
        self.clock("advance", json!({ "ms": ms }));
    }

    fn queue(&mut self, name: &str, attributes: Value) -> String {
        let request = json!({ "QueueName": name, "Attributes": attributes });
        let made = self.sqs.ok("CreateQueue", &request);
        made["QueueUrl"].as_str().expect("a URL").to_owned()
    }

    fn send(&mut self, url: &str, body: &str, more: Value) -> Value {
        let mut request = json!({ "QueueUrl": url, "MessageBody": body });
        merge(&mut request, more);
        self.sqs.ok("SendMessage", &request)
    }

    /// Bodies and receive counts of what a receive gives, and receipt handles.
    fn receive(&mut self, url: &str, more: Value) -> (Vec<(String, String)>, Vec<String>) {
        let mut request = json!({
            "QueueUrl": url, "MaxNumberOfMessages": 10, "AttributeNames": ["All"],
        });
        merge(&mut request, more);
        let received = self.sqs.ok("ReceiveMessage", &request);
        let messages = received["Messages"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let seen = messages.iter().map(|message| {
            let count = &message["Attributes"]["ApproximateReceiveCount"];
            (text(&message["Body"]), text(count))
        });
        let handles = messages
            .iter()
            .map(|message| text(&message["ReceiptHandle"]));
        (seen.collect(), handles.collect())
    }

    fn bodies(&mut self, url: &str) -> Vec<String> {
        let (seen, _) = self.receive(url, json!({}));
        seen.into_iter().map(|(body, _)| body).collect()
    }
}

fn merge(into: &mut Value, more: Value) {
    let (Value::Object(into), Value::Object(more)) = (into, more) else {
        panic!("objects");
    };
    into.extend(more);
}

#[test]
fn an_hour_of_leases_delays_windows_and_retention_passes_at_once() {
    let mut test = Stopped::start(launch());
    let began = Instant::now();
    let dead = test.queue("dead", json!({}));
    let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":"2"}"#;
    let url = test.queue(
        "work",
        json!({ "VisibilityTimeout": "600", "RedrivePolicy": policy }),
    );
    test.send(&url, "poison", json!({}));
    assert_eq!(test.bodies(&url), ["poison"]);
    // To the millisecond.
    test.pass(599_999);
    assert!(test.bodies(&url).is_empty());
    test.pass(1);
    let (seen, _) = test.receive(&url, json!({}));
    assert_eq!(seen, [("poison".to_owned(), "2".to_owned())]);
    test.pass(600_000);
    assert!(test.bodies(&url).is_empty(), "received often enough");
    test.pass(1);
    assert_eq!(test.bodies(&dead), ["poison"]);

    test.send(&url, "later", json!({ "DelaySeconds": 900 }));
    test.send(&url, "sooner", json!({ "DelaySeconds": 300 }));
    test.pass(299_999);
    assert!(test.bodies(&url).is_empty());
    // What was due first comes first, though all of it is due by now.
    test.pass(HOUR_MS / 2);
    assert_eq!(test.bodies(&url), ["sooner", "later"]);

    let fifo = test.queue("f.fifo", json!({ "FifoQueue": "true" }));
    let one = json!({ "MessageGroupId": "g", "MessageDeduplicationId": "one" });
    let first = test.send(&fifo, "a", one.clone());
    test.pass(5 * 60_000 - 1);
    let again = test.send(&fifo, "a", one.clone());
    assert_eq!(first["SequenceNumber"], again["SequenceNumber"]);
    test.pass(1);
    let new = test.send(&fifo, "a", one);
    assert_ne!(first["SequenceNumber"], new["SequenceNumber"]);

    let short = test.queue("short", json!({ "MessageRetentionPeriod": "60" }));
    test.send(&short, "gone", json!({}));
    test.pass(60_000);
    assert!(test.bodies(&short).is_empty());
    println!("an hour and more in {:?}", began.elapsed());
    test.server.stop();
}

#[test]
fn subscriptions_follow_it() {
    let mut test = Stopped::start(launch());
    let mut pubsub = test.server.pubsub_client();
    let mut rest = |method: &str, path: &str, body: Value| {
        let path = format!("/v1/projects/p/{path}");
        pubsub.rest(method, &path, &body).unwrap().ok()
    };
    rest("PUT", "topics/ticks", json!({}));
    let subscription = json!({
        "topic": "projects/p/topics/ticks",
        "ackDeadlineSeconds": 10,
        "messageRetentionDuration": "600s",
    });
    rest("PUT", "subscriptions/ticker", subscription);
    rest(
        "POST",
        "topics/ticks:publish",
        json!({ "messages": [{ "data": "aGk=" }] }),
    );
    let pull = json!({ "maxMessages": 10, "returnImmediately": true });
    let mut count = |pull: &Value| {
        let pulled = rest("POST", "subscriptions/ticker:pull", pull.clone());
        pulled["receivedMessages"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(count(&pull), 1);
    test.pass(9_999);
    assert_eq!(count(&pull), 0, "its deadline isn't over");
    test.pass(1);
    assert_eq!(count(&pull), 1);
    test.pass(590_000);
    assert_eq!(count(&pull), 0, "its retention is over");
    test.server.stop();
}

#[test]
fn a_long_poll_ends_in_its_clients_time() {
    let mut test = Stopped::start(launch());
    let url = test.queue("q", json!({}));
    let began = Instant::now();
    let (seen, _) = test.receive(&url, json!({ "WaitTimeSeconds": 1 }));
    assert!(seen.is_empty());
    let waited = began.elapsed();
    assert!(
        waited >= Duration::from_secs(1) && waited < Duration::from_secs(15),
        "{waited:?}"
    );
    // One that waits meets a message that time brings.
    test.send(&url, "soon", json!({ "DelaySeconds": 60 }));
    let mut waiting = test.server.client();
    let request = json!({ "QueueUrl": url, "WaitTimeSeconds": 20 });
    waiting.send("ReceiveMessage", &request).unwrap();
    test.server.wait_for_polls(1);
    test.pass(10_000);
    test.send(&url, "now", json!({}));
    let received = waiting.receive().unwrap().ok();
    assert_eq!(received["Messages"][0]["Body"], "now");
    test.server.stop();
}

#[test]
fn it_goes_on_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let mut test = Stopped::start(launch().data_dir(&data));
    let url = test.queue("q", json!({}));
    test.send(&url, "late", json!({ "DelaySeconds": 900 }));
    test.pass(2 * HOUR_MS);
    let shown = test.admin.get("/api/v1/test/clock").unwrap().ok();
    assert_eq!(shown["state"], "stopped");
    test.send(&url, "later", json!({ "DelaySeconds": 900 }));
    test.pass(899_000);
    let now = test.admin.get("/api/v1/test/clock").unwrap().ok()["now_ms"].clone();
    test.server.kill();

    let server = launch().data_dir(&data).start();
    let (mut admin, sqs) = (server.admin_client(), server.client());
    let shown = admin.get("/api/v1/test/clock").unwrap().ok();
    assert_eq!(
        (&shown["now_ms"], &shown["state"]),
        (&now, &json!("stopped"))
    );
    let mut test = Stopped { server, admin, sqs };
    assert_eq!(test.bodies(&url), ["late"]);
    test.pass(1_000);
    assert_eq!(test.bodies(&url), ["later"]);
    let resumed = test.clock("resume", json!({}));
    assert_eq!(resumed["state"], "running");
    assert!(
        resumed["ahead_ms"].as_u64() > Some(2 * HOUR_MS),
        "{resumed}"
    );
    test.server.stop();
}

#[test]
fn what_it_can_not_do_is_said() {
    let server = launch().start();
    let mut admin = server.admin_client();
    let mut asked = |verb: &str, body: Value| {
        let path = format!("/api/v1/test/clock/{verb}");
        let answer = admin.rest("POST", &path, &body).unwrap();
        let message = answer.json()["error"]["message"].clone();
        (
            answer.status,
            message.as_str().unwrap_or_default().to_owned(),
        )
    };
    let (status, message) = asked("set", json!({ "to": "2020-01-01T00:00:00Z" }));
    assert_eq!(status, 400);
    assert!(message.contains("can't be set back"), "{message}");
    for (verb, body) in [
        ("set", json!({ "to": "tomorrow" })),
        ("set", json!({})),
        ("advance", json!({ "ms": -1 })),
        ("advance", json!({ "hours": 1 })),
        ("advance", json!({ "ms": u64::MAX })),
    ] {
        let (status, message) = asked(verb, body.clone());
        assert_eq!(status, 400, "{verb} {body}: {message}");
        assert!(!message.is_empty());
    }
    assert_eq!(asked("wind", json!({})).0, 404);
    server.stop();

    let server = Launch::new().start();
    let path = "/api/v1/test/clock/stop";
    let answer = server
        .admin_client()
        .rest("POST", path, &json!({}))
        .unwrap();
    let message = answer.json()["error"]["message"].clone();
    assert_eq!(answer.status, 403);
    assert!(message.as_str().unwrap().contains("--test-controls"));
    server.stop();
}

/// Has the engine deal with each thing when it is due.
fn pass_moments(engine: &mut Driver, ms: u64) {
    let until = engine.now + ms;
    while let Some(due) = engine.host.next_due().filter(|due| *due <= until) {
        engine.pass(due.saturating_sub(engine.now));
    }
    engine.pass(until - engine.now);
}

/// The same by the engine alone, whose time is a number, and by a server of several shards and cores.
#[test]
fn it_is_the_engines_time() {
    let seed = support::any_seed();
    println!("seed {seed}");
    let mut rng = SmallRng::seed_from_u64(seed);
    let mut test = Stopped::start(launch());
    let mut engine = Driver::in_memory();
    let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":"3"}"#;
    let urls = [
        test.queue("dead", json!({})),
        test.queue(
            "work",
            json!({ "VisibilityTimeout": "40", "RedrivePolicy": policy }),
        ),
    ];
    let queues = [
        engine.create("dead", &[]),
        engine.create(
            "work",
            &[
                (QueueAttribute::VisibilityTimeout, "40"),
                (QueueAttribute::RedrivePolicy, policy),
            ],
        ),
    ];
    let (mut seen_in_all, mut dead) = (0, 0);
    for step in 0..300 {
        let ms = match rng.random_range(0..4) {
            0 => rng.random_range(1..200_000),
            _ => rng.random_range(1..5_000),
        };
        test.pass(ms);
        pass_moments(&mut engine, ms);
        if rng.random_bool(0.4) {
            let delay_s = rng.random_range(0..100);
            let body = format!("{step}");
            test.send(&urls[1], &body, json!({ "DelaySeconds": delay_s }));
            let mut entry = engine.entry(&body, None, None);
            entry.delay_s = Some(delay_s);
            engine.send_entry(queues[1], entry).expect("room");
        } else {
            let of = usize::from(rng.random_bool(0.8));
            // All there is: which ten come first is a standard queue's own choice.
            let (mut by_server, mut by_engine) = (Vec::new(), Vec::new());
            loop {
                let (seen, _) = test.receive(&urls[of], json!({}));
                if seen.is_empty() {
                    break;
                }
                by_server.extend(seen);
            }
            loop {
                let deliveries = engine.receive(queues[of], 10);
                if deliveries.is_empty() {
                    break;
                }
                let counts = deliveries
                    .iter()
                    .map(|one| one.lease.receive_count.to_string());
                by_engine.extend(common::bodies(&deliveries).into_iter().zip(counts));
            }
            by_server.sort();
            by_engine.sort();
            seen_in_all += by_server.len();
            dead += if of == 0 { by_server.len() } else { 0 };
            assert_eq!(by_server, by_engine, "seed {seed}, step {step}");
        }
    }
    assert!(seen_in_all > 50 && dead > 0, "{seen_in_all} {dead}");
    test.server.stop();
}
