//! Requests suffer what fault rules say, by clients of both dialects.

mod support;

use serde_json::{Value, json};
use std::process::Command;
use std::time::{Duration, Instant};
use support::{Client, Launch, Server};

fn start() -> Server {
    Launch::new()
        .flag("--cores", "2")
        .switch("--test-controls")
        .start()
}

fn set(server: &Server, rule: Value) -> String {
    let mut admin = server.admin_client();
    let answer = admin.rest("POST", "/api/v1/test/faults", &rule).unwrap();
    assert_eq!(answer.status, 201, "{rule}");
    answer.json()["name"].as_str().unwrap().to_owned()
}

fn clear(server: &Server) {
    let mut admin = server.admin_client();
    let cleared = admin.rest("DELETE", "/api/v1/test/faults", &json!({}));
    assert_eq!(cleared.unwrap().status, 200);
}

fn queue(client: &mut Client, name: &str) -> String {
    let made = client.ok("CreateQueue", &json!({ "QueueName": name }));
    made["QueueUrl"].as_str().unwrap().to_owned()
}

fn waiting(client: &mut Client, url: &str) -> Value {
    let asked = json!({ "QueueUrl": url, "AttributeNames": ["ApproximateNumberOfMessages"] });
    client.ok("GetQueueAttributes", &asked)["Attributes"]["ApproximateNumberOfMessages"].clone()
}

#[test]
fn errors_of_sqs_come_in_both_protocols_and_only_for_what_a_rule_names() {
    let server = start();
    let mut client = server.client();
    let (tea, coffee) = (queue(&mut client, "tea"), queue(&mut client, "coffee"));
    set(
        &server,
        json!({
            "dialect": "sqs", "action": "SendMessage", "resource": "te?",
            "effect": { "error": { "code": "InternalFailure", "message": "as asked" } },
        }),
    );
    let send = |url: &str| json!({ "QueueUrl": url, "MessageBody": "m" });
    let refused = client.call("SendMessage", &send(&tea)).unwrap();
    assert_eq!(refused.status, 500);
    let said = refused.json();
    assert_eq!(said["__type"], "com.amazon.coral.service#InternalFailure");
    assert_eq!(said["message"], "as asked");
    client.ok("SendMessage", &send(&coffee));
    client.ok("ReceiveMessage", &json!({ "QueueUrl": tea }));
    let path = url_path(&tea);
    let query = format!("{path}?Action=SendMessage&MessageBody=m");
    let refused = client.get(&query).unwrap();
    assert_eq!(refused.status, 500);
    let xml = String::from_utf8(refused.body).unwrap();
    assert!(
        xml.contains("<Code>InternalFailure</Code><Message>as asked</Message>"),
        "{xml}"
    );
    clear(&server);
    client.ok("SendMessage", &send(&tea));
    assert_eq!(
        waiting(&mut client, &tea),
        "1",
        "what was refused wasn't carried out"
    );
}

fn url_path(url: &str) -> &str {
    let after = url.split_once("://").unwrap().1;
    &after[after.find('/').unwrap()..]
}

#[test]
fn some_requests_are_throttled_and_some_are_late() {
    let server = start();
    let mut client = server.client();
    let url = queue(&mut client, "tea");
    let send = json!({ "QueueUrl": url, "MessageBody": "m" });
    set(
        &server,
        json!({ "name": "third", "action": "SendMessage", "every": 3, "effect": "throttle" }),
    );
    let statuses: Vec<u16> = (0..6)
        .map(|_| client.call("SendMessage", &send).unwrap().status)
        .collect();
    assert_eq!(statuses, [200, 200, 403, 200, 200, 403]);
    let listed = server
        .admin_client()
        .get("/api/v1/test/faults")
        .unwrap()
        .ok();
    let rule = &listed["faults"][0];
    assert_eq!((&rule["matched"], &rule["fired"]), (&json!(6), &json!(2)));
    clear(&server);
    set(
        &server,
        json!({ "times": 1, "effect": { "latency": { "ms": 200, "ms_max": 210 } } }),
    );
    for late in [true, false] {
        let began = Instant::now();
        client.ok("SendMessage", &send);
        assert_eq!(began.elapsed() >= Duration::from_millis(200), late);
    }
}

#[test]
fn a_connection_ends_before_or_after_what_was_asked() {
    let server = start();
    let url = queue(&mut server.client(), "tea");
    let send = json!({ "QueueUrl": url, "MessageBody": "m" });
    for (when, messages) in [("before", "0"), ("after", "1")] {
        set(
            &server,
            json!({ "action": "SendMessage", "effect": { "drop": when } }),
        );
        let gone = server.client().call("SendMessage", &send);
        assert!(gone.is_err(), "{when}: answered");
        clear(&server);
        assert_eq!(waiting(&mut server.client(), &url), messages, "{when}");
    }
}

