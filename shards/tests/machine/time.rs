//! The clock, and what is due.

use super::world::World;
use super::{Checked, Setup, Simulation, Violation, check};

/// Turns in which all that is under way must come to its end.
const TURNS_MAX: usize = 100_000;

impl<S: Simulation> World<S> {
    pub fn note_time(&mut self) {
        for member in &self.members {
            member.disk.journal.set_now(self.now);
        }
    }

    pub fn pass_time(&mut self) -> Checked {
        let pause_ms_max = self.plan.pause_ms_max();
        self.now += match self.rng.u8(..20) {
            0 if pause_ms_max > 0 => self.rng.u64(..pause_ms_max),
            0..4 => self.rng.u64(..5000),
            4..8 => {
                // To the very millisecond of a deadline, and no further.
                let wall = self.wall();
                let due = self
                    .members
                    .iter()
                    .filter_map(|member| member.host.next_due())
                    .min();
                due.map_or(1, |due| due.saturating_sub(wall)).min(30_000)
            }
            _ => self.rng.u64(..100),
        };
        self.note_time();
        self.heal_disks(false);
        for shard in 0..self.plan.shards() {
            // A busy core comes late.
            if self.rng.u8(..4) > 0 {
                self.tick(shard)?;
            }
        }
        Ok(())
    }

    /// Ticks the shard if something is due.
    pub fn tick(&mut self, shard: u16) -> Checked {
        let now = self.wall();
        let host = &mut self.members[usize::from(shard)].host;
        if host.next_due().is_some_and(|due| due <= now) {
            host.tick(now);
            host.flush();
            self.pump(shard)?;
        }
        Ok(())
    }

    /// Lets a shard do what it has to do at this time. Answers whether there may be more.
    pub fn work_off(&mut self, shard: u16) -> Result<bool, Violation> {
        let at = usize::from(shard);
        self.tick(shard)?;
        self.members[at].host.flush();
        let busy = self.members[at].disk.complete();
        self.poll_disk(shard)?;
        Ok(busy || !self.members[at].host.is_idle())
    }

    /// All has been deleted, and takes no memory once it is swept up.
    pub fn nothing_resides(&mut self) -> Checked {
        for shard in 0..self.plan.shards() {
            for _ in 0..TURNS_MAX {
                if !self.work_off(shard)?
                    && self.members[usize::from(shard)].host.next_due().is_none()
                {
                    break;
                }
                let wall = self.wall();
                let due = self.members[usize::from(shard)].host.next_due();
                if due.is_none_or(|due| due > wall) {
                    break;
                }
            }
            let stats = self.members[usize::from(shard)].host.stats();
            let bytes = stats.resident_bytes;
            check(bytes == 0, || {
                format!("all is deleted, and {bytes} bytes are taken in shard {shard}")
            })?;
            let sums = [stats.available, stats.outstanding, stats.groups, stats.keys];
            check(sums == [0; 4], || {
                format!("all is deleted, and sums of shard {shard} say {sums:?}")
            })?;
        }
        Ok(())
    }

    /// Lets all that is under way come to its end; time stands still.
    pub fn settle_calls(&mut self) -> Checked {
        for _ in 0..TURNS_MAX {
            let mut busy = self.deliver_frame()?;
            for shard in 0..self.plan.shards() {
                busy |= self.work_off(shard)?;
            }
            if !busy && self.lanes.is_empty() {
                return Ok(());
            }
        }
        Err("requests don't come to an end".to_owned())
    }
}
