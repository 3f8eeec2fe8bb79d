//! New access keys.

use super::file::AccessKey;
use crate::sigv4::SecretKey;
use ring::digest::{SHA256, digest};
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

/// Letters and digits of an id, behind four that say what it is.
const ID_CHARS: usize = 16;
/// With `AWS4` before it more than the 64 bytes of a block, which is what makes its hash enough.
const SECRET_CHARS: usize = 64;
const TOKEN_CHARS: usize = 200;

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
        secret_hash: SecretKey::hash(&secret).map(|hash| hex(&hash)),
        account: account.to_owned(),
        user: user.to_owned(),
        session_token_hash: session_token
            .as_ref()
            .map(|token| hex(digest(&SHA256, token.as_bytes()).as_ref())),
        session_until: session_seconds.map(|seconds| now + i64::from(seconds)),
    };
    Ok(Made {
        key,
        secret,
        session_token,
    })
}

/// Characters of an alphabet whose length is a power of two, so that each is as likely.
fn random<const N: usize>(alphabet: &[u8; N], count: usize) -> io::Result<String> {
    const { assert!(N.is_power_of_two() && N <= 256) };
    let mut bytes = vec![0; count];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    let chars = bytes.iter().map(|byte| alphabet[usize::from(*byte) % N]);
    Ok(chars.map(char::from).collect())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
