//! Requests that were refused because of who sent them, or would have been: counts, and the latest.

use crate::observe::Dialect;
use crate::pubsub::civil_time::CivilTime;
use crate::runtime::wall_clock;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The latest that are kept to be looked at.
const KEPT_MAX: usize = 256;
/// Characters kept of each text; clients choose most of them.
const TEXT_CHARS_MAX: usize = 512;

/// What a refusal is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum About {
    /// Nobody knows who it is.
    Authentication = 0,
    /// They may not do what they asked for.
    Authorization = 1,
    /// They have asked for too much.
    Limit = 2,
}

impl About {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Authentication, Self::Authorization, Self::Limit];

    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::Authorization => "authorization",
            Self::Limit => "limit",
        }
    }
}

/// A request that was refused, or would have been.
#[derive(Clone, Copy, Debug)]
pub struct Refusal<'a> {
    /// Where it came to; the admin endpoint is no dialect.
    pub dialect: Option<Dialect>,
    /// What it is about.
    pub about: About,
    /// Whether it was refused. Otherwise it was only told of, and carried out.
    pub enforced: bool,
    /// Who it was, as far as that is known: an access key, an e-mail address.
    pub who: &'a str,
    /// Where it came from.
    pub peer: Option<IpAddr>,
    /// What was asked for.
    pub operation: &'a str,
    /// With what.
    pub resource: &'a str,
    /// Why not.
    pub reason: &'a str,
}

/// One of the latest, as it is shown.
#[derive(Serialize, Deserialize, JsonSchema, Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// When, RFC 3339.
    pub time: String,
    /// `sqs`, `pubsub` or `admin`.
    pub dialect: String,
    /// `authentication`, `authorization` or `limit`.
    pub about: String,
    /// Whether it was refused; otherwise it was only told of.
    pub enforced: bool,
    /// An access key or an e-mail address, as far as the request says.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub who: String,
    /// Address of the client.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub peer: Option<IpAddr>,
    /// What was asked for.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub operation: String,
    /// With what: an ARN, or a full name.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub resource: String,
    /// Why.
    pub reason: String,
}

const PLACES: usize = 3;

/// Those of a process.
#[derive(Clone, Debug, Default)]
pub struct Refusals(Arc<Noted>);

#[derive(Debug, Default)]
struct Noted {
    /// By place, subject, and whether it was enforced.
    counts: [[[AtomicU64; 2]; About::ALL.len()]; PLACES],
    latest: Mutex<VecDeque<Refused>>,
}

fn place(dialect: Option<Dialect>) -> (usize, &'static str) {
    match dialect {
        Some(Dialect::Sqs) => (0, Dialect::Sqs.name()),
        Some(Dialect::Pubsub) => (1, Dialect::Pubsub.name()),
        None => (2, "admin"),
    }
}

impl Refusals {
    /// Takes one down, and gives it as it is shown.
    #[cold]
    pub fn note(&self, refusal: &Refusal<'_>) -> Refused {
        let (at, dialect) = place(refusal.dialect);
        let count = &self.0.counts[at][refusal.about as usize][usize::from(refusal.enforced)];
        count.fetch_add(1, Ordering::Relaxed);
        if !refusal.enforced {
            let Refusal {
                who,
                operation,
                resource,
                reason,
                ..
            } = *refusal;
            tracing::warn!(
                dialect,
                who,
                operation,
                resource,
                reason,
                "would be refused"
            );
        }
        let kept = |text: &str| text.chars().take(TEXT_CHARS_MAX).collect();
        let refused = Refused {
            time: CivilTime::from_millis(wall_clock()).rfc3339_millis(),
            dialect: dialect.to_owned(),
            about: refusal.about.name().to_owned(),
            enforced: refusal.enforced,
            who: kept(refusal.who),
            peer: refusal.peer,
            operation: kept(refusal.operation),
            resource: kept(refusal.resource),
            reason: kept(refusal.reason),
        };
        let mut latest = self.0.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.len() >= KEPT_MAX {
            latest.pop_front();
        }
        latest.push_back(refused.clone());
        refused
    }

    /// The latest, the last one first.
    pub fn latest(&self) -> Vec<Refused> {
        let latest = self.0.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.iter().rev().cloned().collect()
    }

    /// How many there were: dialect, subject, whether they were enforced, count.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, About, bool, u64)> + '_ {
        let places = [Some(Dialect::Sqs), Some(Dialect::Pubsub), None].map(place);
        places.into_iter().flat_map(move |(at, dialect)| {
            About::ALL.into_iter().flat_map(move |about| {
                [false, true].into_iter().map(move |enforced| {
                    let count = &self.0.counts[at][about as usize][usize::from(enforced)];
                    (dialect, about, enforced, count.load(Ordering::Relaxed))
                })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_kept_and_all_are_counted() {
        let refusals = Refusals::default();
        let long = "x".repeat(2 * TEXT_CHARS_MAX);
        for n in 0..KEPT_MAX + 2 {
            let note = refusals.note(&Refusal {
                dialect: Some(Dialect::Sqs),
                about: About::Authorization,
                enforced: n % 2 == 0,
                who: "AKIA",
                peer: Some([127, 0, 0, 1].into()),
                operation: &n.to_string(),
                resource: &long,
                reason: "no",
            });
            assert_eq!(note.resource.len(), TEXT_CHARS_MAX);
        }
        let latest = refusals.latest();
        assert_eq!(latest.len(), KEPT_MAX);
        assert_eq!(latest[0].operation, (KEPT_MAX + 1).to_string());
        let counted: u64 = refusals.counts().map(|(.., count)| count).sum();
        assert_eq!(counted, (KEPT_MAX + 2) as u64);
        let enforced = refusals
            .counts()
            .filter(|(dialect, about, enforced, _)| {
                (*dialect, *about, *enforced) == ("sqs", About::Authorization, true)
            })
            .map(|(.., count)| count);
        assert_eq!(enforced.sum::<u64>(), (KEPT_MAX / 2 + 1) as u64);
    }
}
