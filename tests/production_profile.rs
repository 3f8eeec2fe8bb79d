//! The production profile: what the services may do and stand-ins never do, from a seed.

mod support;

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::{Duration, Instant};
use support::{Client, Launch, Server};

const PATIENCE: Duration = Duration::from_secs(30);

fn start() -> Server {
    Launch::new()
        .flag("--cores", "2")
        .switch("--test-controls")
        .start()
}

/// Nothing but what is said happens, with this seed.
fn set(server: &Server, seed: u64, sqs: Value, pubsub: Value) {
    let mut settings = json!({
        "seed": seed,
        "sqs": {
            "duplicated": 0, "back_after_delete": 0, "reordered": 0, "fewer": 0, "empty": 0,
            "again_ms_max": 100, "stale_counts_ms_max": 0, "purge_ms_max": 0,
            "delete_queue_ms_max": 0,
        },
        "pubsub": {
            "duplicated": 0, "acknowledgements_lost": 0, "fewer": 0, "empty": 0,
            "again_ms_max": 100,
        },
    });
    for (part, other) in [("sqs", sqs), ("pubsub", pubsub)] {
        for (key, value) in other.as_object().unwrap() {
            settings[part][key] = value.clone();
        }
    }
    let mut admin = server.admin_client();
    let answer = admin.rest("PUT", "/api/v1/test/profile", &settings);
    answer.unwrap().ok();
}

fn done(server: &Server, what: &str) -> u64 {
    let shown = server.admin_client().get("/api/v1/test/profile").unwrap();
    shown.ok()["done"][what].as_u64().unwrap_or(0)
}

fn queue(client: &mut Client, name: &str, attributes: Value) -> String {
    let asked = json!({ "QueueName": name, "Attributes": attributes });
    let made = client.ok("CreateQueue", &asked);
    made["QueueUrl"].as_str().unwrap().to_owned()
}

fn send(client: &mut Client, url: &str, bodies: std::ops::Range<usize>) {
    for body in bodies {
        let message = json!({ "QueueUrl": url, "MessageBody": format!("m{body}") });
        client.ok("SendMessage", &message);
    }
}

fn receive(client: &mut Client, url: &str, max: u32) -> Vec<Value> {
    let asked = json!({ "QueueUrl": url, "MaxNumberOfMessages": max });
    let answer = client.ok("ReceiveMessage", &asked);
    answer["Messages"].as_array().cloned().unwrap_or_default()
}

fn bodies(messages: &[Value]) -> Vec<String> {
    let body = |message: &Value| message["Body"].as_str().unwrap().to_owned();
    messages.iter().map(body).collect()
}

fn delete(client: &mut Client, url: &str, message: &Value) {
    let asked = json!({ "QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"] });
    client.ok("DeleteMessage", &asked);
}

/// Receives and deletes until nothing has come for a while; how often each body came.
fn drain(client: &mut Client, url: &str) -> BTreeMap<String, u32> {
    let mut seen = BTreeMap::new();
    let mut last = Instant::now();
    while last.elapsed() < Duration::from_millis(2_500) {
        let found = receive(client, url, 10);
        if found.is_empty() {
            std::thread::sleep(Duration::from_millis(10));
            continue;
        }
        last = Instant::now();
        for message in &found {
            *seen
                .entry(bodies(std::slice::from_ref(message)).remove(0))
                .or_default() += 1;
            delete(client, url, message);
        }
    }
    seen
}

fn all(count: usize) -> BTreeSet<String> {
    (0..count).map(|body| format!("m{body}")).collect()
}

