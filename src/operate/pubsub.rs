//! Topics, subscriptions, snapshots and schemas, by Pub/Sub's REST API on the admin endpoint.

use super::client::Client;
use super::output::{Column, print};
use super::{Done, Failure, say};
use crate::cli::{
    Output, ProjectArgs, SchemaCommand, SchemaKind, Server, SnapshotCommand, SubscriptionCommand,
    TopicCommand,
};
use clap::ValueEnum;
use clap::builder::PossibleValue;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

const MESSAGE_COLUMNS: &[Column] = &[
    Column::text("ID", "id"),
    Column::text("ORDERING KEY", "orderingKey"),
    Column::text("DATA", "data"),
    Column::text("ACK ID", "ackId"),
];

const PEEKED_COLUMNS: &[Column] = &[
    Column::text("ID", "message_id"),
    Column::text("STATE", "state"),
    Column::number("DELIVERIES", "deliveries"),
    Column::text("ORDERING KEY", "ordering_key"),
    Column::text("DATA", "text"),
];

const BACKLOG_COLUMNS: &[Column] = &[
    Column::text("NAME", "name"),
    Column::number("AVAILABLE", "available"),
    Column::number("OUTSTANDING", "outstanding"),
    Column::number("OLDEST MS", "oldest_age_ms"),
    Column::number("STREAMS", "streams"),
];

/// A kind of resource: how it is called in paths, and what a list shows of it.
struct Kind {
    one: &'static str,
    many: &'static str,
    columns: &'static [Column],
}

const TOPICS: Kind = Kind {
    one: "topic",
    many: "topics",
    columns: &[
        Column::text("NAME", "name"),
        Column::text("RETENTION", "messageRetentionDuration"),
    ],
};
const SUBSCRIPTIONS: Kind = Kind {
    one: "subscription",
    many: "subscriptions",
    columns: &[
        Column::text("NAME", "name"),
        Column::text("TOPIC", "topic"),
        Column::number("ACK DEADLINE", "ackDeadlineSeconds"),
        Column::text("FILTER", "filter"),
    ],
};
const SNAPSHOTS: Kind = Kind {
    one: "snapshot",
    many: "snapshots",
    columns: &[
        Column::text("NAME", "name"),
        Column::text("TOPIC", "topic"),
        Column::text("EXPIRES", "expireTime"),
    ],
};
const SCHEMAS: Kind = Kind {
    one: "schema",
    many: "schemas",
    columns: &[Column::text("NAME", "name"), Column::text("TYPE", "type")],
};

/// One project of a server.
struct Project<'a> {
    server: &'a Server,
    client: Client,
    name: &'a str,
}

impl Project<'_> {
    /// A resource's full name.
    fn full(&self, kind: &Kind, name: &str) -> String {
        if name.starts_with("projects/") {
            return name.to_owned();
        }
        format!("projects/{}/{}/{name}", self.name, kind.many)
    }

    fn path(&self, kind: &Kind, name: &str, verb: &str) -> String {
        format!("/v1/{}{verb}", self.full(kind, name))
    }

    /// Every page of the list.
    fn list(&self, kind: &Kind) -> Done {
        let path = format!("/v1/projects/{}/{}", self.name, kind.many);
        let (mut all, mut token) = (Vec::new(), String::new());
        loop {
            let query = [("pageSize", "1000"), ("pageToken", &token)];
            let mut page = self.client.get(&path, &query)?;
            if let Value::Array(more) = page[kind.many].take() {
                all.extend(more);
            }
            match page["nextPageToken"].as_str() {
                Some(next) if !next.is_empty() => token = next.to_owned(),
                _ => return print(self.server.output, &all.into(), kind.columns),
            }
        }
    }

    /// Has the admin API do something with a resource.
    fn post_api(&self, kind: &str, name: &str, verb: &str) -> Result<Value, Failure> {
        let id = utf8_percent_encode(name, NON_ALPHANUMERIC);
        let project = utf8_percent_encode(self.name, NON_ALPHANUMERIC);
        let path = format!("{kind}/{id}/{verb}?project={project}");
        self.client.post(&path, &json!({}))
    }

    fn create(&self, kind: &Kind, name: &str, body: &Value) -> Done {
        let made = self.client.put(&self.path(kind, name, ""), body)?;
        self.show(kind, &made)
    }

    fn shown(&self, kind: &Kind, name: &str) -> Done {
        let found = self.client.get(&self.path(kind, name, ""), &[])?;
        self.show(kind, &found)
    }

    fn show(&self, kind: &Kind, resource: &Value) -> Done {
        if self.server.output == Output::Table {
            return super::show_members(self.server, resource);
        }
        print(self.server.output, resource, kind.columns)
    }

    fn delete(&self, kind: &Kind, name: &str) -> Done {
        self.client.delete(&self.path(kind, name, ""))?;
        let sentence = format!("{} {name} is deleted", kind.one);
        say(
            self.server,
            &sentence,
            &json!({ "deleted": self.full(kind, name) }),
        )
    }
}

