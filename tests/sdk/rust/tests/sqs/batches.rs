//! Batches: whole, partly failed, and refused.

use aws_sdk_sqs::operation::change_message_visibility_batch::builders::ChangeMessageVisibilityBatchFluentBuilder as Hides;
use aws_sdk_sqs::operation::delete_message_batch::builders::DeleteMessageBatchFluentBuilder as Deletes;
use aws_sdk_sqs::operation::send_message_batch::builders::SendMessageBatchFluentBuilder as Sends;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry as Hide, DeleteMessageBatchRequestEntry as Delete,
    MessageSystemAttributeNameForSends, MessageSystemAttributeValue, SendMessageBatchRequestEntry as Send,
    SendMessageBatchResultEntry,
};
use lclq_sdk_rust::*;

pub fn sends(queue: &Queue, entries: Vec<Send>) -> Sends {
    queue
        .client
        .send_message_batch()
        .queue_url(&queue.url)
        .set_entries(Some(entries))
}

fn deletes(queue: &Queue, entries: Vec<Delete>) -> Deletes {
    queue
        .client
        .delete_message_batch()
        .queue_url(&queue.url)
        .set_entries(Some(entries))
}

fn hides(queue: &Queue, entries: Vec<Hide>) -> Hides {
    queue
        .client
        .change_message_visibility_batch()
        .queue_url(&queue.url)
        .set_entries(Some(entries))
}

fn send(id: &str, body: &str) -> Send {
    Send::builder().id(id).message_body(body).build().unwrap()
}

fn delete(id: &str, handle: &str) -> Delete {
    Delete::builder().id(id).receipt_handle(handle).build().unwrap()
}

fn hide(id: &str, handle: &str, seconds: i32) -> Hide {
    Hide::builder()
        .id(id)
        .receipt_handle(handle)
        .visibility_timeout(seconds)
        .build()
        .unwrap()
}

pub fn numbered(count: usize) -> Vec<Send> {
    (0..count)
        .map(|i| send(&format!("id-{i}"), &format!("body {i}")))
        .collect()
}

fn ids(successful: &[SendMessageBatchResultEntry]) -> Vec<&str> {
    sorted(successful.iter().map(|entry| entry.id()))
}

/// Expects that the entry `bad` alone failed, by the sender's fault.
#[track_caller]
fn bad_failed(failed: &[BatchResultErrorEntry], code: &str, text: &str) {
    assert_eq!(failed.len(), 1, "failed entries");
    assert_eq!((failed[0].id(), failed[0].code()), ("bad", code));
    assert!(failed[0].sender_fault());
    let message = failed[0].message().unwrap_or_default();
    assert!(message.contains(text), "{message:?} lacks {text:?}");
}

#[test]
fn ten_messages() {
    run(async {
        let queue = Queue::standard().await;
        let sent = sends(&queue, numbered(10)).send().await.unwrap();
        assert_eq!((sent.successful().len(), sent.failed().len()), (10, 0));
        for entry in sent.successful() {
            assert_eq!(entry.md5_of_message_body(), md5_of(&entry.id().replace("id-", "body ")));
            assert_eq!(entry.md5_of_message_attributes(), None);
        }

        let got = queue.receive_exactly(10).await;
        let entries = got
            .iter()
            .enumerate()
            .map(|(i, message)| hide(&i.to_string(), handle(message), 0));
        let hidden = hides(&queue, entries.collect()).send().await.unwrap();
        assert_eq!((hidden.successful().len(), hidden.failed().len()), (10, 0));

        let got = queue.receive_exactly(10).await;
        let entries = got
            .iter()
            .enumerate()
            .map(|(i, message)| delete(&i.to_string(), handle(message)));
        let deleted = deletes(&queue, entries.collect()).send().await.unwrap();
        assert_eq!((deleted.successful().len(), deleted.failed().len()), (10, 0));
        queue.is_empty("all deleted").await;
    });
}

#[test]
fn entry_has_its_own_attributes_and_delay() {
    run(async {
        let queue = Queue::standard().await;
        let header = MessageSystemAttributeValue::builder()
            .data_type("String")
            .string_value(TRACE)
            .build()
            .unwrap();
        let with = Send::builder()
            .id("attributes")
            .message_body("a")
            .set_message_attributes(Some(every_kind()))
            .message_system_attributes(MessageSystemAttributeNameForSends::AwsTraceHeader, header);
        let later = Send::builder().id("delay").message_body("b").delay_seconds(60);
        let sent = sends(&queue, vec![with.build().unwrap(), later.build().unwrap()])
            .send()
            .await
            .unwrap();
        assert_eq!(ids(sent.successful()), ["attributes", "delay"]);
        let entry = sent
            .successful()
            .iter()
            .find(|entry| entry.id() == "attributes")
            .unwrap();
        assert_eq!(
            entry.md5_of_message_attributes(),
            Some(md5_of_attributes(&every_kind()).as_str())
        );
        assert_eq!(entry.md5_of_message_system_attributes(), Some(TRACE_MD5));
        assert_eq!(queue.receive_one().await.message_attributes(), Some(&every_kind()));
        queue.is_empty("the other is delayed").await;
    });
}

#[test]
fn illegal_character_fails_only_its_entry() {
    run(async {
        let queue = Queue::standard().await;
        let got = sends(&queue, vec![send("good", "good"), send("bad", "bad \x01")])
            .send()
            .await
            .unwrap();
        assert_eq!(ids(got.successful()), ["good"]);
        bad_failed(got.failed(), "InvalidMessageContents", "");
        assert_eq!(queue.receive_one().await.body(), Some("good"));
    });
}

