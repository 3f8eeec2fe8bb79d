//! In-flight messages: hidden, extended, given back, expired.

use std::collections::HashSet;

use lclq_sdk_rust::*;

const ONE_SECOND: Attributes = &[("VisibilityTimeout", "1")];
const PAST_ONE_SECOND: u64 = 1300;

#[test]
fn received_message_is_hidden_until_its_timeout() {
    run(async {
        let queue = Queue::with(&[("VisibilityTimeout", "2")]).await;
        queue.send("hidden").await;
        let first = queue.receive_one().await;
        queue.is_empty("hidden").await;
        let second = queue.receive_one().await;
        assert_eq!(second.message_id(), first.message_id());
        assert_ne!(second.receipt_handle(), first.receipt_handle());
        assert_eq!(system(&second, "ApproximateReceiveCount"), Some("2"));
    });
}

#[test]
fn receive_overrides_the_queues_timeout() {
    run(async {
        let queue = Queue::standard().await;
        queue.send("briefly").await;
        queue.receive_hiding(2).await;
        queue.is_empty("hidden").await;
        assert_eq!(bodies(&queue.receive_waiting(5).await), ["briefly"]);
    });
}

#[test]
fn receive_with_zero_leaves_the_message_visible_under_a_fresh_handle() {
    run(async {
        let queue = Queue::standard().await;
        queue.send("peek").await;
        let mut handles = HashSet::new();
        for _ in 0..3 {
            handles.insert(queue.receive_hiding(0).await.receipt_handle);
        }
        assert_eq!(handles.len(), 3, "different handles");
    });
}

#[test]
fn zero_gives_a_message_back_at_once() {
    run(async {
        let queue = Queue::standard().await;
        queue.send("returned").await;
        queue.hide(&queue.receive_one().await, 0).await;
        assert_eq!(bodies(&queue.receive().await), ["returned"]);
    });
}

#[test]
fn longer_timeout_keeps_a_message_hidden() {
    run(async {
        let queue = Queue::with(ONE_SECOND).await;
        queue.send("kept").await;
        queue.hide(&queue.receive_one().await, 60).await;
        sleep(PAST_ONE_SECOND).await;
        queue.is_empty("still hidden").await;
    });
}

#[test]
fn change_counts_for_the_current_receive_only() {
    run(async {
        let queue = Queue::with(ONE_SECOND).await;
        queue.send("again").await;
        let first = queue.receive_one().await;
        queue.hide(&first, 0).await;
        queue.receive_one().await;
        let third = queue.receive_one().await;
        assert_eq!(
            third.message_id(),
            first.message_id(),
            "the queue's own timeout is back"
        );
        queue.hide(&first, 60).await;
        sleep(PAST_ONE_SECOND).await;
        queue.is_empty("hidden by the earlier handle").await;
    });
}

#[test]
fn standard_queue_deletes_and_changes_after_expiry() {
    run(async {
        let queue = Queue::standard().await;
        queue.send("late").await;
        let got = queue.receive_hiding(1).await;
        sleep(PAST_ONE_SECOND).await;
        queue.hide(&got, 60).await;
        queue.is_empty("hidden again").await;
        queue.hide(&got, 0).await;
        queue.delete(&got).await;
        queue.is_empty("deleted").await;
    });
}

#[test]
fn fifo_queue_refuses_a_delete_after_expiry() {
    run(async {
        let queue = Queue::fifo().await;
        queue.send_group("g", &["late"]).await;
        let got = queue.receive_hiding(1).await;
        sleep(PAST_ONE_SECOND).await;
        let deleted = queue.delete_handle(handle(&got)).await;
        raises_code!(deleted, "InvalidParameterValue", "The receipt handle has expired.");
    });
}

#[test]
fn deleted_messages_visibility_cannot_change() {
    run(async {
        let queue = Queue::standard().await;
        queue.send("deleted").await;
        let got = queue.receive_one().await;
        queue.delete(&got).await;
        raises_code!(
            queue.hide_handle(handle(&got), 10).await,
            "InvalidParameterValue",
            "Message does not exist or is not available for visibility timeout change."
        );
    });
}

#[test]
fn at_most_twelve_hours() {
    run(async {
        let queue = Queue::standard().await;
        queue.send("half a day").await;
        let got = queue.receive_one().await;
        queue.hide(&got, 43100).await;
        raises_code!(queue.hide_handle(handle(&got), 43201).await, "InvalidParameterValue");
        raises_code!(
            queue.receiving().visibility_timeout(43201).send().await,
            "InvalidParameterValue"
        );
    });
}

#[test]
fn garbage_handles() {
    run(async {
        let queue = Queue::standard().await;
        let text = r#"The input receipt handle "garbage" is not a valid receipt handle."#;
        raises!(queue.delete_handle("garbage").await, ReceiptHandleIsInvalid, text);
        raises!(queue.hide_handle("garbage", 1).await, ReceiptHandleIsInvalid, text);
        let deleting = queue
            .client
            .delete_message()
            .queue_url(&queue.url)
            .receipt_handle("garbage");
        let response = deleting.send().await.unwrap_err();
        assert_eq!(response.raw_response().expect("a response").status().as_u16(), 404);
    });
}
