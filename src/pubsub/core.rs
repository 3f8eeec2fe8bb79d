//! One core's part of the dialect: its way to the shards, and what it knows of topics, subscriptions
//! and schemas.
//!
//! What the service keeps with a resource is the resource's own message, encoded ([`Topic`],
//! [`Subscription`], [`Snapshot`](super::proto::Snapshot)): the engine stores it as `spec`.
//!
//! The traits of the contracts are implemented for [`Pubsub`] in `service/`. Their methods on hot
//! paths lead to `publish_encoded`, `pull_encoded`, `acknowledge_encoded`,
//! `modify_ack_deadline_encoded` and `streaming_pull_encoded`, in `publish.rs`, `pull.rs` and
//! `streaming.rs`.

use super::access::Guard;
use super::error::{self, PubsubError, PubsubResult, not_found};
use super::names;
use super::outside::Outside;
use super::proto::{ListSchemaRevisionsResponse, Schema, Subscription, Topic};
use super::service::{Beside, steps};
use super::transform::{Transform, Transformer};
use crate::mesh::{Definition, Directory, Mesh, Owner, Stamp, ask_until_current};
use crate::profile::Profile;
use crate::regions::Regions;
use lclq_shards::command::{Command, Refusal, Reply};
use lclq_shards::pubsub::command::{
    AdminCommand, Kind, PubsubCommand, PubsubRefusal, Resource, SubscriptionRef, TopicRef,
};
use lclq_shards::pubsub::{AckIdSigner, SubscriptionSettings};
use lclq_shards::{NameBucket, NameSpace, shard_of};
use prost::Message;
use std::rc::Rc;
use std::sync::Arc;

/// One core's Pub/Sub.
pub struct Pubsub {
    pub(super) mesh: Mesh,
    pub(super) signer: AckIdSigner,
    pub(super) transformer: Transformer,
    pub(super) outside: Outside,
    pub(super) profile: Profile,
    pub(super) regions: Regions,
    /// What decides who may do what, where that is asked for.
    pub(super) guard: Option<Guard>,
    topics: Directory<Box<str>, TopicInfo>,
    subscriptions: Directory<Box<str>, SubscriptionInfo>,
    schemas: Directory<Box<str>, SchemaInfo>,
}

/// What publishing needs of a topic.
pub struct TopicInfo {
    stamp: Stamp,
    bytes: usize,
    pub reference: TopicRef,
    pub spec: Topic,
    /// Id of the schema that it names, if any: one of the same name made later is another.
    pub schema_id: u64,
    /// The region by which it was made, empty where there were none.
    pub region: Box<str>,
    /// What is done to messages before they are stored.
    pub transforms: Arc<[Transform]>,
}

/// What delivering needs of a subscription.
pub struct SubscriptionInfo {
    stamp: Stamp,
    bytes: usize,
    pub reference: SubscriptionRef,
    pub settings: SubscriptionSettings,
    pub spec: Subscription,
    /// What is done to messages before they are delivered.
    pub transforms: Arc<[Transform]>,
}

/// What publishing needs of a schema.
pub struct SchemaInfo {
    stamp: Stamp,
    bytes: usize,
    /// No other schema has it, whatever its name.
    pub id: u64,
    /// Under which its compiled revisions are kept: no other schema has it either.
    pub cache_key: String,
    /// All revisions.
    pub newest_first: Vec<Schema>,
}

/// Definitions carry their stamp and their size.
macro_rules! definition {
    ($of:ty, $is_checked:literal) => {
        impl Definition for $of {
            fn stamp(&self) -> &Stamp {
                &self.stamp
            }

            fn bytes(&self) -> usize {
                self.bytes
            }

            fn is_checked_by_its_shard(&self) -> bool {
                $is_checked
            }
        }
    };
}

// References to topics and subscriptions have their versions.
definition!(TopicInfo, true);
definition!(SubscriptionInfo, true);
definition!(SchemaInfo, false);

/// Memory that a remembered resource takes, bytes: decoded, and the steps that its transforms amount
/// to, each about as large as what the service keeps with it.
fn resource_bytes<D>(resource: &Resource) -> usize {
    size_of::<D>() + 3 * resource.spec.len()
}

impl SubscriptionInfo {
    /// Whether this is the subscription of a reference, changed or not: one of the same name that was
    /// made later is another.
    pub fn is_same(&self, other: SubscriptionRef) -> bool {
        (self.reference.shard, self.reference.id) == (other.shard, other.id)
    }

    /// Whether clients may pull: the server doesn't deliver by itself.
    pub fn is_pull(&self) -> bool {
        let pushes = self
            .spec
            .push_config
            .as_ref()
            .is_some_and(|push| !push.push_endpoint.is_empty());
        !pushes
            && self.spec.bigquery_config.is_none()
            && self.spec.cloud_storage_config.is_none()
            && self.spec.bigtable_config.is_none()
    }
}

