//! The command line as an operator's tool: `lclq queue list` and its like, by the admin API of a
//! server here or elsewhere.

mod client;
mod clock;
mod fault;
mod follow;
mod message;
mod output;
mod portable;
mod profile;
mod pubsub;
mod region;
mod state;
mod top;
mod watch;

pub use clock::clock;
pub use fault::fault;
pub use follow::{events, tail};
pub use message::message;
pub use portable::{export, import};
pub use profile::profile;
pub use pubsub::{schema, snapshot, subscription, topic};
pub use region::region;
pub use state::state;
pub use top::top;
pub use watch::{connection, core, shard};

use crate::cli::{OperateArgs, Output, QueueCommand, QueueSort, Server};
use client::Client;
use output::{Column, print};
use serde_json::{Value, json};
use std::fmt;
use std::io::{self, Write};

/// Why a command came to nothing, and what the process exits with.
#[derive(Debug)]
pub enum Failure {
    /// The server refused: exit code 1.
    Refused(String),
    /// The server could not be reached, or answered what it never does: exit code 3.
    Unreachable(String),
    /// There is no such thing: exit code 4.
    Missing(String),
    /// The answer can't be written where it should go: exit code 1.
    Output(io::Error),
}

impl Failure {
    /// What the process exits with. 2 is for a command line that can't be understood.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Refused(_) | Self::Output(_) => 1,
            Self::Unreachable(_) => 3,
            Self::Missing(_) => 4,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(text) | Self::Unreachable(text) | Self::Missing(text) => {
                f.write_str(text)
            }
            Self::Output(error) => write!(f, "can't write the answer: {error}"),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// What every command does.
type Done = Result<(), Failure>;

const QUEUE_COLUMNS: &[Column] = &[
    Column::text("NAME", "name"),
    Column::number("VISIBLE", "visible"),
    Column::number("IN FLIGHT", "in_flight"),
    Column::number("DELAYED", "delayed"),
    Column::text("REGION", "region"),
    Column::text("ACCOUNT", "account"),
];

/// Says how the server is.
pub fn health(server: &Server) -> Done {
    let answer = Client::of(server)?.get("health", &[])?;
    print(server.output, &answer, &[Column::text("STATUS", "status")])
}

/// Shows counts over the server.
pub fn stats(server: &Server) -> Done {
    let answer = Client::of(server)?.get("stats", &[])?;
    if server.output != Output::Table {
        return print(server.output, &answer, &[]);
    }
    let rows: Vec<Value> = answer
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect();
    let columns = [
        Column::text("COUNT", "name"),
        Column::number("VALUE", "value"),
    ];
    print(server.output, &rows.into(), &columns)
}

/// Shows counts by shard.
pub fn shards(server: &Server) -> Done {
    let answer = Client::of(server)?.get("shards", &[])?;
    let columns = [
        Column::number("SHARD", "shard"),
        Column::number("QUEUES", "queues"),
        Column::number("TOPICS", "topics"),
        Column::number("VISIBLE", "visible"),
        Column::number("IN FLIGHT", "in_flight"),
        Column::number("MEMORY BYTES", "memory_bytes"),
    ];
    print(server.output, &answer["shards"], &columns)
}

/// Carries out a command about queues.
pub fn queue(args: OperateArgs<QueueCommand>) -> Done {
    let (server, client) = (&args.server, Client::of(&args.server)?);
    match args.command {
        QueueCommand::List {
            prefix,
            contains,
            sort,
        } => {
            let mut query = Vec::new();
            let filters = [("prefix", &prefix), ("contains", &contains)];
            query.extend(filters.into_iter().filter_map(|(name, value)| {
                let value = value.as_deref()?;
                Some((name, value))
            }));
            if let Some(sort) = sort {
                query.push(("sort", sort_of(sort)));
                query.push(("descending", "true"));
            }
            let queues = every_page(&client, "queues", "queues", &query)?;
            print(server.output, &queues.into(), QUEUE_COLUMNS)
        }
        QueueCommand::Create {
            name,
            attributes,
            tags,
        } => {
            let body =
                json!({ "name": name, "attributes": pairs(attributes), "tags": pairs(tags) });
            show_queue(server, &client.post("queues", &body)?)
        }
        QueueCommand::Show { name } => show_queue(server, &client.get(&path_of(&name, ""), &[])?),
        QueueCommand::Set {
            name,
            attributes,
            tags,
        } => {
            let body = json!({ "attributes": pairs(attributes), "tags": pairs(tags) });
            show_queue(server, &client.patch(&path_of(&name, ""), &body)?)
        }
        QueueCommand::Delete { name } => {
            client.delete(&path_of(&name, ""))?;
            say(
                server,
                &format!("queue {name} is deleted"),
                &json!({ "deleted": name }),
            )
        }
        QueueCommand::Purge { name } => {
            client.post(&path_of(&name, "/purge"), &json!({}))?;
            say(
                server,
                &format!("queue {name} is empty"),
                &json!({ "purged": name }),
            )
        }
        QueueCommand::Redrive {
            name,
            destination,
            rate,
        } => {
            let mut body = json!({});
            if let Some(destination) = destination {
                body["destination"] = destination.into();
            }
            if let Some(rate) = rate {
                body["rate"] = rate.into();
            }
            let answer = client.post(&path_of(&name, "/redrive"), &body)?;
            say(
                server,
                &format!("the messages of {name} are on their way back"),
                &answer,
            )
        }
    }
}

fn path_of(queue: &str, part: &str) -> String {
    let name = percent_encoding::utf8_percent_encode(queue, percent_encoding::NON_ALPHANUMERIC);
    format!("queues/{name}{part}")
}

fn sort_of(sort: QueueSort) -> &'static str {
    match sort {
        QueueSort::Visible => "visible",
        QueueSort::InFlight => "in_flight",
        QueueSort::Delayed => "delayed",
        QueueSort::OldestAge => "oldest_age_ms",
        QueueSort::Created => "created_at",
    }
}

