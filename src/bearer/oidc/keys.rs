//! An issuer's keys: which of a key set are of use, and for which algorithms.
//!
//! The key says which algorithms it is for, never the token: what a token says of itself is whatever its
//! maker wrote.

use jsonwebtoken::{Algorithm, DecodingKey};
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use serde_json::Value;

/// Keys that an issuer may have. Others have three.
const KEYS_MAX: usize = 100;

/// A longer name of a key is none that a token could bring.
const KEY_ID_BYTES_MAX: usize = 1024;

/// RSA's moduli: shorter ones are too weak (RFC 7518, section 3.3), and checking takes time with the
/// square of the length.
const MODULUS_BITS_MIN: usize = 2048;
const MODULUS_BITS_MAX: usize = 4096;

/// Larger exponents only take time.
const EXPONENT_BYTES_MAX: usize = 4;

/// RSA's algorithms, none of them with SHA-1.
const OF_RSA: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
];

/// What an issuer's tokens are checked with.
pub(super) struct KeySet {
    keys: Vec<Key>,
    /// Of the text that it was read from.
    digest: Vec<u8>,
}

/// A public key, and what it is for.
pub(super) struct Key {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    pub key: DecodingKey,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

/// What is looked at of a key, as it stands in a set (RFC 7517).
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    used_for: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Without a key.
    pub fn empty() -> Self {
        Self {
            keys: Vec::new(),
            digest: Vec::new(),
        }
    }

    /// Reads a JSON Web Key Set. Keys for other purposes and of other kinds are left out.
    ///
    /// # Errors
    /// It is none, or too large, in words.
    pub fn read(text: &str) -> Result<Self, String> {
        let Document { keys } =
            serde_json::from_str(text).map_err(|error| format!("it isn't a key set: {error}"))?;
        if keys.len() > KEYS_MAX {
            let count = keys.len();
            return Err(format!("it has {count} keys, more than {KEYS_MAX}"));
        }
        let keys = keys.into_iter();
        let readable = keys.filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        Ok(Self {
            keys: readable.filter_map(Key::of).collect(),
            digest: digest(&SHA256, text.as_bytes()).as_ref().to_vec(),
        })
    }

    /// How many keys it has.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// The key that a token was signed with, by what its head says. One that names none has it where it
    /// can be only one (OpenID Connect Core 1.0, section 10.1).
    pub fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<&Key> {
        let mut fitting = self.keys.iter().filter(|key| {
            let is_named = id.is_none() || key.id.as_deref() == id;
            is_named && key.algorithms.contains(&algorithm)
        });
        let first = fitting.next()?;
        (id.is_some() || fitting.next().is_none()).then_some(first)
    }

    /// Whether a token's key is here, be it of use to it or not; if not, it may be a newer one.
    pub fn knows(&self, id: Option<&str>) -> bool {
        match id {
            Some(_) => self.keys.iter().any(|key| key.id.as_deref() == id),
            None => !self.keys.is_empty(),
        }
    }
}

/// Whether it was read from the same text.
impl PartialEq for KeySet {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

/// Whether any key can be for an algorithm.
pub(super) fn is_allowed(algorithm: Algorithm) -> bool {
    let others = [Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA];
    OF_RSA.contains(&algorithm) || others.contains(&algorithm)
}

impl Key {
    fn of(jwk: Jwk) -> Option<Self> {
        let is_for_signatures = jwk.used_for.as_deref().is_none_or(|text| text == "sig");
        let mut operations = jwk.key_ops.iter().flatten();
        let verifies = jwk.key_ops.is_none() || operations.any(|text| text == "verify");
        let id_bytes = jwk.kid.as_ref().map_or(0, String::len);
        if !is_for_signatures || !verifies || id_bytes > KEY_ID_BYTES_MAX {
            return None;
        }
        let (key, mut algorithms) = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => (rsa(&jwk)?, OF_RSA.to_vec()),
            ("EC", Some("P-256")) => (elliptic(&jwk, 32)?, vec![Algorithm::ES256]),
            ("EC", Some("P-384")) => (elliptic(&jwk, 48)?, vec![Algorithm::ES384]),
            ("OKP", Some("Ed25519")) => (edwards(&jwk)?, vec![Algorithm::EdDSA]),
            // A secret that everybody can fetch is none.
            _ => return None,
        };
        if let Some(name) = &jwk.alg {
            let only = name.parse::<Algorithm>().ok()?;
            algorithms.retain(|algorithm| *algorithm == only);
        }
        (!algorithms.is_empty()).then_some(Self {
            id: jwk.kid,
            algorithms,
            key,
        })
    }
}

fn decoded(text: Option<&String>) -> Option<Vec<u8>> {
    let base64 = base64_simd::URL_SAFE_NO_PAD;
    base64.decode_to_vec(text?.as_bytes()).ok()
}

fn rsa(jwk: &Jwk) -> Option<DecodingKey> {
    let (modulus, exponent) = (decoded(jwk.n.as_ref())?, decoded(jwk.e.as_ref())?);
    let leading = modulus.iter().position(|byte| *byte != 0)?;
    let modulus = &modulus[leading..];
    let bits = modulus.len() * 8 - modulus[0].leading_zeros() as usize;
    let is_usual = (MODULUS_BITS_MIN..=MODULUS_BITS_MAX).contains(&bits);
    (is_usual && exponent.len() <= EXPONENT_BYTES_MAX)
        .then(|| DecodingKey::from_rsa_raw_components(modulus, &exponent))
}

fn elliptic(jwk: &Jwk, coordinate_bytes: usize) -> Option<DecodingKey> {
    let (x, y) = (jwk.x.as_ref(), jwk.y.as_ref());
    let is_whole = |text| decoded(text).is_some_and(|bytes| bytes.len() == coordinate_bytes);
    if !is_whole(x) || !is_whole(y) {
        return None;
    }
    DecodingKey::from_ec_components(x?, y?).ok()
}

/// Hazard: jsonwebtoken takes the first 32 bytes of a key unseen, and panics where there are fewer.
fn edwards(jwk: &Jwk) -> Option<DecodingKey> {
    let key = decoded(jwk.x.as_ref())?;
    (key.len() == 32).then(|| DecodingKey::from_ed_der(&key))
}
