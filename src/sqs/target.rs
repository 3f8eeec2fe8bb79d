//! From a queue URL to the queue.

use super::actions::Action;
use super::error::{
    SqsError, SqsResult, deleted_recently, fixed_type, in_flight_limit, invalid_address,
    journal_down, missing_parameter, move_running, no_deduplication_id, no_queue, no_such_task,
    overloaded, purged_recently, queue_exists, stopping, unreachable,
};
use super::guard::Guard;
use super::names::{names_nothing, parse_queue_url};
use super::server::{Scope, Sqs};
use crate::mesh::{Definition, Directory, Stamp, ask_until_current};
use hashbrown::Equivalent;
use lclq_shards::command::{Command, Description, QueueCommand, QueueRef, Refusal, Reply};
use lclq_shards::{NameBucket, NameSpace, QueueName};
use std::cell::Cell;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

/// A queue that a URL stands for.
pub struct Target {
    pub name: QueueName,
    stamp: Stamp,
    queue: Cell<QueueRef>,
    /// What decisions about it take, where there are any.
    guard: Option<Box<Guard>>,
}

impl Target {
    pub fn is_fifo(&self) -> bool {
        self.name.name.ends_with(".fifo")
    }

    pub fn queue(&self) -> QueueRef {
        self.queue.get()
    }

    pub fn refresh(&self, queue: QueueRef) {
        self.queue.set(queue);
    }
}

impl Definition for Target {
    fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    fn bytes(&self) -> usize {
        let QueueName {
            region,
            account,
            name,
        } = &self.name;
        let guard = self.guard.as_ref().map_or(0, |guard| guard.bytes());
        size_of::<Self>() + region.len() + account.len() + name.len() + guard
    }

    /// But for what decides about it.
    fn is_checked_by_its_shard(&self) -> bool {
        self.guard.is_none()
    }
}

/// A queue URL in the scope of a request's default region and account.
#[derive(PartialEq)]
struct UrlInScope<'r> {
    region: &'r str,
    account: &'r str,
    url: &'r str,
}

impl UrlInScope<'_> {
    fn bytes(&self) -> usize {
        self.region.len() + self.account.len() + self.url.len()
    }
}

impl Hash for UrlInScope<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for part in [self.url, self.region, self.account] {
            state.write(part.as_bytes());
        }
    }
}

/// The same, kept.
pub struct KeptUrl {
    region: Box<str>,
    account: Box<str>,
    url: Box<str>,
}

impl From<&UrlInScope<'_>> for KeptUrl {
    fn from(of: &UrlInScope<'_>) -> Self {
        Self {
            region: of.region.into(),
            account: of.account.into(),
            url: of.url.into(),
        }
    }
}

impl Equivalent<KeptUrl> for UrlInScope<'_> {
    fn equivalent(&self, kept: &KeptUrl) -> bool {
        self.url == &*kept.url && self.region == &*kept.region && self.account == &*kept.account
    }
}

/// What queue URLs stand for.
pub type Targets = Directory<KeptUrl, Target>;

impl Sqs {
    /// The queue that a request names by its QueueUrl or by the path it was sent to.
    pub async fn target(&self, scope: &Scope<'_>, url: Option<&str>) -> SqsResult<Rc<Target>> {
        let url = match url {
            Some(url) => url,
            None if scope.path.len() > 1 => scope.path,
            None => return Err(missing_parameter("QueueUrl")),
        };
        let key = UrlInScope {
            region: scope.region,
            account: scope.account,
            url,
        };
        if let Some(target) = self.targets.get(&key) {
            scope.may_use(&target.name, target.guard.as_deref())?;
            return Ok(target);
        }
        // Boxed, so that the futures of hot methods don't carry its room.
        Box::pin(self.find_target(scope, &key)).await
    }

    async fn find_target(&self, scope: &Scope<'_>, key: &UrlInScope<'_>) -> SqsResult<Rc<Target>> {
        let UrlInScope {
            region,
            account,
            url,
        } = *key;
        let name = parse_queue_url(url, region, account).ok_or_else(|| {
            if names_nothing(url) {
                return no_queue();
            }
            invalid_address(url)
        })?;
        let bucket = NameBucket::of(NameSpace::Queue, &name.key());
        let find = async |stamp| {
            let (queue, guard) = match self.has_gate() {
                false => (self.resolve(&name).await?, None),
                true => {
                    let description = self.guarded(scope, &name).await?;
                    let guard = Guard::of(&description);
                    (description.queue, Some(Box::new(guard)))
                }
            };
            Ok(Target {
                name,
                stamp,
                queue: Cell::new(queue),
                guard,
            })
        };
        let target = self.targets.find(key, key.bytes(), bucket, find).await?;
        scope.may_use(&target.name, target.guard.as_deref())?;
        Ok(target)
    }

    /// What the queue of that name is. Who may not use it isn't told whether it is there.
    async fn guarded(&self, scope: &Scope<'_>, name: &QueueName) -> SqsResult<Box<Description>> {
        match self.describe_by_name(name).await? {
            Some(description) => Ok(description),
            None => {
                scope.may_use(name, None)?;
                Err(no_queue())
            }
        }
    }

