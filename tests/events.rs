//! Live events and tails of the admin endpoint, as server-sent events.

mod support;

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;
use support::{Launch, Server};

/// One event.
#[derive(Debug)]
struct Event {
    kind: String,
    id: Option<String>,
    data: Value,
}

/// A client that reads events as they come.
struct Follower(BufReader<TcpStream>);

impl Follower {
    /// Asks for a path, with further header lines, and waits for the answer's head.
    fn of(server: &Server, path: &str, headers: &str) -> Self {
        let mut stream = TcpStream::connect(server.admin_address()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"
        )
        .unwrap();
        let mut follower = Self(BufReader::new(stream));
        let head = follower.line();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        while !follower.line().is_empty() {}
        follower
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line in time");
        line.trim_end().to_owned()
    }

    /// The next event. Chunk sizes and comments aren't events.
    fn next(&mut self) -> Event {
        let mut fields: BTreeMap<String, String> = BTreeMap::new();
        loop {
            let line = self.line();
            if let Some((name, value)) = line.split_once(": ")
                && ["event", "id", "data"].contains(&name)
            {
                fields.insert(name.to_owned(), value.to_owned());
            } else if fields.contains_key("data") {
                return Event {
                    kind: fields.remove("event").expect("a kind"),
                    id: fields.remove("id"),
                    data: serde_json::from_str(&fields["data"]).expect("JSON"),
                };
            }
        }
    }

    fn until_comment(&mut self, comment: &str) {
        while self.line() != comment {}
    }
}

fn started() -> Server {
    Launch::new()
        .flag("--cores", "2")
        .flag("--shards", "3")
        .start()
}

fn change(event: &Event) -> (&str, &str, &str) {
    assert_eq!(event.kind, "resource", "{event:?}");
    let text = |name: &str| event.data[name].as_str().unwrap();
    (text("change"), text("kind"), text("name"))
}

#[test]
fn changes_come_as_they_are_made_whoever_makes_them() {
    let server = started();
    let mut events = Follower::of(&server, "/api/v1/events?kinds=resource", "");
    let mut client = server.client();
    client.ok("CreateQueue", &json!({ "QueueName": "orders" }));
    assert_eq!(change(&events.next()), ("created", "queue", "orders"));
    let url = "http://localhost/000000000000/orders";
    client.ok(
        "TagQueue",
        &json!({ "QueueUrl": url, "Tags": { "a": "b" } }),
    );
    assert_eq!(change(&events.next()), ("changed", "queue", "orders"));
    client.ok("CreateQueue", &json!({ "QueueName": "orders" }));
    client.ok("DeleteQueue", &json!({ "QueueUrl": url }));
    let event = events.next();
    assert_eq!(
        change(&event),
        ("deleted", "queue", "orders"),
        "making it again changed nothing"
    );
    assert_eq!(event.data["region"], "us-east-1");
    let mut rest = server.pubsub_client();
    let mut put = |path: &str, body: Value| {
        rest.rest("PUT", &format!("/v1/projects/p/{path}"), &body)
            .unwrap()
            .ok();
    };
    put("topics/things", json!({}));
    put(
        "subscriptions/bills",
        json!({ "topic": "projects/p/topics/things" }),
    );
    put(
        "snapshots/before",
        json!({ "subscription": "projects/p/subscriptions/bills" }),
    );
    let mut made: Vec<Event> = (0..2).map(|_| events.next()).collect();
    assert_eq!(change(&made[0]), ("created", "topic", "things"));
    assert_eq!(change(&made[1]), ("created", "subscription", "bills"));
    made.push(events.next());
    assert_eq!(change(&made[2]), ("created", "snapshot", "before"));
    assert_eq!(made[2].data["project"], "p");
    server.stop();
}

