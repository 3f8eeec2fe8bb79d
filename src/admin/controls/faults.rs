//! `/test/faults`: rules by which requests suffer.

use super::super::Admin;
use super::super::answers::{AdminError, AdminResult};
use super::super::route::{Asked, Json, NoQuery};
use super::allowed;
use crate::faults::Rule;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::rc::Rc;

/// A fault rule, and what it did.
#[derive(Serialize, JsonSchema)]
struct FaultView {
    name: String,
    /// Requests that it was for.
    matched: u64,
    /// Requests of those that it did something to.
    fired: u64,
    /// The rule as it was given.
    rule: Map<String, Value>,
}

/// The fault rules in their order.
#[derive(Serialize, JsonSchema)]
pub(in crate::admin) struct FaultList {
    faults: Vec<FaultView>,
}

/// The rule that was set.
#[derive(Serialize, JsonSchema)]
pub(in crate::admin) struct FaultName {
    name: String,
}

/// How many rules were removed.
#[derive(Serialize, JsonSchema)]
pub(in crate::admin) struct RemovedFaults {
    removed: usize,
}

pub(in crate::admin) async fn list(admin: Rc<Admin>, _: Asked) -> AdminResult<FaultList> {
    allowed(&admin)?;
    let shown = admin.controls.faults.shown().into_iter();
    let faults = shown.map(|shown| FaultView {
        name: shown.name,
        matched: shown.matched,
        fired: shown.fired,
        rule: json!(shown.rule).as_object().cloned().unwrap_or_default(),
    });
    Ok(FaultList {
        faults: faults.collect(),
    })
}

pub(in crate::admin) async fn set(
    admin: Rc<Admin>,
    asked: Asked<NoQuery, Json<Rule>>,
) -> AdminResult<FaultName> {
    allowed(&admin)?;
    let rule = asked.body.0;
    let text = json!(rule).to_string();
    let set = admin.controls.faults.set(rule);
    let name = set.map_err(|error| AdminError::bad_request(error.to_string()))?;
    tracing::warn!(name, rule = text, "a fault rule is set");
    Ok(FaultName { name })
}

pub(in crate::admin) async fn clear(admin: Rc<Admin>, _: Asked) -> AdminResult<RemovedFaults> {
    allowed(&admin)?;
    let removed = admin.controls.faults.clear();
    tracing::warn!(removed, "all fault rules are removed");
    Ok(RemovedFaults { removed })
}

pub(in crate::admin) async fn remove(admin: Rc<Admin>, asked: Asked) -> AdminResult<RemovedFaults> {
    allowed(&admin)?;
    let name = asked.part(0);
    if !admin.controls.faults.remove(name) {
        let text = format!("there is no fault rule {name}");
        return Err(AdminError::not_found(text));
    }
    tracing::warn!(name, "a fault rule is removed");
    Ok(RemovedFaults { removed: 1 })
}
