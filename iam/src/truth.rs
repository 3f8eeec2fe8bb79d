//! Truths of an expression: what it comes to, and what that is made of.
//!
//! What an attribute that isn't known goes into isn't known either, unless the rest decides: `false`
//! and anything is false, `true` or anything is true.

use crate::moment::{Moment, Span};
use crate::number::Number;
use crate::scope::Scope;
use crate::text::Text;

#[derive(Clone, Debug)]
pub(crate) enum Truth {
    Literal(bool),
    /// What depends on what no request to Pub/Sub has.
    Unknown,
    Not(Box<Self>),
    And(Box<[Self; 2]>),
    Or(Box<[Self; 2]>),
    Same(Box<[Self; 2]>),
    SameText(Box<[Text; 2]>),
    Begins(Box<[Text; 2]>),
    Ends(Box<[Text; 2]>),
    TextIn(Box<Text>, Box<[Text]>),
    NumberIn(Box<Number>, Box<[Number]>),
    Numbers(Relation, Box<[Number; 2]>),
    Moments(Relation, Box<[Moment; 2]>),
    Spans(Relation, Box<[Span; 2]>),
}

/// What is asked of two values in an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Relation {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Relation {
    fn holds<T: PartialOrd>(self, left: T, right: T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

impl Truth {
    /// Whether it holds; `None` where that can't be told.
    pub(crate) fn holds(&self, scope: &Scope<'_>) -> Option<bool> {
        scope.step(0);
        match self {
            Self::Literal(value) => Some(*value),
            Self::Unknown => None,
            Self::Not(one) => one.holds(scope).map(|value| !value),
            Self::And(both) => decided(both, false, scope),
            Self::Or(both) => decided(both, true, scope),
            Self::Same(both) => Some(both[0].holds(scope)? == both[1].holds(scope)?),
            Self::SameText(both) => texts(both, scope, str::eq),
            Self::Begins(both) => texts(both, scope, |text, with| text.starts_with(with)),
            Self::Ends(both) => texts(both, scope, |text, with| text.ends_with(with)),
            Self::TextIn(one, list) => {
                let one = one.value(scope)?;
                among(list, |text| {
                    let text = text.value(scope)?;
                    scope.step(text.len());
                    Some(text == one)
                })
            }
            Self::NumberIn(one, list) => {
                let one = one.value(scope)?;
                among(list, |number| Some(number.value(scope)? == one))
            }
            Self::Numbers(relation, both) => {
                let [left, right] = &**both;
                Some(relation.holds(left.value(scope)?, right.value(scope)?))
            }
            Self::Moments(relation, both) => {
                let [left, right] = &**both;
                Some(relation.holds(left.value(scope)?, right.value(scope)?))
            }
            Self::Spans(relation, both) => {
                let [left, right] = &**both;
                Some(relation.holds(left.value(scope)?, right.value(scope)?))
            }
        }
    }
}

/// Both, of which one value decides.
fn decided(both: &[Truth; 2], decides: bool, scope: &Scope<'_>) -> Option<bool> {
    let left = both[0].holds(scope);
    if left == Some(decides) {
        return left;
    }
    match both[1].holds(scope) {
        Some(right) if right == decides => Some(decides),
        right => left.and(right),
    }
}

fn texts(both: &[Text; 2], scope: &Scope<'_>, holds: impl Fn(&str, &str) -> bool) -> Option<bool> {
    let (left, right) = (both[0].value(scope)?, both[1].value(scope)?);
    scope.step(left.len().min(right.len()));
    Some(holds(left, right))
}

/// Whether something is true of one of a list; unknown where it is of none, and of some can't be told.
fn among<T>(list: &[T], is: impl Fn(&T) -> Option<bool>) -> Option<bool> {
    let mut none = Some(false);
    for one in list {
        match is(one) {
            Some(true) => return Some(true),
            Some(false) => {}
            None => none = None,
        }
    }
    none
}
