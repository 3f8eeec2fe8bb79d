//! Lists a page at a time.

use super::answers::{AdminError, AdminResult};
use schemars::JsonSchema;
use serde::Deserialize;

const LIMIT_DEFAULT: usize = 100;
/// Where pages in the order of a figure end; by name there is no bound.
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

    /// The things of a page in the order of a figure and then of their names, as they come.
    pub fn by_figure<T>(&self, descending: bool) -> AdminResult<Best<T>> {
        let from = match &self.after {
            None => 0,
            Some(after) => after
                .parse::<usize>()
                .map_err(|_| AdminError::bad_request("after is the next of another order"))?,
        };
        if from >= SORTED_MAX {
            return Err(AdminError::bad_request(format!(
                "after {from}: pages in this order end after {SORTED_MAX}; say more of their names"
            )));
        }
        Ok(Best {
            from,
            limit: self.limit(),
            descending,
            kept: Vec::new(),
        })
    }
}

/// The first of many in an order of theirs. No more are kept than a page and those before it, so there
/// may be any number. Pages begin at a place, so a thing whose figure changes may be in two or in none.
pub(super) struct Best<T> {
    from: usize,
    limit: usize,
    descending: bool,
    kept: Vec<(u64, String, T)>,
}

impl<T> Best<T> {
    pub fn add(&mut self, figure: u64, name: String, thing: T) {
        let rank = if self.descending {
            u64::MAX - figure
        } else {
            figure
        };
        self.kept.push((rank, name, thing));
        // One more tells whether the page is the last.
        let wanted = self.from + self.limit + 1;
        if self.kept.len() >= 2 * wanted {
            self.order();
            self.kept.truncate(wanted);
        }
    }

    fn order(&mut self) {
        self.kept
            .sort_by(|(rank, name, _), (other, of, _)| rank.cmp(other).then_with(|| name.cmp(of)));
    }

    pub fn page(mut self) -> Page<T> {
        self.order();
        let end = self.from.saturating_add(self.limit);
        let has_more = end < self.kept.len() && end < SORTED_MAX;
        let shown = self.kept.into_iter().skip(self.from).take(self.limit);
        Page {
            shown: shown.map(|(.., thing)| thing).collect(),
            next: has_more.then(|| end.to_string()),
        }
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
            let mut best = pages.by_figure(true).unwrap();
            for (name, figure) in &all {
                best.add(*figure, name.clone(), *figure);
            }
            let page = best.page();
            seen.extend(page.shown);
            pages.after = page.next;
            if pages.after.is_none() {
                break;
            }
        }
        assert_eq!(seen, [2, 2, 1, 1, 0, 0, 0]);
        pages.after = Some("q2".to_owned());
        assert!(pages.by_figure::<u64>(false).is_err());
        pages.after = Some(SORTED_MAX.to_string());
        assert!(pages.by_figure::<u64>(false).is_err());
    }

    #[test]
    fn the_best_of_many_are_found_and_few_are_kept() {
        let pages = Pages {
            limit: Some(2),
            after: Some("2".to_owned()),
        };
        let mut best = pages.by_figure(false).unwrap();
        for n in (0..10_000_u64).rev() {
            best.add(n, format!("q{n}"), n);
            assert!(best.kept.len() < 10);
        }
        let page = best.page();
        assert_eq!((page.shown, page.next.as_deref()), (vec![2, 3], Some("4")));
    }
}
