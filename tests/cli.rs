//! `lclq queue list` and its like, against a running server: what they print and exit with.

mod support;

use serde_json::{Value, json};
use std::process::{Command, Output};
use support::{Launch, Server};

struct Terminal {
    url: String,
}

impl Terminal {
    fn at(server: &Server) -> Self {
        Self {
            url: format!("http://{}", server.admin_address()),
        }
    }

    fn run(&self, words: &[&str]) -> Output {
        Command::new(support::binary())
            .args(words)
            .env("LCLQ_URL", &self.url)
            .output()
            .expect("the binary under test can be run")
    }

    /// What a command that must succeed prints.
    #[track_caller]
    fn prints(&self, words: &[&str]) -> String {
        let output = self.run(words);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn json(&self, words: &[&str]) -> Value {
        let words = [words, &["--output", "json"]].concat();
        serde_json::from_str(&self.prints(&words)).expect("JSON")
    }

    /// The exit code and the line of a command that must fail.
    #[track_caller]
    fn fails(&self, words: &[&str]) -> (i32, String) {
        let output = self.run(words);
        assert!(!output.status.success(), "{words:?}");
        assert!(output.stdout.is_empty(), "{words:?}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), stderr)
    }
}

fn started() -> (Server, Terminal) {
    let server = Launch::new().flag("--cores", "2").start();
    let terminal = Terminal::at(&server);
    (server, terminal)
}

#[test]
fn queues_from_making_to_deleting() {
    let (server, terminal) = started();
    let made = terminal.prints(&[
        "queue",
        "create",
        "orders",
        "-a",
        "VisibilityTimeout=45",
        "-t",
        "team=shop",
    ]);
    assert!(
        made.contains("attributes.VisibilityTimeout  45\n"),
        "{made}"
    );
    terminal.prints(&["queue", "create", "bills.fifo"]);
    terminal.prints(&["message", "send", "orders", "hello"]);
    assert_eq!(
        terminal.prints(&["queue", "list"]),
        "NAME        VISIBLE  IN FLIGHT  DELAYED  REGION     ACCOUNT\n\
         bills.fifo        0          0        0  us-east-1  000000000000\n\
         orders            1          0        0  us-east-1  000000000000\n"
    );
    assert_eq!(
        terminal.prints(&["queue", "list", "-o", "name"]),
        "bills.fifo\norders\n"
    );
    let listed = terminal.json(&["queue", "list", "--prefix", "ord"]);
    assert_eq!(
        listed[0]["attributes"],
        json!({ "VisibilityTimeout": "45" })
    );
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    let yaml = terminal.prints(&["queue", "show", "orders", "--output", "yaml"]);
    assert!(
        yaml.contains("\nname: orders\n") && yaml.contains("  team: shop\n"),
        "{yaml}"
    );
    terminal.prints(&[
        "queue",
        "set",
        "orders",
        "-a",
        "DelaySeconds=3",
        "-t",
        "team",
        "-t",
        "x=y",
    ]);
    let shown = terminal.json(&["queue", "show", "orders"]);
    assert_eq!(shown["attributes"]["DelaySeconds"], "3");
    assert_eq!(shown["tags"], json!({ "x": "y" }));
    assert_eq!(
        terminal.prints(&["queue", "purge", "orders"]),
        "queue orders is empty\n"
    );
    assert_eq!(terminal.json(&["queue", "show", "orders"])["visible"], 0);
    assert_eq!(
        terminal.prints(&["queue", "delete", "orders"]),
        "queue orders is deleted\n"
    );
    assert_eq!(
        terminal.prints(&["queue", "list", "-o", "name"]),
        "bills.fifo\n"
    );
    server.stop();
}

#[test]
fn messages_are_looked_at_taken_and_deleted() {
    let (server, terminal) = started();
    terminal.prints(&["queue", "create", "q.fifo"]);
    let long = format!("second {}", "y".repeat(200));
    for (body, deduplication) in [("first\nline", "1"), (long.as_str(), "2")] {
        let words = ["message", "send", "q.fifo", body, "--group", "g"];
        let id = terminal.prints(
            &[
                &words[..],
                &["--deduplication", deduplication, "-o", "name"],
            ]
            .concat(),
        );
        assert_eq!(id.trim().len(), 36, "{id}");
    }
    let table = terminal.prints(&["message", "peek", "q.fifo"]);
    let lines: Vec<&str> = table.lines().collect();
    assert!(
        lines[0].starts_with("ID ") && lines[0].ends_with("BODY"),
        "{table}"
    );
    assert!(lines[1].ends_with("first line"), "{table}");
    assert!(lines[2].ends_with('…'), "{table}");
    let peeked = terminal.json(&["message", "peek", "q.fifo"]);
    assert_eq!(peeked[1]["body"], long.as_str());
    let received = terminal.json(&["message", "receive", "q.fifo", "--max", "10"]);
    assert_eq!(received[0]["Body"], "first\nline");
    let receipt = received[0]["ReceiptHandle"].as_str().unwrap();
    terminal.prints(&["message", "delete", "q.fifo", receipt]);
    let left = terminal.json(&["message", "peek", "q.fifo"]);
    assert_eq!(left.as_array().map(Vec::len), Some(1));
    server.stop();
}

#[test]
fn dead_letters_go_back() {
    let (server, terminal) = started();
    terminal.prints(&["queue", "create", "dead"]);
    let policy = r#"RedrivePolicy={"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":1}"#;
    terminal.prints(&[
        "queue",
        "create",
        "work",
        "-a",
        policy,
        "-a",
        "VisibilityTimeout=0",
    ]);
    terminal.prints(&["message", "send", "work", "x"]);
    while terminal.json(&["queue", "show", "dead"])["visible"] == 0 {
        terminal.prints(&["message", "receive", "work"]);
    }
    let said = terminal.prints(&["queue", "redrive", "dead"]);
    assert_eq!(said, "the messages of dead are on their way back\n");
    while terminal.json(&["queue", "show", "work"])["visible"] == 0 {}
    server.stop();
}

#[test]
fn what_fails_says_why_and_exits_by_it() {
    let (server, terminal) = started();
    let (code, said) = terminal.fails(&["queue", "show", "none"]);
    assert_eq!((code, said.as_str()), (4, "lclq: there is no queue none\n"));
    let (code, said) = terminal.fails(&["queue", "create", "no such name"]);
    assert_eq!(code, 1);
    assert!(
        said.contains("Can only include alphanumeric characters"),
        "{said}"
    );
    let (code, said) = terminal.fails(&["queue", "create", "q", "-a", "x"]);
    assert_eq!(code, 2);
    assert!(said.contains("there is no `=` in it"), "{said}");
    assert_eq!(terminal.prints(&["health"]), "STATUS\nok\n");
    assert_eq!(terminal.json(&["stats"])["queues"], 0);
    let shards = terminal.json(&["shards"]);
    assert_eq!(shards.as_array().map(Vec::len), Some(2));
    server.stop();
    let (code, said) = terminal.fails(&["health"]);
    assert_eq!(code, 3);
    assert!(
        said.starts_with("lclq: no answer from http://127.0.0.1:"),
        "{said}"
    );
}

#[test]
fn topics_and_what_hangs_on_them() {
    let (server, terminal) = started();
    terminal.prints(&["topic", "create", "orders", "--retention", "600s"]);
    terminal.prints(&[
        "subscription",
        "create",
        "bill",
        "--topic",
        "orders",
        "--ack-deadline",
        "20",
    ]);
    terminal.prints(&["snapshot", "create", "before", "--subscription", "bill"]);
    assert_eq!(
        terminal.prints(&["subscription", "list"]),
        "NAME                               TOPIC                         ACK DEADLINE  FILTER\n\
         projects/local/subscriptions/bill  projects/local/topics/orders            20\n"
    );
    let words = [
        "topic", "publish", "orders", "hello", "-a", "k=v", "-o", "name",
    ];
    let id = terminal.prints(&words);
    let pulled = terminal.json(&["subscription", "pull", "bill", "--max", "5", "--ack"]);
    assert_eq!(pulled[0]["id"], id.trim());
    assert_eq!(
        (&pulled[0]["data"], &pulled[0]["attributes"]["k"]),
        (&json!("hello"), &json!("v"))
    );
    let none = terminal.json(&["subscription", "pull", "bill"]);
    assert_eq!(none, json!([]), "it was acknowledged");
    terminal.prints(&["subscription", "seek", "bill", "--snapshot", "before"]);
    let again = terminal.json(&["subscription", "pull", "bill"]);
    assert_eq!(again[0]["id"], id.trim());
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("schema.avsc");
    std::fs::write(&file, r#"{"type":"record","name":"R","fields":[]}"#).unwrap();
    let words = [
        "schema",
        "create",
        "records",
        "--kind",
        "avro",
        "--definition",
    ];
    terminal.prints(&[&words[..], &[file.to_str().unwrap()]].concat());
    let listed = terminal.json(&["schema", "list"]);
    assert_eq!(listed[0]["name"], "projects/local/schemas/records");
    for (kind, name) in [
        ("schema", "records"),
        ("snapshot", "before"),
        ("subscription", "bill"),
        ("topic", "projects/local/topics/orders"),
    ] {
        let said = terminal.prints(&[kind, "delete", name]);
        assert_eq!(said, format!("{kind} {name} is deleted\n"));
        assert_eq!(terminal.json(&[kind, "list"]), json!([]));
        let (code, said) = terminal.fails(&[kind, "show", name]);
        assert_eq!(code, 4, "{said}");
    }
    server.stop();
}

#[test]
fn the_clock_of_a_test_server() {
    let server = Launch::new().switch("--test-controls").start();
    let terminal = Terminal::at(&server);
    let before = terminal.json(&["clock", "stop"]);
    let after = terminal.json(&["clock", "advance", "2h"]);
    let ms = |clock: &Value| clock["now_ms"].as_u64().expect("a time");
    assert_eq!(ms(&after), ms(&before) + 7_200_000);
    assert_eq!(
        terminal.json(&["clock", "set", "2126-01-01T00:00:00Z"])["now"],
        "2126-01-01T00:00:00Z"
    );
    let table = terminal.prints(&["clock", "show"]);
    let words: Vec<&str> = table.split_whitespace().collect();
    assert_eq!(words[..4], ["NOW", "STATE", "AHEAD", "MS"], "{table}");
    assert_eq!(words[4..6], ["2126-01-01T00:00:00Z", "stopped"], "{table}");
    assert_eq!(terminal.json(&["clock", "resume"])["state"], "running");
    let (code, text) = terminal.fails(&["clock", "set", "2020-01-01T00:00:00Z"]);
    assert_eq!(code, 1);
    assert!(text.contains("can't be set back"), "{text}");
    assert_eq!(terminal.fails(&["clock", "advance", "2"]).0, 2);
    server.stop();

    let (server, terminal) = started();
    let (code, text) = terminal.fails(&["clock", "stop"]);
    assert_eq!(code, 1);
    assert!(text.contains("--test-controls"), "{text}");
    server.stop();
}

#[test]
fn regions_of_a_test_server() {
    let server = Launch::new().switch("--test-controls").start();
    let terminal = Terminal::at(&server);
    assert_eq!(terminal.json(&["region", "list"])["on"], false);
    let latency = "us-east1:europe-west1=80";
    let set = [
        "region",
        "set",
        "us-east1",
        "europe-west1",
        "--latency",
        latency,
    ];
    let link = |latency_ms: u32, cut: bool| json!([{ "between": ["us-east1", "europe-west1"], "latency_ms": latency_ms, "cut": cut }]);
    assert_eq!(terminal.json(&set)["links"], link(80, false));
    let further = ["region", "latency", "europe-west1", "us-east1", "2s"];
    assert_eq!(terminal.json(&further)["links"], link(2000, false));
    let cut = terminal.json(&["region", "cut", "europe-west1"]);
    assert_eq!(cut["links"], link(2000, true));
    let table = terminal.prints(&["region", "list"]);
    let words: Vec<&str> = table.lines().last().unwrap().split_whitespace().collect();
    assert_eq!(
        words,
        ["us-east1", "europe-west1", "2000", "cut"],
        "{table}"
    );
    let (code, said) = terminal.fails(&["region", "cut", "europe-west1", "nowhere"]);
    assert_eq!(code, 1);
    assert!(said.contains("there is no region \"nowhere\""), "{said}");
    let healed = terminal.json(&["region", "heal", "us-east1", "europe-west1"]);
    assert_eq!(healed["links"], link(2000, false));
    assert_eq!(terminal.json(&["region", "reset"])["on"], false);
    assert_eq!(terminal.fails(&["region", "set"]).0, 2);
    server.stop();
}
