//! The end of a server that is told to stop while it is attacked.

use super::ordeal::soon;
use super::schemas::wide_topic;
use super::support::Launch;
use super::transforms::topic_with;
use serde_json::json;
use std::time::{Duration, Instant};

/// What the server is given for its requests to end.
const SHUTDOWN: Duration = Duration::from_secs(2);
/// What it may take beyond that.
const REST: Duration = Duration::from_secs(2);
/// Attackers of each kind: more than cores.
const ATTACKERS: usize = 3;

#[test]
fn a_server_under_attack_ends_when_it_is_told_to() {
    let mut server = Launch::new()
        .flag("--cores", "2")
        .flag("--shutdown-ms-max", SHUTDOWN.as_millis().to_string())
        .start();
    let mut client = server.pubsub_client();
    let wide = wide_topic(&mut client);
    topic_with(
        &mut client,
        "endless",
        "function f(m) { new Array(4294967295).join('x'); return m; }",
    );
    let endless = json!({ "messages": [{ "data": "eA==" }] });
    std::thread::scope(|scope| {
        for number in 0..2 * ATTACKERS {
            let (topic, request) = match number % 2 {
                0 => ("wide", &wide),
                _ => ("endless", &endless),
            };
            let mut attacker = server.pubsub_client();
            scope.spawn(move || {
                let path = format!("/v1/projects/p/topics/{topic}:publish");
                // Until the server has gone.
                while attacker.rest("POST", &path, request).is_ok() {}
            });
        }
        std::thread::sleep(Duration::from_millis(500));
        let told = Instant::now();
        server.terminate();
        let status = server.wait();
        let took = told.elapsed();
        println!("it ended in {took:?}");
        assert!(status.success(), "{status}: {}", server.stderr());
        assert!(took <= SHUTDOWN + soon(REST), "{took:?}");
    });
}
