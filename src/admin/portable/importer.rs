//! Taking up pieces of other shards, in the order in which an exporter gives them.

use super::super::answers::{AdminError, AdminResult};
use super::only::Only;
use super::takers::{Definition, Takers, TopicPlace};
use super::{of_queues, unanswered};
use crate::mesh::{Call, Mesh};
use http::StatusCode;
use lclq_shards::command::{QueueCommand, QueueRef, Reply};
use lclq_shards::portable::{ImportCommand, Imported, Piece, PortableMessage, PortablePublished};
use lclq_shards::{DedupEntry, DedupKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};

/// Messages that go to a shard in one command.
const BATCH_MESSAGES_MAX: usize = 256;
/// Bytes of them, unless one is longer.
const BATCH_BYTES_MAX: usize = 256 << 10;
/// Commands that shards haven't answered yet.
const UNANSWERED_MAX: usize = 16;
/// Names that an answer tells of at most.
const NAMES_TOLD_MAX: usize = 100;

/// What becomes of what there is already.
#[derive(Deserialize, JsonSchema, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(rename_all = "lowercase")]
pub(in crate::admin) enum OnConflict {
    /// The import ends.
    #[default]
    Fail,
    /// It stays, and what the file has of that name is left out.
    Skip,
    /// It goes.
    Replace,
}

/// How to import.
#[derive(Clone, Debug, Default)]
pub(in crate::admin) struct Options {
    pub on_conflict: OnConflict,
    /// Nothing is changed.
    pub dry_run: bool,
    pub only: Only,
}

/// What an import has done, or would do.
#[derive(Serialize, JsonSchema, Clone, Debug, Default)]
#[schemars(rename = "Imported")]
pub(in crate::admin) struct Done {
    pub queues: u64,
    pub topics: u64,
    /// With snapshots.
    pub subscriptions: u64,
    pub schemas: u64,
    pub messages: u64,
    pub published: u64,
    pub deduplication_ids: u64,
    /// What there is already: left out, replaced or, in a dry run, in the way.
    pub conflicts: u64,
    /// The first of their names.
    pub conflicting: Vec<String>,
    /// Messages whose queue or topic isn't there any more.
    pub lost: u64,
    pub dry_run: bool,
}

/// Messages for one place, before they go to its shard.
enum Batch {
    Messages(u16, QueueRef, Vec<PortableMessage>),
    Dedup(u16, QueueRef, Vec<(DedupKey, DedupEntry)>),
    Published(u16, u32, u64, Vec<PortablePublished>),
}

/// What a command was about, for its answer.
enum About {
    Messages(usize),
    Dedup(usize),
    Published(usize),
}

pub(in crate::admin) struct Importer {
    mesh: Mesh,
    options: Options,
    takers: Takers,
    /// By the shard and id that they had.
    queues: HashMap<(u16, u64), Option<(u16, QueueRef)>>,
    topics: HashMap<(u16, u64), Option<TopicPlace>>,
    subscriptions: HashMap<(u16, u64), u64>,
    batch: Option<Batch>,
    batch_bytes: usize,
    unanswered: VecDeque<(u16, About, Call)>,
    done: Done,
}

impl Importer {
    /// Of a server whose sequence numbers are below `sequence` and whose deduplication ids are hashed
    /// under `secret`.
    pub async fn begin(
        mesh: &Mesh,
        options: Options,
        sequence: u64,
        secret: [u8; 16],
    ) -> AdminResult<Self> {
        if !options.dry_run {
            let command = |_| of_queues(QueueCommand::Import(ImportCommand::Begin { sequence }));
            for (shard, reply) in (0..).zip(mesh.call_all(command).await) {
                if !matches!(reply, Reply::Imported(_)) {
                    return Err(unanswered(shard));
                }
            }
        }
        Ok(Self {
            mesh: mesh.clone(),
            takers: Takers::new(mesh.clone(), options.on_conflict, options.dry_run, secret),
            done: Done {
                dry_run: options.dry_run,
                ..Done::default()
            },
            options,
            queues: HashMap::new(),
            topics: HashMap::new(),
            subscriptions: HashMap::new(),
            batch: None,
            batch_bytes: 0,
            unanswered: VecDeque::new(),
        })
    }

