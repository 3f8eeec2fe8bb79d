//! DeleteMessage and ChangeMessageVisibility, single and by batch.

use super::{Members, Output, required, url_of};
use crate::sqs::decode::Int;
use crate::sqs::encode::Encoder;
use crate::sqs::error::{
    SqsError, SqsResult, empty_member, entry_id_repeated, handle_expired, invalid_entry_id,
    invalid_handle, invisible_too_long, missing_parameter, no_entries, not_available_for_change,
    too_many_entries, visibility_timeout_out_of_bounds,
};
use crate::sqs::intercepted::entry_fault;
use crate::sqs::limits::{BATCH_ENTRIES_MAX, VISIBILITY_TIMEOUT_S_MAX};
use crate::sqs::names::is_plain_name;
use crate::sqs::request::{
    ChangeMessageVisibility, ChangeMessageVisibilityBatch, DeleteMessage, DeleteMessageBatch,
    HandleEntry,
};
use crate::sqs::server::{Scope, Sqs};
use crate::sqs::target::{Target, unexpected};
use lclq_shards::Receipt;
use lclq_shards::command::{Command, LeaseError, LeaseRef, QueueRef, Reply};
use smallvec::SmallVec;
use std::rc::Rc;

/// Checks the ids of a batch's entries: how many, which characters, all different.
pub fn check_ids<'i>(
    shape: &str,
    ids: impl ExactSizeIterator<Item = Option<&'i str>>,
) -> SqsResult<()> {
    let count = ids.len();
    if count == 0 {
        return Err(no_entries(shape));
    }
    if count > BATCH_ENTRIES_MAX {
        return Err(too_many_entries(count));
    }
    let mut seen: SmallVec<[&str; BATCH_ENTRIES_MAX]> = SmallVec::new();
    for id in ids {
        let id = id.unwrap_or("");
        if !is_plain_name(id) {
            return Err(invalid_entry_id());
        }
        if seen.contains(&id) {
            return Err(entry_id_repeated(id));
        }
        seen.push(id);
    }
    Ok(())
}

/// Writes the list of a batch's failed entries, if there are any.
pub fn write_failed<E: Encoder>(encoder: &mut E, failed: &[(&str, SqsError)]) {
    if failed.is_empty() {
        return encoder.absent("Failed");
    }
    encoder.structures(
        "Failed",
        "BatchResultErrorEntry",
        failed,
        |encoder, (id, error)| {
            encoder.text("Id", id);
            encoder.boolean("SenderFault", error.kind.is_senders());
            encoder.text("Code", error.kind.query_code());
            encoder.text("Message", &error.message);
        },
    );
}

impl Sqs {
    /// Reads receipt handles. One of another queue or server is as invalid as garbage.
    async fn leases(
        &self,
        target: &Target,
        handles: impl Iterator<Item = &str> + Clone,
    ) -> SqsResult<SmallVec<[SqsResult<LeaseRef>; 1]>> {
        let receipts: SmallVec<[Option<Receipt>; 1]> = handles
            .clone()
            .map(|handle| self.signer.open(handle))
            .collect();
        let is_of_target = |receipt: &Receipt| {
            let queue = target.queue();
            receipt.shard == queue.shard && receipt.queue_id == queue.id
        };
        let sound = |receipt: &Option<Receipt>| receipt.as_ref().is_some_and(is_of_target);
        if !receipts.iter().all(sound) {
            // Perhaps the queue was deleted or made anew since this core resolved it.
            target.refresh(self.resolve(&target.name).await?);
        }
        let read = |(receipt, handle): (Option<Receipt>, &str)| match receipt {
            Some(receipt) if is_of_target(&receipt) => Ok(LeaseRef {
                sequence: receipt.sequence,
                slot: receipt.slot,
                receive_count: receipt.receive_count,
                received_at: receipt.received_at,
            }),
            _ => Err(invalid_handle(handle)),
        };
        Ok(receipts.into_iter().zip(handles).map(read).collect())
    }

    async fn lease(&self, target: &Target, handle: &str) -> SqsResult<LeaseRef> {
        let mut leases = self.leases(target, std::iter::once(handle)).await?;
        leases.swap_remove(0)
    }
}

