//! Wildcards: `*` for any characters, none among them, and `?` for exactly one.
//!
//! A pattern is cut at its `*` when it is read. What stands before the first and after the last is
//! compared in place; each part between is looked for once, behind the part before it, since an
//! earlier find never spoils a later one. So the work grows with the text and not with its square.
//! Plain parts are found by the standard library's search, which is linear in both; parts with a `?`
//! in them are tried at each place, and are short for that reason.

use crate::template::Piece;

/// Characters that a part between two `*` may have when there is a `?` in it, since it is compared
/// anew at each place of a text.
pub(crate) const SOUGHT_CHARS_MAX: usize = 128;

/// A compiled pattern.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Pattern {
    parts: Box<[Part]>,
}

/// What stands between two `*`.
#[derive(Clone, PartialEq, Debug)]
enum Part {
    Plain(Box<str>),
    /// `None` is a `?`.
    Gaps(Gaps),
}

#[derive(Clone, PartialEq, Debug)]
struct Gaps {
    chars: Box<[Option<char>]>,
    ignore_case: bool,
}

impl Pattern {
    /// Compiles pieces with no variables left in them.
    pub(crate) fn new(pieces: &[Piece]) -> Self {
        let parts = pieces.split(|piece| matches!(piece, Piece::Many));
        let count = parts.clone().count();
        let parts = parts.map(Part::new).enumerate();
        // An empty part in the middle comes from `**`, and is found anywhere.
        let parts = parts
            .filter(|(n, part)| *n == 0 || n + 1 == count || !part.is_empty())
            .map(|(_, part)| part)
            .collect();
        Self { parts }
    }

    /// Compiles a text whose ASCII letters match without regard to case. It must be short: each part
    /// is tried at each place.
    pub(crate) fn ignoring_case(text: &str) -> Self {
        let mut pattern = Self::new(&crate::template::wildcards(text));
        for part in &mut pattern.parts {
            if let Part::Plain(plain) = part {
                let chars = plain.chars().map(Some).collect();
                let ignore_case = true;
                *part = Part::Gaps(Gaps { chars, ignore_case });
            } else if let Part::Gaps(gaps) = part {
                gaps.ignore_case = true;
            }
        }
        pattern
    }

    /// Whether it matches all of a text.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let [first, rest @ ..] = &*self.parts else {
            return false;
        };
        let Some(mut text) = first.after_start(text) else {
            return false;
        };
        let [middle @ .., last] = rest else {
            return text.is_empty();
        };
        for part in middle {
            let Some(after) = part.after_find(text) else {
                return false;
            };
            text = after;
        }
        last.ends(text)
    }

    /// What keeps pieces from being matched in linear time, if anything does.
    pub(crate) fn fault(pieces: &[Piece]) -> Option<String> {
        let mut parts = pieces.split(|piece| matches!(piece, Piece::Many)).skip(1);
        let mut sought = parts.next();
        for next in parts {
            let part = sought.unwrap_or_default();
            let gap = part.iter().any(|piece| matches!(piece, Piece::One));
            let varies = part
                .iter()
                .any(|piece| matches!(piece, Piece::Variable { .. }));
            let chars: usize = part.iter().map(Piece::chars).sum();
            if gap && (varies || chars > SOUGHT_CHARS_MAX) {
                return Some(format!(
                    "has a ? between two *, where at most {SOUGHT_CHARS_MAX} characters and no \
                     variables are allowed with it"
                ));
            }
            sought = Some(next);
        }
        None
    }
}

impl Part {
    fn new(pieces: &[Piece]) -> Self {
        if pieces.iter().any(|piece| matches!(piece, Piece::One)) {
            let chars = pieces.iter().flat_map(|piece| {
                let gap = matches!(piece, Piece::One).then_some(None);
                gap.into_iter().chain(piece.text().chars().map(Some))
            });
            let (chars, ignore_case) = (chars.collect(), false);
            return Self::Gaps(Gaps { chars, ignore_case });
        }
        Self::Plain(pieces.iter().map(Piece::text).collect())
    }

    fn is_empty(&self) -> bool {
        matches!(self, Self::Plain(plain) if plain.is_empty())
    }

