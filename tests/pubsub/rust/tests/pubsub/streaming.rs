//! The Subscriber: streams, leases, flow control, shutdown.

use std::collections::HashSet;
use std::time::Duration;

use google_cloud_gax::error::rpc::Code;
use google_cloud_pubsub::subscriber::ShutdownBehavior;
use lclq_pubsub_rust::*;

async fn publish_many(world: &World, topic: &str, count: usize) {
    let publisher = world.publisher(topic).await;
    let futures: Vec<_> = (0..count)
        .map(|i| publisher.publish(message(&format!("m{i}"))))
        .collect();
    for future in futures {
        future.await.unwrap();
    }
}

#[tokio::test]
async fn messages_come_once_each() {
    let world = World::new().await;
    let topic = world.topic().await;
    let subscription = world.subscription(&topic).await;
    publish_many(&world, &topic, 3000).await;
    let mut inbox = world.inbox(&subscription).await;
    let texts: HashSet<_> = inbox.take(3000).await.into_iter().collect();
    assert_eq!(texts.len(), 3000);
    publish_many(&world, &topic, 1000).await;
    let texts: HashSet<_> = inbox.take(1000).await.into_iter().collect();
    assert_eq!(texts.len(), 1000);
    inbox.stays_empty(Duration::from_millis(500), "each once").await;
    inbox.close().await;
    world.is_empty(&subscription, "all are acknowledged").await;
}

#[tokio::test]
async fn every_subscription_gets_every_message_from_its_own_start() {
    let world = World::new().await;
    let topic = world.topic().await;
    let early = world.subscription(&topic).await;
    world.publish(&topic, &["first"]).await;
    let late = world.subscription(&topic).await;
    world.publish(&topic, &["second"]).await;
    assert_eq!(sorted(world.take(&early, 2).await), ["first", "second"]);
    assert_eq!(world.take(&late, 1).await, ["second"]);
    world
        .is_empty(&late, "what was published before it is not delivered")
        .await;
}

#[tokio::test]
async fn message_comes_to_an_idle_stream_at_once() {
    let world = World::new().await;
    let topic = world.topic().await;
    let mut inbox = world.inbox(&world.subscription(&topic).await).await;
    inbox.stays_empty(Duration::from_secs(1), "idle").await;
    for i in 0..20 {
        let text = format!("m{i}");
        world.publish(&topic, &[&text]).await;
        assert_eq!(inbox.take(1).await, [text]);
    }
    inbox.close().await;
}

#[tokio::test]
async fn idle_stream_lives_on_through_its_keepalives() {
    let world = World::new().await;
    let topic = world.topic().await;
    let mut inbox = world.inbox(&world.subscription(&topic).await).await;
    inbox
        .stays_empty(Duration::from_secs(35), "the library pings every 30 s")
        .await;
    world.publish(&topic, &["after the ping"]).await;
    assert_eq!(inbox.take(1).await, ["after the ping"]);
    inbox.close().await;
}

#[tokio::test]
async fn nack_brings_the_message_back() {
    let world = World::new().await;
    let topic = world.topic().await;
    let mut inbox = world.inbox(&world.subscription(&topic).await).await;
    world.publish(&topic, &["again"]).await;
    for _ in 0..3 {
        inbox.next().await.1.nack();
    }
    drop(inbox.next().await); // a handler that is dropped nacks
    assert_eq!(inbox.take(1).await, ["again"]);
    inbox.stays_empty(Duration::from_millis(500), "acknowledged").await;
    inbox.close().await;
}

#[tokio::test]
async fn flow_control_bounds_what_is_outstanding() {
    let world = World::new().await;
    let topic = world.topic().await;
    let subscription = world.subscription(&topic).await;
    publish_many(&world, &topic, 20).await;
    let stream = world
        .subscriber()
        .await
        .subscribe(&subscription)
        .set_max_outstanding_messages(5)
        .set_shutdown_behavior(ShutdownBehavior::NackImmediately)
        .build();
    let mut inbox = Inbox { stream };
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(inbox.next().await.1);
    }
    inbox.stays_empty(Duration::from_secs(1), "five are out").await;
    assert_eq!(
        world.take(&subscription, 15).await.len(),
        15,
        "the others wait for other streams"
    );
    held.pop().unwrap().nack();
    inbox.next().await.1.ack();
    for handler in held {
        handler.ack();
    }
    inbox.stays_empty(Duration::from_millis(500), "no more").await;
    inbox.close().await;
}

