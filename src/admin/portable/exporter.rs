//! Reading all shards, each as it was at one moment.

use super::super::answers::{AdminError, AdminResult};
use super::only::Only;
use super::{of_queues, unanswered};
use crate::mesh::Mesh;
use crate::runtime::{spawn_local, wall_clock};
use lclq_shards::Millis;
use lclq_shards::command::{QueueCommand, Reply};
use lclq_shards::moves::Address;
use lclq_shards::portable::{ExportCommand, Exported, Opened, Piece, SLICE_PIECES};
use std::collections::HashSet;

/// A view of every shard. Definitions of all come first, then what they hold.
pub(in crate::admin) struct Exporter {
    mesh: Mesh,
    views: Vec<Opened>,
    only: Only,
    definitions: bool,
    shard: u16,
    /// Shard, kind and id of definitions that were read: one that went meanwhile is read twice.
    seen: HashSet<(u16, u8, u64)>,
    /// Ids of queues and topics that are meant.
    queues: HashSet<(u16, u64)>,
    topics: HashSet<(u16, u64)>,
    /// Messages between shards may still wait.
    is_held: bool,
}

impl Exporter {
    /// Opens a view of every shard.
    pub async fn open(mesh: &Mesh, only: Only) -> AdminResult<Self> {
        let mut exporter = Self {
            mesh: mesh.clone(),
            views: Vec::new(),
            only,
            definitions: true,
            shard: 0,
            seen: HashSet::new(),
            queues: HashSet::new(),
            topics: HashSet::new(),
            is_held: true,
        };
        // While views open, nothing goes from shard to shard: it would be in both, or in neither.
        exporter.to_all(ExportCommand::Hold).await?;
        exporter.open_all().await?;
        exporter.to_all(ExportCommand::Release).await?;
        exporter.is_held = false;
        Ok(exporter)
    }

    async fn open_all(&mut self) -> AdminResult<()> {
        let command = |_| of_queues(QueueCommand::Export(ExportCommand::Open));
        for (shard, reply) in (0..).zip(self.mesh.call_all(command).await) {
            match reply {
                Reply::Exported(answer) => match *answer {
                    Exported::Opened(opened) => self.views.push(opened),
                    _ => return Err(unanswered(shard)),
                },
                _ => return Err(unanswered(shard)),
            }
        }
        Ok(())
    }

    async fn to_all(&self, command: ExportCommand) -> AdminResult<()> {
        let command = |_| of_queues(QueueCommand::Export(command));
        for (shard, reply) in (0..).zip(self.mesh.call_all(command).await) {
            if !matches!(reply, Reply::Exported(_)) {
                return Err(unanswered(shard));
            }
        }
        Ok(())
    }

    /// All sequence numbers are below.
    pub fn sequence(&self) -> u64 {
        let sequences = self.views.iter().map(|view| view.sequence);
        sequences.max().unwrap_or(0)
    }

    /// Under it deduplication ids are hashed.
    pub fn secret(&self) -> [u8; 16] {
        self.views.first().map_or([0; 16], |view| view.secret)
    }

    /// When it was, ms since 1970.
    pub fn at(&self) -> Millis {
        wall_clock()
    }

    /// The next pieces and the shard that they are of; `None` after the last.
    pub async fn next(&mut self) -> AdminResult<Option<(u16, Vec<Piece>)>> {
        loop {
            let Some(view) = self.views.get(usize::from(self.shard)) else {
                if !self.definitions {
                    return Ok(None);
                }
                (self.definitions, self.shard) = (false, 0);
                continue;
            };
            let shard = self.shard;
            let command = ExportCommand::Slice {
                view: view.view,
                definitions: self.definitions,
                pieces_max: SLICE_PIECES,
            };
            let command = of_queues(QueueCommand::Export(command));
            let Reply::Exported(answer) = self.mesh.call(shard, command).await else {
                return Err(unanswered(shard));
            };
            let Exported::Slice { pieces, is_last } = *answer else {
                return Err(AdminError::unavailable(format!(
                    "more has changed on shard {shard} than is kept for an export: it has to be \
                     read faster"
                )));
            };
            if is_last {
                self.shard += 1;
            }
            let wanted: Vec<Piece> = pieces
                .into_iter()
                .filter(|piece| self.is_wanted(shard, piece))
                .collect();
            if !wanted.is_empty() {
                return Ok(Some((shard, wanted)));
            }
        }
    }

    fn is_wanted(&mut self, shard: u16, piece: &Piece) -> bool {
        match piece {
            Piece::Queue(queue) => {
                self.only.has_queue(&queue.name)
                    && self.queues.insert((shard, queue.id))
                    && self.seen.insert((shard, 0, queue.id))
            }
            Piece::Topic(topic) => {
                self.only.has_topic(&topic.name)
                    && self.seen.insert((shard, 1, topic.id))
                    && self.topics.insert((shard, topic.id))
            }
            Piece::Subscription(found) => {
                self.topics.contains(&(shard, found.topic_id))
                    && self.seen.insert((shard, 2, found.id))
            }
            Piece::Schema(schema) => {
                self.only.has_schema(&schema.name) && self.seen.insert((shard, 3, schema.id))
            }
            Piece::Dedup { queue_id, .. } | Piece::Message { queue_id, .. } => {
                self.queues.contains(&(shard, *queue_id))
            }
            Piece::Published { topic_id, .. } => self.topics.contains(&(shard, *topic_id)),
            Piece::Transfer(transfer) => {
                // One that has arrived is where it was going.
                let target = self.views.get(usize::from(transfer.target));
                let arrived = target.and_then(|view| view.arrived.get(usize::from(shard)));
                arrived.is_none_or(|arrived| transfer.number > *arrived)
                    && match &transfer.to {
                        Address::Queue(name) => self.only.has_queue(name),
                        Address::Topic { topic } => self.only.has_topic(topic),
                        Address::Subscription { .. } => self.only.has_topic(""),
                    }
            }
        }
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let (mesh, views) = (self.mesh.clone(), std::mem::take(&mut self.views));
        let is_held = self.is_held;
        spawn_local(async move {
            // Whoever asked may have gone in the middle of it.
            if is_held {
                let release = |_| of_queues(QueueCommand::Export(ExportCommand::Release));
                drop(mesh.call_all(release).await);
            }
            for (shard, view) in (0..).zip(views) {
                let view = view.view;
                let close = of_queues(QueueCommand::Export(ExportCommand::Close { view }));
                // A view that stays open is replaced by the next.
                drop(mesh.call(shard, close).await);
            }
        });
    }
}