/// Every page of a list.
fn every_page(
    client: &Client,
    path: &str,
    member: &str,
    filters: &[(&str, &str)],
) -> Result<Vec<Value>, Failure> {
    let (mut all, mut after) = (Vec::new(), None::<String>);
    loop {
        let mut query = vec![("limit", "1000")];
        query.extend(filters);
        if let Some(after) = &after {
            query.push(("after", after));
        }
        let mut page = client.get(path, &query)?;
        if let Value::Array(more) = page[member].take() {
            all.extend(more);
        }
        match page["next"].as_str() {
            Some(next) => after = Some(next.to_owned()),
            None => return Ok(all),
        }
    }
}

fn show_queue(server: &Server, queue: &Value) -> Done {
    if server.output == Output::Table {
        return show_members(server, queue);
    }
    print(server.output, queue, QUEUE_COLUMNS)
}

/// A thing's members as a table of two columns.
fn show_members(server: &Server, thing: &Value) -> Done {
    let mut rows = Vec::new();
    let members = thing.as_object().into_iter().flatten();
    for (name, value) in members {
        match value {
            Value::Object(inner) => rows.extend(
                inner
                    .iter()
                    .map(|(key, value)| json!({ "name": format!("{name}.{key}"), "value": value })),
            ),
            value => rows.push(json!({ "name": name, "value": value })),
        }
    }
    let columns = [
        Column::text("PROPERTY", "name"),
        Column::text("VALUE", "value"),
    ];
    print(server.output, &rows.into(), &columns)
}

/// A sentence for people, JSON for programs.
fn say(server: &Server, sentence: &str, answer: &Value) -> Done {
    if server.output == Output::Table {
        writeln!(io::stdout(), "{sentence}")?;
        return Ok(());
    }
    print(server.output, answer, &[])
}

fn pairs(pairs: Vec<(String, Option<String>)>) -> Value {
    pairs
        .into_iter()
        .map(|(key, value)| (key, value.map_or(Value::Null, Value::from)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
