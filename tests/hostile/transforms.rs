//! User-defined functions.

use super::ordeal::{self, Bounds, endure, rest_ok, server};
use super::support::{Client, Launch};
use serde_json::json;
use std::time::{Duration, Instant};

const MIB: u64 = 1 << 20;

pub fn topic_with(client: &mut Client, topic: &str, code: &str) {
    let function = json!({"javascriptUdf": {"functionName": "f", "code": code}});
    rest_ok(
        client,
        "PUT",
        &format!("/v1/projects/p/topics/{topic}"),
        &json!({ "messageTransforms": [function] }),
    );
}

fn publish(client: &mut Client, topic: &str, count: usize, data: &str) -> u16 {
    let message = json!({ "data": data });
    let request = json!({ "messages": vec![message; count] });
    let path = format!("/v1/projects/p/topics/{topic}:publish");
    let answer = client.rest("POST", &path, &request).expect("an answer");
    answer.status
}

#[test]
fn built_in_functions_that_run_for_minutes() {
    let server = server();
    let mut client = server.pubsub_client();
    topic_with(
        &mut client,
        "endless",
        "function f(m) { if (m.data === 'x') new Array(4294967295).join('x'); return m; }",
    );
    let bounds = Bounds {
        within: Duration::from_secs(20),
        growth_bytes_max: 400 * MIB,
    };
    endure(&server, &bounds, || {
        // "eA==" is x, and "eQ==" is y.
        for _ in 0..6 {
            assert_eq!(publish(&mut client, "endless", 1, "eA=="), 400);
            assert_eq!(publish(&mut client, "endless", 1, "eQ=="), 200);
        }
    });
    // Nothing goes on behind the answers.
    let before = ordeal::running_time(server.pid());
    std::thread::sleep(Duration::from_secs(1));
    let time = ordeal::running_time(server.pid()) - before;
    assert!(time < Duration::from_millis(300), "{time:?}");
}

#[test]
fn a_long_queue_of_slow_calls_is_not_taken_for_stuck() {
    let server = Launch::new().flag("--cores", "1").start();
    let mut client = server.pubsub_client();
    topic_with(
        &mut client,
        "slow",
        "function f(m) { const end = Date.now() + 450; while (Date.now() < end); return m; }",
    );
    let bounds = Bounds {
        within: Duration::from_secs(60),
        growth_bytes_max: 200 * MIB,
    };
    endure(&server, &bounds, || {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                let mut client = server.pubsub_client();
                scope.spawn(move || assert_eq!(publish(&mut client, "slow", 18, "eA=="), 200));
            }
        });
        topic_with(&mut client, "quick", "function f(m) { return m; }");
        assert_eq!(publish(&mut client, "quick", 1, "eA=="), 200);
    });
}

#[test]
fn functions_that_keep_memory() {
    let server = server();
    let mut client = server.pubsub_client();
    let code = "const kept = []; function f(m) {
        for (let i = kept.length; i < 100; i++) kept.push(new Uint8Array(1 << 20).fill(1));
        return m; }";
    let topics: Vec<String> = (0..23).map(|number| format!("keeps-{number}")).collect();
    let before = ordeal::memory(server.pid());
    let bounds = Bounds {
        within: Duration::from_secs(30),
        growth_bytes_max: 900 * MIB,
    };
    endure(&server, &bounds, || {
        for topic in &topics {
            topic_with(&mut client, topic, code);
            assert_eq!(publish(&mut client, topic, 1, "eA=="), 200, "{topic}");
        }
    });
    for topic in &topics {
        let path = format!("/v1/projects/p/topics/{topic}");
        rest_ok(&mut client, "DELETE", &path, &json!({}));
    }
    let until = Instant::now() + Duration::from_secs(40);
    while ordeal::memory(server.pid()) > before + 128 * MIB {
        assert!(Instant::now() < until, "what they kept is never freed");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn the_process_of_functions_is_killed_by_somebody_else() {
    let server = server();
    let mut client = server.pubsub_client();
    topic_with(&mut client, "fine", "function f(m) { return m; }");
    for _ in 0..3 {
        assert_eq!(publish(&mut client, "fine", 10, "eA=="), 200);
        let children = ordeal::children(server.pid());
        assert!(!children.is_empty(), "functions run in a process");
        for child in children {
            let mut kill = std::process::Command::new("kill");
            let killed = kill.args(["-KILL", &child.to_string()]).status();
            assert!(killed.is_ok_and(|status| status.success()));
        }
    }
    assert_eq!(publish(&mut client, "fine", 10, "eA=="), 200);
    // And none is left behind when the server has ended.
    let children = ordeal::children(server.pid());
    server.kill();
    let until = Instant::now() + Duration::from_secs(10);
    for child in children {
        let lives = || std::fs::read_link(format!("/proc/{child}/exe")).is_ok();
        while lives() {
            assert!(Instant::now() < until, "{child} is left behind");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
