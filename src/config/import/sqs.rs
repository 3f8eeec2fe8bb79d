//! Queues by their attributes in SQS, as most tools have them.

use super::{Imported, schema_of};
use serde_json::{Map, Value, json};

/// A queue with attributes by their names in SQS, whatever types their values have.
pub(super) fn queue(imported: &mut Imported, name: &str, attributes: &Map<String, Value>) {
    let is_fifo = attributes.get("FifoQueue").is_some_and(is_true);
    let name = if is_fifo && !name.ends_with(".fifo") {
        format!("{name}.fifo")
    } else {
        name.to_owned()
    };
    imported.add(
        "queues",
        Map::from_iter([("name".to_owned(), name.as_str().into())]),
    );
    for (attribute, value) in attributes {
        set(imported, &name, attribute, value);
    }
}

/// Sets an attribute of a queue that was added.
pub(super) fn set(imported: &mut Imported, queue: &str, attribute: &str, value: &Value) {
    let text = text(value);
    let result = match attribute {
        "FifoQueue" => return,
        "RedrivePolicy" if text.is_empty() => return,
        "RedrivePolicy" => dead_letter(&text).map(|value| ("dead-letter", value)),
        "Policy" if text.is_empty() => return,
        "Policy" => Some(("policy", text.as_str().into())),
        _ => typed(attribute, &text).map(|value| ("attributes", json!({attribute: value}))),
    };
    let Some((key, value)) = result else {
        imported.note(format!("queue {queue}: {attribute} = {text}: left out"));
        return;
    };
    let Some(resource) = imported.find("queues", &queue.into()) else {
        imported.note(format!(
            "queue {queue} isn't there: {attribute} is left out"
        ));
        return;
    };
    match (resource.get_mut(key), value) {
        (Some(Value::Object(has)), Value::Object(more)) if key == "attributes" => has.extend(more),
        (_, value) => drop(resource.insert(key.to_owned(), value)),
    }
}

/// Sets tags of a queue that was added.
pub(super) fn tag(imported: &mut Imported, queue: &str, tags: &Map<String, Value>) {
    let tags: Map<String, Value> = tags
        .iter()
        .map(|(tag, value)| (tag.clone(), text(value).into()))
        .collect();
    if tags.is_empty() {
        return;
    }
    match imported.find("queues", &queue.into()) {
        Some(resource) => drop(resource.insert("tags".to_owned(), tags.into())),
        None => imported.note(format!("queue {queue} isn't there: tags are left out")),
    }
}

pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn is_true(value: &Value) -> bool {
    text(value).eq_ignore_ascii_case("true")
}

/// An attribute's value by the type that our file has for it.
fn typed(attribute: &str, text: &str) -> Option<Value> {
    let schema = &schema_of("queues")["properties"]["attributes"]["properties"][attribute];
    match schema["type"].as_str() {
        Some("integer") => text.parse::<i64>().ok().map(Value::from),
        Some("boolean") => text
            .to_ascii_lowercase()
            .parse::<bool>()
            .ok()
            .map(Value::from),
        None if schema.is_null() => None,
        _ => Some(text.into()),
    }
}

/// A RedrivePolicy, which names the queue by its ARN.
fn dead_letter(policy: &str) -> Option<Value> {
    let policy: Value = serde_json::from_str(policy).ok()?;
    let queue = last_of(policy["deadLetterTargetArn"].as_str()?);
    let count = text(&policy["maxReceiveCount"]).parse::<u32>().ok()?;
    Some(json!({"queue": queue, "max-receive-count": count}))
}

/// The name at the end of an ARN or a URL.
pub(super) fn last_of(whole: &str) -> &str {
    whole.rsplit([':', '/']).next().unwrap_or(whole)
}
