//! The file as it is written for people: a new one, what settings amount to, and the reference.

use super::declared::LISTS;
use super::file::File;
use super::layers::{Layer, Origin};
use super::load::Loaded;
use super::schema;
use super::secrets::masked;
use super::settings::TABLES;
use serde_json::{Map, Value, json};
use std::fmt::Write;
use toml_writer::ToTomlKey;

/// Columns of a comment.
const COLUMNS: usize = 96;

pub(super) fn toml_value(value: &Value) -> String {
    match value {
        Value::Object(all) => {
            // A key isn't written as a value is: a text of several lines is no key.
            let entry = |(name, value): (&String, &Value)| {
                format!("{} = {}", name.to_toml_key(), toml_value(value))
            };
            let all: Vec<String> = all.iter().map(entry).collect();
            format!("{{ {} }}", all.join(", "))
        }
        Value::Array(all) => {
            let all: Vec<String> = all.iter().map(toml_value).collect();
            format!("[{}]", all.join(", "))
        }
        Value::String(text) => toml::Value::from(text.as_str()).to_string(),
        other => other.to_string(),
    }
}

fn help(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn comment(out: &mut String, text: &str) {
    let mut line = String::from("#");
    for word in text.split_whitespace() {
        if line.len() + word.len() + 1 > COLUMNS {
            let _ = writeln!(out, "{line}");
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(out, "{line}");
}

/// A file with every key, its default and what it means. It changes nothing as it is.
pub fn init() -> String {
    let settings = schema::of_settings();
    let mut out = String::from(
        "# lclq start reads lclq.toml in its working directory, or what --config names.\n\
         # Flags go before the environment, and the environment before this file.\n",
    );
    for (table, keys) in TABLES {
        let _ = writeln!(out, "\n[{table}]");
        for (name, key) in *keys {
            let schema = &settings[*key];
            comment(
                &mut out,
                &format!("{} Allowed: {}.", help(schema), schema::expected(schema)),
            );
            match &schema["default"] {
                Value::Null => drop(writeln!(out, "# {name} =")),
                default => drop(writeln!(out, "{name} = {}", toml_value(default))),
            }
        }
    }
    out.push_str(EXAMPLES);
    out
}

const EXAMPLES: &str = r#"
# Resources that are made at the start, if they aren't there.

# [[queues]]
# name = "orders"
# attributes = { VisibilityTimeout = 60 }
# dead-letter = { queue = "orders-dead", max-receive-count = 5 }
# tags = { team = "shop" }

# [[queues]]
# name = "orders-dead"

# [[schemas]]
# name = "order"
# type = "PROTOCOL_BUFFER"
# definition = 'syntax = "proto3"; message Order { string id = 1; }'

# [[topics]]
# name = "events"
# labels = { team = "shop" }

# [[subscriptions]]
# name = "worker"
# topic = "events"
# ack-deadline-seconds = 30
# enable-message-ordering = true
# filter = 'attributes.kind = "order"'

# [[snapshots]]
# name = "before"
# subscription = "worker"
"#;

fn entries<'a>(
    settings: &'a Map<String, Value>,
    merged: &'a Layer,
    keys: &'a [(&str, &str)],
) -> impl Iterator<Item = (&'a str, &'a Value, &'a Origin)> {
    keys.iter().map(|(name, key)| {
        let origin = merged
            .get(*key)
            .map_or(&Origin::Default, |(_, origin)| origin);
        (*name, &settings[*key], origin)
    })
}

/// What settings amount to, as a file, each with where it comes from.
pub fn show_toml(loaded: &Loaded) -> String {
    let values = loaded.settings.values();
    let mut out = String::new();
    for (table, keys) in TABLES {
        let _ = writeln!(out, "[{table}]");
        for (name, value, origin) in entries(&values, &loaded.merged, keys) {
            let _ = match masked(name, value) {
                Value::Null => writeln!(out, "# {name} =  # {origin}"),
                value => writeln!(out, "{name} = {}  # {origin}", toml_value(&value)),
            };
        }
        out.push('\n');
    }
    for (list, place, _, written) in loaded.declared.entries() {
        let _ = writeln!(out, "[[{list}]]  # {place}");
        for (key, value) in written.as_object().into_iter().flatten() {
            let _ = writeln!(out, "{key} = {}", toml_value(&masked(key, value)));
        }
        out.push('\n');
    }
    out
}

/// The same as JSON.
pub fn show_json(loaded: &Loaded) -> Value {
    let values = loaded.settings.values();
    let mut all = Map::new();
    for (table, keys) in TABLES {
        let keys: Map<String, Value> = entries(&values, &loaded.merged, keys)
            .map(|(name, value, origin)| {
                let value = masked(name, value);
                let shown = json!({"value": value, "from": origin.to_string()});
                (name.to_owned(), shown)
            })
            .collect();
        all.insert((*table).to_owned(), keys.into());
    }
    for list in LISTS {
        all.insert((*list).to_owned(), json!([]));
    }
    for (list, place, name, written) in loaded.declared.entries() {
        let shown = json!({"name": name, "value": masked(list, written), "from": place});
        if let Some(Value::Array(list)) = all.get_mut(list) {
            list.push(shown);
        }
    }
    Value::Object(all)
}

/// Whether something in a file is masked where it is shown.
pub fn has_secrets(file: &File) -> bool {
    let mut settings = file.layer.iter();
    let mut declared = file.declared.entries();
    settings.any(|(key, (value, _))| masked(key, value) != *value)
        || declared.any(|(list, _, _, written)| masked(list, written) != *written)
}

/// The reference of the file, in Markdown.
pub fn reference() -> String {
    let settings = schema::of_settings();
    let mut out = String::from(REFERENCE_HEAD);
    for (table, keys) in TABLES {
        let _ = write!(
            out,
            "\n### [{table}]\n\n| Key | Flag | Default | Allowed | Meaning |\n|---|---|---|---|---|\n"
        );
        for (name, key) in *keys {
            let schema = &settings[*key];
            let default = match &schema["default"] {
                Value::Null => "-".to_owned(),
                default => format!("`{}`", toml_value(default)),
            };
            let _ = writeln!(
                out,
                "| `{name}` | `--{key}` | {default} | {} | {} |",
                cell(&schema::expected(schema)),
                cell(&help(schema))
            );
        }
    }
    out.push_str(REFERENCE_RESOURCES);
    let file = schema::of_file();
    for list in LISTS {
        let _ = write!(
            out,
            "\n### [[{list}]]\n\n| Key | Allowed | Meaning |\n|---|---|---|\n"
        );
        rows(&mut out, "", &file["properties"][*list]["items"]);
    }
    out
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('*', "\\*")
}

/// A row for each key, those of tables within after them.
fn rows(out: &mut String, at: &str, schema: &Value) {
    let required = schema["required"].as_array();
    let is_required =
        |name: &str| required.is_some_and(|all| all.iter().any(|required| required == name));
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        let must = if is_required(name) { "; required" } else { "" };
        let _ = writeln!(
            out,
            "| `{at}{name}` | {}{must} | {} |",
            cell(&schema::expected(schema)),
            cell(&help(schema))
        );
        rows(out, &format!("{at}{name}."), schema);
        rows(out, &format!("{at}{name}[]."), &schema["items"]);
    }
}

const REFERENCE_HEAD: &str = "\
# Configuration

Written by `lclq config reference`; the types in `src/config/` are its source.

A setting is a flag of `lclq start`, a variable of the environment (`--sqs-port` is
`LCLQ_SQS_PORT`) or a key of a TOML file. Flags go before the environment, and the environment
before the file. The file is the one that `--config` (`LCLQ_CONFIG`) names, else `lclq.toml` in the
working directory, if it is there; the first line that the server prints says which was read. Paths
in a file start at its folder.

- `lclq config init` prints a file with every key, its default and what it means.
- `lclq config check FILE` tells everything that is wrong with a file, with lines.
- `lclq config show` prints what all layers amount to, and where each value comes from.
- `lclq config schema` prints the JSON Schema of the file, docs/lclq.schema.json, for editors.
- `lclq config import FILE...` prints as such a file what ElasticMQ's and GoAWS' configurations, shell
  scripts for LocalStack, and Terraform's states and plans have; what it leaves out it tells.

A server that was started with a file reads it again on SIGHUP and on `POST /config/reload` (admin
port). It takes new values of `log.filter`, `server.allow-host`, `server.allow-origin`,
`server.apply-changes` and `pubsub.project`, and makes declared resources; the answer and the log name
other keys that have changed, which count from the next start on. A file with errors changes nothing.
`GET /config` answers with what is in effect, with user names, passwords and queries of URLs masked.

## Settings
";

const REFERENCE_RESOURCES: &str = "
## Declared resources

They are made before the server says that it is ready, through the services' own requests: what is
refused ends the start with file, line and the service's message. What exists already stays. Where
it differs from the file, that is logged, and changed if `server.apply-changes` is set; what the file
says nothing of is left as it is. Pub/Sub's names are short (`events`) or full
(`projects/local/topics/events`); short ones are of `pubsub.project`. Keys of Pub/Sub's tables are
the service's in kebab-case.
";
