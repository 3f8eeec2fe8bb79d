//! Whose tokens are believed, and whose aren't.

use super::assertion::{Wrong, signed};
use super::*;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};
use std::sync::LazyLock;

const EMAIL: &str = "worker@local.iam.gserviceaccount.com";

/// Made once: it takes a while.
pub(super) static KEY: LazyLock<rsa::PrivateKey> =
    LazyLock::new(|| crate::credentials::rsa_key().unwrap());

#[derive(Clone)]
struct OneAccount;

impl PublicKeys for OneAccount {
    fn version(&self) -> u64 {
        1
    }

    fn find(&self, id: &str) -> Option<PublicKey> {
        let base64 = base64_simd::URL_SAFE_NO_PAD;
        let part = |bytes: Box<[u8]>| base64.encode_to_string(bytes);
        let key = jsonwebtoken::DecodingKey::from_rsa_components(
            &part(KEY.n_bytes()),
            &part(KEY.e_bytes()),
        );
        (id == "k1").then(|| PublicKey {
            id: id.to_owned(),
            key: key.unwrap(),
            email: EMAIL.to_owned(),
        })
    }

    fn of_account(&self, email: &str) -> Vec<PublicKey> {
        let known = self.find("k1").into_iter();
        known.filter(|key| key.email == email).collect()
    }
}

fn jwt(key_id: &str, claims: &Value) -> String {
    let der = KEY.to_pkcs1_der().unwrap();
    let mut header = Header::new(Algorithm::RS256);
    header.kid = (!key_id.is_empty()).then(|| key_id.to_owned());
    encode(&header, claims, &EncodingKey::from_rsa_der(der.as_bytes())).unwrap()
}

fn claims(change: Value) -> Value {
    let mut claims = json!({
        "iss": EMAIL, "sub": EMAIL, "aud": "https://pubsub.googleapis.com/",
        "iat": now(), "exp": now() + 3600,
    });
    let all = claims.as_object_mut().unwrap();
    for (name, value) in change.as_object().unwrap() {
        all.insert(name.clone(), value.clone());
    }
    claims
}

fn bearers() -> Bearers<OneAccount> {
    Bearers::new(
        OneAccount,
        AccessTokens::new(&[7; 32]),
        "pubsub.googleapis.com",
        None,
    )
}

fn asked(bearers: &Bearers<OneAccount>, authorization: &str) -> Result<String, Refused> {
    let mut headers = http::HeaderMap::new();
    headers.insert("authorization", authorization.parse().unwrap());
    headers.insert("host", "queue.test:8085".parse().unwrap());
    bearers
        .verify(&headers, None)
        .map(|identity| identity.text.to_string())
}

#[test]
fn a_service_account_may_sign_its_own_tokens() {
    let bearers = bearers();
    for change in [
        json!({}),
        json!({"aud": "https://queue.test/"}),
        json!({"aud": null, "scope": "openid https://www.googleapis.com/auth/pubsub"}),
        // As Go's library has it.
        json!({"aud": "", "scope": "https://www.googleapis.com/auth/cloud-platform"}),
    ] {
        let token = format!("Bearer {}", jwt("k1", &claims(change.clone())));
        assert_eq!(asked(&bearers, &token), Ok(EMAIL.to_owned()), "{change}");
        // Remembered.
        assert_eq!(asked(&bearers, &token), Ok(EMAIL.to_owned()));
    }
    for change in [
        json!({"aud": "https://storage.googleapis.com/"}),
        json!({"aud": ""}),
        json!({"aud": null, "scope": "https://www.googleapis.com/auth/devstorage.read_only"}),
        json!({"iss": "other@local.iam.gserviceaccount.com"}),
        json!({"iat": now() - 7200, "exp": now() - 3600}),
        json!({"iat": now() + 3600, "exp": now() + 7200}),
        json!({"exp": now() + 7200}),
    ] {
        let token = format!("Bearer {}", jwt("k1", &claims(change.clone())));
        assert_eq!(asked(&bearers, &token), Err(Refused::Unknown), "{change}");
    }
    let other = format!("Bearer {}", jwt("k2", &claims(json!({}))));
    assert_eq!(asked(&bearers, &other), Err(Refused::Unknown));
    // Remembered for one name, it is good for no other.
    let token = jwt("k1", &claims(json!({"aud": "https://queue.test/"})));
    let token = format!("Bearer {token}");
    assert_eq!(asked(&bearers, &token), Ok(EMAIL.to_owned()));
    let mut headers = http::HeaderMap::new();
    headers.insert("authorization", token.parse().unwrap());
    headers.insert("host", "elsewhere.test".parse().unwrap());
    assert_eq!(bearers.verify(&headers, None), Err(Refused::Unknown));
}

