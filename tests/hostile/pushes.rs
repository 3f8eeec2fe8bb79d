//! Push endpoints.

use super::ordeal::{self, Bounds, endure, rest_ok, server};
use super::support::Launch;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[test]
fn a_subscription_that_pushes_to_its_own_topic_twice() {
    let server = server();
    let mut client = server.pubsub_client();
    // Whatever is published becomes a request to publish two more.
    let code = r#"function f(m) {
        const one = {attributes: {a: "b"}};
        m.data = JSON.stringify({messages: [one, one]});
        return m; }"#;
    let function = json!({"javascriptUdf": {"functionName": "f", "code": code}});
    rest_ok(
        &mut client,
        "PUT",
        "/v1/projects/p/topics/circle",
        &json!({ "messageTransforms": [function] }),
    );
    let endpoint = format!(
        "http://{}/v1/projects/p/topics/circle:publish",
        server.pubsub_address()
    );
    rest_ok(
        &mut client,
        "PUT",
        "/v1/projects/p/subscriptions/circle",
        &json!({
            "topic": "projects/p/topics/circle",
            "pushConfig": {"pushEndpoint": endpoint, "noWrapper": {}},
        }),
    );
    let bounds = Bounds {
        within: Duration::from_secs(10),
        growth_bytes_max: 256 << 20,
    };
    endure(&server, &bounds, || {
        let request = json!({ "messages": [{"attributes": {"a": "b"}}] });
        let path = "/v1/projects/p/topics/circle:publish";
        rest_ok(&mut client, "POST", path, &request);
        std::thread::sleep(Duration::from_secs(4));
    });
    let before = ordeal::running_time(server.pid());
    std::thread::sleep(Duration::from_secs(2));
    let time = ordeal::running_time(server.pid()) - before;
    assert!(time < Duration::from_millis(400), "it goes on: {time:?}");
}

/// Whether a push to `endpoint` is refused for being link-local.
fn refuses(launch: Launch, endpoint: &str) -> bool {
    let mut server = launch.flag("--log", "lclq=debug").start();
    let mut client = server.pubsub_client();
    rest_ok(&mut client, "PUT", "/v1/projects/p/topics/link", &json!({}));
    let subscription = json!({
        "topic": "projects/p/topics/link",
        "pushConfig": {"pushEndpoint": endpoint},
        "ackDeadlineSeconds": 10,
    });
    let path = "/v1/projects/p/subscriptions/link";
    rest_ok(&mut client, "PUT", path, &subscription);
    let message: Value = json!({ "messages": [{ "data": "eA==" }] });
    rest_ok(
        &mut client,
        "POST",
        "/v1/projects/p/topics/link:publish",
        &message,
    );
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let log = server.stderr();
        if let Some(line) = log.lines().find(|line| line.contains("not delivered")) {
            return line.contains("--push-allow-link-local");
        }
        assert!(Instant::now() < until, "{log}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn link_local_addresses_need_leave() {
    for endpoint in [
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:169.254.169.254]/",
        "http://[fe80::1]/",
        // What the system's resolver takes for 169.254.169.254.
        "http://2852039166/",
        "http://0xa9fea9fe/",
    ] {
        assert!(refuses(Launch::new(), endpoint), "{endpoint}");
    }
    // Nobody listens at this port of the loopback: tried, and refused by the other side.
    assert!(!refuses(Launch::new(), "http://127.0.0.1:1/"));
    let allowed = Launch::new().switch("--push-allow-link-local");
    assert!(!refuses(allowed, "http://[fe80::1]:1/"));
}
