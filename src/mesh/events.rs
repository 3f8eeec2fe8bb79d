//! Changes of definitions, kept for those who watch: one ring for the process, which everybody reads
//! from where they are. Whoever is slow loses the oldest and learns how many.

use lclq_shards::{NameChange, NameChanges};
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;

/// Changes that are kept.
pub const EVENTS_KEPT_MAX: usize = 1024;

/// One per process.
#[derive(Debug)]
pub struct Events {
    ring: Mutex<Ring>,
    /// Number of the last change.
    last: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Ring {
    /// Changes in all, those included that were not kept.
    passed: u64,
    kept: VecDeque<(u64, NameChange)>,
}

/// What has changed since somebody looked.
#[derive(Debug, PartialEq, Eq)]
pub struct Since {
    /// Changes with their numbers, ascending.
    pub changes: Vec<(u64, NameChange)>,
    /// Changes that are not among them.
    pub missed: u64,
    /// The number to look from next.
    pub last: u64,
}

impl Default for Events {
    fn default() -> Self {
        Self {
            ring: Mutex::default(),
            last: watch::Sender::new(0),
        }
    }
}

impl Events {
    /// Takes changes in and wakes those who watch. Definitions change seldom, so the lock is no
    /// matter; no message goes by here.
    pub(super) fn add(&self, changes: NameChanges) {
        let last = {
            let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
            for change in changes.kept {
                ring.passed += 1;
                let number = ring.passed;
                ring.kept.push_back((number, change));
                if ring.kept.len() > EVENTS_KEPT_MAX {
                    ring.kept.pop_front();
                }
            }
            ring.passed += changes.missed;
            ring.passed
        };
        self.last.send_replace(last);
    }

    /// Tells of new changes.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    /// Number of the last change.
    pub fn last(&self) -> u64 {
        *self.last.borrow()
    }

    /// What has changed after the change number `after`.
    pub fn since(&self, after: u64) -> Since {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let newer = ring.kept.iter().filter(|(number, _)| *number > after);
        let changes: Vec<(u64, NameChange)> = newer.cloned().collect();
        let after = after.min(ring.passed);
        Since {
            missed: ring.passed - after - changes.len() as u64,
            changes,
            last: ring.passed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lclq_shards::{Change, NameSpace};

    fn changes(names: std::ops::Range<usize>, missed: u64) -> NameChanges {
        let kept = names.map(|name| NameChange {
            space: NameSpace::Queue,
            name: name.to_string().into(),
            change: Change::Created,
        });
        NameChanges {
            kept: kept.collect(),
            missed,
        }
    }

    #[test]
    fn a_watcher_gets_what_is_kept_and_the_number_of_what_is_not() {
        let events = Events::default();
        events.add(changes(0..3, 0));
        let since = events.since(1);
        let names: Vec<&str> = since.changes.iter().map(|(_, one)| &*one.name).collect();
        assert_eq!((names, since.missed, since.last), (vec!["1", "2"], 0, 3));
        events.add(changes(3..4, 5));
        let since = events.since(3);
        assert_eq!((since.changes.len(), since.missed, since.last), (1, 5, 9));
        events.add(changes(0..EVENTS_KEPT_MAX + 10, 0));
        let since = events.since(9);
        assert_eq!((since.changes.len(), since.missed), (EVENTS_KEPT_MAX, 10));
        // From another run of the process.
        assert_eq!(events.since(u64::MAX).missed, 0);
    }
}
