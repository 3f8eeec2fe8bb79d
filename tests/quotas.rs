//! How much clients may ask for, through the real binary: by key, by address and in all, in both
//! dialects' own words.

mod support;

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::{Client, Launch, Server};

/// A request in the JSON protocol under a key that nobody checks.
fn asked(client: &mut Client, key: &str, action: &str, body: &Value) -> (u16, String) {
    let body = body.to_string();
    let request = format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\nx-amz-target: AmazonSQS.{action}\r\n\
         content-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\
         authorization: AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/sqs/aws4_request\r\n\r\n{body}",
        body.len()
    );
    client.write(request.as_bytes()).unwrap();
    let answer = client.receive().unwrap();
    (answer.status, answer.text())
}

fn passed(client: &mut Client, key: &str, count: usize) -> usize {
    let asks = (0..count).map(|_| asked(client, key, "ListQueues", &json!({})).0);
    asks.filter(|status| *status == 200).count()
}

#[test]
fn each_key_has_its_own_rate_and_is_told_in_the_services_words() {
    let server = Launch::new().flag("--limit-requests-per-key", "20").start();
    let mut client = server.client();
    let began = Instant::now();
    let first = passed(&mut client, "first", 200);
    let most = 21 + (began.elapsed().as_secs_f64() * 21.0) as usize;
    assert!((20..=most).contains(&first), "{first} of {most}");
    // Another has as much, on whichever core its connection is.
    let second = passed(&mut server.client(), "second", 40);
    assert!(second >= 20, "{second}");
    let (status, body) = loop {
        let told = asked(&mut client, "first", "ListQueues", &json!({}));
        if told.0 != 200 {
            break told;
        }
    };
    assert_eq!(status, 403);
    assert!(body.contains("RequestThrottled"), "{body}");
    std::thread::sleep(Duration::from_millis(300));
    assert!(passed(&mut client, "first", 1) == 1, "nothing has come in");
    let shown = server.admin_client().get("/api/v1/refusals").unwrap().ok();
    assert_eq!(shown["counts"][0]["about"], "limit");
    let latest = &shown["latest"][0];
    assert_eq!(latest["who"], "first");
    assert_eq!(
        latest["reason"],
        "the quota limit-requests-per-key is exceeded"
    );
    server.stop();
}

#[test]
fn all_cores_together_keep_to_the_rate_of_all() {
    let server = Launch::new()
        .flag("--limit-requests", "100")
        .flag("--cores", "2")
        .start();
    let address = server.address();
    let began = Instant::now();
    let threads: Vec<_> = (0..4)
        .map(|n| {
            std::thread::spawn(move || {
                let mut client = Client::new(address);
                let mut passed = 0;
                while began.elapsed() < Duration::from_secs(3) {
                    let key = format!("key{n}");
                    passed +=
                        u64::from(asked(&mut client, &key, "ListQueues", &json!({})).0 == 200);
                }
                passed
            })
        })
        .collect();
    let passed: u64 = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .sum();
    // A burst of one second at first.
    let seconds = began.elapsed().as_secs_f64() + 1.0;
    let most = (seconds * 100.0 * 1.05) as u64 + 4;
    assert!((380..=most).contains(&passed), "{passed} of {most}");
    server.stop();
}

#[test]
fn bytes_are_charged_however_they_are_spread() {
    let server = Launch::new()
        .flag("--limit-bytes-per-address", "100000")
        .start();
    let mut client = server.client();
    let queue = client
        .call("CreateQueue", &json!({"QueueName": "q"}))
        .unwrap()
        .ok();
    let body = json!({"QueueUrl": queue["QueueUrl"], "MessageBody": "x".repeat(50_000)});
    let statuses: Vec<u16> = (0..20)
        .map(|_| client.call("SendMessage", &body).unwrap().status)
        .collect();
    let sent = statuses.iter().filter(|status| **status == 200).count();
    assert!((2..=6).contains(&sent), "{statuses:?}");
    server.stop();
}