#[test]
fn who_comes_again_gets_what_was_missed_or_how_much() {
    let server = started();
    let mut client = server.client();
    let mut events = Follower::of(&server, "/api/v1/events?kinds=resource", "");
    client.ok("CreateQueue", &json!({ "QueueName": "one" }));
    let id = events.next().id.expect("an id");
    drop(events);
    client.ok("CreateQueue", &json!({ "QueueName": "two" }));
    let header = format!("Last-Event-ID: {id}\r\n");
    let path = "/api/v1/events?kinds=resource";
    let mut again = Follower::of(&server, path, &header);
    assert_eq!(change(&again.next()), ("created", "queue", "two"));
    // More than are kept.
    let url = "http://localhost/000000000000/one";
    for number in 0..1100 {
        let tags = json!({ "QueueUrl": url, "Tags": { "n": number.to_string() } });
        client.ok("TagQueue", &tags);
    }
    let mut late = Follower::of(&server, &format!("{path}&last_event_id={id}"), "");
    let missed = late.next();
    assert_eq!(missed.kind, "missed");
    assert_eq!(missed.data["events"], 1101 - 1024, "{missed:?}");
    assert_eq!(change(&late.next()), ("changed", "queue", "one"));
    let mut stranger = Follower::of(&server, path, "Last-Event-ID: another-7\r\n");
    let missed = stranger.next();
    assert_eq!(
        (missed.kind.as_str(), &missed.data["events"]),
        ("missed", &Value::Null)
    );
    server.stop();
}

#[test]
fn counts_come_each_second_and_a_stop_ends_all() {
    let server = started();
    let mut events = Follower::of(&server, "/events?kinds=stats", "");
    let first = events.next();
    assert_eq!(
        (first.kind.as_str(), &first.data["queues"]),
        ("stats", &json!(0))
    );
    server
        .client()
        .ok("CreateQueue", &json!({ "QueueName": "q" }));
    let later = loop {
        let event = events.next();
        if event.data["queues"] == 1 {
            break event;
        }
    };
    let between = later.data["at"].as_u64().unwrap() - first.data["at"].as_u64().unwrap();
    assert!(between >= 990, "{between} ms");
    // A stream that goes on doesn't keep the server from its end.
    server.stop();
}

#[test]
fn no_more_may_follow_than_the_bound() {
    let server = started();
    let all: Vec<Follower> = (0..64)
        .map(|_| Follower::of(&server, "/events?kinds=resource", ""))
        .collect();
    let mut admin = server.admin_client();
    let refused = admin.get("/events").unwrap();
    assert_eq!(refused.status, 503, "{}", refused.json());
    drop(all);
    // Their places are free once the server has noticed.
    while admin.get("/connections").unwrap().ok()["connections"]
        .as_array()
        .unwrap()
        .len()
        > 1
    {}
    Follower::of(&server, "/events?kinds=resource", "");
    server.stop();
}

#[test]
fn a_tail_shows_what_passes_and_takes_nothing() {
    let server = started();
    let mut client = server.client();
    client.ok(
        "CreateQueue",
        &json!({ "QueueName": "q.fifo", "Attributes": { "FifoQueue": "true" } }),
    );
    let url = "http://localhost/000000000000/q.fifo";
    let mut send = |body: &str| {
        let message = json!({ "QueueUrl": url, "MessageBody": body, "MessageGroupId": "g",
                              "MessageDeduplicationId": body });
        client.ok("SendMessage", &message)["MessageId"].clone()
    };
    send("before");
    let mut tail = Follower::of(&server, "/api/v1/queues/q.fifo/tail", "");
    tail.until_comment(": following");
    let id = send("after");
    let passed = tail.next();
    assert_eq!(passed.kind, "message");
    assert_eq!(passed.data["text"], "after");
    assert_eq!(
        (&passed.data["message_id"], &passed.data["group"]),
        (&id, &json!("g"))
    );
    // A duplicate doesn't pass.
    send("after");
    send("last");
    assert_eq!(tail.next().data["text"], "last");
    let received = client.ok(
        "ReceiveMessage",
        &json!({ "QueueUrl": url, "MaxNumberOfMessages": 10 }),
    );
    assert_eq!(received["Messages"].as_array().map(Vec::len), Some(3));
    // A purge gives the queue another place; it is followed there.
    client.ok("PurgeQueue", &json!({ "QueueUrl": url }));
    let message = json!({ "QueueUrl": url, "MessageBody": "new", "MessageGroupId": "g",
                          "MessageDeduplicationId": "new" });
    client.ok("SendMessage", &message);
    assert_eq!(tail.next().data["text"], "new");
    client.ok("DeleteQueue", &json!({ "QueueUrl": url }));
    assert_eq!(tail.next().kind, "end");
    server.stop();
}

