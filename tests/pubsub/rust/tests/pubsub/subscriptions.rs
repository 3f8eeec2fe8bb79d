//! Subscriptions: defaults that read back, bounds, updates, lists, detaching.

use google_cloud_gax::error::rpc::Code;
use google_cloud_gax::paginator::{ItemPaginator, Paginator};
use google_cloud_pubsub::model::{ExpirationPolicy, RetryPolicy, Subscription, subscription};
use lclq_pubsub_rust::*;

const DAY: i64 = 86400;

#[tokio::test]
async fn defaults_read_back() {
    let world = World::new().await;
    let topic = world.topic().await;
    let made = world.subscription_with(&topic, |s| s).await.unwrap();
    assert_eq!(made.topic, topic);
    assert_eq!(made.ack_deadline_seconds, 10);
    assert_eq!(made.message_retention_duration, Some(seconds(7 * DAY)));
    assert_eq!(made.expiration_policy.as_ref().unwrap().ttl, Some(seconds(31 * DAY)));
    assert_eq!(made.push_config.as_ref().unwrap().push_endpoint, "");
    assert_eq!(made.state, subscription::State::Active);
    assert!(!made.detached);
    assert_eq!(made, world.get(&made.name).await);

    let never = world
        .subscription_with(&topic, |s| s.set_expiration_policy(ExpirationPolicy::new()))
        .await
        .unwrap();
    assert_eq!(never.expiration_policy.unwrap().ttl, None);
}

#[tokio::test]
async fn what_is_created_reads_back() {
    let world = World::new().await;
    let topic = world
        .topic_with(|topic| topic.set_message_retention_duration(seconds(3600)))
        .await
        .unwrap()
        .name;
    let made = world
        .subscription_with(&topic, |s| {
            s.set_ack_deadline_seconds(600)
                .set_retain_acked_messages(true)
                .set_message_retention_duration(seconds(DAY))
                .set_labels([("team", "queues")])
                .set_enable_message_ordering(true)
                .set_enable_exactly_once_delivery(true)
                .set_expiration_policy(ExpirationPolicy::new().set_ttl(seconds(2 * DAY)))
                .set_filter("attributes:colour")
        })
        .await
        .unwrap();
    assert_eq!(made.ack_deadline_seconds, 600);
    assert!(made.retain_acked_messages && made.enable_message_ordering && made.enable_exactly_once_delivery);
    assert_eq!(made.message_retention_duration, Some(seconds(DAY)));
    assert_eq!(made.labels, labels(&[("team", "queues")]));
    assert_eq!(made.expiration_policy.as_ref().unwrap().ttl, Some(seconds(2 * DAY)));
    assert_eq!(made.filter, "attributes:colour");
    assert_eq!(made.topic_message_retention_duration, Some(seconds(3600)));
    assert_eq!(made, world.get(&made.name).await);
}

#[tokio::test]
async fn name_taken_or_missing() {
    let world = World::new().await;
    let topic = world.topic().await;
    let made = world.subscription(&topic).await;
    exists(
        world.subscription_with(&topic, |s| s.set_name(&made)).await,
        leaf(&made),
    );
    not_found(
        world.subscription_with(&world.topic_name("missing"), |s| s).await,
        "missing",
    );
    let missing = world.subscription_name("missing");
    not_found(
        world
            .subscriptions
            .get_subscription()
            .set_subscription(&missing)
            .send()
            .await,
        "missing",
    );
    not_found(
        world
            .subscriptions
            .delete_subscription()
            .set_subscription(&missing)
            .send()
            .await,
        "missing",
    );
    let odd = world.subscription_name("1x");
    invalid(
        world.subscription_with(&topic, |s| s.set_name(&odd)).await,
        "Invalid resource name given (name=",
    );
}

#[tokio::test]
async fn bounds_are_kept() {
    let world = World::new().await;
    let topic = world.topic().await;
    for deadline in [9, 601, -1] {
        let made = world
            .subscription_with(&topic, |s| s.set_ack_deadline_seconds(deadline))
            .await;
        let text = format!(
            "Invalid ack deadline given (ack_deadline={deadline}). The ack deadline must be between 10 and 600 seconds."
        );
        invalid(made, &text);
    }
    let made = world
        .subscription_with(&topic, |s| s.set_message_retention_duration(seconds(599)))
        .await;
    invalid(
        made,
        "You passed 9m59s in the request, but the value must be between 10m and 744h.",
    );
    let short = ExpirationPolicy::new().set_ttl(seconds(DAY - 1));
    invalid(
        world
            .subscription_with(&topic, |s| s.set_expiration_policy(short))
            .await,
        "",
    );
}