    /// What it has come to so far.
    pub fn so_far(&self) -> &Done {
        &self.done
    }

    /// Takes one piece, of a shard that numbered its own.
    pub async fn take(&mut self, shard: u16, piece: Piece) -> AdminResult<()> {
        match piece {
            Piece::Queue(queue) => {
                let key = (shard, queue.id);
                if !self.options.only.has_queue(&queue.name) {
                    return Ok(());
                }
                let name = queue.name.arn();
                let made = self.takers.queue(queue).await?;
                self.done.queues += u64::from(made.is_new());
                self.note_conflict(&made, name);
                self.queues.insert(key, made.into_place());
            }
            Piece::Topic(topic) => {
                let key = (shard, topic.id);
                if !self.options.only.has_topic(&topic.name) {
                    return Ok(());
                }
                let name = topic.name.to_string();
                let made = self.takers.topic(topic).await?;
                self.done.topics += u64::from(made.is_new());
                self.note_conflict(&made, name);
                self.topics.insert(key, made.into_place());
            }
            Piece::Subscription(subscription) => {
                let key = (shard, subscription.id);
                let Some(topic) = self.topics.get(&(shard, subscription.topic_id)) else {
                    return Ok(());
                };
                let (name, topic) = (subscription.name.to_string(), *topic);
                let made = self.takers.subscription(subscription, topic).await?;
                self.done.subscriptions += u64::from(made.is_new());
                self.note_conflict(&made, name);
                if let Some(id) = made.into_place() {
                    self.subscriptions.insert(key, id);
                }
            }
            Piece::Schema(schema) => {
                if !self.options.only.has_schema(&schema.name) {
                    return Ok(());
                }
                let name = schema.name.to_string();
                let made = self.takers.schema(schema).await?;
                self.done.schemas += u64::from(made.is_new());
                self.note_conflict(&made, name);
            }
            Piece::Dedup {
                queue_id,
                key,
                entry,
            } => self.take_dedup((shard, queue_id), key, entry).await?,
            Piece::Message { queue_id, message } => {
                self.take_message((shard, queue_id), message).await?;
            }
            Piece::Published { topic_id, message } => {
                self.take_published((shard, topic_id), message).await?;
            }
            Piece::Transfer(transfer) => {
                self.send_batch().await?;
                if self.options.dry_run {
                    return Ok(());
                }
                match self.takers.transfer(*transfer).await? {
                    true => self.done.messages += 1,
                    false => self.done.lost += 1,
                }
            }
        }
        Ok(())
    }

    fn note_conflict<P>(&mut self, made: &Definition<P>, name: String) {
        if made.is_conflict() {
            self.done.conflicts += 1;
            if self.done.conflicting.len() < NAMES_TOLD_MAX {
                self.done.conflicting.push(name);
            }
        }
    }

    async fn take_message(&mut self, key: (u16, u64), message: PortableMessage) -> AdminResult<()> {
        let Some(place) = self.queues.get(&key) else {
            return Ok(());
        };
        let Some((shard, queue)) = *place else {
            self.done.messages += u64::from(self.options.dry_run);
            return Ok(());
        };
        let fits = matches!(&self.batch, Some(Batch::Messages(_, of, messages))
            if *of == queue && messages.len() < BATCH_MESSAGES_MAX);
        self.make_room(fits, message.payload.memory_bytes()).await?;
        match &mut self.batch {
            Some(Batch::Messages(.., messages)) => messages.push(message),
            _ => self.batch = Some(Batch::Messages(shard, queue, vec![message])),
        }
        Ok(())
    }

    async fn take_dedup(
        &mut self,
        of: (u16, u64),
        key: DedupKey,
        entry: DedupEntry,
    ) -> AdminResult<()> {
        let Some(place) = self.queues.get(&of) else {
            return Ok(());
        };
        let Some((shard, queue)) = *place else {
            self.done.deduplication_ids += u64::from(self.options.dry_run);
            return Ok(());
        };
        let fits = matches!(&self.batch, Some(Batch::Dedup(_, of, entries))
            if *of == queue && entries.len() < BATCH_MESSAGES_MAX);
        self.make_room(fits, size_of::<DedupEntry>()).await?;
        match &mut self.batch {
            Some(Batch::Dedup(.., entries)) => entries.push((key, entry)),
            _ => self.batch = Some(Batch::Dedup(shard, queue, vec![(key, entry)])),
        }
        Ok(())
    }

