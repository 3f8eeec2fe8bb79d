//! Time as a test has it pass: from one moment at which something is due to the next, on all cores, with
//! everything that follows from it carried out before time goes on.
//!
//! Hazard: a clock that jumped an hour would have what was due in that hour dealt with at its end: a
//! message whose lease ended after a minute and one whose delay ended after two would come back at the
//! same time. So time stops at each moment that a shard has something to do.

use crate::runtime::{
    Doorbell, Driven, clock_driven, drive_clock, sleep, undriven_clock, wall_clock, yield_now,
};
use lclq_shards::Millis;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Moments that one advance stops at; what is due later is dealt with at the advance's end.
const MOMENTS_MAX: u64 = 200_000;
/// Time in which the cores have to be done with one moment.
const MOMENT_TIME_MAX: Duration = Duration::from_secs(10);
/// Times that a core looks again at what is due at a moment before it says that it isn't done.
pub(super) const LOOKS_MAX: usize = 1000;
/// Looks for the other cores' answers before this one sleeps between them.
const EAGER_LOOKS: u32 = 2000;

/// Why the clock could not be driven.
#[derive(Debug, thiserror::Error)]
pub enum ClockError {
    /// It would have to go back.
    #[error("the clock stands at {now} and can't be set back to {to}")]
    Back {
        /// The time now, ms.
        now: Millis,
        /// The time asked for, ms.
        to: Millis,
    },
    /// Something that is due isn't done with.
    #[error(
        "what is due at {0} is not done with after {seconds} s: a journal that can't write, or a \
         load that goes on",
        seconds = MOMENT_TIME_MAX.as_secs()
    )]
    Unsettled(Millis),
    /// Somebody else drives it at this moment.
    #[error("another request is moving the clock")]
    InUse,
}

/// What a core has to say of the moment.
#[derive(Default)]
struct OfCore {
    /// The last question that it has answered.
    answered: AtomicU64,
    next_due: AtomicU64,
    idle: AtomicBool,
}

/// The clock that all cores share, for whoever drives it.
pub(super) struct TestClock {
    question: AtomicU64,
    cores: Box<[OfCore]>,
    bells: OnceLock<Vec<Doorbell>>,
    in_use: AtomicBool,
}

impl TestClock {
    pub fn new(cores: usize) -> Self {
        Self {
            question: AtomicU64::new(0),
            cores: (0..cores).map(|_| OfCore::default()).collect(),
            bells: OnceLock::new(),
            in_use: AtomicBool::new(false),
        }
    }

    /// Takes what wakes the cores; each of them may bring it.
    pub fn set_bells(&self, bells: &[Doorbell]) {
        self.bells.get_or_init(|| bells.to_vec());
    }

    /// The question that stands, which a core answers once it has dealt with what is due.
    #[inline]
    pub fn question(&self) -> u64 {
        self.question.load(Ordering::Acquire)
    }

    /// A core's answer.
    pub fn answer(&self, core: usize, question: u64, next_due: Millis, idle: bool) {
        let of_core = &self.cores[core];
        of_core.next_due.store(next_due, Ordering::Relaxed);
        of_core.idle.store(idle, Ordering::Relaxed);
        of_core.answered.store(question, Ordering::Release);
    }

    /// Has every core deal with what is due now. When the next is due, and whether nothing is under
    /// way; `None` where a core hasn't answered by `until`.
    async fn ask(&self, until: Instant) -> Option<(Millis, bool)> {
        let question = self.question.fetch_add(1, Ordering::AcqRel) + 1;
        for bell in self.bells.get().into_iter().flatten() {
            bell.ring();
        }
        let mut looks = 0;
        while self
            .cores
            .iter()
            .any(|core| core.answered.load(Ordering::Acquire) < question)
        {
            looks += 1;
            if Instant::now() >= until {
                return None;
            }
            if looks < EAGER_LOOKS {
                yield_now().await;
            } else {
                sleep(Duration::from_millis(1)).await;
            }
        }
        let cores = self.cores.iter();
        let next_due = cores
            .clone()
            .map(|core| core.next_due.load(Ordering::Relaxed));
        let idle = cores.map(|core| core.idle.load(Ordering::Relaxed));
        Some((
            next_due.min().unwrap_or(Millis::MAX),
            idle.fold(true, |all, one| all & one),
        ))
    }

    /// Waits until all that is due now, and what follows from it, is done. Answers when the next is
    /// due.
    async fn settle(&self) -> Result<Millis, ClockError> {
        let until = Instant::now() + MOMENT_TIME_MAX;
        let mut quiet = 0;
        while Instant::now() < until {
            let Some((next_due, idle)) = self.ask(until).await else {
                break;
            };
            // Something may go from one core that was asked early to one that was asked late.
            quiet = if idle { quiet + 1 } else { 0 };
            if quiet == 2 && next_due > wall_clock() {
                return Ok(next_due);
            }
            yield_now().await;
        }
        Err(ClockError::Unsettled(wall_clock()))
    }

    /// Lets time pass until `to`.
    async fn pass_until(&self, to: Millis) -> Result<(), ClockError> {
        let now = wall_clock();
        if to < now {
            return Err(ClockError::Back { now, to });
        }
        let _goes_on = GoesOn::of_now();
        drive_clock(Driven::Stopped(now));
        self.pass_moments(to).await
    }

    async fn pass_moments(&self, to: Millis) -> Result<(), ClockError> {
        for _ in 0..MOMENTS_MAX {
            let next = self.settle().await?;
            if next > to {
                break;
            }
            drive_clock(Driven::Stopped(next));
        }
        drive_clock(Driven::Stopped(to.max(wall_clock())));
        self.settle().await.map(drop)
    }

    /// Carries out one thing at a time.
    pub async fn drive(&self, order: Order) -> Result<(), ClockError> {
        let _in_use = InUse::of(&self.in_use).ok_or(ClockError::InUse)?;
        match order {
            Order::Stop => {
                drive_clock(Driven::Stopped(wall_clock()));
                self.settle().await.map(drop)
            }
            Order::Resume => {
                run_from(wall_clock());
                let until = Instant::now() + MOMENT_TIME_MAX;
                let answered = self.ask(until).await;
                answered
                    .map(drop)
                    .ok_or(ClockError::Unsettled(wall_clock()))
            }
            Order::Advance(ms) => self.pass_until(wall_clock().saturating_add(ms)).await,
            Order::Set(to) => self.pass_until(to).await,
        }
    }
}

/// Lets the clock go on by itself from `now`.
fn run_from(now: Millis) {
    drive_clock(Driven::Ahead(now.saturating_sub(undriven_clock())));
}

/// Has a clock that went by itself do so again when dropped: also where the request is given up.
struct GoesOn(bool);

impl GoesOn {
    fn of_now() -> Self {
        Self(!matches!(clock_driven(), Some(Driven::Stopped(_))))
    }
}

impl Drop for GoesOn {
    fn drop(&mut self) {
        if self.0 {
            run_from(wall_clock());
        }
    }
}

/// What a test may have the clock do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// Stand still.
    Stop,
    /// Go on by itself.
    Resume,
    /// Let this many ms pass at once.
    Advance(Millis),
    /// Let all time pass until then, ms since 1970.
    Set(Millis),
}

/// Says that somebody drives the clock, until dropped: also where the request is given up.
struct InUse<'c>(&'c AtomicBool);

impl<'c> InUse<'c> {
    fn of(flag: &'c AtomicBool) -> Option<Self> {
        (!flag.swap(true, Ordering::AcqRel)).then_some(Self(flag))
    }
}

impl Drop for InUse<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
