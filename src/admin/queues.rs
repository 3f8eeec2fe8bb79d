//! Queues: list, make, look at, change, empty, delete; their messages; redrive.
//!
//! A queue is named in the path, with `region` and `account` as parameters where they aren't the
//! server's own.

use super::Admin;
use super::answers::{AdminError, AdminResult, ok, with_status};
use crate::http::ReplyBody;
use bytes::Bytes;
use http::{Method, Response, StatusCode};
use lclq_shards::QueueName;
use lclq_shards::command::{Command, Description, QueueCommand, Reply};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Queues of one answer.
const PAGE_DEFAULT: usize = 100;
const PAGE_MAX: usize = 1000;

/// A queue as the API shows it.
#[derive(Serialize)]
struct Shown {
    name: String,
    region: String,
    account: String,
    arn: String,
    fifo: bool,
    visible: u64,
    in_flight: u64,
    delayed: u64,
    /// ms since 1970.
    created_at: u64,
    modified_at: u64,
    /// Those that were set.
    attributes: BTreeMap<&'static str, String>,
    tags: BTreeMap<String, String>,
}

impl Shown {
    fn of(queue: Description) -> Self {
        let attributes = queue.attributes.into_iter();
        Self {
            arn: queue.name.arn(),
            fifo: queue.name.name.ends_with(".fifo"),
            name: queue.name.name.into(),
            region: queue.name.region.into(),
            account: queue.name.account.into(),
            visible: queue.counts.visible,
            in_flight: queue.counts.in_flight,
            delayed: queue.counts.delayed,
            created_at: queue.created_at,
            modified_at: queue.modified_at,
            attributes: attributes
                .map(|(attribute, value)| (attribute.name(), value))
                .collect(),
            tags: queue.tags,
        }
    }
}

pub(super) async fn answer(
    admin: &Admin,
    method: &Method,
    rest: &[&str],
    query: &str,
    body: &Bytes,
) -> AdminResult<Response<ReplyBody>> {
    let query = Parameters::read(query);
    match (method, rest) {
        (&Method::GET, []) => list(admin, &query).await,
        (&Method::POST, []) => create(admin, &query, body).await,
        (_, []) => Err(AdminError::wrong_method("GET or POST")),
        (&Method::GET, [name]) => {
            let queue = described(admin, &query.queue(admin, name)).await?;
            Ok(ok(&Shown::of(queue)))
        }
        (&Method::DELETE, [name]) => {
            ask(admin, &query.queue(admin, name), "DeleteQueue", json!({})).await?;
            Ok(with_status(StatusCode::OK, &json!({ "deleted": name })))
        }
        (&Method::PATCH, [name]) => change(admin, &query.queue(admin, name), body).await,
        (_, [_]) => Err(AdminError::wrong_method("GET, PATCH or DELETE")),
        (&Method::POST, [name, "purge"]) => {
            ask(admin, &query.queue(admin, name), "PurgeQueue", json!({})).await?;
            Ok(ok(&json!({ "purged": name })))
        }
        (&Method::POST, [name, "redrive"]) => redrive(admin, &query.queue(admin, name), body).await,
        (&Method::GET, [name, "messages"]) => {
            let queue = query.queue(admin, name);
            let parameters = [("Max", "max"), ("After", "after")];
            let parameters = parameters
                .into_iter()
                .filter_map(|(theirs, ours)| Some((theirs, query.get(ours)?)));
            let answer = admin.sqs.peek_inside(&queue, parameters).await;
            as_admin_answer(answer).map(|body| ok(&body))
        }
        (&Method::POST, [name, "messages"]) => {
            let sent = object(body)?;
            let answer = ask(admin, &query.queue(admin, name), "SendMessage", sent).await?;
            Ok(with_status(StatusCode::CREATED, &answer))
        }
        (&Method::POST, [name, "receive"]) => {
            let mut wanted = object(body)?;
            for names in ["MessageSystemAttributeNames", "MessageAttributeNames"] {
                wanted[names] = json!(["All"]);
            }
            let answer = ask(admin, &query.queue(admin, name), "ReceiveMessage", wanted).await?;
            let messages = answer.get("Messages").cloned();
            Ok(ok(
                &json!({ "messages": messages.unwrap_or_else(|| json!([])) }),
            ))
        }
        (&Method::POST, [name, "settle"]) => settle(admin, &query.queue(admin, name), body).await,
        (_, [_, "messages"]) => Err(AdminError::wrong_method("GET or POST")),
        (_, [_, "purge" | "redrive" | "receive" | "settle"]) => {
            Err(AdminError::wrong_method("POST"))
        }
        _ => Err(AdminError::not_found("a queue has no such part")),
    }
}

