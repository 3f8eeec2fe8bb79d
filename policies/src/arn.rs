//! ARNs as conditions compare them: six parts between colons, each by itself.

use crate::pattern::Pattern;
use crate::template::Piece;

/// Parts of an ARN: `arn`, partition, service, region, account, and the resource with its colons.
pub(crate) const ARN_PARTS: usize = 6;

/// A pattern for each part, or nothing where a text has too few of them; then it matches nothing.
#[derive(Clone, Debug)]
pub(crate) struct ArnPattern(Option<Box<[Pattern]>>);

impl ArnPattern {
    /// Compiles pieces with no variables left in them.
    pub(crate) fn new(pieces: &[Piece]) -> Self {
        let (mut parts, mut part) = (Vec::new(), Vec::new());
        for piece in pieces {
            let Piece::Text(text) = piece else {
                part.push(piece.clone());
                continue;
            };
            let mut rest = &**text;
            while parts.len() + 1 < ARN_PARTS
                && let Some((before, after)) = rest.split_once(':')
            {
                part.push(Piece::Text(before.into()));
                parts.push(Pattern::new(&part));
                part.clear();
                rest = after;
            }
            part.push(Piece::Text(rest.into()));
        }
        parts.push(Pattern::new(&part));
        Self((parts.len() == ARN_PARTS).then(|| parts.into()))
    }

    /// Whether it matches an ARN.
    pub(crate) fn matches(&self, arn: &str) -> bool {
        let Some(patterns) = &self.0 else {
            return false;
        };
        let mut parts = arn.splitn(ARN_PARTS, ':');
        patterns
            .iter()
            .all(|pattern| parts.next().is_some_and(|part| pattern.matches(part)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::wildcards;

    #[test]
    fn parts_are_compared_each_by_itself() {
        for (pattern, arn, expected) in [
            (
                "arn:aws:sns:*:111122223333:t",
                "arn:aws:sns:eu-west-1:111122223333:t",
                true,
            ),
            (
                "arn:aws:sns:*:t",
                "arn:aws:sns:eu-west-1:111122223333:t",
                false,
            ),
            ("*", "arn:aws:sns:eu-west-1:111122223333:t", false),
            ("arn:*:*:*:*:*", "arn:aws:logs:r:1:group:g:stream", true),
            (
                "arn:aws:logs:r:1:group:*",
                "arn:aws:logs:r:1:group:g:stream",
                true,
            ),
            ("arn:aws:logs:r:1:group:?", "arn:aws:logs:r:1:group:g", true),
            ("arn:aws:sns:r:1:t", "arn:aws:sns:r:1", false),
            ("arn:aws:s3:::b*", "arn:aws:s3:::bucket", true),
        ] {
            let matches = ArnPattern::new(&wildcards(pattern)).matches(arn);
            assert_eq!(matches, expected, "{pattern} {arn}");
        }
    }
}
