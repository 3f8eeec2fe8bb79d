//! Seek: to a snapshot, back in time and ahead.

use std::time::{Duration, SystemTime};

use google_cloud_wkt::Timestamp;
use lclq_pubsub_rust::*;

const AGO: Duration = Duration::from_secs(300);

async fn seek(world: &World, subscription: &str, time: SystemTime) {
    let time = Timestamp::try_from(time).unwrap();
    world
        .subscriptions
        .seek()
        .set_subscription(subscription)
        .set_time(time)
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn future_time_purges() {
    let world = World::new().await;
    let topic = world.topic().await;
    let subscription = world.subscription(&topic).await;
    world.publish(&topic, &["a", "b", "c"]).await;
    seek(&world, &subscription, SystemTime::now() + Duration::from_secs(3600)).await;
    world.is_empty(&subscription, "purged").await;
    world.publish(&topic, &["after"]).await;
    assert_eq!(world.take(&subscription, 1).await, ["after"]);
}

#[tokio::test]
async fn past_time_revives_what_is_retained() {
    let world = World::new().await;
    let topic = world.topic().await;
    let retaining = world
        .subscription_with(&topic, |s| s.set_retain_acked_messages(true))
        .await
        .unwrap()
        .name;
    let plain = world.subscription(&topic).await;
    world.publish(&topic, &["a", "b"]).await;
    for subscription in [&retaining, &plain] {
        world.take(subscription, 2).await;
        seek(&world, subscription, SystemTime::now() - AGO).await;
    }
    assert_eq!(sorted(world.take(&retaining, 2).await), ["a", "b"]);
    world.is_empty(&plain, "it retains nothing").await;
}

#[tokio::test]
async fn past_time_revives_what_the_topic_retains() {
    let world = World::new().await;
    let topic = world
        .topic_with(|topic| topic.set_message_retention_duration(seconds(3600)))
        .await
        .unwrap()
        .name;
    world.publish(&topic, &["before the subscription"]).await;
    let subscription = world.subscription(&topic).await;
    world.publish(&topic, &["acked"]).await;
    assert_eq!(world.take(&subscription, 1).await, ["acked"]);
    seek(&world, &subscription, SystemTime::now() - AGO).await;
    assert_eq!(
        sorted(world.take(&subscription, 2).await),
        ["acked", "before the subscription"]
    );
}

#[tokio::test]
async fn snapshot_brings_its_state_back() {
    let world = World::new().await;
    let topic = world.topic().await;
    let subscription = world.subscription(&topic).await;
    world.publish(&topic, &["a", "b"]).await;
    let snapshot = world.snapshot_name("snap");
    let create = world
        .subscriptions
        .create_snapshot()
        .set_name(&snapshot)
        .set_subscription(&subscription);
    create.send().await.unwrap();
    let mut inbox = world.inbox(&subscription).await;
    inbox.take(2).await;
    world.publish(&topic, &["after"]).await;
    inbox.take(1).await;
    inbox
        .stays_empty(Duration::from_millis(500), "all are acknowledged")
        .await;
    world
        .subscriptions
        .seek()
        .set_subscription(&subscription)
        .set_snapshot(&snapshot)
        .send()
        .await
        .unwrap();
    assert_eq!(sorted(inbox.take(3).await), ["a", "after", "b"], "over the open stream");
    inbox.close().await;
}

#[tokio::test]
async fn requests_are_checked() {
    let world = World::new().await;
    let topic = world.topic().await;
    let subscription = world.subscription(&topic).await;
    let to = |name: &str| {
        world
            .subscriptions
            .seek()
            .set_subscription(&subscription)
            .set_snapshot(name)
            .send()
    };
    not_found(to(&world.snapshot_name("missing")).await, "missing");
    let elsewhere = world.subscription(&world.topic().await).await;
    let snapshot = world.snapshot_name("elsewhere");
    let create = world
        .subscriptions
        .create_snapshot()
        .set_name(&snapshot)
        .set_subscription(&elsewhere);
    create.send().await.unwrap();
    to(&snapshot).await.expect_err("another topic's snapshot");
    invalid(
        world.subscriptions.seek().set_subscription(&subscription).send().await,
        "",
    );
}
