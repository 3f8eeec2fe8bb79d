//! `lclq policy`: what policies decide, without a server.

use crate::cli::{PolicyCommand, PolicyTest};
use lclq_policies::{Keys, Outcome, Policy, Principal, PrincipalKind, Request, explain};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What is printed, and whether the answer is yes.
pub struct Answer {
    /// For people.
    pub text: String,
    /// Allowed, or good.
    pub yes: bool,
}

/// Carries a command out.
///
/// # Errors
/// What can't be read of what is given, a line for each.
pub fn run(command: PolicyCommand) -> Result<Answer, Vec<String>> {
    match command {
        PolicyCommand::Test(test) => tested(&test).map_err(|error| vec![error]),
        PolicyCommand::Check { files } => {
            let read: Vec<_> = files.iter().map(|path| policy(path)).collect();
            let wrong: Vec<String> = read.into_iter().filter_map(Result::err).collect();
            if !wrong.is_empty() {
                return Err(wrong);
            }
            let good = files
                .iter()
                .map(|path| format!("{}: good\n", path.display()));
            let text = good.collect();
            Ok(Answer { text, yes: true })
        }
    }
}

fn tested(test: &PolicyTest) -> Result<Answer, String> {
    let identity: Vec<_> = test
        .identity_policy
        .iter()
        .map(|path| policy(path))
        .collect();
    let identity = identity.into_iter().collect::<Result<Vec<_>, _>>()?;
    let identity: Vec<&Policy> = identity.iter().collect();
    let resource = test.resource_policy.as_deref().map(policy).transpose()?;
    let principal = test.principal.as_deref().map(principal).transpose()?;
    let account = test.resource.split(':').nth(4);
    let account = account.ok_or_else(|| format!("--resource {}: not an ARN", test.resource))?;
    let context = keys(&test.context);
    let request = Request {
        principal,
        action: &test.action,
        resource: &test.resource,
        account,
        context: &context,
    };
    let explanation = explain(&identity, resource.as_ref(), &request);
    Ok(Answer {
        text: format!("{explanation}\n"),
        yes: explanation.decision.outcome == Outcome::Allowed,
    })
}

fn policy(path: &Path) -> Result<Policy, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Policy::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
}

pub(crate) fn principal(text: &str) -> Result<Principal<'_>, String> {
    let of = |kind, account, user_name| Principal {
        kind,
        account,
        arn: text,
        user_name,
    };
    if text.ends_with(".amazonaws.com") {
        return Ok(of(PrincipalKind::Service, "", None));
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    if let ["arn", _, "iam" | "sts", "", account, name] = parts[..] {
        let last = name.rsplit('/').next();
        match name.split('/').next() {
            Some("root") => return Ok(of(PrincipalKind::Root, account, None)),
            Some("user") => return Ok(of(PrincipalKind::User, account, last)),
            Some("role" | "assumed-role") => return Ok(of(PrincipalKind::Role, account, None)),
            _ => {}
        }
    }
    Err(format!(
        "principal {text}: an ARN such as arn:aws:iam::111122223333:user/name, or a service such as \
         sns.amazonaws.com"
    ))
}

pub(crate) fn keys(pairs: &[(String, String)]) -> Keys {
    let mut by_key: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (key, value) in pairs {
        by_key.entry(key).or_default().push(value);
    }
    let add = |keys: Keys, (key, values): (&str, Vec<&str>)| match values[..] {
        [one] => keys.with(key, one),
        _ => keys.with_many(key, &values),
    };
    by_key.into_iter().fold(Keys::new(), add)
}