#[test]
fn a_subscriptions_tail_has_what_passes_its_filter() {
    let server = started();
    let mut rest = server.pubsub_client();
    rest.rest("PUT", "/v1/projects/p/topics/things", &json!({}))
        .unwrap()
        .ok();
    let body = json!({ "topic": "projects/p/topics/things", "filter": "attributes.kind = \"a\"" });
    rest.rest("PUT", "/v1/projects/p/subscriptions/some", &body)
        .unwrap()
        .ok();
    let path = |kind: &str, name: &str| format!("/api/v1/{kind}/{name}/tail?project=p");
    let mut of_topic = Follower::of(&server, &path("topics", "things"), "");
    let mut of_some = Follower::of(&server, &path("subscriptions", "some"), "");
    of_topic.until_comment(": following");
    of_some.until_comment(": following");
    let data = |text: &str| base64_simd::STANDARD.encode_to_string(text);
    let body = json!({ "messages": [
        { "data": data("one"), "attributes": { "kind": "b" } },
        { "data": data("two"), "attributes": { "kind": "a" } },
    ] });
    let answer = rest
        .rest("POST", "/v1/projects/p/topics/things:publish", &body)
        .unwrap()
        .ok();
    let passed = [of_topic.next(), of_topic.next()];
    assert_eq!(passed[0].data["text"], "one");
    assert_eq!(passed[1].data["attributes"], json!({ "kind": "a" }));
    let ids = [&passed[0].data["message_id"], &passed[1].data["message_id"]];
    assert_eq!(ids, [&answer["messageIds"][0], &answer["messageIds"][1]]);
    assert_eq!(of_some.next().data["text"], "two");
    let pulled = rest
        .rest(
            "POST",
            "/v1/projects/p/subscriptions/some:pull",
            &json!({ "maxMessages": 5 }),
        )
        .unwrap()
        .ok();
    assert_eq!(pulled["receivedMessages"].as_array().map(Vec::len), Some(1));
    server.stop();
}

const IN_PYTHON: &str = r#"
import json, sys, urllib.request
base = sys.argv[1]
events = urllib.request.urlopen(base + "/events?kinds=resource", timeout=20)
assert events.headers["content-type"] == "text/event-stream", events.headers
body = json.dumps({"name": "from-python"}).encode()
request = urllib.request.Request(base + "/queues", body, {"content-type": "application/json"})
assert urllib.request.urlopen(request).status == 201
event = None
for line in events:
    line = line.decode().strip()
    if line.startswith("event: "):
        event = line[7:]
    if line.startswith("data: ") and event == "resource":
        print(line[6:])
        break
"#;

#[test]
fn other_clients_follow_too() {
    let server = started();
    let base = format!("http://{}/api/v1", server.admin_address());
    let output = Command::new("python3")
        .args(["-c", IN_PYTHON, &base])
        .output()
        .expect("python3 can be run");
    assert!(output.status.success(), "{output:?}");
    let event: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&event["change"], &event["name"]),
        (&json!("created"), &json!("from-python"))
    );
    let output = Command::new("curl")
        .args([
            "-s",
            "-N",
            "--max-time",
            "2",
            &format!("{base}/events?kinds=stats"),
        ])
        .output()
        .expect("curl can be run");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.starts_with("retry: 1000\n\nevent: stats\ndata: {"),
        "{text}"
    );
    assert!(text.matches("event: stats").count() >= 2, "{text}");
    server.stop();
}
