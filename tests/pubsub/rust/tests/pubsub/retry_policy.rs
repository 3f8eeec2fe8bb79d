//! Retry policies: how long a nacked message waits.

use std::time::{Duration, Instant};

use google_cloud_pubsub::model::{RetryPolicy, Subscription};
use lclq_pubsub_rust::*;

async fn retrying(
    world: &World,
    topic: &str,
    minimum: i64,
    maximum: i64,
) -> Result<Subscription, google_cloud_pubsub::Error> {
    let policy = RetryPolicy::new()
        .set_minimum_backoff(seconds(minimum))
        .set_maximum_backoff(seconds(maximum));
    world.subscription_with(topic, |s| s.set_retry_policy(policy)).await
}

#[tokio::test]
async fn backoff_grows_from_minimum_to_maximum() {
    let world = World::new().await;
    let topic = world.topic().await;
    let subscription = retrying(&world, &topic, 1, 3).await.unwrap().name;
    world.publish(&topic, &["m"]).await;
    let mut inbox = world.inbox(&subscription).await;
    inbox.next().await.1.nack();
    // Lower bounds only: how late a redelivery may come depends on the machine.
    for wanted in [900, 1900, 2900] {
        let began = Instant::now();
        inbox.next().await.1.nack();
        assert!(
            began.elapsed() >= Duration::from_millis(wanted),
            "{:?} of {wanted} ms",
            began.elapsed()
        );
    }
    inbox.close().await;
}

#[tokio::test]
async fn other_messages_do_not_wait() {
    let world = World::new().await;
    let topic = world.topic().await;
    let subscription = retrying(&world, &topic, 30, 60).await.unwrap().name;
    let mut inbox = world.inbox(&subscription).await;
    world.publish(&topic, &["nacked"]).await;
    inbox.next().await.1.nack();
    world.publish(&topic, &["fresh"]).await;
    assert_eq!(inbox.take(1).await, ["fresh"]);
    inbox
        .stays_empty(Duration::from_millis(500), "the nacked one waits")
        .await;
    inbox.close().await;
}

#[tokio::test]
async fn policy_is_checked() {
    let world = World::new().await;
    let topic = world.topic().await;
    let made = world
        .subscription_with(&topic, |s| s.set_retry_policy(RetryPolicy::new()))
        .await
        .unwrap();
    let policy = made.retry_policy.unwrap();
    assert_eq!(
        (policy.minimum_backoff, policy.maximum_backoff),
        (Some(seconds(10)), Some(seconds(600)))
    );
    invalid(
        retrying(&world, &topic, 20, 10).await,
        "cannot be smaller than minimum_backoff",
    );
    invalid(retrying(&world, &topic, 1, 601).await, "");
    invalid(retrying(&world, &topic, -1, 10).await, "");
}
