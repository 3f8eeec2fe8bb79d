//! `Condition`: what must hold of a request's circumstances.

use crate::arn::ArnPattern;
use crate::choice::Shown;
use crate::dates;
use crate::error::{PolicyError, quoted};
use crate::json::Json;
use crate::networks::Network;
use crate::numbers::{Relation, number};
use crate::operator::{Comparison, Operator, Set};
use crate::pattern::Pattern;
use crate::request::Request;
use crate::template::{Piece, Template, cut, joined, plain, wildcards};

/// One key under one operator.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    operator: Operator,
    /// As it is written.
    operator_name: Box<str>,
    key: Box<str>,
    /// In lower case.
    lower_key: Box<str>,
    texts: Box<[Box<str>]>,
    wanted: Wanted,
}

/// The policy's values, of which one must match.
#[derive(Clone, Debug)]
enum Wanted {
    Text(Box<[Template<Box<str>>]>),
    TextInAnyCase(Box<[Template<Box<str>>]>),
    Like(Box<[Template<Pattern>]>),
    Arn(Box<[Template<ArnPattern>]>),
    Number(Relation, Box<[f64]>),
    Date(Relation, Box<[i128]>),
    /// In base64, which is equal where the bytes are.
    Binary(Box<[Box<str>]>),
    Address(Box<[Network]>),
    Null(Box<[bool]>),
}

/// Reads all of `Condition`. Without variables, `${` is text as any.
pub(crate) fn read(
    json: Json,
    member: &str,
    variables: bool,
) -> Result<Box<[Condition]>, PolicyError> {
    let mut conditions = Vec::new();
    for (operator, keys) in object(json, member, "operators")? {
        let member = format!("{member}.{operator}");
        let read =
            Operator::read(&operator).map_err(|fault| PolicyError::member(&member, fault))?;
        for (key, values) in object(keys, &member, "context keys")? {
            let member = format!("{member}.{key}");
            if key.is_empty() {
                return Err(PolicyError::member(member, "has no name"));
            }
            let texts = texts(values, &member)?;
            let wanted = Wanted::read(read.comparison, &texts, variables);
            conditions.push(Condition {
                operator: read,
                operator_name: operator.as_str().into(),
                lower_key: key.to_ascii_lowercase().into(),
                key: key.into(),
                wanted: wanted.map_err(|fault| PolicyError::member(member, fault))?,
                texts,
            });
        }
    }
    Ok(conditions.into())
}

fn object(json: Json, member: &str, of: &str) -> Result<Vec<(String, Json)>, PolicyError> {
    match json {
        Json::Object(members) => Ok(members),
        other => {
            let fault = format!("is {}, allowed is an object of {of}", other.kind());
            Err(PolicyError::member(member, fault))
        }
    }
}

fn texts(values: Json, member: &str) -> Result<Box<[Box<str>]>, PolicyError> {
    let text = |value| match value {
        Json::Text(text) => Ok(text.into()),
        Json::Bool(value) => Ok(value.to_string().into()),
        Json::Number(value) => Ok(value.to_string().into()),
        other => {
            let fault = format!(
                "has {}, allowed are strings, numbers and booleans, or a list of them",
                other.kind()
            );
            Err(PolicyError::member(member, fault))
        }
    };
    values.into_list().into_iter().map(text).collect()
}

impl Wanted {
    fn read(comparison: Comparison, texts: &[Box<str>], variables: bool) -> Result<Self, String> {
        let literal = |text: &str| match variables {
            true => cut(text, false).map_err(|fault| format!("{} {fault}", quoted(text))),
            false => Ok(plain(text)),
        };
        let pattern = |text: &str| pattern(text, variables);
        Ok(match comparison {
            Comparison::Text => Self::Text(templates(texts, literal, joined)?),
            Comparison::TextInAnyCase => Self::TextInAnyCase(templates(texts, literal, joined)?),
            Comparison::Bool => {
                let truth = |text: &str| {
                    let pieces = literal(text)?;
                    let varies = |piece: &Piece| matches!(piece, Piece::Variable { .. });
                    let known = pieces.iter().any(varies) || bool(text).is_some();
                    known
                        .then_some(pieces)
                        .ok_or_else(|| not(text, "true and false"))
                };
                Self::TextInAnyCase(templates(texts, truth, joined)?)
            }
            Comparison::Like => Self::Like(templates(texts, pattern, Pattern::new)?),
            Comparison::Arn => Self::Arn(templates(texts, pattern, ArnPattern::new)?),
            Comparison::Number(relation) => Self::Number(relation, each(texts, number, "numbers")?),
            Comparison::Date(relation) => {
                let allowed = "dates such as 2030-01-31T12:00:00Z and seconds since 1970";
                Self::Date(relation, each(texts, dates::nanos, allowed)?)
            }
            Comparison::Binary => {
                let base64 = |text: &str| is_base64(text).then(|| text.into());
                Self::Binary(each(texts, base64, "bytes in base64")?)
            }
            Comparison::Address => {
                let allowed = "addresses and networks such as 192.0.2.0/24 and 2001:db8::/32";
                Self::Address(each(texts, Network::read, allowed)?)
            }
            Comparison::Null => Self::Null(each(texts, bool, "true and false")?),
        })
    }

