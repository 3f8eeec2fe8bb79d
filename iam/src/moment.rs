//! Points and lengths of time of an expression, in nanoseconds.

use crate::instants;
use crate::scope::Scope;
use crate::text::Text;

#[derive(Clone, Debug)]
pub(crate) enum Moment {
    /// `request.time`
    Now,
    Literal(i128),
    Timestamp(Box<Text>),
    Date(Box<Text>),
    Later(Box<Self>, Box<Span>),
    Earlier(Box<Self>, Box<Span>),
}

#[derive(Clone, Debug)]
pub(crate) enum Span {
    Literal(i128),
    Duration(Box<Text>),
    /// From the second to the first.
    Between(Box<[Moment; 2]>),
}

impl Moment {
    /// Since 1970; `None` where it can't be told.
    pub(crate) fn value(&self, scope: &Scope<'_>) -> Option<i128> {
        scope.step(0);
        match self {
            Self::Now => Some(scope.now_ns),
            Self::Literal(nanos) => Some(*nanos),
            Self::Timestamp(text) => instants::timestamp(read(text, scope)?),
            Self::Date(text) => instants::date(read(text, scope)?),
            Self::Later(from, by) => from.value(scope)?.checked_add(by.value(scope)?),
            Self::Earlier(from, by) => from.value(scope)?.checked_sub(by.value(scope)?),
        }
    }
}

impl Span {
    /// `None` where it can't be told.
    pub(crate) fn value(&self, scope: &Scope<'_>) -> Option<i128> {
        scope.step(0);
        match self {
            Self::Literal(nanos) => Some(*nanos),
            Self::Duration(text) => instants::duration(read(text, scope)?),
            Self::Between(moments) => {
                let [to, from] = &**moments;
                to.value(scope)?.checked_sub(from.value(scope)?)
            }
        }
    }
}

fn read<'a>(text: &'a Text, scope: &Scope<'a>) -> Option<&'a str> {
    let value = text.value(scope)?;
    scope.step(value.len());
    Some(value)
}
