//! Queue attributes as clients give them: checked, and brought into canonical text.

use super::decode::{Pairs, Text};
use super::error::{
    RedriveAllowFault, RedriveFault, SqsResult, both_encryptions, fixed_type, invalid_attribute,
    invalid_redrive, invalid_redrive_allow, only_for_fifo, throughput_without_scope,
    unknown_attribute,
};
use super::limits::{
    BATCH_BYTES_MAX, DELAY_S_MAX, KEY_REUSE_S_MAX, KEY_REUSE_S_MIN, MESSAGE_BYTES_MAX_MIN,
    REDRIVE_SOURCES_MAX, RETENTION_S_MAX, RETENTION_S_MIN, VISIBILITY_TIMEOUT_S_MAX, WAIT_S_MAX,
};
use super::policy::check_quotas;
use lclq_shards::QueueName;
use lclq_shards::attributes::{QueueAttribute, Redrive, parse_redrive_policy};
use serde_json::{Value, json};

/// Changes to a queue's attributes; `None` removes one.
pub type Changes = Vec<(QueueAttribute, Option<String>)>;

/// Checks attributes for a queue of the given type.
pub fn check(given: &Pairs<'_, Text<'_>>, fifo: bool) -> SqsResult<Changes> {
    let mut changes = Changes::new();
    for (name, value) in &given.0 {
        let attribute = QueueAttribute::from_name(name).ok_or_else(|| unknown_attribute(name))?;
        changes.push((attribute, check_one(attribute, value, fifo)?));
    }
    check_together(&mut changes)?;
    Ok(changes)
}

fn check_one(attribute: QueueAttribute, value: &str, fifo: bool) -> SqsResult<Option<String>> {
    use QueueAttribute::*;
    let name = attribute.name();
    let number = |min: i64, max: i64| {
        let number = value
            .parse::<i64>()
            .ok()
            .filter(|number| (min..=max).contains(number));
        number
            .map(|number| Some(number.to_string()))
            .ok_or_else(|| invalid_attribute(name))
    };
    let boolean = || match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(invalid_attribute(name)),
    };
    let fifo_only = || {
        if fifo {
            Ok(())
        } else {
            Err(unknown_attribute(name))
        }
    };
    let fifo_mode = || {
        if fifo {
            Ok(())
        } else {
            Err(only_for_fifo(name))
        }
    };
    let one_of = |allowed: &[&str]| {
        if allowed.contains(&value) {
            Ok(Some(value.to_owned()))
        } else {
            Err(invalid_attribute(name))
        }
    };
    match attribute {
        VisibilityTimeout => number(0, VISIBILITY_TIMEOUT_S_MAX),
        MaximumMessageSize => number(MESSAGE_BYTES_MAX_MIN, BATCH_BYTES_MAX as i64),
        MessageRetentionPeriod => number(RETENTION_S_MIN, RETENTION_S_MAX),
        DelaySeconds => number(0, DELAY_S_MAX),
        ReceiveMessageWaitTimeSeconds => number(0, WAIT_S_MAX),
        KmsDataKeyReusePeriodSeconds => number(KEY_REUSE_S_MIN, KEY_REUSE_S_MAX),
        KmsMasterKeyId => Ok((!value.is_empty()).then(|| value.to_owned())),
        SqsManagedSseEnabled => Ok(Some(boolean()?.to_string())),
        FifoQueue if !fifo => Err(unknown_attribute(name)),
        FifoQueue if boolean()? => Ok(Some("true".to_owned())),
        FifoQueue => Err(fixed_type()),
        ContentBasedDeduplication => {
            fifo_only()?;
            Ok(Some(boolean()?.to_string()))
        }
        DeduplicationScope => {
            fifo_mode()?;
            one_of(&["queue", "messageGroup"])
        }
        FifoThroughputLimit => {
            fifo_mode()?;
            one_of(&["perQueue", "perMessageGroupId"])
        }
        Policy if value.is_empty() => Ok(None),
        Policy => match serde_json::from_str::<Value>(value) {
            Ok(policy @ Value::Object(_)) => {
                check_quotas(&policy, value.len())?;
                Ok(Some(value.to_owned()))
            }
            _ => Err(invalid_attribute(name)),
        },
        RedrivePolicy if value.is_empty() => Ok(None),
        RedrivePolicy => check_redrive(value).map(Some),
        RedriveAllowPolicy if value.is_empty() => Ok(None),
        RedriveAllowPolicy => check_redrive_allow(value).map(Some),
    }
}

