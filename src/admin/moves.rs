//! Messages that move to another queue: all of a dead-letter queue, or chosen ones.

use super::Admin;
use super::answers::{AdminError, AdminResult};
use super::messages::{ReceivedMessage, received};
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

/// What has become of a task that was ended.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CanceledRedrive {
    /// Messages that it has moved. They stay where they are.
    approximate_number_of_messages_moved: u64,
}

pub(super) async fn cancel(
    admin: Rc<Admin>,
    asked: Asked<Place, Json<RedriveTask>>,
) -> AdminResult<CanceledRedrive> {
    let queue = asked.query.queue(&admin, asked.part(0));
    let request = json!(asked.body.0);
    let answer = admin
        .sqs
        .act_inside(&queue, "CancelMessageMoveTask", &request);
    serde_json::from_value(as_admin_answer(answer.await)?).map_err(AdminError::unavailable)
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
