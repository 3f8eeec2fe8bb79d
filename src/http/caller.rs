//! Who asks, for whoever wants to know. It is looked up only while somebody does.

use crate::net::Connection;
use http::header::{HeaderMap, HeaderName, USER_AGENT};
use http::{Extensions, HeaderValue};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const AMAZON_TRACE: HeaderName = HeaderName::from_static("x-amzn-trace-id");
/// Bytes kept of a header; callers choose them.
const TEXT_BYTES_MAX: usize = 512;

/// Whether requests are watched: one flag for each reason to.
#[derive(Clone, Debug, Default)]
pub struct Watched(Arc<AtomicU32>);

impl Watched {
    /// Whether there is a reason.
    #[inline]
    pub fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    /// Whether there is another reason than this one.
    pub fn any_but(&self, reason: u32) -> bool {
        self.0.load(Ordering::Relaxed) & !reason != 0
    }

    /// A reason, a bit of its own, comes or goes.
    pub fn set(&self, reason: u32, on: bool) {
        if on {
            self.0.fetch_or(reason, Ordering::Relaxed);
        } else {
            self.0.fetch_and(!reason, Ordering::Relaxed);
        }
    }
}

/// Who asks, as far as a request's head tells.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// Where its connection comes from.
    pub peer: Option<SocketAddr>,
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

/// Whether somebody looks at a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Look {
    /// Nobody does.
    Away,
    /// Somebody does.
    At {
        /// A trace has it.
        traced: bool,
    },
}

impl Caller {
    /// Who sent a request with this head.
    pub fn of(headers: &HeaderMap, extensions: &Extensions, traced: bool) -> Self {
        let text = |name: HeaderName| {
            let value = headers.get(name).map(HeaderValue::to_str)?.ok()?;
            Some(value.get(..TEXT_BYTES_MAX).unwrap_or(value).into())
        };
        Self {
            peer: extensions
                .get::<Arc<Connection>>()
                .and_then(|connection| connection.peer),
            user_agent: text(USER_AGENT),
            traceparent: text(TRACEPARENT),
            tracestate: text(TRACESTATE),
            amazon_trace: text(AMAZON_TRACE),
            traced,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_come_and_go_one_by_one() {
        let watched = Watched::default();
        assert!(!watched.any());
        watched.set(1, true);
        watched.set(2, true);
        watched.set(1, false);
        assert!(watched.any());
        watched.set(2, false);
        assert!(!watched.any());
    }

    #[test]
    fn heads_tell_who_asks_and_long_ones_not_for_long() {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_static("aws-cli/2"));
        let long = HeaderValue::from_str(&"x".repeat(10 * TEXT_BYTES_MAX)).unwrap();
        headers.insert(TRACESTATE, long);
        let caller = Caller::of(&headers, &Extensions::new(), false);
        assert_eq!(caller.user_agent.as_deref(), Some("aws-cli/2"));
        assert_eq!(caller.tracestate.unwrap().len(), TEXT_BYTES_MAX);
        assert_eq!((caller.peer, caller.traceparent), (None, None));
    }
}
