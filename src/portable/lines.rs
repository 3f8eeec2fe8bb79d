//! What the lines of an export say: a header, definitions, what they hold, and an end that counts.

use super::BadFile;
use super::check;
use super::fields::{Base64, Body, Hex16, Uuid};
use lclq_shards::journal::QueueRecord;
use lclq_shards::moves::{Address, Transfer};
use lclq_shards::portable::{Holder, Piece, PortableMessage, PortablePublished};
use lclq_shards::pubsub::{SchemaRecord, SubscriptionRecord, TopicRecord};
use lclq_shards::{DedupEntry, Millis};
use serde::{Deserialize, Serialize};

/// The version of the format, which is read if it is this one or a lower one.
pub const FORMAT: u32 = 1;

/// One line.
#[derive(Serialize, Deserialize, Debug)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Line {
    /// The first.
    Header(Header),
    /// A queue.
    Queue {
        /// Shard that it was on.
        shard: u16,
        /// It.
        queue: Box<QueueRecord>,
    },
    /// A topic.
    Topic(Box<Kept<TopicRecord>>),
    /// A subscription or snapshot.
    Subscription(Box<Kept<SubscriptionRecord>>),
    /// A schema.
    Schema(Box<Kept<SchemaRecord>>),
    /// A deduplication id.
    Deduplication(Deduplication),
    /// A message of a queue.
    Message(Box<MessageLine>),
    /// A message of a topic.
    Published(Box<PublishedLine>),
    /// A message on its way between shards.
    Transfer(Box<TransferLine>),
    /// The last.
    End(End),
}

/// What an export says of itself.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Header {
    /// `lclq-export`.
    pub name: String,
    /// [`FORMAT`] of whoever wrote it.
    pub format: u32,
    /// Version of lclq that wrote it.
    pub version: String,
    /// By the server's clock, ms since 1970.
    pub exported_at: Millis,
    /// All sequence numbers are below.
    pub sequence: u64,
    /// Under it deduplication ids are hashed.
    pub deduplication_secret: Hex16,
}

impl Header {
    /// What every header begins with.
    pub const NAME: &'static str = "lclq-export";
}

/// What was written, to tell a whole file by.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
pub struct End {
    /// How many of each.
    pub counts: Counts,
}

/// Lines by what they are.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Queues.
    pub queues: u64,
    /// Topics.
    pub topics: u64,
    /// Subscriptions and snapshots.
    pub subscriptions: u64,
    /// Schemas.
    pub schemas: u64,
    /// Deduplication ids.
    pub deduplication_ids: u64,
    /// Messages of queues.
    pub messages: u64,
    /// Messages of topics.
    pub published: u64,
    /// Messages on their way.
    pub transfers: u64,
}

impl Counts {
    /// Counts a line.
    pub fn add(&mut self, line: &Line) {
        let count = match line {
            Line::Header(_) | Line::End(_) => return,
            Line::Queue { .. } => &mut self.queues,
            Line::Topic(_) => &mut self.topics,
            Line::Subscription(_) => &mut self.subscriptions,
            Line::Schema(_) => &mut self.schemas,
            Line::Deduplication(_) => &mut self.deduplication_ids,
            Line::Message(_) => &mut self.messages,
            Line::Published(_) => &mut self.published,
            Line::Transfer(_) => &mut self.transfers,
        };
        *count += 1;
    }
}

/// A record with what stands beside it.
#[derive(Serialize, Deserialize, Debug)]
pub struct Kept<R> {
    shard: u16,
    record: R,
    spec: Base64,
    policy: Base64,
}

#[derive(Serialize, Deserialize, Debug)]
pub struct Deduplication {
    shard: u16,
    queue_id: u64,
    key: Hex16,
    message_id: Uuid,
    expires_at: Millis,
}

#[derive(Serialize, Deserialize, Debug)]
pub struct MessageLine {
    shard: u16,
    queue_id: u64,
    sequence: u64,
    #[serde(flatten)]
    body: Body,
    #[serde(default, skip_serializing_if = "is_zero")]
    available_at: Millis,
    #[serde(default, skip_serializing_if = "is_zero")]
    in_flight_until: Millis,
    #[serde(default, skip_serializing_if = "is_none_yet")]
    receive_count: u32,
    #[serde(default, skip_serializing_if = "is_none_yet")]
    base_count: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    first_received_at: Millis,
}

#[derive(Serialize, Deserialize, Debug)]
pub struct PublishedLine {
    shard: u16,
    topic_id: u64,
    sequence: u64,
    published_at: Millis,
    message: Base64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    returned: bool,
    holders: Vec<HolderPart>,
}

#[derive(Serialize, Deserialize, Debug)]
struct HolderPart {
    subscription_id: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    acked: bool,
    #[serde(default, skip_serializing_if = "is_none_yet")]
    failures: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    until: Millis,
}

