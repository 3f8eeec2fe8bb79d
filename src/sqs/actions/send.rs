//! SendMessage and SendMessageBatch.

use super::{Members, Output, url_of};
use crate::mesh::wall_clock;
use crate::sqs::body::has_illegal;
use crate::sqs::decode::{Int, Pairs, Text};
use crate::sqs::encode::{Encoder, uuid};
use crate::sqs::error::{
    SqsError, SqsResult, batch_too_long, delay_out_of_bounds, empty_member, invalid_contents,
    invalid_group_id, memory_full, message_too_long, missing_parameter, no_group_in_batch,
    not_for_queue_type,
};
use crate::sqs::ids::random_uuid;
use crate::sqs::intercepted::entry_fault;
use crate::sqs::limits::{BATCH_BYTES_MAX, DELAY_S_MAX};
use crate::sqs::message_attributes::{Attributes, check_system};
use crate::sqs::names::is_group_id;
use crate::sqs::request::{AttributeValue, SendMessage, SendMessageBatch};
use crate::sqs::server::{Scope, Sqs};
use crate::sqs::target::{Target, unexpected};
use lclq_shards::command::{Command, Reply, SendEntry, SendError, Sent};
use lclq_shards::{Draft, Millis, Section};
use md5::{Digest, Md5};
use smallvec::SmallVec;

/// FIFO sequence numbers have 20 digits and grow; consecutive they need not be.
const SEQUENCE_BASE: u64 = 10_000_000_000_000_000_000;
const SEQUENCE_STEP: u64 = 256;

/// The sequence number as clients see it.
pub fn shown_sequence(sequence: u64) -> u64 {
    SEQUENCE_BASE + sequence % (u64::MAX / SEQUENCE_STEP / 4) * SEQUENCE_STEP
}

/// What of a message the answer repeats.
struct Digests {
    id: [u8; 16],
    body: [u8; 16],
    attributes: Option<[u8; 16]>,
    system: Option<[u8; 16]>,
}

/// A message as either action gives it.
struct Message<'m> {
    body: Option<&'m Text<'m>>,
    delay: Option<Int>,
    attributes: Option<&'m Pairs<'m, AttributeValue<'m>>>,
    system: Option<&'m Pairs<'m, AttributeValue<'m>>>,
    deduplication_id: Option<&'m str>,
    group_id: Option<&'m str>,
}

/// Checks a message and makes it ready for its shard.
fn prepare(
    message: &Message<'_>,
    target: &Target,
    scope: &Scope<'_>,
    now: Millis,
) -> SqsResult<(SendEntry, Digests)> {
    let body = message.body.map(|body| &**body).unwrap_or("");
    if body.is_empty() {
        return Err(missing_parameter("MessageBody"));
    }
    if has_illegal(body) {
        return Err(invalid_contents());
    }
    let delay_s = match message.delay {
        None => None,
        Some(Int(delay)) if (0..=DELAY_S_MAX).contains(&delay) => Some(delay as u32),
        Some(Int(delay)) => {
            return Err(delay_out_of_bounds(delay));
        }
    };
    for (name, id) in [
        ("MessageDeduplicationId", message.deduplication_id),
        ("MessageGroupId", message.group_id),
    ] {
        if let Some(id) = id
            && !is_group_id(id)
        {
            return Err(invalid_group_id(name, id));
        }
    }
    let fifo = target.is_fifo();
    if !fifo && let Some(id) = message.deduplication_id {
        return Err(not_for_queue_type("MessageDeduplicationId", id));
    }
    let attributes = message
        .attributes
        .map(Attributes::check)
        .transpose()?
        .unwrap_or_default();
    let system = message
        .system
        .map(check_system)
        .transpose()?
        .unwrap_or_default();
    let counted_bytes = body.len() + attributes.counted_bytes();

    let content_id;
    let packed;
    let mut draft = Draft {
        id: random_uuid(),
        body_md5: Md5::digest(body).into(),
        sent_at: now,
        body: body.as_bytes(),
        sections: SmallVec::new(),
    };
    let mut deduplication_from_content = false;
    if let Some(id) = message.group_id {
        draft.sections.push((Section::Group, id.as_bytes()));
    }
    if let Some(id) = message.deduplication_id {
        draft.sections.push((Section::Deduplication, id.as_bytes()));
    } else if fifo {
        let mut digits = Vec::with_capacity(64);
        crate::hex::write(&mut digits, &sha2::Sha256::digest(body));
        content_id = digits;
        deduplication_from_content = true;
        draft.sections.push((Section::Deduplication, &content_id));
    }
    if let Some(trace) = system.first_text().or(scope.trace.map(str::as_bytes)) {
        draft.sections.push((Section::Trace, trace));
    }
    if !attributes.is_empty() {
        packed = attributes.packed();
        draft.sections.push((Section::Attributes, &packed));
    }
    let entry = SendEntry {
        payload: draft.build(),
        counted_bytes: counted_bytes as u32,
        delay_s,
        deduplication_from_content,
    };
    let digests = Digests {
        id: draft.id,
        body: draft.body_md5,
        attributes: (!attributes.is_empty()).then(|| attributes.md5()),
        system: (!system.is_empty()).then(|| system.md5()),
    };
    Ok((entry, digests))
}

