//! What settings must be like, whatever they are of.

use prost_types::{Duration, Timestamp};
use std::collections::BTreeMap;
use std::time;

use crate::pubsub::error::{
    PubsubResult, duration_out_of_bounds, invalid_argument, invalid_label_key, invalid_label_value,
    too_large,
};
use crate::pubsub::limits::{
    LABEL_CHARS_MAX, LABELS_MAX, RETENTION_MAX, RETENTION_MIN, TIMESTAMP_S_MAX,
};

/// Checks labels: keys start with a lower-case or caseless letter.
pub(super) fn check_labels(labels: &BTreeMap<String, String>) -> PubsubResult<()> {
    if labels.len() > LABELS_MAX {
        return Err(too_large("label_count", labels.len(), LABELS_MAX));
    }
    for (key, value) in labels {
        let mut letters = key.chars();
        let starts = letters.next().is_some_and(is_label_letter);
        if !starts || key.chars().count() > LABEL_CHARS_MAX || !letters.all(is_label_char) {
            return Err(invalid_label_key(key));
        }
        if value.chars().count() > LABEL_CHARS_MAX || !value.chars().all(is_label_char) {
            return Err(invalid_label_value(value));
        }
    }
    Ok(())
}

fn is_label_letter(letter: char) -> bool {
    letter.is_alphabetic() && !letter.is_uppercase()
}

fn is_label_char(letter: char) -> bool {
    is_label_letter(letter) || letter.is_numeric() || matches!(letter, '_' | '-')
}

/// A duration as it may be computed with. One that isn't between the bounds is refused.
pub(super) fn check_duration(
    what: &str,
    given: &Duration,
    min: time::Duration,
    max: time::Duration,
) -> PubsubResult<time::Duration> {
    to_std(given)
        .filter(|duration| (min..=max).contains(duration))
        .ok_or_else(|| duration_out_of_bounds(what, given, min, max))
}

/// How long messages are kept.
pub(super) fn check_retention(given: &Duration) -> PubsubResult<time::Duration> {
    check_duration(
        "message retention duration",
        given,
        RETENTION_MIN,
        RETENTION_MAX,
    )
}

/// `None` if it is negative or its parts aren't what they should be.
pub(super) fn to_std(given: &Duration) -> Option<time::Duration> {
    let nanos = u32::try_from(given.nanos).ok()?;
    if nanos >= 1_000_000_000 {
        return None;
    }
    Some(time::Duration::new(
        u64::try_from(given.seconds).ok()?,
        nanos,
    ))
}

/// Milliseconds of a duration that was checked.
pub(super) fn millis(duration: time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Milliseconds since 1970; what lies before is 0, what lies beyond the year 9999 is refused. A
/// fraction of a millisecond is rounded up: the messages of a time have whole milliseconds, so those
/// from then on are the same, and none from before is among them.
pub(super) fn timestamp_millis(argument: &str, given: &Timestamp) -> PubsubResult<u64> {
    if !(0..1_000_000_000).contains(&given.nanos) || given.seconds > TIMESTAMP_S_MAX {
        return Err(invalid_argument(argument));
    }
    let Ok(seconds) = u64::try_from(given.seconds) else {
        return Ok(0);
    };
    Ok(seconds * 1_000 + u64::from(given.nanos.unsigned_abs().div_ceil(1_000_000)))
}

/// The other way round.
pub(super) fn timestamp(millis: u64) -> Timestamp {
    Timestamp {
        seconds: i64::try_from(millis / 1_000).unwrap_or(i64::MAX),
        nanos: (millis % 1_000) as i32 * 1_000_000,
    }
}

/// Checks that a text isn't empty, and no longer than that.
pub(super) fn check_text(what: &str, text: &str, bytes_max: usize) -> PubsubResult<()> {
    if text.is_empty() {
        return Err(invalid_argument(what));
    }
    if text.len() > bytes_max {
        return Err(too_large(what, text.len(), bytes_max));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(key: &str, value: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(key.into(), value.into())])
    }

    #[test]
    fn labels_follow_the_service() {
        let long = "k".repeat(63);
        for (key, value) in [
            ("k", ""),
            (&*long, &*long),
            ("ключ", "значение"),
            ("k_1-2", "1-_v"),
        ] {
            assert!(check_labels(&labels(key, value)).is_ok(), "{key}: {value}");
        }
        let longer = "k".repeat(64);
        for key in ["", "K", "1k", "-k", "k.k", "k k", &longer] {
            assert!(check_labels(&labels(key, "v")).is_err(), "{key}");
        }
        for value in ["V", "v v", "v.v", &longer] {
            assert!(check_labels(&labels("k", value)).is_err(), "{value}");
        }
    }

    #[test]
    fn a_part_of_a_millisecond_is_the_next() {
        for (nanos, millis) in [
            (0, 5_000),
            (1, 5_001),
            (999_999, 5_001),
            (1_000_000, 5_001),
            (1_001_000, 5_002),
            (999_000_001, 6_000),
        ] {
            let time = Timestamp { seconds: 5, nanos };
            assert_eq!(timestamp_millis("time", &time).unwrap(), millis, "{nanos}");
        }
    }

    #[test]
    fn retention_is_bounded() {
        let check = |seconds, nanos| check_retention(&Duration { seconds, nanos });
        assert!(check(600, 0).is_ok());
        assert!(check(601, 5).is_ok());
        assert!(check(744 * 3600, 0).is_ok());
        for (seconds, nanos) in [
            (599, 999_999_999),
            (744 * 3600, 1),
            (-1, 0),
            (700, -1),
            (700, i32::MAX),
        ] {
            assert!(check(seconds, nanos).is_err(), "{seconds}.{nanos}");
        }
    }

    proptest! {
        #[test]
        fn any_time_may_be_given(seconds: i64, nanos: i32, millis in 0..253_402_300_800_000u64) {
            let _ = check_retention(&Duration { seconds, nanos });
            let _ = timestamp_millis("time", &Timestamp { seconds, nanos });
            let back = timestamp_millis("time", &timestamp(millis));
            prop_assert_eq!(back.ok(), Some(millis));
        }
    }
}
