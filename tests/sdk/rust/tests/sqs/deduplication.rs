//! FIFO deduplication: by id, by content, by group.

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use lclq_sdk_rust::*;

use crate::batches::sends;

#[test]
fn duplicate_answers_the_original() {
    run(async {
        let queue = Queue::with(FIFO_BY_ID).await;
        let sending = |body: &str| {
            queue
                .sending(body)
                .message_group_id("g")
                .message_deduplication_id("same")
                .send()
        };
        let original = sending("original").await.unwrap();
        let duplicate = sending("another body").await.unwrap();
        assert!(original.sequence_number().is_some());
        assert_eq!(duplicate.message_id(), original.message_id());
        assert_eq!(duplicate.sequence_number(), original.sequence_number());
        assert_eq!(bodies(&queue.receive().await), ["original"]);
    });
}

#[test]
fn by_content_unless_there_is_an_id() {
    run(async {
        let queue = Queue::fifo().await;
        queue.send_group("g", &["a", "a", "b"]).await;
        queue
            .sending("b")
            .message_group_id("g")
            .message_deduplication_id("explicit")
            .send()
            .await
            .unwrap();
        assert_eq!(bodies(&queue.receive().await), ["a", "b", "b"]);
    });
}

#[test]
fn id_is_needed_without_content_deduplication() {
    run(async {
        let queue = Queue::with(FIFO_BY_ID).await;
        raises_code!(
            queue.sending("no id").message_group_id("g").send().await,
            "InvalidParameterValue"
        );
    });
}

#[test]
fn it_outlives_the_message() {
    run(async {
        let queue = Queue::fifo().await;
        queue.send_group("g", &["once"]).await;
        queue.delete(&queue.receive_one().await).await;
        queue.send_group("g", &["once"]).await;
        queue.is_empty("a duplicate of a deleted message").await;
    });
}

#[test]
fn purge_clears_it() {
    run(async {
        let queue = Queue::fifo().await;
        queue.send_group("g", &["again"]).await;
        queue.purge().await;
        queue.send_group("g", &["again"]).await;
        assert_eq!(bodies(&queue.receive().await), ["again"]);
    });
}

#[test]
fn scope_is_the_queue_or_each_group() {
    run(async {
        for (scope, wanted) in [("queue", &["a"][..]), ("messageGroup", &["a", "b"])] {
            let queue = Queue::with(&[FIFO[0], ("DeduplicationScope", scope)]).await;
            for group in ["a", "b"] {
                queue
                    .sending(group)
                    .message_group_id(group)
                    .message_deduplication_id("same")
                    .send()
                    .await
                    .unwrap();
            }
            assert_eq!(sorted(bodies(&queue.receive().await)), wanted, "{scope}");
        }
    });
}

#[test]
fn batch_deduplicates_within_itself() {
    run(async {
        let queue = Queue::fifo().await;
        let entry = |id| {
            SendMessageBatchRequestEntry::builder()
                .id(id)
                .message_body("equal")
                .message_group_id("g")
        };
        let entries = ["1", "2"].map(|id| entry(id).build().unwrap()).to_vec();
        let sent = sends(&queue, entries).send().await.unwrap();
        assert_eq!(sent.successful().len(), 2);
        assert_eq!(sent.successful()[0].message_id(), sent.successful()[1].message_id());
        assert_eq!(bodies(&queue.receive().await), ["equal"]);
    });
}
