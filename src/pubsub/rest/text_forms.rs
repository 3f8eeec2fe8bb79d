//! Messages that stand in JSON as text: durations, timestamps, field masks.

use prost_types::{Duration, FieldMask, Timestamp};

use super::super::error::violations::{
    DURATION_OUT_OF_BOUNDS, DURATION_WITHOUT_UNIT, ILLEGAL_DURATION, ILLEGAL_TIMESTAMP,
    TIMESTAMP_OUT_OF_BOUNDS, TOO_MANY_PATHS,
};
use super::super::limits::TIMESTAMP_S_MAX;

const DURATION_SECONDS_MAX: i64 = 315_576_000_000;
/// The first second of the year 1.
const TIMESTAMP_SECONDS_MIN: i64 = -62_135_596_800;
const FRACTION_DIGITS_MAX: usize = 9;
/// Paths of one mask: more than any resource has fields.
const MASK_PATHS_MAX: usize = 1_000;

/// Reads `"-1.5s"`. Says what is wrong with it otherwise.
pub fn read_duration(text: &str) -> Result<Duration, &'static str> {
    let number = text.strip_suffix('s').ok_or(DURATION_WITHOUT_UNIT)?;
    let (sign, digits) = match number.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, number),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let seconds: i64 = number_of(whole).ok_or(ILLEGAL_DURATION)?;
    let nanos = match fraction {
        Some(fraction) => nanos_of(fraction).ok_or(ILLEGAL_DURATION)?,
        None => 0,
    };
    if seconds > DURATION_SECONDS_MAX || seconds == DURATION_SECONDS_MAX && nanos > 0 {
        return Err(DURATION_OUT_OF_BOUNDS);
    }
    Ok(Duration {
        seconds: sign * seconds,
        nanos: sign as i32 * nanos,
    })
}

/// Reads `"2026-01-02T03:04:05.678Z"`, or with an offset in place of the `Z`.
pub fn read_timestamp(text: &str) -> Result<Timestamp, &'static str> {
    if !is_timestamp(text) {
        return Err(ILLEGAL_TIMESTAMP);
    }
    let time: Timestamp = text.parse().map_err(|_| ILLEGAL_TIMESTAMP)?;
    if !(TIMESTAMP_SECONDS_MIN..=TIMESTAMP_S_MAX).contains(&time.seconds) {
        return Err(TIMESTAMP_OUT_OF_BOUNDS);
    }
    Ok(time)
}

/// Whether the digits and signs are in their places: prost-types also takes other spellings.
fn is_timestamp(text: &str) -> bool {
    const SHAPE: &[u8] = b"dddd-dd-ddTdd:dd:dd";
    const OFFSET: &[u8] = b"dd:dd";
    let Some((start, mut rest)) = text.as_bytes().split_at_checked(SHAPE.len()) else {
        return false;
    };
    if let Some(fraction) = rest.strip_prefix(b".") {
        let digits = fraction
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if !(1..=FRACTION_DIGITS_MAX).contains(&digits) {
            return false;
        }
        rest = &fraction[digits..];
    }
    let zone = match rest {
        b"Z" => true,
        [b'+' | b'-', offset @ ..] => has_shape(offset, OFFSET),
        _ => false,
    };
    zone && has_shape(start, SHAPE)
}

fn has_shape(text: &[u8], shape: &[u8]) -> bool {
    text.len() == shape.len()
        && text.iter().zip(shape).all(|(byte, shape)| match shape {
            b'd' => byte.is_ascii_digit(),
            other => byte == other,
        })
}

fn number_of(digits: &str) -> Option<i64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// `5` is 500,000,000.
fn nanos_of(fraction: &str) -> Option<i32> {
    if fraction.len() > FRACTION_DIGITS_MAX {
        return None;
    }
    let missing = (FRACTION_DIGITS_MAX - fraction.len()) as u32;
    let digits = i32::try_from(number_of(fraction)?).ok()?;
    Some(digits * 10_i32.pow(missing))
}

/// Reads `"labels,retryPolicy.minimumBackoff"`. Names as in the contract are taken as they are.
pub fn read_field_mask(text: &str) -> Result<FieldMask, &'static str> {
    if text.split(',').nth(MASK_PATHS_MAX).is_some() {
        return Err(TOO_MANY_PATHS);
    }
    let paths = text
        .split(',')
        .map(str::trim)
        .filter(|path| !path.is_empty())
        .map(snake_case)
        .collect();
    Ok(FieldMask { paths })
}

fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 8);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// The opposite of [`read_duration`]. `None` if it is beyond what a duration may be.
pub fn show_duration(duration: &Duration) -> Option<String> {
    let bounds = -DURATION_SECONDS_MAX..=DURATION_SECONDS_MAX;
    bounds
        .contains(&duration.seconds)
        .then(|| duration.to_string())
}

/// The opposite of [`read_timestamp`]. `None` if it is beyond what a timestamp may be.
pub fn show_timestamp(time: &Timestamp) -> Option<String> {
    let bounds = TIMESTAMP_SECONDS_MIN..=TIMESTAMP_S_MAX;
    let nanos = 0..1_000_000_000;
    (bounds.contains(&time.seconds) && nanos.contains(&time.nanos)).then(|| time.to_string())
}