/// All queues, by name, a page at a time: `prefix`, `limit` (1-1000, 100), `after`.
async fn list(admin: &Admin, query: &Parameters) -> AdminResult<Response<ReplyBody>> {
    let limit = match query.get("limit") {
        None => PAGE_DEFAULT,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=PAGE_MAX).contains(limit))
            .ok_or_else(|| {
                AdminError::bad_request(format!("limit is a number from 1 to {PAGE_MAX}"))
            })?,
    };
    let prefix = query.get("prefix").unwrap_or_default();
    let mut found: Vec<(String, Description)> = Vec::new();
    for shard in 0..admin.mesh.shards() {
        let mut after = query.get("after").map(str::to_owned);
        let mut of_shard = 0;
        // A page of the whole is at most a page of each shard; one more tells whether it is the last.
        while of_shard <= limit {
            let command = QueueCommand::ListAll {
                after: after.take().map(String::into_boxed_str),
                queues_max: PAGE_MAX,
            };
            let command = Command::Queue(Box::new(command));
            let Reply::DescribedAll(queues) = admin.mesh.call(shard, command).await else {
                return Err(AdminError::unavailable(format!(
                    "shard {shard} does not answer"
                )));
            };
            let is_last = queues.len() < PAGE_MAX;
            after = queues.last().map(|queue| queue.name.key());
            let fitting = queues
                .into_iter()
                .filter(|queue| queue.name.name.starts_with(prefix))
                .take(limit + 1 - of_shard);
            let before = found.len();
            found.extend(fitting.map(|queue| (queue.name.key(), queue)));
            of_shard += found.len() - before;
            if is_last {
                break;
            }
        }
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    let is_last = found.len() <= limit;
    found.truncate(limit);
    let next = found
        .last()
        .map(|(key, _)| key.clone())
        .filter(|_| !is_last);
    let queues: Vec<Shown> = found
        .into_iter()
        .map(|(_, queue)| Shown::of(queue))
        .collect();
    Ok(ok(&json!({ "queues": queues, "next": next })))
}

/// `{"name": …, "attributes": {…}, "tags": {…}}`, attributes by their names in SQS.
async fn create(
    admin: &Admin,
    query: &Parameters,
    body: &Bytes,
) -> AdminResult<Response<ReplyBody>> {
    let asked = object(body)?;
    let Some(name) = asked.get("name").and_then(Value::as_str) else {
        return Err(AdminError::bad_request("name is missing"));
    };
    let queue = query.queue(admin, name);
    let mut request = json!({ "QueueName": name });
    let mut attributes = texts(asked.get("attributes"), "attributes")?;
    // What the name says already need not be said again.
    if name.ends_with(".fifo") && !attributes.contains_key("FifoQueue") {
        attributes.insert("FifoQueue".to_owned(), "true".into());
    }
    request["Attributes"] = attributes.into();
    request["tags"] = texts(asked.get("tags"), "tags")?.into();
    as_admin_answer(admin.sqs.act_inside(&queue, "CreateQueue", &request).await)?;
    let made = described(admin, &queue).await?;
    Ok(with_status(StatusCode::CREATED, &Shown::of(made)))
}

/// `{"attributes": {…}}`, and tags to set or, where null, to take off.
async fn change(
    admin: &Admin,
    queue: &QueueName,
    body: &Bytes,
) -> AdminResult<Response<ReplyBody>> {
    let asked = object(body)?;
    let attributes = texts(asked.get("attributes"), "attributes")?;
    if !attributes.is_empty() {
        let request = json!({ "Attributes": attributes });
        ask(admin, queue, "SetQueueAttributes", request).await?;
    }
    if let Some(tags) = asked.get("tags") {
        let off: Vec<&String> = tags
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(_, value)| value.is_null())
            .map(|(key, _)| key)
            .collect();
        let mut set = tags.clone();
        if let Some(set) = set.as_object_mut() {
            set.retain(|_, value| !value.is_null());
        }
        let set = texts(Some(&set), "tags")?;
        if !set.is_empty() {
            ask(admin, queue, "TagQueue", json!({ "Tags": set })).await?;
        }
        if !off.is_empty() {
            ask(admin, queue, "UntagQueue", json!({ "TagKeys": off })).await?;
        }
    }
    Ok(ok(&Shown::of(described(admin, queue).await?)))
}

