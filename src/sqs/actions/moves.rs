//! Move tasks: from a dead-letter queue back to where its messages came from, or elsewhere.

use super::queues::{has_sources, is_missing};
use super::{Action, Members, Output, required};
use crate::sqs::decode::Int;
use crate::sqs::encode::Encoder;
use crate::sqs::error::{
    SqsResult, invalid_task_handle, listed_moves_out_of_bounds, move_onto_itself,
    move_rate_out_of_bounds, move_to_other_type, no_source_of_task, no_such_resource,
    source_no_dead_letter_queue,
};
use crate::sqs::ids::random_uuid;
use crate::sqs::limits::{LISTED_MOVES_MAX, MOVE_RATE_MAX};
use crate::sqs::request::{CancelMessageMoveTask, ListMessageMoveTasks, StartMessageMoveTask};
use crate::sqs::server::{Scope, Sqs};
use crate::sqs::target::{refused, unexpected};
use lclq_shards::QueueName;
use lclq_shards::command::{Command, QueueCommand, QueueRef, Reply};
use lclq_shards::moves::{MoveStatus, MoveTask};
use serde_json::{Value, json};

/// A task's handle: base64 of JSON, as the service has it.
fn handle_of(task: &[u8; 16], source_arn: &str) -> String {
    let id = uuid::Uuid::from_bytes(*task).to_string();
    let text = json!({"taskId": id, "sourceArn": source_arn}).to_string();
    base64_simd::STANDARD.encode_to_string(text)
}

fn open_handle(handle: &str) -> Option<([u8; 16], QueueName)> {
    let bytes = base64_simd::STANDARD.decode_to_vec(handle).ok()?;
    let value: Value = serde_json::from_slice(&bytes).ok()?;
    let id = uuid::Uuid::parse_str(value.get("taskId")?.as_str()?).ok()?;
    Some((
        id.into_bytes(),
        QueueName::from_arn(value.get("sourceArn")?.as_str()?)?,
    ))
}

/// The queue that an ARN names. An endpoint knows those of its own region, so that of another is none.
fn named(scope: &Scope<'_>, arn: &str, parameter: &str) -> SqsResult<QueueName> {
    let name = QueueName::from_arn(arn).filter(|name| &*name.region == scope.region);
    name.ok_or_else(|| no_such_resource(parameter))
}

async fn find(
    sqs: &Sqs,
    scope: &Scope<'_>,
    arn: &str,
    parameter: &str,
    also: &[Action],
) -> SqsResult<(QueueName, QueueRef)> {
    let name = named(scope, arn, parameter)?;
    match sqs.resolve_for_also(scope, &name, also).await {
        Ok(queue) => Ok((name, queue)),
        Err(error) if is_missing(&error) => Err(no_such_resource(parameter)),
        Err(error) => Err(error),
    }
}

/// The queue that messages are to be moved to, for who may send to it.
async fn destination(sqs: &Sqs, scope: &Scope<'_>, arn: &str) -> SqsResult<QueueName> {
    const PARAMETER: &str = "DestinationArn";
    let name = named(scope, arn, PARAMETER)?;
    sqs.may(scope, &name, Action::SendMessage).await?;
    match sqs.resolve(&name).await {
        Ok(_) => Ok(name),
        Err(error) if is_missing(&error) => Err(no_such_resource(PARAMETER)),
        Err(error) => Err(error),
    }
}

async fn ask(sqs: &Sqs, queue: QueueRef, command: QueueCommand) -> SqsResult<Reply> {
    match sqs
        .mesh
        .call(queue.shard, Command::Queue(Box::new(command)))
        .await
    {
        Reply::Refused(refusal) => Err(refused(refusal, "")),
        Reply::Stale(_) => Err(no_such_resource("SourceArn")),
        reply => Ok(reply),
    }
}

struct Started(String);

impl Members for Started {
    fn write<E: Encoder>(&self, encoder: &mut E) {
        encoder.text("TaskHandle", &self.0);
    }
}

pub async fn start(
    sqs: &Sqs,
    scope: &Scope<'_>,
    input: StartMessageMoveTask<'_>,
    out: &mut Output,
) -> SqsResult<()> {
    let arn = required(&input.source_arn, "SourceArn")?;
    let messages_per_s_max = match input.max_number_of_messages_per_second {
        None => None,
        Some(Int(rate)) if (1..=MOVE_RATE_MAX).contains(&rate) => Some(rate as u32),
        Some(Int(rate)) => {
            return Err(move_rate_out_of_bounds(rate));
        }
    };
    // What the service asks for besides, since the task does it for whoever starts it.
    let also = [
        Action::ReceiveMessage,
        Action::DeleteMessage,
        Action::GetQueueAttributes,
    ];
    let (source, queue) = find(sqs, scope, arn, "SourceArn", &also).await?;
    if !has_sources(sqs, &source).await? {
        return Err(source_no_dead_letter_queue());
    }
    let destination = match input.destination_arn.as_deref() {
        None => None,
        Some(to) if to == arn => {
            return Err(move_onto_itself());
        }
        Some(to) => Some(destination(sqs, scope, to).await?),
    };
    let is_fifo = |name: &QueueName| name.name.ends_with(".fifo");
    if destination
        .as_ref()
        .is_some_and(|to| is_fifo(to) != is_fifo(&source))
    {
        return Err(move_to_other_type());
    }
    let task_id = random_uuid();
    let command = QueueCommand::StartMove {
        source: queue,
        destination,
        messages_per_s_max,
        task_id,
    };
    match ask(sqs, queue, command).await? {
        Reply::Done => out.write(Started(handle_of(&task_id, &source.arn()))),
        other => return Err(unexpected(&other)),
    }
    Ok(())
}

