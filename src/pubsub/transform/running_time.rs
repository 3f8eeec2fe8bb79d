//! The time for which code has run, as opposed to the time that has gone by: on a busy machine a
//! function must not fail because others had the processor.

use std::time::Duration;

/// CPU time of this process, which in a process for transforms is that of its functions.
#[cfg(target_os = "linux")]
pub(super) fn running_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the clock exists on every Linux, and the kernel writes one timespec.
    let read = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    debug_assert_eq!(read, 0);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Elsewhere, the time that has gone by.
#[cfg(not(target_os = "linux"))]
pub(super) fn running_time() -> Duration {
    use std::sync::OnceLock;
    use std::time::Instant;
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}