fn visibility_timeout(value: Option<Int>) -> SqsResult<u32> {
    match value {
        None => Err(missing_parameter("VisibilityTimeout")),
        Some(Int(seconds)) if (0..=VISIBILITY_TIMEOUT_S_MAX).contains(&seconds) => {
            Ok(seconds as u32)
        }
        Some(Int(seconds)) => Err(visibility_timeout_out_of_bounds(seconds)),
    }
}

fn lease_error(error: LeaseError, handle: &str) -> SqsError {
    match error {
        LeaseError::Expired => handle_expired(handle),
        LeaseError::NoMessage => not_available_for_change(handle),
        LeaseError::TooLongInAll => invisible_too_long(),
    }
}

type Outcomes = SmallVec<[Result<(), LeaseError>; 1]>;

/// Deletes, but for messages that the production profile has come once more.
async fn deleted(
    sqs: &Sqs,
    scope: &Scope<'_>,
    target: &Target,
    queue: QueueRef,
    entries: SmallVec<[LeaseRef; 1]>,
) -> SqsResult<Outcomes> {
    let kept = sqs.kept(scope, target, &entries).await;
    let left = entries.iter().zip(&kept).filter(|(_, kept)| kept.is_none());
    let entries: SmallVec<[LeaseRef; 1]> = left.map(|(lease, _)| *lease).collect();
    let mut deleted = SmallVec::new();
    if !entries.is_empty() {
        let delete = Command::Delete { queue, entries };
        deleted = Box::pin(outcome(sqs, None, target, delete)).await?;
    }
    let mut deleted = deleted.into_iter();
    let outcomes = kept.into_iter();
    Ok(outcomes
        .filter_map(|kept| kept.or_else(|| deleted.next()))
        .collect())
}

/// What comes of a command. `scope` is of a request on which more hangs.
async fn outcome(
    sqs: &Sqs,
    scope: Option<&Scope<'_>>,
    target: &Target,
    command: Command,
) -> SqsResult<Outcomes> {
    let command = match (scope, command) {
        (Some(scope), Command::Delete { queue, entries }) => {
            return Box::pin(deleted(sqs, scope, target, queue, entries)).await;
        }
        (_, command) => command,
    };
    match sqs.ask(target, command).await? {
        Reply::Leases(results) => Ok(results),
        other => Err(unexpected(&other)),
    }
}

pub async fn delete(sqs: &Sqs, scope: &Scope<'_>, input: DeleteMessage<'_>) -> SqsResult<()> {
    let target = sqs.target(scope, url_of(&input.queue_url)).await?;
    let handle = required(&input.receipt_handle, "ReceiptHandle")?;
    let entries = SmallVec::from_buf([sqs.lease(&target, handle).await?]);
    let results = outcome(
        sqs,
        scope.watched(),
        &target,
        Command::Delete {
            queue: target.queue(),
            entries,
        },
    )
    .await?;
    results[0].map_err(|error| lease_error(error, handle))
}

pub async fn change(
    sqs: &Sqs,
    scope: &Scope<'_>,
    input: ChangeMessageVisibility<'_>,
) -> SqsResult<()> {
    let target = sqs.target(scope, url_of(&input.queue_url)).await?;
    let handle = required(&input.receipt_handle, "ReceiptHandle")?;
    let timeout_s = visibility_timeout(input.visibility_timeout)?;
    let entries = SmallVec::from_buf([(sqs.lease(&target, handle).await?, timeout_s)]);
    let command = Command::ChangeVisibility {
        queue: target.queue(),
        entries,
    };
    let results = outcome(sqs, None, &target, command).await?;
    results[0].map_err(|error| lease_error(error, handle))
}

struct BatchDone<'b> {
    element: &'static str,
    done: Vec<&'b str>,
    failed: Vec<(&'b str, SqsError)>,
}

/// What an entry of a batch takes in an answer, bytes.
const ENTRY_BYTES: usize = 32;

