//! Chance that repeats.

/// A source of numbers for one request of one rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Chance(u64);

impl Chance {
    /// Of the request with this number, from 0.
    pub(super) fn new(seed: u64, number: u64) -> Self {
        Self(mixed(seed ^ mixed(number)))
    }

    /// A number from 0 to 1, exclusive; another for each `of`.
    pub(super) fn of(self, of: u64) -> f64 {
        const DIGITS: u32 = f64::MANTISSA_DIGITS;
        (mixed(self.0.wrapping_add(of)) >> (u64::BITS - DIGITS)) as f64 / (1u64 << DIGITS) as f64
    }
}

/// The output function of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
/// generators).
fn mixed(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