/// The opposite of [`read_field_mask`].
pub fn show_field_mask(mask: &FieldMask) -> String {
    let mut text = String::new();
    for (at, path) in mask.paths.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        let mut upper = false;
        for letter in path.chars() {
            match letter {
                '_' => upper = true,
                _ if upper => {
                    text.push(letter.to_ascii_uppercase());
                    upper = false;
                }
                _ => text.push(letter),
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn time(seconds: i64, nanos: i32) -> Duration {
        Duration { seconds, nanos }
    }

    #[test]
    fn durations_are_read() {
        for (text, seconds, nanos) in [
            ("0s", 0, 0),
            ("601.000000005s", 601, 5),
            ("1.5s", 1, 500_000_000),
            ("-1.5s", -1, -500_000_000),
            ("-0.1s", 0, -100_000_000),
            ("0604800s", 604_800, 0),
            ("315576000000s", 315_576_000_000, 0),
        ] {
            assert_eq!(read_duration(text), Ok(time(seconds, nanos)), "{text}");
        }
        for bad in [
            "",
            "s",
            "600",
            "x s",
            "1.s",
            ".5s",
            "1.0000000001s",
            "+1s",
            "--1s",
            "1 s",
            " 1s",
            "1e2s",
            "315576000000.1s",
            "99999999999999999999s",
            "1S",
            "-s",
            "1.-5s",
            "١s",
        ] {
            assert!(read_duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn durations_are_shown_with_as_many_digits_as_they_need() {
        for (seconds, nanos, text) in [
            (601, 5, "601.000000005s"),
            (0, 100_000_000, "0.100s"),
            (1, 500_000, "1.000500s"),
            (604_800, 0, "604800s"),
            (-1, -500_000_000, "-1.500s"),
            (0, -1, "-0.000000001s"),
        ] {
            assert_eq!(show_duration(&time(seconds, nanos)).unwrap(), text);
        }
        assert_eq!(show_duration(&time(i64::MIN, 0)), None);
    }

    #[test]
    fn timestamps_are_read() {
        let at = |seconds, nanos| Ok(Timestamp { seconds, nanos });
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", at(0, 0)),
            ("2026-01-02T03:04:05.678Z", at(1_767_323_045, 678_000_000)),
            ("2026-01-02T05:04:05+02:00", at(1_767_323_045, 0)),
            (
                "2026-01-02T02:34:05.1-00:30",
                at(1_767_323_045, 100_000_000),
            ),
            ("0001-01-01T00:00:00Z", at(TIMESTAMP_SECONDS_MIN, 0)),
            (
                "9999-12-31T23:59:59.999999999Z",
                at(TIMESTAMP_S_MAX, 999_999_999),
            ),
        ] {
            assert_eq!(read_timestamp(text), expected, "{text}");
        }
        for bad in [
            "",
            "yesterday",
            "2026-01-02",
            "2026-01-02T03:04:05",
            "2026-01-02 03:04:05Z",
            "2026-01-02t03:04:05z",
            "2026-13-02T03:04:05Z",
            "2026-02-30T03:04:05Z",
            "2026-01-02T24:04:05Z",
            "2026-01-02T03:04:05.Z",
            "2026-01-02T03:04:05.1234567890Z",
            "2026-01-02T03:04:05+02",
            "2026-1-2T03:04:05Z",
            "0001-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-01:00",
            "+12026-01-02T03:04:05Z",
            "2026-01-02T03:04:05Zé",
        ] {
            assert!(read_timestamp(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn masks_change_their_spelling() {
        let mask = read_field_mask("labels, messageRetentionDuration,retryPolicy.minimumBackoff,")
            .unwrap();
        assert_eq!(
            mask.paths,
            [
                "labels",
                "message_retention_duration",
                "retry_policy.minimum_backoff"
            ]
        );
        assert_eq!(
            show_field_mask(&mask),
            "labels,messageRetentionDuration,retryPolicy.minimumBackoff"
        );
        assert_eq!(
            read_field_mask("ack_deadline_seconds").unwrap().paths,
            ["ack_deadline_seconds"]
        );
        assert_eq!(read_field_mask("").unwrap().paths, [""; 0]);
        assert!(read_field_mask(&",".repeat(MASK_PATHS_MAX)).is_err());
    }

    proptest! {
        #[test]
        fn any_text_may_be_read(text in "[0-9TZs.:+-]{0,30}|\\PC*") {
            if let Ok(duration) = read_duration(&text) {
                prop_assert_eq!(read_duration(&show_duration(&duration).unwrap()), Ok(duration));
            }
            if let Ok(time) = read_timestamp(&text) {
                prop_assert_eq!(read_timestamp(&show_timestamp(&time).unwrap()), Ok(time));
            }
            let _ = read_field_mask(&text).map(|mask| show_field_mask(&mask));
        }

        #[test]
        fn any_time_may_be_shown(seconds: i64, nanos: i32, year in -1_000_000..400_000_000_000_i64) {
            for seconds in [seconds, year] {
                let _ = show_duration(&time(seconds, nanos));
                if let Some(text) = show_timestamp(&Timestamp { seconds, nanos }) {
                    prop_assert_eq!(read_timestamp(&text), Ok(Timestamp { seconds, nanos }));
                }
            }
        }
    }
}