/// What holds between attributes.
fn check_together(changes: &mut Changes) -> SqsResult<()> {
    use QueueAttribute::*;
    let value = |changes: &Changes, wanted: QueueAttribute| {
        changes
            .iter()
            .find(|(attribute, _)| *attribute == wanted)
            .and_then(|(_, value)| value.clone())
    };
    if value(changes, KmsMasterKeyId).is_some() {
        if value(changes, SqsManagedSseEnabled).as_deref() == Some("true") {
            return Err(both_encryptions());
        }
        changes.retain(|(attribute, _)| *attribute != SqsManagedSseEnabled);
        // A key of one's own switches the service's off, for good.
        changes.push((SqsManagedSseEnabled, Some("false".to_owned())));
    } else if value(changes, SqsManagedSseEnabled).as_deref() == Some("true") {
        // The other way round: both can't be on.
        changes.retain(|(attribute, _)| *attribute != KmsMasterKeyId);
        changes.push((KmsMasterKeyId, None));
    }
    Ok(())
}

/// `perMessageGroupId` needs the group scope; `scope` is what the queue will have.
pub fn check_throughput(limit: Option<&str>, scope: Option<&str>) -> SqsResult<()> {
    if limit == Some("perMessageGroupId") && scope != Some("messageGroup") {
        return Err(throughput_without_scope());
    }
    Ok(())
}

/// Checks a RedrivePolicy; answers it as it is shown: with the count as a number.
fn check_redrive(value: &str) -> SqsResult<String> {
    let wrong = |fault| Err(invalid_redrive(value, fault));
    let Ok(Value::Object(policy)) = serde_json::from_str(value) else {
        return wrong(RedriveFault::NotAMap);
    };
    for mandatory in ["deadLetterTargetArn", "maxReceiveCount"] {
        if !policy.contains_key(mandatory) {
            return wrong(RedriveFault::Missing(mandatory));
        }
    }
    if let Some(other) = policy
        .keys()
        .find(|key| !matches!(key.as_str(), "deadLetterTargetArn" | "maxReceiveCount"))
    {
        return wrong(RedriveFault::Unknown(other));
    }
    let arn = policy["deadLetterTargetArn"].as_str().unwrap_or("");
    if QueueName::from_arn(arn).is_none() {
        return wrong(RedriveFault::InvalidTarget);
    }
    let Some(redrive) = parse_redrive_policy(value) else {
        let count = policy["maxReceiveCount"].to_string();
        return wrong(RedriveFault::InvalidCount(count.trim_matches('"')));
    };
    let count = redrive.max_receive_count;
    let shown = json!({"deadLetterTargetArn": arn, "maxReceiveCount": count});
    Ok(shown.to_string())
}

/// Checks a RedriveAllowPolicy; answers it as it is shown: without what is null.
fn check_redrive_allow(value: &str) -> SqsResult<String> {
    let wrong = |fault| Err(invalid_redrive_allow(value, fault));
    let Ok(Value::Object(mut policy)) = serde_json::from_str(value) else {
        return wrong(RedriveAllowFault::NotAMap);
    };
    policy.retain(|_, value: &mut Value| !value.is_null());
    let sources = policy.get("sourceQueueArns");
    let sources_sound = sources.is_none_or(|sources| {
        sources.as_array().is_some_and(|list| {
            list.iter()
                .all(|arn| arn.as_str().and_then(QueueName::from_arn).is_some())
        })
    });
    if !sources_sound {
        return wrong(RedriveAllowFault::InvalidSources);
    }
    let count = sources.and_then(Value::as_array).map(Vec::len);
    match policy.get("redrivePermission").and_then(Value::as_str) {
        Some("allowAll" | "denyAll") if count.is_none() => Ok(Value::Object(policy).to_string()),
        Some("allowAll" | "denyAll") => wrong(RedriveAllowFault::SourcesNotAsked),
        Some("byQueue") => match count {
            Some(1..=REDRIVE_SOURCES_MAX) => Ok(Value::Object(policy).to_string()),
            _ => wrong(RedriveAllowFault::SourcesMissing),
        },
        _ => wrong(RedriveAllowFault::InvalidPermission),
    }
}

/// Whether a dead-letter queue's RedriveAllowPolicy lets `source` use it.
pub fn allows_redrive(policy: Option<&str>, source: &QueueName) -> bool {
    let Some(policy) = policy.and_then(|text| serde_json::from_str::<Value>(text).ok()) else {
        return true;
    };
    match policy.get("redrivePermission").and_then(Value::as_str) {
        Some("denyAll") => false,
        Some("byQueue") => {
            let sources = policy.get("sourceQueueArns").and_then(Value::as_array);
            let is_source = |one: &Value| {
                let name = one.as_str().and_then(QueueName::from_arn);
                name.as_ref() == Some(source)
            };
            sources.is_some_and(|list| list.iter().any(is_source))
        }
        _ => true,
    }
}

/// The dead-letter queue that changes ask for.
pub fn redrive_of(changes: &Changes) -> Option<(Redrive, &str)> {
    changes
        .iter()
        .find(|(attribute, _)| *attribute == QueueAttribute::RedrivePolicy)
        .and_then(|(_, value)| value.as_deref())
        .and_then(|text| Some((parse_redrive_policy(text)?, text)))
}

#[cfg(test)]
mod tests {
    use super::super::decode::from_json;
    use super::super::error::Kind;
    use super::super::garbage;
    use super::*;
    use proptest::prelude::*;

