//! Ordering keys.

use std::collections::HashMap;
use std::time::Duration;

use lclq_pubsub_rust::*;

fn names(key: &str, from: usize, to: usize) -> Vec<String> {
    (from..to).map(|i| format!("{key}{i}")).collect()
}

async fn ordered_subscription(world: &World, topic: &str) -> String {
    world
        .subscription_with(topic, |s| {
            s.set_enable_message_ordering(true).set_ack_deadline_seconds(600)
        })
        .await
        .unwrap()
        .name
}

#[tokio::test]
async fn keys_come_in_order_side_by_side() {
    let world = World::new().await;
    let topic = world.topic().await;
    let subscription = ordered_subscription(&world, &topic).await;
    let publisher = world.publisher(&topic).await;
    let mut futures = Vec::new();
    for i in 0..200 {
        for key in ["a", "b", "c"] {
            futures.push(publisher.publish(ordered(key, &format!("{key}{i}"))));
        }
    }
    for future in futures {
        future.await.unwrap();
    }
    let mut by_key: HashMap<String, Vec<String>> = HashMap::new();
    let mut inbox = world.inbox(&subscription).await;
    for _ in 0..600 {
        let (message, handler) = inbox.next().await;
        by_key
            .entry(message.ordering_key.clone())
            .or_default()
            .push(text(&message));
        handler.ack();
    }
    inbox.close().await;
    for key in ["a", "b", "c"] {
        assert_eq!(by_key[key], names(key, 0, 200));
    }
}

#[tokio::test]
async fn nack_replays_the_rest_of_the_key() {
    let world = World::new().await;
    let topic = world.topic().await;
    let subscription = ordered_subscription(&world, &topic).await;
    let messages = names("k", 0, 4).iter().map(|text| ordered("k", text)).collect();
    world.publish_messages(&topic, messages).await;
    let mut inbox = world.inbox(&subscription).await;
    let mut held = Vec::new();
    for i in 0..4 {
        let (message, handler) = inbox.next().await;
        assert_eq!(text(&message), format!("k{i}"));
        held.push(handler);
    }
    held.remove(0).ack();
    held.remove(0).nack();
    assert_eq!(
        inbox.take(3).await,
        names("k", 1, 4),
        "the message and all later ones, in order"
    );
    inbox.stays_empty(Duration::from_millis(500), "no more").await;
    inbox.close().await;
}

#[tokio::test]
async fn held_key_does_not_hold_others() {
    let world = World::new().await;
    let topic = world.topic().await;
    let subscription = ordered_subscription(&world, &topic).await;
    world.publish_messages(&topic, vec![ordered("held", "held")]).await;
    let mut inbox = world.inbox(&subscription).await;
    let (_, held) = inbox.next().await;
    world
        .publish_messages(&topic, vec![ordered("free", "free"), message("unkeyed")])
        .await;
    assert_eq!(sorted(inbox.take(2).await), ["free", "unkeyed"]);
    held.ack();
    inbox.close().await;
}

#[tokio::test]
async fn without_ordering_the_key_is_only_carried() {
    let world = World::new().await;
    let topic = world.topic().await;
    let subscription = world.subscription(&topic).await;
    let messages = names("k", 0, 3).iter().map(|text| ordered("k", text)).collect();
    world.publish_messages(&topic, messages).await;
    let mut inbox = world.inbox(&subscription).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let (message, handler) = inbox.next().await;
        assert_eq!(message.ordering_key, "k");
        held.push((text(&message), handler));
    }
    let (nacked, handler) = held.remove(0);
    handler.nack();
    assert_eq!(inbox.take(1).await, [nacked]);
    inbox
        .stays_empty(Duration::from_millis(500), "only the one that was nacked comes again")
        .await;
    inbox.close().await;
}