    /// Whether one of them matches a value of the request.
    fn matches(&self, value: &str, request: &Request<'_>) -> bool {
        match self {
            Self::Text(all) => {
                let mut all = all.iter();
                all.any(|template| template.test(request, |text| **text == *value))
            }
            Self::TextInAnyCase(all) => {
                let mut all = all.iter();
                all.any(|template| template.test(request, |text| same_in_any_case(text, value)))
            }
            Self::Like(all) => {
                let like = |pattern: &Pattern| pattern.matches(value);
                all.iter().any(|template| template.test(request, like))
            }
            Self::Arn(all) => {
                let like = |pattern: &ArnPattern| pattern.matches(value);
                all.iter().any(|template| template.test(request, like))
            }
            Self::Number(relation, all) => number(value)
                .is_some_and(|value| all.iter().any(|wanted| relation.holds(&value, wanted))),
            Self::Date(relation, all) => dates::nanos(value)
                .is_some_and(|value| all.iter().any(|wanted| relation.holds(&value, wanted))),
            Self::Binary(all) => all.iter().any(|wanted| **wanted == *value),
            Self::Address(all) => all.iter().any(|network| network.has(value)),
            // Asks whether there is a value, and so never gets here with one.
            Self::Null(_) => false,
        }
    }
}

impl Condition {
    pub(crate) fn holds(&self, request: &Request<'_>) -> bool {
        let values = request.values(&self.lower_key);
        if let Wanted::Null(wanted) = &self.wanted {
            let null = values.is_none_or(crate::Values::is_null);
            return wanted.contains(&null);
        }
        let Operator {
            negated,
            set,
            if_exists,
            ..
        } = self.operator;
        let Some(values) = values else {
            return if_exists
                || match set {
                    Set::Plain => negated,
                    Set::All => true,
                    Set::Any => false,
                };
        };
        let mut values_in = values.iter();
        match set {
            Set::Plain => values_in.any(|value| self.wanted.matches(value, request)) != negated,
            Set::All => {
                values.is_null()
                    || values_in.all(|value| self.wanted.matches(value, request) != negated)
            }
            Set::Any => {
                !values.is_null()
                    && values_in.any(|value| self.wanted.matches(value, request) != negated)
            }
        }
    }

    /// Why it doesn't hold.
    pub(crate) fn reason(&self, request: &Request<'_>) -> String {
        let (operator, key) = (&self.operator_name, &self.key);
        let wanted = match &*self.texts {
            [] => "nothing".to_owned(),
            texts => Shown(texts.iter().map(|text| &**text)).to_string(),
        };
        let has = match request.values(&self.lower_key) {
            None => "doesn't have it".to_owned(),
            Some(values) => format!("has {}", Shown(values.iter())),
        };
        format!("Condition {operator} {key} lists {wanted}, the request {has}")
    }
}

/// Compiles each text.
fn templates<C>(
    texts: &[Box<str>],
    pieces: impl Fn(&str) -> Result<Vec<Piece>, String>,
    compile: fn(&[Piece]) -> C,
) -> Result<Box<[Template<C>]>, String> {
    let pieces = texts.iter().map(|text| pieces(text));
    pieces
        .map(|pieces| Ok(Template::new(pieces?, compile)))
        .collect()
}

/// Reads each text.
fn each<T>(
    texts: &[Box<str>],
    read: impl Fn(&str) -> Option<T>,
    allowed: &str,
) -> Result<Box<[T]>, String> {
    let read = texts.iter().map(|text| (text, read(text)));
    read.map(|(text, value)| value.ok_or_else(|| not(text, allowed)))
        .collect()
}

fn not(text: &str, allowed: &str) -> String {
    format!("has {}, allowed are {allowed}", quoted(text))
}

/// Pieces of a text with wildcards.
pub(crate) fn pattern(text: &str, variables: bool) -> Result<Vec<Piece>, String> {
    let pieces = match variables {
        true => cut(text, true).map_err(|fault| format!("{} {fault}", quoted(text)))?,
        false => wildcards(text),
    };
    match Pattern::fault(&pieces) {
        Some(fault) => Err(format!("{} {fault}", quoted(text))),
        None => Ok(pieces),
    }
}

fn bool(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        return Some(true);
    }
    text.eq_ignore_ascii_case("false").then_some(false)
}

fn same_in_any_case(a: &str, b: &str) -> bool {
    let lower = |text| str::chars(text).flat_map(char::to_lowercase);
    lower(a).eq(lower(b))
}

/// Whether a text is base64 in its one true form: of several that stand for the same bytes, only one
/// has no bits set behind the last byte.
fn is_base64(text: &str) -> bool {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let digits = text.trim_end_matches('=');
    let unused = match text.len() - digits.len() {
        0 => 0,
        1 => 0b11,
        2 => 0b1111,
        _ => return false,
    };
    let last = digits.bytes().last().and_then(value).unwrap_or(0);
    text.len().is_multiple_of(4)
        && digits.bytes().all(|byte| value(byte).is_some())
        && last & unused == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_base64() {
        for text in ["", "QUJD", "QUI=", "QQ==", "+/+/"] {
            assert!(is_base64(text), "{text}");
        }
        for text in ["Q", "QUJ", "QUJ=", "QR==", "Q===", "====", "QU-D", "QQ=A"] {
            assert!(!is_base64(text), "{text}");
        }
    }
}
