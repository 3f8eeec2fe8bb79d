//! Tokens and keys, for tests/fuzz.

pub use super::oidc::fuzzing::issuer;

use super::oidc::{Issuers, OidcSettings};
use super::{AccessTokens, Bearers, PublicKey, PublicKeys, exchange};
use crate::fuzzing::divided;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use jsonwebtoken::DecodingKey;
use std::rc::Rc;

const EMAIL: &str = "worker@local.iam.gserviceaccount.com";
const KEY_ID: &str = "k1";
const ISSUER: &str = "https://issuer.example";

/// Keys of an issuer, as RFC 7517 has them in its appendix A.1, and one of Ed25519 (RFC 8037, A.2).
const ISSUERS_KEYS: &str = r#"{"keys":[
    {"kty":"EC","crv":"P-256","kid":"e","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
     "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"},
    {"kty":"OKP","crv":"Ed25519","kid":"d","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

/// Bytes of a modulus of RSA. None of what it checks was signed.
const MODULUS: [u8; 256] = [0xc5; 256];

struct OneAccount;

impl PublicKeys for OneAccount {
    fn version(&self) -> u64 {
        1
    }

    fn find(&self, id: &str) -> Option<PublicKey> {
        (id == KEY_ID).then(|| PublicKey {
            id: id.to_owned(),
            key: DecodingKey::from_rsa_raw_components(&MODULUS, &[1, 0, 1]),
            email: EMAIL.to_owned(),
        })
    }

    fn of_account(&self, email: &str) -> Vec<PublicKey> {
        let known = self.find(KEY_ID).into_iter();
        known.filter(|key| key.email == email).collect()
    }
}

struct Known {
    bearers: Bearers<OneAccount>,
    tokens: AccessTokens,
}

thread_local! {
    static KNOWN: Rc<Known> = Rc::new(Known::new());
}

impl Known {
    fn new() -> Self {
        let tokens = AccessTokens::new(&[7; 32]);
        let issuers = Issuers::new(OidcSettings {
            issuers: vec![ISSUER.to_owned()],
            audiences: vec!["lclq".to_owned()],
            ca_file: None,
        });
        issuers.set_keys(ISSUER, ISSUERS_KEYS);
        let service = "pubsub.googleapis.com";
        Self {
            bearers: Bearers::new(OneAccount, tokens.clone(), service, Some(issuers)),
            tokens,
        }
    }
}

/// A token: as it is, or its head, its claims and its signature as they are before they are encoded.
fn token(bytes: &[u8]) -> Option<Vec<u8>> {
    if !bytes.starts_with(b"{") {
        return Some(bytes.to_vec());
    }
    let base64 = base64_simd::URL_SAFE_NO_PAD;
    let parts: Vec<String> = divided(bytes)
        .map(|part| base64.encode_to_string(part))
        .collect();
    (parts.len() == 3).then(|| parts.join(".").into_bytes())
}

/// A request's token. Nobody has signed it, so nobody is believed.
pub fn bearer(bytes: &[u8]) {
    let Some(token) = token(bytes) else {
        return;
    };
    for prefix in ["Bearer ", "Bearer ya29."] {
        let header = [prefix.as_bytes(), &token].concat();
        let Ok(header) = HeaderValue::from_bytes(&header) else {
            return;
        };
        let headers = HeaderMap::from_iter([(AUTHORIZATION, header)]);
        KNOWN.with(|known| {
            assert!(known.bearers.verify(&headers, Some("localhost")).is_err());
            let _ = known.bearers.keys_awaited(&headers);
        });
    }
}

/// A form by which a token is asked for, or the assertion in it. Nobody has signed it.
pub fn grant(bytes: &[u8]) {
    let assertion = token(bytes).filter(|_| bytes.starts_with(b"{"));
    let form = match &assertion {
        None => bytes.to_vec(),
        Some(assertion) => {
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
                .append_pair("assertion", &String::from_utf8_lossy(assertion));
            form.finish().into_bytes()
        }
    };
    KNOWN.with(|known| assert!(exchange(&form, &OneAccount, &known.tokens).is_err()));
}
