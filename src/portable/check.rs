//! What the engine counts on in what it takes up: names that can be named, times and numbers that can
//! be reckoned with. Files come from anywhere.

use super::BadFile;
use crate::pubsub::names::{self, Kind};
use crate::pubsub::proto::PubsubMessage;
use crate::sqs::names::{is_plain_name, is_queue_name};
use lclq_shards::QueueName;
use lclq_shards::journal::QueueRecord;
use lclq_shards::moves::Address;
use lclq_shards::portable::{Piece, SEQUENCE_MAX};
use lclq_shards::pubsub::{SubscriptionSettings, TopicSettings};
use prost::Message;

/// Of times, ms since 1970: the year 5000 and some.
const TIME_MAX: u64 = 100_000_000_000_000;
/// Of retentions and the like, ms: a year.
const SPAN_MS_MAX: u64 = 366 * 86_400_000;
/// Of what counts receives and failures.
const COUNT_MAX: u32 = 1 << 30;
/// Of a queue's move tasks.
const MOVES_MAX: usize = 10;

pub(super) fn check(piece: &Piece) -> Result<(), BadFile> {
    match piece {
        Piece::Queue(queue) => check_queue(queue),
        Piece::Topic(topic) => {
            resource(Kind::Topic, &topic.name)?;
            time("created_at", topic.created_at)?;
            let TopicSettings { retention_ms } = topic.settings;
            span("retention_ms", retention_ms.unwrap_or(0))
        }
        Piece::Subscription(found) => {
            let kind = match found.snapshot_expires_at {
                None => Kind::Subscription,
                Some(_) => Kind::Snapshot,
            };
            resource(kind, &found.name)?;
            time("created_at", found.created_at)?;
            time("expires_at", found.snapshot_expires_at.unwrap_or(0))?;
            settings(&found.settings)
        }
        Piece::Schema(schema) => {
            resource(Kind::Schema, &schema.name)?;
            time("created_at", schema.created_at)
        }
        Piece::Dedup { entry, .. } => time("expires_at", entry.expires_at),
        Piece::Message { message, .. } => {
            sequence(message.sequence)?;
            time("sent_at", message.payload.sent_at())?;
            time("available_at", message.available_at)?;
            time("in_flight_until", message.in_flight_until)?;
            time("first_received_at", message.first_received_at)?;
            count("receive_count", message.receive_count)
        }
        Piece::Published { message, .. } => {
            sequence(message.sequence)?;
            time("published_at", message.published_at)?;
            PubsubMessage::decode(&*message.bytes)
                .map_err(|_| BadFile::new("a published message is no PubsubMessage"))?;
            for holder in &message.holders {
                time("until", holder.until)?;
                count("failures", holder.failures)?;
            }
            Ok(())
        }
        Piece::Transfer(transfer) => {
            time("sent_at", transfer.payload.sent_at())?;
            time("first_received_at", transfer.first_received_at)?;
            count("receive_count", transfer.receive_count)?;
            address(&transfer.to)?;
            address(&transfer.from)
        }
    }
}

fn check_queue(queue: &QueueRecord) -> Result<(), BadFile> {
    queue_name(&queue.name)?;
    time("created_at", queue.created_at)?;
    time("modified_at", queue.modified_at)?;
    if queue.moves.len() > MOVES_MAX {
        return Err(BadFile::new("a queue has more move tasks than it can"));
    }
    for task in &queue.moves {
        time("started_at", task.started_at)?;
        sequence(task.moved)?;
        sequence(task.to_move)?;
        task.destination.as_ref().map_or(Ok(()), queue_name)?;
    }
    Ok(())
}

fn settings(settings: &SubscriptionSettings) -> Result<(), BadFile> {
    span("retention_ms", settings.retention_ms)?;
    // Years are allowed here.
    time("expiration_ms", settings.expiration_ms.unwrap_or(0))?;
    if let Some(retry) = settings.retry {
        span("backoff_ms_min", retry.backoff_ms_min)?;
        span("backoff_ms_max", retry.backoff_ms_max)?;
    }
    Ok(())
}

fn queue_name(name: &QueueName) -> Result<(), BadFile> {
    let is_fifo = name.name.ends_with(".fifo");
    let parts = [&name.region, &name.account];
    if is_queue_name(&name.name, is_fifo) && parts.iter().all(|part| is_plain_name(part)) {
        return Ok(());
    }
    Err(BadFile::new(format!("{} is no queue's name", name.key())))
}

fn resource(kind: Kind, name: &str) -> Result<(), BadFile> {
    match names::parse(kind, name) {
        Ok(_) => Ok(()),
        Err(_) => Err(BadFile::new(format!("{name} is no name of its kind"))),
    }
}

fn address(address: &Address) -> Result<(), BadFile> {
    match address {
        Address::Queue(name) => queue_name(name),
        Address::Topic { topic } => resource(Kind::Topic, topic),
        Address::Subscription { subscription, .. } => resource(Kind::Subscription, subscription),
    }
}

fn time(what: &str, at: u64) -> Result<(), BadFile> {
    bounded(what, at, TIME_MAX)
}

fn span(what: &str, ms: u64) -> Result<(), BadFile> {
    bounded(what, ms, SPAN_MS_MAX)
}

fn count(what: &str, count: u32) -> Result<(), BadFile> {
    bounded(what, count.into(), COUNT_MAX.into())
}

fn sequence(number: u64) -> Result<(), BadFile> {
    bounded("sequence", number, SEQUENCE_MAX)
}

fn bounded(what: &str, value: u64, max: u64) -> Result<(), BadFile> {
    if value <= max {
        return Ok(());
    }
    Err(BadFile::new(format!("{what} is {value}, above {max}")))
}