impl Pubsub {
    /// On `mesh`, which must be of the calling core. `ack_key` signs ack ids.
    pub fn new(
        mesh: Mesh,
        ack_key: [u8; 16],
        outside: Outside,
        profile: Profile,
        regions: Regions,
        guard: Option<Guard>,
    ) -> Rc<Self> {
        Rc::new(Self {
            guard,
            topics: Directory::new(&mesh),
            subscriptions: Directory::new(&mesh),
            schemas: Directory::new(&mesh),
            mesh,
            signer: AckIdSigner::new(ack_key),
            transformer: Transformer::new(outside.cores),
            outside,
            profile,
            regions,
        })
    }

    /// The shard that a name hashes to.
    pub(super) fn home_shard(&self, name: &str) -> u16 {
        shard_of(name.as_bytes(), self.mesh.shards())
    }

    /// Asks one shard about resources. Refusals that depend on the command come back as such.
    pub(super) async fn admin(
        &self,
        shard: u16,
        command: AdminCommand,
    ) -> PubsubResult<Result<Reply, PubsubRefusal>> {
        let command = PubsubCommand::Admin(Box::new(command));
        self.ask(shard, command).await
    }

    /// Asks one shard.
    pub(super) async fn ask(
        &self,
        shard: u16,
        command: PubsubCommand,
    ) -> PubsubResult<Result<Reply, PubsubRefusal>> {
        let command = Command::Pubsub(Box::new(command));
        match self.mesh.call(shard, command).await {
            Reply::Refused(Refusal::Pubsub(refusal)) => Ok(Err(refusal)),
            Reply::Refused(refusal) => Err(refused(refusal)),
            reply => Ok(Ok(reply)),
        }
    }

    /// Finds a resource: topics and schemas where their names belong, subscriptions and snapshots
    /// wherever their topics are.
    pub(super) async fn find(&self, kind: Kind, name: &str) -> PubsubResult<Option<Resource>> {
        let get = || AdminCommand::Get {
            kind,
            name: name.into(),
        };
        let shards = match kind {
            Kind::Topic | Kind::Schema => {
                let home = self.home_shard(name);
                home..home + 1
            }
            Kind::Subscription | Kind::Snapshot => 0..self.mesh.shards(),
        };
        // All are asked at once.
        let calls: Vec<_> = shards
            .map(|shard| {
                let command = PubsubCommand::Admin(Box::new(get()));
                self.mesh.call(shard, Command::Pubsub(Box::new(command)))
            })
            .collect();
        let mut found = None;
        for call in calls {
            match call.await {
                Reply::Resource(resource) => found = Some(*resource),
                Reply::Refused(Refusal::Pubsub(PubsubRefusal::NotFound)) => {}
                Reply::Refused(refusal) => return Err(refused(refusal)),
                reply => return Err(unexpected(&reply)),
            }
        }
        Ok(found)
    }

    /// A topic as it is now.
    pub(super) async fn topic(&self, name: &str) -> PubsubResult<Rc<TopicInfo>> {
        if let Some(info) = self.topics.get(name) {
            return Ok(info);
        }
        // Boxed, so that the futures of hot methods don't carry its room.
        Box::pin(self.find_topic(name)).await
    }

    /// The same where the shard has said that it has changed.
    pub(super) async fn find_topic(&self, name: &str) -> PubsubResult<Rc<TopicInfo>> {
        let id = names::parse(names::Kind::Topic, name)?.id;
        let find = async |stamp| {
            let found = self.find(Kind::Topic, name).await?;
            let resource = found.ok_or_else(|| not_found(id))?;
            let spec: Topic = decode_spec(&resource)?;
            let beside = Beside::of(&resource);
            Ok(TopicInfo {
                stamp,
                bytes: resource_bytes::<TopicInfo>(&resource),
                reference: resource.topic_ref(),
                transforms: steps(&spec.message_transforms, false),
                schema_id: beside.schema_id,
                region: beside.region.into(),
                spec,
            })
        };
        let bucket = NameBucket::of(NameSpace::Topic, name);
        self.topics.find(name, name.len(), bucket, find).await
    }

    /// A subscription as it is now.
    pub(super) async fn subscription(&self, name: &str) -> PubsubResult<Rc<SubscriptionInfo>> {
        if let Some(info) = self.subscriptions.get(name) {
            return Ok(info);
        }
        Box::pin(self.find_subscription(name)).await
    }

