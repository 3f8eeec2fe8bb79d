//! Where a message went, as the admin API and the command line tell it: what happened, and who had it.

mod support;

use lclq::pubsub::proto::StreamingPullRequest;
use serde_json::{Value, json};
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use support::streaming::Stream;
use support::{Launch, Server};

const PATIENCE: Duration = Duration::from_secs(20);

fn server() -> Server {
    Launch::new()
        .flag("--cores", "2")
        .flag("--shards", "4")
        .flag("--journey-events", "1000")
        .switch("--test-controls")
        .start()
}

fn journey(server: &Server, message: &str) -> Value {
    let path = format!("/api/v1/messages/{message}/journey");
    server.admin_client().get(&path).unwrap().ok()
}

/// The same, once it has so many steps: a message may be on its way to another shard.
fn journey_of(server: &Server, message: &str, steps: usize) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let told = journey(server, message);
        if told["events"]
            .as_array()
            .is_some_and(|events| events.len() >= steps)
        {
            return told;
        }
        assert!(Instant::now() < until, "{told}");
    }
}

/// Steps of a journey, in order, each with the last part of where it was.
fn steps(journey: &Value) -> Vec<(&str, &str)> {
    let events = journey["events"].as_array().expect("events");
    events
        .iter()
        .map(|event| {
            let place = event["place"].as_str().expect("a place");
            let leaf = place.rsplit([':', '/']).next().unwrap_or(place);
            (event["step"].as_str().expect("a step"), leaf)
        })
        .collect()
}

#[test]
fn a_sent_message_is_followed_over_its_dead_letter_queue_and_back() {
    let server = server();
    let mut client = server.client();
    let make = |client: &mut support::Client, name: &str, attributes: Value| {
        let body = json!({ "QueueName": name, "Attributes": attributes });
        let url = client.ok("CreateQueue", &body)["QueueUrl"].clone();
        url.as_str().expect("a URL").to_owned()
    };
    make(&mut client, "dead", json!({}));
    let target = "arn:aws:sqs:us-east-1:000000000000:dead";
    let policy = json!({ "deadLetterTargetArn": target, "maxReceiveCount": 1 });
    let tea = make(
        &mut client,
        "tea",
        json!({ "RedrivePolicy": policy.to_string() }),
    );
    let sent = client.ok(
        "SendMessage",
        &json!({ "QueueUrl": tea, "MessageBody": "m" }),
    );
    let id = sent["MessageId"].as_str().unwrap();
    let receive = json!({ "QueueUrl": tea, "VisibilityTimeout": 30 }).to_string();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AmazonSQS.ReceiveMessage\r\n\
         Content-Type: application/x-amz-json-1.0\r\nUser-Agent: tests/1\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/us-east-1/sqs/aws4_request, \
         SignedHeaders=host, Signature=00\r\nContent-Length: {}\r\n\r\n{receive}",
        receive.len()
    );
    client.write(head.as_bytes()).unwrap();
    assert_eq!(client.receive().unwrap().status, 200);
    let mut admin = server.admin_client();
    let advance = json!({ "ms": 60_000 });
    admin
        .rest("POST", "/api/v1/test/clock/advance", &advance)
        .unwrap()
        .ok();
    let empty = client.ok("ReceiveMessage", &json!({ "QueueUrl": tea }));
    assert_eq!(empty["Messages"].as_array().map_or(0, Vec::len), 0);
    let told = journey_of(&server, id, 5);
    let expected = [
        ("sent", "tea"),
        ("received", "tea"),
        ("lease expired", "tea"),
        ("moved", "tea"),
        ("arrived", "dead"),
    ];
    assert_eq!(steps(&told), expected);
    let by = &told["events"][1]["by"];
    assert_eq!(
        (&by["user_agent"], &by["access_key"]),
        (&json!("tests/1"), &json!("AKIAEXAMPLE"))
    );
    assert!(
        by["peer"].as_str().unwrap().starts_with("127.0.0.1:"),
        "{by}"
    );
    assert_eq!(told["events"][1]["receive_count"], 1);
    assert_eq!(told["events"][3]["to"], target);
    let redrive = admin.rest("POST", "/api/v1/queues/dead/redrive", &json!({}));
    assert_eq!(redrive.unwrap().status, 202);
    let told = journey_of(&server, id, 6);
    let new = told["events"][5]["new_id"].as_str().expect("another id");
    let poll = json!({ "QueueUrl": tea, "WaitTimeSeconds": 20 });
    let received = client.ok("ReceiveMessage", &poll)["Messages"][0].clone();
    assert_eq!(received["MessageId"], new);
    let done = json!({ "QueueUrl": tea, "ReceiptHandle": received["ReceiptHandle"] });
    client.ok("DeleteMessage", &done);
    let expected = [("arrived", "tea"), ("received", "tea"), ("deleted", "tea")];
    assert_eq!(steps(&journey(&server, new)), expected);
}

