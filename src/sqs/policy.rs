//! Quotas of a queue's Policy.
//!
//! Source: the service's quotas for policies.

use super::error::{SqsResult, policy_over_quota};
use serde_json::Value;

/// Text of a policy.
const POLICY_BYTES_MAX: usize = 8192;
/// Statements of a policy.
const STATEMENTS_MAX: usize = 20;
/// Principals of a policy, over all statements.
const PRINCIPALS_MAX: usize = 50;
/// Conditions of a policy, over all statements.
const CONDITIONS_MAX: usize = 10;
/// Actions of one statement.
const ACTIONS_MAX: usize = 7;

/// Checks a policy, whose text has that many bytes.
pub fn check_quotas(policy: &Value, bytes: usize) -> SqsResult<()> {
    within("Bytes", bytes, POLICY_BYTES_MAX)?;
    let statements = items(policy.get("Statement"));
    within("Statements", statements.len(), STATEMENTS_MAX)?;
    let (mut principals, mut conditions) = (0, 0);
    for statement in statements {
        for name in ["Principal", "NotPrincipal"] {
            principals += match statement.get(name) {
                Some(Value::Object(kinds)) => {
                    kinds.values().map(|kind| items(Some(kind)).len()).sum()
                }
                other => items(other).len(),
            };
        }
        // An operator may have several keys; each is a condition.
        if let Some(Value::Object(operators)) = statement.get("Condition") {
            conditions += operators
                .values()
                .map(|keys| keys.as_object().map_or(1, serde_json::Map::len))
                .sum::<usize>();
        }
        let actions = ["Action", "NotAction"].map(|name| items(statement.get(name)).len());
        check_actions(actions.iter().sum())?;
    }
    within("Principals", principals, PRINCIPALS_MAX)?;
    within("Conditions", conditions, CONDITIONS_MAX)
}

/// Checks how many actions one statement has.
pub fn check_actions(actions: usize) -> SqsResult<()> {
    within("Actions", actions, ACTIONS_MAX)
}

fn within(what: &str, found: usize, allowed: usize) -> SqsResult<()> {
    if found <= allowed {
        return Ok(());
    }
    Err(policy_over_quota(what, found, allowed))
}

/// One value stands alone, several in a list.
fn items(value: Option<&Value>) -> &[Value] {
    match value {
        None | Some(Value::Null) => &[],
        Some(Value::Array(values)) => values,
        Some(single) => std::slice::from_ref(single),
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::Kind;
    use super::super::garbage;
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn statement(actions: usize, principals: usize, conditions: usize) -> Value {
        let actions: Vec<String> = (0..actions).map(|n| format!("sqs:A{n}")).collect();
        let accounts: Vec<String> = (0..principals).map(|n| format!("{n:012}")).collect();
        let keys: serde_json::Map<_, _> = (0..conditions)
            .map(|n| (format!("key{n}"), json!("value")))
            .collect();
        json!({
            "Effect": "Allow",
            "Principal": {"AWS": accounts},
            "Action": actions,
            "Condition": {"StringEquals": keys},
        })
    }

    #[test]
    fn each_quota_is_the_last_that_passes() {
        let check = |statements: Vec<Value>| check_quotas(&json!({"Statement": statements}), 100);
        let text = |statements| check(statements).unwrap_err().message.into_owned();
        assert!(check(vec![statement(7, 25, 5); 2]).is_ok());
        assert!(check(vec![statement(1, 1, 0); 20]).is_ok());
        for (found, wanted) in [
            (
                text(vec![statement(1, 1, 0); 21]),
                "21 Statements were found, maximum allowed is 20.",
            ),
            (
                text(vec![statement(8, 1, 0)]),
                "8 Actions were found, maximum allowed is 7.",
            ),
            (
                text(vec![statement(1, 17, 0); 3]),
                "51 Principals were found, maximum allowed is 50.",
            ),
            (
                text(vec![statement(1, 1, 11)]),
                "11 Conditions were found, maximum allowed is 10.",
            ),
        ] {
            assert_eq!(found, wanted);
        }
        assert!(check_quotas(&json!({}), 8192).is_ok());
        let long = check_quotas(&json!({}), 8193).unwrap_err();
        assert_eq!((long.kind, long.kind.status()), (Kind::OverLimit, 403));
    }

    proptest! {
        #[test]
        fn no_policy_panics(policy in garbage::json()) {
            let _ = check_quotas(&policy, 0);
        }
    }
}
