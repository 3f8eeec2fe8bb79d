//! A queue's messages: look at them, send, receive, settle.
//!
//! What is sent and received has the members of the service's own requests and answers.

use super::Admin;
use super::answers::{AdminError, AdminResult};
use super::journeys::ClientView;
use super::queues::{Place, as_admin_answer, ask, ask_shard};
use super::route::{Asked, Json};
use lclq_shards::QueueName;
use lclq_shards::command::{QueueCommand, Reply};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::rc::Rc;
use uuid::Uuid;

#[derive(Deserialize, JsonSchema)]
pub(super) struct PeekQuery {
    #[serde(flatten)]
    place: Place,
    /// At most so many messages; 100 where absent.
    #[schemars(range(min = 1, max = 1000))]
    max: Option<u64>,
    /// The `next` of an earlier answer.
    after: Option<String>,
    /// Only messages in this state: visible, in-flight or delayed.
    state: Option<String>,
    /// Only messages with this text in their body, in an attribute or its name, or with this id.
    contains: Option<String>,
}

/// Messages as they stand, the oldest first.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct PeekedMessages {
    messages: Vec<PeekedMessage>,
    /// To be given as `after` to look further; null at the end. There may be more even where no
    /// message is shown: a look ends once it has gone through many.
    next: Option<String>,
}

/// A message that was looked at.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PeekedMessage {
    message_id: String,
    body: String,
    md5_of_body: String,
    /// `visible`, `in-flight` or `delayed`.
    state: String,
    /// When it was received last, ms since 1970; absent where it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    received_at: Option<u64>,
    /// When it can be received again, of one in flight or delayed, ms since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<u64>,
    /// Who has it, of one in flight, as far as journeys tell (`--journey-events`).
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    held_by: Option<ClientView>,
    /// System attributes, by their names in SQS.
    attributes: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    message_attributes: Map<String, Value>,
    /// Of a message that has attributes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    md5_of_message_attributes: Option<String>,
}

pub(super) async fn peek(admin: Rc<Admin>, asked: Asked<PeekQuery>) -> AdminResult<PeekedMessages> {
    let queue = asked.query.place.queue(&admin, asked.part(0));
    let query = &asked.query;
    let max = query.max.map(|max| max.to_string());
    let mut peeked = look(
        &admin,
        &queue,
        [
            ("Max", max.as_deref()),
            ("After", query.after.as_deref()),
            ("State", query.state.as_deref()),
            ("Contains", query.contains.as_deref()),
        ],
    )
    .await?;
    let shard = queue.shard(admin.mesh.shards());
    say_who_holds(&admin, shard, &mut peeked.messages).await;
    Ok(peeked)
}

/// Says who has messages that are in flight, where that is known.
async fn say_who_holds(admin: &Admin, shard: u16, messages: &mut [PeekedMessage]) {
    let Some(askers) = admin.interceptors.askers() else {
        return;
    };
    let (mut held, mut ids) = (Vec::new(), Vec::new());
    for message in messages {
        if message.state == "in-flight"
            && let Ok(id) = message.message_id.parse::<Uuid>()
        {
            ids.push(id.into_bytes());
            held.push(message);
        }
    }
    if ids.is_empty() {
        return;
    }
    // What is shown is worth showing without it, too.
    let Reply::Clients(clients) = ask_shard(admin, shard, QueueCommand::Receivers(ids)).await
    else {
        return;
    };
    for (message, client) in held.into_iter().zip(clients) {
        message.held_by = askers.of(client).map(ClientView::from);
    }
}

async fn look<const N: usize>(
    admin: &Admin,
    queue: &QueueName,
    parameters: [(&str, Option<&str>); N],
) -> AdminResult<PeekedMessages> {
    let given = parameters
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    let answer = as_admin_answer(admin.sqs.peek_inside(queue, given).await)?;
    serde_json::from_value(answer).map_err(AdminError::unavailable)
}

/// A message to send, as the service's SendMessage takes it.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SendMessage {
    message_body: String,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_seconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_group_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_deduplication_id: Option<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    message_attributes: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    message_system_attributes: Map<String, Value>,
}

