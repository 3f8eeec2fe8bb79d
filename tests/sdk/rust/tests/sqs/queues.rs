//! Making, finding, listing and deleting queues.

use lclq_sdk_rust::*;

#[test]
fn url_is_endpoint_account_and_name() {
    run(async {
        let queue = Queue::standard().await;
        let path = queue.url.strip_prefix(&(endpoint() + "/")).expect("the endpoint");
        let (account, name) = path.split_once('/').expect("account and name");
        assert!(
            account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()),
            "{account}"
        );
        assert_eq!(name, queue.name);
        assert_eq!(queue.arn, format!("arn:aws:sqs:us-east-1:{account}:{name}"));
    });
}

#[test]
fn looked_up_url_works_as_it_is() {
    run(async {
        let queue = Queue::standard().await;
        let found = queue
            .client
            .get_queue_url()
            .queue_name(&queue.name)
            .send()
            .await
            .unwrap();
        assert_eq!(found.queue_url(), Some(queue.url.as_str()));
        queue
            .client
            .send_message()
            .queue_url(found.queue_url.unwrap())
            .message_body("hello")
            .send()
            .await
            .unwrap();
        assert_eq!(queue.receive_one().await.body(), Some("hello"));
    });
}

#[test]
fn creating_again() {
    run(async {
        let attributes: Attributes = &[("VisibilityTimeout", "41"), ("DelaySeconds", "2")];
        let queue = Queue::with(attributes).await;
        let again = |attributes: Attributes| {
            queue
                .client
                .create_queue()
                .queue_name(&queue.name)
                .set_attributes(Some(named(attributes)))
                .send()
        };
        for subset in [attributes, &[("DelaySeconds", "2")], &[]] {
            assert_eq!(again(subset).await.unwrap().queue_url(), Some(queue.url.as_str()));
        }
        raises!(
            again(&[("VisibilityTimeout", "42")]).await,
            QueueNameExists,
            "A queue already exists with the same name and a different value for attribute VisibilityTimeout"
        );
    });
}

#[test]
fn names() {
    run(async {
        let client = client().await;
        for name in ["with space", &"x".repeat(81), "dot.inside", "exclaim!"] {
            raises_code!(
                client.create_queue().queue_name(name).send().await,
                "InvalidParameterValue"
            );
        }
        let longest = format!("{:_<80}", unique("rust"));
        let queue = Queue::create(client, &longest, &[]).await;
        assert!(queue.url.ends_with(&format!("/{longest}")), "{}", queue.url);
    });
}

#[test]
fn fifo_suffix_and_attribute_must_agree() {
    run(async {
        let creating = client().await.create_queue();
        let plain = creating.clone().queue_name(unique("rust") + ".fifo").send().await;
        raises_code!(plain, "InvalidParameterValue");
        let fifo = creating
            .queue_name(unique("rust"))
            .set_attributes(Some(named(FIFO)))
            .send()
            .await;
        raises_code!(fifo, "InvalidParameterValue");
    });
}

#[test]
fn deleted_queue_is_gone() {
    run(async {
        let queue = Queue::standard().await;
        queue.client.delete_queue().queue_url(&queue.url).send().await.unwrap();
        let looked_up = queue.client.get_queue_url().queue_name(&queue.name).send().await;
        raises!(looked_up, QueueDoesNotExist, "The specified queue does not exist");
        raises!(queue.sending("too late").send().await, QueueDoesNotExist);
        raises!(queue.receiving().send().await, QueueDoesNotExist);
        raises!(queue.delete_handle("any").await, QueueDoesNotExist);
        raises!(queue.set(&[("DelaySeconds", "1")]).await, QueueDoesNotExist);
        raises!(
            queue.client.purge_queue().queue_url(&queue.url).send().await,
            QueueDoesNotExist
        );
    });
}

#[test]
fn listed_by_prefix_and_by_pages() {
    run(async {
        let prefix = unique("rust-list");
        let mut queues = Vec::new();
        for i in 0..5 {
            queues.push(Queue::create(client().await, &format!("{prefix}-{i}"), &[]).await);
        }
        let urls: Vec<_> = queues.iter().map(|queue| queue.url.clone()).collect();
        let listing = client().await.list_queues().queue_name_prefix(&prefix);

        let all = listing.clone().send().await.unwrap();
        assert_eq!(sorted(all.queue_urls().to_vec()), urls);
        assert_eq!(all.next_token(), None, "no token without MaxResults");

        let mut pages = listing.into_paginator().page_size(2).send();
        let mut paged = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.unwrap();
            assert!(page.queue_urls().len() <= 2, "a page of at most two");
            paged.extend(page.queue_urls.unwrap_or_default());
        }
        assert_eq!(sorted(paged), urls);
    });
}

#[test]
fn listing_that_finds_nothing_has_no_urls() {
    run(async {
        let none = client()
            .await
            .list_queues()
            .queue_name_prefix(unique("rust-none"))
            .send()
            .await
            .unwrap();
        assert_eq!(none.queue_urls, None);
    });
}

#[test]
fn purge_removes_visible_delayed_and_in_flight() {
    run(async {
        let queue = Queue::with(&[("VisibilityTimeout", "1")]).await;
        queue.send("in flight").await;
        queue.receive_one().await;
        queue.send("visible").await;
        queue.sending("delayed").delay_seconds(1).send().await.unwrap();
        queue.purge().await;
        assert!(queue.receive_waiting(2).await.is_empty());
    });
}
