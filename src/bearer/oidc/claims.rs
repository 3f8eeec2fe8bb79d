//! What an issuer's token says, and whether it is said to this server, and now.

use super::keys::Key;
use crate::bearer::{Identity, IdentityKind};
use jsonwebtoken::{Algorithm, Header, Validation, dangerous, decode};
use serde::Deserialize;
use serde_json::Value;

/// How far an issuer's clock may be off, s.
const LEEWAY_SECONDS: u64 = 60;

/// What is looked at of a token. What isn't there of the first four refuses it.
#[derive(Deserialize)]
pub(super) struct Claims {
    pub iss: String,
    sub: String,
    aud: Audience,
    /// These may have a fraction.
    exp: f64,
    nbf: Option<f64>,
    email: Option<String>,
    /// Some issuers write it as a text.
    email_verified: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// A token's own word, on which nothing but a look-up may rest: whoever made it wrote what they liked.
pub(super) fn said(token: &str) -> Option<(Header, Claims)> {
    let said = dangerous::insecure_decode::<Claims>(token).ok()?;
    Some((said.header, said.claims))
}

/// A token's word, if it was signed with a key.
pub(super) fn signed(token: &str, key: &Key, algorithm: Algorithm) -> Option<Claims> {
    let mut rules = Validation::new(algorithm);
    // All of these are looked at below, some of them again at each request.
    rules.validate_exp = false;
    rules.validate_aud = false;
    rules.required_spec_claims.clear();
    Some(decode::<Claims>(token, &key.key, &rules).ok()?.claims)
}

impl Claims {
    /// Whether it is meant for one of these, may be used by now, and names anybody.
    pub fn are_for(&self, audiences: &[String], now: u64) -> bool {
        let is_one = |text: &String| audiences.contains(text);
        let is_meant = match &self.aud {
            Audience::One(text) => is_one(text),
            Audience::Several(all) => all.iter().any(is_one),
        };
        let is_early = self
            .nbf
            .is_some_and(|from| seconds(from) > now + LEEWAY_SECONDS);
        is_meant && !is_early && !self.sub.is_empty()
    }

    /// Until when it is good, s since 1970.
    pub fn until(&self) -> u64 {
        seconds(self.exp).saturating_add(LEEWAY_SECONDS)
    }

    /// Whom it names: by an address, unless the issuer says that it hasn't seen to its being theirs.
    pub fn identity(self) -> Identity {
        let is_theirs = match &self.email_verified {
            None => true,
            Some(Value::Bool(is_verified)) => *is_verified,
            Some(other) => other == "true",
        };
        let email = self.email.filter(|text| is_theirs && !text.is_empty());
        let is_email = email.is_some();
        Identity {
            text: email.unwrap_or(self.sub).into(),
            kind: IdentityKind::External {
                issuer: self.iss.into(),
                is_email,
            },
        }
    }
}

/// Times before 1970 are as late as that, and those beyond all bounds are the last there is.
fn seconds(number: f64) -> u64 {
    number as u64
}
