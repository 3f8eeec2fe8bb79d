//! Points and lengths of time as texts: what `timestamp()`, `date()` and `duration()` read.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

/// Digits of a length of time's whole seconds: 30,000 years.
const SECOND_DIGITS_MAX: usize = 12;
/// Digits of a fraction of a second.
const NANO_DIGITS: usize = 9;
const NANOS_PER_SECOND: i128 = 1_000_000_000;

/// Nanoseconds since 1970 of a time in RFC 3339, such as `2026-01-31T12:00:00.5Z`.
pub(crate) fn timestamp(text: &str) -> Option<i128> {
    // The library reads other forms, too.
    let (date, time) = text.split_at_checked("2026-01-31".len())?;
    let (clock, rest) = time.split_at_checked("T12:00:00".len())?;
    let shape = |text: &str, of: &str| {
        let pairs = text.bytes().zip(of.bytes());
        text.len() == of.len()
            && pairs.into_iter().all(|(is, of)| match of {
                b'0' => is.is_ascii_digit(),
                _ => is == of,
            })
    };
    let zone = match rest.strip_prefix('.') {
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_ascii_digit())?;
            (1..=NANO_DIGITS).contains(&end).then(|| &rest[end..])?
        }
        None => rest,
    };
    let zoned = zone == "Z" || shape(zone, "+00:00") || shape(zone, "-00:00");
    if !shape(date, "0000-00-00") || !shape(clock, "T00:00:00") || !zoned {
        return None;
    }
    let read: Timestamp = text.parse().ok()?;
    Some(read.as_nanosecond())
}

/// Nanoseconds since 1970 of a day's beginning in UTC, such as `2026-01-31`.
pub(crate) fn date(text: &str) -> Option<i128> {
    let mut parts = text.split('-');
    let year: i16 = digits(parts.next()?, 4)?.try_into().ok()?;
    let month: i8 = digits(parts.next()?, 2)?.try_into().ok()?;
    let day: i8 = digits(parts.next()?, 2)?.try_into().ok()?;
    if parts.next().is_some() {
        return None;
    }
    let date = Date::new(year, month, day).ok()?;
    let midnight = Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
    Some(midnight.as_nanosecond())
}

/// Nanoseconds of seconds with an `s` behind them, such as `90s` and `-1.5s`.
pub(crate) fn duration(text: &str) -> Option<i128> {
    let text = text.strip_suffix('s')?;
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let all_digits = |text: &str, most: usize| {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit());
        (1..=most).contains(&text.len()) && plain
    };
    if !all_digits(whole, SECOND_DIGITS_MAX) || !all_digits(fraction, NANO_DIGITS) {
        return None;
    }
    let scale = 10i128.pow(u32::try_from(NANO_DIGITS - fraction.len()).ok()?);
    let whole: i128 = whole.parse().ok()?;
    let fraction: i128 = fraction.parse().ok()?;
    Some(sign * (whole * NANOS_PER_SECOND + fraction * scale))
}

/// A number of exactly that many digits.
fn digits(text: &str, count: usize) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    (text.len() == count && plain).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i128 = NANOS_PER_SECOND;

    #[test]
    fn times() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T00:00:01.5Z", SECOND * 3 / 2),
            ("1970-01-01T01:00:00+01:00", 0),
            ("1969-12-31T16:00:00.000-08:00", 0),
            ("2023-04-12T23:20:50.52Z", 1_681_341_650_520_000_000),
        ] {
            assert_eq!(timestamp(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "1970-01-01",
            "1970-01-01T00:00:00",
            "1970-01-01 00:00:00Z",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00Z",
            "1970-13-01T00:00:00Z",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:00:00+0100",
            "1970-01-01T00:00:00Z[UTC]",
            "+001970-01-01T00:00:00Z",
            "1970-01-01T00:00:0éZ",
        ] {
            assert_eq!(timestamp(text), None, "{text}");
        }
    }

    #[test]
    fn dates() {
        assert_eq!(date("1970-01-02"), Some(86_400 * SECOND));
        for text in [
            "",
            "1970",
            "1970-1-2",
            "1970-02-30",
            "1970-01-01-01",
            "-970-01-01",
        ] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn durations() {
        for (text, expected) in [
            ("90s", 90 * SECOND),
            ("-1.5s", -SECOND * 3 / 2),
            ("0.000000001s", 1),
            ("999999999999s", 999_999_999_999 * SECOND),
        ] {
            assert_eq!(duration(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "s",
            "90",
            "1m",
            "1h30m",
            ".5s",
            "1.s",
            "+1s",
            "--1s",
            "1000000000000s",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
