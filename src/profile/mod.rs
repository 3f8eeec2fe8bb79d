//! The production profile: a server that does what the services may do and stand-ins never do, so
//! that a client finds out on its author's machine.
//!
//! All of it is within the contracts: what is delivered twice, late or in another order is never lost,
//! and every answer is one that the service could give. What happens is decided by a seed, the name of
//! the queue or subscription and the number of its request, so a failure repeats.

mod bucket;
mod settings;

pub use settings::{ProfileSettings, PubsubProfile, SqsProfile};

use crate::chance::{Chance, number_of};
use crate::http::Watched;
use crate::interceptors::reason;
use bucket::Bucket;
use lclq_shards::command::Counts;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// Names that are remembered of a kind. When there are more, all are forgotten: what chance decides
/// begins anew, and quotas are full.
const NAMES_MAX: usize = 10_000;

/// The profile of a process.
#[derive(Clone, Debug, Default)]
pub struct Profile(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    is_on: AtomicBool,
    watched: Watched,
    settings: RwLock<Arc<ProfileSettings>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// How often a thing was asked, by what is asked and of which name.
    asked: HashMap<(&'static str, Box<str>), u64>,
    /// What was told of a queue's messages, and until when it is told.
    told: HashMap<Box<str>, (Counts, Instant)>,
    /// What is under way, and until when.
    under_way: HashMap<(&'static str, Box<str>), Instant>,
    quotas: HashMap<(&'static str, Box<str>), Bucket>,
    /// What was done, and how often.
    done: BTreeMap<&'static str, u64>,
}

/// A profile that is on.
#[derive(Clone, Debug)]
pub struct Active {
    shared: Arc<Shared>,
    settings: Arc<ProfileSettings>,
}

/// A profile, and what it did.
#[derive(Debug)]
pub struct Shown {
    /// Whether it is on.
    pub on: bool,
    /// What it has happen.
    pub settings: ProfileSettings,
    /// What happened since it was set, and how often.
    pub done: BTreeMap<&'static str, u64>,
}

impl Profile {
    /// One that is off. While it is on, requests are watched.
    pub fn watching(watched: Watched) -> Self {
        Self(Arc::new(Shared {
            watched,
            ..Shared::default()
        }))
    }

    /// It, while it is on.
    #[inline]
    pub fn active(&self) -> Option<Active> {
        if !self.0.is_on.load(Ordering::Relaxed) {
            return None;
        }
        let settings = self.0.settings.read();
        Some(Active {
            shared: self.0.clone(),
            settings: settings.unwrap_or_else(PoisonError::into_inner).clone(),
        })
    }

    /// Has it begin, from the start of its chances.
    ///
    /// # Errors
    /// What is wrong with the settings.
    pub fn set(&self, settings: ProfileSettings) -> Result<(), String> {
        settings.check()?;
        let mut place = self.0.settings.write();
        let place = place.as_deref_mut().map_err(|_| "a thread panicked")?;
        *place = Arc::new(settings);
        *self.0.state() = State::default();
        self.0.is_on.store(true, Ordering::Relaxed);
        self.0.watched.set(reason::PROFILE, true);
        Ok(())
    }

    /// Has it begin from the start of its chances, if it is on.
    pub fn begin_anew(&self) {
        *self.0.state() = State::default();
    }

    /// Ends it; whether it was on. What it has put off is done when it is due.
    pub fn end(&self) -> bool {
        self.0.watched.set(reason::PROFILE, false);
        self.0.is_on.swap(false, Ordering::Relaxed)
    }

    /// What it is, and what it did.
    pub fn shown(&self) -> Shown {
        let settings = self.0.settings.read();
        let done = &self.0.state().done;
        Shown {
            on: self.0.is_on.load(Ordering::Relaxed),
            settings: ProfileSettings::clone(&settings.unwrap_or_else(PoisonError::into_inner)),
            done: done.clone(),
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Room for one more name.
fn bounded<K, V>(map: &mut HashMap<K, V>) -> &mut HashMap<K, V> {
    if map.len() >= NAMES_MAX {
        map.clear();
    }
    map
}

impl Active {
    /// What happens to SQS.
    pub fn sqs(&self) -> &SqsProfile {
        &self.settings.sqs
    }

    /// What happens to Pub/Sub.
    pub fn pubsub(&self) -> &PubsubProfile {
        &self.settings.pubsub
    }

    /// The chance of the next thing of a kind that is asked of a name.
    pub(crate) fn chance(&self, kind: &'static str, name: &str) -> Chance {
        let mut state = self.shared.state();
        let asked = bounded(&mut state.asked);
        let asked = asked.entry((kind, name.into())).or_default();
        let number = *asked;
        *asked += 1;
        let seed = self.settings.seed ^ number_of(kind) ^ number_of(name).rotate_left(32);
        Chance::new(seed, number)
    }

    /// Takes down what was done.
    pub(crate) fn did(&self, what: &'static str, times: usize) {
        if times > 0 {
            *self.shared.state().done.entry(what).or_default() += times as u64;
        }
    }

    /// What is told of a queue's messages: what there is, or was.
    pub(crate) fn counts(&self, queue: &str, now: Counts) -> Counts {
        let age_max = self.sqs().stale_counts_ms_max;
        let chance = self.chance("counts", queue);
        let mut state = self.shared.state();
        let at = Instant::now();
        match state.told.get(queue) {
            Some((told, until)) if at < *until => {
                let told = *told;
                *state.done.entry("stale counts").or_default() += u64::from(told != now);
                told
            }
            _ => {
                let until = at + Duration::from_millis(chance.up_to(0, age_max));
                bounded(&mut state.told).insert(queue.into(), (now, until));
                now
            }
        }
    }

    /// Begins something that takes a while, or answers nothing where it is under way.
    pub(crate) fn begin(&self, what: &'static str, name: &str, ms_max: u64) -> Option<Duration> {
        let chance = self.chance(what, name);
        let mut state = self.shared.state();
        let at = Instant::now();
        let under_way = bounded(&mut state.under_way);
        if under_way
            .get(&(what, name.into()))
            .is_some_and(|until| at < *until)
        {
            return None;
        }
        let takes = Duration::from_millis(chance.up_to(0, ms_max));
        under_way.insert((what, name.into()), at + takes);
        *state.done.entry(what).or_default() += 1;
        Some(takes)
    }

    /// Whether something that takes a while is under way.
    pub(crate) fn is_under_way(&self, what: &'static str, name: &str) -> bool {
        let state = self.shared.state();
        let until = state.under_way.get(&(what, name.into()));
        until.is_some_and(|until| Instant::now() < *until)
    }

    /// Whether a request is within a quota of so many in `per`.
    pub(crate) fn admits(&self, what: &'static str, name: &str, many: u32, per: Duration) -> bool {
        let mut state = self.shared.state();
        let quotas = bounded(&mut state.quotas);
        let quota = quotas.entry((what, name.into()));
        let admits = quota
            .or_insert_with(|| Bucket::full(many))
            .take(Instant::now(), many, per);
        *state.done.entry("throttled").or_default() += u64::from(!admits);
        admits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(settings: ProfileSettings) -> Active {
        let profile = Profile::default();
        assert!(profile.active().is_none());
        profile.set(settings).unwrap();
        profile.active().unwrap()
    }

    #[test]
    fn chances_repeat_for_each_name_whatever_others_ask() {
        let draw = |disturbed: bool| -> Vec<u64> {
            let active = on(ProfileSettings::default());
            let chances = (0..20).map(|_| {
                if disturbed {
                    active.chance("receive", "other");
                }
                active.chance("receive", "queue").up_to(0, 1000)
            });
            chances.collect()
        };
        assert_eq!(draw(false), draw(true));
        let other = on(ProfileSettings {
            seed: 1,
            ..ProfileSettings::default()
        });
        let drawn: Vec<u64> = (0..20)
            .map(|_| other.chance("receive", "queue").up_to(0, 1000))
            .collect();
        assert_ne!(drawn, draw(false));
    }

    #[test]
    fn counts_are_told_for_a_while() {
        let active = on(ProfileSettings::default());
        let counts = |visible| Counts {
            visible,
            ..Counts::default()
        };
        assert_eq!(active.counts("q", counts(1)).visible, 1);
        assert_eq!(active.counts("q", counts(2)).visible, 1);
        let mut settings = ProfileSettings::default();
        settings.sqs.stale_counts_ms_max = 0;
        let active = on(settings);
        active.counts("q", counts(1));
        assert_eq!(active.counts("q", counts(2)).visible, 2);
    }

    #[test]
    fn names_are_bounded() {
        let active = on(ProfileSettings::default());
        for n in 0..3 * NAMES_MAX {
            active.chance("receive", &n.to_string());
            active.admits("send", &n.to_string(), 1, Duration::from_secs(1));
        }
        let state = active.shared.state();
        assert!(state.asked.len() <= NAMES_MAX && state.quotas.len() <= NAMES_MAX);
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_its_key() {
        let mut settings = ProfileSettings::default();
        settings.sqs.fewer = 1.5;
        let error = Profile::default().set(settings).unwrap_err();
        assert_eq!(error, "sqs.fewer: 1.5 is not between 0 and 1");
        let unknown = serde_json::from_str::<ProfileSettings>(r#"{"sqs":{"few":1}}"#);
        assert!(
            unknown
                .unwrap_err()
                .to_string()
                .contains("unknown field `few`")
        );
    }
}
