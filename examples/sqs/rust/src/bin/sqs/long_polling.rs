//! Long polling: a receive that waits for messages instead of asking again and again.

use std::time::{Duration, Instant};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;

pub async fn run(sqs: &Client) -> crate::Outcome {
    // What a queue says counts for receives that say nothing.
    let waits = (QueueAttributeName::ReceiveMessageWaitTimeSeconds, "10");
    let url = &crate::create_queue(sqs, "news", &[waits]).await?;

    let began = Instant::now();
    let nothing = sqs.receive_message().queue_url(url).wait_time_seconds(1).send().await?;
    let waited = began.elapsed();
    assert!(nothing.messages().is_empty());
    assert!(waited > Duration::from_millis(900) && waited < Duration::from_secs(5), "{waited:?}");
    println!("an empty queue answered after 1 s");

    let began = Instant::now();
    let (answer, ()) = tokio::try_join!(receive(sqs, url), send_later(sqs, url))?;
    let waited = began.elapsed();
    assert!(waited > Duration::from_millis(400) && waited < Duration::from_secs(9), "{waited:?}");
    println!("{answer} came while the receiver waited");
    sqs.delete_queue().queue_url(url).send().await?;
    Ok(())
}

async fn receive(sqs: &Client, url: &str) -> Result<String, aws_sdk_sqs::Error> {
    let answer = sqs.receive_message().queue_url(url).send().await?;
    Ok(answer.messages()[0].body().unwrap().to_owned())
}

async fn send_later(sqs: &Client, url: &str) -> Result<(), aws_sdk_sqs::Error> {
    tokio::time::sleep(Duration::from_millis(500)).await;
    sqs.send_message().queue_url(url).message_body("news").send().await?;
    Ok(())
}
