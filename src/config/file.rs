//! The file: TOML, held against its schema, with the line of everything that is wrong.

use super::declared::{At, Declared, LISTS, Queue, Schema, Snapshot, Subscription, Topic};
use super::layers::{Layer, Origin};
use super::schema;
use super::settings::{TABLES, place};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Bytes that a file may have.
const FILE_BYTES_MAX: u64 = 16 << 20;
/// How near a key has to be to be suggested; 1 is the same.
const LIKENESS_MIN: f64 = 0.8;
/// Errors that are told at once.
const ERRORS_MAX: usize = 50;

/// A file that is as it should be.
#[derive(Debug, Default)]
pub struct File {
    pub layer: Layer,
    pub declared: Declared,
}

/// Reads and checks a file.
///
/// # Errors
/// Everything that is wrong with it, a line for each.
pub fn read(path: &Path) -> Result<File, Vec<String>> {
    let name = path.display().to_string();
    let unreadable = |error: &dyn std::fmt::Display| vec![format!("{name}: {error}")];
    // Not by its length: a pipe has none.
    let mut text = String::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text));
    let bytes = read.map_err(|error| unreadable(&error))? as u64;
    if bytes > FILE_BYTES_MAX {
        return Err(unreadable(&format!("longer than {FILE_BYTES_MAX} bytes")));
    }
    parse(&name, path.parent().unwrap_or(Path::new("")), &text)
}

/// Checks the text of a file called `name`. Paths in it start at `directory`.
pub fn parse(name: &str, directory: &Path, text: &str) -> Result<File, Vec<String>> {
    let reader = Reader { name, text };
    let (table, broken) = DeTable::parse_recoverable(text);
    if !broken.is_empty() {
        let told = broken.iter().take(ERRORS_MAX).map(|error| {
            let line = error.span().map_or(1, |span| reader.line(&span));
            format!("{name}:{line}: {}", error.message().replace('\n', ", "))
        });
        return Err(told.collect());
    }
    let schema = schema::of_file();
    let mut errors = Vec::new();
    reader.table(table.get_ref(), table.span(), schema, "", &mut errors);
    if !errors.is_empty() {
        errors.sort_by_key(|(at, _)| *at);
        errors.truncate(ERRORS_MAX);
        let told = errors
            .into_iter()
            .map(|(at, error)| format!("{name}:{}: {error}", reader.line(&(at..at))));
        return Err(told.collect());
    }
    reader.take(table.get_ref(), directory)
}

struct Reader<'t> {
    name: &'t str,
    text: &'t str,
}

/// Where each is, in bytes, and what it is.
type Errors = Vec<(usize, String)>;

