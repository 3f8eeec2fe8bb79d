//! One run of one seed.

use super::plan::Plan;
use super::world::World;
use crate::machine::disk::Sabotage;
use crate::machine::{Checked, Violation};
use std::ops::AddAssign;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How a run differs from what its seed says.
#[derive(Clone, Copy)]
pub struct Options {
    pub sabotage: Sabotage,
    /// Everything dies at this commit, before or after it is durable.
    pub crash_at: Option<(u64, bool)>,
    pub steps_max: usize,
    pub trace: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            sabotage: Sabotage::None,
            crash_at: None,
            steps_max: usize::MAX,
            trace: false,
        }
    }
}

/// What a run was worth.
#[derive(Default, Debug, Clone, Copy)]
pub struct Worth {
    pub commits: u64,
    pub sent: u64,
    pub delivered: u64,
    pub transfers: u64,
}

impl AddAssign for Worth {
    fn add_assign(&mut self, other: Self) {
        self.commits += other.commits;
        self.sent += other.sent;
        self.delivered += other.delivered;
        self.transfers += other.transfers;
    }
}

/// Runs a seed; a panic of the engine is as much a failure as a broken promise.
pub fn run(seed: u64, plan: Plan, options: Options) -> Result<Worth, Violation> {
    let result = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(plan, seed, options.sabotage);
        world.crash_at = options.crash_at;
        world.trace = options.trace;
        world.live(options.steps_max)?;
        Ok(Worth {
            commits: world.commits,
            sent: world.model.lives.len(),
            delivered: world.model.delivered,
            transfers: world.transfers,
        })
    }));
    result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("panic: {}", text.unwrap_or_default()))
    })
}

impl World {
    fn live(&mut self, steps_max: usize) -> Checked {
        for queue in 0..self.plan.queues.len() {
            self.find(queue)?;
        }
        self.settle()?;
        let steps = self.plan.steps.min(steps_max);
        let audit_at = self.rng.usize(..steps);
        for step in 0..steps {
            self.step()?;
            if step == audit_at {
                self.audit()?;
            }
        }
        self.drain()?;
        self.delete_everything()
    }

    fn step(&mut self) -> Checked {
        let plan = &self.plan;
        let weights = [
            plan.send + plan.receive + plan.delete,
            plan.frames,
            plan.disk,
            plan.time,
            plan.stall,
            plan.disk_fails,
            plan.crash_one,
            plan.crash_all,
            plan.cancel_poll,
        ];
        // Rare things are a hundredth as likely as their weights say.
        let scaled = |at: usize| weights[at] * if at < 4 { 100 } else { 30 };
        let total: u32 = (0..weights.len()).map(scaled).sum();
        let mut pick = self.rng.u32(..total);
        let mut what = 0;
        while pick >= scaled(what) {
            pick -= scaled(what);
            what += 1;
        }
        let shard = self.rng.u16(..self.plan.shards);
        match what {
            0 => self.act(),
            1 => self.deliver_frame().map(drop),
            2 => self.work_disk(shard),
            3 => self.pass_time(),
            4 => {
                let until = self.now + self.rng.u64(1..3000);
                self.lanes.stall(&mut self.rng, until);
                Ok(())
            }
            5 => {
                let until = self.now + self.rng.u64(1..5000);
                self.fail_disk(shard, until);
                Ok(())
            }
            6 => self.crash_one(shard),
            7 => self.crash_all(),
            _ => {
                self.give_up();
                Ok(())
            }
        }
    }
}
