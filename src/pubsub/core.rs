//! One core's part of the dialect: its way to the shards, and what it remembers of topics and
//! subscriptions.
//!
//! What the service keeps with a resource is the resource's own message, encoded ([`Topic`],
//! [`Subscription`], [`Snapshot`](super::proto::Snapshot)): the engine stores it as `spec`.
//!
//! The traits of the contracts are implemented for [`Pubsub`] in `service/`. Their methods on hot
//! paths lead to `publish_encoded`, `pull_encoded`, `acknowledge_encoded`,
//! `modify_ack_deadline_encoded` and `streaming_pull_encoded`, in `publish.rs`, `pull.rs` and
//! `streaming.rs`.

use super::error::{
    self, PubsubError, PubsubResult, exhausted, not_found, stopping, storage_unavailable,
};
use super::names;
use super::outside::Outside;
use super::proto::{Subscription, Topic};
use super::service::{schema_id, steps};
use super::transform::{Transform, Transformer};
use crate::mesh::Mesh;
use hashbrown::HashMap;
use lclq_shards::command::{Command, Refusal, Reply};
use lclq_shards::pubsub::command::{
    AdminCommand, Kind, PubsubCommand, PubsubRefusal, Resource, SubscriptionRef, TopicRef,
};
use lclq_shards::pubsub::{AckIdSigner, SubscriptionSettings};
use lclq_shards::shard_of;
use prost::Message;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// Topics, and subscriptions, that one core remembers; beyond that it starts anew.
const REMEMBERED_MAX: usize = 65_536;
/// Times that a call is repeated because what was remembered had changed.
pub(super) const STALE_MAX: usize = 8;

/// One core's Pub/Sub.
pub struct Pubsub {
    pub(super) mesh: Mesh,
    pub(super) signer: AckIdSigner,
    pub(super) transformer: Transformer,
    pub(super) outside: Outside,
    topics: RefCell<HashMap<Box<str>, Rc<TopicInfo>>>,
    subscriptions: RefCell<HashMap<Box<str>, Rc<SubscriptionInfo>>>,
}

/// What publishing needs of a topic.
pub struct TopicInfo {
    pub reference: TopicRef,
    pub spec: Topic,
    /// Id of the schema that it was given; 0 without.
    pub schema_id: u64,
    /// What is done to messages before they are stored.
    pub transforms: Arc<[Transform]>,
}

/// What delivering needs of a subscription.
pub struct SubscriptionInfo {
    pub reference: SubscriptionRef,
    pub settings: SubscriptionSettings,
    pub spec: Subscription,
    /// What is done to messages before they are delivered.
    pub transforms: Arc<[Transform]>,
}

