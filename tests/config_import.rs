//! Other tools' files as ours: `lclq config import`.

mod support;

use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};
use support::Launch;

fn import(directory: &Path, files: &[&str]) -> Output {
    let mut command = Command::new(support::binary());
    command
        .current_dir(directory)
        .args(["config", "import"])
        .args(files);
    command.output().expect("the binary under test can be run")
}

/// What a file becomes, and what is said of what it doesn't.
#[track_caller]
fn imported(name: &str, text: &str) -> (String, String) {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join(name), text).unwrap();
    let output = import(directory.path(), &[name]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    (String::from_utf8(output.stdout).unwrap(), stderr)
}

const ELASTICMQ: &str = r#"
include classpath("application.conf")

// What it listens on.
rest-sqs { enabled = true, bind-port = 9324 }
aws { region = us-west-2, accountId = "000000000000" }

queues {
  orders {
    defaultVisibilityTimeout = 10 seconds
    delay = 5 seconds
    receiveMessageWait = 0 seconds
    deadLettersQueue { name = "orders-dead", maxReceiveCount = 3 }
    fifo = false
    copyTo = "audit"
    tags { team = shop, "cost center" = "7" }
  }
  orders-dead { }
  bills { fifo = true, contentBasedDeduplication = true }
  "audit.fifo" { fifo = true, defaultVisibilityTimeout = 2 minutes }
}
"#;

#[test]
fn keys_that_have_to_be_quoted() {
    let queue = r#"queues { a { tags { "two\nlines" = "1", "a \"b\"" = "2", "" = "3", "ключ" = "4", "many" = [] } } }"#;
    let (toml, notes) = imported("elasticmq.conf", queue);
    let read: toml::Table = toml
        .parse()
        .unwrap_or_else(|error| panic!("{error}\n{toml}"));
    let tags = json!(read["queues"][0]["tags"]);
    let expected = json!({ "two\nlines": "1", "a \"b\"": "2", "": "3", "ключ": "4" });
    assert_eq!(tags, expected, "{notes}");
    assert_eq!(
        notes,
        "lclq: elasticmq.conf: queue a: tag \"many\" is no text: left out\n"
    );
}

#[test]
fn elasticmq() {
    let (toml, notes) = imported("elasticmq.conf", ELASTICMQ);
    let expected = r#"[sqs]
region = "us-west-2"
account = "000000000000"

[[queues]]
name = "orders"
attributes = { DelaySeconds = 5, ReceiveMessageWaitTimeSeconds = 0, VisibilityTimeout = 10 }
dead-letter = { max-receive-count = 3, queue = "orders-dead" }
tags = { "cost center" = "7", team = "shop" }

[[queues]]
name = "orders-dead"

[[queues]]
name = "bills.fifo"
attributes = { ContentBasedDeduplication = true }

[[queues]]
name = "audit.fifo"
attributes = { VisibilityTimeout = 120 }
"#;
    assert_eq!(toml, expected);
    assert_eq!(
        notes,
        "lclq: elasticmq.conf: queue orders: copyTo: left out\n"
    );
}

const GOAWS: &str = r#"
Local:
  Host: goaws.com
  Port: 4100
  Region: us-east-1
  AccountId: "100010001000"
  QueueAttributeDefaults:
    VisibilityTimeout: 31
  Queues:
    - Name: first
      ReceiveMessageWaitTimeSeconds: 20
    - Name: second
      VisibilityTimeout: 5
      RedrivePolicy: '{"maxReceiveCount": 100, "deadLetterTargetArn": "arn:aws:sqs:us-east-1:1:first"}'
  Topics:
    - Name: local-topic
"#;

#[test]
fn goaws() {
    let (toml, notes) = imported("goaws.yaml", GOAWS);
    let expected = r#"[sqs]
region = "us-east-1"
account = "100010001000"

[[queues]]
name = "first"
attributes = { ReceiveMessageWaitTimeSeconds = 20, VisibilityTimeout = 31 }

[[queues]]
name = "second"
attributes = { VisibilityTimeout = 5 }
dead-letter = { max-receive-count = 100, queue = "first" }
"#;
    assert_eq!(toml, expected);
    assert_eq!(notes, "lclq: goaws.yaml: Topics are SNS': left out\n");
}