#[test]
fn messages_come_twice_and_none_is_lost() {
    let server = start();
    let mut client = server.client();
    let url = queue(&mut client, "orders", json!({ "VisibilityTimeout": "20" }));
    for (what, share, counted) in [
        ("duplicated", 0.2, "messages given out twice"),
        (
            "back_after_delete",
            0.2,
            "messages back after their deletion",
        ),
    ] {
        set(
            &server,
            7,
            json!({ what: share, "again_ms_max": 0 }),
            json!({}),
        );
        send(&mut client, &url, 0..100);
        let seen = if what == "duplicated" {
            // Those that are in flight come again.
            let mut held = Vec::new();
            let until = Instant::now() + PATIENCE;
            while held.len() < 100 + done(&server, counted) as usize || held.len() < 105 {
                held.extend(receive(&mut client, &url, 10));
                assert!(Instant::now() < until, "{} came", held.len());
            }
            let mut seen = BTreeMap::new();
            for message in &held {
                delete(&mut client, &url, message);
                *seen
                    .entry(bodies(std::slice::from_ref(message)).remove(0))
                    .or_default() += 1;
            }
            seen
        } else {
            drain(&mut client, &url)
        };
        assert_eq!(
            seen.keys().cloned().collect::<BTreeSet<_>>(),
            all(100),
            "{what}"
        );
        let twice = seen.values().filter(|times| **times > 1).count();
        assert!(
            (5..60).contains(&twice),
            "{what}: {twice} of 100 came again"
        );
        let mut admin = server.admin_client();
        admin
            .rest("DELETE", "/api/v1/test/profile", &json!({}))
            .unwrap()
            .ok();
        let path = "/api/v1/queues/orders/purge";
        assert_eq!(admin.rest("POST", path, &json!({})).unwrap().status, 200);
    }
}

#[test]
fn receives_are_reordered_short_or_empty_and_repeat_with_the_seed() {
    let run = |seed: u64| -> Vec<Vec<String>> {
        let server = start();
        let mut client = server.client();
        let url = queue(&mut client, "orders", json!({}));
        send(&mut client, &url, 0..60);
        set(
            &server,
            seed,
            json!({ "reordered": 0.5, "fewer": 0.5, "empty": 0.4 }),
            json!({}),
        );
        let mut received = Vec::new();
        while received.iter().map(Vec::len).sum::<usize>() < 60 {
            received.push(bodies(&receive(&mut client, &url, 10)));
            assert!(received.len() < 100, "{received:?}");
        }
        for what in [
            "reordered receives",
            "receives with fewer messages",
            "empty receives",
        ] {
            assert!(done(&server, what) > 0, "{what}: {received:?}");
        }
        received
    };
    let received = run(3);
    let flat: Vec<String> = received.concat();
    assert_eq!(
        flat.iter().cloned().collect::<BTreeSet<_>>(),
        all(60),
        "each once"
    );
    let in_order: Vec<String> = (0..60).map(|body| format!("m{body}")).collect();
    assert_ne!(flat, in_order);
    assert!(received.iter().any(Vec::is_empty));
    assert!(received.iter().any(|one| (1..10).contains(&one.len())));
    assert_eq!(run(3), received, "the same seed");
    assert_ne!(run(4), received, "another seed");
}

