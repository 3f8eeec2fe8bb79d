//! Queues as resources: list, make, look at, change, empty, delete.
//!
//! A queue is named in the path, with `region` and `account` as parameters where they aren't the
//! server's own.

use super::Admin;
use super::answers::{AdminError, AdminResult};
use super::pages::{Page, Pages};
use super::route::{Asked, Json, NoBody};
use http::StatusCode;
use lclq_shards::QueueName;
use lclq_shards::command::{Command, Description, QueueCommand, QueueRef, Refusal, Reply};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::rc::Rc;

/// What a shard is asked for at once.
const SHARD_PAGE: usize = 1000;

/// A queue.
#[derive(Serialize, JsonSchema)]
pub(super) struct Queue {
    name: String,
    region: String,
    account: String,
    arn: String,
    fifo: bool,
    /// Messages that can be received.
    visible: u64,
    /// Messages that were received and are neither deleted nor visible again.
    in_flight: u64,
    /// Messages that wait for their delay.
    delayed: u64,
    /// Messages that were sent or moved to it, since the server's start, like those that follow.
    sent: u64,
    /// Messages that were given out, each time.
    received: u64,
    /// Messages that clients deleted.
    deleted: u64,
    /// Time since the oldest message was sent, ms.
    oldest_age_ms: Option<u64>,
    /// Memory that its messages take.
    memory_bytes: u64,
    /// ms since 1970.
    created_at: u64,
    /// ms since 1970.
    modified_at: u64,
    /// Those that were set, by their names in SQS.
    attributes: BTreeMap<&'static str, String>,
    tags: BTreeMap<String, String>,
}

impl Queue {
    pub fn of(queue: Description) -> Self {
        let attributes = queue.attributes.into_iter();
        let now = crate::mesh::wall_clock();
        Self {
            arn: queue.name.arn(),
            fifo: queue.name.name.ends_with(".fifo"),
            name: queue.name.name.into(),
            region: queue.name.region.into(),
            account: queue.name.account.into(),
            visible: queue.counts.visible,
            in_flight: queue.counts.in_flight,
            delayed: queue.counts.delayed,
            sent: queue.traffic.sent,
            received: queue.traffic.received,
            deleted: queue.traffic.deleted,
            oldest_age_ms: queue.oldest_at.map(|at| now.saturating_sub(at)),
            memory_bytes: queue.memory_bytes,
            created_at: queue.created_at,
            modified_at: queue.modified_at,
            attributes: attributes
                .map(|(attribute, value)| (attribute.name(), value))
                .collect(),
            tags: queue.tags,
        }
    }
}

/// Which queue, where it isn't the server's own region or account.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Place {
    /// Region of the queue; the server's own where absent.
    pub region: Option<String>,
    /// Account of the queue; the server's own where absent.
    pub account: Option<String>,
}

impl Place {
    pub fn queue(&self, admin: &Admin, name: &str) -> QueueName {
        let region = self.region.as_deref().unwrap_or(&admin.config.region);
        let account = self.account.as_deref().unwrap_or(&admin.config.account);
        QueueName::new(region, account, name)
    }
}

/// What a list of queues is sorted by.
#[derive(Deserialize, JsonSchema, Clone, Copy, Default, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum QueueOrder {
    #[default]
    Name,
    Visible,
    InFlight,
    Delayed,
    OldestAgeMs,
    CreatedAt,
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct ListQueues {
    /// Only queues whose names begin so.
    #[serde(default)]
    prefix: String,
    /// Only queues whose names have this in them.
    #[serde(default)]
    contains: String,
    /// Only queues of this region.
    region: Option<String>,
    /// Only queues of this account.
    account: Option<String>,
    /// What to sort by: name, visible, in_flight, delayed, oldest_age_ms or created_at.
    #[serde(default)]
    sort: QueueOrder,
    /// The greatest first; not by name.
    #[serde(default)]
    descending: bool,
    #[serde(flatten)]
    pages: Pages,
}

impl ListQueues {
    fn holds(&self, name: &QueueName) -> bool {
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == found)
        };
        name.name.starts_with(&*self.prefix)
            && name.name.contains(&*self.contains)
            && is(&self.region, &name.region)
            && is(&self.account, &name.account)
    }
}

/// Queues, a page at a time.
#[derive(Serialize, JsonSchema)]
pub(super) struct QueueList {
    queues: Vec<Queue>,
    /// To be given as `after` for the next page; null after the last.
    next: Option<String>,
}

