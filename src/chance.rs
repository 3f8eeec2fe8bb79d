//! Chance that repeats.

/// A source of numbers for one thing that happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Chance(u64);

impl Chance {
    /// Of the thing with this number, from 0.
    pub(crate) fn new(seed: u64, number: u64) -> Self {
        Self(mixed(seed ^ mixed(number)))
    }

    /// A number from 0 to 1, exclusive; another for each `of`.
    pub(crate) fn of(self, of: u64) -> f64 {
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

impl Chance {
    /// A whole number up to `most`, inclusive; another for each `of`.
    pub(crate) fn up_to(self, of: u64, most: u64) -> u64 {
        ((self.of(of) * (most as f64 + 1.0)) as u64).min(most)
    }

    /// Puts things in another order.
    pub(crate) fn shuffle<T>(self, of: u64, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            let other = Self(self.0 ^ of.wrapping_add(1)).up_to(last as u64, last as u64);
            things.swap(last, other as usize);
        }
    }
}

/// A number of a text that is the same in every process (FNV-1a).
pub(crate) fn number_of(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spread_and_repeat() {
        let chance = Chance::new(7, 8);
        assert_eq!(chance.of(1).to_bits(), Chance::new(7, 8).of(1).to_bits());
        let mut seen = [0; 4];
        for of in 0..4000 {
            seen[chance.up_to(of, 3) as usize] += 1;
        }
        assert!(
            seen.iter().all(|count| (800..1200).contains(count)),
            "{seen:?}"
        );
    }

    #[test]
    fn shuffled_things_are_all_there_and_in_any_order() {
        let mut orders = std::collections::BTreeSet::new();
        for number in 0..200 {
            let mut things = [1, 2, 3];
            Chance::new(1, number).shuffle(0, &mut things);
            orders.insert(things);
            things.sort_unstable();
            assert_eq!(things, [1, 2, 3]);
        }
        assert_eq!(orders.len(), 6);
    }
}
