//! What the web console stands on, through the real binary: its files with their headers, the history
//! that it draws, and chosen messages that are settled. tests/console has a browser use it.

mod support;

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::{Answer, Client, Launch, Server};

const PATIENCE: Duration = Duration::from_secs(20);

fn asked(client: &mut Client, path: &str, headers: &str) -> Answer {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
    client.write(request.as_bytes()).unwrap();
    client.receive().unwrap()
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    let prefix = format!("{name}: ");
    let value = answer.head.lines().find_map(|line| {
        let begins = line.to_ascii_lowercase().starts_with(&prefix);
        begins.then(|| &line[prefix.len()..])
    });
    value.unwrap_or_else(|| panic!("no {name}: {}", answer.head))
}

#[test]
fn the_page_and_its_files_come_with_what_keeps_others_out() {
    let server = Launch::new().start();
    let mut client = server.admin_client();
    let page = asked(&mut client, "/", "");
    assert_eq!(page.status, 200);
    let policy = header(&page, "content-security-policy");
    for part in [
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(header(&page, "x-content-type-options"), "nosniff");
    assert_eq!(header(&page, "referrer-policy"), "no-referrer");
    assert_eq!(header(&page, "cache-control"), "no-cache");
    let known = format!("If-None-Match: {}\r\n", header(&page, "etag"));
    assert_eq!(asked(&mut client, "/", &known).status, 304);
    let text = page.text();
    let files = text.split('"').filter(|part| part.starts_with("/console/"));
    for file in files {
        let plain = asked(&mut client, file, "");
        assert_eq!(plain.status, 200, "{file}");
        assert!(
            header(&plain, "cache-control").contains("immutable"),
            "{file}"
        );
        let small = asked(&mut client, file, "Accept-Encoding: gzip\r\n");
        assert_eq!(header(&small, "content-encoding"), "gzip", "{file}");
        assert!(small.body.len() < plain.body.len(), "{file}");
    }
    assert_eq!(asked(&mut client, "/console/0/app.js", "").status, 404);
    server.stop();
}

#[test]
fn a_link_on_another_site_leads_to_the_page_and_to_nothing_else() {
    let server = Launch::new().start();
    let mut client = server.admin_client();
    let link = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n";
    assert_eq!(asked(&mut client, "/", link).status, 200);
    for path in ["/stats", "/api/v1/queues", "/v1/projects/p/topics"] {
        assert_eq!(asked(&mut client, path, link).status, 403, "{path}");
    }
    let page = "Origin: https://evil.example\r\n";
    assert_eq!(asked(&mut client, "/", page).status, 403);
    let mut client = server.admin_client();
    client
        .write(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        .unwrap();
    assert_eq!(client.receive().unwrap().status, 403);
    server.stop();
}

#[test]
fn the_history_has_a_sample_each_second() {
    let server = Launch::new().flag("--cores", "2").start();
    let mut sqs = server.client();
    sqs.ok("CreateQueue", &json!({ "QueueName": "q" }));
    let url = format!("http://{}/000000000000/q", server.address());
    let send = json!({ "QueueUrl": url, "MessageBody": "x" });
    sqs.ok("SendMessage", &send);
    let refused = json!({ "QueueUrl": format!("{url}-none"), "MessageBody": "x" });
    assert_eq!(sqs.call("SendMessage", &refused).unwrap().status, 400);
    let mut admin = server.admin_client();
    let until = Instant::now() + PATIENCE;
    let samples = loop {
        let told = admin.get("/api/v1/history").unwrap().ok();
        assert_eq!(told["every_ms"], 1000);
        let samples = told["samples"].as_array().unwrap().clone();
        let seen = samples.last().is_some_and(|last| last["requests"] == 3);
        if samples.len() >= 3 && seen {
            break samples;
        }
        assert!(Instant::now() < until, "{told}");
        std::thread::sleep(Duration::from_millis(50));
    };
    let last = &samples[samples.len() - 1];
    assert_eq!((&last["sent"], &last["visible"]), (&json!(1), &json!(1)));
    assert_eq!(last["client_errors"], 1, "{last}");
    let at = samples[samples.len() - 2]["at"].as_u64().unwrap();
    let path = format!("/api/v1/history?after={at}");
    let new = admin.get(&path).unwrap().ok();
    assert!(!new["samples"].as_array().unwrap().is_empty());
    assert!(new["samples"][0]["at"].as_u64().unwrap() > at);
    server.stop();
}

fn ids(server: &Server, queue: &str) -> Vec<(String, String)> {
    let path = format!("/api/v1/queues/{queue}/messages");
    let told = server.admin_client().get(&path).unwrap().ok();
    let messages = told["messages"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let pairs = messages
        .iter()
        .map(|one| (text(&one["messageId"]), text(&one["state"])));
    pairs.collect()
}

fn settle(server: &Server, queue: &str, body: Value) -> (usize, usize) {
    let path = format!("/api/v1/queues/{queue}/messages/settle");
    let told = server.admin_client().rest("POST", &path, &body).unwrap();
    let told = told.ok();
    let count = |name: &str| told[name].as_array().unwrap().len();
    (count("settled"), count("left"))
}

#[test]
fn chosen_messages_are_settled_whoever_has_them() {
    let server = Launch::new()
        .flag("--cores", "2")
        .flag("--shards", "3")
        .start();
    let mut sqs = server.client();
    let fifo = json!({ "FifoQueue": "true", "ContentBasedDeduplication": "true" });
    sqs.ok("CreateQueue", &json!({ "QueueName": "q" }));
    let make = json!({ "QueueName": "q.fifo", "Attributes": fifo });
    sqs.ok("CreateQueue", &make);
    for queue in ["q", "q.fifo"] {
        let url = format!("http://{}/000000000000/{queue}", server.address());
        // More than one look finds at once.
        for n in 0..250 {
            let mut send = json!({ "QueueUrl": url, "MessageBody": n.to_string() });
            if queue == "q.fifo" {
                send["MessageGroupId"] = n.to_string().into();
            }
            sqs.ok("SendMessage", &send);
        }
        sqs.ok("ReceiveMessage", &json!({ "QueueUrl": url }));
    }
    let of = |queue: &str, wanted: &str| {
        let all = ids(&server, queue).into_iter();
        let mut all = all.filter(|(_, state)| state == wanted);
        all.next().expect(wanted).0
    };
    let last = |queue: &str| {
        let path = format!("/api/v1/queues/{queue}/messages?contains=249");
        let told = server.admin_client().get(&path).unwrap().ok();
        told["messages"][0]["messageId"].clone()
    };
    for queue in ["q", "q.fifo"] {
        let given = of(queue, "in-flight");
        let back = json!({ "messages": [given], "visibility_timeout": 0 });
        assert_eq!(settle(&server, queue, back), (1, 0), "{queue}");
        assert!(
            ids(&server, queue)
                .iter()
                .all(|(_, state)| state == "visible")
        );
        let url = format!("http://{}/000000000000/{queue}", server.address());
        sqs.ok("ReceiveMessage", &json!({ "QueueUrl": url }));
        let given = of(queue, "in-flight");
        let delete = json!({ "messages": [given] });
        assert_eq!(settle(&server, queue, delete.clone()), (1, 0), "{queue}");
        assert_eq!(settle(&server, queue, delete), (0, 1), "{queue}");
        // The service has no way to take a message out of a FIFO queue that nobody has received.
        let delete = json!({ "messages": [last(queue)] });
        let expected = if queue == "q" { (1, 0) } else { (0, 1) };
        assert_eq!(settle(&server, queue, delete), expected, "{queue}");
    }
    server.stop();
}

#[test]
fn what_needs_attention_is_found_with_groups_and_due_times() {
    let server = Launch::new().start();
    let mut client = server.client();
    client.ok("CreateQueue", &json!({ "QueueName": "dead" }));
    let arn = |name: &str| format!("arn:aws:sqs:us-east-1:000000000000:{name}");
    // The partition says nothing.
    let elsewhere = arn("dead").replace("arn:aws:", "arn:aws-cn:");
    for (name, target) in [
        ("work", arn("dead")),
        ("more", elsewhere),
        ("lost", arn("nowhere")),
    ] {
        if name == "lost" {
            client.ok("CreateQueue", &json!({ "QueueName": "nowhere" }));
        }
        let redrive = json!({ "deadLetterTargetArn": target, "maxReceiveCount": 1 });
        let attributes = json!({ "RedrivePolicy": redrive.to_string() });
        client.ok(
            "CreateQueue",
            &json!({ "QueueName": name, "Attributes": attributes }),
        );
    }
    let url = |name: &str| format!("http://localhost/000000000000/{name}");
    client.ok("DeleteQueue", &json!({ "QueueUrl": url("nowhere") }));
    client.ok(
        "SendMessage",
        &json!({ "QueueUrl": url("dead"), "MessageBody": "x" }),
    );
    let mut admin = server.admin_client();
    let told = admin.get("/api/v1/attention").unwrap().ok();
    let sorts: Vec<_> = told["findings"].as_array().unwrap().iter().collect();
    let found = |sort: &str| sorts.iter().find(|one| one["sort"] == sort);
    assert_eq!(found("dead_letters").unwrap()["of"], arn("dead"), "{told}");
    let of_dead = sorts.iter().filter(|one| one["sort"] == "dead_letters");
    assert_eq!(of_dead.count(), 1, "{told}");
    assert_eq!(found("no_dead_letter_queue").unwrap()["name"], "lost");
    assert_eq!(told["queues"], 4);
    let way = admin.get("/api/v1/queues/dead/dead-letters").unwrap().ok();
    let sources = [&way["sources"][0]["name"], &way["sources"][1]["name"]];
    assert_eq!(sources, ["more", "work"], "{way}");
    for (name, target) in [("more", "dead"), ("lost", "nowhere")] {
        let way = admin.get(&format!("/api/v1/queues/{name}/dead-letters"));
        let way = way.unwrap().ok();
        assert_eq!(way["target_arn"], arn(target), "{way}");
        assert_eq!(way["target"].is_null(), target == "nowhere", "{way}");
    }
    let fifo = json!({ "QueueName": "q.fifo", "Attributes": {
        "FifoQueue": "true", "ContentBasedDeduplication": "true" } });
    client.ok("CreateQueue", &fifo);
    for (group, body) in [("a", "1"), ("a", "2"), ("b", "3")] {
        let message =
            json!({ "QueueUrl": url("q.fifo"), "MessageBody": body, "MessageGroupId": group });
        client.ok("SendMessage", &message);
    }
    let receive =
        json!({ "QueueUrl": url("q.fifo"), "MaxNumberOfMessages": 1, "VisibilityTimeout": 600 });
    client.ok("ReceiveMessage", &receive);
    let told = admin.get("/api/v1/queues/q.fifo/groups").unwrap().ok();
    assert_eq!(told["found"], 2, "{told}");
    let [locked, free] = told["groups"].as_array().unwrap().as_slice() else {
        panic!("{told}");
    };
    assert_eq!(
        (&locked["group"], &free["group"]),
        (&"a".into(), &"b".into())
    );
    assert_eq!(
        (&locked["locked"], &free["locked"]),
        (&true.into(), &false.into())
    );
    assert_eq!(
        (&locked["visible"], &locked["in_flight"]),
        (&1.into(), &1.into())
    );
    assert_eq!(locked["head"]["due_at"], locked["locked_until"]);
    let peeked = admin.get("/api/v1/queues/q.fifo/messages").unwrap().ok();
    assert_eq!(peeked["messages"][0]["dueAt"], locked["locked_until"]);
    assert!(peeked["messages"][1]["dueAt"].is_null(), "{peeked}");
    let queue = admin.get("/api/v1/queues/q.fifo").unwrap().ok();
    assert!(queue["memory_bytes"].as_u64().unwrap() > 0, "{queue}");
    server.stop();
}
