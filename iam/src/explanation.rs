//! Explanations: the decision, and for each binding why it applies, or what kept it from applying.

use crate::decision::{Cause, Decision, Miss, Source, decide, grants};
use crate::error::quoted;
use crate::permissions::Permission;
use crate::policy::{Grant, Policy};
use crate::request::Request;
use crate::scope::Scope;
use std::fmt;

/// Members that a reason repeats.
const SHOWN_MAX: usize = 3;

/// A decision with what became of each binding. Its `Display` has a line for each.
#[derive(Clone, Debug)]
pub struct Explanation<'p> {
    /// The decision, as [`decide`] makes it.
    pub decision: Decision<'p>,
    /// The bindings of the policies, in their order.
    pub bindings: Vec<Considered<'p>>,
}

/// A binding that was asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Considered<'p> {
    /// Which one.
    pub cause: Cause<'p>,
    /// What first keeps it from applying, in a line. `None` where it applies.
    pub miss: Option<String>,
    /// What its condition took: parts evaluated, and bytes that they looked at.
    pub steps: u64,
}

/// Decides as [`decide`] does, and says what became of each binding, those behind the one that allows
/// it too.
pub fn explain<'p>(
    policies: &[(Source, &'p Policy)],
    permission: Permission,
    request: &Request<'_>,
) -> Explanation<'p> {
    let considered = grants(policies).map(|(source, grant)| {
        let scope = Scope::new(request);
        let outcome = grant.examine(permission.into(), &scope);
        let steps = scope.steps();
        let (member, miss) = match outcome {
            Ok(member) => (member, None),
            Err(miss) => (miss.member(), Some(reason(grant, miss, permission, &scope))),
        };
        Considered {
            cause: grant.cause(source, member),
            miss,
            steps,
        }
    });
    Explanation {
        decision: decide(policies, permission, request),
        bindings: considered.collect(),
    }
}

impl<'p> Miss<'p> {
    fn member(self) -> &'p str {
        match self {
            Self::Condition(member) => member,
            Self::Role | Self::Members => "",
        }
    }
}

fn reason(grant: &Grant, miss: Miss<'_>, permission: Permission, scope: &Scope<'_>) -> String {
    match (miss, &grant.condition) {
        (Miss::Role, _) => format!("its role doesn't have {permission}"),
        (Miss::Condition(_), Some(rule)) => rule.reason(scope),
        _ => {
            let who = match scope.request.member {
                None => "requests with no credentials".to_owned(),
                Some(member) => quoted(&member.to_string()),
            };
            let members = grant.members.iter().take(SHOWN_MAX);
            let members: Vec<_> = members.map(|(text, _)| quoted(text)).collect();
            let more = match grant.members.len().saturating_sub(SHOWN_MAX) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!(
                "its members {}{more} have no match for {who}",
                members.join(", ")
            )
        }
    }
}

impl fmt::Display for Considered<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} ", self.cause)?;
        match &self.miss {
            None => to.write_str("applies"),
            Some(miss) => write!(to, "doesn't apply: {miss}"),
        }
    }
}

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}", self.decision)?;
        for binding in &self.bindings {
            write!(to, "\n  {binding}")?;
        }
        Ok(())
    }
}
