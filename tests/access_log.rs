//! Each request becomes a line of the access log, whatever came of it.

mod support;

use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use support::Launch;

const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for so many lines, and gives all.
fn lines(path: &Path, count: usize) -> Vec<Value> {
    let until = Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if text.lines().count() >= count && text.ends_with('\n') {
            let line = |line: &str| serde_json::from_str(line).expect("JSON");
            return text.lines().map(line).collect();
        }
        assert!(Instant::now() < until, "{count} lines, but: {text}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The members of a line that are the same in each run.
fn fixed(line: &Value) -> Value {
    let mut line = line.clone();
    let object = line.as_object_mut().expect("an object");
    for name in ["time", "peer"] {
        assert!(
            object.remove(name).is_some_and(|it| it.is_string()),
            "{name}"
        );
    }
    for name in ["duration_us", "bytes_in"] {
        assert!(object.remove(name).is_some_and(|it| it.is_u64()), "{name}");
    }
    object.remove("bytes_out");
    object.remove("request_id");
    line
}

#[test]
fn requests_of_both_dialects_are_noted_as_they_ended() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("access.log");
    let server = Launch::new().flag("--access-log", &path).start();
    let mut client = server.client();
    let made = client.ok("CreateQueue", &json!({ "QueueName": "tea" }));
    let url = made["QueueUrl"].as_str().unwrap();
    let send = json!({ "QueueUrl": url, "MessageBody": "a secret" }).to_string();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AmazonSQS.SendMessage\r\n\
         Content-Type: application/x-amz-json-1.0\r\nUser-Agent: tests/1\r\n\
         X-Amzn-Trace-Id: Root=1-5759e988-bd862e3fe1be46a994272793\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/us-east-1/sqs/aws4_request, \
         SignedHeaders=host, Signature=00\r\nContent-Length: {}\r\n\r\n{send}",
        send.len()
    );
    client.write(head.as_bytes()).unwrap();
    assert_eq!(client.receive().unwrap().status, 200);
    let nowhere = json!({ "QueueUrl": "http://localhost/000000000000/none", "MessageBody": "m" });
    assert_eq!(client.call("SendMessage", &nowhere).unwrap().status, 400);
    client.get("/?Action=ListQueues").unwrap();
    client.get("/?Action=Nothing").unwrap();
    let mut pubsub = server.pubsub_client();
    let topic = "/v1/projects/p/topics/tea";
    pubsub.rest("PUT", topic, &json!({})).unwrap().ok();
    let missing = format!("{topic}none:publish");
    let answer = pubsub.rest(
        "POST",
        &missing,
        &json!({ "messages": [{ "data": "bQ==" }] }),
    );
    assert_eq!(answer.unwrap().status, 404);
    // A client that doesn't wait for its answer.
    let mut impatient = server.client();
    let poll = json!({ "QueueUrl": url, "WaitTimeSeconds": 20 });
    client.ok("PurgeQueue", &json!({ "QueueUrl": url }));
    impatient.send("ReceiveMessage", &poll).unwrap();
    server.wait_for_polls(1);
    drop(impatient);
    let lines = lines(&path, 9);
    let noted: Vec<Value> = lines.iter().map(fixed).collect();
    let sqs = |wire: &str, operation: &str, resource: &str, outcome: &str| {
        let mut line = json!({
            "dialect": "sqs", "wire": wire, "operation": operation, "outcome": outcome,
        });
        if !resource.is_empty() {
            line["resource"] = json!(resource);
        }
        line
    };
    let mut sent = sqs("json", "SendMessage", "tea", "ok");
    sent["access_key"] = json!("AKIAEXAMPLE");
    sent["user_agent"] = json!("tests/1");
    sent["trace"] = json!("Root=1-5759e988-bd862e3fe1be46a994272793");
    let mut refused = sqs("json", "SendMessage", "none", "client_error");
    refused["error"] = json!("AWS.SimpleQueueService.NonExistentQueue");
    let mut unknown = sqs("query", "unknown", "", "client_error");
    unknown["error"] = json!("InvalidAction");
    let expected = [
        sqs("json", "CreateQueue", "tea", "ok"),
        sent,
        refused,
        sqs("query", "ListQueues", "", "ok"),
        unknown,
        json!({
            "dialect": "pubsub", "wire": "rest", "operation": "CreateTopic",
            "resource": "projects/p/topics/tea", "outcome": "ok",
        }),
        json!({
            "dialect": "pubsub", "wire": "rest", "operation": "Publish",
            "resource": "projects/p/topics/teanone", "outcome": "client_error",
            "error": "NOT_FOUND",
        }),
        sqs("json", "PurgeQueue", "tea", "ok"),
        sqs("json", "ReceiveMessage", "tea", "given_up"),
    ];
    for (noted, expected) in noted.iter().zip(&expected) {
        assert_eq!(noted, expected);
    }
    assert_eq!(noted.len(), expected.len());
    assert!(lines[1]["request_id"].as_str().unwrap().len() == 36);
    assert!(lines[1]["bytes_in"] == send.len() && lines[1]["bytes_out"].as_u64().unwrap() > 50);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("secret"), "no bodies");
    server.stop();
}

#[test]
fn a_file_that_was_moved_is_made_anew_on_sighup() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("access.log");
    let server = Launch::new().flag("--access-log", &path).start();
    let mut client = server.client();
    client.ok("ListQueues", &json!({}));
    assert_eq!(lines(&path, 1).len(), 1);
    let moved = directory.path().join("access.log.1");
    std::fs::rename(&path, &moved).unwrap();
    server.hang_up();
    let until = Instant::now() + PATIENCE;
    while !path.exists() {
        assert!(Instant::now() < until, "the file is made anew");
        client.ok("ListQueues", &json!({}));
    }
    server.stop();
    let old = lines(&moved, 1);
    let new = lines(&path, 1);
    assert!(
        old.iter()
            .chain(&new)
            .all(|line| line["operation"] == "ListQueues")
    );
}

#[test]
fn a_file_that_cannot_be_written_is_said_at_the_start() {
    let refused = Launch::new()
        .flag("--access-log", "/proc/none/access.log")
        .refused();
    assert!(!refused.status.success());
    let text = &refused.stderr;
    assert!(
        text.contains("the access log /proc/none/access.log: "),
        "{text}"
    );
}
