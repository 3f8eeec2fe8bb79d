//! Making what an import defines, whatever there is already.

use super::super::answers::{AdminError, AdminResult};
use super::importer::OnConflict;
use super::{of_queues, unanswered};
use crate::mesh::Mesh;
use crate::runtime::{sleep, spawn_local};
use http::StatusCode;
use lclq_shards::command::{Command, QueueCommand, QueueRef, Refusal, Reply};
use lclq_shards::journal::QueueRecord;
use lclq_shards::moves::{Address, Transfer};
use lclq_shards::portable::{ImportCommand, Imported};
use lclq_shards::pubsub::command::{AdminCommand, Kind, PubsubCommand, PubsubRefusal, Resource};
use lclq_shards::pubsub::{SchemaRecord, SubscriptionRecord, TopicRecord};
use lclq_shards::shard_of;
use std::time::Duration;

/// Times that a name is tried which another request is making something of.
const RESERVE_TRIES_MAX: usize = 100;
const RESERVE_PAUSE: Duration = Duration::from_millis(10);

/// Where a topic is: shard, slot, id, and whether it was made by this import.
pub(super) type TopicPlace = (u16, u32, u64, bool);

/// What became of a definition.
pub(super) enum Definition<P> {
    /// It was made.
    Made(P),
    /// It was made in place of another.
    Replaced(P),
    /// There is one, and it was left alone; where it is, if that matters.
    Skipped(Option<P>),
    /// Nothing was done, as nothing is to be.
    Dry { conflict: bool },
}

impl<P> Definition<P> {
    pub fn is_new(&self) -> bool {
        match self {
            Self::Made(_) | Self::Replaced(_) => true,
            Self::Skipped(_) => false,
            Self::Dry { .. } => true,
        }
    }

    pub fn is_conflict(&self) -> bool {
        match self {
            Self::Made(_) => false,
            Self::Replaced(_) | Self::Skipped(_) => true,
            Self::Dry { conflict } => *conflict,
        }
    }

    pub fn into_place(self) -> Option<P> {
        match self {
            Self::Made(place) | Self::Replaced(place) => Some(place),
            Self::Skipped(place) => place,
            Self::Dry { .. } => None,
        }
    }
}

pub(super) struct Takers {
    mesh: Mesh,
    on_conflict: OnConflict,
    dry_run: bool,
    secret: [u8; 16],
}

impl Takers {
    pub fn new(mesh: Mesh, on_conflict: OnConflict, dry_run: bool, secret: [u8; 16]) -> Self {
        Self {
            mesh,
            on_conflict,
            dry_run,
            secret,
        }
    }

    pub async fn queue(
        &self,
        record: Box<QueueRecord>,
    ) -> AdminResult<Definition<(u16, QueueRef)>> {
        let shard = record.name.shard(self.mesh.shards());
        let name = record.name.clone();
        let resolve = of_queues(QueueCommand::Resolve(name.clone()));
        let exists = match self.mesh.call(shard, resolve).await {
            Reply::Queue(_) => true,
            Reply::Refused(Refusal::NoQueue) => false,
            _ => return Err(unanswered(shard)),
        };
        if self.dry_run {
            return Ok(Definition::Dry { conflict: exists });
        }
        if exists && self.leave("queue", &name.arn())? {
            return Ok(Definition::Skipped(None));
        }
        let command = ImportCommand::Queue {
            record,
            secret: self.secret,
            replace: exists,
        };
        match self.import(shard, command).await? {
            Imported::Queue(queue) if exists => Ok(Definition::Replaced((shard, queue))),
            Imported::Queue(queue) => Ok(Definition::Made((shard, queue))),
            _ => Err(made_meanwhile(&name.arn())),
        }
    }

