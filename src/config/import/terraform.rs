//! Terraform's state, and what `terraform show -json` says of states and plans.

use super::{Imported, schema_of, sqs};
use serde_json::{Map, Value, json};

/// Modules within modules.
const DEPTH_MAX: usize = 32;

pub(super) fn read(imported: &mut Imported, text: &str) -> Result<(), String> {
    let file: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut found = Vec::new();
    if let Some(resources) = file["resources"].as_array() {
        for resource in resources {
            let instances = resource["instances"].as_array().into_iter().flatten();
            found.extend(instances.map(|instance| (&resource["type"], &instance["attributes"])));
        }
    } else {
        let root = [&file["planned_values"], &file["values"]]
            .into_iter()
            .map(|values| &values["root_module"])
            .find(|root| root.is_object())
            .ok_or("it is neither a state nor what terraform show -json says")?;
        of_module(root, 0, &mut found);
    }
    // What is about queues comes after them, in whichever order they stand.
    let is_queue = |kind: &Value| kind == "aws_sqs_queue";
    for (_, attributes) in found.iter().filter(|(kind, _)| is_queue(kind)) {
        queue(imported, attributes);
    }
    for (kind, attributes) in found.iter().filter(|(kind, _)| !is_queue(kind)) {
        match kind.as_str().unwrap_or_default() {
            "aws_sqs_queue_policy" => of_queue(imported, attributes, "policy", "Policy"),
            "aws_sqs_queue_redrive_policy" => {
                of_queue(imported, attributes, "redrive_policy", "RedrivePolicy");
            }
            "aws_sqs_queue_redrive_allow_policy" => {
                of_queue(
                    imported,
                    attributes,
                    "redrive_allow_policy",
                    "RedriveAllowPolicy",
                );
            }
            "google_pubsub_topic" => of_pubsub(imported, "topics", attributes),
            "google_pubsub_subscription" => of_pubsub(imported, "subscriptions", attributes),
            "google_pubsub_schema" => of_pubsub(imported, "schemas", attributes),
            kind if kind.starts_with("aws_sqs_") || kind.starts_with("google_pubsub_") => {
                imported.note(format!("{kind}: left out"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn of_module<'v>(module: &'v Value, depth: usize, found: &mut Vec<(&'v Value, &'v Value)>) {
    let resources = module["resources"].as_array().into_iter().flatten();
    found.extend(resources.map(|resource| (&resource["type"], &resource["values"])));
    if depth < DEPTH_MAX {
        for child in module["child_modules"].as_array().into_iter().flatten() {
            of_module(child, depth + 1, found);
        }
    }
}

/// Terraform's names of attributes, and SQS'.
const ATTRIBUTES: &[(&str, &str)] = &[
    ("visibility_timeout_seconds", "VisibilityTimeout"),
    ("delay_seconds", "DelaySeconds"),
    ("message_retention_seconds", "MessageRetentionPeriod"),
    ("max_message_size", "MaximumMessageSize"),
    ("receive_wait_time_seconds", "ReceiveMessageWaitTimeSeconds"),
    ("fifo_queue", "FifoQueue"),
    ("content_based_deduplication", "ContentBasedDeduplication"),
    ("deduplication_scope", "DeduplicationScope"),
    ("fifo_throughput_limit", "FifoThroughputLimit"),
    ("kms_master_key_id", "KmsMasterKeyId"),
    (
        "kms_data_key_reuse_period_seconds",
        "KmsDataKeyReusePeriodSeconds",
    ),
    ("sqs_managed_sse_enabled", "SqsManagedSseEnabled"),
    ("policy", "Policy"),
    ("redrive_policy", "RedrivePolicy"),
    ("redrive_allow_policy", "RedriveAllowPolicy"),
];

fn queue(imported: &mut Imported, attributes: &Value) {
    let Some(name) = attributes["name"].as_str().filter(|name| !name.is_empty()) else {
        imported.note("an aws_sqs_queue whose name isn't known yet: left out");
        return;
    };
    let of_sqs = ATTRIBUTES.iter().filter_map(|(key, attribute)| {
        let value = &attributes[*key];
        (!is_unset(value)).then(|| ((*attribute).to_owned(), value.clone()))
    });
    let mut of_sqs: Map<String, Value> = of_sqs.collect();
    if !name.ends_with(".fifo") {
        // Terraform writes false where SQS has no such attribute.
        of_sqs.remove("ContentBasedDeduplication");
    }
    if of_sqs.contains_key("KmsMasterKeyId") {
        of_sqs.remove("SqsManagedSseEnabled");
    }
    sqs::queue(imported, name, &of_sqs);
    if let Some(tags) = attributes["tags"].as_object() {
        sqs::tag(imported, name, tags);
    }
}

/// What stands for what nobody has set.
fn is_unset(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(all) => all.is_empty(),
        _ => false,
    }
}

fn of_queue(imported: &mut Imported, attributes: &Value, key: &str, attribute: &str) {
    match (attributes["queue_url"].as_str(), &attributes[key]) {
        (Some(url), value) if !is_unset(value) => {
            sqs::set(imported, sqs::last_of(url), attribute, value);
        }
        _ => imported.note(format!("{key} of a queue that isn't known yet: left out")),
    }
}

fn of_pubsub(imported: &mut Imported, list: &'static str, attributes: &Value) {
    let Some(mut resource) = shaped(attributes, schema_of(list)) else {
        imported.note(format!("{list}: one without attributes: left out"));
        return;
    };
    let name = attributes["name"].as_str().unwrap_or_default();
    if let Some(project) = attributes["project"].as_str()
        && !name.contains('/')
    {
        let name = format!("projects/{project}/{list}/{name}");
        resource["name"] = name.into();
        // A short name is of the same project.
        if let Some(topic) = resource["topic"].as_str()
            && !topic.contains('/')
        {
            resource["topic"] = json!(format!("projects/{project}/topics/{topic}"));
        }
    }
    if let Value::Object(resource) = resource {
        imported.add(list, resource);
    }
}

/// What our file has of a value: keys with hyphens, and a block as a table, where Terraform has a
/// list of one.
fn shaped(value: &Value, schema: &Value) -> Option<Value> {
    if is_unset(value) {
        return None;
    }
    match (schema["type"].as_str(), value) {
        (Some("object"), Value::Array(all)) => match all.first() {
            // A block with nothing in it.
            Some(Value::Null) | None => Some(json!({})),
            Some(one) => shaped(one, schema),
        },
        (Some("object"), Value::Object(all)) if schema["properties"].is_object() => {
            let entry = |(key, value): (&String, &Value)| {
                let key = key.replace('_', "-");
                let schema = schema["properties"].get(&key)?;
                Some((key, shaped(value, schema)?))
            };
            Some(Value::Object(all.iter().filter_map(entry).collect()))
        }
        (Some("object"), Value::Object(all)) => (!all.is_empty()).then(|| value.clone()),
        (Some("array"), Value::Array(all)) => {
            let all = all.iter().filter_map(|one| shaped(one, &schema["items"]));
            Some(all.collect())
        }
        (Some("integer"), Value::Number(number)) if number.as_i64() == Some(0) => None,
        (Some("boolean"), Value::Bool(false)) => None,
        _ => Some(value.clone()),
    }
}
