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
//!
//! A test may drive the clock ([`drive_clock`]): stop it, and have it jump ahead. It never goes back
//! on a thread all the same. A server among others in one process is driven alone: its threads have
//! a clock of their own ([`own_clock`]), which threads take over from the one that starts them.

use lclq_shards::Millis;
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

/// A difference from the wall clock that is worth a line in the log, ms.
const STEP_MS_MIN: i64 = 1000;

/// 1970 on the clock of the time since boot, ms before its zero.
static EPOCH: OnceLock<u64> = OnceLock::new();

/// How often the clocks are compared at the start.
const READINGS: usize = 5;

/// How far the wall clock was ahead when that was last said.
static STEP_SAID: AtomicI64 = AtomicI64::new(0);

/// Whether any clock of this process has been driven.
static ANY_DRIVEN: AtomicBool = AtomicBool::new(false);

/// How the process' clock is driven, as [`Driven::packed`]; 0 where it isn't.
static DRIVEN: AtomicU64 = AtomicU64::new(0);
const AHEAD_BIT: u64 = 1 << 62;
const STOPPED_BIT: u64 = 1 << 63;

thread_local! {
    /// What a driven clock last said on this thread.
    static LAST_SAID: Cell<Millis> = const { Cell::new(0) };
    /// How this thread's clock is driven, where it isn't the process'.
    static OWN: RefCell<Option<ThreadClock>> = const { RefCell::new(None) };
}

/// Which clock threads go by: a server's own, shared by all its threads.
#[derive(Clone)]
pub(super) struct ThreadClock(Arc<AtomicU64>);

/// The calling thread's, for a thread that it starts.
pub(super) fn thread_clock() -> Option<ThreadClock> {
    OWN.try_with(|own| own.borrow().clone()).ok().flatten()
}

/// Has the calling thread, which has just begun, go by a clock.
pub(super) fn go_by(clock: Option<ThreadClock>) {
    OWN.set(clock);
}

/// Until it is dropped, the calling thread goes by a clock of its own, and so do the threads that it
/// starts, for as long as they run.
pub fn own_clock() -> OwnClock {
    let before = OWN.replace(Some(ThreadClock(Arc::default())));
    OwnClock {
        before,
        said: LAST_SAID.replace(0),
    }
}

/// See [`own_clock`].
#[must_use]
pub struct OwnClock {
    before: Option<ThreadClock>,
    said: Millis,
}

impl Drop for OwnClock {
    fn drop(&mut self) {
        OWN.set(self.before.take());
        LAST_SAID.set(self.said);
    }
}

fn with_driven<R>(use_it: impl FnOnce(&AtomicU64) -> R) -> R {
    match thread_clock() {
        Some(own) => use_it(&own.0),
        None => use_it(&DRIVEN),
    }
}

/// What a test has made of the clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Driven {
    /// It goes on by itself, this many ms ahead of the clock that nobody drives.
    Ahead(Millis),
    /// It stands at this time.
    Stopped(Millis),
}

impl Driven {
    fn packed(self) -> u64 {
        match self {
            Self::Ahead(ms) => ms | AHEAD_BIT,
            Self::Stopped(at) => at | STOPPED_BIT,
        }
    }

    fn unpacked(packed: u64) -> Option<Self> {
        let value = packed & !(AHEAD_BIT | STOPPED_BIT);
        match packed {
            0 => None,
            _ if packed & STOPPED_BIT != 0 => Some(Self::Stopped(value)),
            _ => Some(Self::Ahead(value)),
        }
    }
}

/// Milliseconds since 1970 by the wall clock as it was at the first call, carried on without steps.
/// The clock that shards are driven by; it never goes back.
#[inline]
pub fn wall_clock() -> Millis {
    match ANY_DRIVEN.load(Ordering::Relaxed) {
        false => undriven_clock(),
        true => say_driven(),
    }
}

