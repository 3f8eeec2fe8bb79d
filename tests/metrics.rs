//! `/metrics`: what is counted, under which names, within which bounds.

mod support;

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};
use support::{Client, Launch, Server};

/// Several cores and shards, so that figures come from others than the connection's.
fn launch() -> Launch {
    Launch::new().flag("--cores", "2").flag("--shards", "3")
}

fn url(queue: &str) -> String {
    format!("http://localhost/000000000000/{queue}")
}

fn queue_labels(queue: &str) -> String {
    format!(r#"queue_id="arn:aws:sqs:us-east-1:000000000000:{queue}",queue_name="{queue}""#)
}

fn scrape(client: &mut Client, path: &str) -> String {
    let answer = client.get(path).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.head);
    String::from_utf8(answer.body).unwrap()
}

/// Samples by name and labels.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let samples = lines.map(|line| {
        let (name, value) = line.rsplit_once(' ').expect("a sample");
        (name.to_owned(), value.parse().expect("a number"))
    });
    let mut found = BTreeMap::new();
    for (name, value) in samples {
        let before = found.insert(name.clone(), value);
        assert_eq!(before, None, "{name} is there twice");
    }
    found
}

#[track_caller]
fn holds(text: &str, expected: &[(String, f64)]) {
    let found = samples(text);
    for (name, value) in expected {
        assert_eq!(found.get(name), Some(value), "{name}\n{text}");
    }
}

/// Scrapes until a series has a value: what another task counts is there in a moment.
fn scrape_until(client: &mut Client, name: &str, value: f64) -> String {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let text = scrape(client, "/metrics");
        if samples(&text).get(name) == Some(&value) {
            return text;
        }
        assert!(Instant::now() < until, "{name} is not {value}\n{text}");
    }
}

/// Families of a scrape: name and type.
fn families(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    lines
        .map(|line| {
            let (name, kind) = line.split_once(' ').expect("a type");
            (name.to_owned(), kind.to_owned())
        })
        .collect()
}

/// Rows of docs/metrics.md, which another test holds against the binary: name, type and labels.
fn documented(section: &str) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");
    let text = std::fs::read_to_string(file).expect("docs/metrics.md");
    let mut sections = text.split("\n## ");
    let part = match section {
        "" => sections.next(),
        _ => sections.find(|part| part.starts_with(section)),
    };
    let rows = part
        .expect(section)
        .lines()
        .filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split(" | ").collect();
        let plain = |cell: &str| cell.trim_matches(['|', ' ', '`']).to_owned();
        let labels = cells[2].split(", ").map(plain);
        let labels = labels.filter(|label| !label.is_empty()).collect();
        (plain(cells[0]), (cells[1].to_owned(), labels))
    })
    .collect()
}

/// Makes some of everything, by both dialects.
fn use_all(server: &Server) {
    let mut client = server.client();
    client.ok("CreateQueue", &json!({ "QueueName": "orders" }));
    client.ok(
        "SendMessage",
        &json!({ "QueueUrl": url("orders"), "MessageBody": "x" }),
    );
    let mut pubsub = server.pubsub_client();
    for (path, body) in [
        ("/v1/projects/shop/topics/topic", json!({})),
        (
            "/v1/projects/shop/subscriptions/pulled",
            json!({ "topic": "projects/shop/topics/topic" }),
        ),
        (
            "/v1/projects/shop/subscriptions/pushed",
            json!({
                "topic": "projects/shop/topics/topic",
                "pushConfig": { "pushEndpoint": "http://127.0.0.1:9/" },
            }),
        ),
    ] {
        pubsub.rest("PUT", path, &body).unwrap().ok();
    }
}

