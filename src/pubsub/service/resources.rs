//! Resources of all kinds on their shards: make, find, change, list, delete.

use lclq_shards::command::Reply;
use lclq_shards::pubsub::command::{AdminCommand, Kind, PubsubRefusal, Resource, SharedBytes};
use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use super::pages::Page;
use crate::mesh::Owner;
use crate::pubsub::core::{Pubsub, leaf, pubsub_refused, unexpected};
use crate::pubsub::error::{
    PubsubResult, already_exists, changed_too_often, no_randomness, not_found, stopping,
};
use crate::pubsub::names;
use crate::runtime::{sleep, spawn_local};

/// Times that a change is derived anew because another request was faster.
pub(super) const CHANGED_MAX: usize = 32;
/// Times that a name is asked for that another request is making.
const RESERVED_MAX: usize = 200;
/// Between two of them.
const RESERVED_PAUSE: Duration = Duration::from_millis(5);

/// The kind as names have it.
pub(super) const fn name_kind(kind: Kind) -> names::Kind {
    match kind {
        Kind::Topic => names::Kind::Topic,
        Kind::Subscription => names::Kind::Subscription,
        Kind::Snapshot => names::Kind::Snapshot,
        Kind::Schema => names::Kind::Schema,
    }
}

/// The kind as shards have it.
pub(in crate::pubsub) const fn shard_kind(kind: names::Kind) -> Kind {
    match kind {
        names::Kind::Topic => Kind::Topic,
        names::Kind::Subscription => Kind::Subscription,
        names::Kind::Snapshot => Kind::Snapshot,
        names::Kind::Schema => Kind::Schema,
    }
}

/// Encoded for the engine.
pub(super) fn spec(message: &impl prost::Message) -> SharedBytes {
    message.encode_to_vec().into()
}

impl Pubsub {
    /// A resource that must exist. The name must be valid.
    pub(super) async fn existing(&self, kind: Kind, name: &str) -> PubsubResult<Resource> {
        self.find(kind, name)
            .await?
            .ok_or_else(|| not_found(leaf(name)))
    }