#[test]
fn a_published_message_is_followed_to_pulls_and_streams() {
    let server = server();
    let mut client = server.pubsub_client();
    let topic = "projects/p/topics/tea";
    client
        .rest("PUT", &format!("/v1/{topic}"), &json!({}))
        .unwrap()
        .ok();
    for name in ["pulls", "streams"] {
        let path = format!("/v1/projects/p/subscriptions/{name}");
        client
            .rest("PUT", &path, &json!({ "topic": topic }))
            .unwrap()
            .ok();
    }
    let messages = json!({ "messages": [{ "data": "bQ==" }] });
    let path = format!("/v1/{topic}:publish");
    let published = client.rest("POST", &path, &messages).unwrap().ok();
    let id = published["messageIds"][0].as_str().unwrap();
    let pulls = "/v1/projects/p/subscriptions/pulls";
    let pull = json!({ "maxMessages": 1 });
    let pulled = client
        .rest("POST", &format!("{pulls}:pull"), &pull)
        .unwrap()
        .ok();
    let ack = json!({ "ackIds": [pulled["receivedMessages"][0]["ackId"]] });
    client
        .rest("POST", &format!("{pulls}:acknowledge"), &ack)
        .unwrap()
        .ok();
    let first = StreamingPullRequest {
        subscription: "projects/p/subscriptions/streams".to_owned(),
        stream_ack_deadline_seconds: 10,
        ..StreamingPullRequest::default()
    };
    let mut stream = Stream::open(server.pubsub_address(), &first).unwrap();
    let got = stream.next(PATIENCE).unwrap().expect("a message");
    assert_eq!(got.received_messages.len(), 1);
    let told = journey(&server, id);
    let expected = [
        ("published", "tea"),
        ("received", "pulls"),
        ("acknowledged", "pulls"),
        ("received", "streams"),
    ];
    assert_eq!(steps(&told), expected);
    let peers: Vec<_> = [1, 3]
        .map(|at| told["events"][at]["by"]["peer"].as_str())
        .to_vec();
    assert!(
        peers[0].is_some() && peers[1].is_some() && peers[0] != peers[1],
        "{told}"
    );
}

fn run(server: &Server, words: &[&str]) -> Output {
    Command::new(support::binary())
        .args(words)
        .env("LCLQ_URL", format!("http://{}", server.admin_address()))
        .output()
        .expect("the binary under test can be run")
}

#[test]
fn the_command_line_shows_a_journey_and_says_what_is_wrong() {
    let server = server();
    let mut client = server.client();
    let made = client.ok("CreateQueue", &json!({ "QueueName": "tea" }));
    let send = json!({ "QueueUrl": made["QueueUrl"], "MessageBody": "m" });
    let sent = client.ok("SendMessage", &send);
    let id = sent["MessageId"].as_str().unwrap();
    client.ok("ReceiveMessage", &json!({ "QueueUrl": made["QueueUrl"] }));
    let output = run(&server, &["message", "journey", id]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let rows: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(rows[0], ["TIME", "STEP", "WHERE", "DETAILS"]);
    assert_eq!(rows[1][1..], ["sent", "tea"]);
    assert_eq!(rows[2][1..6], ["received", "tea", "receive", "1,", "by"]);
    let unknown = run(
        &server,
        &["message", "journey", "6d9a2b1c-0000-4000-8000-000000000000"],
    );
    assert_eq!(unknown.status.code(), Some(4), "{unknown:?}");
    let wrong = run(&server, &["message", "journey", "nonsense"]);
    let text = String::from_utf8(wrong.stderr).unwrap();
    assert!(text.contains("nonsense is no message id"), "{text}");
    let off = Launch::new().start();
    let refused = run(&off, &["message", "journey", id]);
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(text.contains("--journey-events"), "{text}");
}