struct Cancelled(u64);

impl Members for Cancelled {
    fn write<E: Encoder>(&self, encoder: &mut E) {
        encoder.number("ApproximateNumberOfMessagesMoved", self.0);
    }
}

pub async fn cancel(
    sqs: &Sqs,
    scope: &Scope<'_>,
    input: CancelMessageMoveTask<'_>,
    out: &mut Output,
) -> SqsResult<()> {
    let handle = required(&input.task_handle, "TaskHandle")?;
    let (task, source) = open_handle(handle).ok_or_else(invalid_task_handle)?;
    if &*source.region != scope.region {
        return Err(no_source_of_task());
    }
    let queue = match sqs.resolve_for(scope, &source).await {
        Ok(queue) => queue,
        Err(error) if is_missing(&error) => {
            return Err(no_source_of_task());
        }
        Err(error) => return Err(error),
    };
    match ask(sqs, queue, QueueCommand::CancelMove(queue, task)).await? {
        Reply::MoveCancelled(moved) => out.write(Cancelled(moved)),
        other => return Err(unexpected(&other)),
    }
    Ok(())
}

struct Tasks {
    source: String,
    tasks: Vec<MoveTask>,
}

impl Members for Tasks {
    fn write<E: Encoder>(&self, encoder: &mut E) {
        encoder.structures(
            "Results",
            "ListMessageMoveTasksResultEntry",
            &self.tasks,
            |encoder, task| {
                if task.status == MoveStatus::Running {
                    encoder.text("TaskHandle", &handle_of(&task.id, &self.source));
                } else {
                    encoder.absent("TaskHandle");
                }
                encoder.text(
                    "Status",
                    match task.status {
                        MoveStatus::Running => "RUNNING",
                        MoveStatus::Completed => "COMPLETED",
                        MoveStatus::Cancelled => "CANCELLED",
                        MoveStatus::Failed => "FAILED",
                    },
                );
                encoder.text("SourceArn", &self.source);
                match &task.destination {
                    Some(destination) => encoder.text("DestinationArn", &destination.arn()),
                    None => encoder.absent("DestinationArn"),
                }
                match task.messages_per_s_max {
                    Some(rate) => encoder.number("MaxNumberOfMessagesPerSecond", u64::from(rate)),
                    None => encoder.absent("MaxNumberOfMessagesPerSecond"),
                }
                encoder.number("ApproximateNumberOfMessagesMoved", task.moved);
                encoder.number("ApproximateNumberOfMessagesToMove", task.to_move);
                match &task.failure {
                    Some(reason) => encoder.text("FailureReason", reason),
                    None => encoder.absent("FailureReason"),
                }
                encoder.number("StartedTimestamp", task.started_at);
            },
        );
    }
}

pub async fn list(
    sqs: &Sqs,
    scope: &Scope<'_>,
    input: ListMessageMoveTasks<'_>,
    out: &mut Output,
) -> SqsResult<()> {
    let arn = required(&input.source_arn, "SourceArn")?;
    let tasks_max = match input.max_results {
        None => 1,
        Some(Int(number)) if (1..=LISTED_MOVES_MAX).contains(&number) => number as usize,
        Some(Int(number)) => {
            return Err(listed_moves_out_of_bounds(number));
        }
    };
    let (source, queue) = find(sqs, scope, arn, "SourceArn", &[]).await?;
    match ask(sqs, queue, QueueCommand::ListMoves(queue, tasks_max)).await? {
        Reply::Moves(tasks) => out.write(Tasks {
            source: source.arn(),
            tasks,
        }),
        other => return Err(unexpected(&other)),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqs::garbage;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_handle_panics(text in ".{0,80}", json in garbage::json_bytes()) {
            let _ = open_handle(&text);
            let _ = open_handle(&base64_simd::STANDARD.encode_to_string(&json));
        }

        #[test]
        fn a_handle_is_read_back(task: [u8; 16], name in "[a-zA-Z0-9_-]{1,80}") {
            let name = QueueName::new("us-east-1", "000000000000", &name);
            prop_assert_eq!(open_handle(&handle_of(&task, &name.arn())), Some((task, name)));
        }
    }
}
