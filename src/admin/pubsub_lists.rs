//! Lists of topics, subscriptions, snapshots and schemas.

use super::Admin;
use super::answers::{AdminError, AdminResult};
use super::pages::{Page, Pages};
use super::pubsub::{Project, PubsubResource, ask_shard, many};
use lclq_shards::command::Reply;
use lclq_shards::pubsub::command::{AdminCommand, Kind, Resource};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a shard is asked for at once.
const SHARD_PAGE: usize = 1000;

/// What a list of resources is sorted by.
#[derive(Deserialize, JsonSchema, Clone, Copy, Default, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum ResourceOrder {
    #[default]
    Name,
    CreatedAt,
    Attached,
    Available,
    Outstanding,
    OldestAgeMs,
    Streams,
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct ListResources {
    /// Only those of this project.
    project: Option<String>,
    /// Only those whose ids begin so; of one project.
    #[serde(default)]
    prefix: String,
    /// Only those whose ids have this in them.
    #[serde(default)]
    contains: String,
    /// Only those of this topic: its id in the project, or its full name.
    topic: Option<String>,
    /// What to sort by: name, created_at, attached, available, outstanding, oldest_age_ms or
    /// streams.
    #[serde(default)]
    sort: ResourceOrder,
    /// The greatest first; not by name.
    #[serde(default)]
    descending: bool,
    #[serde(flatten)]
    pages: Pages,
}

/// Resources of one kind, a page at a time.
#[derive(Serialize, JsonSchema)]
pub(super) struct ResourceList {
    resources: Vec<PubsubResource>,
    /// To be given as `after` for the next page; null after the last.
    next: Option<String>,
}

pub(super) async fn list(
    admin: &Admin,
    kind: Kind,
    query: &ListResources,
) -> AdminResult<ResourceList> {
    let is_by_name = query.sort == ResourceOrder::Name;
    if is_by_name && query.descending {
        return Err(AdminError::bad_request("names are in ascending order only"));
    }
    let prefix = match &query.project {
        Some(project) => format!("projects/{project}/{}/{}", many(kind), query.prefix),
        None => "projects/".to_owned(),
    };
    let topic = query.topic.as_deref().map(|topic| {
        let project = query.project.clone();
        Project { project }.full(Kind::Topic, topic)
    });
    let fits = |resource: &Resource| {
        let id = resource.name.rsplit('/').next().unwrap_or_default();
        id.starts_with(&*query.prefix)
            && id.contains(&*query.contains)
            && topic
                .as_deref()
                .is_none_or(|topic| resource.topic.as_deref() == Some(topic))
    };
    let most = query.pages.limit() + 1;
    let mut found: Vec<(String, Resource)> = Vec::new();
    let by_figure = (!is_by_name).then(|| query.pages.by_figure(query.descending));
    let mut best = by_figure.transpose()?;
    let figure = |resource: &Resource| match query.sort {
        ResourceOrder::Name => 0,
        ResourceOrder::CreatedAt => resource.created_at,
        ResourceOrder::Attached => resource.attached.into(),
        ResourceOrder::Available => resource.available,
        ResourceOrder::Outstanding => resource.outstanding,
        ResourceOrder::OldestAgeMs => resource.oldest_at.map_or(0, |at| u64::MAX - at),
        ResourceOrder::Streams => resource.streams.into(),
    };
    for shard in 0..admin.mesh.shards() {
        let mut after = query.pages.after.clone().filter(|_| is_by_name);
        let before = found.len();
        while found.len() - before < most {
            let command = AdminCommand::List {
                kind,
                prefix: prefix.as_str().into(),
                after: after.take().map(String::into_boxed_str),
                resources_max: SHARD_PAGE,
            };
            let Reply::Resources(resources) = ask_shard(admin, shard, command).await else {
                return Err(super::queues::unanswered(shard));
            };
            let is_last = resources.len() < SHARD_PAGE;
            after = resources.last().map(|last| last.name.to_string());
            let fitting = resources.into_iter().filter(&fits);
            if let Some(best) = &mut best {
                for resource in fitting {
                    best.add(figure(&resource), resource.name.to_string(), resource);
                }
            } else {
                let left = most - (found.len() - before);
                let fitting = fitting.take(left);
                found.extend(fitting.map(|resource| (resource.name.to_string(), resource)));
            }
            if is_last {
                break;
            }
            // Where there are many, others' turn comes between.
            crate::runtime::yield_now().await;
        }
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    let page = match best {
        Some(best) => best.page(),
        None => query.pages.by_name(found),
    };
    let Page { shown, next } = page;
    let resources = shown.into_iter().map(PubsubResource::of).collect();
    Ok(ResourceList { resources, next })
}
