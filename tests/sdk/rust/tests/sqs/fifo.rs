//! FIFO queues: order, groups, sequence numbers, receive attempts.

use std::collections::BTreeMap;

use aws_sdk_sqs::types::{Message, SendMessageBatchRequestEntry};
use lclq_sdk_rust::*;

use crate::batches::sends;

const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

fn sequence(messages: &[Message]) -> Vec<&str> {
    messages
        .iter()
        .map(|message| system(message, "SequenceNumber").expect("a sequence number"))
        .collect()
}

async fn at_most(queue: &Queue, count: i32) -> Vec<Message> {
    messages(queue.receiving().max_number_of_messages(count)).await
}

#[test]
fn one_receive_returns_a_group_in_order() {
    run(async {
        let queue = Queue::fifo().await;
        queue.send_group("g", &DIGITS).await;
        assert_eq!(bodies(&queue.receive().await), DIGITS);
    });
}

#[test]
fn sequence_numbers() {
    run(async {
        let queue = Queue::fifo().await;
        let sent = queue.send_group("g", &["a", "b", "c"]).await;
        for number in &sent {
            assert!(
                number.len() == 20 && number.bytes().all(|byte| byte.is_ascii_digit()),
                "{number}"
            );
        }
        assert!(sent[0] < sent[1] && sent[1] < sent[2], "{sent:?}");
        assert_eq!(sequence(&queue.receive().await), sent);
    });
}

#[test]
fn batch_keeps_its_order() {
    run(async {
        let queue = Queue::fifo().await;
        let entry = |id: &&str| {
            SendMessageBatchRequestEntry::builder()
                .id(*id)
                .message_body(*id)
                .message_group_id("g")
        };
        let entries = DIGITS.iter().map(|id| entry(id).build().unwrap()).collect();
        let mut sent = sends(&queue, entries).send().await.unwrap().successful;
        sent.sort_by(|a, b| a.id().cmp(b.id()));
        let numbers: Vec<_> = sent.iter().map(|entry| entry.sequence_number().unwrap()).collect();
        assert!(numbers.is_sorted(), "{numbers:?}");
        let got = queue.receive().await;
        assert_eq!(bodies(&got), DIGITS);
        assert_eq!(sequence(&got), numbers);
    });
}

#[test]
fn group_and_deduplication_id_come_back() {
    run(async {
        let queue = Queue::with(FIFO_BY_ID).await;
        let sending = queue
            .sending("named")
            .message_group_id("group-1")
            .message_deduplication_id("dedup-1");
        sending.send().await.unwrap();
        let got = queue.receive_one().await;
        assert_eq!(system(&got, "MessageGroupId"), Some("group-1"));
        assert_eq!(system(&got, "MessageDeduplicationId"), Some("dedup-1"));
    });
}

#[test]
fn group_is_locked_while_in_flight() {
    run(async {
        let queue = Queue::fifo().await;
        queue.send_group("a", &["a1", "a2", "a3"]).await;
        queue.send_group("b", &["b1"]).await;
        let first = at_most(&queue, 1).await;
        assert_eq!(bodies(&first), ["a1"]);
        assert_eq!(bodies(&queue.receive().await), ["b1"], "the other group");
        queue.is_empty("both are locked").await;
        queue.delete(&first[0]).await;
        assert_eq!(bodies(&queue.receive().await), ["a2", "a3"]);
    });
}

#[test]
fn partial_delete_keeps_the_group_locked() {
    run(async {
        let queue = Queue::fifo().await;
        queue.send_group("g", &["1", "2", "3"]).await;
        let got = at_most(&queue, 2).await;
        assert_eq!(bodies(&got), ["1", "2"]);
        queue.delete(&got[0]).await;
        queue.is_empty("locked by the second").await;
        queue.delete(&got[1]).await;
        assert_eq!(bodies(&queue.receive().await), ["3"]);
    });
}

#[test]
fn message_given_back_comes_first_again() {
    run(async {
        let queue = Queue::fifo().await;
        queue.send_group("g", &["1", "2"]).await;
        queue.hide(&queue.receive_one().await, 0).await;
        assert_eq!(bodies(&queue.receive().await), ["1", "2"]);
    });
}

#[test]
fn order_holds_within_each_group() {
    run(async {
        let queue = Queue::fifo().await;
        let groups = ["a", "b", "c", "d"];
        for i in 0..10 {
            for group in groups {
                queue.send_group(group, &[&format!("{group}{i}")]).await;
            }
        }
        let mut got = BTreeMap::<String, Vec<String>>::new();
        for received in 0.. {
            let messages = queue.receive_waiting(1).await;
            assert!(!messages.is_empty(), "stalled in receive {received} with {got:?}");
            for message in messages {
                queue.delete(&message).await;
                let group = system(&message, "MessageGroupId").unwrap().to_owned();
                got.entry(group).or_default().push(message.body.unwrap());
            }
            if got.values().map(Vec::len).sum::<usize>() == 40 {
                break;
            }
        }
        for group in groups {
            assert_eq!(got[group], DIGITS.map(|digit| format!("{group}{digit}")));
        }
    });
}

#[test]
fn receive_request_attempt_id() {
    run(async {
        let queue = Queue::fifo().await;
        queue.send_group("g", &["1", "2", "3"]).await;
        let attempt = |id: &str| {
            messages(
                queue
                    .receiving()
                    .max_number_of_messages(2)
                    .receive_request_attempt_id(id),
            )
        };
        let ids = |messages: &[Message]| {
            messages
                .iter()
                .map(|message| message.message_id.clone())
                .collect::<Vec<_>>()
        };

        let first = attempt("attempt-1").await;
        assert_eq!(bodies(&first), ["1", "2"]);
        queue.is_empty("locked for everyone else").await;
        assert!(attempt("attempt-2").await.is_empty());
        let retried = attempt("attempt-1").await;
        assert_eq!(ids(&retried), ids(&first));
        for message in &retried {
            queue.delete(message).await;
        }
        assert_eq!(bodies(&queue.receive().await), ["3"]);
    });
}

#[test]
fn message_needs_a_group() {
    run(async {
        let queue = Queue::fifo().await;
        raises_code!(
            queue.sending("no group").send().await,
            "MissingParameter",
            "MessageGroupId"
        );
        for group in ["with space", &"g".repeat(129), "grüße"] {
            raises_code!(
                queue.sending("x").message_group_id(group).send().await,
                "InvalidParameterValue"
            );
        }
    });
}
