//! Message move tasks: out of a dead-letter queue again.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_sdk_sqs::operation::start_message_move_task::builders::StartMessageMoveTaskFluentBuilder;
use aws_sdk_sqs::types::ListMessageMoveTasksResultEntry as Task;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lclq_sdk_rust::*;
use serde_json::{Value, json};

use crate::batches::{numbered, sends};
use crate::dead_letter::redrive;

const NEVER_STARTED: &str = "00000000-0000-4000-8000-000000000000";

async fn dead_letter_pair() -> (Queue, Queue) {
    let dead = Queue::standard().await;
    let source = Queue::with(&[("RedrivePolicy", &redrive(&dead, 1))]).await;
    (dead, source)
}

fn starting(dead: &Queue) -> StartMessageMoveTaskFluentBuilder {
    dead.client.start_message_move_task().source_arn(&dead.arn)
}

async fn start(task: StartMessageMoveTaskFluentBuilder) -> String {
    task.send().await.expect("start").task_handle.expect("a handle")
}

async fn tasks(dead: &Queue, most: Option<i32>) -> Vec<Task> {
    let listing = dead
        .client
        .list_message_move_tasks()
        .source_arn(&dead.arn)
        .set_max_results(most);
    listing.send().await.expect("list").results.unwrap_or_default()
}

/// Waits until the latest task has the status.
async fn latest(dead: &Queue, status: &str) -> Task {
    let give_up = Instant::now() + Duration::from_secs(10);
    loop {
        let listed = tasks(dead, None).await;
        if listed.first().and_then(Task::status) == Some(status) {
            return listed.into_iter().next().unwrap();
        }
        assert!(Instant::now() < give_up, "the task never became {status}: {listed:?}");
        sleep(50).await;
    }
}

/// Waits until the queue has this many messages.
async fn holds(queue: &Queue, count: &str) {
    let give_up = Instant::now() + Duration::from_secs(10);
    loop {
        let now = queue.attribute("ApproximateNumberOfMessages").await;
        if now.as_deref() == Some(count) {
            return;
        }
        assert!(Instant::now() < give_up, "the queue has {now:?} messages, not {count}");
        sleep(20).await;
    }
}

async fn send_thirty(queue: &Queue) {
    for _ in 0..3 {
        sends(queue, numbered(10)).send().await.unwrap();
    }
}

#[test]
fn messages_go_back_to_their_source() {
    run(async {
        let (dead, source) = dead_letter_pair().await;
        for body in ["a", "b", "c"] {
            source.send(body).await;
            source.receive_hiding(0).await;
            source.is_empty("moved").await;
        }
        holds(&dead, "3").await;

        let handle = start(starting(&dead)).await;
        let fields: Value = serde_json::from_slice(&BASE64_STANDARD.decode(handle).unwrap()).unwrap();
        assert_eq!(fields["sourceArn"], dead.arn);
        assert!(fields["taskId"].is_string(), "{fields}");

        assert_eq!(sorted(bodies(&source.receive_exactly(3).await)), ["a", "b", "c"]);
        let task = latest(&dead, "COMPLETED").await;
        assert_eq!(task.source_arn(), Some(dead.arn.as_str()));
        assert_eq!(task.approximate_number_of_messages_moved(), 3);
        assert_eq!(task.task_handle(), None, "only a running task has a handle");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        assert!(
            now.abs_diff(task.started_timestamp() as u128) < 60_000,
            "started in milliseconds"
        );
        dead.is_empty("all went back").await;
    });
}

#[test]
fn messages_go_to_a_destination() {
    run(async {
        let (dead, _source) = dead_letter_pair().await;
        let target = Queue::standard().await;
        dead.send("elsewhere").await;
        start(
            starting(&dead)
                .destination_arn(&target.arn)
                .max_number_of_messages_per_second(100),
        )
        .await;
        assert_eq!(target.receive_one().await.body(), Some("elsewhere"));
        let task = latest(&dead, "COMPLETED").await;
        assert_eq!(task.destination_arn(), Some(target.arn.as_str()));
        assert_eq!(task.max_number_of_messages_per_second(), Some(100));
    });
}

#[test]
fn one_task_at_a_time_can_be_cancelled() {
    run(async {
        let (dead, _source) = dead_letter_pair().await;
        let target = Queue::standard().await;
        send_thirty(&dead).await;
        let slowly = starting(&dead)
            .destination_arn(&target.arn)
            .max_number_of_messages_per_second(1);
        let handle = start(slowly.clone()).await;
        let listed = tasks(&dead, None).await;
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].status(), Some("RUNNING"));
        assert_eq!(listed[0].task_handle(), Some(handle.as_str()));
        assert_eq!(listed[0].approximate_number_of_messages_to_move(), Some(30));
        let second = aws_sdk_sqs::Error::from(slowly.send().await.expect_err("one at a time"));
        says(&second, "There is already a task running");

        let cancelled = dead
            .client
            .cancel_message_move_task()
            .task_handle(handle)
            .send()
            .await
            .unwrap();
        assert!(cancelled.approximate_number_of_messages_moved() < 30);
        let task = latest(&dead, "CANCELLED").await;
        assert_eq!(task.task_handle(), None);
        assert!(task.approximate_number_of_messages_moved() < 30);
    });
}

#[test]
fn task_fails_when_its_destination_is_deleted() {
    run(async {
        let (dead, _source) = dead_letter_pair().await;
        let target = Queue::standard().await;
        send_thirty(&dead).await;
        start(
            starting(&dead)
                .destination_arn(&target.arn)
                .max_number_of_messages_per_second(1),
        )
        .await;
        target
            .client
            .delete_queue()
            .queue_url(&target.url)
            .send()
            .await
            .unwrap();
        let task = latest(&dead, "FAILED").await;
        let reason = task.failure_reason().expect("a reason");
        assert!(reason.contains("NonExistentQueue"), "{reason}");
    });
}

#[test]
fn tasks_are_listed_newest_first() {
    run(async {
        let (dead, _source) = dead_letter_pair().await;
        for _ in 0..3 {
            start(starting(&dead)).await;
            latest(&dead, "COMPLETED").await;
        }
        assert_eq!(tasks(&dead, None).await.len(), 1, "one by default");
        let all = tasks(&dead, Some(10)).await;
        assert_eq!(all.len(), 3);
        assert!(
            all.is_sorted_by_key(|task| std::cmp::Reverse(task.started_timestamp())),
            "{all:?}"
        );
        let listing = dead
            .client
            .list_message_move_tasks()
            .source_arn(&dead.arn)
            .max_results(11);
        raises_code!(listing.send().await, "InvalidParameterValue");
    });
}

#[test]
fn errors() {
    run(async {
        let (dead, source) = dead_letter_pair().await;
        let text = "Source queue must be configured as a Dead Letter Queue.";
        raises_code!(starting(&source).send().await, "InvalidParameterValue", text);
        let missing = format!("{}-missing", dead.arn);
        let from = starting(&dead).source_arn(&missing).send().await;
        raises!(from, ResourceNotFoundException, "SourceArn");
        let to = starting(&dead).destination_arn(&missing).send().await;
        raises!(to, ResourceNotFoundException, "DestinationArn");
        let handle = BASE64_STANDARD.encode(json!({"taskId": NEVER_STARTED, "sourceArn": dead.arn}).to_string());
        let cancelled = dead.client.cancel_message_move_task().task_handle(handle).send().await;
        raises!(cancelled, ResourceNotFoundException, "Task does not exist.");
    });
}
