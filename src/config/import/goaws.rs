//! GoAWS' configuration.

use super::{Imported, sqs};
use serde_json::{Map, Value};

/// The environment that GoAWS takes where none is named.
const ENVIRONMENT: &str = "Local";

pub(super) fn read(imported: &mut Imported, text: &str) -> Result<(), String> {
    let file: Value = serde_yaml_ng::from_str(text).map_err(|error| error.to_string())?;
    let environments = file.as_object().ok_or("it is no map of environments")?;
    let environment = environments
        .get(ENVIRONMENT)
        .or_else(|| environments.values().next())
        .ok_or("there is no environment")?;
    if environments.len() > 1 {
        imported.note(format!(
            "{ENVIRONMENT} is taken, other environments are left out"
        ));
    }
    for (key, name) in [("Region", "region"), ("AccountId", "account")] {
        match &environment[key] {
            Value::Null => {}
            value => imported
                .settings
                .push(("sqs", name, sqs::text(value).into())),
        }
    }
    let defaults = environment["QueueAttributeDefaults"].as_object();
    let defaults = defaults.cloned().unwrap_or_default();
    for queue in environment["Queues"].as_array().into_iter().flatten() {
        let Some(name) = queue["Name"].as_str() else {
            imported.note("a queue without Name: left out");
            continue;
        };
        let mut attributes: Map<String, Value> = defaults.clone();
        let own = queue.as_object().into_iter().flatten();
        attributes.extend(own.map(|(key, value)| (key.clone(), value.clone())));
        attributes.remove("Name");
        if name.ends_with(".fifo") {
            attributes.insert("FifoQueue".to_owned(), true.into());
        }
        sqs::queue(imported, name, &attributes);
    }
    if environment["Topics"]
        .as_array()
        .is_some_and(|all| !all.is_empty())
    {
        imported.note("Topics are SNS': left out");
    }
    Ok(())
}
