//! Makes what the file declares, through the dialects' own requests, so that what is valid and what
//! is said about it is the service's.

use crate::config::Loaded;
use crate::config::declared::{At, Declared, Queue};
use crate::pubsub::PubsubEndpoint;
use crate::sqs::Sqs;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use lclq_shards::QueueName;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::rc::Rc;

/// What is to be made.
pub(super) struct Plan {
    declared: Declared,
    /// Project of names that give none.
    project: String,
    /// Whether what exists and differs is changed.
    apply: bool,
    /// Where queues are.
    region: String,
    account: String,
}

/// The services of one core that make it.
pub struct Services {
    /// Makes queues.
    pub sqs: Rc<Sqs>,
    /// Makes the rest.
    pub pubsub: Rc<PubsubEndpoint>,
}

/// What became of declared resources, by kind and name.
#[derive(Serialize, schemars::JsonSchema, Debug, Default)]
pub struct Made {
    /// They were not there.
    pub created: Vec<String>,
    /// They were there and differed.
    pub changed: Vec<String>,
    /// They are there and differ, and nobody said that this may be changed.
    pub differing: Vec<String>,
}

/// How a resource was found.
enum Found {
    Missing,
    AsDeclared,
    Changed,
    Differing,
}

impl Made {
    fn add<T>(&mut self, kind: &str, at: &At<T>, found: Found) {
        let list = match found {
            Found::Missing => &mut self.created,
            Found::Changed => &mut self.changed,
            Found::Differing => &mut self.differing,
            Found::AsDeclared => return,
        };
        list.push(format!("{kind} {}", at.name()));
    }
}

/// What isn't as declared, or the service's message.
type Outcome<T> = Result<T, String>;

impl Plan {
    /// What was loaded declares.
    pub(super) fn of(loaded: &Loaded) -> Self {
        let settings = &loaded.settings;
        Self {
            declared: loaded.declared.clone(),
            project: settings.pubsub_project.clone(),
            apply: settings.apply_changes,
            region: settings.region.clone(),
            account: settings.account.clone(),
        }
    }

    /// Makes everything, what is referred to first.
    ///
    /// # Errors
    /// File, line and name of the first that can't be made, with the service's message.
    pub(super) async fn make(&self, services: &Services) -> Outcome<Made> {
        let mut made = Made::default();
        let mut new = Vec::new();
        for at in &self.declared.queues {
            let is_new = self.queue(services, &at.value).await;
            new.push(is_new.map_err(|error| told(at, "queue", &error))?);
        }
        // Dead-letter queues are there by now, whichever stands first.
        for (at, is_new) in self.declared.queues.iter().zip(new) {
            let found = self.settle_queue(services, at, is_new).await;
            made.add(
                "queue",
                at,
                found.map_err(|error| told(at, "queue", &error))?,
            );
        }
        let kinds = [
            (&SCHEMA, &self.declared.schemas),
            (&TOPIC, &self.declared.topics),
            (&SUBSCRIPTION, &self.declared.subscriptions),
            (&SNAPSHOT, &self.declared.snapshots),
        ];
        for (kind, all) in kinds {
            for at in all {
                let found = self.pubsub(services, kind, at).await;
                made.add(
                    kind.name,
                    at,
                    found.map_err(|error| told(at, kind.name, &error))?,
                );
            }
        }
        Ok(made)
    }

    fn queue_name(&self, name: &str) -> QueueName {
        QueueName::new(&self.region, &self.account, name)
    }

    /// Makes a queue unless it is there; tells whether it did.
    async fn queue(&self, services: &Services, queue: &Queue) -> Outcome<bool> {
        let name = self.queue_name(&queue.name);
        let request = json!({"QueueName": queue.name});
        match sqs(services, &name, "GetQueueUrl", request).await {
            Ok(_) => return Ok(false),
            Err(refused) if refused.code == "QueueDoesNotExist" => {}
            Err(refused) => return Err(refused.into()),
        }
        let mut attributes = wanted(queue);
        if queue.name.ends_with(".fifo") {
            attributes.insert("FifoQueue".to_owned(), "true".into());
        }
        let request = json!({
            "QueueName": queue.name,
            "Attributes": attributes,
            "tags": queue.tags.clone().unwrap_or_default(),
        });
        sqs(services, &name, "CreateQueue", request).await?;
        Ok(true)
    }

