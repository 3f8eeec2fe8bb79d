//! From a queue URL to the queue: resolved once, remembered per core.

use super::error::{
    Kind, SqsError, SqsResult, deleted_recently, fixed_type, in_flight_limit, journal_down,
    missing_parameter, move_running, no_deduplication_id, no_queue, no_such_task, overloaded,
    purged_recently, queue_exists, stopping,
};
use super::names::{names_nothing, parse_queue_url};
use super::server::{Scope, Sqs};
use hashbrown::{DefaultHashBuilder, HashTable};
use lclq_shards::QueueName;
use lclq_shards::command::{Command, QueueCommand, QueueRef, Refusal, Reply};
use std::cell::{Cell, RefCell};
use std::hash::{BuildHasher, Hasher};
use std::rc::Rc;

/// Queue URLs that one core remembers; beyond that it starts anew.
const REMEMBERED_MAX: usize = 65_536;
/// Resolutions after which a queue that is deleted and made again all the time counts as gone.
const STALE_MAX: usize = 4;

/// A queue that a URL stands for.
pub struct Target {
    pub name: QueueName,
    queue: Cell<QueueRef>,
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

/// What a URL stands for, in the scope of a request's default region and account.
struct Remembered {
    region: Box<str>,
    account: Box<str>,
    url: Box<str>,
    target: Rc<Target>,
}

impl Remembered {
    fn is(&self, region: &str, account: &str, url: &str) -> bool {
        &*self.url == url && &*self.region == region && &*self.account == account
    }
}

/// Remembered queues.
#[derive(Default)]
pub struct Targets {
    table: RefCell<HashTable<Remembered>>,
    /// Seeded at random: which URLs collide can't be told from outside.
    hasher: DefaultHashBuilder,
}

impl Targets {
    fn hash(&self, region: &str, account: &str, url: &str) -> u64 {
        let mut state = self.hasher.build_hasher();
        for part in [url, region, account] {
            state.write(part.as_bytes());
        }
        state.finish()
    }

    fn get(&self, region: &str, account: &str, url: &str) -> Option<Rc<Target>> {
        let hash = self.hash(region, account, url);
        let table = self.table.borrow();
        let found = table.find(hash, |known| known.is(region, account, url))?;
        Some(found.target.clone())
    }

    fn insert(&self, region: &str, account: &str, url: &str, target: Rc<Target>) {
        let hash = self.hash(region, account, url);
        let mut table = self.table.borrow_mut();
        if let Some(known) = table.find_mut(hash, |known| known.is(region, account, url)) {
            known.target = target;
            return;
        }
        if table.len() >= REMEMBERED_MAX {
            table.clear();
        }
        let remembered = Remembered {
            region: region.into(),
            account: account.into(),
            url: url.into(),
            target,
        };
        table.insert_unique(hash, remembered, |known| {
            self.hash(&known.region, &known.account, &known.url)
        });
    }
}

impl Sqs {
    /// The queue that a request names by its QueueUrl or by the path it was sent to.
    pub async fn target(&self, scope: &Scope<'_>, url: Option<&str>) -> SqsResult<Rc<Target>> {
        let url = match url {
            Some(url) => url,
            None if scope.path.len() > 1 => scope.path,
            None => return Err(missing_parameter("QueueUrl")),
        };
        if let Some(target) = self.targets.get(scope.region, scope.account, url) {
            return Ok(target);
        }
        let name = parse_queue_url(url, scope.region, scope.account).ok_or_else(|| {
            if names_nothing(url) {
                return no_queue();
            }
            SqsError::new(
                Kind::InvalidAddress,
                format!("The address {url} is not valid for this endpoint."),
            )
        })?;
        let queue = Box::pin(self.resolve(&name)).await?;
        let target = Rc::new(Target {
            name,
            queue: Cell::new(queue),
        });
        self.targets
            .insert(scope.region, scope.account, url, target.clone());
        Ok(target)
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
    pub async fn ask(&self, target: &Target, mut command: Command) -> SqsResult<Reply> {
        for _ in 0..STALE_MAX {
            match self.mesh.call(target.queue().shard, command).await {
                Reply::Stale(back) => {
                    // Deleted, purged or made again since it was resolved.
                    let queue = Box::pin(self.resolve(&target.name)).await?;
                    target.queue.set(queue);
                    command = *back;
                    retarget(&mut command, queue);
                }
                Reply::Refused(refusal) => return Err(refused(refusal, &target.name.name)),
                reply => return Ok(reply),
            }
        }
        Err(no_queue())
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
            | StartMove { source: queue, .. }
            | CancelMove(queue, _)
            | ListMoves(queue, _) => *queue = to,
            Resolve(_)
            | Create { .. }
            | List { .. }
            | ListAll { .. }
            | ListSources { .. }
            | ReturnDeliveries(_)
            | Stats => {}
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
        Refusal::Pubsub(_) => super::error::internal(),
    }
}

/// A reply that doesn't fit its command: a mistake of ours, said as such.
#[cold]
pub fn unexpected(reply: &Reply) -> SqsError {
    tracing::error!(?reply, "a shard's reply doesn't fit its command");
    super::error::internal()
}