impl Reader<'_> {
    fn line(&self, span: &Range<usize>) -> usize {
        let before = self.text.as_bytes().get(..span.start).unwrap_or_default();
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }

    fn table(
        &self,
        table: &DeTable<'_>,
        span: Range<usize>,
        schema: &Value,
        at: &str,
        errors: &mut Errors,
    ) {
        let known = schema["properties"].as_object();
        for (key, value) in table {
            let name: &str = key.get_ref();
            let path = if at.is_empty() {
                name.to_owned()
            } else {
                format!("{at}.{name}")
            };
            let found = known.and_then(|known| known.get(name));
            match found
                .or_else(|| Some(&schema["additionalProperties"]).filter(|any| any.is_object()))
            {
                Some(schema) => self.value(value, schema, &path, errors),
                None => {
                    let names = known.into_iter().flat_map(Map::keys);
                    let told = unknown(&path, name, &names.map(String::as_str).collect::<Vec<_>>());
                    errors.push((key.span().start, told));
                }
            }
        }
        for name in schema["required"].as_array().into_iter().flatten() {
            let name = name.as_str().unwrap_or_default();
            if !table
                .iter()
                .any(|(key, _)| key.get_ref().as_ref() as &str == name)
            {
                errors.push((span.start, format!("{at}: {name} is missing")));
            }
        }
    }

    fn value(&self, value: &Spanned<DeValue<'_>>, schema: &Value, at: &str, errors: &mut Errors) {
        match (value.get_ref(), schema["type"].as_str()) {
            (DeValue::Table(table), Some("object")) => {
                self.table(table, value.span(), schema, at, errors);
            }
            (DeValue::Array(all), Some("array")) => {
                for (index, one) in all.iter().enumerate() {
                    self.value(one, &schema["items"], &format!("{at}[{index}]"), errors);
                }
            }
            (plain, _) => {
                let json = json(plain);
                if !json
                    .as_ref()
                    .is_some_and(|json| schema::allows(schema, json))
                {
                    let written = self.text.get(value.span()).unwrap_or_default();
                    let written = match plain {
                        DeValue::String(text)
                            if schema["type"] == "string"
                                || !schema::choices(schema).is_empty() =>
                        {
                            text
                        }
                        _ => written.lines().next().unwrap_or_default(),
                    };
                    let told = format!("{at}: {}", schema::refusal(schema, written));
                    errors.push((value.span().start, told));
                }
            }
        }
    }

    fn take(&self, table: &DeTable<'_>, directory: &Path) -> Result<File, Vec<String>> {
        let settings = schema::of_settings();
        let mut file = File::default();
        let mut errors = Vec::new();
        for (name, value) in table {
            let name: &str = name.get_ref();
            if let (Some((_, keys)), DeValue::Table(given)) = (
                TABLES.iter().find(|(table, _)| *table == name),
                value.get_ref(),
            ) {
                for (key, value) in given {
                    let found = keys
                        .iter()
                        .find(|(name, _)| *name == key.get_ref().as_ref() as &str);
                    let (Some((_, flag)), Some(mut json)) = (found, json(value.get_ref())) else {
                        continue;
                    };
                    if settings[*flag]["format"] == "path"
                        && let Some(path) = json.as_str()
                    {
                        json = directory.join(path).display().to_string().into();
                    }
                    let line = self.line(&key.span());
                    let origin = Origin::File {
                        file: self.name.to_owned(),
                        line,
                    };
                    file.layer.insert((*flag).to_owned(), (json, origin));
                }
            } else if LISTS.contains(&name)
                && let DeValue::Array(all) = value.get_ref()
            {
                for one in all {
                    self.resource(name, one, &mut file.declared, &mut errors);
                }
            }
        }
        if errors.is_empty() {
            Ok(file)
        } else {
            Err(errors)
        }
    }

    fn resource(
        &self,
        list: &str,
        value: &Spanned<DeValue<'_>>,
        declared: &mut Declared,
        errors: &mut Vec<String>,
    ) {
        let place = format!("{}:{}", self.name, self.line(&value.span()));
        let written = json(value.get_ref()).unwrap_or_default();
        let name = written["name"].as_str().unwrap_or_default();
        let twin = declared
            .entries()
            .find(|(other, _, other_name, _)| (*other, *other_name) == (list, name));
        if let Some((_, first, ..)) = twin {
            errors.push(format!(
                "{place}: {list}: {name} is declared at {first}, too"
            ));
            return;
        }
        let taken = match list {
            "queues" => self
                .at::<Queue>(value, written)
                .map(|at| declared.queues.push(at)),
            "schemas" => self
                .pubsub::<Schema>(value, written)
                .map(|at| declared.schemas.push(at)),
            "topics" => self
                .pubsub::<Topic>(value, written)
                .map(|at| declared.topics.push(at)),
            "subscriptions" => self
                .pubsub::<Subscription>(value, written)
                .map(|at| declared.subscriptions.push(at)),
            _ => self
                .pubsub::<Snapshot>(value, written)
                .map(|at| declared.snapshots.push(at)),
        };
        // The schema has let it pass, so this is a gap between the two.
        if let Err(error) = taken {
            errors.push(format!("{place}: {list}: {error}"));
        }
    }

    fn at<T: DeserializeOwned>(
        &self,
        value: &Spanned<DeValue<'_>>,
        written: Value,
    ) -> serde_json::Result<At<T>> {
        Ok(At {
            file: self.name.to_owned(),
            line: self.line(&value.span()),
            value: serde_json::from_value(written.clone())?,
            written,
        })
    }

    /// A resource as the REST API takes it.
    fn pubsub<T: DeserializeOwned + Serialize>(
        &self,
        value: &Spanned<DeValue<'_>>,
        written: Value,
    ) -> serde_json::Result<At<Value>> {
        let at = self.at::<T>(value, written)?;
        Ok(At {
            file: at.file,
            line: at.line,
            written: at.written,
            value: serde_json::to_value(at.value)?,
        })
    }
}

fn unknown(path: &str, name: &str, known: &[&str]) -> String {
    // A flag's name, or one with underscores: the key is known by another name or elsewhere.
    let dashed = name.replace('_', "-");
    let elsewhere = place(&dashed);
    if elsewhere != dashed {
        return format!("{path}: no such key; `{elsewhere}` is what --{dashed} says");
    }
    let near = known
        .iter()
        .map(|one| (strsim::jaro_winkler(one, &dashed), *one))
        .max_by(|one, other| one.0.total_cmp(&other.0));
    let mut holding = known.iter().filter(|one| one.contains(&dashed));
    if let (Some(only), None) = (holding.next(), holding.next()) {
        return format!("{path}: no such key; `{only}` is a near one");
    }
    match near {
        Some((likeness, near)) if likeness > LIKENESS_MIN => {
            format!("{path}: no such key; `{near}` is a near one")
        }
        _ => format!("{path}: no such key; there are {}", known.join(", ")),
    }
}

/// A value as JSON, unless it is a date or no number that there is.
fn json(value: &DeValue<'_>) -> Option<Value> {
    Some(match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .ok()?
            .into(),
        DeValue::Float(number) => number.as_str().parse::<f64>().ok()?.into(),
        DeValue::Boolean(value) => (*value).into(),
        DeValue::Datetime(_) => return None,
        DeValue::Array(all) => Value::Array(
            all.iter()
                .map(|one| json(one.get_ref()))
                .collect::<Option<_>>()?,
        ),
        DeValue::Table(table) => {
            let entry =
                |(key, value): (&Spanned<toml::de::DeString<'_>>, &Spanned<DeValue<'_>>)| {
                    Some((key.get_ref().to_string(), json(value.get_ref())?))
                };
            Value::Object(table.iter().map(entry).collect::<Option<_>>()?)
        }
    })
}
