//! Push delivery: messages as HTTP requests to the endpoints of subscriptions.
//!
//! What a request looks like is in [`envelope`], how fast they go out in [`pace`], what they are
//! signed with in [`token`]. One thread of the process makes all of them; see [`client`].

pub mod client;
mod destinations;
pub mod envelope;
mod figures;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub(super) mod hops;
pub mod pace;
pub(super) mod pusher;
mod serve_keys;
pub mod token;

mod tls;

pub use client::{
    CorePush, HttpOutcome, HttpRequest, ISSUER_DEFAULT, PushClient, PushConfig, PushSetupError,
};
pub use destinations::{Destinations, Hosts};
pub use envelope::{PushMessage, Wrapper, push_request};
pub use figures::{PushAnswer, PushOutcome, PushSeen};
pub use pace::Pace;
pub use token::TokenFor;

pub(super) use serve_keys::token_keys;

/// Headers that only HTTP itself may set, in lower case. Letting a message set them would let its
/// publisher forge requests.
const HEADERS_RESERVED: [&str; 12] = [
    "authorization",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    hops::HEADER,
];

/// Reads a push endpoint: an absolute http or https URL.
///
/// # Errors
/// What is wrong with it, in words.
pub fn parse_endpoint(endpoint: &str) -> Result<http::Uri, &'static str> {
    let uri: http::Uri = endpoint.parse().map_err(|_| "it isn't a URL")?;
    match uri.scheme_str() {
        Some("http" | "https") => {}
        _ => return Err("it must begin with http:// or https://"),
    }
    match uri.host() {
        Some(host) if !host.is_empty() => Ok(uri),
        _ => Err("it has no host"),
    }
}

/// True for the answers that acknowledge a message.
pub fn is_ack(status: u16) -> bool {
    matches!(status, 102 | 200 | 201 | 202 | 204)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints() {
        for good in [
            "http://localhost:8080/push",
            "https://example.com",
            "http://127.0.0.1:1/a?b=c",
            "http://[::1]:8080/",
        ] {
            assert!(parse_endpoint(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/push",
            "localhost:8080",
            "ftp://a/",
            "http://",
            "http:// a",
        ] {
            assert!(parse_endpoint(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn answers_that_acknowledge() {
        let acks: Vec<u16> = (0..1000).filter(|status| is_ack(*status)).collect();
        assert_eq!(acks, [102, 200, 201, 202, 204]);
    }
}
