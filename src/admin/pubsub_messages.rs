//! Messages of topics and subscriptions: publish, pull, acknowledge, seek.

use super::Admin;
use super::answers::{AdminError, AdminResult};
use super::pubsub::{DoneAnswer, Project, verb};
use super::queues::Purged;
use super::route::{Asked, Json, NoBody};
use lclq_shards::pubsub::command::Kind;
use prost_types::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Messages to publish.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Publish {
    messages: Vec<PublishMessage>,
}

/// A message to publish.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PublishMessage {
    /// Its data as text.
    text: Option<String>,
    /// Its data in base64.
    data: Option<String>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    ordering_key: Option<String>,
}

/// Messages that were published.
#[derive(Serialize, JsonSchema)]
pub(super) struct Published {
    /// Their ids, in the order of the messages.
    message_ids: Vec<String>,
}

pub(super) async fn publish(
    admin: Rc<Admin>,
    asked: Asked<Project, Json<Publish>>,
) -> AdminResult<Published> {
    let full = asked.query.full(Kind::Topic, asked.part(0));
    let messages = asked.body.0.messages.into_iter().map(|message| {
        let data = match (message.data, message.text) {
            (Some(_), Some(_)) => {
                return Err(AdminError::bad_request("a message has text or data"));
            }
            (Some(data), None) => data,
            (None, text) => {
                let text = text.unwrap_or_default();
                base64_simd::STANDARD.encode_to_string(text)
            }
        };
        let mut message_json = json!({ "data": data, "attributes": message.attributes });
        if let Some(key) = message.ordering_key {
            message_json["orderingKey"] = key.into();
        }
        Ok(message_json)
    });
    let messages: Vec<Value> = messages.collect::<AdminResult<_>>()?;
    let mut answer = verb(&admin, &full, "publish", json!({ "messages": messages })).await?;
    let message_ids = serde_json::from_value(answer["messageIds"].take());
    Ok(Published {
        message_ids: message_ids.map_err(AdminError::unavailable)?,
    })
}

/// How much to pull.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Pull {
    /// At most so many messages; 10 where absent.
    max: Option<u32>,
    /// Wait for a first message.
    #[serde(default)]
    wait: bool,
}

/// Messages that were pulled.
#[derive(Serialize, JsonSchema)]
pub(super) struct PulledMessages {
    messages: Vec<PulledMessage>,
}

/// A message that was pulled.
#[derive(Serialize, JsonSchema)]
pub(super) struct PulledMessage {
    ack_id: String,
    /// Which delivery of the message this is, where the subscription has a dead-letter policy.
    delivery_attempt: Option<i64>,
    #[serde(flatten)]
    message: ShownMessage,
}

/// A message of a topic.
#[derive(Serialize, JsonSchema)]
pub(super) struct ShownMessage {
    pub message_id: String,
    /// Its data, where that is text.
    pub text: Option<String>,
    /// Its data in base64.
    pub data: String,
    pub attributes: Map<String, Value>,
    pub ordering_key: Option<String>,
    /// As Pub/Sub shows times.
    pub publish_time: String,
}

impl ShownMessage {
    /// Of a message as the REST API has it.
    pub fn of(message: &Value) -> Self {
        let text = |name: &str| message[name].as_str().map(str::to_owned);
        let data = text("data").unwrap_or_default();
        let bytes = base64_simd::STANDARD.decode_to_vec(&data).ok();
        Self {
            message_id: text("messageId").unwrap_or_default(),
            text: bytes.and_then(|bytes| String::from_utf8(bytes).ok()),
            data,
            attributes: message["attributes"]
                .as_object()
                .cloned()
                .unwrap_or_default(),
            ordering_key: text("orderingKey").filter(|key| !key.is_empty()),
            publish_time: text("publishTime").unwrap_or_default(),
        }
    }
}

pub(super) async fn pull(
    admin: Rc<Admin>,
    asked: Asked<Project, Json<Pull>>,
) -> AdminResult<PulledMessages> {
    let full = asked.query.full(Kind::Subscription, asked.part(0));
    let Json(Pull { max, wait }) = asked.body;
    let body = json!({ "maxMessages": max.unwrap_or(10), "returnImmediately": !wait });
    let answer = verb(&admin, &full, "pull", body).await?;
    let received = answer["receivedMessages"].as_array().into_iter().flatten();
    let messages = received.map(|received| PulledMessage {
        ack_id: received["ackId"].as_str().unwrap_or_default().to_owned(),
        delivery_attempt: received["deliveryAttempt"].as_i64(),
        message: ShownMessage::of(&received["message"]),
    });
    Ok(PulledMessages {
        messages: messages.collect(),
    })
}

/// Deliveries to settle.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Acknowledge {
    ack_ids: Vec<String>,
    /// Seconds from now that the messages are theirs who have them, 0-600, 0 giving them back; where
    /// absent, they are acknowledged.
    ack_deadline: Option<u32>,
}

pub(super) async fn settle(
    admin: Rc<Admin>,
    asked: Asked<Project, Json<Acknowledge>>,
) -> AdminResult<DoneAnswer> {
    let full = asked.query.full(Kind::Subscription, asked.part(0));
    let Json(wanted) = asked.body;
    let mut body = json!({ "ackIds": wanted.ack_ids });
    let name = match wanted.ack_deadline {
        None => "acknowledge",
        Some(seconds) => {
            body["ackDeadlineSeconds"] = seconds.into();
            "modifyAckDeadline"
        }
    };
    verb(&admin, &full, name, body).await?;
    Ok(DoneAnswer { done: true })
}

/// Where to seek; one of the two.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Seek {
    /// A time such as 2026-01-31T12:00:00Z.
    time: Option<String>,
    /// Id or full name of a snapshot.
    snapshot: Option<String>,
}

pub(super) async fn seek(
    admin: Rc<Admin>,
    asked: Asked<Project, Json<Seek>>,
) -> AdminResult<DoneAnswer> {
    let full = asked.query.full(Kind::Subscription, asked.part(0));
    let body = match asked.body.0 {
        Seek {
            time: Some(time),
            snapshot: None,
        } => json!({ "time": time }),
        Seek {
            time: None,
            snapshot: Some(snapshot),
        } => json!({ "snapshot": asked.query.full(Kind::Snapshot, &snapshot) }),
        _ => return Err(AdminError::bad_request("give a time or a snapshot")),
    };
    verb(&admin, &full, "seek", body).await?;
    Ok(DoneAnswer { done: true })
}

/// Acknowledges all that was published so far.
pub(super) async fn purge(admin: Rc<Admin>, asked: Asked<Project, NoBody>) -> AdminResult<Purged> {
    let purged = asked.query.full(Kind::Subscription, asked.part(0));
    // Messages of this millisecond too.
    let at = crate::mesh::wall_clock() + 1;
    let time = Timestamp {
        seconds: (at / 1000) as i64,
        nanos: (at % 1000) as i32 * 1_000_000,
    };
    verb(&admin, &purged, "seek", json!({ "time": time.to_string() })).await?;
    Ok(Purged { purged })
}