    /// Finds a queue by its name, for who may use it.
    pub async fn resolve_for(&self, scope: &Scope<'_>, name: &QueueName) -> SqsResult<QueueRef> {
        self.resolve_for_also(scope, name, &[]).await
    }

    /// The same for who may do some other things with it as well.
    pub async fn resolve_for_also(
        &self,
        scope: &Scope<'_>,
        name: &QueueName,
        also: &[Action],
    ) -> SqsResult<QueueRef> {
        if scope.access.is_none() {
            return self.resolve(name).await;
        }
        let description = self.guarded(scope, name).await?;
        let guard = Guard::of(&description);
        scope.may_use(name, Some(&guard))?;
        for action in also {
            scope.may_also(*action, name, Some(&guard))?;
        }
        Ok(description.queue)
    }

    /// Checks that who asks may do something with a queue.
    pub async fn may(&self, scope: &Scope<'_>, name: &QueueName, action: Action) -> SqsResult<()> {
        if scope.access.is_none() {
            return Ok(());
        }
        let description = self.describe_by_name(name).await?;
        let guard = description.map(|description| Guard::of(&description));
        scope.may_also(action, name, guard.as_ref())
    }

    /// Finds a queue by its name.
    pub async fn resolve(&self, name: &QueueName) -> SqsResult<QueueRef> {
        let shard = name.shard(self.mesh.shards());
        let command = Command::Queue(Box::new(QueueCommand::Resolve(name.clone())));
        match self.mesh.call(shard, command).await {
            Reply::Queue(queue) => Ok(queue),
            Reply::Refused(refusal) => Err(refused(refusal, &name.name)),
            other => Err(unexpected(&other)),
        }
    }

    /// Has the target's shard carry out a command, whose queue must be `target.queue()`.
    pub async fn ask(&self, target: &Target, command: Command) -> SqsResult<Reply> {
        let anew = async |mut back| {
            // Deleted, purged or made again since it was resolved.
            let queue = self.resolve(&target.name).await?;
            target.queue.set(queue);
            retarget(&mut back, queue);
            Ok::<_, SqsError>((queue.shard, back))
        };
        let shard = target.queue().shard;
        match ask_until_current(&self.mesh, shard, command, anew).await? {
            Some(Reply::Refused(refusal)) => Err(refused(refusal, &target.name.name)),
            Some(reply) => Ok(reply),
            None => Err(no_queue()),
        }
    }

    /// The same for a command about the queue itself.
    pub async fn ask_queue(&self, target: &Target, command: QueueCommand) -> SqsResult<Reply> {
        self.ask(target, Command::Queue(Box::new(command))).await
    }
}

fn retarget(command: &mut Command, to: QueueRef) {
    use QueueCommand::*;
    match command {
        Command::Send { queue, .. }
        | Command::Delete { queue, .. }
        | Command::ChangeVisibility { queue, .. } => *queue = to,
        Command::Receive(receive) => receive.queue = to,
        Command::Queue(command) => match &mut **command {
            SetAttributes(queue, _)
            | Describe(queue)
            | Delete(queue)
            | Purge { queue, .. }
            | Tag(queue, _)
            | Untag(queue, _)
            | Peek { queue, .. }
            | Follow { queue, .. }
            | StartMove { source: queue, .. }
            | CancelMove(queue, _)
            | ListMoves(queue, _) => *queue = to,
            Resolve(_)
            | Create { .. }
            | List { .. }
            | ListAll { .. }
            | ListSources { .. }
            | ReturnDeliveries(_)
            | Figures { .. }
            | Journey(_)
            | Receivers(_)
            | Stats
            | Export(_)
            | Import(_) => {}
        },
        Command::Pubsub(_) | Command::Transfer(_) => {}
    }
}

/// The wire error for a refusal.
pub fn refused(refusal: Refusal, queue: &str) -> SqsError {
    match refusal {
        Refusal::NoQueue => no_queue(),
        Refusal::Exists(attribute) => queue_exists(attribute.name()),
        Refusal::DeletedRecently => deleted_recently(),
        Refusal::PurgedRecently => purged_recently(queue),
        Refusal::NoGroup => missing_parameter("MessageGroupId"),
        Refusal::NoDeduplicationId => no_deduplication_id(),
        Refusal::FixedType => fixed_type(),
        Refusal::InFlightLimit => in_flight_limit(),
        Refusal::MoveRunning => move_running(),
        Refusal::NoMove => no_such_task(),
        Refusal::Overloaded => overloaded(),
        Refusal::JournalDown => journal_down(),
        Refusal::Stopping => stopping(),
        Refusal::Unreachable => unreachable(),
        Refusal::Pubsub(_) => super::error::internal(),
    }
}

/// A reply that doesn't fit its command: a mistake of ours, said as such.
#[cold]
pub fn unexpected(reply: &Reply) -> SqsError {
    tracing::error!(?reply, "a shard's reply doesn't fit its command");
    super::error::internal()
}
