//! Messages that come later: a delay of one message's own, and one that the queue gives to all.

use std::time::{Duration, Instant};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;

pub async fn run(sqs: &Client) -> crate::Outcome {
    let url = &crate::create_queue(sqs, "reminders", &[(QueueAttributeName::DelaySeconds, "2")]).await?;
    let began = Instant::now();
    sqs.send_message().queue_url(url).message_body("by the queue's delay").send().await?;
    sqs.send_message().queue_url(url).message_body("by its own delay").delay_seconds(1).send().await?;
    let early = sqs.receive_message().queue_url(url).wait_time_seconds(0).send().await?;
    assert!(early.messages().is_empty());
    println!("nothing at once");

    for (expected, seconds) in [("by its own delay", 1), ("by the queue's delay", 2)] {
        let body = crate::receive_one(sqs, url).await?;
        assert_eq!(body, expected);
        // The service counts from when it took the message, to the second.
        assert!(began.elapsed() > Duration::from_secs(seconds) - Duration::from_millis(500));
        println!("after {seconds} s: {body}");
    }
    sqs.delete_queue().queue_url(url).send().await?;
    Ok(())
}