/// [`wall_clock`] as it would be had no test driven it.
#[inline]
pub fn undriven_clock() -> Millis {
    let since_boot = since_boot();
    let epoch = EPOCH.get_or_init(|| soundest((0..READINGS).map(|_| Reading::take())));
    epoch + since_boot
}

/// Both clocks, read one after the other.
struct Reading {
    /// Time that passed meanwhile, ms.
    took: u64,
    /// 1970 on the clock of the time since boot, by this.
    epoch: u64,
}

impl Reading {
    fn take() -> Self {
        let before = since_boot();
        let wall = system_wall_clock();
        Self {
            took: since_boot().saturating_sub(before),
            epoch: wall.saturating_sub(before),
        }
    }
}

/// A thread that had to wait for a CPU between the two would be ahead by that from then on; leases of a cluster's
/// nodes, which go by their own clocks, would end early where such a one takes over.
fn soundest(readings: impl Iterator<Item = Reading>) -> u64 {
    let soundest = readings.min_by_key(|reading| reading.took);
    soundest.map_or(0, |reading| reading.epoch)
}

/// Threads hear of a change at different moments, so one may have been told a later time than the one
/// at which the clock was stopped.
#[cold]
fn say_driven() -> Millis {
    let time = match clock_driven() {
        Some(Driven::Stopped(at)) => at,
        Some(Driven::Ahead(ms)) => undriven_clock().saturating_add(ms),
        None => return undriven_clock(),
    };
    LAST_SAID.with(|last| {
        let time = time.max(last.get());
        last.set(time);
        time
    })
}

/// Drives the clock. What it said before, some thread may have heard: times that lie behind take
/// effect as soon as they have been reached.
pub fn drive_clock(driven: Driven) {
    with_driven(|clock| clock.store(driven.packed(), Ordering::Relaxed));
    ANY_DRIVEN.store(true, Ordering::Relaxed);
}

/// How a test drives the clock, if one does.
#[inline]
pub fn clock_driven() -> Option<Driven> {
    if !ANY_DRIVEN.load(Ordering::Relaxed) {
        return None;
    }
    Driven::unpacked(with_driven(|clock| clock.load(Ordering::Relaxed)))
}

/// By how much the system's wall clock is ahead of [`undriven_clock`], ms, if it was stepped since
/// this was last asked.
pub fn wall_clock_stepped() -> Option<i64> {
    let ahead = system_wall_clock() as i64 - undriven_clock() as i64;
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

    #[test]
    fn a_wait_between_the_clocks_doesnt_count() {
        let reading = |took, epoch| Reading { took, epoch };
        let readings = [reading(200, 1_200), reading(0, 1_000), reading(7, 1_007)];
        assert_eq!(soundest(readings.into_iter()), 1_000);
        assert!(Reading::take().epoch.abs_diff(wall_clock() - since_boot()) < 60_000);
    }

    #[test]
    fn an_own_clock_is_driven_alone() {
        let far = 4_102_444_800_000;
        let before = wall_clock();
        let own = own_clock();
        drive_clock(Driven::Stopped(far));
        assert_eq!(wall_clock(), far);
        let clock = thread_clock();
        let heard = std::thread::spawn(move || {
            go_by(clock);
            wall_clock()
        });
        assert_eq!(heard.join().unwrap(), far);
        let other = own_clock();
        assert!(wall_clock() < far && clock_driven().is_none());
        drop(other);
        assert_eq!(wall_clock(), far);
        drop(own);
        assert!((before..far).contains(&wall_clock()));
        let elsewhere = std::thread::spawn(wall_clock).join().unwrap();
        assert!(elsewhere < far);
    }

    #[test]
    fn how_it_is_driven_is_told_apart() {
        for driven in [
            Driven::Ahead(0),
            Driven::Ahead(7 * 86_400_000),
            Driven::Stopped(0),
            Driven::Stopped(4_102_444_800_000),
        ] {
            assert_eq!(Driven::unpacked(driven.packed()), Some(driven));
        }
        assert_eq!(Driven::unpacked(0), None);
    }
}
