//! What policies mean, written down plainly: it reads a policy's JSON anew for each question, matches
//! wildcards by trying everything, and knows nothing of how the crate does it.

use serde_json::Value;
use std::collections::BTreeMap;

/// Who asks.
#[derive(Clone, Debug)]
pub enum Who {
    Anonymous,
    Service(String),
    /// Account.
    Root(String),
    /// Account and name.
    User(String, String),
    /// Account, role and session.
    Session(String, String, String),
}

/// A request, with keys in lower case.
#[derive(Clone, Debug)]
pub struct Asked {
    pub who: Who,
    pub action: String,
    pub resource: String,
    pub account: String,
    pub keys: BTreeMap<String, Vec<String>>,
}

impl Who {
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::Anonymous | Self::Service(_) => None,
            Self::Root(account) | Self::User(account, _) | Self::Session(account, _, _) => {
                Some(account)
            }
        }
    }

    pub fn arn(&self) -> String {
        match self {
            Self::Anonymous => String::new(),
            Self::Service(name) => name.clone(),
            Self::Root(account) => format!("arn:aws:iam::{account}:root"),
            Self::User(account, name) => format!("arn:aws:iam::{account}:user/{name}"),
            Self::Session(account, role, session) => {
                format!("arn:aws:sts::{account}:assumed-role/{role}/{session}")
            }
        }
    }
}

/// `allowed`, `denied explicitly` or `denied implicitly`.
pub fn decide(identity: &[Value], resource: Option<&Value>, asked: &Asked) -> &'static str {
    let own: Vec<_> = identity.iter().flat_map(list_of("Statement")).collect();
    let theirs: Vec<_> = resource
        .iter()
        .copied()
        .flat_map(list_of("Statement"))
        .collect();
    let own_apply = |effect: &str| own.iter().any(|s| s["Effect"] == effect && rest(s, asked));
    let theirs_apply = |effect: &str, test: &dyn Fn(&Value) -> bool| {
        theirs
            .iter()
            .any(|s| s["Effect"] == effect && test(s) && rest(s, asked))
    };
    if own_apply("Deny") || theirs_apply("Deny", &|s| about(s, asked)) {
        return "denied explicitly";
    }
    let identity_allows = own_apply("Allow");
    let resource_allows = theirs_apply("Allow", &|s| about(s, asked));
    let resource_names = theirs_apply("Allow", &|s| names_directly(&s["Principal"], asked));
    let shared = !["sqs:DeleteQueue", "sqs:TagQueue"].contains(&&*asked.action);
    let allowed = match (asked.who.account(), &asked.who) {
        (None, _) => shared && resource_names,
        (Some(account), Who::Root(_)) => account == asked.account || (shared && resource_allows),
        (Some(account), _) if account == asked.account => identity_allows || resource_names,
        _ => shared && identity_allows && resource_allows,
    };
    if allowed {
        "allowed"
    } else {
        "denied implicitly"
    }
}

fn list_of(member: &'static str) -> impl Fn(&Value) -> Vec<Value> {
    move |of| list(&of[member])
}

fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(all) => all.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    }
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Whether a statement of a resource's policy is about who asks.
fn about(statement: &Value, asked: &Asked) -> bool {
    if statement.get("NotPrincipal").is_some() {
        let named = aws_names(&statement["NotPrincipal"]);
        let has = |name: &str| named.iter().any(|other| other == name);
        let account = |account: &str| has(account) || has(&format!("arn:aws:iam::{account}:root"));
        let spared = has("*")
            || match &asked.who {
                Who::Anonymous => false,
                Who::Service(name) => service_names(&statement["NotPrincipal"]).contains(name),
                Who::Root(a) => account(a),
                Who::User(a, _) => account(a) && has(&asked.who.arn()),
                Who::Session(a, role, _) => {
                    let role = format!("arn:aws:iam::{a}:role/{role}");
                    account(a) && has(&role) && has(&asked.who.arn())
                }
            };
        return !spared;
    }
    let by_account = asked.who.account().is_some_and(|account| {
        let named = aws_names(&statement["Principal"]);
        let root = format!("arn:aws:iam::{account}:root");
        named.iter().any(|name| name == account || *name == root)
    });
    by_account || names_directly(&statement["Principal"], asked)
}

fn names_directly(principal: &Value, asked: &Asked) -> bool {
    let named = aws_names(principal);
    let has = |name: &str| named.iter().any(|other| other == name);
    has("*")
        || match &asked.who {
            Who::Anonymous => false,
            Who::Service(name) => service_names(principal).contains(name),
            Who::Root(account) => has(account) || has(&asked.who.arn()),
            Who::User(..) => has(&asked.who.arn()),
            Who::Session(account, role, _) => {
                has(&asked.who.arn()) || has(&format!("arn:aws:iam::{account}:role/{role}"))
            }
        }
}

