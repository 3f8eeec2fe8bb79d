//! Topics: made, read, changed, listed and deleted.

use google_cloud_gax::paginator::{ItemPaginator, Paginator};
use google_cloud_pubsub::model::{MessageStoragePolicy, Topic, topic};
use lclq_pubsub_rust::*;

#[tokio::test]
async fn what_is_created_reads_back() {
    let world = World::new().await;
    let made = world
        .topic_with(|topic| {
            topic
                .set_labels([("team", "queues")])
                .set_message_retention_duration(seconds(601))
                .set_kms_key_name("projects/p/locations/l/keyRings/r/cryptoKeys/k")
                .set_message_storage_policy(
                    MessageStoragePolicy::new().set_allowed_persistence_regions(["europe-west1"]),
                )
        })
        .await
        .unwrap();
    assert_eq!(made.labels, labels(&[("team", "queues")]));
    assert_eq!(made.message_retention_duration, Some(seconds(601)));
    assert_eq!(made.kms_key_name, "projects/p/locations/l/keyRings/r/cryptoKeys/k");
    assert_eq!(
        made.message_storage_policy
            .as_ref()
            .unwrap()
            .allowed_persistence_regions,
        ["europe-west1"]
    );
    // Only a topic that ingests has one.
    assert_eq!(made.state, topic::State::Unspecified);
    let read = world.topics.get_topic().set_topic(&made.name).send().await.unwrap();
    assert_eq!(made, read);
}

#[tokio::test]
async fn name_taken_or_missing() {
    let world = World::new().await;
    let topic = world.topic().await;
    exists(world.topics.create_topic().set_name(&topic).send().await, leaf(&topic));
    let missing = world.topic_name("missing");
    not_found(world.topics.get_topic().set_topic(&missing).send().await, "missing");
    not_found(world.topics.delete_topic().set_topic(&missing).send().await, "missing");
    not_found(
        world.topics.list_topic_subscriptions().set_topic(&missing).send().await,
        "missing",
    );
    not_found(
        world.topics.list_topic_snapshots().set_topic(&missing).send().await,
        "missing",
    );
    let update = world
        .topics
        .update_topic()
        .set_topic(Topic::new().set_name(&missing))
        .set_update_mask(mask(&["labels"]));
    not_found(update.send().await, "missing");
}

#[tokio::test]
async fn names_are_checked() {
    let world = World::new().await;
    for id in ["ab", "1abc", "googabc", "abc$", &"a".repeat(256)] {
        let made = world.topics.create_topic().set_name(world.topic_name(id)).send().await;
        invalid(made, "Invalid resource name given (name=");
    }
    for id in ["abc", "a-_.~+%9", &"a".repeat(255)] {
        let made = world
            .topics
            .create_topic()
            .set_name(world.topic_name(id))
            .send()
            .await
            .unwrap();
        assert_eq!(made.name, world.topic_name(id));
    }
}

#[tokio::test]
async fn retention_and_labels_have_bounds() {
    let world = World::new().await;
    let short = world
        .topic_with(|topic| topic.set_message_retention_duration(seconds(599)))
        .await;
    invalid(
        short,
        "You passed 9m59s in the request, but the value must be between 10m and 744h.",
    );
    let long = world
        .topic_with(|topic| topic.set_message_retention_duration(seconds(31 * 86400 + 1)))
        .await;
    invalid(long, "is out of bounds");
    for key in ["Upper", "1digit", &"a".repeat(64)] {
        invalid(world.topic_with(|topic| topic.set_labels([(key, "v")])).await, "");
    }
    invalid(
        world
            .topic_with(|topic| topic.set_labels([("key", "v".repeat(64))]))
            .await,
        "",
    );
}

#[tokio::test]
async fn update_changes_what_the_mask_names() {
    let world = World::new().await;
    let made = world
        .topic_with(|topic| {
            topic
                .set_labels([("a", "1")])
                .set_message_retention_duration(seconds(600))
        })
        .await
        .unwrap();
    let update = |topic: &Topic, paths: &[&str]| {
        world
            .topics
            .update_topic()
            .set_topic(topic.clone())
            .set_update_mask(mask(paths))
            .send()
    };
    let wanted = made
        .clone()
        .set_labels([("b", "2")])
        .set_message_retention_duration(seconds(700));
    let updated = update(&wanted, &["labels"]).await.unwrap();
    assert_eq!(updated.labels, labels(&[("b", "2")]));
    assert_eq!(updated.message_retention_duration, Some(seconds(600)));
    let updated = update(&wanted, &["message_retention_duration"]).await.unwrap();
    assert_eq!(updated.message_retention_duration, Some(seconds(700)));

    invalid(update(&wanted, &[]).await, "");
    invalid(update(&wanted, &["no_such_field"]).await, "");
    invalid(update(&wanted, &["name"]).await, "is not mutable");
    let wrong = wanted
        .set_labels([("c", "3")])
        .set_message_retention_duration(seconds(1));
    invalid(update(&wrong, &["labels", "message_retention_duration"]).await, "");
    let read = world.topics.get_topic().set_topic(&made.name).send().await.unwrap();
    assert_eq!(read, updated, "a refused update changes nothing");
}

#[tokio::test]
async fn lists_come_by_pages() {
    let world = World::new().await;
    let names: Vec<_> = (0..5).map(|i| world.topic_name(&format!("topic-{i}"))).collect();
    for name in &names {
        world.topics.create_topic().set_name(name).send().await.unwrap();
    }
    let list = || world.topics.list_topics().set_project(world.parent());

    let mut items = list().by_item();
    let mut listed = Vec::new();
    while let Some(topic) = items.next().await {
        listed.push(topic.unwrap().name);
    }
    assert_eq!(sorted(listed), names);

    let mut pages = list().set_page_size(2).by_page();
    let mut paged = Vec::new();
    while let Some(page) = pages.next().await {
        let topics = page.unwrap().topics;
        assert!(topics.len() <= 2, "a page of at most two");
        paged.extend(topics.into_iter().map(|topic| topic.name));
    }
    assert_eq!(sorted(paged), names);

    invalid(list().set_page_size(-1).send().await, "");
    invalid(list().set_page_size(1001).send().await, "");
    invalid(
        list().set_page_token("no-token").send().await,
        "Invalid page token given (token=no-token).",
    );
}

#[tokio::test]
async fn subscriptions_of_a_topic_are_listed() {
    let world = World::new().await;
    let topic = world.topic().await;
    let mut names = Vec::new();
    for _ in 0..3 {
        names.push(world.subscription(&topic).await);
    }
    let mut items = world
        .topics
        .list_topic_subscriptions()
        .set_topic(&topic)
        .set_page_size(2)
        .by_item();
    let mut listed = Vec::new();
    while let Some(name) = items.next().await {
        listed.push(name.unwrap());
    }
    assert_eq!(sorted(listed), sorted(names));
}

#[tokio::test]
async fn deleted_topic_leaves_its_subscriptions() {
    let world = World::new().await;
    let topic = world.topic().await;
    let subscription = world.subscription(&topic).await;
    world.publish(&topic, &["kept"]).await;
    world.topics.delete_topic().set_topic(&topic).send().await.unwrap();
    assert_eq!(world.get(&subscription).await.topic, "_deleted-topic_");
    assert_eq!(world.take(&subscription, 1).await, ["kept"]);

    world.topics.create_topic().set_name(&topic).send().await.unwrap();
    world.publish(&topic, &["not for it"]).await;
    world
        .is_empty(&subscription, "a new topic of the name is another one")
        .await;
}
