//! Which revisions of a schema a topic takes.

/// The revisions that a message may match, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllowedRevisions<'a, R> {
    newest_first: &'a [R],
}

impl<'a, R> AllowedRevisions<'a, R> {
    /// Newest first.
    pub fn iter(&self) -> impl Iterator<Item = &'a R> {
        self.newest_first.iter()
    }

    /// True if no message can match.
    pub fn is_empty(&self) -> bool {
        self.newest_first.is_empty()
    }
}

/// The revisions from `first` to `last`, both included. Empty ids are no bound. A bound that isn't
/// among the revisions (it was deleted) leaves none: a message must not be taken by accident.
///
/// `newest_first` are all revisions that exist.
pub fn allowed_revisions<'a, R>(
    newest_first: &'a [R],
    id: impl Fn(&R) -> &str,
    first: &str,
    last: &str,
) -> AllowedRevisions<'a, R> {
    let place = |wanted: &str, unbounded: usize| match wanted {
        "" => Some(unbounded),
        _ => newest_first
            .iter()
            .position(|revision| id(revision) == wanted),
    };
    let newest = place(last, 0);
    let oldest = place(first, newest_first.len().saturating_sub(1));
    let range = match (newest, oldest) {
        (Some(newest), Some(oldest)) if newest <= oldest && oldest < newest_first.len() => {
            newest..oldest + 1
        }
        _ => 0..0,
    };
    AllowedRevisions {
        newest_first: &newest_first[range],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(first: &str, last: &str) -> Vec<&'static str> {
        let all: &[&str] = &["d", "c", "b", "a"];
        allowed_revisions(all, |id| id, first, last)
            .iter()
            .copied()
            .collect()
    }

    #[test]
    fn bounds_are_included_and_optional() {
        assert_eq!(allowed("", ""), ["d", "c", "b", "a"]);
        assert_eq!(allowed("b", ""), ["d", "c", "b"]);
        assert_eq!(allowed("", "c"), ["c", "b", "a"]);
        assert_eq!(allowed("b", "c"), ["c", "b"]);
        assert_eq!(allowed("c", "c"), ["c"]);
    }

    #[test]
    fn unknown_or_crossed_bounds_allow_nothing() {
        assert!(allowed("c", "b").is_empty());
        assert!(allowed("x", "").is_empty());
        assert!(allowed("", "x").is_empty());
        let none: &[&str] = &[];
        assert!(allowed_revisions(none, |id| id, "", "").is_empty());
    }
}
