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
//!
//! Until those timers are set there is no net, and a thread that the system puts aside for a moment
//! just then never starts: one in some 200 did, on a machine with more to do than CPUs. Whoever
//! starts cores therefore gives those that don't report a [`nudge`], until they do.

use std::io;
use std::os::unix::thread::JoinHandleExt;
use std::sync::Once;
use std::thread::JoinHandle;
use std::time::Duration;

use super::doorbell::check_doorbell;
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
                // A wake that another thread's ring asked for can be lost just so; the bell keeps
                // the ring.
                check_doorbell();
            }
        });
    }
}

/// How long cores may take to start before they are nudged.
pub(super) const START_PATIENCE: Duration = Duration::from_millis(20);

/// A signal that means nothing to anyone and kills nobody.
const NUDGE: libc::c_int = libc::SIGURG;

/// Makes sleeping executors look around: a signal ends their wait in the kernel.
pub(super) fn nudge(threads: &[JoinHandle<()>]) -> io::Result<()> {
    extern "C" fn nothing(_signal: libc::c_int) {}
    static HANDLER: Once = Once::new();
    HANDLER.call_once(|| {
        // A signal without a handler would be ignored without waking anyone.
        let handler = nothing as extern "C" fn(libc::c_int);
        // SAFETY: the handler does nothing, which is safe at any point of any thread.
        unsafe { libc::signal(NUDGE, handler as libc::sighandler_t) };
    });
    for thread in threads {
        // SAFETY: the thread has not been joined, so its id is valid, even if it has ended.
        let failed = unsafe { libc::pthread_kill(thread.as_pthread_t(), NUDGE) };
        if failed != 0 && failed != libc::ESRCH {
            return Err(io::Error::from_raw_os_error(failed));
        }
    }
    Ok(())
}
