//! Tags of a queue.

use std::collections::HashMap;

use lclq_sdk_rust::*;

type Tags = Option<HashMap<String, String>>;

fn tags<const N: usize>(list: [(&str, &str); N]) -> Tags {
    Some(list.map(|(key, value)| (key.to_owned(), value.to_owned())).into())
}

async fn tags_of(queue: &Queue) -> Tags {
    queue
        .client
        .list_queue_tags()
        .queue_url(&queue.url)
        .send()
        .await
        .expect("tags")
        .tags
}

#[test]
fn given_added_replaced_and_removed() {
    run(async {
        let queue = Queue::standard().await;
        assert_eq!(tags_of(&queue).await, None);

        let add = queue.client.tag_queue().queue_url(&queue.url);
        add.clone()
            .tags("team", "blue")
            .tags("stage", "test")
            .send()
            .await
            .unwrap();
        assert_eq!(tags_of(&queue).await, tags([("team", "blue"), ("stage", "test")]));
        add.tags("team", "red")
            .tags("owner", "Zoë & co")
            .tags("empty", "")
            .send()
            .await
            .unwrap();
        assert_eq!(
            tags_of(&queue).await,
            tags([("team", "red"), ("stage", "test"), ("owner", "Zoë & co"), ("empty", "")])
        );

        let remove = queue.client.untag_queue().queue_url(&queue.url);
        remove
            .clone()
            .tag_keys("stage")
            .tag_keys("empty")
            .tag_keys("never-there")
            .send()
            .await
            .unwrap();
        assert_eq!(tags_of(&queue).await, tags([("team", "red"), ("owner", "Zoë & co")]));
        remove.tag_keys("team").tag_keys("owner").send().await.unwrap();
        assert_eq!(tags_of(&queue).await, None);
    });
}

#[test]
fn given_at_creation() {
    run(async {
        let queue = Queue::standard().await;
        queue.client.delete_queue().queue_url(&queue.url).send().await.unwrap();
        let creating = queue.client.create_queue().queue_name(&queue.name).tags("team", "blue");
        creating.send().await.unwrap();
        assert_eq!(tags_of(&queue).await, tags([("team", "blue")]));
    });
}

#[test]
fn missing_queue() {
    run(async {
        let (client, url) = (client().await, unique("rust"));
        raises!(
            client.tag_queue().queue_url(&url).tags("a", "b").send().await,
            QueueDoesNotExist
        );
        raises!(
            client.untag_queue().queue_url(&url).tag_keys("a").send().await,
            QueueDoesNotExist
        );
        raises!(client.list_queue_tags().queue_url(&url).send().await, QueueDoesNotExist);
    });
}
