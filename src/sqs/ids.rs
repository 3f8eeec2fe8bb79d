//! Random ids: of requests, messages and move tasks.

use rand::rngs::SmallRng;
use rand::{RngCore, SeedableRng};
use std::cell::RefCell;

thread_local! {
    // 256 bits of state from the system: ids don't repeat over restarts either.
    static RANDOM: RefCell<SmallRng> = RefCell::new(SmallRng::from_os_rng());
}

/// A random UUID (version 4).
pub fn random_uuid() -> [u8; 16] {
    let mut id = [0; 16];
    RANDOM.with_borrow_mut(|random| random.fill_bytes(&mut id));
    id[6] = id[6] & 0x0f | 0x40;
    id[8] = id[8] & 0x3f | 0x80;
    id
}
