//! What an expression may be made of, looked at before it is parsed: words that IAM knows, plain
//! literals, and no more operators or brackets than the parser and what comes behind it bear, which
//! call themselves for each. The parser also copies a call for each call that is made on it or that it
//! stands in; so long as those are few, its time grows as the text does.

use crate::error::quoted;
use crate::expression::{EXPRESSION_BYTES_MAX, LOGIC_OPERATORS_MAX};

/// Brackets in brackets.
const NESTED_MAX: usize = 10;
/// Calls on what a call gives.
const CHAINED_MAX: usize = 4;
/// Dots, brackets and operators.
const OPERATORS_MAX: usize = 200;
/// Digits of a number.
const DIGITS_MAX: usize = 18;

/// Attributes and functions of IAM's that have a meaning for Pub/Sub or are known to have none, by
/// <https://docs.cloud.google.com/iam/docs/conditions-attribute-reference>.
const WORDS: &[&str] = &[
    "request",
    "resource",
    "destination",
    "time",
    "name",
    "type",
    "service",
    "path",
    "host",
    "auth",
    "access_levels",
    "ip",
    "port",
    "startsWith",
    "endsWith",
    "extract",
    "timestamp",
    "date",
    "duration",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getFullYear",
    "getHours",
    "getMilliseconds",
    "getMinutes",
    "getMonth",
    "getSeconds",
    "hasTagKey",
    "hasTagKeyId",
    "matchTag",
    "matchTagId",
    "true",
    "false",
    "in",
];

/// Says what is wrong with an expression, if it is of something else or too much.
pub(crate) fn check(text: &str) -> Result<(), String> {
    if text.len() > EXPRESSION_BYTES_MAX {
        return Err(format!(
            "has {} bytes, at most {EXPRESSION_BYTES_MAX} are allowed",
            text.len()
        ));
    }
    let mut counts = Counts::default();
    let mut rest = text.trim_ascii_start();
    if rest.is_empty() {
        return Err("is empty".to_owned());
    }
    while let Some(first) = rest.bytes().next() {
        let length = match first {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => word(rest)?,
            b'0'..=b'9' => number(rest)?,
            b'"' | b'\'' => literal(rest)?,
            b'/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            _ => counts.operator(rest)?,
        };
        // A comment is as good as nothing.
        if first != b'/' {
            counts.closed = matches!(first, b')' | b']');
        }
        rest = rest[length..].trim_ascii_start();
    }
    Ok(())
}

#[derive(Default)]
struct Counts {
    /// Whether a bracket was the last, and closed.
    closed: bool,
    nested: usize,
    /// Calls in a row, in each bracket that is open.
    chained: [usize; NESTED_MAX + 1],
    operators: usize,
    logic: usize,
}

impl Counts {
    /// Bytes of the operator that a text begins with.
    fn operator(&mut self, text: &str) -> Result<usize, String> {
        const LONG: [&str; 6] = ["&&", "||", "!=", "==", "<=", ">="];
        const SHORT: [&str; 11] = ["!", "<", ">", "+", "-", "(", ")", "[", "]", ".", ","];
        let all = LONG.iter().chain(&SHORT);
        let Some(operator) = all.copied().find(|one| text.starts_with(one)) else {
            let has: String = text.chars().take(1).collect();
            return Err(format!("has {has:?}, which conditions don't offer"));
        };
        match operator {
            "(" | "[" => self.nested += 1,
            ")" | "]" => self.nested = self.nested.saturating_sub(1),
            "&&" | "||" | "!" => self.logic += 1,
            _ => {}
        }
        let Some(chained) = self.chained.get_mut(self.nested) else {
            return Err(format!("has more than {NESTED_MAX} brackets in each other"));
        };
        match operator {
            ")" | "]" => {}
            "." => *chained += usize::from(self.closed),
            _ => *chained = 0,
        }
        if *chained > CHAINED_MAX {
            return Err(format!("has more than {CHAINED_MAX} calls in a row"));
        }
        // Nothing goes deeper with a list's length.
        self.operators += usize::from(operator != ",");
        if self.logic > LOGIC_OPERATORS_MAX {
            return Err(format!(
                "has more than {LOGIC_OPERATORS_MAX} logical operators"
            ));
        }
        if self.operators > OPERATORS_MAX {
            return Err(format!(
                "has more than {OPERATORS_MAX} dots, brackets and operators"
            ));
        }
        Ok(operator.len())
    }
}

fn word(text: &str) -> Result<usize, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = text.find(|c| !plain(c)).unwrap_or(text.len());
    let word = &text[..end];
    // A letter before a quote makes another kind of literal.
    if !WORDS.contains(&word) || text[end..].starts_with(['"', '\'']) {
        return Err(format!(
            "has {}, which conditions don't offer",
            quoted(word)
        ));
    }
    Ok(end)
}

fn number(text: &str) -> Result<usize, String> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let more = text[end..].starts_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '_'));
    if more || end > DIGITS_MAX {
        return Err(format!(
            "has a number that isn't of 1 to {DIGITS_MAX} decimal digits"
        ));
    }
    Ok(end)
}

/// Bytes of a literal in one pair of quotes, on one line.
fn literal(text: &str) -> Result<usize, String> {
    const ENDS: &str = "has a string with no end on its line";
    let mut all = text.char_indices();
    let quote = all.next().map(|(_, quote)| quote);
    while let Some((at, c)) = all.next() {
        match c {
            '\n' | '\r' => return Err(ENDS.to_owned()),
            '\\' => match all.next() {
                Some((_, '\\' | '\'' | '"' | '`' | '?' | 'n' | 't' | 'a' | 'b' | 'f' | 'v')) => {}
                _ => return Err("has a string with an escape that conditions don't offer".into()),
            },
            _ if Some(c) == quote => {
                let end = at + c.len_utf8();
                // Three quotes begin another kind of literal.
                if text[end..].starts_with(['"', '\'']) {
                    return Err("has a string right behind another".to_owned());
                }
                return Ok(end);
            }
            _ => {}
        }
    }
    Err(ENDS.to_owned())
}
