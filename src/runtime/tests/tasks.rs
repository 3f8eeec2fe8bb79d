use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::{drivers, join, on_cores};
use crate::runtime::{
    Sleep, TimedOut, core_index, driver, sleep, sleep_until, spawn_cores, spawn_local, timeout,
    yield_now,
};

#[test]
fn every_core_knows_itself() {
    on_cores(2, |kind, core| async move {
        assert_eq!(driver(), kind);
        assert_eq!(core_index(), core);
        let name = std::thread::current().name().map(str::to_owned);
        assert_eq!(name, Some(format!("lclq-core-{core}")));
    });
}

#[test]
fn a_spawned_task_never_runs_inside_its_parent() {
    on_cores(1, |_, _| async {
        let order = Rc::new(RefCell::new(Vec::new()));
        let inner = order.clone();
        let borrowed = order.borrow_mut();
        spawn_local(async move { inner.borrow_mut().push("child") });
        drop(borrowed);
        order.borrow_mut().push("parent");
        yield_now().await;
        assert_eq!(*order.borrow(), ["parent", "child"]);
    });
}

#[test]
fn a_panic_in_any_task_ends_its_core_with_an_error() {
    for kind in drivers() {
        let cores = spawn_cores(kind, 2, |core| async move {
            if core == 1 {
                spawn_local(async { panic!("as told") });
            }
            sleep(Duration::from_secs(1)).await;
        })
        .unwrap();
        let started = Instant::now();
        let error = join(kind, cores).unwrap_err().to_string();
        assert_eq!(error, "core 1 panicked: as told");
        assert!(
            started.elapsed() < Duration::from_millis(900),
            "join waited for the others"
        );

        let cores = spawn_cores(kind, 1, |_| async { panic!("at {}", "once") }).unwrap();
        assert_eq!(
            join(kind, cores).unwrap_err().to_string(),
            "core 0 panicked: at once"
        );
    }
}

#[test]
fn sleeps_end_in_order_and_on_time() {
    on_cores(1, |kind, _| async move {
        let started = Instant::now();
        let ended = Rc::new(RefCell::new(Vec::new()));
        for ms in [60u64, 20, 40, 0, 100, 80] {
            let ended = ended.clone();
            spawn_local(async move {
                sleep(Duration::from_millis(ms)).await;
                let late = started.elapsed().saturating_sub(Duration::from_millis(ms));
                ended.borrow_mut().push((ms, late));
            });
        }
        sleep_until(started + Duration::from_millis(150)).await;
        let ended = ended.borrow();
        let order: Vec<u64> = ended.iter().map(|&(ms, _)| ms).collect();
        assert_eq!(order, [0, 20, 40, 60, 80, 100], "{kind}");
        assert!(started.elapsed() >= Duration::from_millis(150));
        // Generous: the machine may be busy. Typically 1 ms (epoll) and 0.1 ms (io_uring).
        for &(ms, late) in ended.iter() {
            assert!(
                late < Duration::from_millis(100),
                "{kind}: {ms} ms was {late:?} late"
            );
        }
    });
}

#[test]
fn a_sleep_can_be_moved_both_ways() {
    on_cores(1, |_, _| async {
        let started = Instant::now();
        let at = |ms| started + Duration::from_millis(ms);
        // Later: it fires inside at the old time, and goes on.
        let mut moved = Sleep::until(at(20));
        assert_eq!(timeout(Duration::ZERO, &mut moved).await, Err(TimedOut));
        moved.reset(at(80));
        (&mut moved).await;
        assert!(started.elapsed() >= Duration::from_millis(80));
        // Earlier.
        let mut moved = Sleep::until(at(10_000));
        assert_eq!(timeout(Duration::ZERO, &mut moved).await, Err(TimedOut));
        moved.reset(at(120));
        moved.await;
        assert!(started.elapsed() >= Duration::from_millis(120));
        assert!(started.elapsed() < Duration::from_millis(5_000));
    });
}

#[test]
fn timeouts_time_out_and_do_not() {
    on_cores(1, |_, _| async {
        let long = Duration::from_secs(60);
        assert_eq!(timeout(long, async { 7 }).await, Ok(7));
        let after = async {
            sleep(Duration::from_millis(5)).await;
            7
        };
        assert_eq!(timeout(long, after).await, Ok(7));
        let never = std::future::pending::<()>();
        assert_eq!(
            timeout(Duration::from_millis(5), never).await,
            Err(TimedOut)
        );
    });
}

#[test]
fn thousands_of_timers_come_and_go() {
    on_cores(1, |_, _| async {
        let fired = Rc::new(Cell::new(0));
        for round in 0..10u64 {
            for timer in 0..1_000u64 {
                let fired = fired.clone();
                spawn_local(async move {
                    let soon = Duration::from_micros((round * 7919 + timer * 104_729) % 30_000);
                    // Two of three are cancelled, like almost every timer of a server.
                    if timer % 3 == 0 {
                        sleep(soon).await;
                        fired.set(fired.get() + 1);
                    } else {
                        let _ = timeout(Duration::from_secs(60), sleep(soon / 2)).await;
                    }
                });
            }
            yield_now().await;
        }
        sleep(Duration::from_millis(200)).await;
        assert_eq!(fired.get(), 3_340);
    });
}