#[test]
fn entries_of_a_batch_fail_and_the_others_are_carried_out() {
    let server = start();
    let mut client = server.client();
    let url = queue(&mut client, "tea");
    set(
        &server,
        json!({
            "dialect": "sqs", "action": "*Batch", "seed": 5,
            "effect": { "entries": { "share": 0.5, "code": "ServiceUnavailable" } },
        }),
    );
    let entries = |more: fn(usize) -> Value| -> Vec<Value> {
        (0..10)
            .map(|at| {
                let mut entry = more(at);
                entry["Id"] = json!(at.to_string());
                entry
            })
            .collect()
    };
    let bodies = entries(|at| json!({ "MessageBody": format!("m{at}") }));
    let sent = client.ok(
        "SendMessageBatch",
        &json!({ "QueueUrl": url, "Entries": bodies }),
    );
    let (done, failed) = (
        sent["Successful"].as_array().unwrap().len(),
        sent["Failed"].as_array().unwrap(),
    );
    assert!(
        done > 0 && !failed.is_empty() && done + failed.len() == 10,
        "{sent}"
    );
    assert_eq!(failed[0]["Code"], "ServiceUnavailable");
    assert_eq!(failed[0]["SenderFault"], false);
    assert_eq!(waiting(&mut client, &url), done.to_string());
}

#[test]
fn calls_of_pubsub_suffer_over_rest_and_by_streams() {
    let server = start();
    let mut rest = server.pubsub_client();
    let mut call = |method: &str, path: &str, body: Value| {
        rest.rest(method, &format!("/v1/projects/p/{path}"), &body)
    };
    call("PUT", "topics/tea", json!({})).unwrap().ok();
    call(
        "PUT",
        "subscriptions/sub",
        json!({ "topic": "projects/p/topics/tea" }),
    )
    .unwrap()
    .ok();
    set(
        &server,
        json!({
            "dialect": "pubsub", "action": "Publish", "resource": "projects/*/topics/tea",
            "effect": { "error": { "code": "ABORTED" } },
        }),
    );
    let publish = || json!({ "messages": [{ "data": "eA==" }] });
    let refused = call("POST", "topics/tea:publish", publish()).unwrap();
    assert_eq!(refused.status, 409);
    assert_eq!(refused.json()["error"]["status"], "ABORTED");
    clear(&server);
    set(
        &server,
        json!({ "action": "Publish", "effect": { "drop": "after" } }),
    );
    assert!(call("POST", "topics/tea:publish", publish()).is_err());
    clear(&server);
    let mut rest = server.pubsub_client();
    let pulled = rest
        .rest(
            "POST",
            "/v1/projects/p/subscriptions/sub:pull",
            &json!({ "maxMessages": 5 }),
        )
        .unwrap()
        .ok();
    assert_eq!(pulled["receivedMessages"].as_array().unwrap().len(), 1);
}

#[test]
fn the_command_line_sets_and_lists_rules() {
    let server = start();
    let url = format!("http://{}", server.admin_address());
    let lclq = |args: &[&str]| {
        let ran = Command::new(support::binary())
            .args(args)
            .env("LCLQ_URL", &url)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (ran.status.code(), text(&ran.stdout), text(&ran.stderr))
    };
    let set = [
        "fault",
        "set",
        "--name",
        "slow",
        "--action",
        "Pull",
        "--latency",
        "20ms",
    ];
    assert_eq!(lclq(&set).0, Some(0));
    let (code, listed, _) = lclq(&["fault", "list", "--output", "name"]);
    assert_eq!((code, &*listed), (Some(0), "slow\n"));
    let (code, _, error) = lclq(&["fault", "set", "--dialect", "sqs", "--error", "ABORTED"]);
    assert_eq!(code, Some(1));
    assert!(
        error.contains("there is no error \"ABORTED\" in this dialect"),
        "{error}"
    );
    assert_eq!(lclq(&["fault", "set", "--action", "Pull"]).0, Some(2));
    assert_eq!(lclq(&["fault", "remove", "slow"]).0, Some(0));
    assert_eq!(lclq(&["fault", "remove", "slow"]).0, Some(4));
}

#[test]
fn a_server_that_is_not_for_tests_takes_no_rules() {
    let server = Launch::new().start();
    let rule = json!({ "effect": "throttle" });
    let refused = server
        .admin_client()
        .rest("POST", "/api/v1/test/faults", &rule)
        .unwrap();
    assert_eq!(refused.status, 403);
}
