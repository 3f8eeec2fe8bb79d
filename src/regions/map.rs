//! Which regions there are, and what lies between each two.

use crate::config::forms::scope_name;
use std::collections::BTreeMap;
use std::fmt;

/// Regions that there may be at a time.
pub const REGIONS_MAX: usize = 64;
/// The longest time from one to another, ms.
pub const LATENCY_MS_MAX: u64 = 60_000;

/// What lies between two regions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// How long anything takes from one to the other, ms.
    pub latency_ms: u64,
    /// Whether nothing gets through.
    pub is_cut: bool,
}

/// The regions, and what lies between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// The first is the one by which requests come in that name none.
    names: Vec<Box<str>>,
    /// By the places of both names, the lower first. Nothing lies between others.
    links: BTreeMap<(usize, usize), Link>,
}

/// What is wrong with regions.
#[derive(Debug, PartialEq, Eq)]
pub struct MapError(String);

impl MapError {
    pub(super) fn off() -> Self {
        Self("no regions are set".to_owned())
    }
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for MapError {}

fn wrong<T>(text: impl Into<String>) -> Result<T, MapError> {
    Err(MapError(text.into()))
}

impl Map {
    /// Regions that nothing lies between.
    ///
    /// # Errors
    /// Where there are none or more than [`REGIONS_MAX`], one is there twice, or has a name that is none.
    pub fn new(names: &[String]) -> Result<Self, MapError> {
        if names.is_empty() || names.len() > REGIONS_MAX {
            return wrong(format!("1 to {REGIONS_MAX} regions, not {}", names.len()));
        }
        for (at, name) in names.iter().enumerate() {
            if let Err(expected) = scope_name(name) {
                return wrong(format!("a region's name has {expected}, not {name:?}"));
            }
            if names[..at].contains(name) {
                return wrong(format!("the region {name} is there twice"));
            }
        }
        Ok(Self {
            names: names.iter().map(|name| name.as_str().into()).collect(),
            links: BTreeMap::new(),
        })
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// The one by which requests come in that name none.
    pub fn default_region(&self) -> &str {
        &self.names[0]
    }

    /// Whether there is one of this name.
    pub fn has(&self, name: &str) -> bool {
        self.names().any(|one| one == name)
    }

    /// Each two that something lies between.
    pub fn links(&self) -> impl Iterator<Item = ([&str; 2], Link)> {
        let link = |(&(one, other), link): (&(usize, usize), &Link)| {
            ([&*self.names[one], &*self.names[other]], *link)
        };
        self.links.iter().map(link)
    }

    /// What lies between two; nothing where one of them isn't there.
    pub fn between(&self, one: &str, other: &str) -> Link {
        let at = |name| self.names().position(|one| one == name);
        match (at(one), at(other)) {
            (Some(one), Some(other)) => {
                let link = self.links.get(&in_order(one, other));
                link.copied().unwrap_or_default()
            }
            _ => Link::default(),
        }
    }

    /// Says how long anything takes between two.
    ///
    /// # Errors
    /// Where they aren't two of these, or it is more than [`LATENCY_MS_MAX`].
    pub fn set_latency(&mut self, between: &[String], latency_ms: u64) -> Result<(), MapError> {
        if latency_ms > LATENCY_MS_MAX {
            return wrong(format!("a latency of at most {LATENCY_MS_MAX} ms"));
        }
        let [one, other] = between else {
            return wrong("between: two regions");
        };
        self.change(&[one, other], |link| link.latency_ms = latency_ms)
    }

    /// Cuts two off from each other, or one from all others.
    ///
    /// # Errors
    /// Where they aren't of these.
    pub fn cut(&mut self, between: &[String]) -> Result<(), MapError> {
        match between {
            [] => wrong("between: two regions, or one that is cut off from all others"),
            between => self.change(&refs(between), |link| link.is_cut = true),
        }
    }

    /// Brings two together again, or one and all others, or all.
    ///
    /// # Errors
    /// Where they aren't of these.
    pub fn heal(&mut self, between: &[String]) -> Result<(), MapError> {
        self.change(&refs(between), |link| link.is_cut = false)
    }

    fn change(&mut self, between: &[&String], change: impl Fn(&mut Link)) -> Result<(), MapError> {
        let places = between.iter().map(|name| self.place(name));
        let places = places.collect::<Result<Vec<_>, _>>()?;
        let all = 0..self.names.len();
        let pairs: Vec<_> = match places[..] {
            [] => all
                .clone()
                .flat_map(|one| (one + 1..all.end).map(move |other| (one, other)))
                .collect(),
            [one] => all
                .filter(|other| *other != one)
                .map(|other| in_order(one, other))
                .collect(),
            [one, other] if one == other => return wrong("between: a region and another one"),
            [one, other] => vec![in_order(one, other)],
            _ => return wrong("between: two regions at most"),
        };
        for pair in pairs {
            let link = self.links.entry(pair).or_default();
            change(link);
            if *link == Link::default() {
                self.links.remove(&pair);
            }
        }
        Ok(())
    }

    fn place(&self, name: &str) -> Result<usize, MapError> {
        let place = self.names().position(|one| one == name);
        place.ok_or_else(|| {
            let names: Vec<&str> = self.names().collect();
            let names = names.join(", ");
            MapError(format!("there is no region {name:?}; there are {names}"))
        })
    }
}

fn refs(names: &[String]) -> Vec<&String> {
    names.iter().collect()
}

fn in_order(one: usize, other: usize) -> (usize, usize) {
    (one.min(other), one.max(other))
}

/// Reads two regions and the time between them: `europe-west1:us-east1=80`, ms.
///
/// # Errors
/// What is expected.
pub fn read_latency(text: &str) -> Result<([String; 2], u64), String> {
    let read = || {
        let (between, ms) = text.split_once('=')?;
        let (one, other) = between.split_once(':')?;
        let region = |name| scope_name(name).ok();
        let ms = ms.parse().ok().filter(|ms| *ms <= LATENCY_MS_MAX)?;
        Some(([region(one)?, region(other)?], ms))
    };
    read().ok_or_else(|| {
        format!(
            "two regions and the ms between them, up to {LATENCY_MS_MAX}, such as \
             europe-west1:us-east1=80"
        )
    })
}
