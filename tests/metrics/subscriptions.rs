//! Series of topics and subscriptions.

use super::reading::{holds, launch, samples, scrape, scrape_until};
use crate::support::Client;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;

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
