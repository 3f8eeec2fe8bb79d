//! Snapshots: made, read, changed, listed and deleted.

use std::time::SystemTime;

use google_cloud_gax::paginator::ItemPaginator;
use google_cloud_pubsub::model::Snapshot;
use lclq_pubsub_rust::*;

async fn snapshot(world: &World, subscription: &str) -> Snapshot {
    world
        .subscriptions
        .create_snapshot()
        .set_name(world.snapshot_name(&unique("sn")))
        .set_subscription(subscription)
        .set_labels([("team", "queues")])
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn what_is_created_reads_back() {
    let world = World::new().await;
    let topic = world.topic().await;
    let made = snapshot(&world, &world.subscription(&topic).await).await;
    assert_eq!(made.topic, topic);
    assert_eq!(made.labels, labels(&[("team", "queues")]));
    let expires: SystemTime = made.expire_time.unwrap().try_into().unwrap();
    let days = expires.duration_since(SystemTime::now()).unwrap().as_secs_f64() / 86400.0;
    assert!((6.9..7.1).contains(&days), "expires in a week: {days}");
    let read = world
        .subscriptions
        .get_snapshot()
        .set_snapshot(&made.name)
        .send()
        .await
        .unwrap();
    assert_eq!(read, made);
}

#[tokio::test]
async fn name_taken_or_missing() {
    let world = World::new().await;
    let subscription = world.subscription(&world.topic().await).await;
    let made = snapshot(&world, &subscription).await;
    let create = |name: &str, subscription: &str| {
        world
            .subscriptions
            .create_snapshot()
            .set_name(name)
            .set_subscription(subscription)
            .send()
    };
    exists(create(&made.name, &subscription).await, leaf(&made.name));
    let other = world.snapshot_name(&unique("sn"));
    not_found(create(&other, &world.subscription_name("missing")).await, "missing");
    let missing = world.snapshot_name("missing");
    not_found(
        world.subscriptions.get_snapshot().set_snapshot(&missing).send().await,
        "missing",
    );
    not_found(
        world
            .subscriptions
            .delete_snapshot()
            .set_snapshot(&missing)
            .send()
            .await,
        "missing",
    );
    world
        .subscriptions
        .delete_snapshot()
        .set_snapshot(&made.name)
        .send()
        .await
        .unwrap();
    not_found(
        world.subscriptions.get_snapshot().set_snapshot(&made.name).send().await,
        leaf(&made.name),
    );
}

#[tokio::test]
async fn labels_are_updated() {
    let world = World::new().await;
    let made = snapshot(&world, &world.subscription(&world.topic().await).await).await;
    let update = |paths: &[&str]| {
        world
            .subscriptions
            .update_snapshot()
            .set_snapshot(made.clone().set_labels([("b", "2")]))
            .set_update_mask(mask(paths))
            .send()
    };
    assert_eq!(update(&["labels"]).await.unwrap().labels, labels(&[("b", "2")]));
    invalid(update(&["no_such_field"]).await, "");
    invalid(update(&[]).await, "");
}

#[tokio::test]
async fn snapshots_are_listed() {
    let world = World::new().await;
    let topic = world.topic().await;
    let subscription = world.subscription(&topic).await;
    let mut names = Vec::new();
    for _ in 0..3 {
        names.push(snapshot(&world, &subscription).await.name);
    }
    let names = sorted(names);
    let mut items = world
        .subscriptions
        .list_snapshots()
        .set_project(world.parent())
        .set_page_size(2)
        .by_item();
    let mut listed = Vec::new();
    while let Some(snapshot) = items.next().await {
        listed.push(snapshot.unwrap().name);
    }
    assert_eq!(sorted(listed), names);
    let of_topic = world
        .topics
        .list_topic_snapshots()
        .set_topic(&topic)
        .send()
        .await
        .unwrap();
    assert_eq!(sorted(of_topic.snapshots), names);
}
