//! A net under glommio 0.9.0, which can go to sleep with work to do.
//!
//! `LocalExecutor::run` asks its reactor for events, which wakes tasks, and then runs the task
//! queues; but that loop first looks whether the latency ring has a completion (a preempt timer, or
//! the eventfd of another thread's wake), and if one came in just between, it returns as if there
//! had been nothing to run. The executor then parks, for ever if nothing else happens, although its
//! queue holds woken tasks. We saw it once in some 50,000 rings between two cores; a client with one
//! connection would simply hang.
//!
//! There is no hook to put this right from outside, so see to it that something always happens
//! soon: some timers, staggered, each setting itself again when it runs. One isn't enough, since
//! its own task can be among those left lying. A sleeping executor is thus late by `STEP` at most,
//! once in a long while, for 100 short wakes per second and core (about 0.2 % of a CPU).

use std::time::Duration;

use super::local::spawn_local;

const TICKS: u32 = 4;
const STEP: Duration = Duration::from_millis(10);

/// Puts the net under the calling core.
pub(super) fn spawn_ticks() {
    for tick in 1..=TICKS {
        spawn_local(async move {
            glommio::timer::Timer::new(STEP * tick).await;
            loop {
                glommio::timer::Timer::new(STEP * TICKS).await;
            }
        });
    }
}
