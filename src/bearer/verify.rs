//! Whether a request's bearer is known.

use super::access::AccessTokens;
use super::assertion::signed;
use super::{PublicKeys, now};
use hashbrown::HashMap;
use http::HeaderMap;
use http::header::{AUTHORIZATION, HOST};
use std::cell::RefCell;
use std::rc::Rc;

/// Tokens that are remembered on a core: checking one takes longer than all the rest of a request.
const TOKENS_MAX: usize = 1024;

/// A longer one is nobody's.
const TOKEN_BYTES_MAX: usize = 8192;

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

/// Checks bearers for one service on one core.
pub struct Bearers<K> {
    keys: K,
    tokens: AccessTokens,
    service: &'static str,
    remembered: RefCell<Memory>,
}

struct Memory {
    version: u64,
    by_token: HashMap<Box<str>, (Rc<str>, u64)>,
}

impl<K: PublicKeys> Bearers<K> {
    /// By these service accounts, and by the tokens that they were given here.
    pub fn new(keys: K, tokens: AccessTokens, service: &'static str) -> Self {
        let version = keys.version();
        Self {
            keys,
            tokens,
            service,
            remembered: RefCell::new(Memory {
                version,
                by_token: HashMap::new(),
            }),
        }
    }

    /// The keys and tokens.
    pub fn parts(&self) -> (&K, &AccessTokens) {
        (&self.keys, &self.tokens)
    }

    /// Whose request this is, an e-mail address.
    ///
    /// # Errors
    /// Why it isn't believed.
    pub fn verify(&self, headers: &HeaderMap, host: Option<&str>) -> Result<Rc<str>, Refused> {
        let header = headers.get(AUTHORIZATION).ok_or(Refused::Missing)?;
        let text = header.to_str().map_err(|_| Refused::Unknown)?;
        let (scheme, token) = text.split_once(' ').ok_or(Refused::Unknown)?;
        if !scheme.eq_ignore_ascii_case("bearer") || token.len() > TOKEN_BYTES_MAX {
            return Err(Refused::Unknown);
        }
        let now = now();
        let mut memory = self.remembered.borrow_mut();
        let version = self.keys.version();
        if memory.version != version || memory.by_token.len() >= TOKENS_MAX {
            memory.version = version;
            memory.by_token.clear();
        }
        if let Some((email, until)) = memory.by_token.get(token) {
            return if now < *until {
                Ok(email.clone())
            } else {
                Err(Refused::Expired)
            };
        }
        let host = headers
            .get(HOST)
            .and_then(|host| host.to_str().ok())
            .or(host);
        let (email, until) = match self.tokens.read(token) {
            Some((email, key_id, until)) => {
                let known = self.keys.find(&key_id);
                if known.is_none_or(|key| key.email != email) {
                    return Err(Refused::Unknown);
                }
                (email, until)
            }
            None => {
                let signed = signed(token, &self.keys, now).map_err(|_| Refused::Unknown)?;
                if !signed.is_for(self.service, host.unwrap_or_default()) {
                    return Err(Refused::Unknown);
                }
                (signed.email, signed.until)
            }
        };
        if now >= until {
            return Err(Refused::Expired);
        }
        let email: Rc<str> = email.into();
        memory.by_token.insert(token.into(), (email.clone(), until));
        Ok(email)
    }
}
