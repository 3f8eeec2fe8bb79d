//! Tokens that this server hands out, and knows again: signed, not kept, so that they hold on every core
//! and over a restart.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use ring::hmac;
use serde::{Deserialize, Serialize};

/// What access tokens of Google begin with.
const PREFIX: &str = "ya29.";

/// Life of a token, s. The service says one less, too.
pub(super) const TOKEN_SECONDS: u64 = 3600;

/// Makes tokens, and reads them.
#[derive(Clone)]
pub struct AccessTokens(hmac::Tag);

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    /// The key by which it was had: without that, it is nobody's.
    kid: String,
    exp: u64,
}

impl AccessTokens {
    /// Under a secret of this server.
    pub fn new(secret: &[u8; 32]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        Self(hmac::sign(&key, b"access tokens"))
    }

    /// A token for a service account, got by one of its keys, good from `now` on.
    ///
    /// # Errors
    /// It can't be written.
    pub fn make(
        &self,
        email: &str,
        key_id: &str,
        now: u64,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let claims = Claims {
            sub: email.to_owned(),
            kid: key_id.to_owned(),
            exp: now + TOKEN_SECONDS,
        };
        let key = EncodingKey::from_secret(self.0.as_ref())?;
        let token = encode(&Header::new(Algorithm::HS256), &claims, &key)?;
        Ok([PREFIX, &token].concat())
    }

    /// Whose a token is, by which key it was had and until when it is good, if it is of this server.
    pub(super) fn read(&self, token: &str) -> Option<(String, String, u64)> {
        let token = token.strip_prefix(PREFIX)?;
        let mut rules = Validation::new(Algorithm::HS256);
        // Whoever asks looks at the time, and says what is wrong with it.
        rules.validate_exp = false;
        let key = DecodingKey::from_secret(self.0.as_ref()).ok()?;
        let claims = decode::<Claims>(token, &key, &rules).ok()?.claims;
        Some((claims.sub, claims.kid, claims.exp))
    }
}
