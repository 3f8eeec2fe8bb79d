//! What the dialect reads of a request's headers.

use super::actions::Action;
use super::error::{SqsResult, unknown_operation};
use super::head::Head;
use super::wire::Protocol;
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};

/// Parsed once: looking a header up by `&str` parses the name each time.
static TARGET: HeaderName = HeaderName::from_static("x-amz-target");

/// Which protocol a request is in.
pub(super) fn protocol_of(headers: &HeaderMap) -> Protocol {
    if headers.contains_key(&TARGET)
        || headers
            .get(CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"application/x-amz-json"))
    {
        return Protocol::Json;
    }
    match headers.get(ACCEPT) {
        Some(accept) if accept.as_bytes().starts_with(b"application/json") => Protocol::QueryJson,
        _ => Protocol::Query,
    }
}

/// The headers that matter, found in one pass: to look each up would hash each name.
#[derive(Default)]
pub(super) struct Heads<'h> {
    target: Option<&'h HeaderValue>,
    pub authorization: Option<&'h HeaderValue>,
    pub host: Option<&'h HeaderValue>,
    /// `X-Amzn-Trace-Id`.
    pub trace_id: Option<&'h HeaderValue>,
    pub content_encoding: Option<&'h HeaderValue>,
    /// It came by TLS, or a proxy says that it did.
    pub is_https: bool,
}

impl<'h> Heads<'h> {
    /// The first of each, where one is repeated.
    pub fn of(head: &'h Head) -> Self {
        let mut heads = Self::default();
        let mut forwarded_proto = None;
        for (name, value) in &head.headers {
            let place = match name.as_str() {
                "x-amz-target" => &mut heads.target,
                "authorization" => &mut heads.authorization,
                "host" => &mut heads.host,
                "x-forwarded-proto" => &mut forwarded_proto,
                "x-amzn-trace-id" => &mut heads.trace_id,
                "content-encoding" => &mut heads.content_encoding,
                _ => continue,
            };
            place.get_or_insert(value);
        }
        heads.is_https = match forwarded_proto {
            Some(scheme) => scheme == "https",
            None => head.arrival.by_tls().is_some(),
        };
        heads
    }

    /// The action that a request in JSON names.
    pub fn action(&self) -> SqsResult<Action> {
        let target = self.target.map_or(&b""[..], HeaderValue::as_bytes);
        target
            .strip_prefix(b"AmazonSQS.")
            .and_then(|action| std::str::from_utf8(action).ok())
            .and_then(Action::from_name)
            .ok_or_else(|| unknown_operation(&String::from_utf8_lossy(target)))
    }
}