#[test]
fn counts_are_old_and_purges_and_deletions_take_their_time() {
    let server = start();
    let mut client = server.client();
    let url = queue(&mut client, "orders", json!({}));
    set(
        &server,
        1,
        json!({ "stale_counts_ms_max": 600_000, "purge_ms_max": 3_000, "delete_queue_ms_max": 3_000 }),
        json!({}),
    );
    let counted = |client: &mut Client| {
        let asked = json!({ "QueueUrl": url, "AttributeNames": ["ApproximateNumberOfMessages"] });
        let answer = client.ok("GetQueueAttributes", &asked);
        answer["Attributes"]["ApproximateNumberOfMessages"].clone()
    };
    assert_eq!(counted(&mut client), "0");
    send(&mut client, &url, 0..3);
    assert_eq!(counted(&mut client), "0", "counts of before");
    client.ok("PurgeQueue", &json!({ "QueueUrl": url }));
    let again = client
        .call("PurgeQueue", &json!({ "QueueUrl": url }))
        .unwrap();
    assert_eq!(again.status, 403);
    assert!(
        again.json()["__type"]
            .as_str()
            .unwrap()
            .ends_with("PurgeQueueInProgress")
    );
    // Afterwards the messages are gone.
    let until = Instant::now() + PATIENCE;
    let mut admin = server.admin_client();
    while admin.get("/api/v1/queues/orders").unwrap().ok()["visible"] != 0 {
        assert!(Instant::now() < until, "they are purged");
        std::thread::sleep(Duration::from_millis(20));
    }
    client.ok("DeleteQueue", &json!({ "QueueUrl": url }));
    let made = client
        .call("CreateQueue", &json!({ "QueueName": "orders" }))
        .unwrap();
    assert_eq!(made.status, 400);
    assert!(
        made.json()["__type"]
            .as_str()
            .unwrap()
            .ends_with("QueueDeletedRecently")
    );
    while admin.get("/api/v1/queues/orders").unwrap().status != 404 {
        assert!(Instant::now() < until, "it is deleted");
        std::thread::sleep(Duration::from_millis(20));
    }
    queue(&mut client, "orders", json!({}));
}

