//! From one thread to another: frames by queues, and memory by allocators.

use super::compare;
use crossbeam_queue::ArrayQueue;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// As long as a frame between two cores.
type Frame = [u64; 16];

/// As long as a lane.
const PLACES: usize = 4096;
/// Frames or blocks that go from thread to thread in a measurement.
const CROSSING: usize = 300_000;
const ROUNDS: usize = 9;
/// As large as a message of 200 bytes.
const BLOCK_BYTES: usize = 320;

pub fn queues() {
    let (mut producer, mut consumer) = rtrb::RingBuffer::<Frame>::new(PLACES);
    let queue = ArrayQueue::<Frame>::new(PLACES);
    compare(
        "a frame in and out, one thread: rtrb / crossbeam's ArrayQueue",
        &mut || {
            producer.push(black_box([1; 16])).unwrap();
            black_box(consumer.pop().unwrap());
        },
        &mut || {
            queue.push(black_box([1; 16])).unwrap();
            black_box(queue.pop().unwrap());
        },
    );
    if std::env::var_os("COUNTED").is_some() {
        return;
    }
    let ours = || {
        let (mut producer, mut consumer) = rtrb::RingBuffer::<Frame>::new(PLACES);
        crossing(
            move |frame| producer.push(frame).is_ok(),
            move || consumer.pop().ok(),
            [1; 16],
        )
    };
    let rival = || {
        let queue = Arc::new(ArrayQueue::<Frame>::new(PLACES));
        let to = queue.clone();
        crossing(
            move |frame| to.push(frame).is_ok(),
            move || queue.pop(),
            [1; 16],
        )
    };
    by_turns(
        "a frame from thread to thread: rtrb / crossbeam's ArrayQueue",
        ours,
        rival,
    );
}

/// Blocks made on one thread and freed on another, as messages are.
pub fn allocators() {
    let mimalloc = || {
        // SAFETY: each block is given back once, to who it is from.
        across(
            || unsafe { libmimalloc_sys::mi_malloc(BLOCK_BYTES) as usize },
            |block| unsafe { libmimalloc_sys::mi_free(block as *mut _) },
        )
    };
    let system = || {
        // SAFETY: as above.
        across(
            || unsafe { libc::malloc(BLOCK_BYTES) as usize },
            |block| unsafe { libc::free(block as *mut _) },
        )
    };
    by_turns(
        "a block made here and freed there: mimalloc / the system's malloc",
        mimalloc,
        system,
    );
}

fn across(make: impl Fn() -> usize + Send + 'static, free: impl Fn(usize) + Send + 'static) -> f64 {
    let (mut producer, mut consumer) = rtrb::RingBuffer::<usize>::new(PLACES);
    let done = Arc::new(AtomicBool::new(false));
    let told = done.clone();
    let began = Instant::now();
    let freeing = std::thread::spawn(move || {
        loop {
            let over = told.load(Ordering::Acquire);
            while let Ok(block) = consumer.pop() {
                free(block);
            }
            if over {
                return;
            }
            std::thread::yield_now();
        }
    });
    for _ in 0..CROSSING {
        let block = make();
        // SAFETY: just made, and that long.
        unsafe { std::ptr::write_bytes(block as *mut u8, 1, BLOCK_BYTES) };
        while producer.push(block).is_err() {
            std::thread::yield_now();
        }
    }
    done.store(true, Ordering::Release);
    freeing.join().expect("it only frees");
    began.elapsed().as_nanos() as f64 / CROSSING as f64
}

fn crossing<T: Copy + Send + 'static>(
    mut push: impl FnMut(T) -> bool,
    mut pop: impl FnMut() -> Option<T> + Send + 'static,
    frame: T,
) -> f64 {
    let began = Instant::now();
    let taking = std::thread::spawn(move || {
        let mut taken = 0;
        while taken < CROSSING {
            match pop() {
                Some(frame) => {
                    black_box(frame);
                    taken += 1;
                }
                None => std::thread::yield_now(),
            }
        }
    });
    for _ in 0..CROSSING {
        while !push(frame) {
            std::thread::yield_now();
        }
    }
    taking.join().expect("it only counts");
    began.elapsed().as_nanos() as f64 / CROSSING as f64
}

fn by_turns(name: &str, ours: impl Fn() -> f64, rival: impl Fn() -> f64) {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        times[0].push(ours());
        times[1].push(rival());
    }
    let [ours, rival] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    });
    println!("case 0 {ours:.1} {rival:.1} {name}");
}
