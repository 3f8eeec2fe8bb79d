//! Names: those of the reference, those of the services, and what is asked for by them.

use super::reading::{documented, families, holds, launch, samples, scrape, url, use_all};
use crate::support::Client;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

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
