//! OIDC tokens of push requests, and the key set that verifies them.
//!
//! Tokens are what the real service sends, except that their key is this server's own.

use crate::credentials::{number_of, rsa_key};
use rsa::PrivateKey;
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding};
use rsa::sha2::Sha256;
use rsa::signature::{SignatureEncoding, Signer};
use rsa::traits::PublicKeyParts;
use serde_json::json;
use sha2::Digest;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// The key's file in the data directory.
const KEY_FILE: &str = "push-signing-key.pem";

/// Life of a token, s.
pub(super) const TOKEN_SECONDS: u64 = 3600;

/// Whom a token is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenFor {
    /// The subscription's service account.
    pub email: String,
    /// By default the endpoint's URL.
    pub audience: String,
}

/// The signing key and its public half as a key set.
pub(super) struct TokenKey {
    key: SigningKey<Sha256>,
    id: String,
    jwks: String,
}

impl TokenKey {
    /// The key of a data directory, made now if it has none; a passing one without a directory.
    /// Takes up to seconds.
    pub(super) fn load_or_make(directory: Option<&Path>) -> io::Result<Self> {
        let Some(directory) = directory else {
            return Ok(Self::new(rsa_key()?));
        };
        let path = directory.join(KEY_FILE);
        match fs::read_to_string(&path) {
            Ok(pem) => {
                let key = PrivateKey::from_pkcs8_pem(&pem).map_err(|error| {
                    io::Error::other(format!("{} can't be used: {error}", path.display()))
                })?;
                Ok(Self::new(key))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = rsa_key()?;
                keep_key(&key, directory, &path)?;
                Ok(Self::new(key))
            }
            Err(error) => Err(error),
        }
    }

    fn new(key: PrivateKey) -> Self {
        let (modulus, exponent) = (key.n_bytes(), key.e_bytes());
        let digest = Sha256::digest(&modulus);
        let id = crate::hex::text(&digest[..20]);
        let base64 = base64_simd::URL_SAFE_NO_PAD;
        let jwks = json!({"keys": [{
            "kty": "RSA",
            "alg": "RS256",
            "use": "sig",
            "kid": id,
            "n": base64.encode_to_string(&modulus),
            "e": base64.encode_to_string(&exponent),
        }]});
        Self {
            key: SigningKey::new(key),
            id,
            jwks: jwks.to_string(),
        }
    }

    /// The key set, as JSON.
    pub(super) fn jwks(&self) -> &str {
        &self.jwks
    }

    /// A token that is good from `now`, seconds since 1970, for an hour.
    pub(super) fn token(
        &self,
        issuer: &str,
        to: &TokenFor,
        now: u64,
    ) -> Result<String, rsa::signature::Error> {
        let base64 = base64_simd::URL_SAFE_NO_PAD;
        let header = json!({"alg": "RS256", "kid": self.id, "typ": "JWT"});
        let subject = number_of(&to.email);
        let claims = json!({
            "aud": to.audience,
            "azp": subject,
            "email": to.email,
            "email_verified": true,
            "exp": now + TOKEN_SECONDS,
            "iat": now,
            "iss": issuer,
            "sub": subject,
        });
        let mut token = base64.encode_to_string(header.to_string());
        token.push('.');
        token.push_str(&base64.encode_to_string(claims.to_string()));
        let signature = self.key.try_sign(token.as_bytes())?;
        token.push('.');
        token.push_str(&base64.encode_to_string(signature.to_bytes()));
        Ok(token)
    }
}

/// Writes the key beside its place and moves it there, so that no half of a key is ever found.
fn keep_key(key: &PrivateKey, directory: &Path, path: &Path) -> io::Result<()> {
    let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(io::Error::other)?;
    let temporary = directory.join(format!("{KEY_FILE}.tmp"));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary)?;
    file.write_all(pem.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsa::pkcs1v15::{Signature, VerifyingKey};
    use rsa::signature::Verifier;
    use rsa::{BoxedUint, PublicKey};
    use serde_json::Value;

    /// What a subscriber does with a token and the key set.
    fn verify(jwks: &str, token: &str) -> Value {
        let base64 = base64_simd::URL_SAFE_NO_PAD;
        let decode = |text: &str| base64.decode_to_vec(text).expect("base64");
        let parts: Vec<&str> = token.split('.').collect();
        let [header, claims, signature] = parts[..] else {
            panic!("three parts: {token}")
        };
        let header: Value = serde_json::from_slice(&decode(header)).expect("JSON");
        assert_eq!(header["alg"], "RS256");
        let jwks: Value = serde_json::from_str(jwks).expect("JSON");
        let key = &jwks["keys"][0];
        assert_eq!(key["kid"], header["kid"]);
        let number = |name: &str| {
            let bytes = decode(key[name].as_str().expect("text"));
            BoxedUint::from_be_slice_vartime(&bytes)
        };
        let key = PublicKey::new(number("n"), number("e")).expect("a key");
        let signature = Signature::try_from(&decode(signature)[..]).expect("a signature");
        let signed = token.rsplit_once('.').expect("parts").0;
        VerifyingKey::<Sha256>::new(key)
            .verify(signed.as_bytes(), &signature)
            .expect("verified");
        serde_json::from_slice(&decode(claims)).expect("JSON")
    }

    #[test]
    fn a_token_verifies_and_the_key_is_kept() {
        let directory = tempfile::tempdir().expect("a directory");
        let to = TokenFor {
            email: "push@p.iam.gserviceaccount.com".to_owned(),
            audience: "http://localhost/push".to_owned(),
        };
        let key = TokenKey::load_or_make(Some(directory.path())).expect("a key");
        let token = key
            .token("https://accounts.google.com", &to, 1_000)
            .expect("a token");
        let again = TokenKey::load_or_make(Some(directory.path())).expect("a key");
        let claims = verify(again.jwks(), &token);
        assert_eq!(claims["aud"], "http://localhost/push");
        assert_eq!(claims["email"], "push@p.iam.gserviceaccount.com");
        assert_eq!(claims["email_verified"], true);
        assert_eq!(claims["iss"], "https://accounts.google.com");
        assert_eq!(
            (&claims["iat"], &claims["exp"]),
            (&json!(1000), &json!(4600))
        );
        assert_eq!(claims["sub"].as_str().map(str::len), Some(21));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let path = directory.path().join(KEY_FILE);
            let mode = fs::metadata(path).expect("a file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(directory.path().join(KEY_FILE), "broken").expect("written");
        assert!(TokenKey::load_or_make(Some(directory.path())).is_err());
    }
}
