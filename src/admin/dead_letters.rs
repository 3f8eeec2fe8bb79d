//! Where a queue's dead letters come from and go to.

use super::Admin;
use super::answers::AdminResult;
use super::attention::target_of;
use super::queues::{Place, Queue, ask_shard, described, unanswered};
use super::route::{Asked, Route, Scope};
use http::Method;
use lclq_shards::QueueName;
use lclq_shards::command::{QueueCommand, Reply};
use schemars::JsonSchema;
use serde::Serialize;
use std::rc::Rc;

/// Queues that are shown of those that send their dead letters to one.
const SOURCES_MAX: usize = 100;

/// The way of dead letters.
#[derive(Serialize, JsonSchema)]
struct DeadLetterWay {
    queue: Queue,
    /// ARN of the queue that its dead letters go to; null where they stay.
    target_arn: Option<String>,
    /// That queue; null where it doesn't exist.
    target: Option<Queue>,
    /// Queues whose dead letters come to it, by name; no more than 100.
    sources: Vec<Queue>,
    /// Whether there are more of them.
    has_more_sources: bool,
}

async fn show(admin: Rc<Admin>, asked: Asked<Place>) -> AdminResult<DeadLetterWay> {
    let name = asked.query.queue(&admin, asked.part(0));
    let queue = described(&admin, &name).await?;
    let target_name = target_of(&queue);
    let target = match &target_name {
        Some(target) => described(&admin, target).await.ok(),
        None => None,
    };
    let mut names = Vec::new();
    for shard in 0..admin.mesh.shards() {
        let command = QueueCommand::ListSources {
            target: name.clone(),
            after: None,
            names_max: SOURCES_MAX + 1,
        };
        let Reply::Names(found) = ask_shard(&admin, shard, command).await else {
            return Err(unanswered(shard));
        };
        names.extend(found);
    }
    names.sort_unstable();
    let has_more_sources = names.len() > SOURCES_MAX;
    let mut sources = Vec::new();
    for source in names.iter().take(SOURCES_MAX) {
        let source = QueueName::new(&name.region, &name.account, source);
        // One that has gone meanwhile is none.
        if let Ok(source) = described(&admin, &source).await {
            sources.push(Queue::of(source));
        }
    }
    Ok(DeadLetterWay {
        queue: Queue::of(queue),
        target_arn: target_name.map(|target| target.arn()),
        target: target.map(Queue::of),
        sources,
        has_more_sources,
    })
}

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        Method::GET,
        "/queues/{queue}/dead-letters",
        Scope::Read,
        (
            "getDeadLetterWay",
            "Where a queue's dead letters come from and go to, with what waits there",
        ),
        show,
    )]
}
