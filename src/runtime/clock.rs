//! The time that everything is dated and timed by.
//!
//! Hazard: the wall clock is set, by a person, by NTP, by a virtual machine that wakes up. Were
//! deadlines kept by it, an hour back would make every lease and long poll an hour longer, and an
//! hour forward would end them all. So the wall clock is read once, at the start of the process,
//! and carried on from there by the clock of the time since boot, which nobody sets and which
//! counts a suspend. NTP steers that clock's rate as it steers the wall clock's, so the two only
//! part where the wall clock is stepped; then times go on as they were until a restart, and the
//! log says so. What is stored are these times, and a restart brings them in line with its own
//! clock (`lclq_shards::journal`).

use lclq_shards::Millis;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A difference from the wall clock that is worth a line in the log, ms.
const STEP_MS_MIN: i64 = 1000;

/// 1970 on the clock of the time since boot, ms before its zero.
static EPOCH: OnceLock<u64> = OnceLock::new();

/// How far the wall clock was ahead when that was last said.
static STEP_SAID: AtomicI64 = AtomicI64::new(0);

/// Milliseconds since 1970 by the wall clock as it was at the first call, carried on without steps.
/// The clock that shards are driven by; it never goes back.
#[inline]
pub fn wall_clock() -> Millis {
    let since_boot = since_boot();
    let epoch = EPOCH.get_or_init(|| system_wall_clock().saturating_sub(since_boot));
    epoch + since_boot
}

/// By how much the system's wall clock is ahead of [`wall_clock`], ms, if it was stepped since this
/// was last asked.
pub fn wall_clock_stepped() -> Option<i64> {
    let ahead = system_wall_clock() as i64 - wall_clock() as i64;
    let said = STEP_SAID.load(Ordering::Relaxed);
    if (ahead - said).abs() < STEP_MS_MIN {
        return None;
    }
    STEP_SAID.store(ahead, Ordering::Relaxed);
    Some(ahead)
}

fn system_wall_clock() -> Millis {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_millis() as Millis)
}

/// Milliseconds since the machine started, those it was suspended included.
#[cfg(target_os = "linux")]
#[inline]
fn since_boot() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the kernel writes one timespec. It has this clock since 2.6.39.
    unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &mut time) };
    time.tv_sec as u64 * 1000 + time.tv_nsec as u64 / 1_000_000
}

/// Milliseconds since the first call.
#[cfg(not(target_os = "linux"))]
fn since_boot() -> u64 {
    static FIRST: OnceLock<std::time::Instant> = OnceLock::new();
    FIRST
        .get_or_init(std::time::Instant::now)
        .elapsed()
        .as_millis() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_at_the_wall_clock_and_goes_on() {
        let first = wall_clock();
        assert!(first.abs_diff(system_wall_clock()) < 60_000);
        std::thread::sleep(std::time::Duration::from_millis(20));
        let second = wall_clock();
        assert!(second >= first + 20, "{first} {second}");
        assert_eq!(wall_clock_stepped(), None);
    }
}