    /// Brings a queue that is there in line with what is declared, as far as that may be.
    async fn settle_queue(
        &self,
        services: &Services,
        at: &At<Queue>,
        is_new: bool,
    ) -> Outcome<Found> {
        let queue = &at.value;
        let name = self.queue_name(&queue.name);
        let mut attributes = wanted(queue);
        if let Some(dead_letter) = &queue.dead_letter {
            let target = self.queue_name(&dead_letter.queue);
            let request = json!({"QueueName": dead_letter.queue});
            sqs(services, &target, "GetQueueUrl", request)
                .await
                .map_err(|refused| {
                    let (name, error) = (&dead_letter.queue, String::from(refused));
                    format!("dead-letter queue {name}: {error}")
                })?;
            let policy = json!({
                "deadLetterTargetArn": target.arn(),
                "maxReceiveCount": dead_letter.max_receive_count,
            });
            attributes.insert("RedrivePolicy".to_owned(), policy.to_string().into());
        }
        let request = json!({"AttributeNames": ["All"]});
        let has = sqs(services, &name, "GetQueueAttributes", request).await?;
        attributes.retain(|name, value| !same(&has["Attributes"][name.as_str()], value));
        let (tags, gone) = match &queue.tags {
            None => (Map::new(), Vec::new()),
            Some(wanted) => {
                let has = sqs(services, &name, "ListQueueTags", json!({})).await?;
                let has = has["Tags"].as_object().cloned().unwrap_or_default();
                let tags = wanted
                    .iter()
                    .filter(|(tag, value)| has.get(*tag).is_none_or(|has| has != *value))
                    .map(|(tag, value)| (tag.clone(), value.as_str().into()));
                let gone = has.keys().filter(|tag| !wanted.contains_key(*tag));
                (tags.collect(), gone.cloned().collect())
            }
        };
        let differing: Vec<String> = attributes
            .keys()
            .cloned()
            .chain(tags.keys().chain(&gone).map(|tag| format!("tag {tag}")))
            .collect();
        let found = if is_new {
            Found::Missing
        } else {
            self.may_change(at, "queue", &differing)
        };
        if !matches!(found, Found::Missing | Found::Changed) {
            return Ok(found);
        }
        if !attributes.is_empty() {
            let request = json!({"Attributes": attributes});
            sqs(services, &name, "SetQueueAttributes", request).await?;
        }
        if !tags.is_empty() {
            sqs(services, &name, "TagQueue", json!({"Tags": tags})).await?;
        }
        if !gone.is_empty() {
            sqs(services, &name, "UntagQueue", json!({"TagKeys": gone})).await?;
        }
        Ok(found)
    }

    /// Whether what differs is changed; says so either way.
    fn may_change<T>(&self, at: &At<T>, kind: &str, differing: &[String]) -> Found {
        if differing.is_empty() {
            return Found::AsDeclared;
        }
        let (place, name, differing) = (at.place(), at.name(), differing.join(", "));
        if self.apply {
            tracing::info!("{place}: {kind} {name}: changed as declared: {differing}");
            return Found::Changed;
        }
        tracing::warn!(
            "{place}: {kind} {name} exists and differs in {differing}; --apply-changes changes it"
        );
        Found::Differing
    }

    /// A name with the project that it is in.
    fn full(&self, name: &str, collection: &str) -> String {
        if name.contains('/') {
            name.to_owned()
        } else {
            format!("projects/{}/{collection}/{name}", self.project)
        }
    }

