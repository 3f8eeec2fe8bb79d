//! A FIFO queue: order within each group, and what is sent twice comes once.

use std::collections::BTreeMap;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};

const STEPS: [&str; 3] = ["created", "paid", "shipped"];
const CUSTOMERS: [&str; 2] = ["customer-1", "customer-2"];

pub async fn run(sqs: &Client) -> crate::Outcome {
    let url = &crate::create_queue(sqs, "orders.fifo", &[(QueueAttributeName::FifoQueue, "true")]).await?;
    let mut sent = None;
    for step in STEPS {
        for customer in CUSTOMERS {
            sent = send(sqs, url, customer, step).await?;
        }
    }
    // The answer got lost, say, and the producer sends again.
    assert_eq!(send(sqs, url, "customer-2", "shipped").await?, sent);

    let mut seen = BTreeMap::<String, Vec<String>>::new();
    loop {
        let receive = sqs.receive_message().queue_url(url).max_number_of_messages(10);
        let group = MessageSystemAttributeName::MessageGroupId;
        let answer = receive.message_system_attribute_names(group.clone()).send().await?;
        if answer.messages().is_empty() {
            break;
        }
        for message in answer.messages() {
            let customer = message.attributes().unwrap()[&group].clone();
            seen.entry(customer).or_default().push(message.body().unwrap().to_owned());
            // The group's next messages come once this one is deleted.
            crate::delete(sqs, url, message).await?;
        }
    }

    assert!(seen.keys().eq(CUSTOMERS), "{seen:?}");
    for (customer, steps) in &seen {
        assert_eq!(steps, &STEPS);
        println!("{customer}: {}", steps.join(", "));
    }
    println!("sent 7 times, received 6: one was a repetition");
    sqs.delete_queue().queue_url(url).send().await?;
    Ok(())
}

/// The message's id.
async fn send(sqs: &Client, url: &str, customer: &str, step: &str) -> Result<Option<String>, aws_sdk_sqs::Error> {
    let send = sqs.send_message().queue_url(url).message_body(step).message_group_id(customer);
    Ok(send.message_deduplication_id(format!("{customer}-{step}")).send().await?.message_id)
}
