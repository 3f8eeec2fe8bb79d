//! The Pub/Sub dialect on a core of its own, without sockets.

use crate::at_once;
use crate::dialect::on_a_mesh;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use lclq::grpc::Encoded;
use lclq::http::{HttpLimits, ReplyBody};
use lclq::profile::Profile;
use lclq::proto::google::pubsub::v1::{
    AcknowledgeRequest, PublishRequest, PubsubMessage, PullRequest, PullResponse, Subscription,
    Topic, publisher, subscriber,
};
use lclq::pubsub::error::PubsubResult;
use lclq::pubsub::rest::{Rest, Sender, UnaryCaller};
use lclq::pubsub::{OutsidePlan, Pubsub};
use lclq::regions::Regions;
use prost::Message;
use std::rc::Rc;

/// The topic that is published to; it has the subscription.
pub const TOPIC: &str = "projects/bench/topics/busy";
/// The subscription that is pulled from.
pub const SUBSCRIPTION: &str = "projects/bench/subscriptions/one";
/// A topic that has none.
pub const LONELY_TOPIC: &str = "projects/bench/topics/lonely";

/// An endpoint in memory with one shard, and on it the resources named above.
pub struct Services {
    pubsub: Rc<Pubsub>,
    rest: Rc<Rest<Caller>>,
}

struct Caller(Rc<Pubsub>);

impl UnaryCaller for Caller {
    async fn call(&self, path: &str, request: Bytes, _: Sender) -> PubsubResult<Bytes> {
        assert!(path.ends_with("/Publish"), "{path}");
        let method = publisher::Method::Publish;
        let reply = publisher::unary(self.0.clone(), method, request).await?;
        Ok(reply.message())
    }

    fn failure(&self) -> Option<String> {
        None
    }

    async fn document(&self, _: &str, _: &str) -> Option<PubsubResult<Bytes>> {
        None
    }
}

/// Runs `f` with an endpoint, on a core.
///
/// # Panics
/// If the core can't be started, or `f` panics.
pub fn with_services(f: impl FnOnce(&Services) + Send + 'static) {
    on_a_mesh(|mesh, _| async move {
        let outside = OutsidePlan::new(Default::default(), None, 1).expect("nothing is asked for");
        let (profile, regions) = (Profile::default(), Regions::default());
        let pubsub = Pubsub::new(mesh, [7; 16], outside.on_core(), profile, regions, None);
        let services = Services {
            rest: Rest::new(Caller(pubsub.clone()), &HttpLimits::default()),
            pubsub,
        };
        for name in [TOPIC, LONELY_TOPIC] {
            let topic = Topic {
                name: name.to_owned(),
                ..Default::default()
            };
            let method = publisher::Method::CreateTopic;
            let made = publisher::unary(services.pubsub.clone(), method, encoded(&topic)).await;
            made.expect("a topic");
        }
        let subscription = Subscription {
            name: SUBSCRIPTION.to_owned(),
            topic: TOPIC.to_owned(),
            ..Default::default()
        };
        let method = subscriber::Method::CreateSubscription;
        let request = encoded(&subscription);
        let made = subscriber::unary(services.pubsub.clone(), method, request).await;
        made.expect("a subscription");
        f(&services);
    });
}

impl Services {
    /// Calls a method of the publisher.
    ///
    /// # Panics
    /// If it is refused.
    pub fn publisher(&self, method: publisher::Method, request: Bytes) -> Encoded {
        at_once(publisher::unary(self.pubsub.clone(), method, request)).expect("not refused")
    }

    /// Calls a method of the subscriber.
    ///
    /// # Panics
    /// If it is refused.
    pub fn subscriber(&self, method: subscriber::Method, request: Bytes) -> Encoded {
        at_once(subscriber::unary(self.pubsub.clone(), method, request)).expect("not refused")
    }

    /// Answers a Publish over REST.
    ///
    /// # Panics
    /// If it is refused.
    pub fn publish_rest(&self, json: Bytes) -> Response<ReplyBody> {
        let request = Request::post(format!("http://localhost:8085/v1/{TOPIC}:publish"))
            .header("content-type", "application/json")
            .body(Full::new(json))
            .expect("a sound request");
        let reply = at_once(self.rest.clone().handle(request));
        assert!(reply.status().is_success(), "{:?}", reply.body().as_bytes());
        reply
    }

    /// The ack ids of up to `count` messages.
    pub fn pull(&self, count: usize) -> Vec<String> {
        let reply = self.subscriber(subscriber::Method::Pull, pull(count));
        let reply = PullResponse::decode(reply.message()).expect("a PullResponse");
        let received = reply.received_messages.into_iter();
        received.map(|received| received.ack_id).collect()
    }
}

fn encoded(message: &impl Message) -> Bytes {
    message.encode_to_vec().into()
}

/// A request to publish `count` messages of `data_bytes`.
pub fn publish(topic: &str, data_bytes: usize, count: usize) -> Bytes {
    let message = PubsubMessage {
        data: vec![b'x'; data_bytes].into(),
        ..Default::default()
    };
    encoded(&PublishRequest {
        topic: topic.to_owned(),
        messages: vec![message; count],
    })
}

/// The same in JSON.
pub fn publish_json(data_bytes: usize, count: usize) -> Bytes {
    // "xxx" is "eHh4" in base64.
    let data = "eHh4".repeat(data_bytes.div_ceil(3));
    let messages = vec![format!(r#"{{"data":"{data}"}}"#); count].join(",");
    format!(r#"{{"messages":[{messages}]}}"#).into()
}

/// A request to pull up to `count` messages.
pub fn pull(count: usize) -> Bytes {
    encoded(&PullRequest {
        subscription: SUBSCRIPTION.to_owned(),
        max_messages: count as i32,
        ..Default::default()
    })
}

/// A request to acknowledge.
pub fn acknowledge(ack_ids: Vec<String>) -> Bytes {
    encoded(&AcknowledgeRequest {
        subscription: SUBSCRIPTION.to_owned(),
        ack_ids,
    })
}
