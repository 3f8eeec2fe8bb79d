//! What goes wrong: disks that are slow or fail, shards and machines that die.

use super::disk::Sabotage;
use super::lanes::Frame;
use super::world::{World, open};
use super::{Checked, Clients, Judge, Request, START, Setup, Simulation};
use lclq_shards::Millis;

impl<S: Simulation> World<S> {
    /// A disk does its work, and the host takes note, perhaps, and perhaps everything dies.
    pub fn work_disk(&mut self, shard: u16) -> Checked {
        let at = usize::from(shard);
        if self.members[at].disk.journal.is_busy() {
            let dies = self.crash_at.filter(|(commit, _)| *commit == self.commits);
            self.commits += 1;
            if dies.is_some_and(|(_, before)| before) {
                return self.crash_all();
            }
            self.members[at].disk.complete();
            if dies.is_some() {
                return self.crash_all();
            }
        }
        if self.plan.has_slow_disks() && self.rng.bool() {
            return Ok(());
        }
        self.poll_disk(shard)
    }

    pub fn poll_disk(&mut self, shard: u16) -> Checked {
        self.members[usize::from(shard)].host.poll_journal();
        self.pump(shard)
    }

    pub fn fail_disk(&mut self, shard: u16, until: Millis) {
        self.note(|| format!("the disk of shard {shard} fails"));
        let member = &mut self.members[usize::from(shard)];
        member.disk.journal.set_failing(true);
        member.disk_works_at = until;
    }

    pub fn heal_disks(&mut self, all: bool) {
        for member in &mut self.members {
            if member.disk_works_at > 0 && (all || member.disk_works_at <= self.now) {
                member.disk_works_at = 0;
                member.disk.journal.set_failing(false);
            }
        }
    }

    /// One shard dies and comes back; the others go on.
    pub fn crash_one(&mut self, shard: u16) -> Checked {
        self.note(|| format!("shard {shard} crashes"));
        self.restarting_takes_time();
        self.restart(shard);
        let now = self.wall();
        for other in (0..self.plan.shards()).filter(|other| *other != shard) {
            // Their transfers to it will not be answered.
            self.members[usize::from(other)].host.transfer_failed(now);
        }
        self.pump(shard)
    }

    /// The process dies, or the machine, and comes back.
    pub fn crash_all(&mut self) -> Checked {
        self.note(|| "everything crashes".to_owned());
        for frame in self.lanes.drain() {
            if let Frame::Command { token, .. } = frame
                && let Some(call) = self.calls.remove(&token)
            {
                self.model.lost(&call);
            }
        }
        self.clients.forget();
        if self.plan.tail_batches_max() > 0 {
            for shard in 0..self.plan.shards() {
                self.lose_tail(shard);
            }
        }
        self.restarting_takes_time();
        if self.plan.clock_steps() && self.rng.bool() {
            self.clock.step(&mut self.rng, self.now);
            self.note(|| format!("the clock is {} ms ahead", self.clock.ahead_ms()));
        }
        for shard in 0..self.plan.shards() {
            self.restart(shard);
        }
        for shard in 0..self.plan.shards() {
            self.pump(shard)?;
        }
        Ok(())
    }

    fn lose_tail(&mut self, shard: u16) {
        let batches = self.rng.usize(0..=self.plan.tail_batches_max());
        let disk = &self.members[usize::from(shard)].disk;
        disk.crash();
        let Some(since) = disk.lose_tail(batches) else {
            return;
        };
        self.note(|| {
            let since = since.saturating_sub(START);
            format!("shard {shard} loses {batches} batches, since {since}")
        });
        self.model.lost_tail(shard, since);
    }

    /// No process comes back in the millisecond in which it died: a lease of before and one of after
    /// differ in their time, where their count may be the same.
    fn restarting_takes_time(&mut self) {
        self.now += 1;
        self.note_time();
    }

    fn restart(&mut self, shard: u16) {
        self.clock.started(shard, self.now);
        self.model.set_clock(&self.clock);
        let wall = match self.sabotage {
            Sabotage::MissesSteps => self.clock.never_set_back(self.now),
            _ => self.wall(),
        };
        let member = &mut self.members[usize::from(shard)];
        member.disk.crash();
        member.host = open(&self.plan, shard, &member.disk, wall);
        self.model.crashed(shard, &member.disk);
        self.clients.forget_shard(&self.plan, shard);
        let model = &mut self.model;
        self.calls.retain(|_, call| {
            let lost = call.shard() == shard && call.has_arrived();
            if lost {
                model.lost(call);
            }
            !lost
        });
    }
}