    pub async fn topic(&self, record: Box<TopicRecord>) -> AdminResult<Definition<TopicPlace>> {
        let shard = shard_of(record.name.as_bytes(), self.mesh.shards());
        let name = record.name.clone();
        let found = match record.deleted {
            // It has no name any more, so none is in its way.
            true => None,
            false => self.find(shard, Kind::Topic, &name).await?,
        };
        if self.dry_run {
            let conflict = found.is_some();
            return Ok(Definition::Dry { conflict });
        }
        if let Some(found) = &found {
            if self.leave("topic", &name)? {
                // New subscriptions of it can still be made.
                return Ok(Definition::Skipped(Some((
                    shard, found.slot, found.id, false,
                ))));
            }
            self.delete(shard, Kind::Topic, &name).await?;
        }
        match self.import(shard, ImportCommand::Topic(record)).await? {
            Imported::Resource { slot, id } if found.is_some() => {
                Ok(Definition::Replaced((shard, slot, id, true)))
            }
            Imported::Resource { slot, id } => Ok(Definition::Made((shard, slot, id, true))),
            _ => Err(made_meanwhile(&name)),
        }
    }

    pub async fn subscription(
        &self,
        record: Box<SubscriptionRecord>,
        topic: Option<TopicPlace>,
    ) -> AdminResult<Definition<u64>> {
        let name = record.name.clone();
        let holder = shard_of(name.as_bytes(), self.mesh.shards());
        self.reserve(holder, &name).await?;
        let _reserved = Reserved {
            mesh: self.mesh.clone(),
            shard: holder,
            name,
        };
        self.make_subscription(record, topic).await
    }

    async fn make_subscription(
        &self,
        mut record: Box<SubscriptionRecord>,
        topic: Option<TopicPlace>,
    ) -> AdminResult<Definition<u64>> {
        let (kind, what) = match record.snapshot_expires_at {
            None => (Kind::Subscription, "subscription"),
            Some(_) => (Kind::Snapshot, "snapshot"),
        };
        let name = record.name.clone();
        let mut found = None;
        for shard in 0..self.mesh.shards() {
            if self.find(shard, kind, &name).await?.is_some() {
                found = Some(shard);
            }
        }
        if self.dry_run {
            let conflict = found.is_some();
            return Ok(Definition::Dry { conflict });
        }
        if let Some(shard) = found {
            if self.leave(what, &name)? {
                return Ok(Definition::Skipped(None));
            }
            self.delete(shard, kind, &name).await?;
        }
        let Some((shard, topic, topic_id, _)) = topic else {
            return Ok(Definition::Skipped(None));
        };
        record.topic_id = topic_id;
        let command = ImportCommand::Subscription { record, topic };
        match self.import(shard, command).await? {
            Imported::Resource { id, .. } if found.is_some() => Ok(Definition::Replaced(id)),
            Imported::Resource { id, .. } => Ok(Definition::Made(id)),
            // Its topic was deleted again.
            Imported::Gone => Ok(Definition::Skipped(None)),
            _ => Err(made_meanwhile(&name)),
        }
    }

    pub async fn schema(&self, record: Box<SchemaRecord>) -> AdminResult<Definition<()>> {
        let shard = shard_of(record.name.as_bytes(), self.mesh.shards());
        let name = record.name.clone();
        let exists = self.find(shard, Kind::Schema, &name).await?.is_some();
        if self.dry_run {
            return Ok(Definition::Dry { conflict: exists });
        }
        if exists {
            if self.leave("schema", &name)? {
                return Ok(Definition::Skipped(None));
            }
            self.delete(shard, Kind::Schema, &name).await?;
        }
        match self.import(shard, ImportCommand::Schema(record)).await? {
            Imported::Resource { .. } if exists => Ok(Definition::Replaced(())),
            Imported::Resource { .. } => Ok(Definition::Made(())),
            _ => Err(made_meanwhile(&name)),
        }
    }

