//! What SQS is used for, a topic a file: cargo run --bin sqs fifo

mod batch;
mod dead_letter;
mod delay;
mod fair_queues;
mod fifo;
mod long_polling;
mod producer_consumer;

use aws_config::BehaviorVersion;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, QueueAttributeName};

pub type Outcome = Result<(), Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Outcome {
    // The endpoint is in AWS_ENDPOINT_URL_SQS.
    let sqs = Client::new(&aws_config::load_defaults(BehaviorVersion::latest()).await);
    match std::env::args().nth(1).as_deref() {
        Some("producer_consumer") => producer_consumer::run(&sqs).await,
        Some("fifo") => fifo::run(&sqs).await,
        Some("dead_letter") => dead_letter::run(&sqs).await,
        Some("delay") => delay::run(&sqs).await,
        Some("long_polling") => long_polling::run(&sqs).await,
        Some("batch") => batch::run(&sqs).await,
        Some("fair_queues") => fair_queues::run(&sqs).await,
        _ => Err("usage: sqs producer_consumer|fifo|dead_letter|delay|long_polling|batch|fair_queues".into()),
    }
}

/// The URL of a new queue.
async fn create_queue(
    sqs: &Client,
    name: &str,
    attributes: &[(QueueAttributeName, &str)],
) -> Result<String, aws_sdk_sqs::Error> {
    let mut request = sqs.create_queue().queue_name(name);
    for (attribute, value) in attributes {
        request = request.attributes(attribute.clone(), *value);
    }
    Ok(request.send().await?.queue_url.expect("a queue has a URL"))
}

/// Waits for a message, deletes it and answers its body.
async fn receive_one(sqs: &Client, url: &str) -> Result<String, aws_sdk_sqs::Error> {
    let answer = sqs.receive_message().queue_url(url).wait_time_seconds(10).send().await?;
    let [message] = answer.messages() else { panic!("{answer:?}") };
    delete(sqs, url, message).await?;
    Ok(message.body().unwrap().to_owned())
}

async fn delete(sqs: &Client, url: &str, message: &Message) -> Result<(), aws_sdk_sqs::Error> {
    let handle = message.receipt_handle().unwrap();
    sqs.delete_message().queue_url(url).receipt_handle(handle).send().await?;
    Ok(())
}
