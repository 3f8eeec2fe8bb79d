//! Where the numbers of an owner's epoch begin.

/// Epochs below this one are counted; others are seconds since 2020, or a few more. The clock passed it
/// in January 2020, and nobody starts a server so often.
const COUNTED_EPOCHS: u64 = 1 << 20;
/// Numbers of a counted epoch begin at the epoch shifted by so many bits: room for four thousand million
/// of them.
const COUNTED_SHIFT: u32 = 32;
/// Room for 32,768 numbers of each second. An owner that gives out more runs on into those of later
/// seconds, which is harmless: its successor begins behind what it reserved. Only after a restore of an
/// older state would numbers be given out again, where it has given out more over its whole time. With
/// 1,024 shards, ids of Pub/Sub messages have digits enough until 2056, with 64 for centuries.
const SECONDS_SHIFT: u32 = 15;

/// The first number that an epoch gives out: higher than that of the epoch before.
pub(crate) fn first_number(epoch: u64) -> u64 {
    let shift = if epoch < COUNTED_EPOCHS {
        COUNTED_SHIFT
    } else {
        SECONDS_SHIFT
    };
    epoch.wrapping_shl(shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds from 2020 to 2056.
    const LATE_S: u64 = 36 * 365 * 86_400;

    #[test]
    fn numbers_of_epochs_by_the_clock_stay_small() {
        assert_eq!(first_number(7), 7 << 32);
        assert!(first_number(COUNTED_EPOCHS - 1) < 1 << 52);
        assert!(first_number(COUNTED_EPOCHS + 1) > first_number(COUNTED_EPOCHS));
        // A log that was begun by counting, as by a clock that stood at 1970, and goes on by the clock.
        assert!(first_number(220_000_000) > first_number(1_000));
        // 16 digits and a leading 1 to 8, by 1,024 shards.
        assert!(first_number(LATE_S) * 1_024 < 80_000_000_000_000_000);
    }
}
