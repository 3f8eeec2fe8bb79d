//! Exactly-once delivery: confirmed acks and nacks, and old ack ids.

use std::time::Duration;

use google_cloud_gax::error::rpc::StatusDetails;
use google_cloud_pubsub::error::AckError;
use google_cloud_pubsub::model::Subscription;
use google_cloud_pubsub::subscriber::handler::Handler;
use lclq_pubsub_rust::*;

async fn exactly_once(world: &World, topic: &str) -> Subscription {
    world
        .subscription_with(topic, |s| s.set_enable_exactly_once_delivery(true))
        .await
        .unwrap()
}

#[tokio::test]
async fn acks_are_confirmed() {
    let world = World::new().await;
    let topic = world.topic().await;
    let subscription = exactly_once(&world, &topic).await.name;
    let texts: Vec<_> = (0..20).map(|i| format!("m{i}")).collect();
    world
        .publish(&topic, &texts.iter().map(String::as_str).collect::<Vec<_>>())
        .await;
    let mut inbox = world.inbox(&subscription).await;
    let mut got = Vec::new();
    for _ in 0..20 {
        let (message, handler) = inbox.next_exactly_once().await;
        handler.confirmed_ack().await.unwrap();
        got.push(text(&message));
    }
    assert_eq!(sorted(got), sorted(texts));
    inbox
        .stays_empty(Duration::from_millis(500), "no redelivery after a confirmed ack")
        .await;
    inbox.close().await;
    world.is_empty(&subscription, "all are acknowledged").await;
}

#[tokio::test]
async fn nacks_are_confirmed_and_bring_the_message_back() {
    let world = World::new().await;
    let topic = world.topic().await;
    let subscription = exactly_once(&world, &topic).await.name;
    let mut inbox = world.inbox(&subscription).await;
    world.publish(&topic, &["again"]).await;
    inbox.next_exactly_once().await.1.confirmed_nack().await.unwrap();
    let (message, handler) = inbox.next_exactly_once().await;
    assert_eq!(text(&message), "again");
    handler.confirmed_ack().await.unwrap();
    inbox.close().await;
}

/// Seek makes every ack id old; the library still holds the one it was given.
#[tokio::test]
async fn ack_of_an_old_delivery_is_an_error() {
    let world = World::new().await;
    let topic = world.topic().await;
    let subscription = exactly_once(&world, &topic).await.name;
    world.publish(&topic, &["m"]).await;
    let snapshot = world.snapshot_name(&unique("sn"));
    let create = world
        .subscriptions
        .create_snapshot()
        .set_name(&snapshot)
        .set_subscription(&subscription);
    create.send().await.unwrap();
    let mut inbox = world.inbox(&subscription).await;
    let (_, old) = inbox.next_exactly_once().await;
    world
        .subscriptions
        .seek()
        .set_subscription(&subscription)
        .set_snapshot(&snapshot)
        .send()
        .await
        .unwrap();
    let (_, current) = inbox.next_exactly_once().await;
    match old.confirmed_ack().await {
        Err(AckError::Rpc { source, .. }) => {
            let details = &source.status().expect("the error has a status").details;
            let failures: Vec<_> = details
                .iter()
                .filter_map(|detail| match detail {
                    StatusDetails::ErrorInfo(info) => Some(info.metadata.values().cloned()),
                    _ => None,
                })
                .flatten()
                .collect();
            assert_eq!(failures, ["PERMANENT_FAILURE_INVALID_ACK_ID"]);
        }
        other => panic!("{other:?}"),
    }
    current.confirmed_ack().await.unwrap();
    inbox.close().await;
    world.is_empty(&subscription, "acknowledged").await;
}

#[tokio::test]
async fn lease_that_ran_out_is_an_error() {
    let world = World::new().await;
    let topic = world.topic().await;
    let subscription = exactly_once(&world, &topic).await.name;
    world.publish(&topic, &["m"]).await;
    let mut inbox = Inbox {
        stream: world
            .subscriber()
            .await
            .subscribe(&subscription)
            .set_max_lease(Duration::from_secs(1))
            .set_max_lease_extension(Duration::from_secs(10))
            .build(),
    };
    let (first, old) = inbox.next_exactly_once().await;
    let (again, current) = inbox.next_exactly_once().await;
    assert_eq!(first.message_id, again.message_id);
    let late = old.confirmed_ack().await;
    assert!(matches!(late, Err(AckError::LeaseExpired)), "{late:?}");
    current.confirmed_ack().await.unwrap();
    inbox.close().await;
    world.is_empty(&subscription, "acknowledged").await;
}

#[tokio::test]
async fn stream_follows_the_subscription() {
    let world = World::new().await;
    let topic = world.topic().await;
    let made = world.subscription_with(&topic, |s| s).await.unwrap();
    let mut inbox = world.inbox(&made.name).await;
    world.publish(&topic, &["plain"]).await;
    let (_, handler) = inbox.next().await;
    assert!(matches!(handler, Handler::AtLeastOnce(_)), "{handler:?}");
    handler.ack();
    let update = world
        .subscriptions
        .update_subscription()
        .set_subscription(made.set_enable_exactly_once_delivery(true))
        .set_update_mask(mask(&["enable_exactly_once_delivery"]));
    update.send().await.unwrap();
    world.publish(&topic, &["exact"]).await;
    inbox.next_exactly_once().await.1.confirmed_ack().await.unwrap();
    inbox.close().await;
}
