//! Subscription filters: which messages a subscription is for.
//!
//! The language is a small one over attributes: `attributes:key` (has it), `attributes.key = "v"`
//! and `!=` (true where the key is absent), `hasPrefix(attributes.key, "p")`, `NOT` or `-` before a
//! term, `AND` or `OR` between terms but not both without parentheses. Source: the service's
//! documentation of subscription filters.

use super::wire;

/// Longest filter, bytes.
pub const FILTER_BYTES_MAX: usize = 256;

/// A parsed filter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Filter(Expression);

/// What is wrong with a filter, in words.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct FilterError(String);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Expression {
    Has(Box<[u8]>),
    Equals(Box<[u8]>, Box<[u8]>),
    Differs(Box<[u8]>, Box<[u8]>),
    HasPrefix(Box<[u8]>, Box<[u8]>),
    Not(Box<Expression>),
    All(Vec<Expression>),
    Any(Vec<Expression>),
}

impl Filter {
    /// Parses a filter.
    ///
    /// # Errors
    /// Where it is not in the language, or longer than [`FILTER_BYTES_MAX`].
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        if text.len() > FILTER_BYTES_MAX {
            return Err(FilterError(format!(
                "the filter is {} bytes long, the maximum is {FILTER_BYTES_MAX}",
                text.len()
            )));
        }
        let mut parser = Parser { text, at: 0 };
        let expression = parser.expression()?;
        match parser.next()? {
            None => Ok(Self(expression)),
            Some(token) => Err(parser.unexpected(&token)),
        }
    }

    /// Whether an encoded `PubsubMessage` passes.
    pub fn matches(&self, message: &[u8]) -> bool {
        self.0.matches(&|key| wire::attribute(message, key))
    }
}

