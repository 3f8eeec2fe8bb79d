//! What the Pub/Sub tests share: clients, topics and subscriptions with names of their own, expected errors.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use google_cloud_auth::credentials::{Credentials, anonymous};
use google_cloud_gax::error::rpc::Code;
use google_cloud_iam_v1::client::IAMPolicy;
use google_cloud_pubsub::Error;
use google_cloud_pubsub::client::{Publisher, SchemaService, Subscriber, SubscriptionAdmin, TopicAdmin};
use google_cloud_pubsub::model::{Message, Subscription, Topic};
use google_cloud_pubsub::subscriber::handler::Handler;
use google_cloud_pubsub::subscriber::{MessageStream, ShutdownBehavior};
use google_cloud_wkt::FieldMask;

pub mod push_endpoint;

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(45);

/// The running server that the environment names: its address, without a scheme.
pub fn server() -> String {
    std::env::var("LCLQ_PUBSUB").expect("LCLQ_PUBSUB names a running server, e.g. 127.0.0.1:8085")
}

pub fn endpoint() -> String {
    format!("http://{}", server())
}

pub fn credentials() -> Credentials {
    anonymous::Builder::new().build()
}

pub fn unique(prefix: &str) -> String {
    format!("{prefix}-{}", uuid::Uuid::new_v4())
}

/// The last part of a resource's name.
pub fn leaf(name: &str) -> &str {
    name.rsplit('/').next().unwrap()
}

pub fn mask(paths: &[&str]) -> FieldMask {
    FieldMask::default().set_paths(paths.iter().copied())
}

pub fn seconds(seconds: i64) -> google_cloud_wkt::Duration {
    google_cloud_wkt::Duration::clamp(seconds, 0)
}

pub fn message(data: &str) -> Message {
    Message::new().set_data(data.to_owned())
}

pub fn ordered(key: &str, data: &str) -> Message {
    message(data).set_ordering_key(key)
}

pub fn text(message: &Message) -> String {
    String::from_utf8(message.data.to_vec()).expect("the data is text")
}

pub fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts
}

pub fn labels(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| (key.to_string(), value.to_string()))
        .collect()
}

/// The clients of one test, with a project of its own.
pub struct World {
    pub project: String,
    pub topics: TopicAdmin,
    pub subscriptions: SubscriptionAdmin,
}

impl World {
    pub async fn new() -> Self {
        Self {
            project: unique("rust"),
            topics: TopicAdmin::builder()
                .with_endpoint(endpoint())
                .with_credentials(credentials())
                .build()
                .await
                .unwrap(),
            subscriptions: SubscriptionAdmin::builder()
                .with_endpoint(endpoint())
                .with_credentials(credentials())
                .build()
                .await
                .unwrap(),
        }
    }

    pub async fn schemas(&self) -> SchemaService {
        SchemaService::builder()
            .with_endpoint(endpoint())
            .with_credentials(credentials())
            .build()
            .await
            .unwrap()
    }

    pub async fn policies(&self) -> IAMPolicy {
        IAMPolicy::builder()
            .with_endpoint(endpoint())
            .with_credentials(credentials())
            .build()
            .await
            .unwrap()
    }

    pub fn parent(&self) -> String {
        format!("projects/{}", self.project)
    }

    pub fn topic_name(&self, id: &str) -> String {
        format!("projects/{}/topics/{id}", self.project)
    }

    pub fn subscription_name(&self, id: &str) -> String {
        format!("projects/{}/subscriptions/{id}", self.project)
    }

    pub fn snapshot_name(&self, id: &str) -> String {
        format!("projects/{}/snapshots/{id}", self.project)
    }

    pub fn schema_name(&self, id: &str) -> String {
        format!("projects/{}/schemas/{id}", self.project)
    }

    pub async fn topic(&self) -> String {
        self.topic_with(|topic| topic).await.unwrap().name
    }

    pub async fn topic_with(&self, more: impl FnOnce(Topic) -> Topic) -> Result<Topic, Error> {
        let topic = more(Topic::new().set_name(self.topic_name(&unique("t"))));
        self.topics.create_topic().with_request(topic).send().await
    }

    pub async fn subscription(&self, topic: &str) -> String {
        self.subscription_with(topic, |s| s).await.unwrap().name
    }

    pub async fn subscription_with(
        &self,
        topic: &str,
        more: impl FnOnce(Subscription) -> Subscription,
    ) -> Result<Subscription, Error> {
        let subscription = Subscription::new()
            .set_name(self.subscription_name(&unique("s")))
            .set_topic(topic);
        self.subscriptions
            .create_subscription()
            .with_request(more(subscription))
            .send()
            .await
    }

    pub async fn get(&self, subscription: &str) -> Subscription {
        self.subscriptions
            .get_subscription()
            .set_subscription(subscription)
            .send()
            .await
            .unwrap()
    }

