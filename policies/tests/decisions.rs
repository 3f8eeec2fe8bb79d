//! Decisions that AWS documents, in `decisions.json`: each group has the page that states its rules, and
//! policies; each decision a request that differs from the group's in what it says.

use lclq_policies::{Context, Policy, Principal, PrincipalKind, Request, Values, decide, explain};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What the file must hold at least.
const DECISIONS_MIN: usize = 160;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    /// URL of the page.
    source: String,
    #[serde(default)]
    identity: Vec<Value>,
    resource: Option<Value>,
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

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// An ARN, a service's name, or `anonymous`.
    principal: Option<String>,
    action: Option<String>,
    resource: Option<String>,
    /// That of the resource's ARN, unless it says.
    account: Option<String>,
    #[serde(default)]
    context: BTreeMap<String, OneOrMany>,
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

struct Given(BTreeMap<String, OneOrMany>);

impl Context for Given {
    fn get(&self, key: &str) -> Option<Values<'_>> {
        let (_, values) = self
            .0
            .iter()
            .find(|(has, _)| has.eq_ignore_ascii_case(key))?;
        Some(match values {
            OneOrMany::One(one) => Values::One(one),
            OneOrMany::Many(many) => Values::Many(many),
        })
    }
}

fn part(arn: &str, n: usize) -> &str {
    arn.split(':').nth(n).unwrap()
}

fn principal(text: &str) -> Option<Principal<'_>> {
    if text == "anonymous" {
        return None;
    }
    if !text.starts_with("arn:") {
        return Some(Principal {
            kind: PrincipalKind::Service,
            account: "",
            arn: text,
            user_name: None,
        });
    }
    let resource = part(text, 5);
    let (kind, user_name) = match resource.split_once('/') {
        None => (PrincipalKind::Root, None),
        Some(("user", name)) => (PrincipalKind::User, name.rsplit('/').next()),
        Some(_) => (PrincipalKind::Role, None),
    };
    Some(Principal {
        kind,
        account: part(text, 4),
        arn: text,
        user_name,
    })
}

fn parse(policy: &Value) -> Policy {
    Policy::parse(&policy.to_string()).unwrap_or_else(|error| panic!("{error}: {policy}"))
}

fn groups() -> Vec<Group> {
    serde_json::from_str(include_str!("decisions.json")).unwrap()
}

#[test]
fn decisions_are_as_documented() {
    let mut wrong = Vec::new();
    for group in groups() {
        let identity: Vec<_> = group.identity.iter().map(parse).collect();
        let identity: Vec<_> = identity.iter().collect();
        let resource = group.resource.as_ref().map(parse);
        for decided in group.decisions {
            let (own, base) = (decided.request, group.request.clone());
            let who = own.principal.or(base.principal).expect("somebody asks");
            let action = own.action.or(base.action);
            let arn = own.resource.or(base.resource);
            let arn = arn.unwrap_or("arn:aws:sqs:eu-west-1:111122223333:orders".to_owned());
            let account = own.account.or(base.account);
            let context: BTreeMap<_, _> = base.context.into_iter().chain(own.context).collect();
            let request = Request {
                principal: principal(&who),
                action: action.as_deref().unwrap_or("sqs:SendMessage"),
                resource: &arn,
                account: account.as_deref().unwrap_or(part(&arn, 4)),
                context: &Given(context),
            };
            let decision = decide(&identity, resource.as_ref(), &request);
            let explanation = explain(&identity, resource.as_ref(), &request);
            assert_eq!(explanation.decision, decision, "{}", decided.name);
            if decision.outcome.to_string() != decided.expect {
                let (name, expected, source) = (decided.name, decided.expect, &group.source);
                wrong.push(format!(
                    "{name}: expected {expected}\n{explanation}\n{source}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn each_decision_has_a_name_of_its_own_and_a_source() {
    let mut names = BTreeSet::new();
    for group in groups() {
        assert!(
            group.source.starts_with("https://docs.aws.amazon.com/"),
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