    async fn pubsub(&self, services: &Services, kind: &Kind, at: &At<Value>) -> Outcome<Found> {
        let mut body = at.value.clone();
        for (pointer, collection) in REFERENCES {
            if let Some(value) = body.pointer_mut(pointer)
                && let Some(name) = value.as_str()
            {
                *value = self.full(name, collection).into();
            }
        }
        let name = self.full(at.name(), kind.collection);
        let split = name.split_once(&format!("/{}/", kind.collection));
        let Some((project, id)) = split.filter(|(project, _)| project.starts_with("projects/"))
        else {
            let (project, collection) = (&self.project, kind.collection);
            return Err(format!(
                "its name has to be like projects/{project}/{collection}/NAME, or NAME alone"
            ));
        };
        if let Some(fields) = body.as_object_mut() {
            fields.remove("name");
        }
        let path = format!("/v1/{name}");
        let created = if kind.is_schema() {
            let path = format!("/v1/{project}/schemas?schemaId={id}");
            rest(services, Method::POST, &path, &body).await
        } else {
            rest(services, Method::PUT, &path, &body).await
        };
        match created {
            Ok(_) => return Ok(Found::Missing),
            Err((StatusCode::CONFLICT, _)) => {}
            Err((_, message)) => return Err(message),
        }
        let view = if kind.is_schema() { "?view=FULL" } else { "" };
        let has = rest(
            services,
            Method::GET,
            &format!("{path}{view}"),
            &Value::Null,
        )
        .await;
        let has = has.map_err(|(_, message)| message)?;
        let differing: Vec<String> = body
            .as_object()
            .into_iter()
            .flatten()
            // A snapshot is of what a subscription had once, and doesn't say of which.
            .filter(|(field, _)| !(kind.name == SNAPSHOT.name && *field == "subscription"))
            .filter(|(field, value)| !same_field(field, &has[field.as_str()], value))
            .map(|(field, _)| field.clone())
            .collect();
        let found = self.may_change(at, kind.name, &differing);
        if !matches!(found, Found::Changed) {
            return Ok(found);
        }
        body["name"] = name.as_str().into();
        let changed = if kind.is_schema() {
            let request = json!({"schema": body});
            rest(services, Method::POST, &format!("{path}:commit"), &request).await
        } else {
            let request = json!({kind.name: body, "updateMask": differing.join(",")});
            rest(services, Method::PATCH, &path, &request).await
        };
        changed.map(|_| found).map_err(|(_, message)| message)
    }
}

/// A kind of Pub/Sub resource.
struct Kind {
    name: &'static str,
    collection: &'static str,
}

impl Kind {
    fn is_schema(&self) -> bool {
        self.name == SCHEMA.name
    }
}

const SCHEMA: Kind = Kind {
    name: "schema",
    collection: "schemas",
};
const TOPIC: Kind = Kind {
    name: "topic",
    collection: "topics",
};
const SUBSCRIPTION: Kind = Kind {
    name: "subscription",
    collection: "subscriptions",
};
const SNAPSHOT: Kind = Kind {
    name: "snapshot",
    collection: "snapshots",
};

/// Where resources name others, and of what collection.
const REFERENCES: &[(&str, &str)] = &[
    ("/topic", "topics"),
    ("/subscription", "subscriptions"),
    ("/deadLetterPolicy/deadLetterTopic", "topics"),
    ("/schemaSettings/schema", "schemas"),
];

fn told<T>(at: &At<T>, kind: &str, error: &str) -> String {
    format!("{}: {kind} {}: {error}", at.place(), at.name())
}

