//! Expressions of conditions, in the part of the Common Expression Language that IAM offers.
//!
//! The language's parser is a crate's; what it reads is compiled into values of known types, as IAM
//! checks them when a policy is set. Evaluating one looks at each part once at most, and at a name once
//! for each part that is about it. The crate's interpreter would have functions that IAM doesn't offer,
//! and loops.

use crate::compile::Compiler;
use crate::error::quoted;
use crate::scope::Scope;
use crate::tokens;
use crate::truth::Truth;
use cel::parser::PrattParser;

/// Bytes of an expression. IAM states no bound; this holds one with as many operators as it takes,
/// and the longest names.
pub const EXPRESSION_BYTES_MAX: usize = 4096;

/// `&&`, `||` and `!` of an expression, by <https://docs.cloud.google.com/iam/quotas>.
pub const LOGIC_OPERATORS_MAX: usize = 12;

#[derive(Clone, Debug)]
pub(crate) struct Expression {
    text: Box<str>,
    truth: Truth,
    /// With a time in it that is none, the condition never allows anything, by
    /// <https://docs.cloud.google.com/iam/docs/conditions-attribute-reference>, whatever the rest is.
    never: bool,
}

impl Expression {
    /// Reads an expression; the error says what is wrong with it.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        tokens::check(text)?;
        // The crate's other parser takes 150 KB of stack for each bracket where it isn't optimised.
        let parsed = PrattParser::new().parse(text).map_err(|errors| {
            let first = errors.errors.into_iter().next();
            let message = first.map_or_else(String::new, |error| error.msg);
            format!("can't be read: {}", quoted(&message))
        })?;
        let mut compiler = Compiler::default();
        let truth = compiler.truth(&parsed.expr)?;
        Ok(Self {
            text: text.into(),
            truth,
            never: compiler.never,
        })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it holds; `None` where it can't be evaluated.
    pub(crate) fn holds(&self, scope: &Scope<'_>) -> Option<bool> {
        if self.never {
            return None;
        }
        self.truth.holds(scope)
    }
}
