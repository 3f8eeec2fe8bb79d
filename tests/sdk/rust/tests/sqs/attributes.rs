//! Queue attributes: defaults, changes, and values that are refused.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_sqs::types::QueueAttributeName;
use lclq_sdk_rust::*;
use serde_json::{Value, json};

async fn all(queue: &Queue) -> impl Fn(&'static str) -> Option<String> {
    let attributes = queue.attributes(&["All"]).await.attributes.expect("attributes");
    move |name| attributes.get(&QueueAttributeName::from(name)).cloned()
}

#[test]
fn defaults() {
    run(async {
        let queue = Queue::standard().await;
        let attribute = all(&queue).await;
        for (name, value) in [
            ("VisibilityTimeout", "30"),
            ("MaximumMessageSize", "1048576"),
            ("MessageRetentionPeriod", "345600"),
            ("DelaySeconds", "0"),
            ("ReceiveMessageWaitTimeSeconds", "0"),
            ("SqsManagedSseEnabled", "true"),
            ("ApproximateNumberOfMessages", "0"),
            ("ApproximateNumberOfMessagesNotVisible", "0"),
            ("ApproximateNumberOfMessagesDelayed", "0"),
        ] {
            assert_eq!(attribute(name).as_deref(), Some(value), "{name}");
        }
        for name in ["FifoQueue", "Policy", "RedrivePolicy", "KmsMasterKeyId"] {
            assert_eq!(attribute(name), None, "{name}");
        }
        let created: u64 = attribute("CreatedTimestamp").unwrap().parse().expect("whole seconds");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert!(now.abs_diff(created) < 60, "created at {created}, now {now}");
    });
}

#[test]
fn fifo_defaults() {
    run(async {
        let queue = Queue::with(FIFO_BY_ID).await;
        let attribute = all(&queue).await;
        for (name, value) in [
            ("FifoQueue", "true"),
            ("ContentBasedDeduplication", "false"),
            ("DeduplicationScope", "queue"),
            ("FifoThroughputLimit", "perQueue"),
        ] {
            assert_eq!(attribute(name).as_deref(), Some(value), "{name}");
        }
    });
}

#[test]
fn only_those_asked_for() {
    run(async {
        let queue = Queue::standard().await;
        let one = queue.attributes(&["DelaySeconds"]).await;
        assert_eq!(one.attributes, Some(named(&[("DelaySeconds", "0")])));
        assert_eq!(queue.attributes(&[]).await.attributes, None);
    });
}

#[test]
fn set_changes_what_it_names() {
    run(async {
        let queue = Queue::with(&[("DelaySeconds", "3")]).await;
        let changed: Attributes = &[
            ("VisibilityTimeout", "43200"),
            ("MaximumMessageSize", "1024"),
            ("MessageRetentionPeriod", "1209600"),
            ("ReceiveMessageWaitTimeSeconds", "20"),
        ];
        queue.set(changed).await.unwrap();
        let attribute = all(&queue).await;
        for (name, value) in changed.iter().chain(&[("DelaySeconds", "3")]) {
            assert_eq!(attribute(name).as_deref(), Some(*value), "{name}");
        }
    });
}

#[test]
fn values_out_of_range() {
    run(async {
        let queue = Queue::standard().await;
        for attribute in [
            ("VisibilityTimeout", "43201"),
            ("MaximumMessageSize", "1023"),
            ("MessageRetentionPeriod", "59"),
            ("DelaySeconds", "901"),
            ("ReceiveMessageWaitTimeSeconds", "21"),
        ] {
            raises!(queue.set(&[attribute]).await, InvalidAttributeValue);
        }
    });
}

#[test]
fn unknown_names() {
    run(async {
        let queue = Queue::standard().await;
        raises!(queue.set(&[("Foobar", "1")]).await, InvalidAttributeName);
        let getting = queue
            .client
            .get_queue_attributes()
            .queue_url(&queue.url)
            .attribute_names("Foobar".into());
        raises!(getting.send().await, InvalidAttributeName, "Unknown Attribute Foobar.");
    });
}

#[test]
fn type_cannot_change() {
    run(async {
        let standard = Queue::standard().await.set(&[("FifoQueue", "true")]).await;
        raises!(standard, InvalidAttributeName, "Unknown Attribute FifoQueue.");
        let fifo = Queue::fifo().await.set(&[("FifoQueue", "false")]).await;
        raises!(fifo, InvalidAttributeValue, "Modifying queue type is not supported.");
    });
}

#[test]
fn empty_policies_are_removed() {
    run(async {
        let dead = Queue::standard().await;
        let redrive = json!({"deadLetterTargetArn": dead.arn, "maxReceiveCount": "3"}).to_string();
        let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
        let queue = Queue::with(&[("RedrivePolicy", &redrive), ("Policy", policy)]).await;

        let kept: Value = serde_json::from_str(&queue.attribute("RedrivePolicy").await.unwrap()).unwrap();
        assert_eq!(kept["deadLetterTargetArn"], dead.arn);
        let kept: Value = serde_json::from_str(&queue.attribute("Policy").await.unwrap()).unwrap();
        assert_eq!(kept["Version"], "2012-10-17");

        queue.set(&[("RedrivePolicy", ""), ("Policy", "")]).await.unwrap();
        assert_eq!(queue.attributes(&["RedrivePolicy", "Policy"]).await.attributes, None);
    });
}

#[test]
fn kms_key_turns_managed_encryption_off() {
    run(async {
        let queue = Queue::standard().await;
        queue.set(&[("KmsMasterKeyId", "alias/mine")]).await.unwrap();
        assert_eq!(queue.attribute("KmsMasterKeyId").await.as_deref(), Some("alias/mine"));
        assert_eq!(queue.attribute("SqsManagedSseEnabled").await.as_deref(), Some("false"));
        queue.set(&[("KmsMasterKeyId", "")]).await.unwrap();
        assert_eq!(
            queue.attribute("SqsManagedSseEnabled").await.as_deref(),
            Some("false"),
            "stays off"
        );
    });
}

#[test]
fn counts_follow_the_messages() {
    run(async {
        let queue = Queue::standard().await;
        for body in ["a", "b", "c"] {
            queue.send(body).await;
        }
        queue.sending("later").delay_seconds(60).send().await.unwrap();
        queue.receive_one().await;
        let attribute = all(&queue).await;
        assert_eq!(attribute("ApproximateNumberOfMessages").as_deref(), Some("2"));
        assert_eq!(attribute("ApproximateNumberOfMessagesNotVisible").as_deref(), Some("1"));
        assert_eq!(attribute("ApproximateNumberOfMessagesDelayed").as_deref(), Some("1"));
    });
}
