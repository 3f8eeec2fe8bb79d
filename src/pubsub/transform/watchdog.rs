//! Ends the process if a function can't be stopped otherwise: some built-in functions of a
//! JavaScript engine run for minutes without asking whether they should go on.

use super::running_time::running_time;
use crate::pubsub::limits::SCRIPT_MS_MAX;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// How the process ends then.
pub(super) const EXIT_TIME: i32 = 70;

/// Time for which a call may run, ms. The engine stops most calls well before.
const RUNNING_MS_MAX: u64 = 2 * SCRIPT_MS_MAX;

/// Time that may go by during one call, ms, however little of it the call runs for.
const CALL_MS_MAX: u64 = 10_000;

/// Pause between two looks at a running call, ms.
const LOOK_EVERY_MS: u64 = 50;

/// Clones watch with the same thread.
#[derive(Clone)]
pub(super) struct Watchdog {
    /// Even: nothing runs. Goes up at the beginning and at the end of a call.
    calls: Arc<AtomicU64>,
    thread: Option<Thread>,
}

impl Watchdog {
    /// Starts its thread.
    pub(super) fn start() -> io::Result<Self> {
        let calls = Arc::new(AtomicU64::new(0));
        let watched = calls.clone();
        let thread = std::thread::Builder::new().name("watchdog".to_owned());
        let thread = thread.spawn(move || run(&watched))?;
        Ok(Self {
            calls,
            thread: Some(thread.thread().clone()),
        })
    }

    /// One that lets everything run.
    pub(super) fn none() -> Self {
        Self {
            calls: Arc::default(),
            thread: None,
        }
    }

    /// Runs `call` under watch.
    pub(super) fn watch<T>(&self, call: impl FnOnce() -> T) -> T {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if let Some(thread) = &self.thread {
            thread.unpark();
        }
        let outcome = call();
        self.calls.fetch_add(1, Ordering::SeqCst);
        outcome
    }
}

fn run(calls: &AtomicU64) {
    loop {
        let call = calls.load(Ordering::SeqCst);
        if call.is_multiple_of(2) {
            std::thread::park();
            continue;
        }
        let (began, running) = (Instant::now(), running_time());
        while calls.load(Ordering::SeqCst) == call {
            if running_time().saturating_sub(running) > Duration::from_millis(RUNNING_MS_MAX)
                || began.elapsed() > Duration::from_millis(CALL_MS_MAX)
            {
                end();
            }
            std::thread::sleep(Duration::from_millis(LOOK_EVERY_MS));
        }
    }
}

/// At once: whatever runs at exit could wait for the thread that doesn't end.
fn end() -> ! {
    #[cfg(target_os = "linux")]
    // SAFETY: it has no conditions; nothing of this process is needed any more.
    unsafe {
        libc::_exit(EXIT_TIME)
    }
    #[cfg(not(target_os = "linux"))]
    std::process::exit(EXIT_TIME)
}
