//! Delayed messages: by the message, by the queue.

use lclq_sdk_rust::*;

#[test]
fn messages_own_delay() {
    run(async {
        let queue = Queue::standard().await;
        queue.sending("later").delay_seconds(2).send().await.unwrap();
        queue.send("now").await;
        assert_eq!(bodies(&queue.receive().await), ["now"]);
        assert_eq!(bodies(&queue.receive_waiting(5).await), ["later"]);
    });
}

#[test]
fn queues_delay_which_a_message_may_override() {
    run(async {
        let queue = Queue::with(&[("DelaySeconds", "2")]).await;
        queue.send("by the queue").await;
        queue.sending("at once").delay_seconds(0).send().await.unwrap();
        assert_eq!(bodies(&queue.receive().await), ["at once"]);
        assert_eq!(bodies(&queue.receive_waiting(5).await), ["by the queue"]);
    });
}

#[test]
fn at_most_900_seconds() {
    run(async {
        let queue = Queue::standard().await;
        for seconds in [-1, 901] {
            raises_code!(
                queue.sending("never").delay_seconds(seconds).send().await,
                "InvalidParameterValue"
            );
        }
    });
}

#[test]
fn fifo_queue_has_no_delay_by_message() {
    run(async {
        let queue = Queue::with(&[FIFO[0], FIFO[1], ("DelaySeconds", "2")]).await;
        let own = queue
            .sending("own delay")
            .message_group_id("g")
            .delay_seconds(3)
            .send()
            .await;
        raises_code!(own, "InvalidParameterValue", "not valid for this queue type.");
        queue
            .sending("falls back")
            .message_group_id("g")
            .delay_seconds(0)
            .send()
            .await
            .unwrap();
        queue.is_empty("delayed").await;
        assert_eq!(bodies(&queue.receive_waiting(5).await), ["falls back"]);
    });
}
