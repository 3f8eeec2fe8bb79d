//! What else a test may do to a server that was started for tests.

mod support;

use serde_json::{Value, json};
use support::{Launch, Server};

fn launch() -> Launch {
    Launch::new()
        .flag("--cores", "2")
        .flag("--shards", "3")
        .switch("--test-controls")
}

/// Names of queues and topics that are there.
fn there(server: &Server) -> Vec<String> {
    let mut names = Vec::new();
    let queues = server.admin_client().get("/api/v1/queues").unwrap().ok();
    for queue in queues["queues"].as_array().unwrap() {
        let text = |member: &str| queue[member].as_str().unwrap().to_owned();
        names.push(format!(
            "{} {} {}",
            text("account"),
            text("region"),
            text("name")
        ));
    }
    for project in ["p", "other"] {
        let path = format!("/v1/projects/{project}/topics");
        let topics = server.pubsub_client().get(&path).unwrap().ok();
        let topics = topics["topics"].as_array().cloned().unwrap_or_default();
        names.extend(
            topics
                .iter()
                .map(|topic| topic["name"].as_str().unwrap().to_owned()),
        );
    }
    names.sort();
    names
}

#[test]
fn a_reset_leaves_nothing_of_what_was_named() {
    let server = launch().start();
    let (mut admin, mut pubsub) = (server.admin_client(), server.pubsub_client());
    let mut post = |path: &str, body: Value| admin.rest("POST", path, &body).unwrap();
    for query in ["", "?account=111111111111", "?region=eu-west-1"] {
        let path = format!("/api/v1/queues{query}");
        assert_eq!(post(&path, json!({ "name": "q" })).status, 201);
    }
    for project in ["p", "other"] {
        let mut put = |path: &str, body: Value| {
            let path = format!("/v1/projects/{project}/{path}");
            pubsub.rest("PUT", &path, &body).unwrap().ok()
        };
        put("topics/tea", json!({}));
        put(
            "subscriptions/sub",
            json!({ "topic": format!("projects/{project}/topics/tea") }),
        );
        put(
            "snapshots/snap",
            json!({ "subscription": format!("projects/{project}/subscriptions/sub") }),
        );
    }
    let all = [
        "000000000000 eu-west-1 q",
        "000000000000 us-east-1 q",
        "111111111111 us-east-1 q",
        "projects/other/topics/tea",
        "projects/p/topics/tea",
    ];
    assert_eq!(there(&server), all);
    for (scope, left) in [
        (
            json!({ "account": "111111111111" }),
            vec![all[0], all[1], all[3], all[4]],
        ),
        (
            json!({ "region": "eu-west-1" }),
            vec![all[1], all[3], all[4]],
        ),
        (json!({ "project": "p" }), vec![all[1], all[3]]),
        (json!({}), vec![]),
    ] {
        let answer = post("/api/v1/test/reset", scope.clone());
        assert_eq!(answer.status, 200, "{scope}: {}", answer.json());
        assert_eq!(there(&server), left, "{scope}");
    }
    let stats = post("/api/v1/test/reset", json!({})).ok();
    assert_eq!(
        stats["topics_subscriptions_snapshots_schemas"], 0,
        "{stats}"
    );
    assert_eq!(
        post("/api/v1/test/reset", json!({ "acount": "1" })).status,
        400
    );
    server.stop();
}
