//! `/metrics`: what is counted, under which names, within which bounds.

mod metrics {
    pub mod names;
    pub mod reading;
    pub mod subscriptions;
}
mod support;

use metrics::reading::{holds, launch, queue_labels, samples, scrape, scrape_until, url, use_all};
use serde_json::{Value, json};
use std::io::Read;
use support::Client;

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
