//! `lclq export` and `lclq import`: everything from one server into another.

#[path = "export/shared.rs"]
mod shared;
mod support;

use serde_json::{Value, json};
use shared::{export, fails, file, import, json_of, launch};
use support::{Client, Launch, Server};

fn url_of(sqs: &mut Client, name: &str) -> String {
    let found = sqs.ok("GetQueueUrl", &json!({ "QueueName": name }));
    found["QueueUrl"].as_str().unwrap().to_owned()
}

/// One of everything.
fn fill(server: &Server) {
    let (mut sqs, mut pubsub) = (server.client(), server.pubsub_client());
    let mut create = |name: &str, attributes: Value| {
        let request = json!({
            "QueueName": name, "Attributes": attributes, "tags": { "team": name },
        });
        sqs.ok("CreateQueue", &request)["QueueUrl"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let dead = create("dead", json!({}));
    let redrive = json!({
        "deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead", "maxReceiveCount": 1,
    });
    let source = create(
        "source",
        json!({ "RedrivePolicy": redrive.to_string(), "VisibilityTimeout": "0" }),
    );
    let plain = create("plain", json!({ "MessageRetentionPeriod": "7200" }));
    let fifo = create("line.fifo", json!({ "FifoQueue": "true" }));
    sqs.ok(
        "SendMessage",
        &json!({ "QueueUrl": source, "MessageBody": "poison" }),
    );
    for _ in 0..2 {
        sqs.ok(
            "ReceiveMessage",
            &json!({ "QueueUrl": source, "VisibilityTimeout": 0 }),
        );
    }
    sqs.ok(
        "SendMessage",
        &json!({
            "QueueUrl": plain, "MessageBody": "with \u{1F375} and \"quotes\"\n",
            "MessageAttributes": {
                "n": { "DataType": "Number", "StringValue": "5" },
                "b": { "DataType": "Binary", "BinaryValue": "AAH/" },
            },
        }),
    );
    sqs.ok(
        "SendMessage",
        &json!({ "QueueUrl": plain, "MessageBody": "late", "DelaySeconds": 600 }),
    );
    for n in 0..6 {
        sqs.ok(
            "SendMessage",
            &json!({
                "QueueUrl": fifo, "MessageBody": format!("line-{n}"),
                "MessageGroupId": format!("g{}", n % 2),
                "MessageDeduplicationId": format!("d{n}"),
            }),
        );
    }
    // In flight, so that its group waits.
    sqs.ok(
        "ReceiveMessage",
        &json!({ "QueueUrl": fifo, "VisibilityTimeout": 900, "MaxNumberOfMessages": 1 }),
    );
    assert_eq!(dead.rsplit('/').next(), Some("dead"));

    let mut rest = |method: &str, path: &str, body: Value| {
        let path = format!("/v1/projects/p/{path}");
        pubsub.rest(method, &path, &body).unwrap().ok()
    };
    let schema = json!({
        "type": "AVRO",
        "definition": r#"{"type":"record","name":"R","fields":[{"name":"a","type":"string"}]}"#,
    });
    rest("POST", "schemas?schemaId=shape", schema);
    rest(
        "PUT",
        "topics/tea",
        json!({ "messageRetentionDuration": "3600s" }),
    );
    rest("PUT", "topics/tea-dead", json!({}));
    rest(
        "PUT",
        "subscriptions/all",
        json!({
            "topic": "projects/p/topics/tea", "ackDeadlineSeconds": 600,
            "enableMessageOrdering": true,
            "deadLetterPolicy": {
                "deadLetterTopic": "projects/p/topics/tea-dead", "maxDeliveryAttempts": 5,
            },
        }),
    );
    rest(
        "PUT",
        "subscriptions/some",
        json!({ "topic": "projects/p/topics/tea", "filter": "attributes.kind = \"green\"" }),
    );
    for n in 0..4 {
        let kind = if n % 2 == 0 { "green" } else { "black" };
        // "tea-n"
        let data = ["dGVhLTA=", "dGVhLTE=", "dGVhLTI=", "dGVhLTM="][n];
        let message = json!({ "data": data, "attributes": { "kind": kind }, "orderingKey": "k" });
        rest(
            "POST",
            "topics/tea:publish",
            json!({ "messages": [message] }),
        );
    }
    let pulled = rest(
        "POST",
        "subscriptions/all:pull",
        json!({ "maxMessages": 1 }),
    );
    let ack = &pulled["receivedMessages"][0]["ackId"];
    rest(
        "POST",
        "subscriptions/all:acknowledge",
        json!({ "ackIds": [ack] }),
    );
    rest(
        "PUT",
        "snapshots/then",
        json!({ "subscription": "projects/p/subscriptions/all" }),
    );
    // Given back once: its next delivery is the second.
    let pulled = rest(
        "POST",
        "subscriptions/all:pull",
        json!({ "maxMessages": 1 }),
    );
    let ack = &pulled["receivedMessages"][0]["ackId"];
    rest(
        "POST",
        "subscriptions/all:modifyAckDeadline",
        json!({ "ackIds": [ack], "ackDeadlineSeconds": 0 }),
    );
    let policy = json!({ "policy": { "bindings": [
        { "role": "roles/pubsub.viewer", "members": ["user:a@example.com"] },
    ] } });
    rest("POST", "topics/tea:setIamPolicy", policy);
}

/// What clients see of it, with nothing that may differ between two servers.
fn seen(server: &Server) -> Value {
    let (mut sqs, mut pubsub, mut admin) = (
        server.client(),
        server.pubsub_client(),
        server.admin_client(),
    );
    let mut out = json!({});
    for name in ["dead", "source", "plain", "line.fifo"] {
        let url = url_of(&mut sqs, name);
        let attributes = sqs.ok(
            "GetQueueAttributes",
            &json!({ "QueueUrl": url, "AttributeNames": ["All"] }),
        );
        let tags = sqs.ok("ListQueueTags", &json!({ "QueueUrl": url }));
        let path = format!("/api/v1/queues/{name}/messages?max=100");
        let messages = admin.get(&path).unwrap().ok();
        out[name] = json!([attributes, tags, messages["messages"]]);
    }
    for path in [
        "topics/tea",
        "topics/tea:getIamPolicy",
        "subscriptions/all",
        "subscriptions/some",
        "snapshots/then",
        "schemas/shape",
    ] {
        let path = format!("/v1/projects/p/{path}");
        let mut found = pubsub.get(&path).unwrap().ok();
        // An etag is of one server's versions.
        if let Some(found) = found.as_object_mut() {
            found.remove("etag");
        }
        out[path] = found;
    }
    out
}

/// Receives and pulls, and answers what came in which order.
fn consumed(server: &Server) -> Value {
    let (mut sqs, mut pubsub) = (server.client(), server.pubsub_client());
    let url = url_of(&mut sqs, "line.fifo");
    let mut line = Vec::new();
    loop {
        let request = json!({
            "QueueUrl": url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 900,
            "AttributeNames": ["All"],
        });
        let received = sqs.ok("ReceiveMessage", &request);
        let Some(messages) = received["Messages"].as_array().filter(|m| !m.is_empty()) else {
            break;
        };
        for message in messages {
            line.push(json!([
                message["Body"],
                message["MessageId"],
                message["Attributes"]["SequenceNumber"],
                message["Attributes"]["ApproximateReceiveCount"],
            ]));
            let receipt = &message["ReceiptHandle"];
            sqs.ok(
                "DeleteMessage",
                &json!({ "QueueUrl": url, "ReceiptHandle": receipt }),
            );
        }
    }
    // Still remembered, though it may be gone.
    let again = sqs.ok(
        "SendMessage",
        &json!({
            "QueueUrl": url, "MessageBody": "line-0", "MessageGroupId": "g0",
            "MessageDeduplicationId": "d0",
        }),
    );
    let mut pull = |subscription: &str| {
        let path = format!("/v1/projects/p/subscriptions/{subscription}:pull");
        let pulled = pubsub
            .rest("POST", &path, &json!({ "maxMessages": 10 }))
            .unwrap()
            .ok();
        let pulled = pulled["receivedMessages"].as_array().cloned();
        let pulled = pulled.unwrap_or_default().into_iter().map(|mut pulled| {
            pulled["ackId"].take();
            pulled["message"]["messageId"].take();
            pulled
        });
        Value::from(pulled.collect::<Vec<_>>())
    };
    json!({
        "line": line,
        "again": again["MessageId"],
        "all": pull("all"),
        "some": pull("some"),
    })
}

#[test]
fn everything_comes_over_to_another_number_of_shards() {
    let file = file();
    let (from, into) = (launch("1").start(), launch("4").start());
    fill(&from);
    let exported = export(&from, &file.path);
    assert_eq!(exported["queues"], 4, "{exported}");
    assert_eq!(exported["messages"], 9, "{exported}");
    assert_eq!(exported["published"], 4, "{exported}");
    assert_eq!(exported["subscriptions"], 3, "{exported}");
    let expected = seen(&from);
    let imported = import(&into, &file.path, &[]);
    for count in [
        "queues",
        "messages",
        "topics",
        "published",
        "subscriptions",
        "schemas",
    ] {
        assert_eq!(imported[count], exported[count], "{count}: {imported}");
    }
    assert_eq!(seen(&into), expected);
    assert_eq!(consumed(&into), consumed(&from));
    // What it has is not touched.
    let refused = fails(&into, &["import", file.path.to_str().unwrap()]);
    assert!(refused.contains("nothing was changed"), "{refused}");
    from.stop();
    into.stop();
}

#[test]
fn a_data_directory_takes_it_up_and_gives_it_on() {
    let (file, again) = (file(), file());
    let directory = tempfile::tempdir().unwrap();
    let from = launch("3").start();
    fill(&from);
    export(&from, &file.path);
    let expected = seen(&from);
    let stored = launch("2").data_dir(directory.path()).start();
    import(&stored, &file.path, &[]);
    assert_eq!(seen(&stored), expected);
    let exported = export(&stored, &again.path);
    stored.kill();
    let stored = Launch::new().data_dir(directory.path()).start();
    let after = export(&stored, &again.path);
    assert_eq!(after, exported);
    // Through a file of what was loaded from disk, back into memory.
    let into = launch("1").start();
    import(&into, &again.path, &[]);
    // No journal keeps what is in flight: it was given back by the restart.
    let strip = |mut seen: Value| {
        seen["line.fifo"][0].take();
        for message in seen["line.fifo"][2].as_array_mut().unwrap() {
            message["state"].take();
            message["dueAt"].take();
        }
        seen
    };
    assert_eq!(strip(seen(&into)), strip(expected));
    from.stop();
    stored.stop();
    into.stop();
}

#[test]
fn conflicts_end_it_are_skipped_or_replaced() {
    let file = file();
    let (from, into) = (launch("2").start(), launch("2").start());
    fill(&from);
    export(&from, &file.path);
    let mut sqs = into.client();
    let made = sqs.ok("CreateQueue", &json!({ "QueueName": "plain" }));
    let url = made["QueueUrl"].as_str().unwrap();
    sqs.ok(
        "SendMessage",
        &json!({ "QueueUrl": url, "MessageBody": "mine" }),
    );
    let path = file.path.to_str().unwrap();
    let refused = fails(&into, &["import", path]);
    assert!(refused.contains("plain"), "{refused}");
    let queues = into.admin_client().get("/api/v1/queues").unwrap().ok();
    assert_eq!(queues["queues"].as_array().unwrap().len(), 1);

    let dry = import(&into, &file.path, &["--on-conflict", "skip", "--dry-run"]);
    assert_eq!(dry["conflicts"], 1, "{dry}");
    let bodies = |server: &Server| {
        let path = "/api/v1/queues/plain/messages?max=100";
        let messages = server.admin_client().get(path).unwrap().ok();
        let messages = messages["messages"].as_array().unwrap().clone();
        Value::from_iter(messages.iter().map(|message| message["body"].clone()))
    };
    assert_eq!(bodies(&into), json!(["mine"]));
    let skipped = import(&into, &file.path, &["--on-conflict", "skip"]);
    assert_eq!(
        (&skipped["queues"], &skipped["conflicts"]),
        (&json!(3), &json!(1))
    );
    assert_eq!(bodies(&into), json!(["mine"]));
    let replaced = import(&into, &file.path, &["--on-conflict", "replace"]);
    assert_eq!(replaced["queues"], 4, "{replaced}");
    assert_eq!(bodies(&into), bodies(&from));
    assert_eq!(seen(&into), seen(&from));
    from.stop();
    into.stop();
}

#[test]
fn a_part_can_be_named() {
    let file = file();
    let (from, into) = (launch("3").start(), launch("3").start());
    fill(&from);
    let path = file.path.to_str().unwrap();
    let some = json_of(
        &from,
        &[
            "export",
            path,
            "--only",
            "queue=line*",
            "--only",
            "topic=tea",
        ],
    );
    assert_eq!((&some["queues"], &some["topics"]), (&json!(1), &json!(1)));
    assert_eq!(some["messages"], 6, "{some}");
    let imported = import(&into, &file.path, &["--only", "queue=line.fifo"]);
    assert_eq!(
        (
            &imported["queues"],
            &imported["topics"],
            &imported["messages"]
        ),
        (&json!(1), &json!(0), &json!(6))
    );
    assert!(fails(&from, &["export", path, "--only", "thing=x"]).contains("queue=NAME"));
    from.stop();
    into.stop();
}

#[test]
fn what_is_no_whole_export_changes_nothing() {
    let file = file();
    let from = launch("2").start();
    fill(&from);
    export(&from, &file.path);
    let whole = std::fs::read(&file.path).unwrap();
    let into = launch("2").start();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x10;
    for (name, bytes, expected) in [
        ("cut", whole[..whole.len() - 20].to_vec(), "cut off"),
        ("half", whole[..whole.len() / 2].to_vec(), "cut off"),
        ("empty", Vec::new(), "cut off"),
        (
            "foreign",
            b"PK\x03\x04 and more".to_vec(),
            "no export of lclq",
        ),
        ("flipped", flipped, ""),
        (
            "more",
            [&whole[..], b"x"].concat(),
            "behind the export's end",
        ),
    ] {
        std::fs::write(&file.path, &bytes).unwrap();
        let said = fails(&into, &["import", file.path.to_str().unwrap()]);
        assert!(said.contains(expected), "{name}: {said}");
        // The server itself says so as well, to whoever sends it.
        let mut client = ureq_like(&into);
        let (status, text) = client.post("/api/v1/import", &bytes);
        assert_eq!(status, 400, "{name}: {text}");
        assert!(text.contains(expected), "{name}: {text}");
        let delete_all = json!({});
        let reset = into
            .admin_client()
            .rest("POST", "/api/v1/test/reset", &delete_all);
        assert_eq!(reset.unwrap().status, 403);
    }
    from.stop();
    into.stop();
}

/// Sends bytes as a body.
struct Raw(std::net::SocketAddr);

fn ureq_like(server: &Server) -> Raw {
    Raw(server.admin_address())
}

impl Raw {
    fn post(&mut self, path: &str, body: &[u8]) -> (u16, String) {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(self.0).unwrap();
        let head = format!(
            "POST {path}?on_conflict=skip HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n",
            self.0,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer)
    }
}