impl SubscriptionInfo {
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
    pub fn new(mesh: Mesh, ack_key: [u8; 16], outside: Outside) -> Rc<Self> {
        Rc::new(Self {
            mesh,
            signer: AckIdSigner::new(ack_key),
            transformer: Transformer::new(),
            outside,
            topics: RefCell::default(),
            subscriptions: RefCell::default(),
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

    /// A topic, remembered or found.
    pub(super) async fn topic(&self, name: &str) -> PubsubResult<Rc<TopicInfo>> {
        if let Some(info) = self.topics.borrow().get(name) {
            return Ok(info.clone());
        }
        // Boxed, so that the futures of hot methods don't carry its room.
        Box::pin(self.find_topic(name)).await
    }

    async fn find_topic(&self, name: &str) -> PubsubResult<Rc<TopicInfo>> {
        let id = names::parse(names::Kind::Topic, name)?.id;
        let resource = self
            .find(Kind::Topic, name)
            .await?
            .ok_or_else(|| not_found(id))?;
        let spec: Topic = decode_spec(&resource)?;
        let info = Rc::new(TopicInfo {
            reference: resource.topic_ref(),
            schema_id: schema_id(&resource),
            transforms: steps(&spec.message_transforms, false),
            spec,
        });
        let mut topics = self.topics.borrow_mut();
        if topics.len() >= REMEMBERED_MAX {
            topics.clear();
        }
        topics.insert(name.into(), info.clone());
        Ok(info)
    }

    /// A subscription, remembered or found.
    pub(super) async fn subscription(&self, name: &str) -> PubsubResult<Rc<SubscriptionInfo>> {
        if let Some(info) = self.subscriptions.borrow().get(name) {
            return Ok(info.clone());
        }
        Box::pin(self.find_subscription(name)).await
    }

    async fn find_subscription(&self, name: &str) -> PubsubResult<Rc<SubscriptionInfo>> {
        let id = names::parse(names::Kind::Subscription, name)?.id;
        let resource = self
            .find(Kind::Subscription, name)
            .await?
            .ok_or_else(|| not_found(id))?;
        let spec: Subscription = decode_spec(&resource)?;
        let info = Rc::new(SubscriptionInfo {
            reference: resource.subscription_ref(),
            transforms: steps(&spec.message_transforms, false),
            spec,
            settings: resource.subscription.unwrap_or_default(),
        });
        let mut subscriptions = self.subscriptions.borrow_mut();
        if subscriptions.len() >= REMEMBERED_MAX {
            subscriptions.clear();
        }
        subscriptions.insert(name.into(), info.clone());
        Ok(info)
    }

    /// Forgets what is out of date.
    pub(super) fn forget_topic(&self, name: &str) {
        self.topics.borrow_mut().remove(name);
    }

    /// Forgets what is out of date.
    pub(super) fn forget_subscription(&self, name: &str) {
        self.subscriptions.borrow_mut().remove(name);
    }

    /// Asks the shard of a subscription that is known as `info`, again if the subscription has changed
    /// meanwhile. `command` makes the command anew from what is known of it then.
    pub(super) async fn on_subscription(
        &self,
        name: &str,
        mut info: Rc<SubscriptionInfo>,
        mut command: impl FnMut(&Rc<SubscriptionInfo>) -> PubsubResult<PubsubCommand>,
    ) -> PubsubResult<Reply> {
        for _ in 0..STALE_MAX {
            let outcome = self.ask(info.reference.shard, command(&info)?).await?;
            match outcome {
                Ok(Reply::Stale(_)) => {
                    self.forget_subscription(name);
                    info = self.subscription(name).await?;
                }
                Ok(reply) => return Ok(reply),
                Err(refusal) => return Err(pubsub_refused(refusal, name)),
            }
        }
        Err(exhausted(
            "The subscription changes too often; please retry.",
        ))
    }
}

/// A resource's own message, as the service has stored it.
pub(super) fn decode_spec<M: Message + Default>(resource: &Resource) -> PubsubResult<M> {
    M::decode(&*resource.spec).map_err(|_| storage_unavailable("a stored resource is broken"))
}

/// The last part of a resource's name, as messages about it have it.
pub(super) fn leaf(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// The wire error for a refusal that says nothing about topics.
pub(super) fn refused(refusal: Refusal) -> PubsubError {
    match refusal {
        Refusal::Overloaded => exhausted("The server is overloaded; please retry."),
        Refusal::JournalDown => storage_unavailable("the journal can't be written"),
        Refusal::Stopping => stopping(),
        other => {
            tracing::error!(?other, "a refusal that doesn't fit its command");
            error::storage_unavailable("an internal error")
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
        PubsubRefusal::MemoryFull => exhausted("The server's memory bound is reached."),
        PubsubRefusal::TooMany => exhausted("Too many calls are open; please retry."),
        PubsubRefusal::SnapshotTooOld => error::snapshot_too_old(),
        PubsubRefusal::OtherTopic => {
            error::failed_because("The snapshot is of another topic than the subscription.")
        }
        PubsubRefusal::Changed | PubsubRefusal::Reserved => {
            exhausted("The resource is being changed by another request; please retry.")
        }
    }
}

/// A reply that doesn't fit its command: a mistake of ours, said as such.
#[cold]
pub(super) fn unexpected(reply: &Reply) -> PubsubError {
    tracing::error!(?reply, "a shard's reply doesn't fit its command");
    storage_unavailable("an internal error")
}
