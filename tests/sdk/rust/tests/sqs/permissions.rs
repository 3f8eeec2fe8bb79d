//! AddPermission and RemovePermission write the queue's policy.

use aws_sdk_sqs::operation::add_permission::builders::AddPermissionFluentBuilder;
use aws_sdk_sqs::operation::remove_permission::builders::RemovePermissionFluentBuilder;
use lclq_sdk_rust::*;
use serde_json::{Value, json};

const ACCOUNT: &str = "111122223333";

fn add(queue: &Queue, label: &str) -> AddPermissionFluentBuilder {
    queue
        .client
        .add_permission()
        .queue_url(&queue.url)
        .label(label)
        .aws_account_ids(ACCOUNT)
}

fn remove(queue: &Queue, label: &str) -> RemovePermissionFluentBuilder {
    queue.client.remove_permission().queue_url(&queue.url).label(label)
}

async fn policy(queue: &Queue) -> Value {
    serde_json::from_str(&queue.attribute("Policy").await.expect("a policy")).expect("JSON")
}

#[test]
fn permission_becomes_a_statement() {
    run(async {
        let queue = Queue::standard().await;
        add(&queue, "one").actions("SendMessage").send().await.unwrap();
        assert_eq!(
            policy(&queue).await,
            json!({
                "Version": "2008-10-17",
                "Id": format!("{}/SQSDefaultPolicy", queue.arn),
                "Statement": [{
                    "Sid": "one",
                    "Effect": "Allow",
                    "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
                    "Action": "SQS:SendMessage",
                    "Resource": queue.arn,
                }],
            })
        );
    });
}

#[test]
fn several_accounts_and_actions_become_lists() {
    run(async {
        let queue = Queue::standard().await;
        let adding = add(&queue, "many").aws_account_ids("444455556666");
        adding
            .actions("SendMessage")
            .actions("ReceiveMessage")
            .send()
            .await
            .unwrap();
        let statement = &policy(&queue).await["Statement"][0];
        assert_eq!(
            statement["Principal"]["AWS"].as_array().map(Vec::len),
            Some(2),
            "{statement}"
        );
        assert_eq!(statement["Action"].as_array().map(Vec::len), Some(2), "{statement}");
    });
}

#[test]
fn label_is_there_once_and_the_last_removal_drops_the_policy() {
    run(async {
        let queue = Queue::standard().await;
        add(&queue, "first").actions("SendMessage").send().await.unwrap();
        add(&queue, "second").actions("*").send().await.unwrap();
        raises_code!(
            add(&queue, "first").actions("*").send().await,
            "InvalidParameterValue",
            "Already exists."
        );
        assert_eq!(policy(&queue).await["Statement"].as_array().map(Vec::len), Some(2));

        remove(&queue, "first").send().await.unwrap();
        assert_eq!(policy(&queue).await["Statement"][0]["Sid"], "second");
        raises_code!(remove(&queue, "first").send().await, "InvalidParameterValue");
        remove(&queue, "second").send().await.unwrap();
        assert_eq!(queue.attribute("Policy").await, None);
    });
}

#[test]
fn missing_queue() {
    run(async {
        let (client, url) = (client().await, unique("rust"));
        let adding = client
            .add_permission()
            .queue_url(&url)
            .label("one")
            .aws_account_ids(ACCOUNT)
            .actions("*");
        raises!(adding.send().await, QueueDoesNotExist);
        raises!(
            client.remove_permission().queue_url(&url).label("one").send().await,
            QueueDoesNotExist
        );
    });
}