fn project<C: clap::Subcommand>(args: &ProjectArgs<C>) -> Result<Project<'_>, Failure> {
    Ok(Project {
        server: &args.server,
        client: Client::of(&args.server)?,
        name: &args.project,
    })
}

/// Carries out a command about topics.
pub fn topic(args: ProjectArgs<TopicCommand>) -> Done {
    let project = project(&args)?;
    match &args.command {
        TopicCommand::List => project.list(&TOPICS),
        TopicCommand::Create { name, retention } => {
            let mut body = json!({});
            if let Some(retention) = retention {
                body["messageRetentionDuration"] = retention.as_str().into();
            }
            project.create(&TOPICS, name, &body)
        }
        TopicCommand::Show { name } => project.shown(&TOPICS, name),
        TopicCommand::Delete { name } => project.delete(&TOPICS, name),
        TopicCommand::Publish {
            topic,
            data,
            attributes,
            ordering_key,
        } => {
            let mut message = json!({
                "data": base64_simd::STANDARD.encode_to_string(data),
                "attributes": super::pairs(attributes.clone()),
            });
            if let Some(key) = ordering_key {
                message["orderingKey"] = key.as_str().into();
            }
            let path = project.path(&TOPICS, topic, ":publish");
            let answer = project
                .client
                .post(&path, &json!({ "messages": [message] }))?;
            let shown = json!({ "id": answer["messageIds"][0] });
            print(args.server.output, &shown, &[Column::text("ID", "id")])
        }
    }
}

/// Carries out a command about subscriptions.
pub fn subscription(args: ProjectArgs<SubscriptionCommand>) -> Done {
    let project = project(&args)?;
    match &args.command {
        SubscriptionCommand::List => project.list(&SUBSCRIPTIONS),
        SubscriptionCommand::Create {
            name,
            topic,
            ack_deadline,
            filter,
            ordering,
            exactly_once,
            push_endpoint,
        } => {
            let mut body = json!({
                "topic": project.full(&TOPICS, topic),
                "enableMessageOrdering": ordering,
                "enableExactlyOnceDelivery": exactly_once,
            });
            if let Some(seconds) = ack_deadline {
                body["ackDeadlineSeconds"] = (*seconds).into();
            }
            if let Some(filter) = filter {
                body["filter"] = filter.as_str().into();
            }
            if let Some(url) = push_endpoint {
                body["pushConfig"] = json!({ "pushEndpoint": url });
            }
            project.create(&SUBSCRIPTIONS, name, &body)
        }
        SubscriptionCommand::Show { name } => project.shown(&SUBSCRIPTIONS, name),
        SubscriptionCommand::Delete { name } => project.delete(&SUBSCRIPTIONS, name),
        SubscriptionCommand::Peek {
            name,
            max,
            state,
            contains,
        } => {
            let state = state.as_ref().and_then(ValueEnum::to_possible_value);
            let state = state.as_ref().map(PossibleValue::get_name);
            let (mut found, mut after) = (Vec::new(), None::<String>);
            while found.len() < *max as usize {
                let left = (*max as usize - found.len()).to_string();
                let mut query = vec![("project", project.name), ("max", left.as_str())];
                query.extend(state.map(|state| ("state", state)));
                query.extend(contains.as_deref().map(|text| ("contains", text)));
                query.extend(after.as_deref().map(|after| ("after", after)));
                let id = utf8_percent_encode(name, NON_ALPHANUMERIC);
                let path = format!("subscriptions/{id}/messages");
                let mut answer = project.client.get(&path, &query)?;
                if let Value::Array(messages) = answer["messages"].take() {
                    found.extend(messages);
                }
                after = answer["next"].as_str().map(str::to_owned);
                if after.is_none() {
                    break;
                }
            }
            print(args.server.output, &found.into(), PEEKED_COLUMNS)
        }
        SubscriptionCommand::Pull { name, max, ack } => pull(&project, name, *max, *ack),
        SubscriptionCommand::Ack { name, ack_ids } => {
            let path = project.path(&SUBSCRIPTIONS, name, ":acknowledge");
            project.client.post(&path, &json!({ "ackIds": ack_ids }))?;
            let sentence = "the messages are acknowledged";
            say(&args.server, sentence, &json!({ "acknowledged": true }))
        }
        SubscriptionCommand::Keep {
            name,
            ack_ids,
            seconds,
        } => {
            let body = json!({ "ackIds": ack_ids, "ackDeadlineSeconds": seconds });
            let path = project.path(&SUBSCRIPTIONS, name, ":modifyAckDeadline");
            project.client.post(&path, &body)?;
            let sentence = format!("the messages are kept for {seconds} s");
            say(&args.server, &sentence, &json!({ "ack_deadline": seconds }))
        }
        SubscriptionCommand::Purge { name } => {
            project.post_api("subscriptions", name, "purge")?;
            let sentence = format!("subscription {name} is empty");
            let full = project.full(&SUBSCRIPTIONS, name);
            say(&args.server, &sentence, &json!({ "purged": full }))
        }
        SubscriptionCommand::Detach { name } => {
            project.post_api("subscriptions", name, "detach")?;
            let sentence = format!("subscription {name} is detached");
            let full = project.full(&SUBSCRIPTIONS, name);
            say(&args.server, &sentence, &json!({ "detached": full }))
        }
        SubscriptionCommand::Backlog { topic } => {
            let mut query = vec![("project", project.name)];
            query.extend(topic.as_deref().map(|topic| ("topic", topic)));
            let all = super::every_page(&project.client, "subscriptions", "resources", &query)?;
            print(args.server.output, &all.into(), BACKLOG_COLUMNS)
        }
        SubscriptionCommand::Seek {
            name,
            time,
            snapshot,
        } => {
            let body = match (time, snapshot) {
                (_, Some(snapshot)) => json!({ "snapshot": project.full(&SNAPSHOTS, snapshot) }),
                (time, None) => json!({ "time": time }),
            };
            let path = project.path(&SUBSCRIPTIONS, name, ":seek");
            project.client.post(&path, &body)?;
            let sentence = format!("subscription {name} has sought");
            say(&args.server, &sentence, &json!({ "sought": true }))
        }
    }
}

