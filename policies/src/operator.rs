//! Condition operators: `StringLike`, `ForAnyValue:StringLike`, `StringLikeIfExists` and the like.

use crate::numbers::Relation;

/// What an operator does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Operator {
    pub(crate) comparison: Comparison,
    /// Whether none of the policy's values may match.
    pub(crate) negated: bool,
    pub(crate) set: Set,
    pub(crate) if_exists: bool,
}

/// How a value of the request is compared with one of the policy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Comparison {
    Text,
    TextInAnyCase,
    Like,
    Arn,
    Number(Relation),
    Date(Relation),
    Bool,
    Binary,
    Address,
    Null,
}

/// Which of the request's values must pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Set {
    /// It has one, as a rule.
    Plain,
    All,
    Any,
}

const NAMES: [(&str, Comparison, bool); 27] = [
    ("StringEquals", Comparison::Text, false),
    ("StringNotEquals", Comparison::Text, true),
    ("StringEqualsIgnoreCase", Comparison::TextInAnyCase, false),
    ("StringNotEqualsIgnoreCase", Comparison::TextInAnyCase, true),
    ("StringLike", Comparison::Like, false),
    ("StringNotLike", Comparison::Like, true),
    ("NumericEquals", Comparison::Number(Relation::Equal), false),
    (
        "NumericNotEquals",
        Comparison::Number(Relation::Equal),
        true,
    ),
    ("NumericLessThan", Comparison::Number(Relation::Less), false),
    (
        "NumericLessThanEquals",
        Comparison::Number(Relation::LessOrEqual),
        false,
    ),
    (
        "NumericGreaterThan",
        Comparison::Number(Relation::Greater),
        false,
    ),
    (
        "NumericGreaterThanEquals",
        Comparison::Number(Relation::GreaterOrEqual),
        false,
    ),
    ("DateEquals", Comparison::Date(Relation::Equal), false),
    ("DateNotEquals", Comparison::Date(Relation::Equal), true),
    ("DateLessThan", Comparison::Date(Relation::Less), false),
    (
        "DateLessThanEquals",
        Comparison::Date(Relation::LessOrEqual),
        false,
    ),
    (
        "DateGreaterThan",
        Comparison::Date(Relation::Greater),
        false,
    ),
    (
        "DateGreaterThanEquals",
        Comparison::Date(Relation::GreaterOrEqual),
        false,
    ),
    ("Bool", Comparison::Bool, false),
    ("BinaryEquals", Comparison::Binary, false),
    ("IpAddress", Comparison::Address, false),
    ("NotIpAddress", Comparison::Address, true),
    ("ArnEquals", Comparison::Arn, false),
    ("ArnLike", Comparison::Arn, false),
    ("ArnNotEquals", Comparison::Arn, true),
    ("ArnNotLike", Comparison::Arn, true),
    ("Null", Comparison::Null, false),
];

impl Operator {
    /// Reads a name; the error says what is allowed.
    pub(crate) fn read(name: &str) -> Result<Self, String> {
        let (set, rest) = match name.split_once(':') {
            None => (Set::Plain, name),
            Some((set, rest)) if set.eq_ignore_ascii_case("ForAllValues") => (Set::All, rest),
            Some((set, rest)) if set.eq_ignore_ascii_case("ForAnyValue") => (Set::Any, rest),
            Some(_) => {
                let fault = "has an unknown prefix, allowed are ForAllValues: and ForAnyValue:";
                return Err(fault.to_owned());
            }
        };
        const SUFFIX: &str = "IfExists";
        let split = rest.len().saturating_sub(SUFFIX.len());
        let (base, if_exists) = match rest.split_at_checked(split) {
            Some((base, suffix)) if suffix.eq_ignore_ascii_case(SUFFIX) => (base, true),
            _ => (rest, false),
        };
        let found = NAMES
            .iter()
            .find(|(known, ..)| known.eq_ignore_ascii_case(base));
        let Some((_, comparison, negated)) = found else {
            let known: Vec<_> = NAMES.iter().map(|(known, ..)| *known).collect();
            return Err(format!(
                "is unknown, allowed are {}, all but Null with IfExists behind, and ForAllValues: or \
                 ForAnyValue: before",
                known.join(", ")
            ));
        };
        if *comparison == Comparison::Null && (if_exists || set != Set::Plain) {
            return Err(
                "is allowed alone only, with no IfExists, ForAllValues: or ForAnyValue:".into(),
            );
        }
        Ok(Self {
            comparison: *comparison,
            negated: *negated,
            set,
            if_exists,
        })
    }
}