#[test]
fn a_fifo_queue_has_its_quota_and_keeps_its_order() {
    let server = start();
    let mut client = server.client();
    let url = queue(
        &mut client,
        "orders.fifo",
        json!({
            "FifoQueue": "true", "ContentBasedDeduplication": "true",
        }),
    );
    let fast = queue(
        &mut client,
        "fast.fifo",
        json!({
            "FifoQueue": "true", "ContentBasedDeduplication": "true",
            "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId",
        }),
    );
    set(
        &server,
        1,
        json!({ "duplicated": 1, "back_after_delete": 1, "reordered": 1, "fifo_requests_per_s": 20 }),
        json!({}),
    );
    let mut sent = Vec::new();
    let mut throttled = 0;
    let begun = Instant::now();
    while sent.len() < 50 {
        let body = format!("m{}", sent.len());
        let message = json!({ "QueueUrl": url, "MessageBody": body, "MessageGroupId": "g" });
        let answer = client.call("SendMessage", &message).unwrap();
        if answer.status == 200 {
            sent.push(body);
        } else {
            assert!(
                answer.json()["__type"]
                    .as_str()
                    .unwrap()
                    .ends_with("RequestThrottled")
            );
            throttled += 1;
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    assert!(
        throttled > 0 && begun.elapsed() > Duration::from_secs(1),
        "{throttled}"
    );
    for n in 0..100 {
        let message =
            json!({ "QueueUrl": fast, "MessageBody": n.to_string(), "MessageGroupId": "g" });
        client.ok("SendMessage", &message);
    }
    let mut received = Vec::new();
    while received.len() < 50 {
        std::thread::sleep(Duration::from_millis(60));
        for message in receive(&mut client, &url, 10) {
            received.extend(bodies(std::slice::from_ref(&message)));
            let asked = json!({ "QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"] });
            while client.call("DeleteMessage", &asked).unwrap().status != 200 {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
    assert_eq!(received, sent, "in order, and each once");
}

#[test]
fn subscriptions_get_messages_again_and_projects_have_quotas() {
    let server = start();
    let mut client = server.pubsub_client();
    let base = "/v1/projects/project";
    let (topic, subscription) = (
        format!("{base}/topics/orders"),
        format!("{base}/subscriptions/billing"),
    );
    client.rest("PUT", &topic, &json!({})).unwrap().ok();
    let made = json!({ "topic": "projects/project/topics/orders" });
    client.rest("PUT", &subscription, &made).unwrap().ok();
    set(
        &server,
        5,
        json!({}),
        json!({ "acknowledgements_lost": 0.3, "fewer": 0.5, "empty": 0.3, "again_ms_max": 0 }),
    );
    let messages: Vec<Value> = (0..50)
        .map(|n| json!({ "attributes": { "n": n.to_string() } }))
        .collect();
    let publish = format!("{topic}:publish");
    client
        .rest("POST", &publish, &json!({ "messages": messages }))
        .unwrap()
        .ok();
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let mut last = Instant::now();
    while last.elapsed() < Duration::from_secs(1) {
        let asked = json!({ "maxMessages": 10, "returnImmediately": true });
        let pulled = client
            .rest("POST", &format!("{subscription}:pull"), &asked)
            .unwrap()
            .ok();
        let Some(received) = pulled["receivedMessages"].as_array() else {
            std::thread::sleep(Duration::from_millis(5));
            continue;
        };
        last = Instant::now();
        for one in received {
            let n = one["message"]["attributes"]["n"].as_str().unwrap();
            *seen.entry(n.to_owned()).or_default() += 1;
        }
        let ids: Vec<&Value> = received.iter().map(|one| &one["ackId"]).collect();
        let acknowledge = format!("{subscription}:acknowledge");
        client
            .rest("POST", &acknowledge, &json!({ "ackIds": ids }))
            .unwrap()
            .ok();
    }
    assert_eq!(seen.len(), 50, "none is lost: {seen:?}");
    assert!(seen.values().any(|times| *times > 1), "{seen:?}");
    for what in [
        "acknowledgements lost",
        "pulls with fewer messages",
        "empty pulls",
    ] {
        assert!(done(&server, what) > 0, "{what}");
    }
    set(
        &server,
        5,
        json!({}),
        json!({ "admin_requests_per_minute": 3 }),
    );
    let asked: Vec<u16> = (0..5).map(|_| client.get(&topic).unwrap().status).collect();
    assert_eq!(asked, [200, 200, 200, 429, 429]);
}

#[test]
fn it_is_steered_from_the_command_line_and_a_server_may_start_with_it() {
    let server = Launch::new()
        .switch("--test-controls")
        .flag("--production-profile", "42")
        .start();
    let lclq = |args: &[&str]| {
        let url = format!("http://{}", server.admin_address());
        let ran = Command::new(support::binary())
            .args(args)
            .args(["--url", &url])
            .output();
        let ran = ran.unwrap();
        (
            ran.status.code(),
            String::from_utf8(ran.stdout).unwrap(),
            String::from_utf8(ran.stderr).unwrap(),
        )
    };
    let (_, shown, _) = lclq(&["profile", "show"]);
    let row = |what: &str, value: &str| {
        let found = shown
            .lines()
            .find(|line| line.starts_with(&format!("{what} ")));
        assert!(
            found.is_some_and(|line| line.ends_with(value)),
            "{what}: {shown}"
        );
    };
    row("on", "true");
    row("seed", "42");
    row("sqs.duplicated", "0.02");
    let (status, text, _) = lclq(&[
        "profile",
        "set",
        "--seed",
        "9",
        "sqs.duplicated=0.5",
        "--output",
        "json",
    ]);
    let view: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (status, &view["settings"]["sqs"]["duplicated"]),
        (Some(0), &json!(0.5))
    );
    assert_eq!(view["settings"]["seed"], 9);
    let (status, _, error) = lclq(&["profile", "set", "sqs.duplicated=2"]);
    assert_ne!(status, Some(0));
    assert!(
        error.contains("sqs.duplicated: 2 is not between 0 and 1"),
        "{error}"
    );
    let (status, _, error) = lclq(&["profile", "set", "sqs.twice=1"]);
    assert_ne!(status, Some(0));
    assert!(error.contains("unknown field `twice`"), "{error}");
    let (_, text, _) = lclq(&["profile", "end", "--output", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["on"], false);
    let plain = Launch::new().start();
    let refused = plain.admin_client().get("/api/v1/test/profile").unwrap();
    assert_eq!(refused.status, 403);
}