    /// What follows it, where a text starts with it.
    fn after_start<'a>(&self, text: &'a str) -> Option<&'a str> {
        match self {
            Self::Plain(plain) => text.strip_prefix(&**plain),
            Self::Gaps(gaps) => gaps.after_start(text),
        }
    }

    /// What follows its first place in a text.
    fn after_find<'a>(&self, text: &'a str) -> Option<&'a str> {
        match self {
            Self::Plain(plain) => text.find(&**plain).map(|at| &text[at + plain.len()..]),
            Self::Gaps(gaps) => {
                let starts = text.char_indices().map(|(at, _)| &text[at..]);
                starts.chain([""]).find_map(|from| gaps.after_start(from))
            }
        }
    }

    fn ends(&self, text: &str) -> bool {
        match self {
            Self::Plain(plain) => text.ends_with(&**plain),
            Self::Gaps(gaps) => gaps.ends(text),
        }
    }
}

impl Gaps {
    fn equals(&self, wanted: Option<char>, has: char) -> bool {
        #[cfg(test)]
        tests::step();
        match wanted {
            None => true,
            Some(wanted) if self.ignore_case => wanted.eq_ignore_ascii_case(&has),
            Some(wanted) => wanted == has,
        }
    }

    fn after_start<'a>(&self, text: &'a str) -> Option<&'a str> {
        let mut chars = text.chars();
        for wanted in &self.chars {
            if !self.equals(*wanted, chars.next()?) {
                return None;
            }
        }
        Some(chars.as_str())
    }

    fn ends(&self, text: &str) -> bool {
        let mut chars = text.chars().rev();
        let mut wanted = self.chars.iter().rev();
        wanted.all(|wanted| chars.next().is_some_and(|has| self.equals(*wanted, has)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::wildcards;
    use std::cell::Cell;
    use std::time::{Duration, Instant};

    thread_local! {
        static STEPS: Cell<u64> = const { Cell::new(0) };
    }

    pub(super) fn step() {
        STEPS.with(|steps| steps.set(steps.get() + 1));
    }

    fn steps(pattern: &str, text: &str) -> (bool, u64) {
        let pattern = Pattern::new(&wildcards(pattern));
        STEPS.with(|steps| steps.set(0));
        let matches = pattern.matches(text);
        (matches, STEPS.with(Cell::get))
    }

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("**", "", true),
            ("?", "", false),
            ("?", "ä", true),
            ("?*", "", false),
            ("a*b", "ab", true),
            ("a*b", "aXbXb", true),
            ("a*ba", "aba", true),
            ("ab*ba", "aba", false),
            ("*a?c*", "xxabc", true),
            ("*a?c*", "xxac", false),
            ("*?", "a", true),
            ("*??*", "a", false),
            ("*??*", "ab", true),
            ("a**b", "a-b", true),
            ("*?b", "b", false),
            ("a", "ab", false),
            ("a?", "ab", true),
            ("*b", "ab", true),
            ("*.*.*", "a.b.c", true),
            ("*.*.*", "a.b", false),
        ] {
            let matches = Pattern::new(&wildcards(pattern)).matches(text);
            assert_eq!(matches, expected, "{pattern} {text}");
        }
        assert!(Pattern::ignoring_case("sqs:*message?atch").matches("SQS:SendMessageBatch"));
        assert!(!Pattern::ignoring_case("sqs:send").matches("sqs:sends"));
    }

    #[test]
    fn twice_the_text_is_at_most_twice_the_steps() {
        for pattern in ["*a?a*a?b*", "*?*?*?*?b", "*a?a?a?a?b*", "a?*a?*b?"] {
            let (matches, short) = steps(pattern, &"a".repeat(1000));
            let (_, long) = steps(pattern, &"a".repeat(2000));
            assert!(!matches, "{pattern}");
            assert!(long <= 2 * short + 64, "{pattern}: {short}, {long}");
        }
    }

    #[test]
    fn twice_the_stars_are_at_most_twice_the_steps() {
        let text = "a".repeat(4000);
        for unit in ["*a?", "?*", "*a"] {
            let (_, few) = steps(&format!("{}*b", unit.repeat(200)), &text);
            let (_, many) = steps(&format!("{}*b", unit.repeat(400)), &text);
            assert!(many <= 2 * few + 64, "{unit}: {few}, {many}");
        }
    }

    #[test]
    fn long_patterns_end_soon() {
        let began = Instant::now();
        let text = "a".repeat(200_000);
        for pattern in [
            format!("{}b", "*a".repeat(10_000)),
            format!("*{}b*", "a".repeat(20_000)),
            format!("{}b*", "*?a".repeat(6_000)),
        ] {
            assert!(!Pattern::new(&wildcards(&pattern)).matches(&text));
        }
        assert!(began.elapsed() < Duration::from_secs(20));
    }
}
