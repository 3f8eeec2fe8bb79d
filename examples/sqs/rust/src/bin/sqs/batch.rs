//! Batches: up to ten messages per request, each with an outcome of its own.

use std::collections::BTreeSet;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, SendMessageBatchRequestEntry};

pub async fn run(sqs: &Client) -> crate::Outcome {
    let url = &crate::create_queue(sqs, "bulk", &[]).await?;
    let mut send = sqs.send_message_batch().queue_url(url);
    for number in 1..=10 {
        let delay = if number == 10 { 901 } else { 0 }; // one too many, so the last is refused
        let entry = SendMessageBatchRequestEntry::builder()
            .id(format!("entry-{number}"))
            .message_body(format!("order-{number}"))
            .delay_seconds(delay);
        send = send.entries(entry.build()?);
    }
    let answer = send.send().await?;
    assert_eq!(answer.successful().len(), 9);
    let [refused] = answer.failed() else { panic!("{answer:?}") };
    assert!(refused.sender_fault());
    println!("sent {}, refused {}: {}", answer.successful().len(), refused.id(), refused.code());

    let mut deleted = BTreeSet::new();
    loop {
        let answer = sqs.receive_message().queue_url(url).max_number_of_messages(10).send().await?;
        if answer.messages().is_empty() {
            break;
        }
        let mut delete = sqs.delete_message_batch().queue_url(url);
        for message in answer.messages() {
            deleted.insert(message.body().unwrap().to_owned());
            let entry = DeleteMessageBatchRequestEntry::builder()
                .id(message.message_id().unwrap())
                .receipt_handle(message.receipt_handle().unwrap());
            delete = delete.entries(entry.build()?);
        }
        assert!(delete.send().await?.failed().is_empty());
    }
    assert!((1..=9).map(|number| format!("order-{number}")).eq(deleted.iter().cloned()), "{deleted:?}");
    println!("received and deleted {}", deleted.len());
    sqs.delete_queue().queue_url(url).send().await?;
    Ok(())
}
