//! Resources that a file declares.

use crate::support::{Launch, Server};
use crate::written;
use serde_json::{Value, json};

pub const RESOURCES: &str = r#"
[[queues]]
name = "orders"
attributes = { VisibilityTimeout = 60 }
dead-letter = { queue = "orders-dead", max-receive-count = 5 }
tags = { team = "shop" }
policy = '{"Version": "2012-10-17", "Statement": []}'

[[queues]]
name = "orders-dead"

[[queues]]
name = "bills.fifo"
attributes = { ContentBasedDeduplication = true, DeduplicationScope = "messageGroup" }

[[snapshots]]
name = "before"
subscription = "worker"
labels = { of = "worker" }

[[subscriptions]]
name = "worker"
topic = "events"
ack-deadline-seconds = 30
retry-policy = { minimum-backoff = "1s", maximum-backoff = "5s" }
dead-letter-policy = { dead-letter-topic = "dead", max-delivery-attempts = 7 }
expiration-policy = {}
filter = 'attributes.kind = "order"'
enable-message-ordering = true
labels = { team = "shop" }

[[subscriptions]]
name = "projects/other/subscriptions/pushed"
topic = "events"
push-config = { push-endpoint = "http://127.0.0.1:1/", attributes = { x-goog-version = "v1" } }

[[topics]]
name = "events"
message-retention-duration = "3600s"
schema-settings = { schema = "order", encoding = "JSON" }

[[topics]]
name = "dead"

[[schemas]]
name = "order"
type = "PROTOCOL_BUFFER"
definition = 'syntax = "proto3"; message Order { string id = 1; }'
"#;

pub fn attributes(server: &Server, queue: &str) -> Value {
    let url = format!("http://localhost/000000000000/{queue}");
    let request = json!({"QueueUrl": url, "AttributeNames": ["All"]});
    server.client().ok("GetQueueAttributes", &request)["Attributes"].clone()
}

fn tags(server: &Server, queue: &str) -> Value {
    let url = format!("http://localhost/000000000000/{queue}");
    server
        .client()
        .ok("ListQueueTags", &json!({"QueueUrl": url}))["Tags"]
        .clone()
}

fn pubsub(server: &Server, name: &str) -> Value {
    let answer = server.pubsub_client().get(&format!("/v1/{name}")).unwrap();
    assert_eq!(answer.status, 200, "{name}");
    answer.json()
}

#[track_caller]
fn assert_as_declared(server: &Server) {
    let orders = attributes(server, "orders");
    assert_eq!(orders["VisibilityTimeout"], "60");
    let redrive = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:orders-dead","maxReceiveCount":5}"#;
    assert_eq!(orders["RedrivePolicy"], redrive);
    assert!(orders["Policy"].as_str().unwrap().contains("2012-10-17"));
    assert_eq!(tags(server, "orders"), json!({"team": "shop"}));
    let bills = attributes(server, "bills.fifo");
    assert_eq!(bills["FifoQueue"], "true");
    assert_eq!(bills["DeduplicationScope"], "messageGroup");
    let worker = pubsub(server, "projects/local/subscriptions/worker");
    assert_eq!(worker["topic"], "projects/local/topics/events");
    assert_eq!(worker["ackDeadlineSeconds"], 30);
    assert_eq!(worker["filter"], "attributes.kind = \"order\"");
    assert_eq!(worker["enableMessageOrdering"], true);
    assert_eq!(worker["expirationPolicy"], json!({}));
    let dead_letters = &worker["deadLetterPolicy"];
    assert_eq!(
        dead_letters["deadLetterTopic"],
        "projects/local/topics/dead"
    );
    assert_eq!(dead_letters["maxDeliveryAttempts"], 7);
    let pushed = pubsub(server, "projects/other/subscriptions/pushed");
    assert_eq!(pushed["pushConfig"]["pushEndpoint"], "http://127.0.0.1:1/");
    let events = pubsub(server, "projects/local/topics/events");
    let schema = "projects/local/schemas/order";
    assert_eq!(events["schemaSettings"]["schema"], schema);
    assert_eq!(events["messageRetentionDuration"], "3600s");
    assert_eq!(pubsub(server, schema)["type"], "PROTOCOL_BUFFER");
    let before = pubsub(server, "projects/local/snapshots/before");
    assert_eq!(before["labels"], json!({"of": "worker"}));
}

