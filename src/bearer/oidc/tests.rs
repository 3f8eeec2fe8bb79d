//! Which tokens of issuers are believed, and what is made of them.

use super::{Issuers, OidcSettings};
use crate::bearer::tests::KEY;
use crate::bearer::{
    AccessTokens, Bearers, Identity, IdentityKind, PublicKey, PublicKeys, Refused, now,
};
use http::HeaderMap;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair,
};
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};
use std::rc::Rc;

const ISSUER: &str = "https://accounts.example.com";
const OTHER_ISSUER: &str = "https://other.example.com/";
const AUDIENCE: &str = "lclq";

/// No service account.
struct Nobody;

impl PublicKeys for Nobody {
    fn version(&self) -> u64 {
        1
    }

    fn find(&self, _: &str) -> Option<PublicKey> {
        None
    }

    fn of_account(&self, _: &str) -> Vec<PublicKey> {
        Vec::new()
    }
}

/// A private key, and how an issuer tells of its public one.
struct Pair {
    jwk: Value,
    key: EncodingKey,
}

fn base64(bytes: &[u8]) -> String {
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes)
}

fn rsa(id: &str) -> Pair {
    let der = KEY.to_pkcs1_der().unwrap();
    let (n, e) = (base64(&KEY.n_bytes()), base64(&KEY.e_bytes()));
    Pair {
        jwk: json!({"kty": "RSA", "kid": id, "use": "sig", "n": n, "e": e}),
        key: EncodingKey::from_rsa_der(der.as_bytes()),
    }
}

fn elliptic(id: &str, curve: &str, algorithm: &'static EcdsaSigningAlgorithm) -> Pair {
    let random = SystemRandom::new();
    let der = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, der.as_ref(), &random).unwrap();
    let point = &pair.public_key().as_ref()[1..];
    let (x, y) = point.split_at(point.len() / 2);
    let jwk = json!({"kty": "EC", "kid": id, "crv": curve, "x": base64(x), "y": base64(y)});
    Pair {
        jwk,
        key: EncodingKey::from_ec_der(der.as_ref()),
    }
}

fn p256(id: &str) -> Pair {
    elliptic(id, "P-256", &ECDSA_P256_SHA256_FIXED_SIGNING)
}

fn edwards(id: &str) -> Pair {
    let seed = [7; 32];
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    // PKCS #8 (RFC 8410, section 7) up to the seed.
    let mut der = vec![
        0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
    ];
    der.extend(seed);
    let x = base64(pair.public_key().as_ref());
    Pair {
        jwk: json!({"kty": "OKP", "kid": id, "crv": "Ed25519", "x": x}),
        key: EncodingKey::from_ed_der(&der),
    }
}

fn set(keys: &[&Value]) -> String {
    json!({"keys": keys}).to_string()
}

fn claims(change: Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "sub": "1234", "aud": AUDIENCE, "email": "ada@example.com",
        "iat": now(), "exp": now() + 600,
    });
    let all = claims.as_object_mut().unwrap();
    for (name, value) in change.as_object().unwrap() {
        match value {
            Value::Null => drop(all.remove(name)),
            value => drop(all.insert(name.clone(), value.clone())),
        }
    }
    claims
}

fn jwt(algorithm: Algorithm, id: Option<&str>, key: &EncodingKey, claims: &Value) -> String {
    let mut header = Header::new(algorithm);
    header.kid = id.map(str::to_owned);
    encode(&header, claims, key).unwrap()
}

fn issuers() -> Issuers {
    Issuers::new(OidcSettings {
        issuers: vec![ISSUER.to_owned(), OTHER_ISSUER.to_owned()],
        audiences: vec!["another".to_owned(), AUDIENCE.to_owned()],
        ca_file: None,
    })
}

fn bearers(issuers: &Issuers) -> Bearers<Nobody> {
    let tokens = AccessTokens::new(&[7; 32]);
    Bearers::new(Nobody, tokens, "pubsub.test", Some(issuers.clone()))
}

/// With these keys of the issuer.
fn knowing(keys: &[&Value]) -> Bearers<Nobody> {
    let issuers = issuers();
    issuers.set_keys(ISSUER, &set(keys));
    bearers(&issuers)
}

fn headers(token: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let bearer = format!("Bearer {token}");
    headers.insert("authorization", bearer.parse().unwrap());
    headers
}

