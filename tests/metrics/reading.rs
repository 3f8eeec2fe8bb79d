//! Reading what `/metrics` says, and what its reference does.

use crate::support::{Client, Launch, Server};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Several cores and shards, so that figures come from others than the connection's.
pub fn launch() -> Launch {
    Launch::new().flag("--cores", "2").flag("--shards", "3")
}

pub fn url(queue: &str) -> String {
    format!("http://localhost/000000000000/{queue}")
}

pub fn queue_labels(queue: &str) -> String {
    format!(r#"queue_id="arn:aws:sqs:us-east-1:000000000000:{queue}",queue_name="{queue}""#)
}

pub fn scrape(client: &mut Client, path: &str) -> String {
    let answer = client.get(path).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.head);
    String::from_utf8(answer.body).unwrap()
}

/// Samples by name and labels.
pub fn samples(text: &str) -> BTreeMap<String, f64> {
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
pub fn holds(text: &str, expected: &[(String, f64)]) {
    let found = samples(text);
    for (name, value) in expected {
        assert_eq!(found.get(name), Some(value), "{name}\n{text}");
    }
}

/// Scrapes until a series has a value: what another task counts is there in a moment.
pub fn scrape_until(client: &mut Client, name: &str, value: f64) -> String {
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
pub fn families(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    lines
        .map(|line| {
            let (name, kind) = line.split_once(' ').expect("a type");
            (name.to_owned(), kind.to_owned())
        })
        .collect()
}

/// Rows of docs/metrics.md, which another test holds against the binary: name, type and labels.
pub fn documented(section: &str) -> BTreeMap<String, (String, BTreeSet<String>)> {
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
pub fn use_all(server: &Server) {
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
