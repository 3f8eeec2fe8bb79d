//! Bearer tokens, as Google's services take them: those that this server's token endpoint hands out,
//! those that client libraries sign themselves with a service account's key, and those of issuers
//! elsewhere.
//!
//! Source: RFC 7523 (assertions), Google's documentation of service accounts and of self-signed tokens
//! (<https://google.aip.dev/auth/4111>), and what the official libraries send.

mod access;
mod assertion;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod identity;
mod oidc;
#[cfg(test)]
mod tests;
mod verify;

pub use access::AccessTokens;
pub use assertion::{GrantError, exchange};
pub use identity::{Identity, IdentityKind};
pub use oidc::{Issuers, KeysAwaited, OidcSettings, parse_issuer};
pub use verify::{Bearers, Refused};

use std::time::{SystemTime, UNIX_EPOCH};

/// A service account's public key.
#[derive(Clone)]
pub struct PublicKey {
    /// What tokens name it by.
    pub id: String,
    /// What it checks with.
    pub key: jsonwebtoken::DecodingKey,
    /// Whose it is, an e-mail address.
    pub email: String,
}

/// Who keeps service accounts' keys.
pub trait PublicKeys {
    /// Changes whenever a key does.
    fn version(&self) -> u64;

    /// The key with this id.
    fn find(&self, id: &str) -> Option<PublicKey>;

    /// All keys of an account, for what names none: Node's library asks for tokens so.
    fn of_account(&self, email: &str) -> Vec<PublicKey>;
}

/// s since 1970. Tokens are made by clients, whose clocks are real ones, so this is, too.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
