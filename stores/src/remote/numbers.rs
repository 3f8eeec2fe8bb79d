//! Positions and epochs as a signed number of 64 bits holds them.

use lclq_shards::journal::{Append, Place};

/// Numbers of an append that could stand in a log.
pub(crate) struct Numbers {
    pub position: i64,
    pub epoch: i64,
    /// Epoch of the record before it; that of a log's foot is 0.
    pub epoch_before: i64,
}

impl Numbers {
    /// `None` where no log can have such a record: then it is surely to be refused.
    pub fn of(append: &Append) -> Option<Self> {
        let Place { position, epoch } = append.record.place;
        // A log's foot, at position 0, is no record that anything could be said to follow.
        let before = match append.after {
            Some(after) if after.position == 0 => return None,
            Some(after) => after,
            None => Place {
                position: 0,
                epoch: 0,
            },
        };
        if before.position.checked_add(1) != Some(position) {
            return None;
        }
        Some(Self {
            position: i64::try_from(position).ok()?,
            epoch: i64::try_from(epoch).ok()?,
            epoch_before: i64::try_from(before.epoch).ok()?,
        })
    }
}

/// The nearest number that such a number holds; there are no records behind it.
pub(crate) fn nearest(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A place out of a store, unless somebody else has written there.
pub(crate) fn place(position: i64, epoch: i64) -> Option<Place> {
    Some(Place {
        position: u64::try_from(position).ok()?,
        epoch: u64::try_from(epoch).ok()?,
    })
}
