//! Cross-origin requests, for browsers. Others send no Origin and get none of these headers. Which
//! origins may ask is decided before, at the door.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};

use super::body::ReplyBody;

const PREFLIGHT_AGE_SECONDS: HeaderValue = HeaderValue::from_static("86400");
const METHODS: HeaderValue =
    HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
const EXPOSED: HeaderValue =
    HeaderValue::from_static("x-amzn-RequestId, x-amzn-query-error, x-amz-crc32, date");

/// Whether this is a browser asking for leave before the real request.
pub fn is_preflight<B>(request: &Request<B>) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ORIGIN)
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a preflight that has passed the door: everything is allowed to its origin.
pub fn preflight_reply(request: &HeaderMap) -> Response<ReplyBody> {
    let mut reply = Response::new(ReplyBody::empty());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    add_cors(request.get(header::ORIGIN), reply.headers_mut());
    let headers = reply.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    let allowed = request
        .get(header::ACCESS_CONTROL_REQUEST_HEADERS)
        .cloned()
        .unwrap_or(HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_AGE_SECONDS);
    // Chrome asks this before a page may reach a private address such as localhost.
    const PRIVATE_NETWORK: HeaderName =
        HeaderName::from_static("access-control-allow-private-network");
    headers.insert(PRIVATE_NETWORK, HeaderValue::from_static("true"));
    reply
}

/// Lets the page of this origin read the reply. Without one, nothing is added.
#[inline]
pub(super) fn add_cors(origin: Option<&HeaderValue>, reply: &mut HeaderMap) {
    if let Some(origin) = origin {
        reply.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        reply.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        reply.append(header::VARY, HeaderValue::from_static("origin"));
    }
}
