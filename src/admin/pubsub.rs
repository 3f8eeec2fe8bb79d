//! Topics, subscriptions, snapshots and schemas: lists with figures, and what Pub/Sub's own REST API
//! does with each.
//!
//! A resource is named in the path by its id, with `project` as a parameter, or by its full name
//! (`projects%2Fp%2Ftopics%2Ft`). What it is made of, its `definition`, is as that API has it.

use super::Admin;
use super::answers::{AdminError, AdminResult};
use super::pubsub_lists::{ListResources, ResourceList, list};
use super::queues::Deleted;
use super::route::{Asked, Json, NoBody};
use crate::pubsub::push::{PushAnswer, PushOutcome};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use lclq_shards::command::{Command, Reply};
use lclq_shards::pubsub::command::{AdminCommand, Kind, PubsubCommand, Resource};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Where nobody names one.
const PROJECT_DEFAULT: &str = "local";

/// What kinds are called in paths and in answers.
pub(super) fn many(kind: Kind) -> &'static str {
    match kind {
        Kind::Topic => "topics",
        Kind::Subscription => "subscriptions",
        Kind::Snapshot => "snapshots",
        Kind::Schema => "schemas",
    }
}

/// Which project.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Project {
    /// `local` where absent.
    pub project: Option<String>,
}

impl Project {
    fn name(&self) -> &str {
        self.project.as_deref().unwrap_or(PROJECT_DEFAULT)
    }

    /// A resource's full name.
    pub fn full(&self, kind: Kind, id: &str) -> String {
        if id.starts_with("projects/") {
            return id.to_owned();
        }
        format!("projects/{}/{}/{id}", self.name(), many(kind))
    }
}

/// A topic, subscription, snapshot or schema.
#[derive(Serialize, JsonSchema)]
pub(super) struct PubsubResource {
    /// Its id within the project.
    name: String,
    project: String,
    full_name: String,
    /// ms since 1970.
    created_at: u64,
    /// Full name of the topic, of a subscription or snapshot whose topic still exists.
    topic: Option<String>,
    /// Subscriptions and snapshots of a topic.
    attached: Option<u32>,
    /// Messages of a subscription that can be delivered.
    available: Option<u64>,
    /// Messages of a subscription that are delivered and not acknowledged.
    outstanding: Option<u64>,
    /// Messages that were published to a topic, since the server's start, like those that follow.
    published: Option<u64>,
    /// Messages that a subscription delivered, each time.
    delivered: Option<u64>,
    /// Messages that a subscription's clients acknowledged.
    acknowledged: Option<u64>,
    /// Time since a subscription's oldest message that isn't acknowledged was published, ms.
    oldest_age_ms: Option<u64>,
    /// Open streams of a subscription.
    streams: Option<u32>,
    /// Whether a subscription is cut off its topic.
    detached: Option<bool>,
    /// When a snapshot expires, ms since 1970.
    expires_at: Option<u64>,
    /// Push requests of a subscription since it began to push, by what came of them: `ack`,
    /// `remote_server_4xx`, `remote_server_5xx`, `remote_server_other`, `deadline_exceeded`,
    /// `unreachable` or `internal`; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pushes: Option<BTreeMap<&'static str, u64>>,
    /// The latest of them, the latest first, no more than 20; not in lists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    latest_pushes: Vec<PushView>,
    /// As Pub/Sub's REST API shows it; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    definition: Option<Map<String, Value>>,
}

/// A push request that has ended.
#[derive(Serialize, JsonSchema)]
struct PushView {
    /// When, ms since 1970.
    at: u64,
    /// What came of it, as in `pushes`.
    outcome: &'static str,
    /// The answer's status, or why there was none.
    told: Box<str>,
    took_ms: u64,
    message_id: Box<str>,
}

impl From<PushAnswer> for PushView {
    fn from(answer: PushAnswer) -> Self {
        Self {
            at: answer.at,
            outcome: answer.outcome.name(),
            told: answer.told,
            took_ms: answer.took_ms,
            message_id: answer.message_id,
        }
    }
}

impl PubsubResource {
    pub fn of(resource: Resource) -> Self {
        let is = |kind| resource.kind == kind;
        let is_subscription = is(Kind::Subscription);
        let mut parts = resource.name.splitn(4, '/');
        let project = parts.nth(1).unwrap_or_default().to_owned();
        let name = parts.nth(1).unwrap_or_default().to_owned();
        let now = crate::mesh::wall_clock();
        let settings = resource.subscription.as_ref().filter(|_| is_subscription);
        Self {
            name,
            project,
            created_at: resource.created_at,
            topic: resource.topic.map(String::from),
            attached: is(Kind::Topic).then_some(resource.attached),
            available: is_subscription.then_some(resource.available),
            outstanding: is_subscription.then_some(resource.outstanding),
            published: is(Kind::Topic).then_some(resource.traffic.sent),
            delivered: is_subscription.then_some(resource.traffic.received),
            acknowledged: is_subscription.then_some(resource.traffic.deleted),
            oldest_age_ms: resource
                .oldest_at
                .filter(|_| is_subscription)
                .map(|at| now.saturating_sub(at)),
            streams: is_subscription.then_some(resource.streams),
            detached: settings.map(|settings| settings.detached),
            expires_at: resource.expires_at,
            pushes: None,
            latest_pushes: Vec::new(),
            full_name: resource.name.into(),
            definition: None,
        }
    }
}