#[test]
fn too_long_a_body_fails_only_its_entry() {
    run(async {
        let queue = Queue::with(&[("MaximumMessageSize", "1024")]).await;
        let entries = vec![send("bad", &"x".repeat(1025)), send("good", &"x".repeat(1024))];
        let got = sends(&queue, entries).send().await.unwrap();
        assert_eq!(ids(got.successful()), ["good"]);
        bad_failed(
            got.failed(),
            "InvalidParameterValue",
            "Message must be shorter than 1024 bytes.",
        );
    });
}

#[test]
fn bad_handle_fails_only_its_entry() {
    run(async {
        let queue = Queue::standard().await;
        queue.send("one").await;
        queue.send("two").await;
        let got = queue.receive_exactly(2).await;
        let good = handle(&got[0]);

        let entries = vec![hide("good", good, 60), hide("bad", "garbage", 60)];
        let hidden = hides(&queue, entries).send().await.unwrap();
        assert_eq!(hidden.successful().len(), 1);
        bad_failed(hidden.failed(), "ReceiptHandleIsInvalid", "");

        let entries = vec![hide("good", good, 60), hide("bad", handle(&got[1]), 43201)];
        let hidden = hides(&queue, entries).send().await.unwrap();
        assert_eq!(hidden.successful().len(), 1);
        bad_failed(hidden.failed(), "InvalidParameterValue", "");

        let entries = vec![delete("good", good), delete("bad", "garbage")];
        let deleted = deletes(&queue, entries).send().await.unwrap();
        assert_eq!(deleted.successful()[0].id(), "good");
        bad_failed(deleted.failed(), "ReceiptHandleIsInvalid", "");
    });
}

#[test]
fn empty_batch() {
    run(async {
        let queue = Queue::standard().await;
        raises!(sends(&queue, vec![]).send().await, EmptyBatchRequest);
        raises!(deletes(&queue, vec![]).send().await, EmptyBatchRequest);
        raises!(hides(&queue, vec![]).send().await, EmptyBatchRequest);
    });
}

#[test]
fn eleven_entries() {
    run(async {
        let queue = Queue::standard().await;
        let text = "Maximum number of entries per request are 10. You have sent 11.";
        let eleven = |of: fn(String) -> Delete| (0..11).map(|i| of(i.to_string())).collect();
        raises!(
            sends(&queue, numbered(11)).send().await,
            TooManyEntriesInBatchRequest,
            text
        );
        let entries = eleven(|id| delete(&id, "any"));
        raises!(
            deletes(&queue, entries).send().await,
            TooManyEntriesInBatchRequest,
            text
        );
        let entries = (0..11).map(|i| hide(&i.to_string(), "any", 1)).collect();
        raises!(hides(&queue, entries).send().await, TooManyEntriesInBatchRequest, text);
    });
}

#[test]
fn equal_ids() {
    run(async {
        let queue = Queue::standard().await;
        let entries = vec![send("same", "x"), send("same", "y")];
        raises!(sends(&queue, entries).send().await, BatchEntryIdsNotDistinct);
        let entries = vec![delete("same", "any"), delete("same", "other")];
        raises!(deletes(&queue, entries).send().await, BatchEntryIdsNotDistinct);
        let entries = vec![hide("same", "any", 1), hide("same", "other", 1)];
        raises!(hides(&queue, entries).send().await, BatchEntryIdsNotDistinct);
        queue.is_empty("nothing was sent").await;
    });
}

#[test]
fn invalid_ids() {
    run(async {
        let queue = Queue::standard().await;
        let text = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. \
                    It can be at most 80 letters long.";
        for id in ["with space", "dot.", &"i".repeat(81)] {
            raises!(
                sends(&queue, vec![send(id, "x")]).send().await,
                InvalidBatchEntryId,
                text
            );
            raises!(
                deletes(&queue, vec![delete(id, "any")]).send().await,
                InvalidBatchEntryId,
                text
            );
        }
    });
}

#[test]
fn one_mebibyte_in_all() {
    run(async {
        let queue = Queue::standard().await;
        let half = "x".repeat(512 * 1024);
        let got = sends(&queue, vec![send("a", &half), send("b", &half)])
            .send()
            .await
            .unwrap();
        assert_eq!(ids(got.successful()), ["a", "b"]);
        raises!(
            sends(&queue, vec![send("a", &half), send("b", &(half.clone() + "x"))])
                .send()
                .await,
            BatchRequestTooLong,
            "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes."
        );
    });
}

#[test]
fn fifo_batch_with_a_missing_id_fails_as_a_whole() {
    run(async {
        let queue = Queue::with(FIFO_BY_ID).await;
        let entry = || Send::builder().message_body("x");
        let good = entry()
            .id("good")
            .message_group_id("g")
            .message_deduplication_id("1")
            .build()
            .unwrap();
        let no_id = entry().id("bad").message_group_id("g").build().unwrap();
        let no_group = entry().id("bad").message_deduplication_id("2").build().unwrap();
        raises_code!(
            sends(&queue, vec![good.clone(), no_id]).send().await,
            "InvalidParameterValue"
        );
        assert!(
            sends(&queue, vec![good, no_group]).send().await.is_err(),
            "an entry without a group was taken"
        );
        queue.is_empty("nothing was sent").await;
    });
}
