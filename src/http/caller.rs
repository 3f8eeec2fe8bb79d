//! Who asks, for whoever wants to know. It is looked up only while somebody does.

use crate::net::Connection;
use http::header::{HOST, HeaderMap, HeaderName, USER_AGENT};
use http::{Extensions, HeaderValue, Uri};
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const AMAZON_TRACE: HeaderName = HeaderName::from_static("x-amzn-trace-id");
/// Bytes kept of a header; callers choose them.
const TEXT_BYTES_MAX: usize = 512;

/// The reason of which only some requests are.
const TRACES: u32 = 1 << 31;

/// Whether a trace has a request with this head.
type Records = Box<dyn Fn(&HeaderMap) -> bool + Send + Sync>;

/// Whether requests are watched, and which.
#[derive(Clone, Default)]
pub struct Watched(Arc<Reasons>);

#[derive(Default)]
struct Reasons {
    /// One bit for each.
    bits: AtomicU32,
    records: OnceLock<Records>,
}

impl Watched {
    /// A reason to watch all of them, a bit of its own below 1 << 31, comes or goes.
    pub fn set(&self, reason: u32, on: bool) {
        if on {
            self.0.bits.fetch_or(reason, Ordering::Relaxed);
        } else {
            self.0.bits.fetch_and(!reason, Ordering::Relaxed);
        }
    }

    /// Has those watched from now on that a trace has, whatever becomes of other reasons.
    pub fn trace(&self, records: impl Fn(&HeaderMap) -> bool + Send + Sync + 'static) {
        self.0.records.get_or_init(|| Box::new(records));
        self.set(TRACES, true);
    }

    /// Whether somebody looks at a request with this head, and why. To be asked once for each: chance
    /// has a say.
    #[inline]
    pub(super) fn look(&self, headers: &HeaderMap) -> Option<Looked> {
        match self.0.bits.load(Ordering::Relaxed) {
            0 => None,
            reasons => self.look_closely(reasons, headers),
        }
    }

    #[cold]
    fn look_closely(&self, reasons: u32, headers: &HeaderMap) -> Option<Looked> {
        let traced = self.0.records.get().is_some_and(|has| has(headers));
        (traced || reasons & !TRACES != 0).then_some(Looked {
            connection: None,
            traced,
        })
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.0.bits.load(Ordering::Relaxed);
        write!(f, "Watched({bits:#x})")
    }
}

/// Goes with a request that somebody looks at, in its extensions.
#[derive(Clone, Debug, Default)]
pub(super) struct Looked {
    /// What it came by, if that is listed.
    pub(super) connection: Option<Arc<Connection>>,
    traced: bool,
}

/// Who asks, as far as a request's head tells.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// Where its connection comes from.
    pub peer: Option<SocketAddr>,
    /// What it calls this server, with the port if it says it.
    pub host: Option<Box<str>>,
    /// What it calls itself.
    pub user_agent: Option<Box<str>>,
    /// `traceparent`, as it came (<https://www.w3.org/TR/trace-context/>).
    pub traceparent: Option<Box<str>>,
    /// `tracestate`, as it came.
    pub tracestate: Option<Box<str>>,
    /// `X-Amzn-Trace-Id`, as it came.
    pub amazon_trace: Option<Box<str>>,
    /// Whether a trace has it.
    pub traced: bool,
}

impl Caller {
    /// Who sent a request with this head, if somebody looks at it.
    #[inline]
    pub fn of(headers: &HeaderMap, uri: &Uri, extensions: &Extensions) -> Option<Box<Self>> {
        let looked = extensions.get::<Looked>()?;
        Some(Box::new(Self::read(headers, uri, looked)))
    }

    #[cold]
    fn read(headers: &HeaderMap, uri: &Uri, looked: &Looked) -> Self {
        let text = |name: HeaderName| {
            let value = headers.get(name).map(HeaderValue::to_str)?.ok()?;
            Some(value.get(..TEXT_BYTES_MAX).unwrap_or(value).into())
        };
        Self {
            peer: looked
                .connection
                .as_ref()
                .and_then(|connection| connection.peer),
            // HTTP/2 has it in the place of a header.
            host: match uri.authority() {
                Some(authority) => Some(authority.as_str().into()),
                None => text(HOST),
            },
            user_agent: text(USER_AGENT),
            traceparent: text(TRACEPARENT),
            tracestate: text(TRACESTATE),
            amazon_trace: text(AMAZON_TRACE),
            traced: looked.traced,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_come_and_go_one_by_one() {
        let watched = Watched::default();
        let looks = || watched.look(&HeaderMap::new()).is_some();
        assert!(!looks());
        watched.set(1, true);
        watched.set(2, true);
        watched.set(1, false);
        assert!(looks());
        watched.set(2, false);
        assert!(!looks());
    }

    #[test]
    fn of_those_that_are_traced_only_those_that_are_recorded_go_with_a_note() {
        let watched = Watched::default();
        watched.trace(|headers| headers.contains_key(TRACEPARENT));
        let mut headers = HeaderMap::new();
        assert!(watched.look(&headers).is_none());
        watched.set(1, true);
        assert!(!watched.look(&headers).unwrap().traced);
        watched.set(1, false);
        headers.insert(TRACEPARENT, HeaderValue::from_static("00-1-1-01"));
        assert!(watched.look(&headers).unwrap().traced);
    }

    #[test]
    fn nobody_is_read_whom_nobody_looks_at() {
        let mut extensions = Extensions::new();
        assert!(Caller::of(&HeaderMap::new(), &Uri::default(), &extensions).is_none());
        extensions.insert(Looked::default());
        assert!(Caller::of(&HeaderMap::new(), &Uri::default(), &extensions).is_some());
    }

    #[test]
    fn heads_tell_who_asks_and_long_ones_not_for_long() {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_static("aws-cli/2"));
        let long = HeaderValue::from_str(&"x".repeat(10 * TEXT_BYTES_MAX)).unwrap();
        headers.insert(TRACESTATE, long);
        let caller = Caller::read(&headers, &Uri::default(), &Looked::default());
        assert_eq!(caller.user_agent.as_deref(), Some("aws-cli/2"));
        assert_eq!(caller.tracestate.unwrap().len(), TEXT_BYTES_MAX);
        assert_eq!((caller.peer, caller.traceparent), (None, None));
    }

    #[test]
    fn what_the_server_is_called_stands_in_either_place() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("by-header:1"));
        let host = |uri: &'static str| {
            let uri = Uri::from_static(uri);
            Caller::read(&headers, &uri, &Looked::default()).host
        };
        assert_eq!(host("/path").as_deref(), Some("by-header:1"));
        assert_eq!(host("http://by-uri:2/path").as_deref(), Some("by-uri:2"));
    }
}
