//! Tokens of issuers elsewhere: OpenID Connect providers, whose keys are fetched and kept.
//!
//! A thread for each issuer fetches its keys, so that no core waits for a network and no issuer for
//! another. Cores look at what is there; a token whose key isn't there may wait for a fetch.
//!
//! Source: OpenID Connect Core 1.0 and Discovery 1.0, RFC 7517 (JWK), RFC 7518 (algorithms), RFC 7519 (JWT)
//! and RFC 8725 (what JWTs are attacked by).

mod claims;
mod fetch;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod issuer;
mod issuers;
mod keys;
#[cfg(test)]
mod tests;
mod url;

pub use issuer::KeysAwaited;
pub use issuers::{Issuers, OidcSettings};
pub use url::parse_issuer;

pub(super) use issuers::Vouched;