pub(super) async fn ask_shard(admin: &Admin, shard: u16, command: AdminCommand) -> Reply {
    let command = PubsubCommand::Admin(Box::new(command));
    let command = Command::Pubsub(Box::new(command));
    admin.mesh.call(shard, command).await
}

/// Finds a resource on whichever shard it is.
pub(super) async fn find(admin: &Admin, kind: Kind, name: &str) -> AdminResult<Resource> {
    for shard in 0..admin.mesh.shards() {
        let name = name.into();
        match ask_shard(admin, shard, AdminCommand::Get { kind, name }).await {
            Reply::Resource(resource) => return Ok(*resource),
            Reply::Refused(lclq_shards::command::Refusal::Pubsub(_)) => {}
            _ => return Err(super::queues::unanswered(shard)),
        }
    }
    Err(AdminError::not_found(format!("there is no {name}")))
}

async fn shown(admin: &Admin, kind: Kind, name: &str) -> AdminResult<PubsubResource> {
    let resource = find(admin, kind, name).await?;
    let mut shown = PubsubResource::of(resource);
    let seen = admin.pubsub.as_ref().map(|pubsub| pubsub.push_seen());
    let latest = seen.map(|seen| seen.latest(name)).unwrap_or_default();
    shown.latest_pushes = latest.into_iter().map(PushView::from).collect();
    let pushed = seen.and_then(|seen| seen.seen(name));
    shown.pushes = pushed.map(|pushed| {
        let outcomes = PushOutcome::ALL.iter().map(|outcome| outcome.name());
        outcomes.zip(pushed).collect()
    });
    let definition = rest(admin, &Method::GET, &format!("/v1/{name}"), None).await?;
    if let Value::Object(definition) = definition {
        shown.definition = Some(definition);
    }
    Ok(shown)
}

/// A resource to make.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateResource {
    /// Its id.
    name: String,
    /// As Pub/Sub's REST API takes it.
    #[serde(default)]
    definition: Map<String, Value>,
}

async fn create(
    admin: &Admin,
    kind: Kind,
    asked: Asked<Project, Json<CreateResource>>,
) -> AdminResult<PubsubResource> {
    let Json(CreateResource { name, definition }) = asked.body;
    let full = asked.query.full(kind, &name);
    let (method, path) = if kind == Kind::Schema {
        let id = full.rsplit('/').next().unwrap_or_default();
        let parent = full.strip_suffix(&format!("/{id}")).unwrap_or_default();
        (Method::POST, format!("/v1/{parent}?schemaId={id}"))
    } else {
        (Method::PUT, format!("/v1/{full}"))
    };
    rest(admin, &method, &path, Some(definition.into())).await?;
    shown(admin, kind, &full).await
}

/// What to change of a resource.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeResource {
    /// Its new values, as Pub/Sub's REST API takes them.
    definition: Map<String, Value>,
    /// Names of the fields to change; those of the definition where absent.
    update_mask: Option<String>,
}

async fn change(
    admin: &Admin,
    kind: Kind,
    asked: Asked<Project, Json<ChangeResource>>,
) -> AdminResult<PubsubResource> {
    let full = asked.query.full(kind, asked.part(0));
    let Json(ChangeResource {
        mut definition,
        update_mask,
    }) = asked.body;
    let mask = update_mask.unwrap_or_else(|| {
        let names: Vec<&str> = definition.keys().map(String::as_str).collect();
        names.join(",")
    });
    definition.insert("name".to_owned(), full.as_str().into());
    let one = match kind {
        Kind::Topic => "topic",
        Kind::Subscription => "subscription",
        Kind::Snapshot => "snapshot",
        Kind::Schema => "schema",
    };
    let body = json!({ one: definition, "updateMask": mask });
    rest(admin, &Method::PATCH, &format!("/v1/{full}"), Some(body)).await?;
    shown(admin, kind, &full).await
}

async fn delete(admin: &Admin, kind: Kind, asked: Asked<Project>) -> AdminResult<Deleted> {
    let deleted = asked.query.full(kind, asked.part(0));
    rest(admin, &Method::DELETE, &format!("/v1/{deleted}"), None).await?;
    Ok(Deleted { deleted })
}

