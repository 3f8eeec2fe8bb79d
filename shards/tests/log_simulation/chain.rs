//! The log as it came to be: that it is one chain, and that what it holds is what its owners had.

use crate::common::log_owner::{meaning, replayed};
use crate::common::shared_log::SharedLog;
use crate::{Checked, check};
use lclq_shards::journal::{Kept, LogRecord, Place};
use lclq_shards::{Millis, ShardConfig};
use std::collections::{BTreeMap, HashMap};

/// What an owner had to keep as it closed a batch.
pub struct Had {
    pub kept: Kept,
    pub config: ShardConfig,
    pub now: Millis,
}

#[derive(Default)]
pub struct Chain {
    /// All records up to the latest, those that were trimmed as well.
    records: BTreeMap<u64, LogRecord>,
    seen: usize,
    had: HashMap<(u64, u64), Had>,
    pub compared: u64,
    pub put: u64,
    /// The highest epoch of any record that there ever was.
    pub epoch_max: u64,
}

impl Chain {
    /// An owner has closed a batch that is to stand there.
    pub fn closes(&mut self, place: Place, had: Had) {
        self.had.insert((place.position, place.epoch), had);
    }

    /// Looks at what has come into the log. `compares` says whether a record's worth is looked at.
    pub fn look(
        &mut self,
        log: &SharedLog,
        keeps_leases: bool,
        mut compares: impl FnMut() -> bool,
    ) -> Checked {
        for record in log.put_since(self.seen) {
            self.seen += 1;
            self.put += 1;
            let place = record.place;
            self.epoch_max = self.epoch_max.max(place.epoch);
            let before = place.position.checked_sub(1).filter(|at| *at > 0);
            let before = before.map(|at| self.records.get(&at).map(|it| it.place));
            check(before != Some(None), || {
                format!("{place:?} follows nothing")
            })?;
            let epoch = before.flatten().map_or(0, |before| before.epoch);
            check(epoch <= place.epoch, || {
                format!("epochs go down: {place:?} follows one of epoch {epoch}")
            })?;
            check(place.position > 1 || self.records.is_empty(), || {
                format!("the log begins anew: {place:?}")
            })?;
            self.records.split_off(&place.position);
            self.records.insert(place.position, record);
            if compares() {
                self.compare(place, keeps_leases)?;
            }
        }
        Ok(())
    }

    /// What a reader makes of the log up to a record is what its owner had.
    fn compare(&mut self, place: Place, keeps_leases: bool) -> Checked {
        let Some(had) = self.had.get(&(place.position, place.epoch)) else {
            return Ok(());
        };
        self.compared += 1;
        let records: Vec<LogRecord> = self.records.values().cloned().collect();
        let read = meaning(
            replayed(&records),
            had.config.clone(),
            had.now,
            keeps_leases,
        );
        let expected = meaning(had.kept.clone(), had.config.clone(), had.now, keeps_leases);
        check(read == expected, || {
            let lacks: Vec<_> = expected.iter().filter(|op| !read.contains(op)).collect();
            let adds: Vec<_> = read.iter().filter(|op| !expected.contains(op)).collect();
            format!("a reader of {place:?} lacks {lacks:?} and adds {adds:?}")
        })
    }
}