fn asked(bearers: &Bearers<Nobody>, token: &str) -> Result<Rc<Identity>, Refused> {
    bearers.verify(&headers(token), None)
}

fn is_awaited(bearers: &Bearers<Nobody>, token: &str) -> bool {
    bearers.keys_awaited(&headers(token)).is_some()
}

#[test]
fn a_key_is_for_the_algorithms_of_its_kind() {
    let (rsa, ec, ed) = (rsa("rsa"), p256("ec"), edwards("ed"));
    let larger = elliptic("larger", "P-384", &ECDSA_P384_SHA384_FIXED_SIGNING);
    let bearers = knowing(&[&rsa.jwk, &ec.jwk, &larger.jwk, &ed.jwk]);
    for (id, pair, algorithm) in [
        ("rsa", &rsa, Algorithm::RS256),
        ("rsa", &rsa, Algorithm::RS384),
        ("rsa", &rsa, Algorithm::RS512),
        ("rsa", &rsa, Algorithm::PS256),
        ("ec", &ec, Algorithm::ES256),
        ("larger", &larger, Algorithm::ES384),
        ("ed", &ed, Algorithm::EdDSA),
    ] {
        let token = jwt(algorithm, Some(id), &pair.key, &claims(json!({})));
        let identity = asked(&bearers, &token).expect(id);
        assert_eq!(&*identity.text, "ada@example.com", "{algorithm:?}");
        // By another's name.
        let other = if id == "ed" { "rsa" } else { "ed" };
        let token = jwt(algorithm, Some(other), &pair.key, &claims(json!({})));
        assert_eq!(asked(&bearers, &token), Err(Refused::Unknown));
    }
    for algorithm in [Algorithm::PS384, Algorithm::PS512] {
        let token = jwt(algorithm, Some("rsa"), &rsa.key, &claims(json!({})));
        assert_eq!(asked(&bearers, &token), Err(Refused::Unknown));
    }
}

#[test]
fn a_key_may_be_for_one_algorithm_alone() {
    let mut pair = rsa("k");
    pair.jwk["alg"] = "RS512".into();
    let bearers = knowing(&[&pair.jwk]);
    let signed = |algorithm| jwt(algorithm, Some("k"), &pair.key, &claims(json!({})));
    assert!(asked(&bearers, &signed(Algorithm::RS512)).is_ok());
    let other = asked(&bearers, &signed(Algorithm::RS256));
    assert_eq!(other, Err(Refused::Unknown));
}

#[test]
fn what_only_looks_signed_is_nobodys() {
    let pair = rsa("k");
    let secret = json!({"kty": "oct", "kid": "oct", "k": base64(b"everybody knows")});
    let bearers = knowing(&[&pair.jwk, &secret]);
    let public = [KEY.n_bytes().to_vec(), set(&[&pair.jwk]).into_bytes()];
    for secret in [&public[0][..], &public[1], b"everybody knows"] {
        let key = EncodingKey::from_secret(secret).unwrap();
        for id in [Some("k"), Some("oct"), None] {
            for algorithm in [Algorithm::HS256, Algorithm::HS512] {
                let token = jwt(algorithm, id, &key, &claims(json!({})));
                assert_eq!(asked(&bearers, &token), Err(Refused::Unknown), "{id:?}");
                assert!(!is_awaited(&bearers, &token));
            }
        }
    }
    let good = jwt(Algorithm::RS256, Some("k"), &pair.key, &claims(json!({})));
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (_, payload) = message.split_once('.').unwrap();
    for algorithm in ["none", "None", "NONE", ""] {
        let header = json!({"alg": algorithm, "kid": "k", "typ": "JWT"}).to_string();
        let header = base64(header.as_bytes());
        for signature in ["", signature] {
            let token = format!("{header}.{payload}.{signature}");
            assert_eq!(asked(&bearers, &token), Err(Refused::Unknown));
        }
    }
    // What it says that is critical, and nobody here knows.
    let header = json!({"alg": "RS256", "kid": "k", "crit": ["exp"], "exp": 1}).to_string();
    let header = base64(header.as_bytes());
    let token = format!("{header}.{payload}.{signature}");
    assert_eq!(asked(&bearers, &token), Err(Refused::Unknown));
    let changed = claims(json!({"email": "eve@example.com"})).to_string();
    let (header, _) = message.split_once('.').unwrap();
    let token = format!("{header}.{}.{signature}", base64(changed.as_bytes()));
    assert_eq!(asked(&bearers, &token), Err(Refused::Unknown));
    assert!(asked(&bearers, &good).is_ok());
}