/// Moves a dead-letter queue's messages back, or to `destination`: `{"destination": name, "rate": n}`.
async fn redrive(
    admin: &Admin,
    queue: &QueueName,
    body: &Bytes,
) -> AdminResult<Response<ReplyBody>> {
    let asked = object(body)?;
    let mut request = json!({ "SourceArn": queue.arn() });
    if let Some(destination) = asked.get("destination").and_then(Value::as_str) {
        let destination = QueueName::new(&queue.region, &queue.account, destination);
        request["DestinationArn"] = destination.arn().into();
    }
    if let Some(rate) = asked.get("rate") {
        request["MaxNumberOfMessagesPerSecond"] = rate.clone();
    }
    let answer = admin
        .sqs
        .act_inside(queue, "StartMessageMoveTask", &request);
    Ok(with_status(
        StatusCode::ACCEPTED,
        &as_admin_answer(answer.await)?,
    ))
}

/// `{"receipt": …}` deletes a message, with `"visibility_timeout"` it is kept for so long instead.
async fn settle(
    admin: &Admin,
    queue: &QueueName,
    body: &Bytes,
) -> AdminResult<Response<ReplyBody>> {
    let asked = object(body)?;
    let Some(receipt) = asked.get("receipt").and_then(Value::as_str) else {
        return Err(AdminError::bad_request("receipt is missing"));
    };
    let mut request = json!({ "ReceiptHandle": receipt });
    let action = match asked.get("visibility_timeout") {
        None => "DeleteMessage",
        Some(seconds) => {
            request["VisibilityTimeout"] = seconds.clone();
            "ChangeMessageVisibility"
        }
    };
    ask(admin, queue, action, request).await?;
    Ok(ok(&json!({ "settled": true })))
}

/// Has the dialect carry out an action on a queue.
async fn ask(
    admin: &Admin,
    queue: &QueueName,
    action: &str,
    mut request: Value,
) -> AdminResult<Value> {
    request["QueueUrl"] = format!("/{}/{}", queue.account, queue.name).into();
    as_admin_answer(admin.sqs.act_inside(queue, action, &request).await)
}

fn as_admin_answer((status, body): (StatusCode, Value)) -> AdminResult<Value> {
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

async fn described(admin: &Admin, queue: &QueueName) -> AdminResult<Description> {
    let shard = queue.shard(admin.mesh.shards());
    let missing = || AdminError::not_found(format!("there is no queue {}", queue.name));
    let resolve = Command::Queue(Box::new(QueueCommand::Resolve(queue.clone())));
    let Reply::Queue(found) = admin.mesh.call(shard, resolve).await else {
        return Err(missing());
    };
    let describe = Command::Queue(Box::new(QueueCommand::Describe(found)));
    match admin.mesh.call(shard, describe).await {
        Reply::Described(description) => Ok(*description),
        _ => Err(missing()),
    }
}

/// A body that is a JSON object, or nothing.
fn object(body: &Bytes) -> AdminResult<Value> {
    if body.is_empty() {
        return Ok(json!({}));
    }
    let value: Value = serde_json::from_slice(body).map_err(AdminError::bad_request)?;
    if !value.is_object() {
        return Err(AdminError::bad_request("the body is not a JSON object"));
    }
    Ok(value)
}

/// An object whose values are texts, numbers or booleans, as texts; anything else is an error.
fn texts(value: Option<&Value>, name: &str) -> AdminResult<serde_json::Map<String, Value>> {
    let members = match value {
        None => return Ok(serde_json::Map::new()),
        Some(Value::Object(members)) => members,
        Some(_) => return Err(AdminError::bad_request(format!("{name} is not an object"))),
    };
    members
        .iter()
        .map(|(key, value)| {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Null => {
                    let message = format!("{name}.{key} is null");
                    return Err(AdminError::bad_request(message));
                }
                // Policies, too: an object is what its text would be.
                other => other.to_string(),
            };
            Ok((key.clone(), text.into()))
        })
        .collect()
}

/// The parameters of a request.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn read(query: &str) -> Self {
        Self(
            form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(other, _)| other == name)?;
        Some(&found.1)
    }

    fn queue(&self, admin: &Admin, name: &str) -> QueueName {
        let region = self.get("region").unwrap_or(&admin.config.region);
        let account = self.get("account").unwrap_or(&admin.config.account);
        QueueName::new(region, account, name)
    }
}

/// Undoes percent-encoding.
pub(super) fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}