    pub async fn publisher(&self, topic: &str) -> Publisher {
        Publisher::builder(topic)
            .with_endpoint(endpoint())
            .with_credentials(credentials())
            .build()
            .await
            .unwrap()
    }

    /// Publishes these texts one after the other, and answers the message ids.
    pub async fn publish(&self, topic: &str, texts: &[&str]) -> Vec<String> {
        self.publish_messages(topic, texts.iter().map(|text| message(text)).collect())
            .await
    }

    pub async fn publish_messages(&self, topic: &str, messages: Vec<Message>) -> Vec<String> {
        let publisher = self.publisher(topic).await;
        let mut ids = Vec::new();
        for message in messages {
            ids.push(publisher.publish(message).await.unwrap());
        }
        ids
    }

    pub async fn subscriber(&self) -> Subscriber {
        Subscriber::builder()
            .with_endpoint(endpoint())
            .with_credentials(credentials())
            .build()
            .await
            .unwrap()
    }

    /// A stream that gives back what the test leaves unanswered when it ends.
    pub async fn inbox(&self, subscription: &str) -> Inbox {
        let stream = self
            .subscriber()
            .await
            .subscribe(subscription)
            .set_shutdown_behavior(ShutdownBehavior::NackImmediately)
            .build();
        Inbox { stream }
    }

    /// Receives and acknowledges this many messages, and answers their texts.
    pub async fn take(&self, subscription: &str, count: usize) -> Vec<String> {
        let mut inbox = self.inbox(subscription).await;
        let texts = inbox.take(count).await;
        inbox.close().await;
        texts
    }

    /// Expects that there is nothing to receive, now and for a little while.
    pub async fn is_empty(&self, subscription: &str, why: &str) {
        let mut inbox = self.inbox(subscription).await;
        inbox.stays_empty(Duration::from_millis(500), why).await;
        inbox.close().await;
    }
}

/// The messages of a subscription as they come over one stream.
pub struct Inbox {
    pub stream: MessageStream,
}

impl Inbox {
    pub async fn next(&mut self) -> (Message, Handler) {
        within(PATIENCE, "a message comes", self.stream.next())
            .await
            .expect("the stream is open")
            .expect("no error")
    }

    /// The next message and its exactly-once handler.
    pub async fn next_exactly_once(&mut self) -> (Message, google_cloud_pubsub::subscriber::handler::ExactlyOnce) {
        match self.next().await {
            (message, Handler::ExactlyOnce(handler)) => (message, handler),
            (message, other) => panic!("{message:?} came with {other:?}"),
        }
    }

    /// Acknowledges this many messages and answers their texts.
    pub async fn take(&mut self, count: usize) -> Vec<String> {
        let mut texts = Vec::new();
        while texts.len() < count {
            let (message, handler) = self.next().await;
            handler.ack();
            texts.push(text(&message));
        }
        texts
    }

    pub async fn stays_empty(&mut self, time: Duration, why: &str) {
        if let Ok(got) = tokio::time::timeout(time, self.stream.next()).await {
            panic!("{got:?} came: {why}");
        }
    }

    /// The error that ends the stream.
    pub async fn error(&mut self) -> Error {
        within(PATIENCE, "the stream fails", self.stream.next())
            .await
            .expect("an error comes before the end")
            .expect_err("no message comes")
    }

    /// Ends the stream once what was acked and nacked has been sent.
    pub async fn close(self) {
        let shutdown = self.stream.shutdown_token();
        within(PATIENCE, "the stream ends", shutdown.shutdown()).await;
    }
}

pub async fn within<T>(time: Duration, what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(time, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited too long: {what}"),
    }
}

/// Expects an error with this code whose message has this text.
#[track_caller]
pub fn fails<T: std::fmt::Debug>(result: Result<T, Error>, code: Code, text: &str) {
    let error = result.expect_err("it is refused");
    is(&error, code, text);
}

#[track_caller]
pub fn is(error: &Error, code: Code, text: &str) {
    let status = error.status().unwrap_or_else(|| panic!("{error:?} has no status"));
    assert_eq!(status.code, code, "{}", status.message);
    assert!(status.message.contains(text), "{:?} lacks {text:?}", status.message);
}

#[track_caller]
pub fn invalid<T: std::fmt::Debug>(result: Result<T, Error>, text: &str) {
    fails(result, Code::InvalidArgument, text);
}

#[track_caller]
pub fn not_found<T: std::fmt::Debug>(result: Result<T, Error>, id: &str) {
    fails(result, Code::NotFound, &format!("Resource not found (resource={id})."));
}

#[track_caller]
pub fn exists<T: std::fmt::Debug>(result: Result<T, Error>, id: &str) {
    let text = format!("Resource already exists in the project (resource={id}).");
    fails(result, Code::AlreadyExists, &text);
}
