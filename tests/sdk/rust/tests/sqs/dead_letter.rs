//! Dead-letter queues: what goes there, when, and who points at them.

use lclq_sdk_rust::*;
use serde_json::{Value, json};

/// A redrive policy; the count is a string or a number.
pub fn redrive(dead: &Queue, max_receive_count: impl Into<Value>) -> String {
    json!({"deadLetterTargetArn": dead.arn, "maxReceiveCount": max_receive_count.into()}).to_string()
}

#[test]
fn message_received_too_often_moves() {
    run(async {
        let dead = Queue::standard().await;
        let source = Queue::with(&[("RedrivePolicy", &redrive(&dead, 2))]).await;
        let sent = source
            .sending("poison")
            .set_message_attributes(Some(every_kind()))
            .send()
            .await
            .unwrap();
        let first = source.receive_hiding(0).await;
        source.receive_hiding(0).await;
        dead.is_empty("not yet").await;
        source.is_empty("the third receive moves it").await;

        let moved = dead.receive_one().await;
        assert_eq!(moved.message_id(), sent.message_id());
        assert_eq!(moved.body(), Some("poison"));
        assert_eq!(moved.message_attributes(), Some(&every_kind()));
        assert_eq!(system(&moved, "SentTimestamp"), system(&first, "SentTimestamp"));
        assert_eq!(system(&moved, "DeadLetterQueueSourceArn"), Some(source.arn.as_str()));
        let count: u32 = system(&moved, "ApproximateReceiveCount").unwrap().parse().unwrap();
        assert!(count > 2, "the receive count starts again: {count}");
    });
}

#[test]
fn max_receive_count_may_be_a_string() {
    run(async {
        let dead = Queue::standard().await;
        let source = Queue::with(&[("RedrivePolicy", &redrive(&dead, "1"))]).await;
        source.send("counted").await;
        source.receive_hiding(0).await;
        source.is_empty("moved").await;
        assert_eq!(dead.receive_one().await.body(), Some("counted"));
    });
}

#[test]
fn fifo_group_stays_usable_after_a_move() {
    run(async {
        let dead = Queue::with(FIFO_BY_ID).await;
        let source = Queue::with(&[FIFO[0], FIFO[1], ("RedrivePolicy", &redrive(&dead, 1))]).await;
        source.send_group("g", &["poison", "next"]).await;
        assert_eq!(source.receive_hiding(0).await.body(), Some("poison"));
        assert_eq!(source.receive_one().await.body(), Some("next"));
        let moved = dead.receive_one().await;
        assert_eq!(moved.body(), Some("poison"));
        assert_eq!(system(&moved, "MessageGroupId"), Some("g"));
    });
}

#[test]
fn sources_are_listed_all_at_once_and_by_pages() {
    run(async {
        let dead = Queue::standard().await;
        let listing = dead.client.list_dead_letter_source_queues().queue_url(&dead.url);
        assert!(listing.clone().send().await.unwrap().queue_urls().is_empty());

        let policy = redrive(&dead, 1);
        let mut sources = Vec::new();
        for _ in 0..3 {
            sources.push(Queue::with(&[("RedrivePolicy", &policy)]).await);
        }
        let urls = sorted(sources.iter().map(|source| source.url.clone()));
        assert_eq!(sorted(listing.clone().send().await.unwrap().queue_urls), urls);

        let mut pages = listing.clone().into_paginator().page_size(2).send();
        let mut paged = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.unwrap().queue_urls;
            assert!(page.len() <= 2, "a page of at most two");
            paged.extend(page);
        }
        assert_eq!(sorted(paged), urls);

        for source in &sources {
            source.set(&[("RedrivePolicy", "")]).await.unwrap();
        }
        assert!(listing.send().await.unwrap().queue_urls().is_empty());
        let missing = dead
            .client
            .list_dead_letter_source_queues()
            .queue_url(unique("rust"))
            .send()
            .await;
        raises!(missing, QueueDoesNotExist);
    });
}

#[test]
fn redrive_allow_policy_is_kept() {
    run(async {
        let policy = r#"{"redrivePermission":"denyAll"}"#;
        let queue = Queue::with(&[("RedriveAllowPolicy", policy)]).await;
        let kept: Value = serde_json::from_str(&queue.attribute("RedriveAllowPolicy").await.unwrap()).unwrap();
        assert_eq!(kept, json!({"redrivePermission": "denyAll"}));
    });
}
