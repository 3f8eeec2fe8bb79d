//! Lists a page at a time.

use super::answers::{AdminError, AdminResult};
use schemars::JsonSchema;
use serde::Deserialize;

const LIMIT_DEFAULT: usize = 100;
/// Things that can be sorted by a figure at once; by name there is no bound.
pub(super) const SORTED_MAX: usize = 10_000;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Pages {
    /// At most so many; 100 where absent.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<usize>,
    /// The `next` of the page before.
    pub after: Option<String>,
}

/// One page.
pub(super) struct Page<T> {
    pub shown: Vec<T>,
    pub next: Option<String>,
}

impl Pages {
    pub fn limit(&self) -> usize {
        self.limit.unwrap_or(LIMIT_DEFAULT)
    }

    /// A page of things that come in the order of their names, from the first after `after` on, with
    /// one more than the page at least if there is one.
    pub fn by_name<T>(&self, mut found: Vec<(String, T)>) -> Page<T> {
        let is_last = found.len() <= self.limit();
        found.truncate(self.limit());
        let last = found.last().map(|(name, _)| name.clone());
        Page {
            next: last.filter(|_| !is_last),
            shown: found.into_iter().map(|(_, thing)| thing).collect(),
        }
    }

    /// A page of all there is, in the order of a figure and then of their names. Pages begin at a
    /// place, so a thing whose figure changes may be in two or in none.
    pub fn by_figure<T>(
        &self,
        mut found: Vec<(String, T)>,
        descending: bool,
        figure: impl Fn(&T) -> u64,
    ) -> AdminResult<Page<T>> {
        if found.len() > SORTED_MAX {
            return Err(AdminError::bad_request(format!(
                "more than {SORTED_MAX} fit, which is too many to sort; say more of their names"
            )));
        }
        let from = match &self.after {
            None => 0,
            Some(after) => after
                .parse::<usize>()
                .map_err(|_| AdminError::bad_request("after is the next of another order"))?,
        };
        found.sort_by_key(|(_, thing)| {
            let figure = figure(thing);
            if descending {
                u64::MAX - figure
            } else {
                figure
            }
        });
        let all = found.len();
        let shown = found.into_iter().skip(from).take(self.limit());
        let shown: Vec<T> = shown.map(|(_, thing)| thing).collect();
        let end = from.saturating_add(shown.len());
        let next = (end < all && !shown.is_empty()).then(|| end.to_string());
        Ok(Page { shown, next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_either_order_hold_all_once() {
        let all: Vec<(String, u64)> = (0..7).map(|n| (format!("q{n}"), n % 3)).collect();
        let mut pages = Pages {
            limit: Some(3),
            after: None,
        };
        let page = pages.by_name(all.clone());
        assert_eq!((page.shown.len(), page.next.as_deref()), (3, Some("q2")));
        assert_eq!(pages.by_name(all[..3].to_vec()).next, None);
        let mut seen = Vec::new();
        loop {
            let page = pages
                .by_figure(all.clone(), true, |figure| *figure)
                .unwrap();
            seen.extend(page.shown);
            pages.after = page.next;
            if pages.after.is_none() {
                break;
            }
        }
        assert_eq!(seen, [2, 2, 1, 1, 0, 0, 0]);
        pages.after = Some("q2".to_owned());
        assert!(pages.by_figure(all, false, |figure| *figure).is_err());
    }
}
