//! ElasticMQ's configuration.

use super::{Imported, sqs};
use hocon::{Config, HoconValue, ScalarType};
use serde_json::{Map, Value, json};
use std::collections::HashSet;

pub(super) fn read(imported: &mut Imported, text: &str) -> Result<(), String> {
    // What it includes of its own classpath is its defaults.
    let lines = text.lines().map(|line| match line.trim_start() {
        start if start.starts_with("include") && start.contains("classpath") => "",
        _ => line,
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    let repeated = repeated_substitutions(&text);
    if repeated > REPEATED_SUBSTITUTIONS_MAX {
        return Err(format!(
            "it has {repeated} substitutions of what others substitute, too, more than \
             {REPEATED_SUBSTITUTIONS_MAX}"
        ));
    }
    let config = hocon::parse(&text).map_err(|error| error.to_string())?;
    for (key, name) in [("aws.region", "region"), ("aws.accountId", "account")] {
        if let Some(value) = config.get_string_option(key) {
            imported.settings.push(("sqs", name, value.into()));
        }
    }
    let Some(queues) = config.get("queues").and_then(|queues| queues.as_object()) else {
        return Ok(());
    };
    for (name, queue) in queues {
        match queue.as_object() {
            Some(keys) => read_queue(imported, name, &Config::new(keys.clone())),
            None => imported.note(format!("queue {name} is no object: left out")),
        }
    }
    Ok(())
}

/// Substitutions besides the first of each name. Each may double what a file comes to: a value can be twice
/// another that is twice a third.
const REPEATED_SUBSTITUTIONS_MAX: usize = 10;

fn repeated_substitutions(text: &str) -> usize {
    // What is within a value is of that value's name.
    let name = |rest: &str| {
        let end = rest.find(['.', '}']).unwrap_or(rest.len());
        rest[..end]
            .trim_start_matches('?')
            .replace('"', "")
            .trim()
            .to_owned()
    };
    let all: Vec<String> = text.split("${").skip(1).map(name).collect();
    all.len() - all.iter().collect::<HashSet<_>>().len()
}

fn read_queue(imported: &mut Imported, name: &str, queue: &Config) {
    let mut attributes = Map::new();
    let mut left_out = Vec::new();
    for key in queue.keys() {
        let attribute = match key {
            "defaultVisibilityTimeout" => "VisibilityTimeout",
            "delay" => "DelaySeconds",
            "receiveMessageWait" => "ReceiveMessageWaitTimeSeconds",
            "fifo" => "FifoQueue",
            "contentBasedDeduplication" => "ContentBasedDeduplication",
            "deadLettersQueue" => {
                match dead_letters(queue) {
                    Some(policy) => drop(attributes.insert("RedrivePolicy".to_owned(), policy)),
                    None => left_out.push(key),
                }
                continue;
            }
            "tags" => continue,
            _ => {
                left_out.push(key);
                continue;
            }
        };
        let value = match attribute {
            "FifoQueue" | "ContentBasedDeduplication" => queue.get_bool(key).ok().map(Value::from),
            _ => queue
                .get_duration(key)
                .ok()
                .map(|time| time.as_secs().into()),
        };
        match value {
            // A standard queue has no such attribute.
            Some(Value::Bool(false)) => {}
            Some(value) => drop(attributes.insert(attribute.to_owned(), value)),
            None => left_out.push(key),
        }
    }
    sqs::queue(imported, name, &attributes);
    if let Some(tags) = queue.get("tags").and_then(|tags| tags.as_object()) {
        let mut all = Map::new();
        for (key, value) in tags {
            match value {
                HoconValue::Scalar(value) if value.value_type != ScalarType::Null => {
                    all.insert(key.clone(), value.raw.clone().into());
                }
                _ => imported.note(format!("queue {name}: tag {key:?} is no text: left out")),
            }
        }
        sqs::tag(imported, &full_name(name, &attributes), &all);
    }
    for key in left_out {
        imported.note(format!("queue {name}: {key}: left out"));
    }
}

fn full_name(name: &str, attributes: &Map<String, Value>) -> String {
    if attributes.contains_key("FifoQueue") && !name.ends_with(".fifo") {
        format!("{name}.fifo")
    } else {
        name.to_owned()
    }
}

fn dead_letters(queue: &Config) -> Option<Value> {
    let name = queue.get_string_option("deadLettersQueue.name")?;
    let count = queue.get_i64_option("deadLettersQueue.maxReceiveCount")?;
    let policy = json!({"deadLetterTargetArn": name, "maxReceiveCount": count});
    Some(policy.to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::import::Format;

    fn read_text(text: &str) -> Result<String, String> {
        let mut imported = Imported::default();
        imported.read(Format::Elasticmq, "file", text)?;
        Ok(imported.to_toml())
    }

    /// Found by tests/fuzz: what is made of other values several times came to gigabytes.
    #[test]
    fn values_of_values_stay_bounded() {
        let mut text = "a0 = xxxxxxxx\n".to_owned();
        for level in 0..12 {
            let value = format!("${{a{level}}}").repeat(4);
            text += &format!("a{} = {value}\n", level + 1);
        }
        text += "aws { region = ${a12} }\n";
        let error = read_text(&text).map(|toml| toml.len()).unwrap_err();
        assert!(error.contains("substitutions"), "{error}");
    }

    #[test]
    fn values_of_others_are_theirs() {
        let text = "r = eu-west-1\naws { region = ${r}, accountId = ${?NOBODY_HAS_THIS} }\n";
        assert_eq!(read_text(text).unwrap(), "[sqs]\nregion = \"eu-west-1\"\n");
    }
}