#[tokio::test]
async fn flow_control_counts_bytes() {
    let world = World::new().await;
    let topic = world.topic().await;
    let subscription = world.subscription(&topic).await;
    let text = "x".repeat(100_000);
    world.publish(&topic, &[text.as_str(); 10]).await;
    let stream = world
        .subscriber()
        .await
        .subscribe(&subscription)
        .set_max_outstanding_bytes(250_000)
        .set_shutdown_behavior(ShutdownBehavior::NackImmediately)
        .build();
    let mut inbox = Inbox { stream };
    let mut held = vec![inbox.next().await.1, inbox.next().await.1];
    while let Ok(next) = tokio::time::timeout(Duration::from_secs(1), inbox.stream.next()).await {
        held.push(next.unwrap().unwrap().1);
        assert!(held.len() <= 3, "at most one crosses the bound");
    }
    held.pop().unwrap().ack();
    held.pop().unwrap().ack();
    inbox.next().await.1.ack();
    inbox.close().await;
}

#[tokio::test]
async fn lease_is_extended_while_the_message_is_held() {
    let world = World::new().await;
    let topic = world.topic().await;
    let subscription = world.subscription(&topic).await;
    world.publish(&topic, &["slow"]).await;
    let stream = world
        .subscriber()
        .await
        .subscribe(&subscription)
        .set_max_lease_extension(Duration::from_secs(10))
        .set_shutdown_behavior(ShutdownBehavior::NackImmediately)
        .build();
    let mut inbox = Inbox { stream };
    let (_, handler) = inbox.next().await;
    inbox
        .stays_empty(Duration::from_secs(13), "held past its first deadline")
        .await;
    handler.ack();
    inbox.close().await;
    world.is_empty(&subscription, "acknowledged").await;
}

#[tokio::test]
async fn lease_ends_where_extending_ends() {
    let world = World::new().await;
    let topic = world.topic().await;
    let subscription = world.subscription(&topic).await;
    world.publish(&topic, &["forgotten"]).await;
    let stream = world
        .subscriber()
        .await
        .subscribe(&subscription)
        .set_max_lease(Duration::from_secs(1))
        .set_max_lease_extension(Duration::from_secs(10))
        .set_shutdown_behavior(ShutdownBehavior::NackImmediately)
        .build();
    let mut inbox = Inbox { stream };
    let (first, _held) = inbox.next().await;
    let (again, handler) = inbox.next().await;
    assert_eq!(first.message_id, again.message_id);
    handler.ack();
    inbox.close().await;
}

#[tokio::test]
async fn shutdown_gives_back_or_waits() {
    let world = World::new().await;
    let topic = world.topic().await;
    let subscription = world
        .subscription_with(&topic, |s| s.set_ack_deadline_seconds(600))
        .await
        .unwrap()
        .name;
    world.publish(&topic, &["a", "b"]).await;
    let mut inbox = world.inbox(&subscription).await;
    let held = [inbox.next().await, inbox.next().await];
    inbox.close().await;
    drop(held);

    let mut inbox = Inbox {
        stream: world
            .subscriber()
            .await
            .subscribe(&subscription)
            .set_shutdown_behavior(ShutdownBehavior::WaitForProcessing)
            .build(),
    };
    let held = [inbox.next().await.1, inbox.next().await.1];
    let token = inbox.stream.shutdown_token();
    let stopping = tokio::spawn(async move { token.shutdown().await });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!stopping.is_finished(), "it waits for what is being processed");
    for handler in held {
        handler.ack();
    }
    within(PATIENCE, "the stream ends", stopping).await.unwrap();
    world.is_empty(&subscription, "acknowledged while it shut down").await;
}

#[tokio::test]
async fn several_streams_share_a_subscription() {
    let world = World::new().await;
    let topic = world.topic().await;
    let subscription = world.subscription(&topic).await;
    let (sender, mut texts) = tokio::sync::mpsc::unbounded_channel();
    let mut tasks = Vec::new();
    for _ in 0..3 {
        let mut inbox = world.inbox(&subscription).await;
        let sender = sender.clone();
        tasks.push(tokio::spawn(async move {
            loop {
                let (message, handler) = inbox.next().await;
                handler.ack();
                sender.send(text(&message)).unwrap();
            }
        }));
    }
    publish_many(&world, &topic, 1000).await;
    let mut seen = HashSet::new();
    while seen.len() < 1000 {
        seen.insert(within(PATIENCE, "all messages come", texts.recv()).await.unwrap());
    }
    tasks.iter().for_each(|task| task.abort());
}

#[tokio::test]
async fn stream_of_a_missing_or_deleted_subscription_ends() {
    let world = World::new().await;
    let missing = world.subscription_name("missing");
    is(
        &world.inbox(&missing).await.error().await,
        Code::NotFound,
        "Resource not found (resource=missing).",
    );

    let topic = world.topic().await;
    let subscription = world.subscription(&topic).await;
    let mut inbox = world.inbox(&subscription).await;
    world.publish(&topic, &["first"]).await;
    inbox.take(1).await;
    world
        .subscriptions
        .delete_subscription()
        .set_subscription(&subscription)
        .send()
        .await
        .unwrap();
    is(&inbox.error().await, Code::NotFound, "");
}
