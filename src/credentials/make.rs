//! New access keys and service accounts.

use super::file::{AccessKey, ServiceAccount};
use crate::hex;
use crate::sigv4::SecretKey;
use ring::digest::{SHA256, digest};
use rsa::pkcs8::{EncodePrivateKey, LineEnding};
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

/// Letters and digits of an id, behind four that say what it is.
const ID_CHARS: usize = 16;
/// With `AWS4` before it more than the 64 bytes of a block, which is what makes its hash enough.
const SECRET_CHARS: usize = 64;
const TOKEN_CHARS: usize = 200;
const RSA_KEY_BITS: usize = 2048;

/// A key that was just made, with what nobody is told again.
pub struct Made {
    /// As it is kept.
    pub key: AccessKey,
    /// What requests are signed with.
    pub secret: String,
    /// What a session's requests have to bring.
    pub session_token: Option<String>,
}

/// Makes a key for a user of an account; with `session_seconds`, one that is good for so long, and only
/// with its token.
///
/// # Errors
/// The system gives no random bytes.
pub fn make(account: &str, user: &str, session_seconds: Option<u32>) -> io::Result<Made> {
    const CAPITALS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    const ALL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let prefix = if session_seconds.is_some() {
        "ASIA"
    } else {
        "AKIA"
    };
    let id = [prefix, &random(CAPITALS, ID_CHARS)?].concat();
    let secret = random(ALL, SECRET_CHARS)?;
    let session_token = session_seconds
        .map(|_| random(ALL, TOKEN_CHARS))
        .transpose()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |since| since.as_secs() as i64);
    let key = AccessKey {
        id,
        secret: None,
        secret_hash: SecretKey::hash(&secret).map(|hash| hex::text(&hash)),
        account: account.to_owned(),
        user: user.to_owned(),
        role: None,
        organization: None,
        policies: None,
        session_token_hash: session_token
            .as_ref()
            .map(|token| hex::text(digest(&SHA256, token.as_bytes()).as_ref())),
        session_until: session_seconds.map(|seconds| now + i64::from(seconds)),
    };
    Ok(Made {
        key,
        secret,
        session_token,
    })
}

/// A service account that was just made.
pub struct MadeAccount {
    /// As it is kept.
    pub account: ServiceAccount,
    /// The file that Google's libraries read, which nobody is told again.
    pub file: Value,
}

/// Makes a service account's key. Libraries ask `token_uri` for tokens.
///
/// # Errors
/// The system gives no random bytes.
pub fn make_account(name: &str, project: &str, token_uri: &str) -> io::Result<MadeAccount> {
    let key = rsa_key()?;
    let base64 = base64_simd::URL_SAFE_NO_PAD;
    let modulus = key.n_bytes();
    let key_id = hex::text(&digest(&SHA256, &modulus).as_ref()[..20]);
    let email = format!("{name}@{project}.iam.gserviceaccount.com");
    let private = key.to_pkcs8_pem(LineEnding::LF).map_err(io::Error::other)?;
    let file = json!({
        "type": "service_account",
        "project_id": project,
        "private_key_id": key_id,
        "private_key": private.as_str(),
        "client_email": email,
        "client_id": number_of(&email),
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": token_uri,
        "universe_domain": "googleapis.com",
    });
    let account = ServiceAccount {
        email,
        key_id,
        modulus: base64.encode_to_string(modulus),
        exponent: base64.encode_to_string(key.e_bytes()),
    };
    Ok(MadeAccount { account, file })
}

/// A service account's number: 21 digits that always belong to the same e-mail address.
pub(crate) fn number_of(email: &str) -> String {
    let hash = digest(&SHA256, email.as_bytes());
    let first = hash.as_ref().iter().take(8);
    let number = first.fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("1{number:020}")
}

/// A new RSA key.
///
/// # Errors
/// The system gives no random bytes.
pub fn rsa_key() -> io::Result<rsa::PrivateKey> {
    let made = rsa::PrivateKey::new(&mut SystemRandom, RSA_KEY_BITS);
    made.map_err(|error| io::Error::other(format!("no signing key can be made: {error}")))
}

/// The operating system's randomness.
struct SystemRandom;

impl TryRng for SystemRandom {
    type Error = getrandom::Error;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        getrandom::u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        getrandom::u64()
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        getrandom::fill(bytes)
    }
}

impl TryCryptoRng for SystemRandom {}

/// Characters of an alphabet whose length is a power of two, so that each is as likely.
pub(super) fn random<const N: usize>(alphabet: &[u8; N], count: usize) -> io::Result<String> {
    const { assert!(N.is_power_of_two() && N <= 256) };
    let mut bytes = vec![0; count];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    let chars = bytes.iter().map(|byte| alphabet[usize::from(*byte) % N]);
    Ok(chars.map(char::from).collect())
}
