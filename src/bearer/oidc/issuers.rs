//! All issuers that are believed, and what they vouch for.

use super::claims::{said, signed};
use super::issuer::{Issuer, KeysAwaited};
use super::keys::is_allowed;
use crate::bearer::{Identity, Refused};
use crate::runtime::spawn_beside;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Whose tokens are believed.
#[derive(Clone, Debug)]
pub struct OidcSettings {
    /// Issuers as their tokens name them.
    pub issuers: Vec<String>,
    /// Whom tokens have to be meant for, one of these.
    pub audiences: Vec<String>,
    /// Authorities besides the system's that are trusted as keys are fetched, a PEM file.
    pub ca_file: Option<PathBuf>,
}

/// The issuers, for all cores. Their threads end with the last clone.
#[derive(Clone)]
pub struct Issuers(Arc<Inner>);

struct Inner {
    all: Vec<Arc<Issuer>>,
    audiences: Vec<String>,
    ca_file: Option<PathBuf>,
    version: Arc<AtomicU64>,
    is_started: AtomicBool,
}

/// What a good token says.
pub(in crate::bearer) struct Vouched {
    pub identity: Identity,
    /// s since 1970.
    pub until: u64,
}

impl Issuers {
    /// Without keys yet.
    pub fn new(settings: OidcSettings) -> Self {
        let OidcSettings {
            mut issuers,
            audiences,
            ca_file,
        } = settings;
        issuers.sort();
        issuers.dedup();
        let version = Arc::new(AtomicU64::new(0));
        let issuers = issuers.into_iter();
        Self(Arc::new(Inner {
            all: issuers
                .map(|url| Arc::new(Issuer::new(url, version.clone())))
                .collect(),
            audiences,
            ca_file,
            version,
            is_started: AtomicBool::new(false),
        }))
    }

    /// Begins to fetch keys, the first time that a core says so.
    ///
    /// # Errors
    /// A thread can't be started.
    pub fn start(&self) -> io::Result<()> {
        if self.0.is_started.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        for issuer in &self.0.all {
            let (issuer, ca_file) = (issuer.clone(), self.0.ca_file.clone());
            let thread = std::thread::Builder::new().name("lclq-oidc".to_owned());
            spawn_beside(thread, move || issuer.keep(ca_file.as_deref()))?;
        }
        Ok(())
    }

    /// Changes whenever a key does.
    pub(in crate::bearer) fn version(&self) -> u64 {
        self.0.version.load(Ordering::Acquire)
    }

    fn named(&self, url: &str) -> Option<&Issuer> {
        let mut all = self.0.all.iter();
        Some(all.find(|issuer| issuer.url() == url)?.as_ref())
    }

    /// What a token is worth at a moment, s since 1970, but for its end. `None` if it isn't by one of
    /// these issuers.
    pub(in crate::bearer) fn read(
        &self,
        token: &str,
        now: u64,
    ) -> Option<Result<Vouched, Refused>> {
        let (header, claims) = said(token)?;
        let issuer = self.named(&claims.iss)?;
        let keys = issuer.keys();
        let vouched = keys
            .find(header.kid.as_deref(), header.alg)
            .and_then(|key| signed(token, key, header.alg))
            .filter(|claims| claims.iss == issuer.url() && claims.are_for(&self.0.audiences, now))
            .map(|claims| Vouched {
                until: claims.until(),
                identity: claims.identity(),
            });
        Some(vouched.ok_or(Refused::Unknown))
    }

    /// What to wait for where a token isn't known, if its issuer may have a newer key that it is of.
    /// What is good in no case is not waited for.
    pub(in crate::bearer) fn keys_awaited(
        &self,
        token: &str,
        now: u64,
        place: &Rc<()>,
    ) -> Option<KeysAwaited> {
        let (header, claims) = said(token)?;
        let issuer = self.named(&claims.iss)?;
        let may_be_good = is_allowed(header.alg)
            && claims.are_for(&self.0.audiences, now)
            && now < claims.until();
        if !may_be_good || issuer.keys().knows(header.kid.as_deref()) {
            return None;
        }
        issuer.ask(place.clone())
    }

    /// Gives an issuer keys that nobody has fetched.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(in crate::bearer) fn set_keys(&self, url: &str, text: &str) {
        let keys = super::keys::KeySet::read(text).unwrap();
        self.named(url).unwrap().set_keys(keys);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        for issuer in &self.all {
            issuer.end();
        }
    }
}

impl fmt::Debug for Issuers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let urls = self.0.all.iter().map(|issuer| issuer.url());
        f.debug_list().entries(urls).finish()
    }
}
