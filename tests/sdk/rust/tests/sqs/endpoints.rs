//! Which queue a request means: by region, account and host.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::SdkError;
use aws_sdk_sqs::operation::get_queue_url::{GetQueueUrlError, GetQueueUrlOutput};
use lclq_sdk_rust::*;

async fn look_up(client: &Client, name: &str) -> Result<GetQueueUrlOutput, SdkError<GetQueueUrlError>> {
    client.get_queue_url().queue_name(name).send().await
}

#[test]
fn queue_urls_carry_the_host_that_the_request_came_by() {
    run(async {
        let queue = Queue::standard().await;
        let (from, to) = if endpoint().contains("//localhost:") {
            ("localhost", "127.0.0.1")
        } else {
            ("127.0.0.1", "localhost")
        };
        let other = endpoint().replace(from, to);
        let by_other = client_at(other.clone(), "us-east-1", "test").await;
        let url = look_up(&by_other, &queue.name).await.unwrap().queue_url.unwrap();
        assert!(url.starts_with(&(other + "/")), "{url}");
        by_other
            .send_message()
            .queue_url(url)
            .message_body("same queue")
            .send()
            .await
            .unwrap();
        assert_eq!(queue.receive_one().await.body(), Some("same queue"));
    });
}

#[test]
fn regions_do_not_see_each_others_queues() {
    run(async {
        let queue = Queue::standard().await;
        let far = client_in("eu-west-1", "test").await;
        raises!(look_up(&far, &queue.name).await, QueueDoesNotExist);
        let twin = Queue::create(far, &queue.name, &[]).await;
        assert!(twin.arn.starts_with("arn:aws:sqs:eu-west-1:"), "{}", twin.arn);
    });
}

#[test]
fn twelve_digit_access_key_is_an_account() {
    run(async {
        let queue = Queue::standard().await;
        let other = client_in("us-east-1", "123456789012").await;
        raises!(look_up(&other, &queue.name).await, QueueDoesNotExist);
        let twin = Queue::create(other, &queue.name, &[]).await;
        assert_eq!(twin.arn, format!("arn:aws:sqs:us-east-1:123456789012:{}", queue.name));
    });
}