#[test]
fn only_so_many_polls_wait_and_only_so_many_connections_are_open() {
    let server = Launch::new()
        .flag("--limit-waiting-per-address", "2")
        .flag("--limit-connections-per-address", "4")
        .start();
    let mut client = server.client();
    let queue = client.ok("CreateQueue", &json!({"QueueName": "q"}));
    let poll = json!({"QueueUrl": queue["QueueUrl"], "WaitTimeSeconds": 3});
    let mut first = server.client();
    let mut second = server.client();
    first.send("ReceiveMessage", &poll).unwrap();
    second.send("ReceiveMessage", &poll).unwrap();
    server.wait_for_polls(2);
    let told = client.call("ReceiveMessage", &poll).unwrap();
    assert_eq!(told.status, 403, "{}", told.text());
    assert!(told.text().contains("RequestThrottled"));
    // Others than receives are not held up.
    assert_eq!(client.call("ListQueues", &json!({})).unwrap().status, 200);
    assert_eq!(first.receive().unwrap().status, 200);
    assert_eq!(second.receive().unwrap().status, 200);
    assert_eq!(
        client
            .call("ReceiveMessage", &json!({"QueueUrl": queue["QueueUrl"]}))
            .unwrap()
            .status,
        200
    );
    let refused = |server: &Server| {
        let mut more: Vec<Client> = (0..6).map(|_| server.client()).collect();
        let answers = more
            .iter_mut()
            .map(|client| client.call("ListQueues", &json!({})));
        answers.filter(Result::is_err).count()
    };
    assert!(refused(&server) >= 3);
    server.stop();
}

#[test]
fn the_messages_of_an_account_take_only_so_much() {
    let server = Launch::new()
        .flag("--limit-memory-per-account", "1000000")
        .start();
    let mut client = server.client();
    let mut of = |key: &str, action: &str, body: Value| asked(&mut client, key, action, &body);
    let (one, other) = ("111122223333", "444455556666");
    for key in [one, other] {
        assert_eq!(of(key, "CreateQueue", json!({"QueueName": "q"})).0, 200);
    }
    let url = |key: &str| format!("http://localhost/{key}/q");
    let send = |key: &str| json!({"QueueUrl": url(key), "MessageBody": "x".repeat(100_000)});
    let until = Instant::now() + Duration::from_secs(20);
    let mut sent = 0;
    loop {
        let (status, body) = of(one, "SendMessage", send(one));
        if status != 200 {
            assert!(
                body.contains("RequestThrottled") && body.contains("account's memory"),
                "{body}"
            );
            break;
        }
        sent += 1;
        assert!(Instant::now() < until, "{sent} messages and no end");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(sent >= 9, "{sent}");
    let entry = json!({"Id": "a", "MessageBody": "x"});
    let batch = json!({"QueueUrl": url(one), "Entries": [entry]});
    assert_eq!(of(one, "SendMessageBatch", batch).0, 403);
    // Others have theirs, and who makes room has some again.
    assert_eq!(of(other, "SendMessage", send(other)).0, 200);
    assert_eq!(of(one, "PurgeQueue", json!({"QueueUrl": url(one)})).0, 200);
    while of(one, "SendMessage", send(one)).0 != 200 {
        assert!(Instant::now() < until, "no room");
        std::thread::sleep(Duration::from_millis(20));
    }
    server.stop();
}

#[test]
fn an_account_has_only_so_many_queues() {
    let server = Launch::new()
        .flag("--limit-queues-per-account", "2")
        .start();
    let mut client = server.client();
    let mut make = |key: &str, name: &str| {
        asked(&mut client, key, "CreateQueue", &json!({"QueueName": name})).0
    };
    assert_eq!([make("a", "q1"), make("a", "q2")], [200, 200]);
    assert_eq!(make("a", "q3"), 403);
    // One that is there is as good as made.
    assert_eq!(make("a", "q1"), 200);
    assert_eq!(make("111122223333", "q3"), 200);
    server.stop();
}