#[test]
fn a_token_has_to_be_of_now_and_for_here() {
    let pair = p256("k");
    let bearers = knowing(&[&pair.jwk]);
    let with = |change: Value| {
        let token = jwt(Algorithm::ES256, Some("k"), &pair.key, &claims(change));
        asked(&bearers, &token)
    };
    for good in [
        json!({"aud": ["x", "another"]}),
        json!({"exp": now() as f64 + 0.5}),
        // Clocks differ.
        json!({"exp": now() - 30}),
        json!({"nbf": now() + 30}),
        json!({"exp": 1e300}),
    ] {
        assert!(with(good.clone()).is_ok(), "{good}");
    }
    for (change, reason) in [
        (json!({"aud": "others"}), Refused::Unknown),
        (json!({"aud": []}), Refused::Unknown),
        (json!({"aud": null}), Refused::Unknown),
        (json!({"aud": "LCLQ"}), Refused::Unknown),
        (
            json!({"iss": "https://accounts.example.com/"}),
            Refused::Unknown,
        ),
        (json!({"iss": null}), Refused::Unknown),
        (json!({"sub": ""}), Refused::Unknown),
        (json!({"sub": null}), Refused::Unknown),
        (json!({"exp": null}), Refused::Unknown),
        (json!({"exp": "soon"}), Refused::Unknown),
        (json!({"nbf": now() + 90}), Refused::Unknown),
        (json!({"exp": now() - 90}), Refused::Expired),
        (json!({"exp": -1}), Refused::Expired),
    ] {
        assert_eq!(with(change.clone()), Err(reason), "{change}");
    }
}

#[test]
fn issuers_sign_for_themselves_alone() {
    let (mine, others) = (p256("k"), p256("k"));
    let issuers = issuers();
    issuers.set_keys(ISSUER, &set(&[&mine.jwk]));
    issuers.set_keys(OTHER_ISSUER, &set(&[&others.jwk]));
    let bearers = bearers(&issuers);
    let signed = |pair: &Pair, issuer: &str| {
        let claims = claims(json!({"iss": issuer}));
        asked(
            &bearers,
            &jwt(Algorithm::ES256, Some("k"), &pair.key, &claims),
        )
    };
    assert!(signed(&mine, ISSUER).is_ok());
    assert!(signed(&others, OTHER_ISSUER).is_ok());
    assert_eq!(signed(&others, ISSUER), Err(Refused::Unknown));
    assert_eq!(signed(&mine, OTHER_ISSUER), Err(Refused::Unknown));
}

#[test]
fn an_address_counts_unless_it_may_be_somebody_elses() {
    let pair = p256("k");
    let bearers = knowing(&[&pair.jwk]);
    for (change, text, is_email) in [
        (json!({}), "ada@example.com", true),
        (json!({"email_verified": true}), "ada@example.com", true),
        (json!({"email_verified": "true"}), "ada@example.com", true),
        (json!({"email_verified": false}), "1234", false),
        (json!({"email_verified": "false"}), "1234", false),
        (json!({"email_verified": 0}), "1234", false),
        (json!({"email": null}), "1234", false),
        (json!({"email": ""}), "1234", false),
        (
            json!({"email": null, "sub": "ada@example.com"}),
            "ada@example.com",
            false,
        ),
    ] {
        let claims = claims(change.clone());
        let token = jwt(Algorithm::ES256, Some("k"), &pair.key, &claims);
        let kind = IdentityKind::External {
            issuer: ISSUER.into(),
            is_email,
        };
        let text = text.into();
        assert_eq!(
            *asked(&bearers, &token).unwrap(),
            Identity { text, kind },
            "{change}"
        );
    }
}

#[test]
fn a_token_that_names_no_key_has_the_only_one() {
    let (first, second, other) = (p256("a"), p256("b"), edwards("c"));
    let token = jwt(Algorithm::ES256, None, &first.key, &claims(json!({})));
    assert!(asked(&knowing(&[&first.jwk, &other.jwk]), &token).is_ok());
    let both = knowing(&[&first.jwk, &second.jwk]);
    assert_eq!(asked(&both, &token), Err(Refused::Unknown));
    assert!(!is_awaited(&both, &token));
    assert!(is_awaited(&bearers(&issuers()), &token));
}

