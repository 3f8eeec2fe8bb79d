//! What service accounts sign: tokens of their own, and assertions that they get an access token for.

use super::access::{AccessTokens, TOKEN_SECONDS};
use super::{PublicKeys, now};
use http::Uri;
use jsonwebtoken::{Algorithm, Validation, dangerous, decode, decode_header};
use serde::Deserialize;
use serde_json::{Value, json};

/// The one grant that there is.
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// How long such a token may be good for, s; the service allows an hour.
const LIFE_SECONDS_MAX: u64 = 3600;

/// How far a client's clock may be off, s.
const SKEW_SECONDS_MAX: u64 = 300;

/// What a service account says of itself.
#[derive(Deserialize, Debug)]
struct Claims {
    iss: String,
    #[serde(default)]
    aud: Option<String>,
    #[serde(default)]
    scope: Option<String>,
    iat: u64,
    exp: u64,
}

/// Something that a service account has signed.
#[derive(Debug)]
pub(super) struct Signed {
    pub email: String,
    key_id: String,
    pub until: u64,
    audience: Option<String>,
    scope: Option<String>,
}

/// Why nothing is believed of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It is no such token.
    Form,
    /// Nobody here has its key.
    Key,
    /// The key did not sign it, or it isn't whom it says.
    Signature,
    /// It is too old, from the future, or good for too long.
    Time,
}

/// Checks what a service account has signed, at a moment in s since 1970.
pub(super) fn signed(token: &str, keys: &impl PublicKeys, now: u64) -> Result<Signed, Wrong> {
    let header = decode_header(token).map_err(|_| Wrong::Form)?;
    if header.alg != Algorithm::RS256 {
        return Err(Wrong::Form);
    }
    let keys = match &header.kid {
        Some(id) => keys.find(id).into_iter().collect(),
        None => {
            // Whom it is said to be of, to know by which keys to check that.
            let said = dangerous::insecure_decode::<Claims>(token).map_err(|_| Wrong::Form)?;
            keys.of_account(&said.claims.iss)
        }
    };
    if keys.is_empty() {
        return Err(Wrong::Key);
    }
    let mut rules = Validation::new(Algorithm::RS256);
    // All of these are looked at below, in the service's own way.
    rules.validate_exp = false;
    rules.validate_aud = false;
    rules.required_spec_claims.clear();
    let good = keys.into_iter().find_map(|key| {
        let claims = decode::<Claims>(token, &key.key, &rules).ok()?.claims;
        (claims.iss == key.email).then_some((claims, key.id))
    });
    let (claims, key_id) = good.ok_or(Wrong::Signature)?;
    let early = claims.iat > now + SKEW_SECONDS_MAX;
    let late = claims.exp.saturating_add(SKEW_SECONDS_MAX) < now;
    let long = claims.exp.saturating_sub(claims.iat) > LIFE_SECONDS_MAX;
    if early || late || long {
        return Err(Wrong::Time);
    }
    Ok(Signed {
        email: claims.iss,
        key_id,
        until: claims.exp,
        audience: claims.aud,
        scope: claims.scope,
    })
}

impl Signed {
    /// The host that it is meant for, or none where it is for a scope that has this service. `None` where
    /// it is for another.
    pub(super) fn meant_for(&self) -> Option<Option<String>> {
        // Go's library sends an empty audience with its scopes.
        if let Some(audience) = self.audience.as_deref().filter(|text| !text.is_empty()) {
            let audience = audience.parse::<Uri>().ok()?;
            return Some(Some(audience.host()?.to_owned()));
        }
        const SCOPES: [&str; 2] = [
            "https://www.googleapis.com/auth/pubsub",
            "https://www.googleapis.com/auth/cloud-platform",
        ];
        let mut scopes = self.scope.as_deref().unwrap_or_default().split(' ');
        scopes.any(|scope| SCOPES.contains(&scope)).then_some(None)
    }
}

/// Why no access token is handed out.
#[derive(Debug, PartialEq, Eq)]
pub struct GrantError {
    /// RFC 6749's code of it.
    pub code: &'static str,
    /// The service's words.
    pub description: String,
}

impl GrantError {
    fn new(code: &'static str, description: impl Into<String>) -> Self {
        let description = description.into();
        Self { code, description }
    }

    /// Of a form that can't be had.
    pub fn unreadable() -> Self {
        Self::new("invalid_request", "The request can't be read.")
    }

    /// The answer's body.
    pub fn to_json(&self) -> Value {
        json!({"error": self.code, "error_description": self.description})
    }
}

/// What a form with a service account's assertion gets in exchange: the answer's body.
///
/// # Errors
/// Why it gets nothing.
pub fn exchange(
    form: &[u8],
    keys: &impl PublicKeys,
    tokens: &AccessTokens,
) -> Result<Value, GrantError> {
    let field = |wanted: &str| {
        let mut pairs = form_urlencoded::parse(form);
        let found = pairs.find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.into_owned())
    };
    let grant = field("grant_type");
    if grant.as_deref() != Some(GRANT) {
        let grant = grant.unwrap_or_default();
        let text = format!("Invalid grant_type: {grant}");
        return Err(GrantError::new("unsupported_grant_type", text));
    }
    let invalid = |text: &str| GrantError::new("invalid_grant", text);
    let assertion = field("assertion").unwrap_or_default();
    let now = now();
    let signed = signed(&assertion, keys, now).map_err(|wrong| match wrong {
        Wrong::Form => invalid("Invalid JWT: The assertion can't be read."),
        Wrong::Key => invalid("Invalid grant: account not found"),
        Wrong::Signature => invalid("Invalid JWT Signature."),
        Wrong::Time => invalid(
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable \
             timeframe. Check your iat and exp values in the JWT claim.",
        ),
    })?;
    let audience = signed.audience.as_deref().unwrap_or_default();
    let path = audience.parse::<Uri>().ok();
    if path.is_none_or(|uri| uri.path() != "/token") {
        return Err(invalid("Invalid JWT: Failed audience check."));
    }
    let token = tokens.make(&signed.email, &signed.key_id, now);
    let token = token.map_err(|_| invalid("No token can be made."))?;
    Ok(json!({
        "access_token": token,
        "expires_in": TOKEN_SECONDS - 1,
        "token_type": "Bearer",
    }))
}
