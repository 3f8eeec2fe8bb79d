//! How much may be asked for: in all, by each address and by each key.
//!
//! A dialect asks in its one place where it is known who sends a request, and answers in its own words.
//! Without any quota nobody looks.

mod bucket;
mod standing;

pub use standing::{Place, Standing};

use crate::net::Peer;
use bucket::{Buckets, Shared};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is allowed. Nothing given is as much as anybody wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quotas {
    /// Of everybody together.
    pub all: Rates,
    /// Of each address that requests come from.
    pub address: Rates,
    /// Of each access key, service account or other identity.
    pub key: Rates,
    /// Long polls and streams of an address at a time.
    pub waiting_per_address: Option<u64>,
    /// Long polls and streams of a key at a time.
    pub waiting_per_key: Option<u64>,
}

/// What is allowed of somebody per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Requests.
    pub requests_per_s: Option<u64>,
    /// Bytes to and from them, as they are on the wire.
    pub bytes_per_s: Option<u64>,
}

/// A request for which there is no quota left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// Which.
    pub quota: &'static str,
    /// When there may be some again. None where that isn't a matter of time.
    pub retry_after: Option<Duration>,
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the quota {} is exceeded", self.quota)
    }
}

/// Quotas of a process, with what is left of them.
#[derive(Clone)]
pub struct SharedQuotas(Arc<All>);

struct All {
    all: Pair<()>,
    address: Pair<IpAddr>,
    key: Pair<Box<str>>,
    waiting_address: Option<Standing<IpAddr>>,
    waiting_key: Option<Standing<Box<str>>>,
}

struct Pair<K> {
    requests: Option<Arc<Shared<K>>>,
    bytes: Option<Arc<Shared<K>>>,
}

impl<K: std::hash::Hash + Eq + Clone> Pair<K> {
    fn new(rates: Rates) -> Self {
        Self {
            requests: rates.requests_per_s.map(Shared::new),
            bytes: rates.bytes_per_s.map(Shared::new),
        }
    }

    fn on_core(&self, names: [&'static str; 2]) -> OfSome<K> {
        OfSome {
            requests: self.requests.clone().map(Buckets::new),
            bytes: self.bytes.clone().map(Buckets::new),
            names,
        }
    }
}

impl fmt::Debug for SharedQuotas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedQuotas")
    }
}

impl SharedQuotas {
    /// `None` where nothing is bounded.
    pub fn new(quotas: Quotas) -> Option<Self> {
        (quotas != Quotas::default()).then(|| {
            Self(Arc::new(All {
                all: Pair::new(quotas.all),
                address: Pair::new(quotas.address),
                key: Pair::new(quotas.key),
                waiting_address: quotas.waiting_per_address.map(Standing::new),
                waiting_key: quotas.waiting_per_key.map(Standing::new),
            }))
        })
    }

    /// One core's end.
    pub fn on_core(&self) -> CoreQuotas {
        CoreQuotas {
            all: self.0.all.on_core(["limit-requests", "limit-bytes"]),
            address: self
                .0
                .address
                .on_core(["limit-requests-per-address", "limit-bytes-per-address"]),
            key: self
                .0
                .key
                .on_core(["limit-requests-per-key", "limit-bytes-per-key"]),
            shared: self.clone(),
        }
    }
}