#[tokio::test]
async fn update_changes_what_the_mask_names() {
    let world = World::new().await;
    let topic = world.topic().await;
    let made = world
        .subscription_with(&topic, |s| {
            s.set_ack_deadline_seconds(20)
                .set_labels([("a", "1")])
                .set_filter("attributes:a")
        })
        .await
        .unwrap();
    let update = |subscription: &Subscription, paths: &[&str]| {
        world
            .subscriptions
            .update_subscription()
            .set_subscription(subscription.clone())
            .set_update_mask(mask(paths))
            .send()
    };
    let retry = RetryPolicy::new()
        .set_minimum_backoff(seconds(1))
        .set_maximum_backoff(seconds(2));
    let wanted = made
        .clone()
        .set_ack_deadline_seconds(30)
        .set_labels([("b", "2")])
        .set_retry_policy(retry.clone());
    let updated = update(&wanted, &["ack_deadline_seconds", "retry_policy"])
        .await
        .unwrap();
    assert_eq!(updated.ack_deadline_seconds, 30);
    assert_eq!(updated.retry_policy, Some(retry));
    assert_eq!(updated.labels, labels(&[("a", "1")]));

    invalid(
        update(&wanted, &[]).await,
        "The update_mask in the UpdateSubscriptionRequest must be set, and must contain a non-empty paths list.",
    );
    invalid(
        update(&wanted, &["enable_message_ordering"]).await,
        "the 'enable_message_ordering' field in the Subscription is not mutable.",
    );
    invalid(
        update(&wanted, &["filter"]).await,
        "the 'filter' field in the Subscription is not mutable.",
    );
    invalid(update(&wanted, &["no_such_field"]).await, "");
    let wrong = wanted.set_ack_deadline_seconds(5);
    invalid(update(&wrong, &["labels", "ack_deadline_seconds"]).await, "");
    assert_eq!(world.get(&made.name).await, updated, "a refused update changes nothing");
}

#[tokio::test]
async fn lists_come_by_pages() {
    let world = World::new().await;
    let topic = world.topic().await;
    let names: Vec<_> = (0..5).map(|i| world.subscription_name(&format!("sub-{i}"))).collect();
    for name in &names {
        world.subscription_with(&topic, |s| s.set_name(name)).await.unwrap();
    }
    let list = || world.subscriptions.list_subscriptions().set_project(world.parent());
    let mut items = list().by_item();
    let mut listed = Vec::new();
    while let Some(subscription) = items.next().await {
        listed.push(subscription.unwrap().name);
    }
    assert_eq!(sorted(listed), names);
    let mut pages = list().set_page_size(2).by_page();
    let mut paged = Vec::new();
    while let Some(page) = pages.next().await {
        let subscriptions = page.unwrap().subscriptions;
        assert!(subscriptions.len() <= 2, "a page of at most two");
        paged.extend(subscriptions.into_iter().map(|s| s.name));
    }
    assert_eq!(sorted(paged), names);
    invalid(list().set_page_size(1001).send().await, "");
}

#[tokio::test]
async fn deleted_subscription_is_gone() {
    let world = World::new().await;
    let topic = world.topic().await;
    let subscription = world.subscription(&topic).await;
    world.publish(&topic, &["gone with it"]).await;
    world
        .subscriptions
        .delete_subscription()
        .set_subscription(&subscription)
        .send()
        .await
        .unwrap();
    let got = world
        .subscriptions
        .get_subscription()
        .set_subscription(&subscription)
        .send()
        .await;
    not_found(got, leaf(&subscription));
    world
        .subscription_with(&topic, |s| s.set_name(&subscription))
        .await
        .unwrap();
    world
        .is_empty(&subscription, "a new one of the name starts empty")
        .await;
}

#[tokio::test]
async fn detached_subscription_gives_nothing_out() {
    let world = World::new().await;
    let topic = world.topic().await;
    let subscription = world.subscription(&topic).await;
    let mut inbox = world.inbox(&subscription).await;
    world.publish(&topic, &["first"]).await;
    inbox.take(1).await;
    world
        .topics
        .detach_subscription()
        .set_subscription(&subscription)
        .send()
        .await
        .unwrap();
    is(&inbox.error().await, Code::FailedPrecondition, "");
    assert!(world.get(&subscription).await.detached);
    let listed = world
        .topics
        .list_topic_subscriptions()
        .set_topic(&topic)
        .send()
        .await
        .unwrap();
    assert_eq!(listed.subscriptions, Vec::<String>::new());
    is(
        &world.inbox(&subscription).await.error().await,
        Code::FailedPrecondition,
        "",
    );
    let missing = world.subscription_name("missing");
    not_found(
        world
            .topics
            .detach_subscription()
            .set_subscription(&missing)
            .send()
            .await,
        "missing",
    );
}
