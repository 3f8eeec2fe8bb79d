//! The clients of an example, at PUBSUB_EMULATOR_HOST, and what every example does with them.

use std::time::Duration;

use google_cloud_auth::credentials::{Credentials, anonymous};
use google_cloud_pubsub::client::{Publisher, SchemaService, Subscriber, SubscriptionAdmin, TopicAdmin};
use google_cloud_pubsub::model::{Message, Subscription, Topic};
use google_cloud_pubsub::subscriber::handler::Handler;

use crate::Outcome;

/// Bounds each wait for what should come soon.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub struct Service {
    /// The project's name, `projects/...`.
    pub project: String,
    pub subscriptions: SubscriptionAdmin,
    topics: TopicAdmin,
    endpoint: String,
    created: (Vec<String>, Vec<String>),
}

fn nobody() -> Credentials {
    anonymous::Builder::new().build()
}

impl Service {
    pub async fn new() -> Outcome<Self> {
        // The library does not look at PUBSUB_EMULATOR_HOST itself.
        let endpoint = format!("http://{}", std::env::var("PUBSUB_EMULATOR_HOST")?);
        Ok(Self {
            project: format!("projects/{}", std::env::var("GOOGLE_CLOUD_PROJECT")?),
            subscriptions: SubscriptionAdmin::builder()
                .with_endpoint(&endpoint)
                .with_credentials(nobody())
                .build()
                .await?,
            topics: TopicAdmin::builder().with_endpoint(&endpoint).with_credentials(nobody()).build().await?,
            endpoint,
            created: Default::default(),
        })
    }

    pub async fn schemas(&self) -> Outcome<SchemaService> {
        Ok(SchemaService::builder().with_endpoint(&self.endpoint).with_credentials(nobody()).build().await?)
    }

    pub async fn topic(&mut self, id: &str, more: impl FnOnce(Topic) -> Topic) -> Outcome<String> {
        let name = format!("{}/topics/{id}", self.project);
        self.topics.create_topic().with_request(more(Topic::new().set_name(&name))).send().await?;
        self.created.0.push(name.clone());
        Ok(name)
    }

    pub async fn subscribe(
        &mut self,
        topic: &str,
        id: &str,
        more: impl FnOnce(Subscription) -> Subscription,
    ) -> Outcome<String> {
        let name = format!("{}/subscriptions/{id}", self.project);
        let subscription = more(Subscription::new().set_name(&name).set_topic(topic));
        self.subscriptions.create_subscription().with_request(subscription).send().await?;
        self.created.1.push(name.clone());
        Ok(name)
    }

    /// Publishes messages, and waits until the service has them all.
    pub async fn publish(&self, topic: &str, messages: impl IntoIterator<Item = Message>) -> Outcome {
        let publisher =
            Publisher::builder(topic).with_endpoint(&self.endpoint).with_credentials(nobody()).build().await?;
        let published: Vec<_> = messages.into_iter().map(|message| publisher.publish(message)).collect();
        for answer in published {
            answer.await?;
        }
        Ok(())
    }

    /// Receives so many messages by a stream, each of which `settle` acknowledges or not.
    pub async fn receive(
        &self,
        subscription: &str,
        count: usize,
        settle: impl AsyncFn(&Message, Handler) -> Outcome,
    ) -> Outcome<Vec<Message>> {
        let subscriber = Subscriber::builder().with_endpoint(&self.endpoint).with_credentials(nobody()).build().await?;
        let mut stream = subscriber.subscribe(subscription).build();
        let mut messages = Vec::new();
        while messages.len() < count {
            let next = tokio::time::timeout(PATIENCE, stream.next()).await?;
            let (message, handler) = next.ok_or("the stream has ended")??;
            settle(&message, handler).await?;
            messages.push(message);
        }
        stream.shutdown_token().shutdown().await;
        Ok(messages)
    }

    /// Deletes what the example has created.
    pub async fn remove(self) -> Outcome {
        let (topics, subscriptions) = self.created;
        for name in subscriptions {
            self.subscriptions.delete_subscription().set_subscription(name).send().await?;
        }
        for name in topics {
            self.topics.delete_topic().set_topic(name).send().await?;
        }
        Ok(())
    }
}

pub async fn ack(_: &Message, handler: Handler) -> Outcome {
    handler.ack();
    Ok(())
}

pub fn text(message: &Message) -> String {
    String::from_utf8_lossy(&message.data).into_owned()
}

/// The data of messages, in order of the alphabet, since they come in any order.
pub fn texts(messages: &[Message]) -> String {
    let mut texts: Vec<_> = messages.iter().map(text).collect();
    texts.sort();
    texts.join(", ")
}