#[test]
fn requests_are_counted_by_how_they_came_and_ended() {
    let server = launch().start();
    let mut client = server.client();
    client.ok("CreateQueue", &json!({ "QueueName": "orders" }));
    for _ in 0..3 {
        client.ok(
            "SendMessage",
            &json!({ "QueueUrl": url("orders"), "MessageBody": "x" }),
        );
    }
    let missing = json!({ "QueueUrl": url("none") });
    assert_eq!(client.call("DeleteQueue", &missing).unwrap().status, 400);
    assert_eq!(client.call("NoSuchAction", &json!({})).unwrap().status, 404);
    client
        .write(b"GET /?Action=ListQueues&Version=2012-11-05 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    assert_eq!(client.receive().unwrap().status, 200);
    let mut rest = server.pubsub_client();
    rest.rest("PUT", "/v1/projects/shop/topics/topic", &json!({}))
        .unwrap()
        .ok();
    assert_eq!(
        rest.get("/v1/projects/shop/topics/none").unwrap().status,
        404
    );

    let mut admin = server.admin_client();
    let answer = admin.get("/metrics").unwrap();
    assert!(
        answer.head.contains("text/plain; version=0.0.4"),
        "{}",
        answer.head
    );
    let text = String::from_utf8(answer.body).unwrap();
    let request = |api, method, endpoint, status| {
        format!(
            r#"lclq_api_requests_total{{api="{api}",method="{method}",endpoint="{endpoint}",status="{status}"}}"#
        )
    };
    holds(
        &text,
        &[
            (request("sqs", "json", "SendMessage", "ok"), 3.0),
            (request("sqs", "json", "DeleteQueue", "client_error"), 1.0),
            (request("sqs", "json", "unknown", "client_error"), 1.0),
            (request("sqs", "query", "ListQueues", "ok"), 1.0),
            (request("pubsub", "rest", "CreateTopic", "ok"), 1.0),
            (request("pubsub", "rest", "GetTopic", "client_error"), 1.0),
            (
                r#"lclq_api_latency_seconds_bucket{api="sqs",endpoint="SendMessage",le="+Inf"}"#
                    .to_owned(),
                3.0,
            ),
            (
                r#"lclq_send_latency_seconds_count{backend="memory"}"#.to_owned(),
                3.0,
            ),
            (
                r#"lclq_active_connections{dialect="sqs",protocol="http1"}"#.to_owned(),
                1.0,
            ),
            (
                r#"lclq_connections_accepted_total{dialect="admin"}"#.to_owned(),
                1.0,
            ),
        ],
    );
    let bytes = samples(&text)[r#"lclq_network_receive_bytes_total{dialect="sqs"}"#];
    assert!(bytes > 500.0, "seven requests are more than {bytes} bytes");
    // What the admin endpoint asks for itself is not counted.
    let sent = admin.rest(
        "POST",
        "/queues/orders/messages",
        &json!({ "MessageBody": "y" }),
    );
    assert_eq!(sent.unwrap().status, 201);
    let sends = (request("sqs", "json", "SendMessage", "ok"), 3.0);
    holds(&scrape(&mut admin, "/metrics"), &[sends]);
    server.stop();
}

#[test]
fn queues_tell_what_they_hold_and_what_passed() {
    let server = launch().start();
    let mut client = server.client();
    client.ok("CreateQueue", &json!({ "QueueName": "dead" }));
    let policy = json!({
        "deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead",
        "maxReceiveCount": 2,
    });
    client.ok(
        "CreateQueue",
        &json!({ "QueueName": "work", "Attributes": { "RedrivePolicy": policy.to_string() } }),
    );
    let fifo = json!({ "QueueName": "w.fifo", "Attributes": { "FifoQueue": "true" } });
    client.ok("CreateQueue", &fifo);
    let receive = |client: &mut Client, visibility: u32| {
        let request = json!({ "QueueUrl": url("work"), "VisibilityTimeout": visibility });
        client.ok("ReceiveMessage", &request)["Messages"][0]["ReceiptHandle"].clone()
    };
    let send = |client: &mut Client, body: &str, delay: u32| {
        let request =
            json!({ "QueueUrl": url("work"), "MessageBody": body, "DelaySeconds": delay });
        client.ok("SendMessage", &request);
    };
    send(&mut client, "12345", 0);
    for _ in 0..2 {
        let receipt = receive(&mut client, 60);
        let back =
            json!({ "QueueUrl": url("work"), "ReceiptHandle": receipt, "VisibilityTimeout": 0 });
        client.ok("ChangeMessageVisibility", &back);
    }
    // To the dead letters now; an empty receive.
    assert_eq!(receive(&mut client, 60), Value::Null);
    send(&mut client, "deleted", 0);
    let receipt = receive(&mut client, 60);
    client.ok(
        "DeleteMessage",
        &json!({ "QueueUrl": url("work"), "ReceiptHandle": receipt }),
    );
    send(&mut client, "in flight", 0);
    receive(&mut client, 60);
    send(&mut client, "delayed", 900);
    for group in ["a", "b", "b"] {
        let message = json!({
            "QueueUrl": url("w.fifo"),
            "MessageBody": group,
            "MessageGroupId": group,
            "MessageDeduplicationId": format!("{group}{}", next_number()),
        });
        client.ok("SendMessage", &message);
    }
    let mut admin = server.admin_client();
    let dead = format!("lclq_queue_depth{{{}}}", queue_labels("dead"));
    let text = scrape_until(&mut admin, &dead, 1.0);
    let of = |family: &str, queue: &str| format!("{family}{{{}}}", queue_labels(queue));
    let passed =
        |family: &str, queue: &str| format!(r#"{family}{{{},dialect="sqs"}}"#, queue_labels(queue));
    holds(
        &text,
        &[
            (passed("lclq_messages_sent_total", "work"), 4.0),
            (passed("lclq_messages_sent_bytes_total", "work"), 28.0),
            (passed("lclq_messages_received_total", "work"), 4.0),
            (passed("lclq_empty_receives_total", "work"), 1.0),
            (passed("lclq_messages_deleted_total", "work"), 1.0),
            (passed("lclq_messages_returned_total", "work"), 2.0),
            (passed("lclq_leases_expired_total", "work"), 0.0),
            (of("lclq_messages_to_dlq_total", "work"), 1.0),
            (of("lclq_queue_depth", "work"), 0.0),
            (of("lclq_in_flight_messages", "work"), 1.0),
            (of("lclq_delayed_messages", "work"), 1.0),
            (of("lclq_message_groups", "w.fifo"), 2.0),
            (of("lclq_queue_depth", "w.fifo"), 3.0),
            (
                r#"lclq_receives_per_message_bucket{dialect="sqs",le="1"}"#.to_owned(),
                1.0,
            ),
            ("lclq_queue_count".to_owned(), 3.0),
        ],
    );
    let age = samples(&text)[&of("lclq_oldest_message_age_seconds", "work")];
    assert!(age > 0.0 && age < 60.0, "{age}");
    // A purge takes the messages and none of what was counted.
    client.ok("PurgeQueue", &json!({ "QueueUrl": url("work") }));
    holds(
        &scrape(&mut admin, "/metrics"),
        &[
            (passed("lclq_messages_sent_total", "work"), 4.0),
            (of("lclq_in_flight_messages", "work"), 0.0),
            (of("lclq_oldest_message_age_seconds", "work"), 0.0),
        ],
    );
    server.stop();
}

fn next_number() -> usize {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Answers push requests, the first with 500 and the next with 204.
fn push_endpoint() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        let mut statuses = ["500 Oops"].into_iter();
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut request = Vec::new();
            let mut part = [0; 4096];
            // A request's JSON ends it.
            while !request.ends_with(b"}") {
                match stream.read(&mut part) {
                    Ok(count @ 1..) => request.extend_from_slice(&part[..count]),
                    _ => break,
                }
            }
            let status = statuses.next().unwrap_or("204 No Content");
            let answer =
                format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}

#[test]
fn subscriptions_tell_their_backlog_and_what_became_of_pushes() {
    let server = launch().start();
    let port = push_endpoint();
    let mut client = server.pubsub_client();
    let mut make = |path: &str, body: Value| {
        let path = format!("/v1/projects/shop/{path}");
        client.rest("PUT", &path, &body).unwrap().ok();
    };
    make("topics/t-pull", json!({}));
    make("topics/t-push", json!({}));
    make(
        "subscriptions/pulled",
        json!({ "topic": "projects/shop/topics/t-pull" }),
    );
    let push = json!({
        "topic": "projects/shop/topics/t-push",
        "pushConfig": { "pushEndpoint": format!("http://127.0.0.1:{port}/") },
    });
    make("subscriptions/pushed", push);
    let mut post = |path: &str, body: Value| {
        let path = format!("/v1/projects/shop/{path}");
        client.rest("POST", &path, &body).unwrap().ok()
    };
    let message = json!({ "data": "aGVsbG8=" });
    let three = json!({ "messages": [message, message, message] });
    post("topics/t-pull:publish", three);
    let pulled = post("subscriptions/pulled:pull", json!({ "maxMessages": 2 }));
    let ack_ids: Vec<Value> = pulled["receivedMessages"]
        .as_array()
        .expect("messages")
        .iter()
        .map(|message| message["ackId"].clone())
        .collect();
    post(
        "subscriptions/pulled:acknowledge",
        json!({ "ackIds": [ack_ids[0]] }),
    );
    post(
        "subscriptions/pulled:modifyAckDeadline",
        json!({ "ackIds": [ack_ids[1]], "ackDeadlineSeconds": 0 }),
    );
    post("subscriptions/pulled:pull", json!({ "maxMessages": 1 }));
    post("topics/t-push:publish", json!({ "messages": [message] }));

    let of = |family: &str, name: &str| {
        format!(
            r#"{family}{{subscription_id="projects/shop/subscriptions/{name}",subscription_name="{name}"}}"#
        )
    };
    let pushes = |outcome: &str| {
        format!(
            r#"lclq_subscription_push_requests_total{{subscription_id="projects/shop/subscriptions/pushed",subscription_name="pushed",outcome="{outcome}"}}"#
        )
    };
    let mut admin = server.admin_client();
    scrape_until(&mut admin, &pushes("ack"), 1.0);
    let text = scrape_until(
        &mut admin,
        &of("lclq_subscription_acks_total", "pushed"),
        1.0,
    );
    holds(
        &text,
        &[
            (of("lclq_subscription_backlog_messages", "pulled"), 2.0),
            (of("lclq_subscription_outstanding_messages", "pulled"), 1.0),
            (of("lclq_subscription_acks_total", "pulled"), 1.0),
            (of("lclq_subscription_nacks_total", "pulled"), 1.0),
            (of("lclq_subscription_open_streams", "pulled"), 0.0),
            (of("lclq_subscription_open_streams", "pushed"), 1.0),
            (of("lclq_subscription_nacks_total", "pushed"), 1.0),
            (of("lclq_subscription_oldest_unacked_age_seconds", "pushed"), 0.0),
            (pushes("remote_server_5xx"), 1.0),
            (pushes("unreachable"), 0.0),
            (
                r#"lclq_messages_sent_total{queue_id="projects/shop/topics/t-pull",queue_name="t-pull",dialect="pubsub"}"#
                    .to_owned(),
                3.0,
            ),
            (
                r#"lclq_messages_received_total{queue_id="projects/shop/subscriptions/pulled",queue_name="pulled",dialect="pubsub"}"#
                    .to_owned(),
                3.0,
            ),
            ("lclq_subscription_count".to_owned(), 2.0),
        ],
    );
    let age = samples(&text)[&of("lclq_subscription_oldest_unacked_age_seconds", "pulled")];
    assert!(age > 0.0 && age < 60.0, "{age}");

    let text = scrape(&mut admin, "/metrics?names=monitoring");
    const OF: &str = "stackdriver_pubsub_subscription_pubsub_googleapis_com_subscription";
    let labels = r#"project_id="shop",subscription_id="pulled""#;
    holds(
        &text,
        &[
            (format!("{OF}_num_undelivered_messages{{{labels}}}"), 2.0),
            (format!("{OF}_ack_message_count{{{labels}}}"), 1.0),
            (
                r#"stackdriver_pubsub_topic_pubsub_googleapis_com_topic_send_message_operation_count{project_id="shop",topic_id="t-pull"}"#
                    .to_owned(),
                3.0,
            ),
        ],
    );
    server.stop();
}

#[test]
fn the_age_is_that_of_the_oldest_that_is_not_acknowledged() {
    // More acknowledged ones are retained than one look goes past.
    const RETAINED: usize = 1500;
    const CLOCK: &str = "/api/v1/test/clock/advance";
    let server = launch().switch("--test-controls").start();
    let mut admin = server.admin_client();
    let mut client = server.pubsub_client();
    client
        .rest("PUT", "/v1/projects/shop/topics/topic", &json!({}))
        .unwrap()
        .ok();
    let subscription =
        json!({ "topic": "projects/shop/topics/topic", "retainAckedMessages": true });
    client
        .rest("PUT", "/v1/projects/shop/subscriptions/held", &subscription)
        .unwrap()
        .ok();
    let mut publish = |count: usize| {
        let messages: Vec<Value> = vec![json!({ "data": "aA==" }); count];
        let body = json!({ "messages": messages });
        client
            .rest("POST", "/v1/projects/shop/topics/topic:publish", &body)
            .unwrap()
            .ok();
    };
    publish(RETAINED / 2);
    publish(RETAINED / 2);
    let mut left = RETAINED;
    while left > 0 {
        let pulled = client
            .rest(
                "POST",
                "/v1/projects/shop/subscriptions/held:pull",
                &json!({ "maxMessages": 1000 }),
            )
            .unwrap()
            .ok();
        let ids: Vec<&Value> = pulled["receivedMessages"]
            .as_array()
            .expect("messages")
            .iter()
            .map(|message| &message["ackId"])
            .collect();
        left -= ids.len();
        client
            .rest(
                "POST",
                "/v1/projects/shop/subscriptions/held:acknowledge",
                &json!({ "ackIds": ids }),
            )
            .unwrap()
            .ok();
    }
    let age = |admin: &mut Client| samples(&scrape(admin, "/metrics"))[r#"lclq_subscription_oldest_unacked_age_seconds{subscription_id="projects/shop/subscriptions/held",subscription_name="held"}"#];
    assert_eq!(age(&mut admin), 0.0, "nothing is unacknowledged");
    let hour = json!({ "ms": 3_600_000 });
    let moved = admin.rest("POST", CLOCK, &hour).unwrap();
    assert_eq!(moved.status, 200, "{}", moved.json());
    let body = json!({ "messages": [{ "data": "aA==" }] });
    client
        .rest("POST", "/v1/projects/shop/topics/topic:publish", &body)
        .unwrap()
        .ok();
    // One look goes past a thousand, the next past the rest.
    let looks = [age(&mut admin), age(&mut admin)];
    assert!(looks[1] < 600.0, "{looks:?}");
    server.stop();
}

#[test]
fn many_queues_are_summed_in_one_series_and_no_message_is_lost_in_it() {
    let server = launch().flag("--metrics-series-max", "4").start();
    let mut client = server.client();
    for number in 0..20 {
        let name = format!("q{number:02}");
        client.ok("CreateQueue", &json!({ "QueueName": name }));
        client.ok(
            "SendMessage",
            &json!({ "QueueUrl": url(&name), "MessageBody": "x" }),
        );
    }
    let text = scrape(&mut server.admin_client(), "/metrics");
    let found = samples(&text);
    for family in ["lclq_queue_depth", "lclq_messages_sent_total"] {
        let series = found
            .iter()
            .filter(|(name, _)| name.split('{').next() == Some(family));
        let values: Vec<f64> = series.map(|(_, value)| *value).collect();
        assert_eq!(values.len(), 5, "{text}");
        assert_eq!(values.iter().sum::<f64>(), 20.0, "{text}");
    }
    let others = r#"lclq_queue_depth{queue_id="(others)",queue_name="(others)"}"#;
    assert_eq!(found[others], 16.0);
    server.stop();
}

#[test]
fn what_is_there_is_what_the_reference_says() {
    let directory = tempfile::tempdir().unwrap();
    let server = launch().data_dir(directory.path()).start();
    use_all(&server);
    let mut admin = server.admin_client();
    for (names, section) in [
        ("lclq", ""),
        ("cloudwatch", "CloudWatch's"),
        ("monitoring", "Cloud Monitoring's"),
    ] {
        let text = scrape(&mut admin, &format!("/metrics?names={names}"));
        let documented = documented(section);
        let kinds: BTreeMap<String, String> = documented
            .iter()
            .map(|(name, (kind, _))| (name.clone(), kind.clone()))
            .collect();
        assert_eq!(families(&text), kinds);
        for sample in samples(&text).keys() {
            let (name, labels) = sample.split_once('{').unwrap_or((sample, ""));
            let base = ["_bucket", "_sum", "_count"]
                .iter()
                .filter_map(|suffix| name.strip_suffix(suffix))
                .find(|base| documented.contains_key(*base))
                .unwrap_or(name);
            let (_, expected) = &documented[base];
            let labels = labels.trim_end_matches('}').split("\",");
            let labels: BTreeSet<String> = labels
                .filter_map(|label| Some(label.split_once('=')?.0.to_owned()))
                .filter(|label| label != "le")
                .collect();
            assert_eq!(&labels, expected, "{sample}");
        }
    }
    // Commits of the journal, measured where they are made.
    let found = samples(&scrape(&mut admin, "/metrics"));
    assert!(found["lclq_journal_commit_seconds_count"] >= 2.0);
    assert!(found["lclq_journal_commit_seconds_sum"] > 0.0);
    assert!(found["lclq_journal_commit_changes_sum"] >= 2.0);
    assert!(found["lclq_journal_log_pages"] > 0.0);
    assert_eq!(admin.get("/metrics?names=other").unwrap().status, 400);
    server.stop();
}

#[test]
fn cloudwatchs_sums_are_of_the_last_minute() {
    let server = launch().start();
    let mut client = server.client();
    let mut admin = server.admin_client();
    client.ok("CreateQueue", &json!({ "QueueName": "orders" }));
    let send = |client: &mut Client| {
        let message = json!({ "QueueUrl": url("orders"), "MessageBody": "12345678" });
        client.ok("SendMessage", &message);
    };
    send(&mut client);
    let labels = r#"account_id="000000000000",dimension_QueueName="orders",name="arn:aws:sqs:us-east-1:000000000000:orders",queue_name="orders",region="us-east-1""#;
    let of = |name: &str| format!("aws_sqs_{name}{{{labels}}}");
    let first = samples(&scrape(&mut admin, "/metrics?names=cloudwatch"));
    let visible = of("approximate_number_of_messages_visible_average");
    assert_eq!(first[&visible], 1.0);
    let sent = of("number_of_messages_sent_sum");
    assert_eq!(first.get(&sent), None, "nothing is known of before");
    send(&mut client);
    send(&mut client);
    let text = scrape(&mut admin, "/metrics?names=cloudwatch,lclq");
    holds(
        &text,
        &[
            (visible, 3.0),
            (sent, 2.0),
            (of("sent_message_size_average"), 8.0),
            ("lclq_queue_count".to_owned(), 1.0),
        ],
    );
    server.stop();
}

#[test]
fn the_port_for_metrics_has_these_and_health_alone() {
    let server = launch().flag("--metrics-port", "0").start();
    use_all(&server);
    let mut client = server.metrics_client();
    let text = scrape(&mut client, "/metrics");
    assert_eq!(samples(&text)["lclq_queue_count"], 1.0);
    assert_eq!(client.get("/health").unwrap().ok()["status"], "ok");
    for path in ["/", "/queues", "/api/v1/metrics", "/stats", "/config"] {
        assert_eq!(client.get(path).unwrap().status, 404, "{path}");
    }
    let posted = client.rest("POST", "/metrics", &json!({})).unwrap();
    assert_eq!(posted.status, 405);
    // OpenMetrics, compressed, for those who ask.
    let mut client = server.metrics_client();
    let ask =
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: application/openmetrics-text\r\n\r\n";
    client.write(ask.as_bytes()).unwrap();
    let answer = client.receive().unwrap();
    assert!(
        answer.head.contains("application/openmetrics-text"),
        "{}",
        answer.head
    );
    assert!(answer.body.ends_with(b"# EOF\n"));
    let ask = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n";
    client.write(ask.as_bytes()).unwrap();
    let answer = client.receive().unwrap();
    assert!(
        answer
            .head
            .to_lowercase()
            .contains("content-encoding: gzip"),
        "{}",
        answer.head
    );
    let mut text = String::new();
    flate2::read::GzDecoder::new(&answer.body[..])
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(samples(&text)["lclq_queue_count"], 1.0);
    // A stranger's web page.
    let page = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n\
                Sec-Fetch-Site: cross-site\r\n\r\n";
    client.write(page.as_bytes()).unwrap();
    assert_eq!(client.receive().unwrap().status, 403);
    server.stop();
}

#[test]
fn a_journal_that_fails_is_told_of() {
    let directory = tempfile::tempdir().unwrap();
    let server = launch()
        .flag("--metrics-port", "0")
        .data_dir(directory.path())
        .start();
    use_all(&server);
    let mut client = server.metrics_client();
    let failed = r#"lclq_backend_errors_total{backend="sqlite",operation="commit"}"#;
    let well = [
        ("lclq_journal_up".to_owned(), 1.0),
        (failed.to_owned(), 0.0),
    ];
    holds(&scrape(&mut client, "/metrics"), &well);
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().contains("sqlite") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let message = json!({ "QueueUrl": url("orders"), "MessageBody": "lost" });
    let answer = server.client().call("SendMessage", &message).unwrap();
    assert_eq!(answer.status, 503, "{}", answer.json());
    let found = samples(&scrape(&mut client, "/metrics"));
    assert!(found[failed] >= 1.0);
    assert_eq!(found["lclq_journal_up"], 0.0);
    assert_eq!(client.get("/health").unwrap().status, 503);
    server.kill();
}

#[test]
fn dashboard_and_alerts_ask_for_what_there_is() {
    let documented = documented("");
    for file in ["deploy/grafana/lclq.json", "deploy/prometheus/alerts.yml"] {
        let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect(file);
        let words = text.split(|char: char| !(char.is_ascii_alphanumeric() || char == '_'));
        let names: BTreeSet<&str> = words
            .filter(|word| word.starts_with("lclq_") || word.starts_with("process_"))
            .collect();
        assert!(names.len() > 10, "{file} asks for {names:?}");
        for name in names {
            let is_there = documented.contains_key(name)
                || ["_bucket", "_sum", "_count"].iter().any(|suffix| {
                    let base = name.strip_suffix(suffix);
                    let found = base.and_then(|base| documented.get(base));
                    found.is_some_and(|(kind, _)| kind == "histogram")
                });
            assert!(is_there, "{file}: there is no {name}");
        }
    }
}
