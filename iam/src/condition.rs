//! Conditions of bindings.

use crate::expression::Expression;
use crate::scope::Scope;

/// The condition of a binding, as `google.type.Expr` has it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Condition<'a> {
    /// What it is called. IAM's pages require it, but the service has been seen to take one without:
    /// nothing is read from it, so it may be empty.
    pub title: &'a str,
    /// More about it, or nothing.
    pub description: &'a str,
    /// What must hold.
    pub expression: &'a str,
}

/// A condition that has been read.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) title: Box<str>,
    pub(crate) expression: Expression,
}

impl Rule {
    /// Reads a condition; the error says what is wrong with its expression.
    pub(crate) fn read(condition: &Condition<'_>) -> Result<Self, String> {
        Ok(Self {
            title: condition.title.into(),
            expression: Expression::read(condition.expression)?,
        })
    }

    /// Why it doesn't hold.
    pub(crate) fn reason(&self, scope: &Scope<'_>) -> String {
        let comes_to = match self.expression.holds(scope) {
            Some(value) => format!("is {value}"),
            None => "can't be evaluated".to_owned(),
        };
        format!("its condition {:?} {comes_to}", self.expression.text())
    }
}
