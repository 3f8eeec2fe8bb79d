use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{drivers, join, on_cores};
use crate::runtime::{
    Doorbell, Shutdown, doorbell, sleep, spawn_cores, spawn_local, timeout, yield_now,
};

/// Each core's bell and the count the other writes before it rings.
#[derive(Default)]
struct Court {
    bells: [Mutex<Option<Doorbell>>; 2],
    balls: [AtomicU64; 2],
}

impl Court {
    async fn other_bell(&self, core: usize) -> Doorbell {
        loop {
            if let Some(bell) = self.bells[1 - core].lock().unwrap().clone() {
                return bell;
            }
            sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Two cores send a count to and fro. Every ring is the only one, so one lost ring hangs the test;
/// the cores park between most of them, so every race between parking and ringing is run through.
#[test]
fn ping_pong_loses_no_ring() {
    /// By time and not by count: where many processes share few CPUs a round can take long.
    const PLAYED: Duration = Duration::from_secs(5);
    const OVER: u64 = u64::MAX;
    for kind in drivers() {
        let court = Arc::new(Court::default());
        let cores = spawn_cores(kind, 2, move |core| {
            let court = court.clone();
            async move {
                let (bell, mut waiter) = doorbell();
                *court.bells[core].lock().unwrap() = Some(bell);
                let other = court.other_bell(core).await;
                if core == 1 {
                    let mut seen = 0;
                    while seen != OVER {
                        let ball = court.balls[1].load(Ordering::Relaxed);
                        if ball == seen {
                            waiter.wait().await;
                            continue;
                        }
                        seen = ball;
                        court.balls[0].store(ball, Ordering::Relaxed);
                        other.ring();
                    }
                    return;
                }
                let started = Instant::now();
                let (mut rounds, mut worst) = (0, Duration::ZERO);
                while started.elapsed() < PLAYED {
                    rounds += 1;
                    let begun = Instant::now();
                    court.balls[1].store(rounds, Ordering::Relaxed);
                    other.ring();
                    while court.balls[0].load(Ordering::Relaxed) < rounds {
                        waiter.wait().await;
                    }
                    worst = worst.max(begun.elapsed());
                }
                let each = started.elapsed() / rounds as u32;
                court.balls[1].store(OVER, Ordering::Relaxed);
                other.ring();
                eprintln!("{kind}: {rounds} rounds of two rings, {each:?} each, worst {worst:?}");
            }
        })
        .unwrap();
        join(kind, cores).unwrap();
    }
}

/// Plain threads and the other core ring as fast as they can, so that most rings meet a core that
/// is awake, asleep, or in between. The last ring of each must be heard.
#[test]
fn a_storm_of_rings_is_heard_to_the_last() {
    const RINGERS: u64 = 3;
    const RINGS: u64 = 1_000_000;
    on_cores(1, |kind, _| async move {
        let (bell, mut waiter) = doorbell();
        let sent = Arc::new(AtomicU64::new(0));
        for ringer in 0..RINGERS {
            let (bell, sent) = (bell.clone(), sent.clone());
            std::thread::spawn(move || {
                for ring in 0..RINGS {
                    sent.fetch_add(1, Ordering::Relaxed);
                    bell.ring();
                    // Now and then long enough for the core to park.
                    if ring % (50_000 + ringer) == 0 {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                }
            });
        }
        let started = Instant::now();
        let mut woken = 0u64;
        while sent.load(Ordering::Relaxed) < RINGERS * RINGS {
            waiter.wait().await;
            woken += 1;
        }
        let each = started.elapsed() / RINGS as u32;
        eprintln!(
            "{kind}: {each:?} per ring, {woken} wakes for {} rings",
            RINGERS * RINGS
        );
    });
}

#[test]
fn a_core_that_never_parks_still_answers() {
    on_cores(1, |kind, _| async move {
        let busy = Arc::new(AtomicBool::new(true));
        let (bell, mut waiter) = doorbell();
        for _ in 0..200 {
            let busy = busy.clone();
            spawn_local(async move {
                while busy.load(Ordering::Relaxed) {
                    yield_now().await;
                }
            });
        }
        let rang = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(30));
            let now = Instant::now();
            bell.ring();
            now
        });
        waiter.wait().await;
        let late = rang.join().unwrap().elapsed();
        busy.store(false, Ordering::Relaxed);
        assert!(
            late < Duration::from_millis(50),
            "{kind}: answered after {late:?}"
        );
    });
}

#[test]
fn rings_are_kept_until_waited_for_and_do_not_add_up() {
    on_cores(1, |_, _| async {
        let (bell, mut waiter) = doorbell();
        bell.ring();
        bell.ring();
        waiter.wait().await;
        let again = timeout(Duration::from_millis(20), waiter.wait()).await;
        assert!(again.is_err(), "two rings woke twice");
        bell.ring();
        waiter.wait().await;
        // From a task of the same core.
        spawn_local(async move { bell.ring() });
        waiter.wait().await;
    });
}

/// A ring for a waiter that isn't waiting must not hide the next one from a parked core.
#[test]
fn an_unheeded_ring_does_not_deafen_its_core() {
    on_cores(1, |_, _| async {
        let (unheeded, _never_waits) = doorbell();
        let (bell, mut waiter) = doorbell();
        let ringer = std::thread::spawn(move || {
            for _ in 0..20 {
                std::thread::sleep(Duration::from_millis(3));
                unheeded.ring();
                std::thread::sleep(Duration::from_millis(3));
                bell.ring();
            }
        });
        for _ in 0..20 {
            waiter.wait().await;
        }
        ringer.join().unwrap();
    });
}

#[test]
fn ringing_a_core_that_has_ended_does_nothing() {
    for kind in drivers() {
        let (give, take) = std::sync::mpsc::channel();
        let cores = spawn_cores(kind, 1, move |_| {
            let give = give.clone();
            async move {
                let (bell, _waiter) = doorbell();
                give.send(bell).unwrap();
            }
        })
        .unwrap();
        let bell = take.recv().unwrap();
        join(kind, cores).unwrap();
        bell.ring();
        bell.ring();
    }
}

#[test]
fn shutdown_reaches_every_core() {
    for kind in drivers() {
        let shutdown = Shutdown::new();
        let seen = shutdown.clone();
        let cores = spawn_cores(kind, 2, move |_| {
            let shutdown = seen.clone();
            async move {
                shutdown.wait().await;
                // Raised already: returns at once.
                shutdown.wait().await;
            }
        })
        .unwrap();
        std::thread::sleep(Duration::from_millis(20));
        assert!(!shutdown.is_triggered());
        shutdown.trigger();
        join(kind, cores).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn sigterm_asks_for_shutdown() {
    // One driver: a second SIGTERM in one process ends it, as it should.
    let kind = *drivers().last().unwrap();
    let cores = spawn_cores(kind, 1, |_| async {
        // It counts from the call on, though nobody has waited yet.
        let asked = crate::runtime::shutdown_signal().unwrap();
        signal_hook::low_level::raise(signal_hook::consts::SIGTERM).unwrap();
        asked.await;
    })
    .unwrap();
    join(kind, cores).unwrap();
}
