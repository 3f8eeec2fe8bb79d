//! A queue's messages: look at them, send, receive, settle, move back.
//!
//! What is sent and received has the members of the service's own requests and answers.

use super::Admin;
use super::answers::{AdminError, AdminResult};
use super::queues::{Place, as_admin_answer, ask};
use super::route::{Asked, Json};
use lclq_shards::QueueName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::rc::Rc;

/// Messages that one request may name.
const CHOSEN_MAX: usize = 100;
/// Messages that one request looks through for those that it names.
const SEARCHED_PAGES_MAX: usize = 100;

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
    /// System attributes, by their names in SQS.
    attributes: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    message_attributes: Map<String, Value>,
}

pub(super) async fn peek(admin: Rc<Admin>, asked: Asked<PeekQuery>) -> AdminResult<PeekedMessages> {
    let queue = asked.query.place.queue(&admin, asked.part(0));
    let query = &asked.query;
    let max = query.max.map(|max| max.to_string());
    look(
        &admin,
        &queue,
        [
            ("Max", max.as_deref()),
            ("After", query.after.as_deref()),
            ("State", query.state.as_deref()),
            ("Contains", query.contains.as_deref()),
        ],
    )
    .await
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
    message_id: String,
    #[serde(rename = "ReceiptHandle")]
    receipt_handle: String,
    #[serde(rename = "Body")]
    body: String,
    #[serde(rename = "MD5OfBody")]
    md5_of_body: String,
    #[serde(rename = "Attributes", default, skip_serializing_if = "Map::is_empty")]
    attributes: Map<String, Value>,
    #[serde(
        rename = "MessageAttributes",
        default,
        skip_serializing_if = "Map::is_empty"
    )]
    message_attributes: Map<String, Value>,
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

async fn received(
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

/// Where a dead-letter queue's messages go.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Redrive {
    /// Name of a queue; where absent, each message goes back to where it came from.
    destination: Option<String>,
    /// Messages per second, 1-500; as fast as goes where absent.
    rate: Option<i64>,
}

/// The task that moves them.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RedriveTask {
    task_handle: String,
}

pub(super) async fn redrive(
    admin: Rc<Admin>,
    asked: Asked<Place, Json<Redrive>>,
) -> AdminResult<RedriveTask> {
    let queue = asked.query.queue(&admin, asked.part(0));
    let Json(wanted) = asked.body;
    let mut request = json!({ "SourceArn": queue.arn() });
    if let Some(destination) = wanted.destination {
        let destination = asked.query.queue(&admin, &destination);
        request["DestinationArn"] = destination.arn().into();
    }
    if let Some(rate) = wanted.rate {
        request["MaxNumberOfMessagesPerSecond"] = rate.into();
    }
    let answer = admin
        .sqs
        .act_inside(&queue, "StartMessageMoveTask", &request);
    serde_json::from_value(as_admin_answer(answer.await)?).map_err(AdminError::unavailable)
}

/// A queue's move tasks, the newest first.
#[derive(Serialize, JsonSchema)]
pub(super) struct RedriveTasks {
    /// As the service's ListMessageMoveTasks shows them.
    tasks: Vec<Map<String, Value>>,
}

pub(super) async fn redrives(admin: Rc<Admin>, asked: Asked<Place>) -> AdminResult<RedriveTasks> {
    let queue = asked.query.queue(&admin, asked.part(0));
    let request = json!({ "SourceArn": queue.arn(), "MaxResults": 10 });
    let answer = admin
        .sqs
        .act_inside(&queue, "ListMessageMoveTasks", &request);
    let mut answer = as_admin_answer(answer.await)?;
    let tasks = match answer["Results"].take() {
        Value::Null => Vec::new(),
        tasks => serde_json::from_value(tasks).map_err(AdminError::unavailable)?,
    };
    Ok(RedriveTasks { tasks })
}

/// Messages to move.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MoveMessages {
    /// Their ids, 100 at most.
    messages: Vec<String>,
    /// Name of the queue that they go to.
    destination: String,
}

