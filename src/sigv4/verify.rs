//! Whether a signature is right.

use super::canonical;
use super::claim::{Claim, Scope, split};
use super::heads::Heads;
use super::instant::{later, read};
use super::refusal::Refusal;
use crate::hex;
use hashbrown::HashMap;
use http::{HeaderMap, Method, Uri};
use ring::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use ring::hmac::{self, HMAC_SHA256};
use smallvec::SmallVec;
use std::cell::RefCell;
use std::rc::Rc;
use time::OffsetDateTime;

/// How far a client's clock may be off, seconds.
const SKEW_SECONDS_MAX: i64 = 900;

/// Scopes whose keys are remembered on a core. Clients have one each, and another each day.
const SCOPES_MAX: usize = 1024;

/// Signed headers that SDKs name at most; more are read all the same.
const NAMES_IN_PLACE: usize = 16;

/// Bytes of room for a canonical request that are kept for the next one.
const KEPT_BYTES_MAX: usize = 8192;

const UNSIGNED: &[u8] = b"UNSIGNED-PAYLOAD";

/// What is signed.
pub struct Signed<'r> {
    /// As it came.
    pub method: &'r Method,
    /// As it came: its path and query.
    pub uri: &'r Uri,
    /// All of them.
    pub headers: &'r HeaderMap,
    /// As it came: if it is compressed, still so.
    pub body: &'r [u8],
}

/// A secret access key, or as much of it as checking takes.
#[derive(Clone)]
pub struct SecretKey(hmac::Key);

impl SecretKey {
    /// Of the key itself.
    pub fn new(secret: &str) -> Self {
        let seed = ["AWS4", secret].concat();
        Self(hmac::Key::new(HMAC_SHA256, seed.as_bytes()))
    }

    /// Of the hash that HMAC makes of a key that is longer than its block: with `AWS4` before it, of
    /// more than 64 bytes.
    pub fn of_hash(hash: &[u8; SHA256_OUTPUT_LEN]) -> Self {
        Self(hmac::Key::new(HMAC_SHA256, hash))
    }

    #[cfg(test)]
    pub(super) fn tag_of(&self, text: &[u8]) -> Vec<u8> {
        hmac::sign(&self.0, text).as_ref().to_vec()
    }

    /// What [`SecretKey::of_hash`] takes, of a secret that is long enough.
    pub fn hash(secret: &str) -> Option<[u8; SHA256_OUTPUT_LEN]> {
        let seed = ["AWS4", secret].concat();
        let long = seed.len() > SHA256.block_len();
        long.then(|| digest(&SHA256, seed.as_bytes()).as_ref().try_into().ok())?
    }
}

/// A key as whoever keeps it knows it.
pub struct Known<O> {
    /// To check by.
    pub secret: SecretKey,
    /// What has to come with it, hashed by SHA-256, and until when that is good (s since 1970), if it is
    /// of a session.
    pub session: Option<([u8; SHA256_OUTPUT_LEN], i64)>,
    /// Whose it is.
    pub owner: O,
}

/// Who keeps keys.
pub trait Keys {
    /// Whose they are.
    type Owner;

    /// Changes whenever a key does.
    fn version(&self) -> u64;

    /// The key with this id.
    fn find(&self, id: &str) -> Option<Known<Self::Owner>>;
}

struct Remembered<O> {
    key: hmac::Key,
    session: Option<([u8; SHA256_OUTPUT_LEN], i64)>,
    owner: Rc<O>,
}

/// Checks signatures for one service on one core.
pub struct Verifier<K: Keys> {
    keys: K,
    service: &'static str,
    /// By credential.
    remembered: RefCell<Memory<K::Owner>>,
    /// Room that is used again.
    texts: RefCell<Texts>,
}

/// What a signature is computed of.
#[derive(Default)]
struct Texts {
    canonical: Vec<u8>,
    to_sign: Vec<u8>,
}

struct Memory<O> {
    version: u64,
    by_credential: HashMap<Box<str>, Rc<Remembered<O>>>,
}

impl<K: Keys> Verifier<K> {
    /// By these keys.
    pub fn new(keys: K, service: &'static str) -> Self {
        let remembered = RefCell::new(Memory {
            version: keys.version(),
            by_credential: HashMap::new(),
        });
        Self {
            keys,
            service,
            remembered,
            texts: RefCell::default(),
        }
    }