fn pull(project: &Project<'_>, name: &str, max: u32, ack: bool) -> Done {
    let body = json!({ "maxMessages": max, "returnImmediately": true });
    let path = project.path(&SUBSCRIPTIONS, name, ":pull");
    let answer = project.client.post(&path, &body)?;
    let none = Vec::new();
    let received = answer["receivedMessages"].as_array().unwrap_or(&none);
    let shown: Vec<Value> = received.iter().map(received_message).collect();
    print(project.server.output, &shown.into(), MESSAGE_COLUMNS)?;
    if ack && !received.is_empty() {
        let ids: Vec<&Value> = received.iter().map(|one| &one["ackId"]).collect();
        let path = project.path(&SUBSCRIPTIONS, name, ":acknowledge");
        project.client.post(&path, &json!({ "ackIds": ids }))?;
    }
    Ok(())
}

/// A message with its data as text where it is one, and in base64 where it isn't.
fn received_message(received: &Value) -> Value {
    let message = &received["message"];
    let encoded = message["data"].as_str().unwrap_or_default();
    let bytes = base64_simd::STANDARD.decode_to_vec(encoded);
    let text = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok());
    json!({
        "id": message["messageId"],
        "data": text.unwrap_or_else(|| encoded.to_owned()),
        "attributes": message["attributes"],
        "orderingKey": message["orderingKey"],
        "publishTime": message["publishTime"],
        "ackId": received["ackId"],
    })
}

/// Carries out a command about snapshots.
pub fn snapshot(args: ProjectArgs<SnapshotCommand>) -> Done {
    let project = project(&args)?;
    match &args.command {
        SnapshotCommand::List => project.list(&SNAPSHOTS),
        SnapshotCommand::Create { name, subscription } => {
            let subscription = project.full(&SUBSCRIPTIONS, subscription);
            project.create(&SNAPSHOTS, name, &json!({ "subscription": subscription }))
        }
        SnapshotCommand::Show { name } => project.shown(&SNAPSHOTS, name),
        SnapshotCommand::Delete { name } => project.delete(&SNAPSHOTS, name),
    }
}

/// Carries out a command about schemas.
pub fn schema(args: ProjectArgs<SchemaCommand>) -> Done {
    let project = project(&args)?;
    match &args.command {
        SchemaCommand::List => project.list(&SCHEMAS),
        SchemaCommand::Create {
            name,
            kind,
            definition,
        } => {
            let text = std::fs::read_to_string(definition).map_err(|error| {
                Failure::Refused(format!("can't read {}: {error}", definition.display()))
            })?;
            let kind = match kind {
                SchemaKind::Avro => "AVRO",
                SchemaKind::Protobuf => "PROTOCOL_BUFFER",
            };
            let body = json!({ "type": kind, "definition": text });
            let id = name.rsplit('/').next().unwrap_or_default();
            let path = format!("/v1/projects/{}/schemas?schemaId={id}", project.name);
            let made = project.client.post(&path, &body)?;
            project.show(&SCHEMAS, &made)
        }
        SchemaCommand::Show { name } => project.shown(&SCHEMAS, name),
        SchemaCommand::Delete { name } => project.delete(&SCHEMAS, name),
    }
}
