//! Dead-letter topics: the count, the move and what the message then carries.

use google_cloud_pubsub::model::{DeadLetterPolicy, Message, Subscription};
use lclq_pubsub_rust::*;

const PREFIX: &str = "CloudPubSubDeadLetterSource";

async fn dead_lettering(
    world: &World,
    topic: &str,
    dead: &str,
    attempts: i32,
) -> Result<Subscription, google_cloud_pubsub::Error> {
    let policy = DeadLetterPolicy::new()
        .set_dead_letter_topic(dead)
        .set_max_delivery_attempts(attempts);
    world
        .subscription_with(topic, |s| s.set_dead_letter_policy(policy))
        .await
}

#[tokio::test]
async fn message_moves_after_its_attempts() {
    let world = World::new().await;
    let (topic, dead) = (world.topic().await, world.topic().await);
    let graveyard = world.subscription(&dead).await;
    let source = dead_lettering(&world, &topic, &dead, 5).await.unwrap().name;
    let sent = ordered("key", "poison").set_attributes([("colour", "red")]);
    let id = world.publish_messages(&topic, vec![sent]).await.remove(0);
    let mut inbox = world.inbox(&source).await;
    for attempt in 1..=5 {
        let (message, handler) = inbox.next().await;
        assert_eq!(handler.delivery_attempt(), Some(attempt));
        assert_eq!(message.attributes, labels(&[("colour", "red")]));
        handler.nack();
    }
    let mut after = world.inbox(&graveyard).await;
    let (moved, handler): (Message, _) = after.next().await;
    assert_eq!(handler.delivery_attempt(), None, "no policy there, no count");
    handler.ack();
    assert_eq!(text(&moved), "poison");
    assert_eq!(moved.ordering_key, "key");
    assert_ne!(moved.message_id, id, "it is published anew");
    assert_eq!(moved.attributes["colour"], "red");
    assert_eq!(moved.attributes[&format!("{PREFIX}Subscription")], leaf(&source));
    assert_eq!(moved.attributes[&format!("{PREFIX}SubscriptionProject")], world.project);
    assert_eq!(moved.attributes[&format!("{PREFIX}DeliveryCount")], "5");
    let time = &moved.attributes[&format!("{PREFIX}TopicPublishTime")];
    assert!(time.len() == 29 && time.ends_with("+00:00"), "{time}");
    assert_eq!(moved.attributes.len(), 5);
    after.close().await;
    inbox.close().await;
    world.is_empty(&source, "it has moved").await;
}

#[tokio::test]
async fn acked_message_does_not_move() {
    let world = World::new().await;
    let (topic, dead) = (world.topic().await, world.topic().await);
    let graveyard = world.subscription(&dead).await;
    let source = dead_lettering(&world, &topic, &dead, 5).await.unwrap().name;
    world.publish(&topic, &["saved"]).await;
    let mut inbox = world.inbox(&source).await;
    for _ in 1..=4 {
        inbox.next().await.1.nack();
    }
    assert_eq!(inbox.take(1).await, ["saved"]);
    inbox.close().await;
    world.is_empty(&graveyard, "acknowledged at the last attempt").await;
}

#[tokio::test]
async fn policy_is_checked() {
    let world = World::new().await;
    let (topic, dead) = (world.topic().await, world.topic().await);
    let default = dead_lettering(&world, &topic, &dead, 0).await.unwrap();
    assert_eq!(
        default.dead_letter_policy.unwrap().max_delivery_attempts,
        5,
        "the default"
    );
    for attempts in [4, 101, -1] {
        invalid(dead_lettering(&world, &topic, &dead, attempts).await, "");
    }
    not_found(
        dead_lettering(&world, &topic, &world.topic_name("missing"), 5).await,
        "missing",
    );
}