    /// Whose key a request was signed with.
    ///
    /// # Errors
    /// Why it isn't believed.
    pub fn verify(
        &self,
        request: &Signed<'_>,
        now: OffsetDateTime,
    ) -> Result<Rc<K::Owner>, Refusal> {
        let heads = Heads::of(request.headers);
        let claim = Claim::of(&heads, request.uri.query().unwrap_or(""))?;
        let scope = Scope::of(&claim.credential)?;
        let time = read(&claim.time).ok_or_else(|| Refusal::date_form(&claim.time))?;
        self.check_scope(&scope, &claim.time)?;
        check_time(&claim, time, now)?;
        let names: SmallVec<[&str; NAMES_IN_PLACE]> = split(&claim.signed_headers, b';').collect();
        check_headers(&names, &heads)?;
        let remembered = self.key(&claim.credential, &scope)?;
        check_session(&claim, remembered.session.as_ref(), now)?;

        let mut texts = self.texts.borrow_mut();
        let Texts { canonical, to_sign } = &mut *texts;
        canonical.clear();
        to_sign.clear();
        let hash = body_hash(&heads, request.body)?;
        let hash = hash.as_ref().map_or(UNSIGNED, <[u8; 64]>::as_slice);
        canonical::write(
            canonical,
            request,
            &heads,
            (&claim.signed_headers, &names),
            hash,
        );
        let scope_text = &claim.credential[scope.key_id.len() + 1..];
        for line in ["AWS4-HMAC-SHA256", &claim.time, scope_text] {
            to_sign.extend_from_slice(line.as_bytes());
            to_sign.push(b'\n');
        }
        to_sign.extend_from_slice(&hex::of_32(digest(&SHA256, canonical).as_ref()));
        // In constant time: what is compared is a secret until it is found right.
        let signature = hex::read::<SHA256_OUTPUT_LEN>(&claim.signature);
        let right =
            signature.is_some_and(|tag| hmac::verify(&remembered.key, to_sign, &tag).is_ok());
        let outcome = match right {
            true => Ok(remembered.owner.clone()),
            false => Err(Refusal::mismatch(
                canonical,
                &String::from_utf8_lossy(to_sign),
            )),
        };
        if canonical.capacity() > KEPT_BYTES_MAX {
            *texts = Texts::default();
        }
        outcome
    }

    fn check_scope(&self, scope: &Scope<'_>, time: &str) -> Result<(), Refusal> {
        if scope.end != "aws4_request" {
            return Err(Refusal::scope_end(scope.end));
        }
        if scope.service != self.service {
            return Err(Refusal::scope_service(self.service));
        }
        let is_region =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if scope.region.is_empty() || !scope.region.bytes().all(is_region) {
            return Err(Refusal::scope_region(scope.region));
        }
        if !time.starts_with(scope.date) || scope.date.len() != 8 {
            return Err(Refusal::scope_date(scope.date, time));
        }
        Ok(())
    }

    /// The key that signs in a scope. Deriving it takes as long as all the rest.
    fn key(
        &self,
        credential: &str,
        scope: &Scope<'_>,
    ) -> Result<Rc<Remembered<K::Owner>>, Refusal> {
        let mut memory = self.remembered.borrow_mut();
        let version = self.keys.version();
        if memory.version != version || memory.by_credential.len() >= SCOPES_MAX {
            memory.version = version;
            memory.by_credential.clear();
        }
        if let Some(remembered) = memory.by_credential.get(credential) {
            return Ok(remembered.clone());
        }
        let known = self.keys.find(scope.key_id);
        let known = known.ok_or_else(Refusal::unknown_key)?;
        let mut key = known.secret.0;
        for part in [scope.date, scope.region, scope.service, scope.end] {
            let next = hmac::sign(&key, part.as_bytes());
            key = hmac::Key::new(HMAC_SHA256, next.as_ref());
        }
        let remembered = Rc::new(Remembered {
            key,
            session: known.session,
            owner: Rc::new(known.owner),
        });
        memory
            .by_credential
            .insert(credential.into(), remembered.clone());
        Ok(remembered)
    }
}

fn check_time(claim: &Claim<'_>, time: OffsetDateTime, now: OffsetDateTime) -> Result<(), Refusal> {
    let old_max = claim.expires.unwrap_or(SKEW_SECONDS_MAX);
    if time < later(now, -old_max) {
        return Err(Refusal::expired(&claim.time, now, old_max));
    }
    if time > later(now, SKEW_SECONDS_MAX) {
        return Err(Refusal::not_yet(&claim.time, now, SKEW_SECONDS_MAX));
    }
    Ok(())
}

/// What a signature leaves out says nothing of who sent it.
fn check_headers(names: &[&str], heads: &Heads<'_>) -> Result<(), Refusal> {
    let (mut host, mut target, mut token) = (false, !heads.has_target, heads.token.is_none());
    for name in names {
        match *name {
            "host" => host = true,
            "x-amz-target" => target = true,
            "x-amz-security-token" => token = true,
            _ => {}
        }
    }
    match (host, target, token) {
        (true, true, true) => Ok(()),
        (false, ..) => Err(Refusal::not_signed("Host' or ':authority")),
        (_, false, _) => Err(Refusal::not_signed("X-Amz-Target")),
        (.., false) => Err(Refusal::not_signed("X-Amz-Security-Token")),
    }
}

fn check_session(
    claim: &Claim<'_>,
    session: Option<&([u8; SHA256_OUTPUT_LEN], i64)>,
    now: OffsetDateTime,
) -> Result<(), Refusal> {
    match (session, &claim.token) {
        (None, None) => Ok(()),
        (Some((hash, until)), Some(token)) => {
            if digest(&SHA256, token.as_bytes()).as_ref() != hash {
                return Err(Refusal::unknown_key());
            }
            if now.unix_timestamp() >= *until {
                return Err(Refusal::expired_session());
            }
            Ok(())
        }
        (Some(_), None) | (None, Some(_)) => Err(Refusal::unknown_key()),
    }
}

/// What stands for the body in the canonical request: its hash in hex, or nothing where the client has
/// not signed it.
fn body_hash(heads: &Heads<'_>, body: &[u8]) -> Result<Option<[u8; 64]>, Refusal> {
    let said = heads.content_hash;
    if said.is_some_and(|said| said.as_bytes() == UNSIGNED) {
        return Ok(None);
    }
    let computed = hex::of_32(digest(&SHA256, body).as_ref());
    match said {
        Some(said) if said.as_bytes() != computed => Err(Refusal::body_hash()),
        _ => Ok(Some(computed)),
    }
}