impl Members for BatchDone<'_> {
    fn bytes_more(&self) -> usize {
        self.done.len() * ENTRY_BYTES
    }

    fn write<E: Encoder>(&self, encoder: &mut E) {
        if !self.done.is_empty() {
            encoder.structures("Successful", self.element, &self.done, |encoder, id| {
                encoder.text("Id", id);
            });
        }
        if self.done.is_empty() {
            encoder.absent("Successful");
        }
        write_failed(encoder, &self.failed);
    }
}

/// Runs a batch: `read` turns each entry into what the command takes, `send` makes the command.
async fn run_batch<'e, T>(
    (sqs, scope): (&Sqs, &Scope<'_>),
    target: Rc<Target>,
    given: &'e [HandleEntry<'_>],
    (request, element): (&'static str, &'static str),
    read: impl Fn(usize, &HandleEntry<'_>, LeaseRef) -> SqsResult<T>,
    send: impl FnOnce(QueueRef, SmallVec<[T; 1]>) -> Command,
    out: &mut Output,
) -> SqsResult<()> {
    let mut entries: SmallVec<[T; 1]> = SmallVec::with_capacity(given.len());
    let mut prepared: Vec<(&'e str, &'e str)> = Vec::with_capacity(given.len());
    let mut failed = Vec::new();
    let handles = given
        .iter()
        .map(|entry| entry.receipt_handle.as_deref().unwrap_or(""));
    let leases = sqs.leases(&target, handles.clone()).await?;
    for (at, ((entry, handle), lease)) in given.iter().zip(handles).zip(leases).enumerate() {
        let id = entry.id.as_deref().unwrap_or("");
        let lease = if let Some(error) = entry_fault(scope, at) {
            Err(error)
        } else if handle.is_empty() {
            Err(empty_member(request, at, "ReceiptHandle"))
        } else {
            lease
        };
        match lease.and_then(|lease| read(at, entry, lease)) {
            Ok(entry) => {
                entries.push(entry);
                prepared.push((id, handle));
            }
            Err(error) => failed.push((id, error)),
        }
    }
    let mut done = Vec::with_capacity(prepared.len());
    if !entries.is_empty() {
        let command = send(target.queue(), entries);
        let results = outcome(sqs, scope.watched(), &target, command).await?;
        for ((id, handle), result) in prepared.into_iter().zip(results) {
            match result {
                Ok(()) => done.push(id),
                Err(error) => failed.push((id, lease_error(error, handle))),
            }
        }
    }
    out.write(BatchDone {
        element,
        done,
        failed,
    });
    Ok(())
}

pub async fn delete_batch(
    sqs: &Sqs,
    scope: &Scope<'_>,
    input: DeleteMessageBatch<'_>,
    out: &mut Output,
) -> SqsResult<()> {
    let target = sqs.target(scope, url_of(&input.queue_url)).await?;
    let given = input.entries.unwrap_or_default().0;
    let request = "DeleteMessageBatchRequestEntry";
    check_ids(request, given.iter().map(|entry| entry.id.as_deref()))?;
    let read = |_, _: &HandleEntry<'_>, lease| Ok(lease);
    let send = |queue, entries| Command::Delete { queue, entries };
    let names = (request, "DeleteMessageBatchResultEntry");
    run_batch((sqs, scope), target, &given, names, read, send, out).await
}

pub async fn change_batch(
    sqs: &Sqs,
    scope: &Scope<'_>,
    input: ChangeMessageVisibilityBatch<'_>,
    out: &mut Output,
) -> SqsResult<()> {
    let target = sqs.target(scope, url_of(&input.queue_url)).await?;
    let given = input.entries.unwrap_or_default().0;
    let request = "ChangeMessageVisibilityBatchRequestEntry";
    check_ids(request, given.iter().map(|entry| entry.id.as_deref()))?;
    let read = |at, entry: &HandleEntry<'_>, lease| match entry.visibility_timeout {
        None => Err(empty_member(request, at, "VisibilityTimeout")),
        given => Ok((lease, visibility_timeout(given)?)),
    };
    let send = |queue, entries| Command::ChangeVisibility { queue, entries };
    let names = (request, "ChangeMessageVisibilityBatchResultEntry");
    run_batch((sqs, scope), target, &given, names, read, send, out).await
}