fn send_error(error: SendError) -> SqsError {
    match error {
        SendError::TooLong(bytes_max) => message_too_long(bytes_max),
        SendError::DelayOnFifo(delay) => not_for_queue_type("DelaySeconds", delay),
        SendError::MemoryFull => memory_full(),
    }
}

/// The members that tell what became of a message.
fn write_sent<E: Encoder>(encoder: &mut E, digests: &Digests, sent: &Sent, fifo: bool) {
    encoder.plain("MD5OfMessageBody", |out| {
        crate::hex::write(out, &digests.body)
    });
    for (name, digest) in [
        ("MD5OfMessageAttributes", &digests.attributes),
        ("MD5OfMessageSystemAttributes", &digests.system),
    ] {
        match digest {
            Some(md5) => encoder.plain(name, |out| crate::hex::write(out, md5)),
            None => encoder.absent(name),
        }
    }
    encoder.plain("MessageId", |out| {
        uuid(out, sent.duplicate_of.unwrap_or(digests.id))
    });
    if fifo {
        encoder.plain("SequenceNumber", |out| {
            crate::sqs::encode::decimal(out, shown_sequence(sent.sequence));
        });
    } else {
        encoder.absent("SequenceNumber");
    }
}

struct OneSent {
    digests: Digests,
    sent: Sent,
    fifo: bool,
}

impl Members for OneSent {
    fn write<E: Encoder>(&self, encoder: &mut E) {
        write_sent(encoder, &self.digests, &self.sent, self.fifo);
    }
}

pub async fn one(
    sqs: &Sqs,
    scope: &Scope<'_>,
    input: SendMessage<'_>,
    out: &mut Output,
) -> SqsResult<()> {
    let target = sqs.target(scope, url_of(&input.queue_url)).await?;
    sqs.check_room_of(&target.name.account)?;
    let message = Message {
        body: input.message_body.as_ref(),
        delay: input.delay_seconds,
        attributes: input.message_attributes.as_ref(),
        system: input.message_system_attributes.as_ref(),
        deduplication_id: input.message_deduplication_id.as_deref(),
        group_id: input.message_group_id.as_deref(),
    };
    let (entry, digests) = prepare(&message, &target, scope, wall_clock())?;
    let entries = SmallVec::from_buf([entry]);
    let reply = sqs
        .ask(
            &target,
            Command::Send {
                queue: target.queue(),
                entries,
            },
        )
        .await?;
    let Reply::Sent(results) = reply else {
        return Err(unexpected(&reply));
    };
    let sent = results[0].map_err(send_error)?;
    out.write(OneSent {
        digests,
        sent,
        fifo: target.is_fifo(),
    });
    Ok(())
}

