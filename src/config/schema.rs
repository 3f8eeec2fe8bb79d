//! What is allowed: JSON Schema made of the types, and what it says to people.

use super::declared::{LISTS, Queue, Schema, Snapshot, Subscription, Topic};
use super::forms::FORMS;
use super::given::Given;
use super::settings::{Settings, TABLES};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use std::sync::OnceLock;

/// The schema of a type, with nothing to look up and no null: what isn't given is left out.
fn of<T: JsonSchema>() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    tidy(&mut schema);
    schema
}

fn tidy(schema: &mut Value) {
    match schema {
        Value::Array(all) => all.iter_mut().for_each(tidy),
        Value::Object(map) => {
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    map.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(any)) = map.get_mut("anyOf") {
                any.retain(|one| one["type"] != "null");
                if let [Value::Object(only)] = any.as_mut_slice() {
                    let only = std::mem::take(only);
                    map.remove("anyOf");
                    for (key, value) in only {
                        map.entry(key).or_insert(value);
                    }
                }
            }
            if map.get("default") == Some(&Value::Null) {
                map.remove("default");
            }
            // A list's form is that of what is in it.
            if map.get("type").is_some_and(|name| name == "array")
                && let Some(format) = map.remove("format")
                && let Some(items) = map.get_mut("items")
            {
                items["format"] = format;
            }
            map.values_mut().for_each(tidy);
        }
        _ => {}
    }
}

/// The schemas of all settings, by key, with their defaults.
pub fn of_settings() -> Map<String, Value> {
    let mut given = of::<Given>();
    let defaults = Settings::default().values();
    let Some(properties) = given["properties"].as_object_mut() else {
        return Map::new();
    };
    for (key, schema) in properties.iter_mut() {
        match defaults.get(key) {
            Some(Value::Null) | None => {}
            Some(default) => schema["default"] = default.clone(),
        }
    }
    std::mem::take(properties)
}

/// The schema of the file. Made once: it is the same as long as the process runs, and takes a core some time.
pub fn of_file() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(made)
}

fn made() -> Value {
    let settings = of_settings();
    let mut properties = Map::new();
    for (table, keys) in TABLES {
        let keys: Map<String, Value> = keys
            .iter()
            .filter_map(|(name, key)| Some(((*name).to_owned(), settings.get(*key)?.clone())))
            .collect();
        properties.insert(
            (*table).to_owned(),
            json!({"type": "object", "additionalProperties": false, "properties": keys}),
        );
    }
    for kind in LISTS {
        let mut item = match *kind {
            "queues" => of::<Queue>(),
            "schemas" => of::<Schema>(),
            "topics" => of::<Topic>(),
            "subscriptions" => of::<Subscription>(),
            _ => of::<Snapshot>(),
        };
        let required = match *kind {
            "queues" | "topics" => json!(["name"]),
            "schemas" => json!(["name", "type", "definition"]),
            "subscriptions" => json!(["name", "topic"]),
            _ => json!(["name", "subscription"]),
        };
        item["required"] = required;
        properties.insert((*kind).to_owned(), json!({"type": "array", "items": item}));
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "lclq.toml",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

/// The texts of an enumeration.
pub fn choices(schema: &Value) -> Vec<&str> {
    if let Some(all) = schema["enum"].as_array() {
        return all.iter().filter_map(Value::as_str).collect();
    }
    let all = schema["oneOf"].as_array().into_iter().flatten();
    all.filter_map(|one| one["const"].as_str()).collect()
}

/// What a schema expects, for people.
pub fn expected(schema: &Value) -> String {
    let format = schema["format"].as_str();
    if let Some((_, text, _)) = FORMS.iter().find(|(name, ..)| Some(*name) == format) {
        return (*text).to_owned();
    }
    let choices = choices(schema);
    if !choices.is_empty() {
        return format!("one of {}", choices.join(", "));
    }
    match schema["type"].as_str() {
        Some("integer") => match (schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
            (Some(least), Some(most)) => format!("a whole number from {least} to {most}"),
            (Some(least), None) => format!("a whole number of at least {least}"),
            _ => "a whole number".to_owned(),
        },
        Some("number") => match (schema["minimum"].as_f64(), schema["maximum"].as_f64()) {
            (Some(least), Some(most)) => format!("a number from {least} to {most}"),
            _ => "a number".to_owned(),
        },
        Some("boolean") => "true or false".to_owned(),
        Some("array") => format!("a list, each {}", expected(&schema["items"])),
        Some("object") => match &schema["additionalProperties"] {
            Value::Object(any) => format!("a table, each value {}", expected(&any.clone().into())),
            _ => "a table".to_owned(),
        },
        Some("string") => "a text".to_owned(),
        _ => {
            let any = schema["anyOf"].as_array().into_iter().flatten();
            any.map(expected).collect::<Vec<_>>().join(", or ")
        }
    }
}

/// Whether a value that is no list and no table is as its schema wants it.
pub fn allows(schema: &Value, value: &Value) -> bool {
    if let Some(any) = schema["anyOf"].as_array() {
        return any.iter().any(|one| allows(one, value));
    }
    let choices = choices(schema);
    if !choices.is_empty() {
        return value.as_str().is_some_and(|text| choices.contains(&text));
    }
    match (schema["type"].as_str(), value) {
        (Some("integer"), Value::Number(number)) => {
            let Some(number) = number.as_i128() else {
                return false;
            };
            let bound = |name: &str| schema[name].as_i64().map(i128::from);
            bound("minimum").is_none_or(|least| number >= least)
                && bound("maximum").is_none_or(|most| number <= most)
        }
        (Some("number"), Value::Number(number)) => {
            let Some(number) = number.as_f64() else {
                return false;
            };
            let bound = |name: &str| schema[name].as_f64();
            bound("minimum").is_none_or(|least| number >= least)
                && bound("maximum").is_none_or(|most| number <= most)
        }
        (Some("boolean"), Value::Bool(_)) => true,
        (Some("string"), Value::String(text)) => {
            let format = schema["format"].as_str();
            let known = FORMS.iter().find(|(name, ..)| Some(*name) == format);
            known.is_none_or(|(_, _, check)| check(text))
        }
        _ => false,
    }
}

/// The one sentence about a value that isn't allowed, whichever layer it is from.
pub fn refusal(schema: &Value, value: &str) -> String {
    format!("expected {}, not `{value}`", expected(schema))
}
