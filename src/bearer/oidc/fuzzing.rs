//! Issuers and their keys, for tests/fuzz.

use super::keys::{KeySet, is_allowed};
use super::parse_issuer;
use jsonwebtoken::Algorithm;

/// An issuer's keys, or its name. A key is for algorithms that may be used, whatever it says.
pub fn issuer(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(issuer) = parse_issuer(text) {
        assert_eq!(issuer, text);
    }
    let Ok(keys) = KeySet::read(text) else {
        return;
    };
    for algorithm in [
        Algorithm::HS256,
        Algorithm::RS256,
        Algorithm::PS256,
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::EdDSA,
    ] {
        let found = keys.find(None, algorithm).is_some();
        assert!(!found || is_allowed(algorithm), "{algorithm:?}");
        assert!(!found || keys.len() > 0);
    }
}
