//! AddPermission and RemovePermission: statements of the queue's Policy.

use super::{required, url_of};
use crate::sqs::decode::Text;
use crate::sqs::error::{
    SqsResult, invalid_label, invalid_principal, label_taken, missing_parameter, no_such_label,
    permission_of_owner, unknown_permission,
};
use crate::sqs::names::is_plain_name;
use crate::sqs::policy::{check_actions, check_quotas};
use crate::sqs::request::{AddPermission, RemovePermission};
use crate::sqs::server::{Scope, Sqs};
use lclq_shards::attributes::QueueAttribute;
use lclq_shards::command::Description;
use lclq_shards::partition_of;
use serde_json::{Value, json};

/// Actions that a permission can name.
const SHAREABLE: [&str; 8] = [
    "*",
    "SendMessage",
    "ReceiveMessage",
    "DeleteMessage",
    "ChangeMessageVisibility",
    "GetQueueAttributes",
    "GetQueueUrl",
    "PurgeQueue",
];
/// The queue's policy, or the one that a first permission makes.
fn policy_of(description: &Description) -> Value {
    description
        .attributes
        .get(&QueueAttribute::Policy)
        .and_then(|text| serde_json::from_str(text).ok())
        .filter(Value::is_object)
        .unwrap_or_else(|| {
            json!({
                "Version": "2008-10-17",
                "Id": format!("{}/SQSDefaultPolicy", description.name.arn()),
                "Statement": [],
            })
        })
}

fn statements(policy: &mut Value) -> Vec<Value> {
    match policy.get_mut("Statement").map(Value::take) {
        Some(Value::Array(statements)) => statements,
        Some(Value::Null) | None => Vec::new(),
        Some(single) => vec![single],
    }
}

fn has_label(statement: &Value, label: &str) -> bool {
    statement.get("Sid").and_then(Value::as_str) == Some(label)
}

/// One value stands alone, several in a list.
fn one_or_many(mut values: Vec<String>) -> Value {
    if values.len() == 1 {
        Value::String(values.remove(0))
    } else {
        json!(values)
    }
}

fn check_label<'i>(label: &'i Option<Text<'_>>) -> SqsResult<&'i str> {
    let label = required(label, "Label")?;
    if is_plain_name(label) {
        return Ok(label);
    }
    Err(invalid_label(label))
}

pub async fn add(sqs: &Sqs, scope: &Scope<'_>, input: AddPermission<'_>) -> SqsResult<()> {
    let target = sqs.target(scope, url_of(&input.queue_url)).await?;
    let label = check_label(&input.label)?;
    let actions = input.actions.unwrap_or_default().0;
    if actions.is_empty() {
        return Err(missing_parameter("Actions"));
    }
    check_actions(actions.len())?;
    let accounts = input.aws_account_ids.unwrap_or_default().0;
    if accounts.is_empty() {
        return Err(invalid_principal(""));
    }
    for account in &accounts {
        if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid_principal(account));
        }
    }
    for action in &actions {
        if crate::sqs::actions::Action::from_name(action).is_none() && &**action != "*" {
            return Err(unknown_permission(action));
        }
        if !SHAREABLE.contains(&&**action) {
            return Err(permission_of_owner(action));
        }
    }
    let description = sqs.describe(&target).await?;
    let mut policy = policy_of(&description);
    let mut list = statements(&mut policy);
    if list.iter().any(|statement| has_label(statement, label)) {
        return Err(label_taken(label));
    }
    let partition = partition_of(&description.name.region);
    let principals = accounts
        .iter()
        .map(|account| format!("arn:{partition}:iam::{}:root", &**account))
        .collect();
    let actions = actions
        .iter()
        .map(|action| format!("SQS:{}", &**action))
        .collect();
    list.push(json!({
        "Sid": label,
        "Effect": "Allow",
        "Principal": {"AWS": one_or_many(principals)},
        "Action": one_or_many(actions),
        "Resource": description.name.arn(),
    }));
    policy["Statement"] = Value::Array(list);
    let text = policy.to_string();
    check_quotas(&policy, text.len())?;
    let change = (QueueAttribute::Policy, Some(text));
    sqs.change_attributes(&target, vec![change]).await
}

pub async fn remove(sqs: &Sqs, scope: &Scope<'_>, input: RemovePermission<'_>) -> SqsResult<()> {
    let target = sqs.target(scope, url_of(&input.queue_url)).await?;
    let label = check_label(&input.label)?;
    let description = sqs.describe(&target).await?;
    let mut policy = policy_of(&description);
    let mut list = statements(&mut policy);
    let before = list.len();
    list.retain(|statement| !has_label(statement, label));
    if list.len() == before {
        return Err(no_such_label(label));
    }
    // The last permission takes the policy with it.
    let text = (!list.is_empty()).then(|| {
        policy["Statement"] = Value::Array(list);
        policy.to_string()
    });
    sqs.change_attributes(&target, vec![(QueueAttribute::Policy, text)])
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqs::garbage;
    use lclq_shards::QueueName;
    use lclq_shards::command::QueueRef;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_policy_takes_and_gives_back_a_statement(policy in garbage::text()) {
            let description = Description {
                queue: QueueRef { shard: 0, slot: 0, id: 1 },
                name: QueueName::new("us-east-1", "000000000000", "q"),
                attributes: [(QueueAttribute::Policy, policy)].into_iter().collect(),
                tags: Default::default(),
                created_at: 0,
                modified_at: 0,
                counts: Default::default(),
                traffic: Default::default(),
                memory_bytes: 0,
                oldest_at: None,
            };
            let mut policy = policy_of(&description);
            let mut list = statements(&mut policy);
            list.push(json!({"Sid": "mine"}));
            prop_assert!(list.iter().any(|statement| has_label(statement, "mine")));
            policy["Statement"] = Value::Array(list);
        }
    }
}