/// Quotas of some, on one core.
struct OfSome<K> {
    requests: Option<Buckets<K>>,
    bytes: Option<Buckets<K>>,
    /// Of requests, and of bytes.
    names: [&'static str; 2],
}

impl<K: std::hash::Hash + Eq + Clone> OfSome<K> {
    fn take(&self, key: &K, bytes: u64, now: Instant) -> Result<(), Exceeded> {
        let amounts = [(&self.requests, 1), (&self.bytes, bytes)];
        for ((buckets, amount), quota) in amounts.into_iter().zip(self.names) {
            if let Some(buckets) = buckets {
                let taken = buckets.take(key, amount, now);
                taken.map_err(|wait| Exceeded {
                    quota,
                    retry_after: Some(wait),
                })?;
            }
        }
        Ok(())
    }
}

/// One core's end of the quotas.
pub struct CoreQuotas {
    all: OfSome<()>,
    address: OfSome<IpAddr>,
    key: OfSome<Box<str>>,
    shared: SharedQuotas,
}

/// A call that waits, until it is dropped.
#[derive(Debug, Default)]
#[must_use]
pub struct Waits {
    _address: Option<Place<IpAddr>>,
    _key: Option<Place<Box<str>>>,
}

impl CoreQuotas {
    /// Takes a request out of who sends it, with the bytes that their connection has moved since the last.
    /// A request that is refused costs nothing but its bytes.
    ///
    /// # Errors
    /// There is no quota left.
    pub fn admit(&self, peer: Option<&Peer>, key: Option<&str>) -> Result<(), Exceeded> {
        let now = Instant::now();
        let bytes = peer.map_or(0, |peer| peer.0.take_uncharged());
        // The narrowest first, so that who asks too much takes nothing from the others.
        if let Some(key) = key {
            self.key.take(&key.into(), bytes, now)?;
        }
        if let Some(address) = peer.and_then(Peer::address) {
            self.address.take(&address, bytes, now)?;
        }
        self.all.take(&(), bytes, now)
    }

    /// A call begins to wait.
    ///
    /// # Errors
    /// They have as many as they may.
    pub fn wait(&self, peer: Option<&Peer>, key: Option<&str>) -> Result<Waits, Exceeded> {
        let exceeded = |quota| Exceeded {
            quota,
            retry_after: None,
        };
        let mut waits = Waits::default();
        let all = &self.shared.0;
        if let (Some(standing), Some(key)) = (&all.waiting_key, key) {
            let place = standing.enter(&key.into());
            waits._key = Some(place.ok_or_else(|| exceeded("limit-waiting-per-key"))?);
        }
        let address = peer.and_then(Peer::address);
        if let (Some(standing), Some(address)) = (&all.waiting_address, address) {
            let place = standing.enter(&address);
            waits._address = Some(place.ok_or_else(|| exceeded("limit-waiting-per-address"))?);
        }
        Ok(waits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_given_is_nothing_looked_at() {
        assert!(SharedQuotas::new(Quotas::default()).is_none());
    }

    #[test]
    fn who_asks_too_much_takes_nothing_from_others() {
        let quotas = Quotas {
            all: Rates {
                requests_per_s: Some(20),
                bytes_per_s: None,
            },
            key: Rates {
                requests_per_s: Some(5),
                bytes_per_s: None,
            },
            ..Quotas::default()
        };
        let core = SharedQuotas::new(quotas).unwrap().on_core();
        let passed = |key| {
            (0..100)
                .filter(|_| core.admit(None, Some(key)).is_ok())
                .count()
        };
        let greedy = passed("greedy");
        assert!((5..=7).contains(&greedy), "{greedy}");
        let exceeded = core.admit(None, Some("greedy")).unwrap_err();
        assert_eq!(exceeded.quota, "limit-requests-per-key");
        assert!(exceeded.retry_after.unwrap() < Duration::from_secs(1));
        let other = passed("other");
        assert!((5..=7).contains(&other), "{other}");
    }

    #[test]
    fn calls_that_wait_are_counted_until_they_end() {
        let quotas = Quotas {
            waiting_per_key: Some(1),
            ..Quotas::default()
        };
        let core = SharedQuotas::new(quotas).unwrap().on_core();
        let waits = core.wait(None, Some("a")).unwrap();
        assert!(core.wait(None, Some("a")).is_err());
        assert!(core.wait(None, Some("b")).is_ok());
        drop(waits);
        assert!(core.wait(None, Some("a")).is_ok());
    }
}
