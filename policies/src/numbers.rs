//! Numbers, as conditions compare them, and what can be asked of two values in an order.

/// A decimal number; `None` where a text isn't one.
pub(crate) fn number(text: &str) -> Option<f64> {
    // Rust reads "inf" and "nan", too.
    let digits = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
    let value: f64 = text.chars().all(digits).then(|| text.parse().ok())??;
    value.is_finite().then_some(value)
}

/// What a condition asks of the request's value, which stands on the left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Relation {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Relation {
    pub(crate) fn holds<T: PartialOrd>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_number() {
        for (text, value) in [("10", 10.0), ("-1.5", -1.5), ("1e3", 1000.0), ("+7", 7.0)] {
            assert_eq!(number(text), Some(value), "{text}");
        }
        for text in ["", "inf", "NaN", "1e999", "0x10", "ten", " 1", "1 ", "--1"] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
