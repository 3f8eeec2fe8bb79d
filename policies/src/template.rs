//! Policy variables: `${aws:username}`, with a default `${aws:username, 'nobody'}`, and the three
//! that stand for characters which mean something else: `${*}`, `${?}` and `${$}`.
//!
//! What a variable is replaced by is taken as it is: a `*` in a user's tag is no wildcard. A variable
//! with no value and no default matches nothing.

use crate::request::Request;

/// A stretch of a policy's value.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Piece {
    Text(Box<str>),
    /// `?`
    One,
    /// `*`
    Many,
    Variable {
        /// In lower case.
        key: Box<str>,
        default: Option<Box<str>>,
    },
}

impl Piece {
    /// Its text, empty where it isn't one.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            _ => "",
        }
    }

    pub(crate) fn chars(&self) -> usize {
        match self {
            Self::One => 1,
            other => other.text().chars().count(),
        }
    }
}

/// Cuts a text at its variables, and reads wildcards in what is left where there can be any. The
/// error says what is wrong with a variable.
pub(crate) fn cut(text: &str, with_wildcards: bool) -> Result<Vec<Piece>, &'static str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        push(&mut pieces, &rest[..at], with_wildcards);
        let (piece, after) = variable(&rest[at + 2..])?;
        pieces.push(piece);
        rest = after;
    }
    push(&mut pieces, rest, with_wildcards);
    Ok(pieces)
}

/// Reads wildcards alone.
pub(crate) fn wildcards(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    push(&mut pieces, text, true);
    pieces
}

/// A text that means nothing but itself.
pub(crate) fn plain(text: &str) -> Vec<Piece> {
    vec![Piece::Text(text.into())]
}

fn push(pieces: &mut Vec<Piece>, text: &str, with_wildcards: bool) {
    if !with_wildcards {
        pieces.push(Piece::Text(text.into()));
        return;
    }
    let mut rest = text;
    while let Some(at) = rest.find(['*', '?']) {
        let (before, from) = rest.split_at(at);
        if !before.is_empty() {
            pieces.push(Piece::Text(before.into()));
        }
        let star = from.starts_with('*');
        pieces.push(if star { Piece::Many } else { Piece::One });
        rest = &from[1..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.into()));
    }
}

/// Reads what follows `${`, up to and with `}`.
fn variable(text: &str) -> Result<(Piece, &str), &'static str> {
    const OPEN: &str = "has a ${ with no }";
    for special in ["*", "?", "$"] {
        let after = text.strip_prefix(special);
        if let Some(after) = after.and_then(|after| after.strip_prefix('}')) {
            return Ok((Piece::Text(special.into()), after));
        }
    }
    let end = text.find([',', '}']).ok_or(OPEN)?;
    let key = text[..end].trim();
    if key.is_empty() || key.contains(['$', '{']) {
        return Err("has a ${...} that names no key, such as ${aws:username}");
    }
    let key = key.to_ascii_lowercase().into();
    let (default, after) = match text[end..].strip_prefix(',') {
        None => (None, &text[end..]),
        Some(after) => {
            const QUOTES: &str = "has a default that isn't in single quotes, as in ${key, 'text'}";
            let inner = after.trim_start().strip_prefix('\'').ok_or(QUOTES)?;
            let (default, after) = inner.split_once('\'').ok_or(QUOTES)?;
            (Some(default.into()), after.trim_start())
        }
    };
    let after = after.strip_prefix('}').ok_or(OPEN)?;
    Ok((Piece::Variable { key, default }, after))
}

/// A policy's value in a compiled form: compiled once where it has no variables, and for each request
/// where it has.
#[derive(Clone, Debug)]
pub(crate) struct Template<C> {
    fixed: Option<C>,
    pieces: Box<[Piece]>,
    compile: fn(&[Piece]) -> C,
}

impl<C> Template<C> {
    pub(crate) fn new(pieces: Vec<Piece>, compile: fn(&[Piece]) -> C) -> Self {
        let varies = |piece: &Piece| matches!(piece, Piece::Variable { .. });
        if pieces.iter().any(varies) {
            let (fixed, pieces) = (None, pieces.into());
            return Self {
                fixed,
                pieces,
                compile,
            };
        }
        let (fixed, pieces) = (Some(compile(&pieces)), Box::default());
        Self {
            fixed,
            pieces,
            compile,
        }
    }

    /// Tests what it comes to in a request; `false` where a variable has no value.
    pub(crate) fn test(&self, request: &Request<'_>, test: impl FnOnce(&C) -> bool) -> bool {
        if let Some(fixed) = &self.fixed {
            return test(fixed);
        }
        let pieces = self.pieces.iter().map(|piece| match piece {
            Piece::Variable { key, default } => {
                let value = request.single(key).or(default.as_deref())?;
                Some(Piece::Text(value.into()))
            }
            other => Some(other.clone()),
        });
        let pieces: Option<Vec<_>> = pieces.collect();
        pieces.is_some_and(|pieces| test(&(self.compile)(&pieces)))
    }
}

/// Puts pieces of text together.
pub(crate) fn joined(pieces: &[Piece]) -> Box<str> {
    pieces.iter().map(Piece::text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_and_what_is_wrong_with_them() {
        let variable = |key: &str, default: Option<&str>| Piece::Variable {
            key: key.into(),
            default: default.map(Into::into),
        };
        let text = |text: &str| Piece::Text(text.into());
        assert_eq!(
            cut("a-${aws:UserName}-*${*}", true),
            Ok(vec![
                text("a-"),
                variable("aws:username", None),
                text("-"),
                Piece::Many,
                text("*")
            ])
        );
        assert_eq!(
            cut("${aws:PrincipalTag/a b, 'x}y' }$", true),
            Ok(vec![
                variable("aws:principaltag/a b", Some("x}y")),
                text("$")
            ])
        );
        for (wrong, fault) in [
            ("${", "has a ${ with no }"),
            ("${aws:x", "has a ${ with no }"),
            ("${aws:x, 'y'", "has a ${ with no }"),
            (
                "${}",
                "has a ${...} that names no key, such as ${aws:username}",
            ),
            (
                "${ , 'y'}",
                "has a ${...} that names no key, such as ${aws:username}",
            ),
            (
                "${a, y}",
                "has a default that isn't in single quotes, as in ${key, 'text'}",
            ),
            (
                "${a, 'y}",
                "has a default that isn't in single quotes, as in ${key, 'text'}",
            ),
        ] {
            assert_eq!(cut(wrong, true), Err(fault), "{wrong}");
        }
    }
}
