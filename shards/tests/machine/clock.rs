//! The wall clock that shards are shown. Within a process it goes as the true time does; a restart
//! of everything may find it set back or forth.
//!
//! What a shard keeps, it keeps in wall times, and brings those in line that lie ahead of the clock
//! of a later start. So, where a deadline is a stored wall time plus a span:
//!
//! - after a step forth by F it comes earlier than in true time, by F at most;
//! - after a step back by D it never comes earlier than in true time, and later by D at most and no
//!   later than its span after the shard's latest start. Each start counts: times are brought in
//!   line as they are loaded, and stay on the disk as they were written;
//! - leases, waits and idle times are not stored: they are exact by the true time.

#![allow(dead_code, reason = "each simulation asks what it has to know")]

use super::START;
use fastrand::Rng;
use lclq_shards::Millis;

const DAY_MS: Millis = 24 * 3_600_000;

/// Since a time the wall clock is so much ahead of it.
#[derive(Clone, Copy, Debug)]
struct Setting {
    since: Millis,
    ahead_ms: i64,
}

#[derive(Clone, Debug)]
pub struct Clock {
    /// The first one is that of the start.
    settings: Vec<Setting>,
    /// When each shard was last started.
    starts: Vec<Millis>,
}

fn shifted(at: Millis, by_ms: i64) -> Millis {
    at.checked_add_signed(by_ms).expect("a time after 1970")
}

impl Clock {
    pub fn new(shards: u16) -> Self {
        let setting = Setting {
            since: 0,
            ahead_ms: 0,
        };
        Self {
            settings: vec![setting],
            starts: vec![START; usize::from(shards)],
        }
    }

    fn setting(&self) -> Setting {
        *self.settings.last().expect("never empty")
    }

    fn setting_at(&self, at: Millis) -> usize {
        let later = self.settings.iter().rposition(|one| one.since <= at);
        later.expect("the first is since ever")
    }

    /// Somebody sets the clock. Steps of days are as likely as steps of seconds.
    pub fn step(&mut self, rng: &mut Rng, since: Millis) {
        let most = [10_000, 300_000, 7_200_000, 3 * DAY_MS][rng.usize(..4)];
        let step = rng.i64(1..most as i64);
        let step = if rng.bool() { step } else { -step };
        let ahead_ms = self.setting().ahead_ms + step;
        self.settings.push(Setting { since, ahead_ms });
    }

    pub fn started(&mut self, shard: u16, at: Millis) {
        self.starts[usize::from(shard)] = at;
    }

    /// How far ahead the clock is at present, ms.
    pub fn ahead_ms(&self) -> i64 {
        self.setting().ahead_ms
    }

    /// What the clock of the present process shows at a time.
    pub fn shown(&self, at: Millis) -> Millis {
        shifted(at, self.setting().ahead_ms)
    }

    /// What a clock would show that was only ever set forth, as far as this one was ahead.
    pub fn never_set_back(&self, at: Millis) -> Millis {
        let most = self.settings.iter().map(|one| one.ahead_ms).max();
        shifted(at, most.expect("never empty"))
    }

    /// The time at which the clock of the present process shows this.
    pub fn truth(&self, shown: Millis) -> Millis {
        shifted(shown, -self.setting().ahead_ms)
    }

    /// When a shard was started, by the clock, if that was after `at`.
    pub fn started_after(&self, shard: u16, at: Millis) -> Option<Millis> {
        let start = self.starts[usize::from(shard)];
        (at < start).then(|| self.shown(start))
    }

    /// What a wall time that was written down at `at` is to a shard now.
    pub fn stored(&self, shard: u16, at: Millis) -> Millis {
        let written = shifted(at, self.settings[self.setting_at(at)].ahead_ms);
        let start = self.starts[usize::from(shard)];
        if at < start {
            written.min(self.shown(start))
        } else {
            written
        }
    }

    /// The latest that any wall time written down until `at` can be to a shard now.
    pub fn stored_at_most(&self, shard: u16, at: Millis) -> Millis {
        let start = self.starts[usize::from(shard)];
        let lately = self.stored(shard, at);
        if at >= start {
            return lately;
        }
        let until = self.setting_at(at);
        let ends = (0..until).map(|one| {
            shifted(
                self.settings[one + 1].since - 1,
                self.settings[one].ahead_ms,
            )
        });
        let most = ends.max().map_or(lately, |most| most.max(lately));
        most.min(self.shown(start))
    }

    /// When, by the clock, a shard lets a deadline come that was due at `due` as it was written down
    /// at `at`, and that is never further off than `span_ms_max`.
    pub fn stored_due(&self, shard: u16, at: Millis, due: Millis, span_ms_max: Millis) -> Millis {
        let written = shifted(due, self.settings[self.setting_at(at)].ahead_ms);
        let start = self.starts[usize::from(shard)];
        if at < start {
            written.min(self.shown(start) + span_ms_max)
        } else {
            written
        }
    }

    /// By how much deadlines that were stored at `at` may have come early since.
    pub fn rise_since(&self, at: Millis) -> Millis {
        let since = &self.settings[self.setting_at(at)..];
        let most = since.iter().map(|one| one.ahead_ms).max();
        let most = most.expect("the first is among them");
        most.saturating_sub(since[0].ahead_ms) as Millis
    }

    /// The same of deadlines that were stored at any time since `at`.
    pub fn rise_after(&self, at: Millis) -> Millis {
        let since = &self.settings[self.setting_at(at)..];
        let (mut least, mut rise) = (i64::MAX, 0);
        for one in since {
            least = least.min(one.ahead_ms);
            rise = rise.max(one.ahead_ms - least);
        }
        rise as Millis
    }
}
