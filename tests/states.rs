//! A test saves the server's state under a name and brings it back.

mod support;

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::{Client, Launch, Server};

fn launch() -> Launch {
    Launch::new()
        .flag("--cores", "2")
        .flag("--shards", "3")
        .switch("--test-controls")
}

#[track_caller]
fn state(server: &Server, method: &str, path: &str) -> Value {
    let path = format!("/api/v1/test/states{path}");
    let answer = server.admin_client().rest(method, &path, &json!({}));
    answer.unwrap().ok()
}

fn queue(sqs: &mut Client, name: &str) -> String {
    let attributes = match name.ends_with(".fifo") {
        true => json!({ "FifoQueue": "true" }),
        false => json!({}),
    };
    let request = json!({ "QueueName": name, "Attributes": attributes });
    let made = sqs.ok("CreateQueue", &request);
    made["QueueUrl"].as_str().unwrap().to_owned()
}

fn send(sqs: &mut Client, url: &str, body: &str) {
    sqs.ok(
        "SendMessage",
        &json!({ "QueueUrl": url, "MessageBody": body }),
    );
}

fn bodies(server: &Server, name: &str) -> Vec<String> {
    let path = format!("/api/v1/queues/{name}/messages?max=100");
    let messages = server.admin_client().get(&path).unwrap().ok();
    let messages = messages["messages"].as_array().unwrap();
    let body = |message: &Value| message["body"].as_str().unwrap().to_owned();
    messages.iter().map(body).collect()
}

fn comes_back(launch: Launch) {
    let server = launch.start();
    let (mut sqs, mut pubsub) = (server.client(), server.pubsub_client());
    let mut rest = |method: &str, path: &str, body: Value| {
        let path = format!("/v1/projects/p/{path}");
        pubsub.rest(method, &path, &body).unwrap()
    };
    let url = queue(&mut sqs, "orders");
    send(&mut sqs, &url, "one");
    send(&mut sqs, &url, "two");
    rest("PUT", "topics/tea", json!({})).ok();
    let topic = json!({ "topic": "projects/p/topics/tea" });
    rest("PUT", "subscriptions/sub", topic).ok();
    let publish = json!({ "messages": [{ "data": "aGk=" }] });
    rest("POST", "topics/tea:publish", publish).ok();
    let saved = state(&server, "POST", "/before");
    assert_eq!(saved["name"], "before", "{saved}");

    let received = sqs.ok("ReceiveMessage", &json!({ "QueueUrl": url }));
    let receipt = received["Messages"][0]["ReceiptHandle"].clone();
    let gone = json!({ "QueueUrl": url, "ReceiptHandle": receipt });
    sqs.ok("DeleteMessage", &gone);
    send(&mut sqs, &url, "three");
    let other = queue(&mut sqs, "other");
    let pulled = rest(
        "POST",
        "subscriptions/sub:pull",
        json!({ "maxMessages": 5 }),
    )
    .ok();
    let ack = pulled["receivedMessages"][0]["ackId"].clone();
    let acked = json!({ "ackIds": [ack] });
    rest("POST", "subscriptions/sub:acknowledge", acked.clone()).ok();
    rest("DELETE", "topics/tea", json!({})).ok();

    for _ in 0..2 {
        state(&server, "POST", "/before/restore");
        assert_eq!(bodies(&server, "orders"), ["one", "two"]);
        let missing = sqs.call("GetQueueUrl", &json!({ "QueueName": "other" }));
        assert_eq!(missing.unwrap().status, 400);
        let send_there = json!({ "QueueUrl": other, "MessageBody": "x" });
        assert_eq!(sqs.call("SendMessage", &send_there).unwrap().status, 400);
        // What was received or pulled of another time settles nothing.
        let _ = sqs.call("DeleteMessage", &gone).unwrap();
        assert_eq!(bodies(&server, "orders"), ["one", "two"]);
        assert_eq!(rest("GET", "topics/tea", json!({})).status, 200);
        let _ = rest("POST", "subscriptions/sub:acknowledge", acked.clone());
        let pull = json!({ "maxMessages": 5 });
        let pulled = rest("POST", "subscriptions/sub:pull", pull).ok();
        let pulled = pulled["receivedMessages"].as_array().unwrap();
        assert_eq!(pulled.len(), 1);
    }
    let listed = state(&server, "GET", "");
    assert_eq!(listed["states"][0]["name"], "before");
    state(&server, "DELETE", "/before");
    assert_eq!(state(&server, "GET", "")["states"], json!([]));
    let path = "/api/v1/test/states/before/restore";
    let missing = server.admin_client().rest("POST", path, &json!({}));
    assert_eq!(missing.unwrap().status, 404);
    server.stop();
}