    /// A command answered by a resource.
    pub(super) async fn for_resource(
        &self,
        shard: u16,
        command: AdminCommand,
    ) -> PubsubResult<Result<Resource, PubsubRefusal>> {
        match self.admin(shard, command).await? {
            Ok(Reply::Resource(resource)) => Ok(Ok(*resource)),
            Ok(reply) => Err(unexpected(&reply)),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// A command answered by nothing but that it is done.
    pub(super) async fn done(
        &self,
        shard: u16,
        command: AdminCommand,
    ) -> PubsubResult<Result<(), PubsubRefusal>> {
        match self.admin(shard, command).await? {
            Ok(Reply::Done) => Ok(Ok(())),
            Ok(reply) => Err(unexpected(&reply)),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// Changes a resource: `derive` makes the command from what is there now, and is asked again
    /// if that has changed meanwhile.
    pub(super) async fn change<D, Fut>(
        &self,
        kind: Kind,
        name: &str,
        mut derive: D,
    ) -> PubsubResult<Resource>
    where
        D: FnMut(Resource) -> Fut,
        Fut: Future<Output = PubsubResult<AdminCommand>>,
    {
        for _ in 0..CHANGED_MAX {
            let resource = self.existing(kind, name).await?;
            let shard = resource.shard;
            let command = derive(resource).await?;
            match self.for_resource(shard, command).await? {
                Ok(resource) => {
                    self.tell_deliverer(&resource);
                    return Ok(resource);
                }
                Err(PubsubRefusal::Changed) => {}
                Err(refusal) => return Err(pubsub_refused(refusal, name)),
            }
        }
        Err(changed_too_often())
    }

    /// A subscription was made or changed: its core may have to start or stop delivering.
    fn tell_deliverer(&self, resource: &Resource) {
        if resource.kind == Kind::Subscription {
            // Another node tells its own.
            if let Owner::Core(core) = self.mesh.owner(resource.shard) {
                self.outside.hub.notify(core, &resource.name);
            }
        }
    }

    /// Deletes a resource that must exist.
    pub(super) async fn delete(&self, kind: Kind, name: &str) -> PubsubResult<()> {
        let shard = self.existing(kind, name).await?.shard;
        let command = AdminCommand::Delete {
            kind,
            name: name.into(),
        };
        self.done(shard, command)
            .await?
            .map_err(|refusal| pubsub_refused(refusal, name))?;
        Ok(())
    }

    /// A page of a project's resources, in order of their names, and the token of the next.
    pub(super) async fn list(
        &self,
        kind: Kind,
        project: &str,
        page_size: i32,
        page_token: &str,
    ) -> PubsubResult<(Vec<Resource>, String)> {
        names::parse_project(project)?;
        let prefix = format!("{project}/{}/", name_kind(kind).collection());
        let page = Page::read(prefix.clone(), page_size, page_token)?;
        let mut resources = Vec::new();
        let calls: Vec<_> = (0..self.mesh.shards())
            .map(|shard| {
                let command = AdminCommand::List {
                    kind,
                    prefix: (*prefix).into(),
                    after: page.after.clone(),
                    resources_max: page.size + 1,
                };
                self.admin(shard, command)
            })
            .collect();
        for reply in futures_util::future::join_all(calls).await {
            match reply? {
                Ok(Reply::Resources(found)) => resources.extend(found),
                Ok(reply) => return Err(unexpected(&reply)),
                Err(refusal) => return Err(pubsub_refused(refusal, project)),
            }
        }
        resources.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        let token = page.cut(&mut resources, |resource| &resource.name);
        Ok((resources, token))
    }

    /// A page of the names of a topic's subscriptions or snapshots, and the token of the next.
    pub(super) async fn list_of_topic(
        &self,
        topic: &str,
        kind: Kind,
        page_size: i32,
        page_token: &str,
    ) -> PubsubResult<(Vec<String>, String)> {
        names::parse(names::Kind::Topic, topic)?;
        self.existing(Kind::Topic, topic).await?;
        let list = format!("{topic}/{}/", name_kind(kind).collection());
        let page = Page::read(list, page_size, page_token)?;
        let command = AdminCommand::ListOfTopic {
            topic: topic.into(),
            kind,
            after: page.after.clone(),
            names_max: page.size + 1,
        };
        match self.admin(self.home_shard(topic), command).await? {
            Ok(Reply::Names(mut names)) => {
                let token = page.cut(&mut names, |name| name);
                Ok((names.into_iter().map(String::from).collect(), token))
            }
            Ok(reply) => Err(unexpected(&reply)),
            Err(refusal) => Err(pubsub_refused(refusal, topic)),
        }
    }

    /// Makes a subscription or snapshot on `shard`. Its name belongs to no shard, so it is reserved
    /// on one while all are asked whether it is free. Goes on to the end though the client may go.
    pub(super) async fn create_under_name(
        self: Rc<Self>,
        kind: Kind,
        shard: u16,
        name: String,
        command: AdminCommand,
    ) -> PubsubResult<Result<Resource, PubsubRefusal>> {
        run_to_its_end(async move {
            self.reserve(&name).await?;
            let outcome = match self.find(kind, &name).await {
                Ok(None) => self.for_resource(shard, command).await,
                Ok(Some(_)) => Err(already_exists(leaf(&name))),
                Err(error) => Err(error),
            };
            self.release(&name).await;
            if let Ok(Ok(resource)) = &outcome {
                self.tell_deliverer(resource);
            }
            outcome
        })
        .await
    }

    async fn reserve(&self, name: &str) -> PubsubResult<()> {
        for _ in 0..RESERVED_MAX {
            let command = AdminCommand::Reserve { name: name.into() };
            match self.done(self.home_shard(name), command).await? {
                Ok(()) => return Ok(()),
                Err(PubsubRefusal::Reserved) => sleep(RESERVED_PAUSE).await,
                Err(refusal) => return Err(pubsub_refused(refusal, name)),
            }
        }
        Err(pubsub_refused(PubsubRefusal::Reserved, name))
    }

    async fn release(&self, name: &str) {
        // Refused only where the lane is full or the server stops: then the reservation goes, too.
        for _ in 0..RESERVED_MAX {
            let command = AdminCommand::Release { name: name.into() };
            if self.done(self.home_shard(name), command).await.is_ok() {
                return;
            }
            sleep(RESERVED_PAUSE).await;
        }
        tracing::error!(name, "can't release the reservation of a name");
    }
}

/// Runs something in a task of its own, so that it isn't cut off with the call that waits for it.
async fn run_to_its_end<T: 'static>(
    future: impl Future<Output = PubsubResult<T>> + 'static,
) -> PubsubResult<T> {
    struct Slot<T> {
        result: Option<PubsubResult<T>>,
        waker: Option<Waker>,
        ended: bool,
    }
    /// Wakes the waiting call, also if the task is dropped as the core ends.
    struct Ends<T>(Rc<RefCell<Slot<T>>>);
    impl<T> Drop for Ends<T> {
        fn drop(&mut self) {
            let mut slot = self.0.borrow_mut();
            slot.ended = true;
            if let Some(waker) = slot.waker.take() {
                waker.wake();
            }
        }
    }
    let slot = Rc::new(RefCell::new(Slot {
        result: None,
        waker: None,
        ended: false,
    }));
    let ends = Ends(slot.clone());
    spawn_local(async move {
        let result = future.await;
        ends.0.borrow_mut().result = Some(result);
    });
    poll_fn(|cx| {
        let mut slot = slot.borrow_mut();
        if slot.ended {
            return Poll::Ready(slot.result.take().unwrap_or_else(|| Err(stopping())));
        }
        slot.waker = Some(cx.waker().clone());
        Poll::Pending
    })
    .await
}

/// A number that nobody can guess.
pub(super) fn random_u64() -> PubsubResult<u64> {
    getrandom::u64().map_err(no_randomness)
}