const LOCALSTACK: &str = r#"#!/bin/bash
set -euo pipefail
PREFIX=shop
# A comment's apostrophe isn't a quote.
awslocal sqs create-queue --queue-name ${PREFIX}-dead
awslocal sqs create-queue \
  --queue-name "$PREFIX-orders" \
  --attributes '{
    "VisibilityTimeout": "60",
    "RedrivePolicy": "{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:shop-dead\",\"maxReceiveCount\":\"5\"}"
  }' --tags team=shop,stage=test
aws --endpoint-url=http://localhost:4566 sqs create-queue --queue-name bills.fifo --attributes FifoQueue=true,ContentBasedDeduplication=true && echo made
awslocal sqs set-queue-attributes --queue-url http://localhost:4566/000000000000/bills.fifo --attributes DelaySeconds=3
awslocal sqs create-queue --queue-name $(hostname)
awslocal sqs create-queue --queue-name big --attributes file://attributes.json
awslocal s3 mb s3://bucket
awslocal sqs list-queues
"#;

#[test]
fn localstack() {
    let (toml, notes) = imported("init-aws.sh", LOCALSTACK);
    let expected = r#"[[queues]]
name = "shop-dead"

[[queues]]
name = "shop-orders"
attributes = { VisibilityTimeout = 60 }
dead-letter = { max-receive-count = 5, queue = "shop-dead" }
tags = { stage = "test", team = "shop" }

[[queues]]
name = "bills.fifo"
attributes = { ContentBasedDeduplication = true, DelaySeconds = 3 }
"#;
    assert_eq!(toml, expected);
    let expected = "\
        lclq: init-aws.sh: line 14: create-queue with what only a shell can work out: left out\n\
        lclq: init-aws.sh: line 15: create-queue: file://attributes.json isn't read: left out\n";
    assert_eq!(notes, expected);
}