pub(super) async fn list(admin: Rc<Admin>, asked: Asked<ListQueues>) -> AdminResult<QueueList> {
    let query = &asked.query;
    let is_by_name = query.sort == QueueOrder::Name;
    if is_by_name && query.descending {
        return Err(AdminError::bad_request("names are in ascending order only"));
    }
    // By name, of each shard no more than a page of the whole, and one more to tell whether it is the
    // last.
    let most = query.pages.limit() + 1;
    let mut found: Vec<(String, Description)> = Vec::new();
    let by_figure = (!is_by_name).then(|| query.pages.by_figure(query.descending));
    let mut best = by_figure.transpose()?;
    let figure = |queue: &Description| match query.sort {
        QueueOrder::Name => 0,
        QueueOrder::Visible => queue.counts.visible,
        QueueOrder::InFlight => queue.counts.in_flight,
        QueueOrder::Delayed => queue.counts.delayed,
        QueueOrder::OldestAgeMs => queue.oldest_at.map_or(0, |at| u64::MAX - at),
        QueueOrder::CreatedAt => queue.created_at,
    };
    for shard in 0..admin.mesh.shards() {
        let mut after = query.pages.after.clone().filter(|_| is_by_name);
        let before = found.len();
        while found.len() - before < most {
            let command = QueueCommand::ListAll {
                after: after.take().map(String::into_boxed_str),
                queues_max: SHARD_PAGE,
            };
            let Reply::DescribedAll(queues) = ask_shard(&admin, shard, command).await else {
                return Err(unanswered(shard));
            };
            let is_last = queues.len() < SHARD_PAGE;
            after = queues.last().map(|queue| queue.name.key());
            let fitting = queues.into_iter().filter(|queue| query.holds(&queue.name));
            if let Some(best) = &mut best {
                for queue in fitting {
                    best.add(figure(&queue), queue.name.key(), queue);
                }
            } else {
                let left = most - (found.len() - before);
                found.extend(fitting.take(left).map(|queue| (queue.name.key(), queue)));
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
    let queues = shown.into_iter().map(Queue::of).collect();
    Ok(QueueList { queues, next })
}

/// A queue to make.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateQueue {
    /// One that ends in `.fifo` makes a FIFO queue.
    name: String,
    /// By their names in SQS; objects stand for their JSON.
    #[serde(default)]
    attributes: Map<String, Value>,
    #[serde(default)]
    tags: Map<String, Value>,
}

pub(super) async fn create(
    admin: Rc<Admin>,
    asked: Asked<Place, Json<CreateQueue>>,
) -> AdminResult<Queue> {
    let Json(wanted) = asked.body;
    let queue = asked.query.queue(&admin, &wanted.name);
    let mut attributes = texts(wanted.attributes, "attributes")?;
    // What the name says already need not be said again.
    if wanted.name.ends_with(".fifo") && !attributes.contains_key("FifoQueue") {
        attributes.insert("FifoQueue".to_owned(), "true".into());
    }
    let request = json!({
        "QueueName": wanted.name,
        "Attributes": attributes,
        "tags": texts(wanted.tags, "tags")?,
    });
    as_admin_answer(admin.sqs.act_inside(&queue, "CreateQueue", &request).await)?;
    shown(&admin, &queue).await
}

pub(super) async fn show(admin: Rc<Admin>, asked: Asked<Place>) -> AdminResult<Queue> {
    shown(&admin, &asked.query.queue(&admin, asked.part(0))).await
}

/// What to change of a queue.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeQueue {
    /// By their names in SQS.
    #[serde(default)]
    attributes: Map<String, Value>,
    /// Tags to set or, where null, to take off.
    #[serde(default)]
    tags: Map<String, Value>,
}

pub(super) async fn change(
    admin: Rc<Admin>,
    asked: Asked<Place, Json<ChangeQueue>>,
) -> AdminResult<Queue> {
    let queue = asked.query.queue(&admin, asked.part(0));
    let Json(wanted) = asked.body;
    let attributes = texts(wanted.attributes, "attributes")?;
    if !attributes.is_empty() {
        let request = json!({ "Attributes": attributes });
        ask(&admin, &queue, "SetQueueAttributes", request).await?;
    }
    let (off, set): (Map<_, _>, Map<_, _>) = wanted
        .tags
        .into_iter()
        .partition(|(_, value)| value.is_null());
    let set = texts(set, "tags")?;
    if !set.is_empty() {
        ask(&admin, &queue, "TagQueue", json!({ "Tags": set })).await?;
    }
    let off: Vec<&String> = off.keys().collect();
    if !off.is_empty() {
        ask(&admin, &queue, "UntagQueue", json!({ "TagKeys": off })).await?;
    }
    shown(&admin, &queue).await
}

/// What is gone.
#[derive(Serialize, JsonSchema)]
pub(super) struct Deleted {
    /// Its name.
    pub deleted: String,
}

pub(super) async fn delete(admin: Rc<Admin>, asked: Asked<Place>) -> AdminResult<Deleted> {
    let queue = asked.query.queue(&admin, asked.part(0));
    ask(&admin, &queue, "DeleteQueue", json!({})).await?;
    let deleted = asked.part(0).to_owned();
    Ok(Deleted { deleted })
}

/// What is empty.
#[derive(Serialize, JsonSchema)]
pub(super) struct Purged {
    /// Its name.
    pub purged: String,
}

pub(super) async fn purge(admin: Rc<Admin>, asked: Asked<Place, NoBody>) -> AdminResult<Purged> {
    let queue = asked.query.queue(&admin, asked.part(0));
    ask(&admin, &queue, "PurgeQueue", json!({})).await?;
    let purged = asked.part(0).to_owned();
    Ok(Purged { purged })
}

/// Has the dialect carry out an action on a queue.
pub(super) async fn ask(
    admin: &Admin,
    queue: &QueueName,
    action: &str,
    mut request: Value,
) -> AdminResult<Value> {
    request["QueueUrl"] = format!("/{}/{}", queue.account, queue.name).into();
    as_admin_answer(admin.sqs.act_inside(queue, action, &request).await)
}

pub(super) fn as_admin_answer((status, body): (StatusCode, Value)) -> AdminResult<Value> {
    if status.is_success() {
        return Ok(body);
    }
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    // `com.amazonaws.sqs#QueueDoesNotExist`
    let code = text("__type").rsplit('#').next().unwrap_or_default();
    let status = if matches!(code, "QueueDoesNotExist" | "NonExistentQueue") {
        StatusCode::NOT_FOUND
    } else {
        status
    };
    Err(AdminError::new(status, code, text("message")))
}

async fn shown(admin: &Admin, queue: &QueueName) -> AdminResult<Queue> {
    described(admin, queue).await.map(Queue::of)
}

/// A queue as its shard has it.
pub(super) async fn described(admin: &Admin, queue: &QueueName) -> AdminResult<Description> {
    let found = resolved(admin, queue).await?;
    match ask_shard(admin, found.shard, QueueCommand::Describe(found)).await {
        Reply::Described(description) => Ok(*description),
        // Deleted meanwhile.
        Reply::Stale(_) | Reply::Refused(Refusal::NoQueue) => Err(missing(queue)),
        _ => Err(unanswered(found.shard)),
    }
}

/// Where a queue lives.
pub(super) async fn resolved(admin: &Admin, queue: &QueueName) -> AdminResult<QueueRef> {
    let found = existing(admin, queue).await?;
    found.ok_or_else(|| missing(queue))
}

/// Where a queue lives, if there is one of that name.
pub(super) async fn existing(admin: &Admin, queue: &QueueName) -> AdminResult<Option<QueueRef>> {
    let shard = queue.shard(admin.mesh.shards());
    match ask_shard(admin, shard, QueueCommand::Resolve(queue.clone())).await {
        Reply::Queue(found) => Ok(Some(found)),
        Reply::Refused(Refusal::NoQueue) => Ok(None),
        _ => Err(unanswered(shard)),
    }
}

fn missing(queue: &QueueName) -> AdminError {
    AdminError::not_found(format!("there is no queue {}", queue.name))
}

pub(super) async fn ask_shard(admin: &Admin, shard: u16, command: QueueCommand) -> Reply {
    let command = Command::Queue(Box::new(command));
    admin.mesh.call(shard, command).await
}

pub(super) fn unanswered(shard: u16) -> AdminError {
    AdminError::unavailable(format!("shard {shard} does not answer"))
}

/// An object's values as texts: numbers and booleans, and objects, such as policies, as their JSON.
fn texts(members: Map<String, Value>, name: &str) -> AdminResult<Map<String, Value>> {
    members
        .into_iter()
        .map(|(key, value)| {
            let text = match value {
                Value::String(text) => text,
                Value::Null => {
                    let message = format!("{name}.{key} is null");
                    return Err(AdminError::bad_request(message));
                }
                other => other.to_string(),
            };
            Ok((key, text.into()))
        })
        .collect()
}
