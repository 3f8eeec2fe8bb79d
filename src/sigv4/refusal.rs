//! Why a request isn't believed, in the service's words.

use super::instant::{later, write};
use std::fmt::{self, Write as _};
use time::OffsetDateTime;

/// What a service calls it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Problem {
    /// It isn't signed.
    Missing,
    /// It is signed in part, or in a way that can't be read.
    Incomplete,
    /// Nobody here has this key, or its session's token is another.
    UnknownKey,
    /// Its session is over.
    ExpiredSession,
    /// It is signed wrongly, for something else, or too long ago.
    Mismatch,
}

/// Why a request isn't believed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// What kind of reason that is.
    pub problem: Problem,
    /// For the client.
    pub message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Refusal {
    fn new(problem: Problem, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { problem, message }
    }

    pub(super) fn missing() -> Self {
        Self::new(Problem::Missing, "Request is missing Authentication Token")
    }

    pub(super) fn in_two_places() -> Self {
        let message = "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as \
                       HTTP header.";
        Self::new(Problem::Mismatch, message)
    }

    /// Parts that a header lacks. The header itself may hold somebody's secret, so its hash tells
    /// which it was.
    pub(super) fn incomplete_header(parts: &[&str], no_date: bool, header: &[u8]) -> Self {
        let mut message = String::new();
        for part in parts {
            let _ = write!(
                message,
                "Authorization header requires '{part}' parameter. "
            );
        }
        if no_date {
            message.push_str(
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ",
            );
        }
        let hash = ring::digest::digest(&ring::digest::SHA256, header);
        let _ = write!(
            message,
            "(Hashed with SHA-256 and encoded with Base64) Authorization={}",
            base64_simd::STANDARD.encode_to_string(hash)
        );
        Self::new(Problem::Incomplete, message)
    }

    pub(super) fn incomplete_query(parts: &[&str]) -> Self {
        let mut message = String::new();
        for part in parts {
            let _ = write!(
                message,
                "AWS query-string parameters must include '{part}'. "
            );
        }
        message.push_str("Re-examine the query-string parameters.");
        Self::new(Problem::Incomplete, message)
    }

    pub(super) fn algorithm(name: &str) -> Self {
        Self::new(
            Problem::Incomplete,
            format!("Unsupported AWS 'algorithm': '{name}'."),
        )
    }

    pub(super) fn credential(text: &str) -> Self {
        let message = format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. \
             keyid/date/region/service/term, got '{text}'"
        );
        Self::new(Problem::Incomplete, message)
    }

    pub(super) fn date_form(text: &str) -> Self {
        let message = format!(
            "Date must be in ISO-8601 'basic format'. Got '{text}'. See \
             http://en.wikipedia.org/wiki/ISO_8601"
        );
        Self::new(Problem::Incomplete, message)
    }

    pub(super) fn expires_form() -> Self {
        let message = "X-Amz-Expires must be a number of seconds between 1 and 604800";
        Self::new(Problem::Incomplete, message)
    }

    pub(super) fn not_signed(header: &str) -> Self {
        let message = format!("'{header}' must be a 'SignedHeader' in the AWS Authorization.");
        Self::new(Problem::Mismatch, message)
    }

    pub(super) fn scope_service(service: &str) -> Self {
        let message = format!("Credential should be scoped to correct service: '{service}'. ");
        Self::new(Problem::Mismatch, message)
    }

    pub(super) fn scope_region(region: &str) -> Self {
        let message = format!("Credential should be scoped to a valid region, not '{region}'. ");
        Self::new(Problem::Mismatch, message)
    }

    pub(super) fn scope_end(end: &str) -> Self {
        let message = format!(
            "Credential should be scoped with a valid terminator: 'aws4_request', not '{end}'. "
        );
        Self::new(Problem::Mismatch, message)
    }

    pub(super) fn scope_date(date: &str, time: &str) -> Self {
        let message = format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from \
             HTTP: '{date}' != '{}', from '{time}'.",
            time.get(..8).unwrap_or(time)
        );
        Self::new(Problem::Mismatch, message)
    }

    /// `seconds` is how old it may be.
    pub(super) fn expired(time: &str, now: OffsetDateTime, seconds: i64) -> Self {
        let message = format!(
            "Signature expired: {time} is now earlier than {} ({} - {} min.)",
            write(later(now, -seconds)),
            write(now),
            seconds / 60
        );
        Self::new(Problem::Mismatch, message)
    }

    pub(super) fn not_yet(time: &str, now: OffsetDateTime, seconds: i64) -> Self {
        let message = format!(
            "Signature not yet current: {time} is still later than {} ({} + {} min.)",
            write(later(now, seconds)),
            write(now),
            seconds / 60
        );
        Self::new(Problem::Mismatch, message)
    }

    pub(super) fn unknown_key() -> Self {
        let message = "The security token included in the request is invalid.";
        Self::new(Problem::UnknownKey, message)
    }

    pub(super) fn expired_session() -> Self {
        let message = "The security token included in the request is expired";
        Self::new(Problem::ExpiredSession, message)
    }

    pub(super) fn body_hash() -> Self {
        let message = "The value passed in as x-amz-content-sha256 does not match the SHA-256 of the \
                       request's body.";
        Self::new(Problem::Mismatch, message)
    }

    /// The signature is another. What should have been signed helps authors of signers, and tells
    /// nothing that the client has not sent.
    pub(super) fn mismatch(canonical: &[u8], to_sign: &str) -> Self {
        let canonical = String::from_utf8_lossy(canonical);
        let message = format!(
            "The request signature we calculated does not match the signature you provided. Check \
             your AWS Secret Access Key and signing method. Consult the service documentation for \
             details.\n\nThe Canonical String for this request should have been\n'{canonical}'\n\n\
             The String-to-Sign should have been\n'{to_sign}'\n"
        );
        Self::new(Problem::Mismatch, message)
    }
}