    /// The same where the shard has said that it has changed.
    async fn find_subscription(&self, name: &str) -> PubsubResult<Rc<SubscriptionInfo>> {
        let id = names::parse(names::Kind::Subscription, name)?.id;
        let find = async |stamp| {
            let found = self.find(Kind::Subscription, name).await?;
            let resource = found.ok_or_else(|| not_found(id))?;
            let spec: Subscription = decode_spec(&resource)?;
            Ok(SubscriptionInfo {
                stamp,
                bytes: resource_bytes::<SubscriptionInfo>(&resource),
                reference: resource.subscription_ref(),
                transforms: steps(&spec.message_transforms, false),
                spec,
                settings: resource.subscription.unwrap_or_default(),
            })
        };
        let bucket = NameBucket::of(NameSpace::Subscription, name);
        self.subscriptions
            .find(name, name.len(), bucket, find)
            .await
    }

    /// Whether what was learnt before something long was waited for still holds.
    pub(super) fn is_current(&self, info: &SubscriptionInfo) -> bool {
        self.subscriptions.is_current(info)
    }

    /// Whether this core runs a subscription's shard.
    pub(super) fn is_own(&self, info: &SubscriptionInfo) -> bool {
        self.mesh.owner(info.reference.shard) == Owner::Core(self.mesh.core())
    }

    /// A schema as it is now.
    pub(super) async fn schema(&self, name: &str) -> PubsubResult<Rc<SchemaInfo>> {
        if let Some(info) = self.schemas.get(name) {
            return Ok(info);
        }
        let find = async |stamp| {
            let found = self.find(Kind::Schema, name).await?;
            let resource = found.ok_or_else(|| not_found(leaf(name)))?;
            let kept: ListSchemaRevisionsResponse = decode_spec(&resource)?;
            Ok(SchemaInfo {
                stamp,
                bytes: resource_bytes::<SchemaInfo>(&resource),
                id: resource.id,
                cache_key: format!("{name}#{}", resource.id),
                newest_first: kept.schemas,
            })
        };
        let bucket = NameBucket::of(NameSpace::Schema, name);
        self.schemas.find(name, name.len(), bucket, find).await
    }

    /// Asks the shard of a subscription that is known as `info`, again if the subscription has changed
    /// meanwhile. `command` makes the command anew from what is known of it then.
    pub(super) async fn on_subscription(
        &self,
        name: &str,
        info: Rc<SubscriptionInfo>,
        mut command: impl FnMut(&Rc<SubscriptionInfo>) -> PubsubResult<PubsubCommand>,
    ) -> PubsubResult<Reply> {
        let first = Command::Pubsub(Box::new(command(&info)?));
        let anew = async |_| {
            let info = self.find_subscription(name).await?;
            let again = Command::Pubsub(Box::new(command(&info)?));
            Ok((info.reference.shard, again))
        };
        match ask_until_current(&self.mesh, info.reference.shard, first, anew).await? {
            Some(Reply::Refused(Refusal::Pubsub(refusal))) => Err(pubsub_refused(refusal, name)),
            Some(Reply::Refused(refusal)) => Err(refused(refusal)),
            Some(reply) => Ok(reply),
            None => Err(error::subscription_keeps_changing()),
        }
    }
}

/// A resource's own message, as the service has stored it.
pub(super) fn decode_spec<M: Message + Default>(resource: &Resource) -> PubsubResult<M> {
    M::decode(&*resource.spec).map_err(|_| error::broken_resource())
}

/// The last part of a resource's name, as messages about it have it.
pub(super) fn leaf(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// The wire error for a refusal that says nothing about topics.
pub(super) fn refused(refusal: Refusal) -> PubsubError {
    match refusal {
        Refusal::Overloaded => error::overloaded(),
        Refusal::JournalDown => error::journal_down(),
        Refusal::Stopping => error::stopping(),
        Refusal::Unreachable => error::unreachable(),
        other => {
            tracing::error!(?other, "a refusal that doesn't fit its command");
            error::internal()
        }
    }
}

/// The wire error for a refusal where the command leaves no room for a better one.
pub(super) fn pubsub_refused(refusal: PubsubRefusal, name: &str) -> PubsubError {
    match refusal {
        PubsubRefusal::NotFound
        | PubsubRefusal::TopicNotFound
        | PubsubRefusal::SnapshotNotFound => not_found(leaf(name)),
        PubsubRefusal::Exists => error::already_exists(leaf(name)),
        PubsubRefusal::Detached => error::detached(leaf(name)),
        PubsubRefusal::MemoryFull => error::memory_full(),
        PubsubRefusal::TooMany => error::too_many_calls(),
        PubsubRefusal::SnapshotTooOld => error::snapshot_too_old(),
        PubsubRefusal::OtherTopic => error::snapshot_of_other_topic(),
        PubsubRefusal::Changed | PubsubRefusal::Reserved => error::being_changed(),
    }
}

/// A reply that doesn't fit its command: a mistake of ours, said as such.
#[cold]
pub(super) fn unexpected(reply: &Reply) -> PubsubError {
    tracing::error!(?reply, "a shard's reply doesn't fit its command");
    error::internal()
}
