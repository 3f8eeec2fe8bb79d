//! Faults that a test asks for: errors, delays, broken connections, by rule.
//!
//! A dialect asks in its one place where a request has been understood, and only while there are
//! rules: without, that is one look at a flag. Rules count the requests that they match, over all
//! cores, and what chance decides comes from a rule's seed and that count: so a failure repeats with
//! the same requests in the same order.

mod pattern;
mod rule;

pub use rule::{Drop, Effect, Latency, Rule, RuleError};

use crate::chance::Chance;
use crate::http::Watched;
use crate::interceptors::reason;
use crate::observe::Dialect;
use serde::Serialize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Rules that may be set at a time; each is looked at for each request.
pub const RULES_MAX: usize = 100;

/// The rules of a process.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    are_set: AtomicBool,
    watched: Watched,
    rules: Mutex<Arc<Vec<Arc<Set>>>>,
    /// For rules without a name.
    numbers: AtomicU64,
}

/// A rule that is set, and what it did.
#[derive(Debug)]
struct Set {
    name: String,
    rule: Rule,
    matched: AtomicU64,
    fired: AtomicU64,
}

/// A rule and what it did.
#[derive(Serialize, Debug)]
pub struct Shown {
    /// Its name.
    pub name: String,
    /// Requests that it was for.
    pub matched: u64,
    /// Requests of those that it did something to.
    pub fired: u64,
    /// The rule as it was given.
    pub rule: Rule,
}

/// What a request suffers.
#[derive(Default, Debug, PartialEq)]
pub struct Suffered {
    /// It waits for so long before it is carried out.
    pub delay: Duration,
    /// And then.
    pub then: Then,
}

/// What a request suffers after its delay.
#[derive(Default, Debug, PartialEq)]
pub enum Then {
    /// Nothing.
    #[default]
    Answered,
    /// It isn't carried out, and refused.
    Refused {
        /// The dialect's own code, which it has.
        code: String,
        /// For people.
        message: String,
    },
    /// It isn't carried out, and refused as one too many.
    Throttled,
    /// The connection ends, before the request is carried out or instead of its answer.
    Dropped(Drop),
    /// Some entries of a batch fail.
    Entries(EntryFaults),
}

/// Which entries of a batch fail.
#[derive(Clone, Debug, PartialEq)]
pub struct EntryFaults {
    chance: Chance,
    share: f64,
    /// The dialect's own code.
    pub code: String,
}

impl EntryFaults {
    /// Whether the entry at this place does.
    pub fn hit(&self, at: usize) -> bool {
        self.chance.of(at as u64) < self.share
    }
}

impl Faults {
    /// No rules; where there are any, requests are watched.
    pub fn watching(watched: Watched) -> Self {
        Self(Arc::new(Shared {
            watched,
            ..Shared::default()
        }))
    }

    /// Whether there are rules.
    #[inline]
    pub fn are_set(&self) -> bool {
        self.0.are_set.load(Ordering::Relaxed)
    }

    fn rules(&self) -> Arc<Vec<Arc<Set>>> {
        let rules = self.0.rules.lock().unwrap_or_else(PoisonError::into_inner);
        rules.clone()
    }

    fn change<R>(&self, change: impl FnOnce(&mut Vec<Arc<Set>>) -> R) -> R {
        let mut rules = self.0.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let result = change(Arc::make_mut(&mut rules));
        self.0.are_set.store(!rules.is_empty(), Ordering::Relaxed);
        self.0.watched.set(reason::FAULTS, !rules.is_empty());
        result
    }

    /// Adds a rule behind the others, or in the place of one of its name, and answers its name.
    ///
    /// # Errors
    /// Where the rule makes no sense, or there are [`RULES_MAX`].
    pub fn set(&self, rule: Rule) -> Result<String, RuleError> {
        rule.check()?;
        let name = rule.name.clone().unwrap_or_else(|| {
            let number = self.0.numbers.fetch_add(1, Ordering::Relaxed) + 1;
            format!("fault-{number}")
        });
        let set = Arc::new(Set {
            name: name.clone(),
            rule,
            matched: AtomicU64::new(0),
            fired: AtomicU64::new(0),
        });
        self.change(|rules| {
            match rules.iter().position(|one| one.name == name) {
                Some(at) => rules[at] = set,
                None if rules.len() == RULES_MAX => return Err(RuleError::too_many()),
                None => rules.push(set),
            }
            Ok(name)
        })
    }

    /// Takes a rule away; whether there was one.
    pub fn remove(&self, name: &str) -> bool {
        self.change(|rules| {
            let before = rules.len();
            rules.retain(|rule| rule.name != name);
            rules.len() < before
        })
    }

    /// Takes all rules away, and answers how many there were.
    pub fn clear(&self) -> usize {
        self.change(|rules| std::mem::take(rules).len())
    }

    /// The rules in their order.
    pub fn shown(&self) -> Vec<Shown> {
        let shown = |set: &Arc<Set>| Shown {
            name: set.name.clone(),
            matched: set.matched.load(Ordering::Relaxed),
            fired: set.fired.load(Ordering::Relaxed),
            rule: set.rule.clone(),
        };
        self.rules().iter().map(shown).collect()
    }

    /// What a request suffers. Delays of several rules add up; of the rest, the first rule counts.
    /// `resource` is what the request is about, empty where that isn't known.
    pub fn suffered(&self, dialect: Dialect, action: &str, resource: &str) -> Suffered {
        let mut suffered = Suffered::default();
        for set in &*self.rules() {
            let ends = suffered.then != Then::Answered;
            if !set.rule.is_for(dialect, action, resource)
                || ends && !matches!(set.rule.effect, Effect::Latency(_))
            {
                continue;
            }
            if let Some(chance) = set.fires() {
                set.add_to(&mut suffered, chance);
            }
        }
        suffered
    }
}

impl Set {
    /// Counts a request that the rule is for. If it does something, that request's chance.
    fn fires(&self) -> Option<Chance> {
        let number = self.matched.fetch_add(1, Ordering::Relaxed);
        let chance = Chance::new(self.rule.seed, number);
        if !self.rule.is_its_turn(number, chance) {
            return None;
        }
        let times = self.rule.times.unwrap_or(u64::MAX);
        let fired = self
            .fired
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |fired| {
                (fired < times).then_some(fired + 1)
            });
        fired.is_ok().then_some(chance)
    }

    fn add_to(&self, suffered: &mut Suffered, chance: Chance) {
        match &self.rule.effect {
            Effect::Latency(latency) => suffered.delay += latency.one(chance),
            Effect::Error { code, message } => {
                let by = || format!("Refused by the fault rule {}.", self.name);
                suffered.then = Then::Refused {
                    code: code.clone(),
                    message: message.clone().unwrap_or_else(by),
                };
            }
            Effect::Throttle => suffered.then = Then::Throttled,
            Effect::Drop(when) => suffered.then = Then::Dropped(*when),
            Effect::Entries { share, code } => {
                suffered.then = Then::Entries(EntryFaults {
                    chance,
                    share: *share,
                    code: code.clone().unwrap_or_else(|| "InternalFailure".to_owned()),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests;