/// The attributes that a queue should have, without what refers to other queues.
fn wanted(queue: &Queue) -> Map<String, Value> {
    let given = serde_json::to_value(&queue.attributes).unwrap_or_default();
    let given = given.as_object().into_iter().flatten();
    // SQS takes texts.
    let mut all: Map<String, Value> = given
        .map(|(name, value)| (name.clone(), plain(value).into()))
        .collect();
    if let Some(policy) = &queue.policy {
        all.insert("Policy".to_owned(), policy.as_str().into());
    }
    all
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Like [`same`]; a map of texts is there as a whole.
fn same_field(field: &str, has: &Value, wants: &Value) -> bool {
    if field == "labels" {
        let count = |map: &Value| map.as_object().map_or(0, Map::len);
        return count(has) == count(wants) && same(has, wants);
    }
    same(has, wants)
}

/// Whether what there is says what is wanted, however either is written: a default may be left
/// out, a number may be a text, JSON may have other blanks, and a duration other zeros.
fn same(has: &Value, wants: &Value) -> bool {
    match (has, wants) {
        (Value::Null, wants) => match wants {
            Value::Null | Value::Bool(false) => true,
            Value::String(text) => text.is_empty(),
            Value::Number(number) => number.as_f64() == Some(0.0),
            Value::Array(all) => all.is_empty(),
            Value::Object(all) => all.values().all(|one| same(&Value::Null, one)),
            Value::Bool(true) => false,
        },
        // Such as an expiration policy without a time: it never expires.
        (Value::Object(has), Value::Object(wants)) if wants.is_empty() => {
            has.values().all(|value| same(&Value::Null, value))
        }
        (Value::Object(has), Value::Object(wants)) => wants
            .iter()
            .all(|(key, value)| same(has.get(key).unwrap_or(&Value::Null), value)),
        (Value::Array(has), Value::Array(wants)) => {
            has.len() == wants.len() && has.iter().zip(wants).all(|(has, wants)| same(has, wants))
        }
        _ => {
            let (has, wants) = (plain(has), plain(wants));
            let json = |text: &str| serde_json::from_str::<Map<String, Value>>(text).ok();
            let seconds = |text: &str| text.strip_suffix('s')?.parse::<f64>().ok();
            let both = |has: Option<Map<String, Value>>| has.is_some() && has == json(&wants);
            has == wants
                || both(json(&has))
                || seconds(&has).is_some_and(|has| seconds(&wants) == Some(has))
        }
    }
}

/// What SQS says where it refuses.
struct Refused {
    code: String,
    message: String,
}

impl From<Refused> for String {
    fn from(refused: Refused) -> Self {
        format!("{}: {}", refused.code, refused.message)
    }
}

/// Asks SQS about a queue.
async fn sqs(
    services: &Services,
    queue: &QueueName,
    action: &str,
    mut request: Value,
) -> Result<Value, Refused> {
    if request.get("QueueName").is_none() {
        request["QueueUrl"] = format!("/{}/{}", queue.account, queue.name).into();
    }
    let (status, answer) = services.sqs.act_inside(queue, action, &request).await;
    if status.is_success() {
        return Ok(answer);
    }
    // `com.amazonaws.sqs#QueueDoesNotExist`
    let code = answer["__type"].as_str().unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default().to_owned();
    let message = answer["message"].as_str().unwrap_or_default().to_owned();
    Err(Refused { code, message })
}

/// Asks Pub/Sub; an error is its status and message.
async fn rest(
    services: &Services,
    method: Method,
    path: &str,
    body: &Value,
) -> Result<Value, (StatusCode, String)> {
    let body = if body.is_null() {
        Bytes::new()
    } else {
        body.to_string().into()
    };
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .body(Full::new(body))
        .map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
    let answer = services.pubsub.rest_inside(request).await;
    let status = answer.status();
    let body = answer.into_body().collect().await;
    let body = body
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    if status.is_success() {
        return Ok(answer);
    }
    let message = answer["error"]["message"].as_str().unwrap_or_default();
    Err((status, message.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_otherwise_is_the_same() {
        for (has, wants) in [
            (json!(null), json!(false)),
            (json!("5"), json!(5)),
            (json!("1.500s"), json!("1.5s")),
            (json!("{\"a\":1}"), json!("{ \"a\": 1 }")),
            (
                json!({"minimumBackoff": "1s", "maximumBackoff": "600s"}),
                json!({"minimumBackoff": "1s"}),
            ),
            (json!(null), json!({})),
            (json!({"writeMetadata": false}), json!({})),
        ] {
            assert!(same(&has, &wants), "{has} {wants}");
        }
        for (has, wants) in [
            (json!(null), json!(true)),
            (json!("5"), json!(6)),
            (json!("1s"), json!("2s")),
            (json!("{\"a\":1,\"b\":2}"), json!("{\"a\":1}")),
            (json!({"ttl": "600s"}), json!({})),
            (json!(["a"]), json!(["a", "b"])),
        ] {
            assert!(!same(&has, &wants), "{has} {wants}");
        }
        let (has, wants) = (json!({"a": "1", "b": "2"}), json!({"a": "1"}));
        assert!(!same_field("labels", &has, &wants));
    }
}