struct BatchSent<'b> {
    done: Vec<(&'b str, Digests, Sent)>,
    failed: Vec<(&'b str, SqsError)>,
    fifo: bool,
}

/// An entry of a batch, as errors name it.
const BATCH_ENTRY: &str = "SendMessageBatchRequestEntry";
/// What an entry of a batch takes in an answer, bytes.
const ENTRY_BYTES: usize = 160;

impl Members for BatchSent<'_> {
    fn bytes_more(&self) -> usize {
        self.done.len() * ENTRY_BYTES
    }

    fn write<E: Encoder>(&self, encoder: &mut E) {
        if !self.done.is_empty() {
            encoder.structures(
                "Successful",
                "SendMessageBatchResultEntry",
                &self.done,
                |encoder, (id, digests, sent)| {
                    encoder.text("Id", id);
                    write_sent(encoder, digests, sent, self.fifo);
                },
            );
        }
        if self.done.is_empty() {
            encoder.absent("Successful");
        }
        super::leases::write_failed(encoder, &self.failed);
    }
}

pub async fn batch(
    sqs: &Sqs,
    scope: &Scope<'_>,
    input: SendMessageBatch<'_>,
    out: &mut Output,
) -> SqsResult<()> {
    let target = sqs.target(scope, url_of(&input.queue_url)).await?;
    sqs.check_room_of(&target.name.account)?;
    let given = input.entries.unwrap_or_default().0;
    super::leases::check_ids(BATCH_ENTRY, given.iter().map(|entry| entry.id.as_deref()))?;
    let fifo = target.is_fifo();
    let mut entries: SmallVec<[SendEntry; 1]> = SmallVec::with_capacity(given.len());
    let mut prepared = Vec::with_capacity(given.len());
    let mut failed = Vec::new();
    let mut total_bytes = 0;
    let now = wall_clock();
    for (at, entry) in given.iter().enumerate() {
        let id = entry.id.as_deref().unwrap_or("");
        if fifo && entry.message_group_id.is_none() {
            return Err(no_group_in_batch());
        }
        let message = Message {
            body: entry.message_body.as_ref(),
            delay: entry.delay_seconds,
            attributes: entry.message_attributes.as_ref(),
            system: entry.message_system_attributes.as_ref(),
            deduplication_id: entry.message_deduplication_id.as_deref(),
            group_id: entry.message_group_id.as_deref(),
        };
        let body = message.body.map_or("", |body| &**body);
        let prepared_one = if let Some(error) = entry_fault(scope, at) {
            Err(error)
        } else if body.is_empty() {
            Err(empty_member(BATCH_ENTRY, at, "MessageBody"))
        } else {
            prepare(&message, &target, scope, now)
        };
        match prepared_one {
            Ok((entry, digests)) => {
                total_bytes += entry.counted_bytes as usize;
                entries.push(entry);
                prepared.push((id, digests));
            }
            Err(error) => {
                total_bytes += message.body.map_or(0, |body| body.len());
                failed.push((id, error));
            }
        }
    }
    if total_bytes > BATCH_BYTES_MAX {
        return Err(batch_too_long(total_bytes));
    }
    let mut done = Vec::with_capacity(prepared.len());
    if !entries.is_empty() {
        let reply = sqs
            .ask(
                &target,
                Command::Send {
                    queue: target.queue(),
                    entries,
                },
            )
            .await?;
        let Reply::Sent(results) = reply else {
            return Err(unexpected(&reply));
        };
        for ((id, digests), result) in prepared.into_iter().zip(results) {
            match result {
                Ok(sent) => done.push((id, digests, sent)),
                Err(error) => failed.push((id, send_error(error))),
            }
        }
    }
    out.write(BatchSent { done, failed, fifo });
    Ok(())
}
