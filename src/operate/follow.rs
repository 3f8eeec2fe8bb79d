//! `lclq tail` and `lclq events`: server-sent events, line by line.

use super::client::Client;
use super::{Done, Failure};
use crate::cli::{EventsArgs, Output, Server, TailArgs, TailKind};
use prost_types::Timestamp;
use serde_json::Value;
use std::io::{self, BufRead, Write};

/// Follows what passes through a queue, topic or subscription.
pub fn tail(args: &TailArgs) -> Done {
    let by_name = if args.name.contains("/subscriptions/") {
        TailKind::Subscription
    } else if args.name.starts_with("projects/") {
        TailKind::Topic
    } else {
        TailKind::Queue
    };
    let kinds = match args.kind.unwrap_or(by_name) {
        TailKind::Queue => "queues",
        TailKind::Topic => "topics",
        TailKind::Subscription => "subscriptions",
    };
    let id = percent_encoding::utf8_percent_encode(&args.name, percent_encoding::NON_ALPHANUMERIC);
    let path = format!("{kinds}/{id}/tail");
    let project = [("project", args.project.as_str())];
    let query: &[_] = if kinds == "queues" { &[] } else { &project };
    follow(
        &args.server,
        &path,
        query,
        args.max,
        |kind, data| match kind {
            "message" => Some(message_line(data)),
            "missed" => Some(missed_line("messages", &data["messages"])),
            _ => None,
        },
    )
}

/// Follows changes of resources, and counts.
pub fn events(args: &EventsArgs) -> Done {
    let query = [("kinds", args.kinds.as_str())];
    follow(&args.server, "events", &query, args.max, |kind, data| {
        let text = |name: &str| data[name].as_str().unwrap_or_default();
        match kind {
            "resource" => Some(format!(
                "{}  {}  {}",
                text("change"),
                text("kind"),
                plain(text("name"))
            )),
            "stats" => Some(format!(
                "{}  visible {}  in flight {}  sent {}  received {}",
                time(&data["at"]),
                data["visible"],
                data["in_flight"],
                data["sent"],
                data["received"]
            )),
            "missed" => Some(missed_line("events", &data["events"])),
            _ => None,
        }
    })
}

/// Prints each event as `shown` has it, or its JSON on a line.
fn follow(
    server: &Server,
    path: &str,
    query: &[(&str, &str)],
    max: Option<u64>,
    shown: impl Fn(&str, &Value) -> Option<String>,
) -> Done {
    let reader = Client::of(server)?.follow(path, query)?;
    let mut kind = String::new();
    let mut printed = 0;
    for line in reader.lines() {
        let line = line.map_err(|error| {
            Failure::Unreachable(format!("the server says nothing more: {error}"))
        })?;
        if let Some(name) = line.strip_prefix("event: ") {
            name.clone_into(&mut kind);
        } else if line == ": following" && server.output == Output::Table {
            // Whoever scripts this learns when it has begun.
            writeln!(io::stderr(), "following")?;
        }
        let Some(data) = line.strip_prefix("data: ") else {
            continue;
        };
        let value: Value = serde_json::from_str(data).unwrap_or_default();
        let text = match server.output {
            Output::Table => shown(&kind, &value),
            Output::Json => Some(format!(r#"{{"event":"{kind}","data":{data}}}"#)),
            Output::Yaml => {
                let yaml = serde_yaml_ng::to_string(&value).map_err(io::Error::other)?;
                Some(format!("---\nevent: {kind}\n{yaml}").trim_end().to_owned())
            }
            Output::Name => ["message_id", "name"]
                .into_iter()
                .find_map(|name| value[name].as_str().map(str::to_owned)),
        };
        let Some(text) = text else {
            continue;
        };
        let mut out = io::stdout().lock();
        writeln!(out, "{text}")?;
        out.flush()?;
        if kind != "missed" {
            printed += 1;
        }
        if max.is_some_and(|max| printed >= max) {
            return Ok(());
        }
    }
    if kind == "end" {
        return Err(Failure::Missing("what was followed was deleted".to_owned()));
    }
    Err(Failure::Unreachable("the server has ended".to_owned()))
}

fn message_line(data: &Value) -> String {
    let text = |name: &str| data[name].as_str();
    let body = text("text").or(text("data")).unwrap_or_default();
    let group = text("group").map(|group| format!("  [{}]", plain(group)));
    format!(
        "{}  {}{}  {}",
        time(&data["at"]),
        text("message_id").unwrap_or_default(),
        group.unwrap_or_default(),
        plain(body)
    )
}

fn missed_line(what: &str, number: &Value) -> String {
    match number.as_u64() {
        Some(number) => format!("({number} {what} were missed)"),
        None => format!("({what} may have been missed)"),
    }
}

pub(super) fn time(ms: &Value) -> String {
    let ms = ms.as_u64().unwrap_or_default();
    Timestamp {
        seconds: (ms / 1000) as i64,
        nanos: (ms % 1000) as i32 * 1_000_000,
    }
    .to_string()
}

/// One line, without what a terminal would act on.
fn plain(text: &str) -> String {
    text.chars()
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect()
}