#[derive(Serialize, Deserialize, Debug)]
pub struct TransferLine {
    shard: u16,
    to: Address,
    from: Address,
    #[serde(flatten)]
    body: Body,
    receive_count: u32,
    first_received_at: Millis,
    task: Option<Uuid>,
    returned: bool,
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

fn is_none_yet(value: &u32) -> bool {
    *value == 0
}

/// The line that says what a piece of a shard is.
pub fn to_line(shard: u16, piece: Piece) -> Line {
    match piece {
        Piece::Queue(queue) => Line::Queue { shard, queue },
        Piece::Topic(record) => Line::Topic(Box::new(Kept {
            shard,
            spec: record.spec.clone().into(),
            policy: record.policy.clone().into(),
            record: *record,
        })),
        Piece::Subscription(record) => Line::Subscription(Box::new(Kept {
            shard,
            spec: record.spec.clone().into(),
            policy: record.policy.clone().into(),
            record: *record,
        })),
        Piece::Schema(record) => Line::Schema(Box::new(Kept {
            shard,
            spec: record.spec.clone().into(),
            policy: record.policy.clone().into(),
            record: *record,
        })),
        Piece::Dedup {
            queue_id,
            key,
            entry,
        } => Line::Deduplication(Deduplication {
            shard,
            queue_id,
            key: Hex16(key.to_be_bytes()),
            message_id: Uuid(entry.message_id),
            expires_at: entry.expires_at,
        }),
        Piece::Message { queue_id, message } => Line::Message(Box::new(MessageLine {
            shard,
            queue_id,
            sequence: message.payload.shown_sequence(message.sequence),
            body: Body::of(&message.payload),
            available_at: message.available_at,
            in_flight_until: message.in_flight_until,
            receive_count: message.receive_count,
            base_count: message.base_count,
            first_received_at: message.first_received_at,
        })),
        Piece::Published { topic_id, message } => Line::Published(Box::new(PublishedLine {
            shard,
            topic_id,
            sequence: message.sequence,
            published_at: message.published_at,
            message: message.bytes.into(),
            returned: message.returned,
            holders: message.holders.iter().map(HolderPart::of).collect(),
        })),
        Piece::Transfer(transfer) => Line::Transfer(Box::new(TransferLine {
            shard,
            to: transfer.to,
            from: transfer.from,
            body: Body::of(&transfer.payload),
            receive_count: transfer.receive_count,
            first_received_at: transfer.first_received_at,
            task: transfer.task.map(Uuid),
            returned: transfer.returned,
        })),
    }
}

impl HolderPart {
    fn of(holder: &Holder) -> Self {
        Self {
            subscription_id: holder.subscription_id,
            acked: holder.acked,
            failures: holder.failures,
            until: holder.until,
        }
    }
}

impl Line {
    /// Reads a line.
    ///
    /// # Errors
    /// It says what no line of an export can.
    pub fn read(text: &[u8]) -> Result<Self, BadFile> {
        serde_json::from_slice(text)
            .map_err(|error| BadFile::new(format!("a line of the export can't be read: {error}")))
    }

    /// The line's text, its end included.
    pub fn text(&self) -> Vec<u8> {
        // Our own types: nothing in them can fail.
        let mut text = serde_json::to_vec(self).unwrap_or_default();
        text.push(b'\n');
        text
    }

    /// The piece of a shard that a line is, checked for what the engine counts on. `None` for header
    /// and end.
    ///
    /// # Errors
    /// It says what no shard has.
    pub fn into_piece(self) -> Result<Option<(u16, Piece)>, BadFile> {
        let (shard, piece) = match self {
            Line::Header(_) | Line::End(_) => return Ok(None),
            Line::Queue { shard, queue } => (shard, Piece::Queue(queue)),
            Line::Topic(kept) => {
                let mut record = kept.record;
                (record.spec, record.policy) = (kept.spec.shared(), kept.policy.shared());
                (kept.shard, Piece::Topic(Box::new(record)))
            }
            Line::Subscription(kept) => {
                let mut record = kept.record;
                (record.spec, record.policy) = (kept.spec.shared(), kept.policy.shared());
                (kept.shard, Piece::Subscription(Box::new(record)))
            }
            Line::Schema(kept) => {
                let mut record = kept.record;
                (record.spec, record.policy) = (kept.spec.shared(), kept.policy.shared());
                (kept.shard, Piece::Schema(Box::new(record)))
            }
            Line::Deduplication(line) => {
                let piece = Piece::Dedup {
                    queue_id: line.queue_id,
                    key: u128::from_be_bytes(line.key.0),
                    entry: DedupEntry {
                        message_id: line.message_id.0,
                        sequence: 0,
                        expires_at: line.expires_at,
                    },
                };
                (line.shard, piece)
            }
            Line::Message(line) => {
                let piece = Piece::Message {
                    queue_id: line.queue_id,
                    message: PortableMessage {
                        sequence: line.sequence,
                        payload: line.body.payload(),
                        available_at: line.available_at,
                        in_flight_until: line.in_flight_until,
                        receive_count: line.receive_count,
                        base_count: line.base_count,
                        first_received_at: line.first_received_at,
                    },
                };
                (line.shard, piece)
            }
            Line::Published(line) => {
                let holders = line.holders.iter().map(|holder| Holder {
                    subscription_id: holder.subscription_id,
                    acked: holder.acked,
                    failures: holder.failures,
                    until: holder.until,
                });
                let message = PortablePublished {
                    sequence: line.sequence,
                    published_at: line.published_at,
                    bytes: line.message.shared(),
                    returned: line.returned,
                    holders: holders.collect(),
                };
                let topic_id = line.topic_id;
                (line.shard, Piece::Published { topic_id, message })
            }
            Line::Transfer(line) => {
                let transfer = Transfer {
                    source: 0,
                    target: 0,
                    number: 0,
                    oldest: 0,
                    to: line.to,
                    from: line.from,
                    payload: line.body.payload(),
                    receive_count: line.receive_count,
                    first_received_at: line.first_received_at,
                    task: line.task.map(|task| task.0),
                    returned: line.returned,
                };
                (line.shard, Piece::Transfer(Box::new(transfer)))
            }
        };
        check::check(&piece)?;
        Ok(Some((shard, piece)))
    }
}