    /// A message that was on its way arrives or, where its target isn't there, goes back. Answers
    /// whether either is there.
    pub async fn transfer(&self, transfer: Transfer) -> AdminResult<bool> {
        for (address, back) in [(&transfer.to, false), (&transfer.from, true)] {
            let shards = match address {
                Address::Queue(name) => vec![name.shard(self.mesh.shards())],
                Address::Topic { topic } => {
                    vec![shard_of(topic.as_bytes(), self.mesh.shards())]
                }
                // On its topic's shard, whichever that is.
                Address::Subscription { .. } => (0..self.mesh.shards()).collect(),
            };
            for shard in shards {
                let command = ImportCommand::Transfer {
                    transfer: Box::new(transfer.clone()),
                    back,
                };
                if let Imported::Taken(taken) = self.import(shard, command).await? {
                    return Ok(taken > 0);
                }
            }
        }
        Ok(false)
    }

    /// Whether what there is stays.
    fn leave(&self, what: &str, name: &str) -> AdminResult<bool> {
        match self.on_conflict {
            OnConflict::Skip => Ok(true),
            OnConflict::Replace => Ok(false),
            OnConflict::Fail => Err(AdminError::new(
                StatusCode::CONFLICT,
                "Exists",
                format!(
                    "there is a {what} {name} already; on_conflict=skip leaves it alone, \
                     on_conflict=replace puts the import's in its place"
                ),
            )),
        }
    }

    async fn find(&self, shard: u16, kind: Kind, name: &str) -> AdminResult<Option<Resource>> {
        let name = name.into();
        let get = of_pubsub(AdminCommand::Get { kind, name });
        match self.mesh.call(shard, get).await {
            Reply::Resource(resource) => Ok(Some(*resource)),
            Reply::Refused(Refusal::Pubsub(PubsubRefusal::NotFound)) => Ok(None),
            _ => Err(unanswered(shard)),
        }
    }

    async fn delete(&self, shard: u16, kind: Kind, name: &str) -> AdminResult<()> {
        let name = name.into();
        let delete = of_pubsub(AdminCommand::Delete { kind, name });
        match self.mesh.call(shard, delete).await {
            Reply::Done | Reply::Refused(Refusal::Pubsub(PubsubRefusal::NotFound)) => Ok(()),
            _ => Err(unanswered(shard)),
        }
    }

    async fn reserve(&self, shard: u16, name: &str) -> AdminResult<()> {
        for _ in 0..RESERVE_TRIES_MAX {
            let reserve = AdminCommand::Reserve { name: name.into() };
            match self.mesh.call(shard, of_pubsub(reserve)).await {
                Reply::Done => return Ok(()),
                Reply::Refused(Refusal::Pubsub(PubsubRefusal::Reserved)) => {
                    sleep(RESERVE_PAUSE).await;
                }
                _ => return Err(unanswered(shard)),
            }
        }
        Err(made_meanwhile(name))
    }

    async fn import(&self, shard: u16, command: ImportCommand) -> AdminResult<Imported> {
        let command = of_queues(QueueCommand::Import(command));
        match self.mesh.call(shard, command).await {
            Reply::Imported(answer) => Ok(*answer),
            _ => Err(unanswered(shard)),
        }
    }
}

/// A name that nobody else can make something of: given back also where whoever asked has gone.
struct Reserved {
    mesh: Mesh,
    shard: u16,
    name: Box<str>,
}

impl Drop for Reserved {
    fn drop(&mut self) {
        let (mesh, shard) = (self.mesh.clone(), self.shard);
        let name = std::mem::take(&mut self.name);
        spawn_local(async move {
            let release = of_pubsub(AdminCommand::Release { name });
            drop(mesh.call(shard, release).await);
        });
    }
}

fn of_pubsub(command: AdminCommand) -> Command {
    Command::Pubsub(Box::new(PubsubCommand::Admin(Box::new(command))))
}

fn made_meanwhile(name: &str) -> AdminError {
    AdminError::new(
        StatusCode::CONFLICT,
        "Exists",
        format!("somebody else is making {name}"),
    )
}
