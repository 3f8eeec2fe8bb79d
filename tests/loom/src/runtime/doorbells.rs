//! No ring is lost, and who is rung sees what was written before.

use super::core::{Core, check};
use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use std::sync::Arc;

#[test]
fn a_ring_reaches_a_core_that_is_about_to_sleep() {
    check(|| {
        let (core, doorbell) = Core::new();
        let written = Arc::new(UnsafeCell::new(0));
        let to_write = written.clone();
        let ringer = thread::spawn(move || {
            // SAFETY: the core reads it only once it is rung; loom checks just that.
            to_write.with_mut(|value| unsafe { *value = 7 });
            doorbell.ring();
        });
        core.wait();
        // SAFETY: as above.
        assert_eq!(written.with(|value| unsafe { *value }), 7);
        ringer.join().unwrap();
    });
}

#[test]
fn rings_of_two_threads_are_answered_until_both_are_seen() {
    check(|| {
        let (core, doorbell) = Core::new();
        let left = Arc::new(AtomicUsize::new(0));
        let ringers = [1, 2].map(|what| {
            let (left, doorbell) = (left.clone(), doorbell.clone());
            thread::spawn(move || {
                left.fetch_add(what, Ordering::Relaxed);
                doorbell.ring();
            })
        });
        // Rings don't add up: one wait may be for both.
        while left.load(Ordering::Relaxed) != 3 {
            core.wait();
        }
        for ringer in ringers {
            ringer.join().unwrap();
        }
    });
}

#[test]
fn a_busy_core_that_looks_loses_no_ring_to_its_next_sleep() {
    check(|| {
        let (core, doorbell) = Core::new();
        let left = Arc::new(AtomicUsize::new(0));
        let told = left.clone();
        let ringer = thread::spawn(move || {
            for _ in 0..2 {
                told.fetch_add(1, Ordering::Relaxed);
                doorbell.ring();
            }
        });
        while left.load(Ordering::Relaxed) != 2 {
            // Answering wakes the task, and its next wait takes the ring.
            core.check();
            core.wait();
        }
        ringer.join().unwrap();
    });
}