#[test]
fn a_state_in_memory_comes_back() {
    comes_back(launch());
}

#[test]
fn a_state_on_disk_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    comes_back(launch().data_dir(directory.path()));
}

#[test]
fn a_receive_that_waits_gets_what_is_restored() {
    let server = launch().start();
    let mut sqs = server.client();
    let url = queue(&mut sqs, "orders");
    send(&mut sqs, &url, "saved");
    state(&server, "POST", "/one");
    sqs.ok("PurgeQueue", &json!({ "QueueUrl": url }));
    let mut waiting = server.client();
    let wait = json!({ "QueueUrl": url, "WaitTimeSeconds": 20 });
    let started = Instant::now();
    waiting.send("ReceiveMessage", &wait).unwrap();
    server.wait_for_polls(1);
    state(&server, "POST", "/one/restore");
    let received = waiting.receive().unwrap().ok();
    assert_eq!(received["Messages"][0]["Body"], "saved");
    assert!(started.elapsed() < Duration::from_secs(15));
    server.stop();
}

#[test]
fn what_was_still_to_come_is_as_far_off_as_it_was() {
    let server = launch().start();
    let (mut sqs, mut admin) = (server.client(), server.admin_client());
    let mut clock = |verb: &str, body: Value| {
        let path = format!("/api/v1/test/clock/{verb}");
        admin.rest("POST", &path, &body).unwrap().ok()
    };
    clock("stop", json!({}));
    let url = queue(&mut sqs, "orders");
    let late = json!({ "QueueUrl": url, "MessageBody": "late", "DelaySeconds": 60 });
    sqs.ok("SendMessage", &late);
    state(&server, "POST", "/early");
    clock("advance", json!({ "ms": 7_200_000 }));
    clock("resume", json!({}));
    state(&server, "POST", "/early/restore");
    assert_eq!(clock("stop", json!({}))["state"], "stopped");
    let mut receive = || sqs.ok("ReceiveMessage", &json!({ "QueueUrl": url }));
    assert!(receive()["Messages"].as_array().is_none_or(Vec::is_empty));
    clock("advance", json!({ "ms": 59_000 }));
    assert!(receive()["Messages"].as_array().is_none_or(Vec::is_empty));
    clock("advance", json!({ "ms": 1_000 }));
    assert_eq!(receive()["Messages"][0]["Body"], "late");
    server.stop();
}

#[test]
fn states_are_bounded_and_only_for_tests() {
    let server = launch().start();
    for n in 0..32 {
        state(&server, "POST", &format!("/s{n}"));
    }
    let mut admin = server.admin_client();
    let mut post = |path: &str| {
        let path = format!("/api/v1/test/states/{path}");
        admin.rest("POST", &path, &json!({})).unwrap().status
    };
    assert_eq!(post("s32"), 409);
    assert_eq!(post("s31"), 200);
    assert_eq!(post(&"n".repeat(101)), 400);
    server.stop();
    let closed = Launch::new().start();
    let refused = closed
        .admin_client()
        .rest("POST", "/api/v1/test/states/x", &json!({}));
    assert_eq!(refused.unwrap().status, 403);
    closed.stop();
}

/// Prints how long it takes; what it asserts is only that nobody waits for seconds.
#[test]
fn ten_thousand_messages_are_saved_and_restored_in_a_moment() {
    let directory = tempfile::tempdir().unwrap();
    for (name, launch) in [
        ("in memory", launch()),
        ("on SQLite", launch().data_dir(directory.path())),
    ] {
        let server = launch.start();
        let mut sqs = server.client();
        for number in 0..10 {
            let url = queue(&mut sqs, &format!("q{number}"));
            for _ in 0..100 {
                let entries: Vec<Value> = (0..10)
                    .map(|at| json!({ "Id": at.to_string(), "MessageBody": "m".repeat(200) }))
                    .collect();
                let batch = json!({ "QueueUrl": url, "Entries": entries });
                sqs.ok("SendMessageBatch", &batch);
            }
        }
        let time = |path: &str| {
            let started = Instant::now();
            state(&server, "POST", path);
            started.elapsed()
        };
        let (save, restore) = (time("/all"), time("/all/restore"));
        println!("10,000 messages {name}: saved in {save:?}, restored in {restore:?}");
        let stats = server.admin_client().get("/api/v1/stats").unwrap().ok();
        assert_eq!(stats["visible"], 10_000);
        assert!(save + restore < Duration::from_secs(20));
        server.stop();
    }
}
