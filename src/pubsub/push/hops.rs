//! Notices messages that come back: a push request says how often its message has been pushed, and a
//! message that such a request publishes is remembered as pushed that often. One that has gone round
//! too often is refused, which its subscription's pace takes for a failing endpoint.

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Pushes that a message may have behind it when it is published. Each may multiply it.
pub(in crate::pubsub) const HOPS_MAX: u32 = 4;

/// Messages whose hops are remembered, in all. The oldest are forgotten first, and count as new.
const MESSAGES_MAX: usize = 1 << 16;

/// Says how often a message has been pushed, this time included.
pub(super) const HEADER: &str = "x-lclq-push-hops";

/// Adds to a push request how often its message has been pushed, `before` it.
pub(super) fn add_hops(headers: &mut HeaderMap, before: u32) {
    let hops = HeaderValue::from(before.saturating_add(1));
    headers.insert(HeaderName::from_static(HEADER), hops);
}

/// How often what a request publishes has been pushed: never, unless the request is a push.
pub(in crate::pubsub) fn read_hops(headers: &HeaderMap) -> u32 {
    let Some(hops) = headers.get(HEADER) else {
        return 0;
    };
    let hops = hops.to_str().ok().and_then(|hops| hops.parse().ok());
    hops.unwrap_or(u32::MAX)
}

/// The messages of this process that were published by a push. Cheap to clone.
#[derive(Clone, Default)]
pub(in crate::pubsub) struct HopBook {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Hardly ever is there anything, and then no delivery takes the lock.
    used: AtomicBool,
    pages: Mutex<Pages>,
}

#[derive(Default)]
struct Pages {
    hops: HashMap<Box<str>, u32>,
    oldest_first: VecDeque<Box<str>>,
}

impl HopBook {
    /// Notes that messages of these ids have been pushed so often.
    pub(in crate::pubsub) fn note<'a>(&self, ids: impl Iterator<Item = &'a str>, hops: u32) {
        let mut pages = self.pages();
        for id in ids {
            while pages.oldest_first.len() >= MESSAGES_MAX
                && let Some(oldest) = pages.oldest_first.pop_front()
            {
                pages.hops.remove(&oldest);
            }
            if pages.hops.insert(id.into(), hops).is_none() {
                pages.oldest_first.push_back(id.into());
            }
        }
        self.inner.used.store(true, Ordering::Release);
    }

    /// How often a message has been pushed before it was published.
    pub(super) fn hops(&self, id: &str) -> u32 {
        if !self.inner.used.load(Ordering::Acquire) {
            return 0;
        }
        self.pages().hops.get(id).copied().unwrap_or(0)
    }

    fn pages(&self) -> std::sync::MutexGuard<'_, Pages> {
        let pages = self.inner.pages.lock();
        pages.unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_it() {
        let mut headers = HeaderMap::new();
        assert_eq!(read_hops(&headers), 0);
        add_hops(&mut headers, 0);
        assert_eq!(read_hops(&headers), 1);
        add_hops(&mut headers, 3);
        assert_eq!(read_hops(&headers), 4);
        for odd in ["", "-1", "x", "99999999999"] {
            headers.insert(HEADER, HeaderValue::from_static(odd));
            assert_eq!(read_hops(&headers), u32::MAX, "{odd}");
        }
    }

    #[test]
    fn the_book_is_bounded() {
        let book = HopBook::default();
        assert_eq!(book.hops("a"), 0);
        book.note(["a", "b"].into_iter(), 2);
        assert_eq!((book.hops("a"), book.hops("c")), (2, 0));
        let many: Vec<String> = (0..MESSAGES_MAX).map(|n| n.to_string()).collect();
        book.note(many.iter().map(String::as_str), 1);
        assert_eq!((book.hops("a"), book.hops("0")), (0, 1));
        assert_eq!(book.pages().hops.len(), MESSAGES_MAX);
        assert_eq!(book.pages().oldest_first.len(), MESSAGES_MAX);
    }
}