    fn changes(json: &str, fifo: bool) -> SqsResult<Changes> {
        check(&from_json(json.as_bytes()).unwrap(), fifo)
    }

    #[test]
    fn ranges_types_and_unknown_names() {
        assert!(changes(r#"{"VisibilityTimeout":"43200"}"#, false).is_ok());
        for json in [
            r#"{"VisibilityTimeout":"43201"}"#,
            r#"{"VisibilityTimeout":"x"}"#,
            r#"{"MaximumMessageSize":"1023"}"#,
            r#"{"Policy":"[]"}"#,
        ] {
            assert_eq!(
                changes(json, false).unwrap_err().kind,
                Kind::InvalidAttributeValue
            );
        }
        let unknown = changes(r#"{"Foobar":"1"}"#, false).unwrap_err();
        assert_eq!(unknown.message, "Unknown Attribute Foobar.");
        let fifo = changes(r#"{"FifoQueue":"true"}"#, false).unwrap_err();
        assert_eq!(fifo.message, "Unknown Attribute FifoQueue.");
        let fixed = changes(r#"{"FifoQueue":"false"}"#, true).unwrap_err();
        assert!(
            fixed
                .message
                .ends_with("Modifying queue type is not supported.")
        );
    }

    #[test]
    fn own_key_switches_the_managed_one_off() {
        let with_key = changes(r#"{"KmsMasterKeyId":"alias/k"}"#, false).unwrap();
        assert!(with_key.contains(&(QueueAttribute::SqsManagedSseEnabled, Some("false".into()))));
        let both = r#"{"KmsMasterKeyId":"alias/k","SqsManagedSseEnabled":"true"}"#;
        assert_eq!(
            changes(both, false).unwrap_err().kind,
            Kind::InvalidAttributeName
        );
    }

    #[test]
    fn the_managed_key_switches_ones_own_off() {
        let managed = changes(r#"{"SqsManagedSseEnabled":"true"}"#, false).unwrap();
        assert!(managed.contains(&(QueueAttribute::KmsMasterKeyId, None)));
        let without = changes(
            r#"{"KmsMasterKeyId":"","SqsManagedSseEnabled":"true"}"#,
            false,
        );
        let without = without.unwrap();
        assert_eq!(without.len(), 2);
        assert!(without.contains(&(QueueAttribute::KmsMasterKeyId, None)));
    }

    #[test]
    fn what_only_fifo_queues_have_is_said_so() {
        for name in ["DeduplicationScope", "FifoThroughputLimit"] {
            let error = changes(&format!(r#"{{"{name}":"queue"}}"#), false).unwrap_err();
            assert_eq!(error.kind, Kind::InvalidAttributeName);
            let text = format!("You can specify the {name} only when FifoQueue is set to true.");
            assert_eq!(error.message, text);
        }
    }

    #[test]
    fn policies_are_kept_as_they_are_shown() {
        let arn = "arn:aws-cn:sqs:cn-north-1:000000000000:dead";
        let given = format!(r#"{{ "maxReceiveCount": "1", "deadLetterTargetArn": "{arn}" }}"#);
        let shown = format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":1}}"#);
        assert_eq!(check_redrive(&given).unwrap(), shown);
        let allow = r#"{"redrivePermission":"denyAll","sourceQueueArns":null}"#;
        let shown = r#"{"redrivePermission":"denyAll"}"#;
        assert_eq!(check_redrive_allow(allow).unwrap(), shown);
    }

    #[test]
    fn a_source_is_known_by_its_arn_whatever_the_partition() {
        let source = QueueName::new("cn-north-1", "000000000000", "q");
        for partition in ["aws", "aws-cn"] {
            let arn = format!("arn:{partition}:sqs:cn-north-1:000000000000:q");
            let policy = json!({"redrivePermission": "byQueue", "sourceQueueArns": [arn]});
            assert!(allows_redrive(Some(&policy.to_string()), &source));
        }
    }

    proptest! {
        #[test]
        fn no_attribute_panics(value in garbage::text(), fifo: bool) {
            for attribute in QueueAttribute::ALL {
                if let Ok(Some(canonical)) = check_one(*attribute, &value, fifo) {
                    // What was taken is taken again as it was stored.
                    let again = check_one(*attribute, &canonical, fifo);
                    prop_assert_eq!(again.ok().flatten(), Some(canonical));
                }
            }
        }

        #[test]
        fn no_set_of_attributes_panics(json in garbage::json_bytes(), fifo: bool) {
            if let Ok(given) = from_json::<Pairs<'_, Text<'_>>>(&json)
                && let Ok(changes) = check(&given, fifo)
            {
                let _ = redrive_of(&changes);
            }
        }

        #[test]
        fn no_policy_panics(text in garbage::text()) {
            let _ = check_redrive(&text);
            let _ = check_redrive_allow(&text);
            let _ = allows_redrive(Some(&text), &QueueName::new("r", "a", "q"));
        }
    }
}
