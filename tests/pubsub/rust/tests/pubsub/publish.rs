//! The Publisher: batching, limits, errors, ordering keys.

use std::collections::HashSet;
use std::error::Error as _;
use std::time::Duration;

use google_cloud_gax::error::rpc::Code;
use google_cloud_pubsub::client::{BasePublisher, Publisher};
use google_cloud_pubsub::error::PublishError;
use google_cloud_pubsub::model::Message;
use google_cloud_pubsub::publisher::HedgingOptions;
use lclq_pubsub_rust::*;

/// Expects that publishing failed with this code, and a message that has this text.
#[track_caller]
fn refused(result: Result<String, PublishError>, code: Code, text: &str) {
    match result {
        Err(PublishError::Rpc(error)) => is(&error, code, text),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn invalid_message(result: Result<String, PublishError>, text: &str) {
    refused(result, Code::InvalidArgument, text);
}

/// Publishes this many messages at once and expects each to arrive once.
async fn arrive(world: &World, topic: &str, publisher: &Publisher, count: usize) {
    let subscription = world.subscription(topic).await;
    let futures: Vec<_> = (0..count)
        .map(|i| publisher.publish(message(&format!("m{i}"))))
        .collect();
    publisher.flush().await;
    let mut ids = HashSet::new();
    for future in futures {
        ids.insert(future.await.unwrap());
    }
    assert_eq!(ids.len(), count, "every message has an id of its own");
    assert!(
        ids.iter().all(|id| id.bytes().all(|byte| byte.is_ascii_digit())),
        "ids are numbers"
    );
    let texts: HashSet<_> = world.take(&subscription, count).await.into_iter().collect();
    assert_eq!(texts.len(), count);
    world.is_empty(&subscription, "each comes once").await;
}

#[tokio::test]
async fn everything_of_a_message_arrives() {
    let world = World::new().await;
    let topic = world.topic().await;
    let subscription = world.subscription(&topic).await;
    let sent = Message::new()
        .set_data(vec![0_u8, 255, 7, 128])
        .set_attributes([("colour", "grün"), ("empty", "")])
        .set_ordering_key("key");
    let id = world.publish_messages(&topic, vec![sent.clone()]).await.remove(0);
    let mut inbox = world.inbox(&subscription).await;
    let (got, handler) = inbox.next().await;
    assert_eq!(got.data, sent.data);
    assert_eq!(got.attributes, sent.attributes);
    assert_eq!(got.ordering_key, "key");
    assert_eq!(got.message_id, id);
    assert!(got.publish_time.is_some());
    assert_eq!(handler.delivery_attempt(), None, "no dead-letter policy, no count");
    handler.ack();
    inbox.close().await;
}

#[tokio::test]
async fn batches_go_by_count_bytes_or_delay() {
    let world = World::new().await;
    let topic = world.topic().await;
    let base = BasePublisher::builder()
        .with_endpoint(endpoint())
        .with_credentials(credentials())
        .build()
        .await
        .unwrap();
    let never = Duration::from_secs(600);
    let by_count = base
        .publisher(&topic)
        .set_message_count_threshold(20)
        .set_delay_threshold(never)
        .build();
    arrive(&world, &topic, &by_count, 50).await;
    let by_bytes = base
        .publisher(&topic)
        .set_byte_threshold(100)
        .set_delay_threshold(never)
        .build();
    arrive(&world, &topic, &by_bytes, 50).await;
    let by_delay = base
        .publisher(&topic)
        .set_delay_threshold(Duration::from_millis(30))
        .build();
    arrive(&world, &topic, &by_delay, 50).await;
    let thousands = base.publisher(&topic).set_message_count_threshold(1000).build();
    arrive(&world, &topic, &thousands, 3000).await;
}

#[tokio::test]
async fn hedged_requests_publish() {
    let world = World::new().await;
    let topic = world.topic().await;
    let publisher = Publisher::builder(&topic)
        .with_endpoint(endpoint())
        .with_credentials(credentials())
        .set_hedging_options(HedgingOptions::new().set_delay(Duration::from_secs(10)))
        .build()
        .await
        .unwrap();
    arrive(&world, &topic, &publisher, 50).await;
}

#[tokio::test]
async fn attributes_alone_are_a_message() {
    let world = World::new().await;
    let topic = world.topic().await;
    let subscription = world.subscription(&topic).await;
    world
        .publish_messages(&topic, vec![Message::new().set_attributes([("only", "this")])])
        .await;
    let mut inbox = world.inbox(&subscription).await;
    let (got, handler) = inbox.next().await;
    assert_eq!(got.attributes, labels(&[("only", "this")]));
    handler.ack();
    inbox.close().await;
}

#[tokio::test]
async fn messages_are_checked() {
    let world = World::new().await;
    let topic = world.topic().await;
    let subscription = world.subscription(&topic).await;
    let publisher = world.publisher(&topic).await;
    let with = |key: String, value: String| message("m").set_attributes([(key, value)]);
    invalid_message(publisher.publish(Message::new()).await, "");
    invalid_message(publisher.publish(with("k".repeat(257), "v".into())).await, "");
    invalid_message(publisher.publish(with("k".into(), "v".repeat(1025))).await, "");
    invalid_message(publisher.publish(with("googkey".into(), "v".into())).await, "");
    let many = message("m").set_attributes((0..101).map(|i| (format!("k{i}"), "v")));
    invalid_message(publisher.publish(many).await, "");
    let long_key = world
        .publisher(&topic)
        .await
        .publish(ordered(&"k".repeat(1025), "m"))
        .await;
    invalid_message(long_key, "");
    world.is_empty(&subscription, "nothing of it is published").await;
}

#[tokio::test]
async fn sizes_have_bounds() {
    let world = World::new().await;
    let topic = world.topic().await;
    let subscription = world.subscription(&topic).await;
    let publisher = world.publisher(&topic).await;
    let sized = |bytes: usize| Message::new().set_data(vec![0_u8; bytes]);
    publisher.publish(sized(9_900_000)).await.unwrap();
    let mut inbox = world.inbox(&subscription).await;
    let (got, handler) = inbox.next().await;
    assert_eq!(got.data.len(), 9_900_000);
    handler.ack();
    inbox.close().await;
    invalid_message(
        publisher.publish(sized(10_000_001)).await,
        "The value for request_size is too large",
    );
    invalid_message(
        publisher.publish(sized(10_485_761)).await,
        "Request payload size exceeds the limit: 10485760 bytes.",
    );
}

#[tokio::test]
async fn missing_topic_is_an_error() {
    let world = World::new().await;
    let publisher = world.publisher(&world.topic_name("missing")).await;
    let error = publisher.publish(message("lost")).await.unwrap_err();
    assert!(error.source().is_some());
    refused(Err(error), Code::NotFound, "Resource not found (resource=missing).");
}

#[tokio::test]
async fn failed_key_waits_until_it_is_resumed() {
    let world = World::new().await;
    let topic = world.topic_name("later");
    let publisher = world.publisher(&topic).await;
    refused(publisher.publish(ordered("key", "lost")).await, Code::NotFound, "");
    world.topics.create_topic().set_name(&topic).send().await.unwrap();
    let subscription = world.subscription(&topic).await;
    let paused = publisher.publish(ordered("key", "refused by the library")).await;
    assert!(matches!(paused, Err(PublishError::OrderingKeyPaused)), "{paused:?}");
    publisher.resume_publish("key");
    publisher.publish(ordered("key", "resumed")).await.unwrap();
    assert_eq!(world.take(&subscription, 1).await, ["resumed"]);
}
