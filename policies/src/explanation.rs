//! Explanations: the decision, and for each statement why it applies, or what kept it from applying.

use crate::decision::{Cause, Decision, Source, cause, decide, statements};
use crate::policy::Policy;
use crate::request::Request;
use crate::statement::Effect;
use std::fmt;

/// A decision with what became of each statement. Its `Display` has a line for each.
#[derive(Clone, Debug)]
pub struct Explanation<'p> {
    /// The decision, as [`decide`] makes it.
    pub decision: Decision<'p>,
    /// The statements of the identity's policies, then those of the resource's.
    pub statements: Vec<Considered<'p>>,
}

/// A statement that was asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Considered<'p> {
    /// Which one.
    pub cause: Cause<'p>,
    /// What it does where it applies.
    pub effect: Effect,
    /// The first of its elements that doesn't match, in a line. `None` where it applies.
    pub miss: Option<String>,
}

/// Decides as [`decide`] does, and says what became of each statement, those behind a deny too.
pub fn explain<'p>(
    identity: &[&'p Policy],
    resource: Option<&'p Policy>,
    request: &Request<'_>,
) -> Explanation<'p> {
    let considered = statements(identity, resource).map(|(source, n, statement)| {
        let miss = statement.examine(source != Source::Resource, request).err();
        Considered {
            cause: cause(source, n, statement),
            effect: statement.effect,
            miss: miss.map(|miss| statement.reason(miss, request)),
        }
    });
    Explanation {
        decision: decide(identity, resource, request),
        statements: considered.collect(),
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
        })
    }
}

impl fmt::Display for Considered<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}: {} ", self.cause, self.effect)?;
        match &self.miss {
            None => to.write_str("applies"),
            Some(miss) => write!(to, "doesn't apply: {miss}"),
        }
    }
}

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}: {}", self.decision.outcome, self.decision.because)?;
        for statement in &self.statements {
            write!(to, "\n  {statement}")?;
        }
        Ok(())
    }
}
