//! Back to a server that has nothing: everything, or what one account, region or project has.
//! Everything includes fault rules; a production profile that is on begins anew, and regions are as the
//! server was started with.

use super::super::Admin;
use super::super::answers::{AdminError, AdminResult};
use super::super::route::{Asked, Json, NoQuery};
use lclq_shards::QueueName;
use lclq_shards::command::{Command, QueueCommand, QueueRef, Refusal, Reply};
use lclq_shards::pubsub::command::{AdminCommand, Kind, PubsubCommand};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::rc::Rc;

/// What one question to a shard brings at most.
const PAGE: usize = 1000;

/// What to delete; everything where nothing is said.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct ResetScope {
    account: Option<String>,
    region: Option<String>,
    project: Option<String>,
}

impl ResetScope {
    fn is_everything(&self) -> bool {
        self.account.is_none() && self.region.is_none() && self.project.is_none()
    }

    fn has_queues(&self) -> bool {
        self.project.is_none() || self.account.is_some() || self.region.is_some()
    }

    fn has_topics(&self) -> bool {
        self.project.is_some() || (self.account.is_none() && self.region.is_none())
    }

    fn holds(&self, queue: &QueueName) -> bool {
        let fits = |wanted: &Option<String>, name: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == name)
        };
        fits(&self.account, &queue.account) && fits(&self.region, &queue.region)
    }

    /// What the names of its topics and the like begin with.
    fn prefix(&self) -> Box<str> {
        match &self.project {
            Some(project) => format!("projects/{project}/").into(),
            None => "projects/".into(),
        }
    }
}

/// How much was deleted.
#[derive(Serialize, JsonSchema)]
pub(in crate::admin) struct ResetAnswer {
    queues: usize,
    topics_subscriptions_snapshots_schemas: usize,
}

pub(in crate::admin) async fn reset(
    admin: Rc<Admin>,
    asked: Asked<NoQuery, Json<ResetScope>>,
) -> AdminResult<ResetAnswer> {
    super::allowed(&admin)?;
    let scope = &asked.body.0;
    let (queues, resources) = delete_all(&admin, scope, &HashSet::new()).await?;
    if scope.is_everything() {
        admin.controls.faults.clear();
        admin.controls.profile.begin_anew();
        admin.controls.regions.begin_anew();
    }
    tracing::warn!(queues, resources, "a test has reset the server");
    Ok(ResetAnswer {
        queues,
        topics_subscriptions_snapshots_schemas: resources,
    })
}

/// Deletes everything but the queues of these keys.
pub(super) async fn clear(admin: &Admin, but: &HashSet<String>) -> AdminResult<()> {
    delete_all(admin, &ResetScope::default(), but).await?;
    Ok(())
}

/// Answers how many queues were deleted, and how many other resources.
async fn delete_all(
    admin: &Admin,
    scope: &ResetScope,
    but: &HashSet<String>,
) -> AdminResult<(usize, usize)> {
    let (mut queues, mut resources) = (0, 0);
    for shard in 0..admin.mesh.shards() {
        if scope.has_queues() {
            queues += delete_queues(admin, shard, scope, but).await?;
        }
        if scope.has_topics() {
            // Those that hold on to others first.
            for kind in [
                Kind::Snapshot,
                Kind::Subscription,
                Kind::Topic,
                Kind::Schema,
            ] {
                resources += delete_resources(admin, shard, kind, scope).await?;
            }
        }
    }
    Ok((queues, resources))
}

async fn delete_queues(
    admin: &Admin,
    shard: u16,
    scope: &ResetScope,
    but: &HashSet<String>,
) -> AdminResult<usize> {
    let mut deleted = 0;
    let mut after: Option<Box<str>> = None;
    loop {
        let list = QueueCommand::ListAll {
            after: after.take(),
            queues_max: PAGE,
        };
        let Reply::DescribedAll(queues) = ask(admin, shard, queue_command(list)).await? else {
            return Err(unanswered(shard));
        };
        let found = queues.len();
        after = queues.last().map(|queue| queue.name.key().into());
        let ours = queues
            .into_iter()
            .filter(|queue| scope.holds(&queue.name) && !but.contains(&queue.name.key()));
        let ours: Vec<QueueRef> = ours.map(|queue| queue.queue).collect();
        for queue in ours {
            // Somebody else may have deleted it in the meantime.
            ask(admin, shard, queue_command(QueueCommand::Delete(queue))).await?;
            deleted += 1;
        }
        if found < PAGE {
            return Ok(deleted);
        }
    }
}

async fn delete_resources(
    admin: &Admin,
    shard: u16,
    kind: Kind,
    scope: &ResetScope,
) -> AdminResult<usize> {
    let mut deleted = 0;
    let mut after: Option<Box<str>> = None;
    loop {
        let list = AdminCommand::List {
            kind,
            prefix: scope.prefix(),
            after: after.take(),
            resources_max: PAGE,
        };
        let Reply::Resources(resources) = ask(admin, shard, pubsub_command(list)).await? else {
            return Err(unanswered(shard));
        };
        let found = resources.len();
        after = resources.last().map(|resource| resource.name.clone());
        for resource in resources {
            let name = resource.name;
            let delete = AdminCommand::Delete { kind, name };
            ask(admin, shard, pubsub_command(delete)).await?;
            deleted += 1;
        }
        if found < PAGE {
            return Ok(deleted);
        }
    }
}

fn queue_command(command: QueueCommand) -> Command {
    Command::Queue(Box::new(command))
}

fn pubsub_command(command: AdminCommand) -> Command {
    Command::Pubsub(Box::new(PubsubCommand::Admin(Box::new(command))))
}

/// A shard's answer; a refusal for want of what is to be deleted is as good as its end.
async fn ask(admin: &Admin, shard: u16, command: Command) -> AdminResult<Reply> {
    match admin.mesh.call(shard, command).await {
        Reply::Refused(Refusal::Overloaded | Refusal::JournalDown | Refusal::Stopping) => {
            Err(unanswered(shard))
        }
        reply => Ok(reply),
    }
}

fn unanswered(shard: u16) -> AdminError {
    AdminError::unavailable(format!("shard {shard} does not answer"))
}