#[test]
fn what_was_remembered_ends_with_its_key() {
    let (old, new) = (p256("old"), p256("new"));
    let issuers = issuers();
    issuers.set_keys(ISSUER, &set(&[&old.jwk]));
    let bearers = bearers(&issuers);
    let signed = |id, pair: &Pair| jwt(Algorithm::ES256, Some(id), &pair.key, &claims(json!({})));
    let (before, after) = (signed("old", &old), signed("new", &new));
    assert!(asked(&bearers, &before).is_ok());
    assert_eq!(asked(&bearers, &after), Err(Refused::Unknown));
    issuers.set_keys(ISSUER, &set(&[&old.jwk, &new.jwk]));
    assert!(asked(&bearers, &before).is_ok());
    assert!(asked(&bearers, &after).is_ok());
    issuers.set_keys(ISSUER, &set(&[&new.jwk]));
    assert_eq!(asked(&bearers, &before), Err(Refused::Unknown));
    assert!(asked(&bearers, &after).is_ok());
}

#[test]
fn only_what_may_be_good_waits_for_keys() {
    let (old, new) = (p256("old"), p256("new"));
    let bearers = knowing(&[&old.jwk]);
    let signed =
        |id: &str, change: Value| jwt(Algorithm::ES256, Some(id), &new.key, &claims(change));
    for (id, change) in [
        ("old", json!({})),
        ("new", json!({"aud": "others"})),
        ("new", json!({"exp": now() - 90})),
        ("new", json!({"iss": "https://elsewhere.example.com"})),
    ] {
        assert!(
            !is_awaited(&bearers, &signed(id, change.clone())),
            "{id} {change}"
        );
    }
    assert!(!is_awaited(&bearers, "ya29.x"));
    let waits = signed("new", json!({}));
    assert!(is_awaited(&bearers, &waits));
    // So many at once.
    let waiting = (0..1024).map(|_| bearers.keys_awaited(&headers(&waits)));
    let waiting: Vec<_> = waiting.collect();
    assert!(waiting.iter().all(Option::is_some));
    assert!(!is_awaited(&bearers, &waits));
    drop(waiting);
    assert!(is_awaited(&bearers, &waits));
}

#[test]
fn keys_of_no_use_are_left_out() {
    let (good, ed) = (p256("good"), edwards("ed"));
    let short = base64(&ed.jwk["x"].as_str().unwrap().as_bytes()[..31]);
    let weak = base64(&[0xff; 128]);
    let vast = base64(&[0xff; 1024]);
    let text = json!({"keys": [
        {"kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": short},
        {"kty": "OKP", "kid": "x", "crv": "X25519", "x": ed.jwk["x"]},
        {"kty": "RSA", "kid": "weak", "n": weak, "e": "AQAB"},
        {"kty": "RSA", "kid": "vast", "n": vast, "e": "AQAB"},
        {"kty": "RSA", "kid": "n"},
        {"kty": "EC", "kid": "ec", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "EC", "kid": "p521", "crv": "P-521", "x": "AA", "y": "AA"},
        {"kty": 5}, 7, null,
        good.jwk,
    ]});
    let keys = super::keys::KeySet::read(&text.to_string()).unwrap();
    assert_eq!(keys.len(), 1);
    assert!(keys.knows(Some("good")));
    for (change, is_kept) in [
        (json!({"use": "enc"}), false),
        (json!({"key_ops": ["verify"]}), true),
        (json!({"key_ops": ["encrypt"]}), false),
        (json!({"alg": "ES256"}), true),
        (json!({"alg": "ECDH-ES"}), false),
        (json!({"alg": "HS256"}), false),
        (json!({"kid": "k".repeat(1025)}), false),
    ] {
        let mut jwk = good.jwk.clone();
        let all = change.as_object().unwrap().clone();
        jwk.as_object_mut().unwrap().extend(all);
        let keys = super::keys::KeySet::read(&set(&[&jwk])).unwrap();
        assert_eq!(keys.len(), usize::from(is_kept), "{change}");
    }
    let many = vec![&good.jwk; 101];
    let told = super::keys::KeySet::read(&set(&many)).err().unwrap();
    assert_eq!(told, "it has 101 keys, more than 100");
    for text in ["", "[]", "{}", r#"{"keys": 1}"#] {
        assert!(super::keys::KeySet::read(text).is_err(), "{text}");
    }
}