impl Expression {
    fn matches<'m>(&self, attribute: &impl Fn(&[u8]) -> Option<&'m [u8]>) -> bool {
        match self {
            Self::Has(key) => attribute(key).is_some(),
            Self::Equals(key, value) => attribute(key) == Some(value),
            Self::Differs(key, value) => attribute(key) != Some(value),
            Self::HasPrefix(key, prefix) => attribute(key).is_some_and(|v| v.starts_with(prefix)),
            Self::Not(inner) => !inner.matches(attribute),
            Self::All(terms) => terms.iter().all(|term| term.matches(attribute)),
            Self::Any(terms) => terms.iter().any(|term| term.matches(attribute)),
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Token {
    Word(String),
    Text(String),
    Sign(&'static str),
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

const SIGNS: [&str; 8] = ["!=", "=", ":", ".", ",", "(", ")", "-"];

impl Parser<'_> {
    fn expression(&mut self) -> Result<Expression, FilterError> {
        let first = self.term()?;
        let mut operator: Option<String> = None;
        let mut terms = vec![first];
        loop {
            let before = self.at;
            match self.next()? {
                Some(Token::Word(word)) if word == "AND" || word == "OR" => {
                    if operator.as_ref().is_some_and(|operator| *operator != word) {
                        return Err(FilterError(
                            "AND and OR can't be mixed without parentheses".to_owned(),
                        ));
                    }
                    operator = Some(word);
                    terms.push(self.term()?);
                }
                _ => {
                    self.at = before;
                    break;
                }
            }
        }
        Ok(match operator.as_deref() {
            None => terms.pop().expect("at least the first"),
            Some("AND") => Expression::All(terms),
            Some(_) => Expression::Any(terms),
        })
    }

    /// One comparison or parenthesis with what stands before it. Recursion is bounded by the
    /// length of a filter.
    fn term(&mut self) -> Result<Expression, FilterError> {
        match self.next()? {
            Some(Token::Sign("-")) => Ok(Expression::Not(Box::new(self.term()?))),
            Some(Token::Sign("(")) => {
                let inner = self.expression()?;
                self.expect(")")?;
                Ok(inner)
            }
            Some(Token::Word(word)) => match word.as_str() {
                "NOT" => Ok(Expression::Not(Box::new(self.term()?))),
                "hasPrefix" => {
                    self.expect("(")?;
                    match self.next()? {
                        Some(Token::Word(word)) if word == "attributes" => {}
                        other => return Err(self.expected("attributes", other)),
                    }
                    self.expect(".")?;
                    let key = self.key()?;
                    self.expect(",")?;
                    let prefix = self.value()?;
                    self.expect(")")?;
                    Ok(Expression::HasPrefix(key, prefix))
                }
                "attributes" => match self.next()? {
                    Some(Token::Sign(":")) => Ok(Expression::Has(self.key()?)),
                    Some(Token::Sign(".")) => {
                        let key = self.key()?;
                        match self.next()? {
                            Some(Token::Sign("=")) => Ok(Expression::Equals(key, self.value()?)),
                            Some(Token::Sign("!=")) => Ok(Expression::Differs(key, self.value()?)),
                            other => Err(self.expected("= or !=", other)),
                        }
                    }
                    other => Err(self.expected(": or .", other)),
                },
                _ => Err(self.unexpected(&Token::Word(word))),
            },
            other => Err(self.expected("a condition on attributes", other)),
        }
    }

    fn key(&mut self) -> Result<Box<[u8]>, FilterError> {
        match self.next()? {
            Some(Token::Word(key) | Token::Text(key)) if !key.is_empty() => {
                Ok(key.into_bytes().into())
            }
            other => Err(self.expected("an attribute's key", other)),
        }
    }

    fn value(&mut self) -> Result<Box<[u8]>, FilterError> {
        match self.next()? {
            Some(Token::Text(value)) => Ok(value.into_bytes().into()),
            other => Err(self.expected("a string in double quotes", other)),
        }
    }

    fn expect(&mut self, sign: &'static str) -> Result<(), FilterError> {
        match self.next()? {
            Some(Token::Sign(found)) if found == sign => Ok(()),
            other => Err(self.expected(sign, other)),
        }
    }

    fn expected(&self, what: &str, found: Option<Token>) -> FilterError {
        match found {
            None => FilterError(format!("expected {what} at the end of the filter")),
            Some(token) => FilterError(format!(
                "expected {what} before position {}, found {}",
                self.at,
                token.show()
            )),
        }
    }

    fn unexpected(&self, token: &Token) -> FilterError {
        FilterError(format!(
            "unexpected {} before position {}",
            token.show(),
            self.at
        ))
    }

    fn next(&mut self) -> Result<Option<Token>, FilterError> {
        let rest = self.text[self.at..].trim_ascii_start();
        self.at = self.text.len() - rest.len();
        let Some(first) = rest.chars().next() else {
            return Ok(None);
        };
        if first == '"' {
            return self.quoted().map(|text| Some(Token::Text(text)));
        }
        // A dash begins a word only within one: before a term it negates.
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        if is_word(first) {
            let end = rest
                .find(|c: char| !is_word(c) && c != '-')
                .unwrap_or(rest.len());
            self.at += end;
            return Ok(Some(Token::Word(rest[..end].to_owned())));
        }
        match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            Some(sign) => {
                self.at += sign.len();
                Ok(Some(Token::Sign(sign)))
            }
            None => Err(FilterError(format!(
                "unexpected character {first:?} at position {}",
                self.at
            ))),
        }
    }

    /// A string in double quotes, from its opening quote on.
    fn quoted(&mut self) -> Result<String, FilterError> {
        let start = self.at;
        let mut out = String::new();
        let mut chars = self.text[start + 1..].char_indices();
        while let Some((at, char)) = chars.next() {
            match char {
                '"' => {
                    self.at = start + 1 + at + 1;
                    return Ok(out);
                }
                '\\' => {
                    let digits = match chars.next() {
                        Some((_, 'n')) => {
                            out.push('\n');
                            continue;
                        }
                        Some((_, 'r')) => {
                            out.push('\r');
                            continue;
                        }
                        Some((_, 't')) => {
                            out.push('\t');
                            continue;
                        }
                        Some((_, same @ ('"' | '\'' | '\\'))) => {
                            out.push(same);
                            continue;
                        }
                        Some((_, 'x')) => 2,
                        Some((_, 'u')) => 4,
                        Some((_, 'U')) => 8,
                        _ => 0,
                    };
                    let code: String = chars.by_ref().take(digits).map(|(_, c)| c).collect();
                    let decoded = u32::from_str_radix(&code, 16).ok().and_then(char::from_u32);
                    match decoded.filter(|_| digits > 0 && code.len() == digits) {
                        Some(decoded) => out.push(decoded),
                        None => return Err(FilterError("an escape can't be read".to_owned())),
                    }
                }
                char => out.push(char),
            }
        }
        Err(FilterError("a string has no closing quote".to_owned()))
    }
}

impl Token {
    fn show(&self) -> String {
        match self {
            Self::Word(word) => word.clone(),
            Self::Text(text) => format!("{text:?}"),
            Self::Sign(sign) => (*sign).to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::tests::message;
    use super::*;
    use proptest::prelude::*;

    fn passes(filter: &str, attributes: &[(&str, &str)]) -> bool {
        let filter = Filter::parse(filter).unwrap_or_else(|error| panic!("{filter}: {error}"));
        filter.matches(&message(b"", attributes, ""))
    }

    #[test]
    fn conditions_mean_what_the_service_documents() {
        let en = [("lang", "en"), ("iana.org/tag", "x")];
        assert!(passes("attributes:lang", &en));
        assert!(!passes("attributes:other", &en));
        assert!(passes("attributes.lang = \"en\"", &en));
        assert!(!passes("attributes.lang=\"de\"", &en));
        assert!(passes("attributes.lang != \"de\"", &en));
        // True where the key is absent.
        assert!(passes("attributes.other != \"de\"", &en));
        assert!(passes("hasPrefix(attributes.lang, \"e\")", &en));
        assert!(!passes("hasPrefix(attributes.other, \"\")", &en));
        assert!(passes("attributes:\"iana.org/tag\"", &en));
        assert!(passes("attributes.\"iana.org/tag\" = \"x\"", &en));
        assert!(passes("NOT attributes:other", &en));
        assert!(passes("-attributes:other AND attributes:lang", &en));
        assert!(passes("attributes:other OR attributes:lang", &en));
        assert!(passes(
            "attributes:lang AND (attributes:other OR NOT attributes:third)",
            &en
        ));
        assert!(passes("attributes.some-key = \"1\"", &[("some-key", "1")]));
        assert!(passes(
            "attributes.k = \"a\\\"b\\u00e4\"",
            &[("k", "a\"bä")]
        ));
    }

    #[test]
    fn what_is_not_in_the_language_is_refused() {
        for bad in [
            "",
            "attributes",
            "attributes:",
            "attributes.k",
            "attributes.k = v",
            "attributes.k = \"v",
            "attributes.k == \"v\"",
            "attributes:a AND attributes:b OR attributes:c",
            "attributes:a and attributes:b",
            "attributes:a attributes:b",
            "(attributes:a",
            "attributes:a)",
            "hasPrefix(attributes.k)",
            "data = \"x\"",
            "attributes.k < \"v\"",
            "attributes.k = \"\\q\"",
        ] {
            assert!(Filter::parse(bad).is_err(), "{bad}");
        }
        let long = format!("attributes.k = \"{}\"", "x".repeat(FILTER_BYTES_MAX));
        assert!(Filter::parse(&long).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_without_a_panic(text in "\\PC{0,256}") {
            let _ = Filter::parse(&text);
        }

        #[test]
        fn near_filters_are_parsed_without_a_panic(
            text in "(attributes|NOT|AND|OR|hasPrefix|[-.:=!,()\" ]|\\\\|[a-z]{1,3}|ä){0,40}"
        ) {
            if let Ok(filter) = Filter::parse(&text) {
                let _ = filter.matches(&message(b"d", &[("a", "b")], ""));
            }
        }
    }
}
