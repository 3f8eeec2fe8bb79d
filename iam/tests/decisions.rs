//! Decisions that Google documents, in `decisions.json`: each group has the page that states its rules,
//! and policies; each decision a request that differs from the group's in what it says.

mod asked;

use asked::Asked;
use lclq_iam::{Level, Permission, Policy, Roles, Source, decide, explain, permitted};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What the file must hold at least.
const DECISIONS_MIN: usize = 160;

/// What has no page of its own.
const DISCOVERY: &str = "google.iam.v1.Policy in its discovery document";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    /// URL of the page.
    source: String,
    project: Option<Value>,
    resource: Option<Value>,
    #[serde(default)]
    roles: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    request: Asked,
    decisions: Vec<Decided>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decided {
    name: String,
    expect: String,
    #[serde(default)]
    request: Asked,
}

fn groups() -> Vec<Group> {
    serde_json::from_str(include_str!("decisions.json")).unwrap()
}

#[test]
fn decisions_are_as_documented() {
    let mut wrong = Vec::new();
    for group in groups() {
        let mut roles = Roles::new();
        for (role, permissions) in &group.roles {
            roles.define(role, permissions).unwrap();
        }
        let parse = |policy: &Option<Value>, level| {
            let policy = policy.as_ref()?.to_string();
            let parsed = Policy::parse(&policy, level, &roles);
            Some(parsed.unwrap_or_else(|error| panic!("{error}: {policy}")))
        };
        let project = parse(&group.project, Level::Project);
        let resource = parse(&group.resource, Level::Resource);
        let project = project.as_ref().map(|policy| (Source::Project, policy));
        let resource = resource.as_ref().map(|policy| (Source::Resource, policy));
        let policies: Vec<_> = project.into_iter().chain(resource).collect();
        for decided in group.decisions {
            let asked = decided.request.or(&group.request);
            let permission = Permission::parse(asked.permission()).unwrap();
            asked.ask(|request| {
                let decision = decide(&policies, permission, request);
                let explanation = explain(&policies, permission, request);
                assert_eq!(explanation.decision, decision, "{}", decided.name);
                let has = permitted(&policies, permission.into(), request);
                assert_eq!(has.has(permission), decision.allowed, "{}", decided.name);
                let outcome = if decision.allowed {
                    "allowed"
                } else {
                    "denied"
                };
                if outcome != decided.expect {
                    let (name, expected) = (&decided.name, &decided.expect);
                    let source = &group.source;
                    wrong.push(format!(
                        "{name}: expected {expected}\n{explanation}\n{source}"
                    ));
                }
            });
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn each_decision_has_a_name_of_its_own_and_a_source() {
    let mut names = BTreeSet::new();
    for group in groups() {
        assert!(
            group.source.starts_with("https://docs.cloud.google.com/") || group.source == DISCOVERY,
            "{}",
            group.source
        );
        for decided in group.decisions {
            assert!(
                names.insert(decided.name.clone()),
                "twice: {}",
                decided.name
            );
        }
    }
    assert!(names.len() >= DECISIONS_MIN, "{}", names.len());
}