fn aws_names(principal: &Value) -> Vec<String> {
    match principal {
        Value::String(everyone) => vec![everyone.clone()],
        other => list(&other["AWS"]).iter().map(text).collect(),
    }
}

fn service_names(principal: &Value) -> Vec<String> {
    list(principal.get("Service").unwrap_or(&Value::Null))
        .iter()
        .map(text)
        .collect()
}

/// Whether all of a statement but its principal matches.
fn rest(statement: &Value, asked: &Asked) -> bool {
    let action =
        |pattern: &Value| wild(&text(pattern).to_lowercase(), &asked.action.to_lowercase());
    let resource = |pattern: &Value| {
        replaced(&text(pattern), asked).is_some_and(|pattern| wild(&pattern, &asked.resource))
    };
    let actions = match statement.get("Action") {
        Some(some) => list(some).iter().any(action),
        None => !list(&statement["NotAction"]).iter().any(action),
    };
    let resources = match statement.get("Resource") {
        Some(some) => list(some).iter().any(resource),
        None => !list(&statement["NotResource"]).iter().any(resource),
    };
    let none = serde_json::Map::new();
    let conditions = statement["Condition"].as_object().unwrap_or(&none);
    actions
        && resources
        && conditions.iter().all(|(operator, keys)| {
            let keys = keys.as_object().unwrap();
            keys.iter()
                .all(|(key, wanted)| condition(operator, key, &list(wanted), asked))
        })
}

fn condition(operator: &str, key: &str, wanted: &[Value], asked: &Asked) -> bool {
    let values = asked
        .keys
        .get(&key.to_lowercase())
        .cloned()
        .unwrap_or_default();
    if operator == "Null" {
        let null = values.iter().all(String::is_empty);
        return wanted.iter().any(|wanted| text(wanted) == null.to_string());
    }
    let (base, if_exists) = match operator.strip_suffix("IfExists") {
        Some(base) => (base, true),
        None => (operator, false),
    };
    let (set, base) = base.split_once(':').unwrap_or(("", base));
    let negated = base.contains("Not");
    let base = base.replace("Not", "");
    let matched = |value: &String| {
        wanted
            .iter()
            .any(|wanted| compare(&base, value, wanted, asked))
    };
    if values.is_empty() {
        return if_exists || set == "ForAllValues" || (set.is_empty() && negated);
    }
    let null = values.iter().all(String::is_empty);
    match set {
        "ForAllValues" => null || values.iter().all(|value| matched(value) != negated),
        "ForAnyValue" => !null && values.iter().any(|value| matched(value) != negated),
        _ => values.iter().any(matched) != negated,
    }
}

fn compare(base: &str, value: &str, wanted: &Value, asked: &Asked) -> bool {
    let Some(wanted) = replaced(&text(wanted), asked) else {
        return false;
    };
    let numbers = || Some((value.parse::<i64>().ok()?, wanted.parse::<i64>().ok()?));
    match base {
        "StringEquals" => value == wanted,
        "StringEqualsIgnoreCase" | "Bool" => value.to_lowercase() == wanted.to_lowercase(),
        "StringLike" => wild(&wanted, value),
        "ArnEquals" | "ArnLike" => {
            let (wanted, value) = (parts(&wanted), parts(value));
            wanted.len() == 6
                && value.len() == 6
                && wanted
                    .iter()
                    .zip(value)
                    .all(|(wanted, value)| wild(wanted, value))
        }
        "NumericEquals" => numbers().is_some_and(|(a, b)| a == b),
        "NumericLessThan" => numbers().is_some_and(|(a, b)| a < b),
        "NumericLessThanEquals" => numbers().is_some_and(|(a, b)| a <= b),
        "NumericGreaterThan" => numbers().is_some_and(|(a, b)| a > b),
        "NumericGreaterThanEquals" => numbers().is_some_and(|(a, b)| a >= b),
        other => panic!("{other} isn't generated"),
    }
}

fn parts(arn: &str) -> Vec<&str> {
    arn.splitn(6, ':').collect()
}

/// With the one variable that is generated, whose values have no wildcards.
fn replaced(pattern: &str, asked: &Asked) -> Option<String> {
    const VARIABLE: &str = "${aws:PrincipalTag/t}";
    if !pattern.contains(VARIABLE) {
        return Some(pattern.to_owned());
    }
    match &**asked.keys.get("aws:principaltag/t")? {
        [one] => Some(pattern.replace(VARIABLE, one)),
        _ => None,
    }
}

/// Wildcards, by trying everything.
pub fn wild(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    wild_chars(&pattern, &text)
}

fn wild_chars(pattern: &[char], text: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['*', rest @ ..] => (0..=text.len()).any(|skipped| wild_chars(rest, &text[skipped..])),
        ['?', rest @ ..] => !text.is_empty() && wild_chars(rest, &text[1..]),
        [c, rest @ ..] => text.first() == Some(c) && wild_chars(rest, &text[1..]),
    }
}
