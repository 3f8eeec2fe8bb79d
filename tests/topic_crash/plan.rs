//! The topics and subscriptions of the load: on every shard, of every kind, and dead-letter topics
//! on the same shard and on another.

use super::ledger::Message;
use crate::support::killing::SHARDS;
use serde_json::{Value, json};

#[derive(Clone, Debug)]
pub struct Topic {
    /// Its full name.
    pub name: String,
    /// Whether nobody publishes to it.
    pub dead_letters: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Subscription {
    /// Its id in the project.
    pub name: String,
    pub topic: usize,
    pub filtered: bool,
    pub ordered: bool,
    pub exactly_once: bool,
    /// The topic of its dead letters; its consumers give every message back.
    pub dead_letter: Option<usize>,
    /// Is deleted and made again now and then.
    pub renewed: bool,
}

impl Subscription {
    /// Its path in REST.
    pub fn path(&self) -> String {
        format!("/v1/{}", self.full_name())
    }

    pub fn full_name(&self) -> String {
        format!("projects/p/subscriptions/{}", self.name)
    }
}

/// What filtered subscriptions get: messages with this attribute.
pub fn is_red(message: Message) -> bool {
    message.2.is_multiple_of(3)
}

/// Whether a subscription's filter lets a message pass.
pub fn matches(subscription: &Subscription, message: Message) -> bool {
    !subscription.filtered || is_red(message)
}

/// Deliveries to a dead-letter subscription before a message is a dead letter.
const ATTEMPTS_MAX: u32 = 5;

/// A topic on a given shard.
fn topic_on(shard: u16, purpose: &str) -> Topic {
    let name = (0..)
        .map(|n| format!("projects/p/topics/{purpose}-{n}"))
        .find(|name| lclq_shards::shard_of(name.as_bytes(), SHARDS) == shard)
        .expect("some name falls on the shard");
    Topic {
        name,
        dead_letters: purpose.starts_with("dead"),
    }
}

pub fn topics() -> Vec<Topic> {
    vec![
        topic_on(0, "plain"),
        topic_on(1, "strict"),
        topic_on(2, "poison"),
        topic_on(0, "dead-far"),
        topic_on(2, "dead-near"),
    ]
}

pub fn subscriptions() -> Vec<Subscription> {
    let of = |topic: usize, name: &str| Subscription {
        name: name.to_owned(),
        topic,
        ..Subscription::default()
    };
    vec![
        of(0, "plain"),
        Subscription {
            filtered: true,
            ..of(0, "filtered")
        },
        Subscription {
            ordered: true,
            ..of(0, "ordered")
        },
        Subscription {
            renewed: true,
            ..of(0, "renewed")
        },
        Subscription {
            exactly_once: true,
            ..of(1, "exactly-once")
        },
        Subscription {
            exactly_once: true,
            ordered: true,
            filtered: true,
            ..of(1, "ordered-exactly-once")
        },
        Subscription {
            dead_letter: Some(3),
            ..of(2, "poison-far")
        },
        Subscription {
            dead_letter: Some(4),
            exactly_once: true,
            ..of(2, "poison-near")
        },
        of(3, "dead-far"),
        of(4, "dead-near"),
    ]
}

/// The body that makes a subscription.
pub fn creation(subscription: &Subscription, topics: &[Topic]) -> Value {
    let mut body = json!({
        "topic": topics[subscription.topic].name,
        // Longer than any run of the server, so that no lease ends by itself.
        "ackDeadlineSeconds": 600,
        "enableMessageOrdering": subscription.ordered,
        "enableExactlyOnceDelivery": subscription.exactly_once,
    });
    if subscription.filtered {
        body["filter"] = json!("attributes.colour = \"red\"");
    }
    if let Some(topic) = subscription.dead_letter {
        body["deadLetterPolicy"] = json!({
            "deadLetterTopic": topics[topic].name,
            "maxDeliveryAttempts": ATTEMPTS_MAX,
        });
    }
    body
}