/// What became of messages that were to be moved.
#[derive(Serialize, JsonSchema)]
pub(super) struct MovedMessages {
    moved: Vec<Moved>,
    /// Ids of messages that can't be received at present: they are in flight or delayed, or behind
    /// another of their group, or there are none.
    left: Vec<String>,
}

/// A message that was moved.
#[derive(Serialize, JsonSchema)]
pub(super) struct Moved {
    /// The id it had.
    from: String,
    /// The id it has.
    to: String,
}

/// Moves chosen messages: each is received, sent to the destination, and deleted. What can't be sent
/// becomes visible again. If the server ends in between, a message is in both queues; none is lost.
pub(super) async fn move_chosen(
    admin: Rc<Admin>,
    asked: Asked<Place, Json<MoveMessages>>,
) -> AdminResult<MovedMessages> {
    let queue = asked.query.queue(&admin, asked.part(0));
    let Json(wanted) = asked.body;
    if wanted.messages.is_empty() || wanted.messages.len() > CHOSEN_MAX {
        return Err(AdminError::bad_request(format!(
            "messages has 1 to {CHOSEN_MAX} ids"
        )));
    }
    let destination = asked.query.queue(&admin, &wanted.destination);
    if destination == queue {
        return Err(AdminError::bad_request(
            "the messages are in that queue already",
        ));
    }
    super::queues::resolved(&admin, &destination).await?;
    let mut left: Vec<String> = wanted.messages;
    let mut moved = Vec::new();
    let mut passed_over = Vec::new();
    let mut outcome = Ok(());
    // The service has no way to receive one message of several: those before it are taken along and
    // given back.
    'search: for _ in 0..SEARCHED_PAGES_MAX {
        let request =
            json!({ "MaxNumberOfMessages": 10, "VisibilityTimeout": 60, "WaitTimeSeconds": 0 });
        let page = match received(&admin, &queue, request).await {
            Ok(page) if page.is_empty() => break,
            Ok(page) => page,
            Err(error) => {
                outcome = Err(error);
                break;
            }
        };
        for message in page {
            let Some(at) = left.iter().position(|id| *id == message.message_id) else {
                passed_over.push(message.receipt_handle);
                continue;
            };
            match resent(&admin, &queue, &destination, &message).await {
                Ok(to) => {
                    let from = left.swap_remove(at);
                    moved.push(Moved { from, to });
                }
                Err(error) => {
                    passed_over.push(message.receipt_handle);
                    outcome = Err(error);
                }
            }
        }
        if left.is_empty() || outcome.is_err() {
            break 'search;
        }
    }
    for receipt in passed_over {
        let request = json!({ "ReceiptHandle": receipt, "VisibilityTimeout": 0 });
        // One whose lease is over is visible already.
        let _ = ask(&admin, &queue, "ChangeMessageVisibility", request).await;
    }
    match outcome {
        Err(error) if moved.is_empty() => Err(error),
        _ => Ok(MovedMessages { moved, left }),
    }
}

async fn resent(
    admin: &Admin,
    queue: &QueueName,
    destination: &QueueName,
    message: &ReceivedMessage,
) -> AdminResult<String> {
    let attribute = |name: &str| message.attributes.get(name).cloned();
    let is_fifo = destination.name.ends_with(".fifo");
    let mut request = json!({
        "MessageBody": message.body,
        "MessageAttributes": message.message_attributes,
    });
    if let Some(group) = attribute("MessageGroupId") {
        request["MessageGroupId"] = group;
    } else if is_fifo {
        request["MessageGroupId"] = message.message_id.as_str().into();
    }
    if is_fifo {
        let id = attribute("MessageDeduplicationId");
        request["MessageDeduplicationId"] = id.unwrap_or(message.message_id.as_str().into());
    }
    if let Some(trace) = attribute("AWSTraceHeader") {
        request["MessageSystemAttributes"] =
            json!({ "AWSTraceHeader": { "DataType": "String", "StringValue": trace } });
    }
    let sent = ask(admin, destination, "SendMessage", request).await?;
    let request = json!({ "ReceiptHandle": message.receipt_handle });
    ask(admin, queue, "DeleteMessage", request).await?;
    Ok(sent["MessageId"].as_str().unwrap_or_default().to_owned())
}
