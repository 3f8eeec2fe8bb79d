//! Push subscriptions.

use std::time::Duration;

use google_cloud_pubsub::model::push_config::{NoWrapper, OidcToken};
use google_cloud_pubsub::model::{PushConfig, RetryPolicy, Subscription};
use lclq_pubsub_rust::push_endpoint::PushEndpoint;
use lclq_pubsub_rust::*;

async fn pushing(
    world: &World,
    topic: &str,
    endpoint: &PushEndpoint,
    more: impl FnOnce(PushConfig) -> PushConfig,
) -> Subscription {
    let config = more(PushConfig::new().set_push_endpoint(&endpoint.url));
    world
        .subscription_with(topic, |s| s.set_push_config(config))
        .await
        .unwrap()
}

#[tokio::test]
async fn message_comes_wrapped() {
    let world = World::new().await;
    let topic = world.topic().await;
    let mut endpoint = PushEndpoint::answering(&[]).await;
    let subscription = pushing(&world, &topic, &endpoint, |config| config).await;
    assert_eq!(
        subscription.push_config.as_ref().unwrap().attributes["x-goog-version"],
        "v1"
    );
    let sent = ordered("key", "pushed").set_attributes([("colour", "red")]);
    let id = world.publish_messages(&topic, vec![sent]).await.remove(0);
    let got = endpoint.next().await;
    assert_eq!(got.request_line, "POST /push?token=secret HTTP/1.1");
    assert_eq!(got.data(), "pushed");
    let json = got.json();
    assert_eq!(json["subscription"], subscription.name.as_str());
    assert_eq!(json["message"]["attributes"]["colour"], "red");
    assert_eq!(json["message"]["messageId"], id.as_str());
    assert_eq!(json["message"]["message_id"], id.as_str());
    assert_eq!(json["message"]["orderingKey"], "key");
    assert_eq!(json["message"]["publishTime"], json["message"]["publish_time"]);
    assert!(json.get("deliveryAttempt").is_none(), "no dead-letter policy");
    endpoint.stays_empty(Duration::from_secs(1), "204 is an ack").await;
}

#[tokio::test]
async fn bad_status_nacks() {
    let world = World::new().await;
    let topic = world.topic().await;
    let mut endpoint = PushEndpoint::answering(&[500, 404, 201]).await;
    pushing(&world, &topic, &endpoint, |config| config).await;
    world.publish(&topic, &["persistent"]).await;
    for _ in 0..3 {
        assert_eq!(endpoint.next().await.data(), "persistent");
    }
    endpoint.stays_empty(Duration::from_secs(1), "201 is an ack").await;
}

#[tokio::test]
async fn retry_policy_delays_the_next_push() {
    let world = World::new().await;
    let topic = world.topic().await;
    let mut endpoint = PushEndpoint::answering(&[500]).await;
    let config = PushConfig::new().set_push_endpoint(&endpoint.url);
    let retry = RetryPolicy::new()
        .set_minimum_backoff(seconds(3))
        .set_maximum_backoff(seconds(5));
    world
        .subscription_with(&topic, |s| s.set_push_config(config).set_retry_policy(retry))
        .await
        .unwrap();
    world.publish(&topic, &["later"]).await;
    endpoint.next().await;
    endpoint.stays_empty(Duration::from_secs(2), "it waits").await;
    assert_eq!(endpoint.next().await.data(), "later");
}

#[tokio::test]
async fn unwrapped_message_is_the_body() {
    let world = World::new().await;
    let topic = world.topic().await;
    let mut endpoint = PushEndpoint::answering(&[]).await;
    let unwrapped = NoWrapper::new().set_write_metadata(true);
    let subscription = pushing(&world, &topic, &endpoint, |config| config.set_no_wrapper(unwrapped))
        .await
        .name;
    let sent = message("raw").set_attributes([("colour", "red")]);
    let id = world.publish_messages(&topic, vec![sent]).await.remove(0);
    let got = endpoint.next().await;
    assert_eq!(got.body, b"raw");
    assert_eq!(got.headers["x-goog-pubsub-subscription-name"], subscription);
    assert_eq!(got.headers["x-goog-pubsub-message-id"], id);
    assert!(got.headers.contains_key("x-goog-pubsub-publish-time"));
    assert_eq!(got.headers["colour"], "red");
}

#[tokio::test]
async fn token_is_sent() {
    let world = World::new().await;
    let topic = world.topic().await;
    let mut endpoint = PushEndpoint::answering(&[]).await;
    let token = OidcToken::new()
        .set_service_account_email("pusher@example.com")
        .set_audience("my-service");
    let made = pushing(&world, &topic, &endpoint, |config| config.set_oidc_token(token.clone())).await;
    assert_eq!(
        made.push_config
            .unwrap()
            .oidc_token()
            .map(|token| token.audience.as_str()),
        Some("my-service")
    );
    world.publish(&topic, &["m"]).await;
    let got = endpoint.next().await;
    let authorization = &got.headers["authorization"];
    let jwt = authorization.strip_prefix("Bearer ").expect("a bearer token");
    assert_eq!(jwt.split('.').count(), 3);
}

#[tokio::test]
async fn switching_keeps_the_backlog() {
    let world = World::new().await;
    let topic = world.topic().await;
    let subscription = world.subscription(&topic).await;
    world.publish(&topic, &["pushed later"]).await;
    let modify = |config: PushConfig| {
        world
            .subscriptions
            .modify_push_config()
            .set_subscription(&subscription)
            .set_push_config(config)
            .send()
    };
    let mut endpoint = PushEndpoint::answering(&[]).await;
    modify(PushConfig::new().set_push_endpoint(&endpoint.url))
        .await
        .unwrap();
    assert_eq!(endpoint.next().await.data(), "pushed later");
    drop(endpoint); // nobody listens there any more
    world.publish(&topic, &["pulled later"]).await;
    modify(PushConfig::new()).await.unwrap();
    assert_eq!(world.get(&subscription).await.push_config.unwrap().push_endpoint, "");
    assert_eq!(world.take(&subscription, 1).await, ["pulled later"]);
}