#[test]
fn an_assertion_gets_a_token_that_other_servers_do_not_know() {
    let (bearers, tokens) = (bearers(), AccessTokens::new(&[7; 32]));
    let form = |assertion: &str, grant: &str| {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", grant)
            .append_pair("assertion", assertion);
        exchange(form.finish().as_bytes(), &OneAccount, &tokens)
    };
    const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    let to_token = || {
        jwt(
            "k1",
            &claims(json!({"aud": "https://localhost:8085/token"})),
        )
    };
    let given = form(&to_token(), GRANT).unwrap();
    let token = given["access_token"].as_str().unwrap();
    let header = format!("Bearer {token}");
    assert_eq!(asked(&bearers, &header), Ok(EMAIL.to_owned()));
    let others = Bearers::new(
        OneAccount,
        AccessTokens::new(&[8; 32]),
        "pubsub.googleapis.com",
        None,
    );
    assert_eq!(asked(&others, &header), Err(Refused::Unknown));
    let old = tokens.make(EMAIL, "k1", now() - 3601).unwrap();
    assert_eq!(
        asked(&bearers, &format!("Bearer {old}")),
        Err(Refused::Expired)
    );

    let gone = tokens.make(EMAIL, "k2", now()).unwrap();
    assert_eq!(
        asked(&bearers, &format!("Bearer {gone}")),
        Err(Refused::Unknown)
    );

    // Node's library names no key.
    let nameless = jwt(
        "",
        &claims(json!({"aud": "https://oauth2.googleapis.com/token"})),
    );
    assert!(form(&nameless, GRANT).is_ok());
    let others =
        json!({"aud": "https://localhost/token", "iss": "other@local.iam.gserviceaccount.com"});
    let others = form(&jwt("", &claims(others)), GRANT).unwrap_err();
    assert_eq!(others.description, "Invalid grant: account not found");

    let told = |assertion: &str, grant: &str| form(assertion, grant).unwrap_err();
    assert_eq!(told(&to_token(), "password").code, "unsupported_grant_type");
    let to_service = jwt("k1", &claims(json!({})));
    assert_eq!(
        told(&to_service, GRANT).description,
        "Invalid JWT: Failed audience check."
    );
    let nobody = jwt("k2", &claims(json!({})));
    assert_eq!(
        told(&nobody, GRANT).description,
        "Invalid grant: account not found"
    );
    let mut changed = to_token();
    changed.truncate(changed.len() - 4);
    assert_eq!(told(&changed, GRANT).description, "Invalid JWT Signature.");
}

#[test]
fn what_is_no_token_is_nobodys() {
    let bearers = bearers();
    for header in [
        "",
        "Bearer",
        "Bearer x",
        "Basic dTpw",
        "Bearer ya29.x",
        "bearer a.b.c",
    ] {
        assert_eq!(asked(&bearers, header), Err(Refused::Unknown), "{header:?}");
    }
    let empty = http::HeaderMap::new();
    assert_eq!(bearers.verify(&empty, None), Err(Refused::Missing));
    // Signed with the public key as if it were a secret.
    let header = Header::new(Algorithm::HS256);
    let key = EncodingKey::from_secret(&KEY.n_bytes()).unwrap();
    let forged = encode(&header, &claims(json!({})), &key).unwrap();
    assert_eq!(
        signed(&forged, &OneAccount, now()).unwrap_err(),
        Wrong::Form
    );
}
