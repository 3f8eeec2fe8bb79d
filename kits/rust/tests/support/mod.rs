//! Clients for a sandbox: AWS' SDK, and Pub/Sub by gRPC.

use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::{Credentials, Region};
use aws_sdk_sqs::error::DisplayErrorContext;
use aws_smithy_http_client::Builder;
use http::uri::PathAndQuery;
use lclq::proto::google::pubsub::v1 as pb;
use lclq_testkit::{REGION, Sandbox};
use std::error::Error;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

pub fn sqs(sandbox: &Sandbox, attempts_max: u32) -> aws_sdk_sqs::Client {
    let config = aws_sdk_sqs::Config::builder()
        .endpoint_url(sandbox.endpoint())
        .region(Region::from_static(REGION))
        .credentials_provider(Credentials::new(
            sandbox.account(),
            "test",
            None,
            None,
            "lclq",
        ))
        .retry_config(RetryConfig::standard().with_max_attempts(attempts_max))
        .http_client(Builder::new().build_http())
        .build();
    aws_sdk_sqs::Client::from_conf(config)
}

/// Makes a queue where it isn't there.
pub async fn queue(sqs: &aws_sdk_sqs::Client, name: &str) -> Outcome<String> {
    let made = sqs.create_queue().queue_name(name).send().await;
    let made = made.map_err(|error| DisplayErrorContext(error).to_string())?;
    Ok(made.queue_url.unwrap_or_default())
}

/// Sends to a queue that is made where it isn't there.
pub async fn send(sqs: &aws_sdk_sqs::Client, name: &str, body: &str, delay_s: i32) -> Outcome<()> {
    let url = queue(sqs, name).await?;
    let sent = sqs
        .send_message()
        .queue_url(url)
        .message_body(body)
        .delay_seconds(delay_s);
    let sent = sent.send().await;
    sent.map_err(|error| DisplayErrorContext(error).to_string())?;
    Ok(())
}

/// Takes what a queue has, at most ten, in the order of the bodies.
pub async fn receive(sqs: &aws_sdk_sqs::Client, name: &str) -> Outcome<Vec<String>> {
    let url = queue(sqs, name).await?;
    let got = sqs
        .receive_message()
        .queue_url(&url)
        .max_number_of_messages(10)
        .send()
        .await?;
    let mut bodies = Vec::new();
    for message in got.messages.unwrap_or_default() {
        bodies.extend(message.body);
        let deleted = sqs
            .delete_message()
            .queue_url(&url)
            .set_receipt_handle(message.receipt_handle);
        deleted.send().await?;
    }
    bodies.sort();
    Ok(bodies)
}

/// Pub/Sub of a sandbox.
pub struct PubSub {
    channel: Channel,
    project: String,
}

impl PubSub {
    pub fn new(sandbox: &Sandbox) -> Outcome<Self> {
        let endpoint = Endpoint::try_from(format!("http://{}", sandbox.pubsub()))?;
        Ok(Self {
            channel: endpoint.connect_lazy(),
            project: sandbox.project().to_owned(),
        })
    }

    pub async fn call<Q, A>(&self, method: &'static str, question: Q) -> Result<A, Status>
    where
        Q: prost::Message + Send + Sync + 'static,
        A: prost::Message + Default + Send + Sync + 'static,
    {
        let mut grpc = Grpc::new(self.channel.clone());
        let unready = |error: tonic::transport::Error| Status::unavailable(error.to_string());
        grpc.ready().await.map_err(unready)?;
        let path = PathAndQuery::from_static(method);
        let codec = ProstCodec::<Q, A>::default();
        Ok(grpc
            .unary(Request::new(question), path, codec)
            .await?
            .into_inner())
    }

    pub fn topic_name(&self, name: &str) -> String {
        format!("projects/{}/topics/{name}", self.project)
    }

    /// Makes a topic with a subscription of its name, where it isn't there; answers both names.
    async fn topic(&self, name: &str) -> Outcome<(String, String)> {
        let topic = self.topic_name(name);
        let subscription = format!("projects/{}/subscriptions/{name}", self.project);
        let wanted = pb::Topic {
            name: topic.clone(),
            ..pb::Topic::default()
        };
        match self
            .call::<_, pb::Topic>("/google.pubsub.v1.Publisher/CreateTopic", wanted)
            .await
        {
            Err(status) if status.code() == Code::AlreadyExists => {
                return Ok((topic, subscription));
            }
            made => made?,
        };
        let wanted = pb::Subscription {
            name: subscription.clone(),
            topic: topic.clone(),
            ..pb::Subscription::default()
        };
        let method = "/google.pubsub.v1.Subscriber/CreateSubscription";
        self.call::<_, pb::Subscription>(method, wanted).await?;
        Ok((topic, subscription))
    }

    pub async fn publish(&self, name: &str, data: &str) -> Outcome<()> {
        let (topic, _) = self.topic(name).await?;
        let message = pb::PubsubMessage {
            data: data.to_owned().into(),
            ..Default::default()
        };
        let request = pb::PublishRequest {
            topic,
            messages: vec![message],
        };
        let method = "/google.pubsub.v1.Publisher/Publish";
        self.call::<_, pb::PublishResponse>(method, request).await?;
        Ok(())
    }

    /// Takes and acknowledges what a subscription has, at most ten.
    pub async fn pull(&self, name: &str) -> Outcome<Vec<String>> {
        let (_, subscription) = self.topic(name).await?;
        let request = pb::PullRequest {
            subscription: subscription.clone(),
            max_messages: 10,
            ..Default::default()
        };
        let pulled: pb::PullResponse = self
            .call("/google.pubsub.v1.Subscriber/Pull", request)
            .await?;
        let (mut messages, mut ack_ids) = (Vec::new(), Vec::new());
        for received in pulled.received_messages {
            let data = received.message.unwrap_or_default().data;
            messages.push(String::from_utf8(data.to_vec())?);
            ack_ids.push(received.ack_id);
        }
        let request = pb::AcknowledgeRequest {
            subscription,
            ack_ids,
        };
        self.call::<_, ()>("/google.pubsub.v1.Subscriber/Acknowledge", request)
            .await?;
        Ok(messages)
    }
}
