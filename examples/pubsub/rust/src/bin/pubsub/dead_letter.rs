//! A dead-letter topic for what subscribers refuse again and again.

use std::cell::RefCell;

use google_cloud_pubsub::model::{DeadLetterPolicy, Message, RetryPolicy};
use google_cloud_wkt::Duration;

use crate::service::{Service, ack, text};

const ATTEMPTS: i32 = 5; // the fewest that may be asked for

pub async fn run(service: &mut Service) -> crate::Outcome {
    let failed = service.topic("payments-failed", |topic| topic).await?;
    let letters = service.subscribe(&failed, "payments-failed", |s| s).await?;
    let topic = service.topic("payments", |topic| topic).await?;
    let policy = DeadLetterPolicy::new().set_dead_letter_topic(&failed).set_max_delivery_attempts(ATTEMPTS);
    let backoff = Duration::clamp(0, 100_000_000);
    let retry = RetryPolicy::new().set_minimum_backoff(backoff).set_maximum_backoff(backoff);
    let subscription =
        service.subscribe(&topic, "payments", |s| s.set_dead_letter_policy(policy).set_retry_policy(retry)).await?;
    service.publish(&topic, [Message::new().set_data("payment-1")]).await?;

    let attempts = RefCell::new(Vec::new());
    let refuse = async |_: &Message, handler: google_cloud_pubsub::subscriber::handler::Handler| {
        attempts.borrow_mut().extend(handler.delivery_attempt());
        handler.nack();
        Ok(())
    };
    let refused = service.receive(&subscription, ATTEMPTS as usize, refuse).await?;
    assert_eq!(attempts.into_inner(), [1, 2, 3, 4, 5]);
    println!("refused {} times", refused.len());

    let letter = service.receive(&letters, 1, ack).await?.remove(0);
    assert_eq!(text(&letter), "payment-1");
    assert_eq!(letter.attributes["CloudPubSubDeadLetterSourceSubscription"], "payments");
    println!("in the dead-letter topic: {}", text(&letter));
    Ok(())
}