    async fn take_published(
        &mut self,
        key: (u16, u64),
        mut message: PortablePublished,
    ) -> AdminResult<()> {
        let Some(place) = self.topics.get(&key) else {
            return Ok(());
        };
        let Some((shard, slot, topic_id, is_new)) = *place else {
            self.done.published += u64::from(self.options.dry_run);
            return Ok(());
        };
        if !is_new {
            return Ok(());
        }
        let ids = &self.subscriptions;
        message.holders.retain_mut(|holder| {
            let id = ids.get(&(key.0, holder.subscription_id)).copied();
            holder.subscription_id = id.unwrap_or_default();
            id.is_some()
        });
        let fits = matches!(&self.batch, Some(Batch::Published(_, at, id, messages))
            if (*at, *id) == (slot, topic_id) && messages.len() < BATCH_MESSAGES_MAX);
        let bytes = message.bytes.len() + message.holders.len() * 64;
        self.make_room(fits, bytes).await?;
        match &mut self.batch {
            Some(Batch::Published(.., messages)) => messages.push(message),
            _ => self.batch = Some(Batch::Published(shard, slot, topic_id, vec![message])),
        }
        Ok(())
    }

    /// Sends the batch off where one more doesn't go into it.
    async fn make_room(&mut self, fits: bool, bytes: usize) -> AdminResult<()> {
        if !fits || self.batch_bytes + bytes > BATCH_BYTES_MAX {
            self.send_batch().await?;
        }
        self.batch_bytes += bytes;
        Ok(())
    }

    async fn send_batch(&mut self) -> AdminResult<()> {
        self.batch_bytes = 0;
        let Some(batch) = self.batch.take() else {
            return Ok(());
        };
        let (shard, about, command) = match batch {
            Batch::Messages(shard, queue, messages) => {
                let about = About::Messages(messages.len());
                (shard, about, ImportCommand::Messages { queue, messages })
            }
            Batch::Dedup(shard, queue, entries) => {
                let about = About::Dedup(entries.len());
                (shard, about, ImportCommand::Dedup { queue, entries })
            }
            Batch::Published(shard, slot, topic_id, messages) => {
                let about = About::Published(messages.len());
                let command = ImportCommand::Published {
                    slot,
                    topic_id,
                    messages,
                };
                (shard, about, command)
            }
        };
        if self.unanswered.len() >= UNANSWERED_MAX {
            self.await_one().await?;
        }
        let call = self
            .mesh
            .call(shard, of_queues(QueueCommand::Import(command)));
        self.unanswered.push_back((shard, about, call));
        Ok(())
    }

    async fn await_one(&mut self) -> AdminResult<()> {
        let Some((shard, about, call)) = self.unanswered.pop_front() else {
            return Ok(());
        };
        let Reply::Imported(answer) = call.await else {
            return Err(unanswered(shard));
        };
        let (given, count) = match about {
            About::Messages(given) => (given, &mut self.done.messages),
            About::Dedup(given) => (given, &mut self.done.deduplication_ids),
            About::Published(given) => (given, &mut self.done.published),
        };
        match *answer {
            Imported::Taken(taken) => {
                *count += taken as u64;
                if taken == given {
                    return Ok(());
                }
                Err(AdminError::new(
                    StatusCode::INSUFFICIENT_STORAGE,
                    "MemoryFull",
                    "there is no room in memory for more messages",
                ))
            }
            // Somebody deleted or purged it meanwhile.
            Imported::Gone => {
                self.done.lost += given as u64;
                Ok(())
            }
            _ => Err(unanswered(shard)),
        }
    }

    /// All pieces have come. Answers once they are taken, and durable.
    pub async fn finish(&mut self) -> AdminResult<()> {
        self.send_batch().await?;
        while !self.unanswered.is_empty() {
            self.await_one().await?;
        }
        Ok(())
    }
}
