//! Long polls wait, and wake as soon as there is something.

use std::future::Future;
use std::time::{Duration, Instant};

use aws_sdk_sqs::operation::receive_message::builders::ReceiveMessageFluentBuilder;
use aws_sdk_sqs::types::Message;
use lclq_sdk_rust::*;

/// Expects `body` from a poll that is waiting when the trigger is pulled, and
/// answers the message and how long after the trigger it came.
async fn wakes(poll: ReceiveMessageFluentBuilder, body: &str, trigger: impl Future) -> (Message, Duration) {
    let polling = tokio::spawn(async move { (messages(poll).await, Instant::now()) });
    sleep(200).await;
    trigger.await;
    let from = Instant::now();
    let (mut got, at) = polling.await.unwrap();
    assert_eq!(bodies(&got), [body], "what the poll answered");
    (got.remove(0), at.saturating_duration_since(from))
}

async fn wakes_within(millis: u64, queue: &Queue, body: &str, trigger: impl Future) {
    let (_, took) = wakes(queue.receiving().wait_time_seconds(10), body, trigger).await;
    assert!(took < Duration::from_millis(millis), "woke after {took:?}");
}

#[test]
fn send_wakes_a_waiting_poll_at_once() {
    run(async {
        let queue = Queue::standard().await;
        let mut delays = Vec::new();
        for round in 0..5 {
            let body = format!("round {round}");
            let poll = queue.receiving().wait_time_seconds(10);
            let (message, took) = wakes(poll, &body, queue.send(&body)).await;
            queue.delete(&message).await;
            delays.push(took);
        }
        delays.sort();
        assert!(delays[2] < Duration::from_millis(300), "median wake-up {:?}", delays[2]);
        assert!(delays[4] < Duration::from_secs(5), "slowest wake-up {:?}", delays[4]);
    });
}

#[test]
fn send_wakes_a_poll_that_waits_by_the_queues_own_time() {
    run(async {
        let queue = Queue::with(&[("ReceiveMessageWaitTimeSeconds", "10")]).await;
        let (_, took) = wakes(queue.receiving(), "default wait", queue.send("default wait")).await;
        assert!(took < Duration::from_secs(3), "woke after {took:?}");
    });
}

#[test]
fn fifo_send_wakes_a_waiting_poll() {
    run(async {
        let queue = Queue::fifo().await;
        wakes_within(3000, &queue, "fifo", queue.send_group("g", &["fifo"])).await;
    });
}

#[test]
fn fifo_delete_wakes_a_poll_that_waits_for_the_group() {
    run(async {
        let queue = Queue::fifo().await;
        queue.send_group("g", &["first", "second"]).await;
        let first = queue.receive_one().await;
        wakes_within(3000, &queue, "second", queue.delete(&first)).await;
    });
}

#[test]
fn giving_back_wakes_a_waiting_poll() {
    run(async {
        let queue = Queue::standard().await;
        queue.send("given back").await;
        let message = queue.receive_one().await;
        wakes_within(3000, &queue, "given back", queue.hide(&message, 0)).await;
    });
}

#[test]
fn end_of_a_delay_wakes_a_waiting_poll() {
    run(async {
        let queue = Queue::standard().await;
        queue.sending("delayed").delay_seconds(1).send().await.unwrap();
        wakes_within(4000, &queue, "delayed", async {}).await;
    });
}

#[test]
fn end_of_a_visibility_timeout_wakes_a_waiting_poll() {
    run(async {
        let queue = Queue::standard().await;
        queue.send("expired").await;
        queue.receive_hiding(1).await;
        wakes_within(4000, &queue, "expired", async {}).await;
    });
}

#[test]
fn poll_answers_with_what_there_is() {
    run(async {
        let queue = Queue::standard().await;
        queue.send("only one").await;
        let from = Instant::now();
        assert_eq!(bodies(&queue.receive_waiting(10).await), ["only one"]);
        assert!(from.elapsed() < Duration::from_secs(5), "waited {:?}", from.elapsed());
    });
}

#[test]
fn empty_poll_waits_its_time() {
    run(async {
        let queue = Queue::with(&[("ReceiveMessageWaitTimeSeconds", "3")]).await;
        let from = Instant::now();
        assert!(queue.receive().await.is_empty());
        let waited = from.elapsed();
        assert!(
            waited > Duration::from_millis(2900) && waited < Duration::from_secs(7),
            "waited {waited:?}"
        );
        let from = Instant::now();
        assert!(queue.receive_waiting(0).await.is_empty());
        assert!(
            from.elapsed() < Duration::from_millis(2500),
            "0 overrides the queue's wait"
        );
    });
}

#[test]
fn ten_polls_share_ten_messages() {
    run(async {
        let queue = Queue::standard().await;
        let poll = queue.receiving().max_number_of_messages(1).wait_time_seconds(10);
        let polls: Vec<_> = (0..10).map(|_| tokio::spawn(messages(poll.clone()))).collect();
        sleep(300).await;
        for i in 0..10 {
            queue.send(i.to_string()).await;
        }
        let mut got = Vec::new();
        for poll in polls {
            got.extend(poll.await.unwrap());
        }
        assert_eq!(sorted(bodies(&got)), ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    });
}

#[test]
fn abandoned_poll_does_not_swallow_a_message() {
    run(async {
        let queue = Queue::standard().await;
        let poll = queue.receiving().wait_time_seconds(10);
        let abandoned = tokio::time::timeout(Duration::from_millis(300), poll.send()).await;
        assert!(abandoned.is_err(), "the poll answered: {abandoned:?}");
        sleep(200).await;
        queue.send("not lost").await;
        assert_eq!(bodies(&queue.receive_waiting(5).await), ["not lost"]);
    });
}