fn terraform_resources() -> [(&'static str, Value); 5] {
    [
        (
            "google_pubsub_subscription",
            json!({
                "name": "worker", "project": "shop", "topic": "projects/shop/topics/events",
                "ack_deadline_seconds": 20, "retain_acked_messages": false, "filter": "",
                "message_retention_duration": "604800s", "enable_message_ordering": true,
                "expiration_policy": [{"ttl": ""}], "labels": {"team": "shop"},
                "dead_letter_policy": [],
                "retry_policy": [{"minimum_backoff": "1s", "maximum_backoff": "5s"}],
                "push_config": [{
                    "push_endpoint": "http://127.0.0.1:1/", "attributes": null, "no_wrapper": [],
                    "oidc_token": [{"service_account_email": "a@b", "audience": ""}],
                }],
                "id": "projects/shop/subscriptions/worker",
            }),
        ),
        (
            "google_pubsub_topic",
            json!({
                "name": "events", "project": "shop", "labels": null, "kms_key_name": "",
                "message_retention_duration": "86600s", "message_storage_policy": [],
                "schema_settings": [],
            }),
        ),
        (
            "aws_sqs_queue_redrive_policy",
            json!({
                "queue_url": "https://sqs.us-east-1.amazonaws.com/1/orders",
                "redrive_policy": "{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:1:dead\",\"maxReceiveCount\":4}",
            }),
        ),
        (
            "aws_sqs_queue",
            json!({
                "name": "orders", "visibility_timeout_seconds": 40, "delay_seconds": 0,
                "message_retention_seconds": 345600, "max_message_size": 262144,
                "receive_wait_time_seconds": 0, "fifo_queue": false,
                "content_based_deduplication": false, "kms_master_key_id": "",
                "sqs_managed_sse_enabled": true, "policy": "", "redrive_policy": "",
                "tags": {"team": "shop"},
            }),
        ),
        ("aws_sqs_queue", json!({"name": "dead", "tags": null})),
    ]
}

#[test]
fn terraform_states_and_plans() {
    let state = json!({
        "version": 4,
        "resources": terraform_resources().map(|(kind, attributes)| json!({
            "mode": "managed", "type": kind, "name": "x", "instances": [{"attributes": attributes}],
        })),
    });
    let [first, others @ ..] = terraform_resources()
        .map(|(kind, values)| json!({"type": kind, "name": "x", "values": values}));
    let plan = json!({
        "format_version": "1.2",
        "planned_values": {"root_module": {
            "resources": others,
            "child_modules": [{"resources": [first]}],
        }},
    });
    let expected = r#"[[queues]]
name = "orders"
attributes = { DelaySeconds = 0, MaximumMessageSize = 262144, MessageRetentionPeriod = 345600, ReceiveMessageWaitTimeSeconds = 0, SqsManagedSseEnabled = true, VisibilityTimeout = 40 }
dead-letter = { max-receive-count = 4, queue = "dead" }
tags = { team = "shop" }

[[queues]]
name = "dead"

[[topics]]
name = "projects/shop/topics/events"
message-retention-duration = "86600s"

[[subscriptions]]
name = "projects/shop/subscriptions/worker"
ack-deadline-seconds = 20
enable-message-ordering = true
expiration-policy = {  }
labels = { team = "shop" }
message-retention-duration = "604800s"
push-config = { oidc-token = { service-account-email = "a@b" }, push-endpoint = "http://127.0.0.1:1/" }
retry-policy = { maximum-backoff = "5s", minimum-backoff = "1s" }
topic = "projects/shop/topics/events"
"#;
    for (name, file) in [("terraform.tfstate", state), ("plan.json", plan)] {
        let (toml, notes) = imported(name, &file.to_string());
        assert_eq!(toml, expected, "{name}");
        assert_eq!(notes, "", "{name}");
    }
}

#[test]
fn what_is_imported_starts() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    std::fs::write(here.join("a.conf"), ELASTICMQ).unwrap();
    std::fs::write(here.join("b.sh"), LOCALSTACK).unwrap();
    let output = import(here, &["a.conf", "b.sh"]);
    assert!(output.status.success());
    let notes = String::from_utf8(output.stderr).unwrap();
    assert!(
        notes.contains("b.sh: queues: \"bills.fifo\" is there already"),
        "{notes}"
    );
    let path = here.join("lclq.toml");
    std::fs::write(&path, output.stdout).unwrap();
    let server = Launch::new().flag("--config", &path).start();
    let listed = server.client().ok("ListQueues", &json!({}));
    assert_eq!(
        listed["QueueUrls"].as_array().map(Vec::len),
        Some(6),
        "{listed}"
    );
    server.stop();
}

#[test]
fn what_is_no_such_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    for (name, text, said) in [
        ("x.conf", "queues {", "lclq: x.conf: "),
        (
            "x.yaml",
            "- 1",
            "lclq: x.yaml: it is no map of environments\n",
        ),
        ("x.json", "{}", "lclq: x.json: it is neither a state nor"),
        ("x.txt", "", "lclq: x.txt: give its --format\n"),
    ] {
        std::fs::write(here.join(name), text).unwrap();
        let output = import(here, &[name]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.starts_with(said), "{stderr}");
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
    }
    // What another tool takes and SQS doesn't is told, by the line of what is printed.
    std::fs::write(here.join("x.conf"), "queues { q { delay = 1 hour } }").unwrap();
    let output = import(here, &["x.conf"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    let golden = "lclq: the result:3: queues[0].attributes.DelaySeconds: expected a whole number \
                  from 0 to 900, not `3600`\n";
    assert_eq!(stderr, golden);
    assert_eq!(output.status.code(), Some(1));
    assert!(!output.stdout.is_empty());
}