#[test]
fn declared_resources_are_there_stay_and_change_if_asked() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let path = written(directory.path(), RESOURCES);
    let launch = || Launch::new().data_dir(&data).flag("--config", &path);
    for _ in 0..2 {
        let mut server = launch().start();
        assert_as_declared(&server);
        server.terminate();
        assert!(server.wait().success());
        let log = server.stderr();
        assert!(
            !log.contains("differs") && !log.contains("changed"),
            "{log}"
        );
    }
    let changed = RESOURCES
        .replace("= 60", "= 61")
        .replace("= 30", "= 31")
        .replace("team", "crew")
        .replace("max-receive-count = 5", "max-receive-count = 6")
        .replace("string id = 1;", "string id = 1; string more = 2;");
    written(directory.path(), &changed);
    let mut server = launch().start();
    assert_as_declared(&server);
    server.terminate();
    server.wait();
    let log = server.stderr();
    let file = path.display();
    for said in [
        format!(
            "{file}:2: queue orders exists and differs in RedrivePolicy, VisibilityTimeout, \
             tag crew, tag team; --apply-changes changes it"
        ),
        format!("{file}:21: subscription worker exists and differs in ackDeadlineSeconds, labels;"),
        format!("{file}:45: schema order exists and differs in definition;"),
    ] {
        assert!(log.contains(&said), "{said}\n{log}");
    }
    assert_eq!(log.matches("differs").count(), 3, "{log}");
    for _ in 0..2 {
        let server = launch().switch("--apply-changes").start();
        let orders = attributes(&server, "orders");
        assert_eq!(orders["VisibilityTimeout"], "61");
        let redrive = orders["RedrivePolicy"].as_str().unwrap();
        assert!(redrive.contains("\"maxReceiveCount\":6"), "{redrive}");
        assert_eq!(tags(&server, "orders"), json!({"crew": "shop"}));
        let worker = pubsub(&server, "projects/local/subscriptions/worker");
        assert_eq!(worker["ackDeadlineSeconds"], 31);
        assert_eq!(worker["labels"], json!({"crew": "shop"}));
        server.stop();
    }
    // By the key in the file, and all is as it should be: nothing to say.
    written(
        directory.path(),
        &format!("server.apply-changes = true\n{changed}"),
    );
    let mut server = launch().start();
    server.terminate();
    server.wait();
    assert!(
        !server.stderr().contains("changed as"),
        "{}",
        server.stderr()
    );
}

#[test]
fn declared_resources_are_made_where_only_one_service_listens() {
    let directory = tempfile::tempdir().unwrap();
    let path = written(directory.path(), RESOURCES);
    let launch = Launch::new().flag("--config", &path);
    let server = launch.flag("--services", "pubsub").start();
    pubsub(&server, "projects/local/subscriptions/worker");
    server.stop();
}

#[test]
fn what_the_service_refuses_ends_the_start_with_its_message() {
    let directory = tempfile::tempdir().unwrap();
    for (file, said) in [
        (
            "\n[[queues]]\nname = \"q/r\"\n",
            "2: queue q/r: InvalidParameterValueException: ",
        ),
        (
            "[[queues]]\nname = \"q\"\ndead-letter = { queue = \"none\", max-receive-count = 1 }\n",
            "1: queue q: dead-letter queue none: QueueDoesNotExist: ",
        ),
        (
            "[[subscriptions]]\nname = \"work\"\ntopic = \"none\"\n",
            "1: subscription work: ",
        ),
        (
            "[[topics]]\nname = \"projects/p/subscriptions/x\"\n",
            "1: topic projects/p/subscriptions/x: its name has to be like projects/local/topics/NAME",
        ),
    ] {
        let path = written(directory.path(), file);
        let refused = Launch::new().flag("--config", &path).refused();
        let said = format!("lclq: {}:{said}", path.display());
        assert!(refused.stderr.contains(&said), "{}", refused.stderr);
        assert_eq!(refused.status.code(), Some(1));
    }
}

#[test]
fn settings_that_are_kept_and_not_done_may_be_declared_too() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let path = written(
        directory.path(),
        r#"
[[topics]]
name = "ingested"
ingestion-data-source-settings.cloud-storage = { bucket = "a-bucket", text-format = {} }

[[subscriptions]]
name = "rows"
topic = "ingested"
bigtable-config = { table = "projects/p/instances/i/tables/t", write-metadata = true }
"#,
    );
    for _ in 0..2 {
        let mut server = Launch::new()
            .data_dir(&data)
            .flag("--config", &path)
            .start();
        let topic = pubsub(&server, "projects/local/topics/ingested");
        let source = &topic["ingestionDataSourceSettings"]["cloudStorage"];
        assert_eq!(source["bucket"], "a-bucket", "{topic}");
        let rows = pubsub(&server, "projects/local/subscriptions/rows");
        assert_eq!(rows["bigtableConfig"]["writeMetadata"], true, "{rows}");
        server.terminate();
        server.wait();
        let log = server.stderr();
        assert!(!log.contains("differs"), "{log}");
    }
}