/// The handlers of a kind.
macro_rules! handlers {
    ($module:ident, $kind:expr) => {
        pub(super) mod $module {
            use super::*;

            pub async fn list(
                admin: Rc<Admin>,
                asked: Asked<ListResources>,
            ) -> AdminResult<ResourceList> {
                super::list(&admin, $kind, &asked.query).await
            }

            pub async fn create(
                admin: Rc<Admin>,
                asked: Asked<Project, Json<CreateResource>>,
            ) -> AdminResult<PubsubResource> {
                super::create(&admin, $kind, asked).await
            }

            pub async fn show(
                admin: Rc<Admin>,
                asked: Asked<Project>,
            ) -> AdminResult<PubsubResource> {
                let full = asked.query.full($kind, asked.part(0));
                super::shown(&admin, $kind, &full).await
            }

            pub async fn change(
                admin: Rc<Admin>,
                asked: Asked<Project, Json<ChangeResource>>,
            ) -> AdminResult<PubsubResource> {
                super::change(&admin, $kind, asked).await
            }

            pub async fn delete(admin: Rc<Admin>, asked: Asked<Project>) -> AdminResult<Deleted> {
                super::delete(&admin, $kind, asked).await
            }
        }
    };
}

handlers!(topics, Kind::Topic);
handlers!(subscriptions, Kind::Subscription);
handlers!(snapshots, Kind::Snapshot);

pub(super) mod schemas {
    use super::*;

    pub async fn list(admin: Rc<Admin>, asked: Asked<ListResources>) -> AdminResult<ResourceList> {
        super::list(&admin, Kind::Schema, &asked.query).await
    }

    pub async fn create(
        admin: Rc<Admin>,
        asked: Asked<Project, Json<CreateResource>>,
    ) -> AdminResult<PubsubResource> {
        super::create(&admin, Kind::Schema, asked).await
    }

    pub async fn show(admin: Rc<Admin>, asked: Asked<Project>) -> AdminResult<PubsubResource> {
        let full = asked.query.full(Kind::Schema, asked.part(0));
        shown(&admin, Kind::Schema, &full).await
    }

    /// Makes a new revision.
    pub async fn commit(
        admin: Rc<Admin>,
        asked: Asked<Project, Json<ChangeResource>>,
    ) -> AdminResult<PubsubResource> {
        let full = asked.query.full(Kind::Schema, asked.part(0));
        let mut definition = asked.body.0.definition;
        definition.insert("name".to_owned(), full.as_str().into());
        let path = format!("/v1/{full}:commit");
        let body = json!({ "name": full, "schema": definition });
        rest(&admin, &Method::POST, &path, Some(body)).await?;
        shown(&admin, Kind::Schema, &full).await
    }

    pub async fn delete(admin: Rc<Admin>, asked: Asked<Project>) -> AdminResult<Deleted> {
        super::delete(&admin, Kind::Schema, asked).await
    }
}

/// Has Pub/Sub's REST API carry something out.
pub(super) async fn rest(
    admin: &Admin,
    method: &Method,
    path: &str,
    body: Option<Value>,
) -> AdminResult<Value> {
    let Some(pubsub) = admin.pubsub.clone() else {
        return Err(AdminError::unavailable("the server starts or stops"));
    };
    let text = body.map_or_else(String::new, |body| body.to_string());
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(text)))
        .map_err(AdminError::bad_request)?;
    let answer = pubsub.rest_inside(request).await;
    let status = answer.status();
    let bytes = answer.into_body().into_bytes();
    let body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    if status.is_success() {
        return Ok(body);
    }
    let error = &body["error"];
    let text = |name: &str| error[name].as_str().unwrap_or_default();
    Err(match status {
        StatusCode::NOT_FOUND => AdminError::not_found(text("message")),
        status => AdminError::new(status, text("status"), text("message")),
    })
}

/// Nothing is to be answered but that it was done.
#[derive(Serialize, JsonSchema)]
pub(super) struct DoneAnswer {
    pub done: bool,
}

pub(super) async fn verb(admin: &Admin, full: &str, verb: &str, body: Value) -> AdminResult<Value> {
    rest(
        admin,
        &Method::POST,
        &format!("/v1/{full}:{verb}"),
        Some(body),
    )
    .await
}

pub(super) async fn detach(
    admin: Rc<Admin>,
    asked: Asked<Project, NoBody>,
) -> AdminResult<DoneAnswer> {
    let full = asked.query.full(Kind::Subscription, asked.part(0));
    verb(&admin, &full, "detach", json!({})).await?;
    Ok(DoneAnswer { done: true })
}
