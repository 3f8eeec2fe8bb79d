//! Whether a request's bearer is known.

use super::access::AccessTokens;
use super::assertion::signed;
use super::oidc::{Issuers, KeysAwaited, Vouched};
use super::{Identity, PublicKeys, now};
use hashbrown::HashMap;
use http::HeaderMap;
use http::header::{AUTHORIZATION, HOST};
use std::cell::RefCell;
use std::rc::Rc;

/// Tokens that are remembered on a core: checking one takes longer than all the rest of a request.
const TOKENS_MAX: usize = 1024;

/// A longer one is nobody's.
const TOKEN_BYTES_MAX: usize = 8192;

/// Requests of a core that wait for an issuer's keys at once. More are refused.
const WAITING_MAX: usize = 1024;

/// Why a request isn't believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It has no token.
    Missing,
    /// It has one that nobody here knows.
    Unknown,
    /// Its token was good until lately.
    Expired,
}

impl Refused {
    /// The same in words.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Missing => "it has no token",
            Self::Unknown => "its token is nobody's",
            Self::Expired => "its token is over",
        }
    }
}

/// Checks bearers for one service on one core.
pub struct Bearers<K> {
    keys: K,
    tokens: AccessTokens,
    service: &'static str,
    issuers: Option<Issuers>,
    remembered: RefCell<Memory>,
    /// As many more as there are requests that wait.
    waiting: Rc<()>,
}

struct Memory {
    /// Of the service accounts' keys, and of the issuers'.
    version: (u64, u64),
    by_token: HashMap<Box<str>, Known>,
}

/// A token that was found good, but for its time and for what it is used for.
#[derive(Clone)]
struct Known {
    identity: Rc<Identity>,
    /// s since 1970.
    until: u64,
    /// The host that it is meant for, if it is for one.
    host: Option<Rc<str>>,
}

impl<K: PublicKeys> Bearers<K> {
    /// By these service accounts, by the tokens that they were given here, and by issuers elsewhere.
    pub fn new(
        keys: K,
        tokens: AccessTokens,
        service: &'static str,
        issuers: Option<Issuers>,
    ) -> Self {
        let version = version(&keys, issuers.as_ref());
        Self {
            keys,
            tokens,
            service,
            issuers,
            remembered: RefCell::new(Memory {
                version,
                by_token: HashMap::new(),
            }),
            waiting: Rc::new(()),
        }
    }

    /// The keys and tokens.
    pub fn parts(&self) -> (&K, &AccessTokens) {
        (&self.keys, &self.tokens)
    }

    /// Whose request this is.
    ///
    /// # Errors
    /// Why it isn't believed.
    pub fn verify(&self, headers: &HeaderMap, host: Option<&str>) -> Result<Rc<Identity>, Refused> {
        let token = token(headers)?;
        let now = now();
        let mut memory = self.remembered.borrow_mut();
        let version = version(&self.keys, self.issuers.as_ref());
        if memory.version != version || memory.by_token.len() >= TOKENS_MAX {
            memory.version = version;
            memory.by_token.clear();
        }
        let known = match memory.by_token.get(token) {
            Some(known) => known.clone(),
            None => {
                let known = self.read(token, now)?;
                memory.by_token.insert(token.into(), known.clone());
                known
            }
        };
        if let Some(meant) = &known.host {
            let host = headers
                .get(HOST)
                .and_then(|host| host.to_str().ok())
                .or(host);
            let host = host.unwrap_or_default();
            let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
            if **meant != *self.service && **meant != *name {
                return Err(Refused::Unknown);
            }
        }
        if now >= known.until {
            return Err(Refused::Expired);
        }
        Ok(known.identity)
    }

    /// What a request may wait for that isn't believed, if it may be once that has come.
    pub fn keys_awaited(&self, headers: &HeaderMap) -> Option<KeysAwaited> {
        let issuers = self.issuers.as_ref()?;
        if Rc::strong_count(&self.waiting) > WAITING_MAX {
            return None;
        }
        issuers.keys_awaited(token(headers).ok()?, now(), &self.waiting)
    }

    /// Whether there are keys that the request that was looked at last wasn't looked at with.
    pub fn has_newer_keys(&self) -> bool {
        let version = version(&self.keys, self.issuers.as_ref());
        self.remembered.borrow().version != version
    }

    fn read(&self, token: &str, now: u64) -> Result<Known, Refused> {
        if let Some((email, key_id, until)) = self.tokens.read(token) {
            let key = self.keys.find(&key_id);
            if key.is_none_or(|key| key.email != email) {
                return Err(Refused::Unknown);
            }
            return Ok(Known {
                identity: Identity::service_account(email).into(),
                until,
                host: None,
            });
        }
        let issuers = self.issuers.as_ref();
        if let Some(outcome) = issuers.and_then(|issuers| issuers.read(token, now)) {
            let Vouched { identity, until } = outcome?;
            return Ok(Known {
                identity: identity.into(),
                until,
                host: None,
            });
        }
        let signed = signed(token, &self.keys, now).map_err(|_| Refused::Unknown)?;
        let host = signed.meant_for().ok_or(Refused::Unknown)?;
        Ok(Known {
            identity: Identity::service_account(signed.email).into(),
            until: signed.until,
            host: host.map(Rc::from),
        })
    }
}

fn version(keys: &impl PublicKeys, issuers: Option<&Issuers>) -> (u64, u64) {
    (keys.version(), issuers.map_or(0, Issuers::version))
}

fn token(headers: &HeaderMap) -> Result<&str, Refused> {
    let header = headers.get(AUTHORIZATION).ok_or(Refused::Missing)?;
    let text = header.to_str().map_err(|_| Refused::Unknown)?;
    let (scheme, token) = text.split_once(' ').ok_or(Refused::Unknown)?;
    if !scheme.eq_ignore_ascii_case("bearer") || token.len() > TOKEN_BYTES_MAX {
        return Err(Refused::Unknown);
    }
    Ok(token)
}