/// A message that was sent, as the service answers it.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct SentMessage {
    #[serde(rename = "MessageId")]
    message_id: String,
    #[serde(rename = "MD5OfMessageBody")]
    md5_of_message_body: String,
    #[serde(
        rename = "MD5OfMessageAttributes",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    md5_of_message_attributes: Option<String>,
    #[serde(
        rename = "MD5OfMessageSystemAttributes",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    md5_of_message_system_attributes: Option<String>,
    #[serde(
        rename = "SequenceNumber",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    sequence_number: Option<String>,
}

pub(super) async fn send(
    admin: Rc<Admin>,
    asked: Asked<Place, Json<SendMessage>>,
) -> AdminResult<SentMessage> {
    let queue = asked.query.queue(&admin, asked.part(0));
    let answer = ask(&admin, &queue, "SendMessage", json!(asked.body.0)).await?;
    serde_json::from_value(answer).map_err(AdminError::unavailable)
}

/// What to receive, as the service's ReceiveMessage takes it.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ReceiveMessage {
    /// 1-10; 1 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_number_of_messages: Option<i64>,
    /// Seconds; the queue's where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    visibility_timeout: Option<i64>,
    /// Seconds; the queue's where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    wait_time_seconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receive_request_attempt_id: Option<String>,
}

/// Messages as the service's ReceiveMessage gives them.
#[derive(Serialize, JsonSchema)]
pub(super) struct ReceivedMessages {
    messages: Vec<ReceivedMessage>,
}

/// A message that was received.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct ReceivedMessage {
    #[serde(rename = "MessageId")]
    pub message_id: String,
    #[serde(rename = "ReceiptHandle")]
    pub receipt_handle: String,
    #[serde(rename = "Body")]
    pub body: String,
    #[serde(rename = "MD5OfBody")]
    md5_of_body: String,
    #[serde(rename = "Attributes", default, skip_serializing_if = "Map::is_empty")]
    pub attributes: Map<String, Value>,
    #[serde(
        rename = "MessageAttributes",
        default,
        skip_serializing_if = "Map::is_empty"
    )]
    pub message_attributes: Map<String, Value>,
    #[serde(
        rename = "MD5OfMessageAttributes",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    md5_of_message_attributes: Option<String>,
}

pub(super) async fn receive(
    admin: Rc<Admin>,
    asked: Asked<Place, Json<ReceiveMessage>>,
) -> AdminResult<ReceivedMessages> {
    let queue = asked.query.queue(&admin, asked.part(0));
    let messages = received(&admin, &queue, json!(asked.body.0)).await?;
    Ok(ReceivedMessages { messages })
}

pub(super) async fn received(
    admin: &Admin,
    queue: &QueueName,
    mut wanted: Value,
) -> AdminResult<Vec<ReceivedMessage>> {
    for names in ["MessageSystemAttributeNames", "MessageAttributeNames"] {
        wanted[names] = json!(["All"]);
    }
    let mut answer = ask(admin, queue, "ReceiveMessage", wanted).await?;
    match answer["Messages"].take() {
        Value::Null => Ok(Vec::new()),
        messages => serde_json::from_value(messages).map_err(AdminError::unavailable),
    }
}

/// A message to delete, or to keep for longer.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Settle {
    /// The receipt handle that it came with.
    receipt: String,
    /// Seconds from now for which it stays invisible; where absent, the message is deleted.
    visibility_timeout: Option<i64>,
}

/// It is done.
#[derive(Serialize, JsonSchema)]
pub(super) struct Settled {
    pub settled: bool,
}

pub(super) async fn settle(
    admin: Rc<Admin>,
    asked: Asked<Place, Json<Settle>>,
) -> AdminResult<Settled> {
    let queue = asked.query.queue(&admin, asked.part(0));
    let Json(wanted) = asked.body;
    let mut request = json!({ "ReceiptHandle": wanted.receipt });
    let action = match wanted.visibility_timeout {
        None => "DeleteMessage",
        Some(seconds) => {
            request["VisibilityTimeout"] = seconds.into();
            "ChangeMessageVisibility"
        }
    };
    ask(&admin, &queue, action, request).await?;
    Ok(Settled { settled: true })
}
