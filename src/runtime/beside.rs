//! Threads that work beside the cores: journals, message transforms, push, signals.
//!
//! Hazard: a thread starts with the CPUs of the one that starts it. Started by a core, which is
//! pinned, it would share that core's CPU for good and leave the others idle.

use super::clock::{go_by, thread_clock};
use super::failure::PanicReport;
use std::io;
use std::thread::{Builder, JoinHandle};

/// A turn that a journal's thread asks for, ns. It has something to do for some tens of
/// microseconds and then waits for the disk, while clients wait for it: the scheduler lets a thread
/// of shorter turns run sooner, and doesn't give it more time.
#[cfg(target_os = "linux")]
const JOURNAL_SLICE_NS: u64 = 100_000;

/// Starts a thread that may run on any CPU the process may run on. A panic in it ends the process,
/// if a core started it; see [`super::CoreThreads::join`].
pub fn spawn_beside(
    thread: Builder,
    body: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let report = PanicReport::new("a thread beside the cores");
    let clock = thread_clock();
    thread.spawn(move || {
        let _report = report;
        go_by(clock);
        leave_core();
        body();
    })
}

/// Makes the calling thread fit to write a journal: on any CPU, and soon at its turn. Where the
/// system has no such wishes (Linux grants the second from 6.12 on), it goes without.
pub fn become_journal_writer() {
    leave_core();
    ask_for_short_turns();
}

#[cfg(target_os = "linux")]
fn leave_core() {
    // The main thread's CPUs are the process's: it is never pinned, and its id is the process's.
    // SAFETY: an all-zero cpu_set_t is a valid, empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: getpid has no conditions; the kernel writes at most the size given into the set.
    let read =
        unsafe { libc::sched_getaffinity(libc::getpid(), size_of::<libc::cpu_set_t>(), &mut set) };
    if read != 0 {
        // More CPUs than a cpu_set_t can tell of; then no core is pinned either.
        return;
    }
    // SAFETY: the kernel reads the size given out of the set. 0 is the calling thread.
    let done = unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set) };
    if done != 0 {
        tracing::debug!(error = %io::Error::last_os_error(), "a thread stays on its core's CPU");
    }
}

#[cfg(target_os = "linux")]
fn ask_for_short_turns() {
    // SAFETY: an all-zero sched_attr is valid.
    let mut wish: libc::sched_attr = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes at most the size given. 0 is the calling thread.
    let read = unsafe {
        libc::syscall(
            libc::SYS_sched_getattr,
            0,
            &raw mut wish,
            size_of::<libc::sched_attr>() as libc::c_uint,
            0,
        )
    };
    // What the process was started with stays; only the ordinary policy knows turns like this.
    if read != 0 || wish.sched_policy != libc::SCHED_OTHER as u32 {
        return;
    }
    wish.sched_runtime = JOURNAL_SLICE_NS;
    // SAFETY: the kernel reads the struct, whose first field is its size.
    let done = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const wish, 0) };
    if done != 0 {
        tracing::debug!(error = %io::Error::last_os_error(), "a journal's thread has long turns");
    }
}

#[cfg(not(target_os = "linux"))]
fn leave_core() {}

#[cfg(not(target_os = "linux"))]
fn ask_for_short_turns() {}
