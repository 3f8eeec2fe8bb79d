//! Dates, as conditions have them: the forms of ISO 8601 that the W3C's note lists, and seconds since
//! 1970.

use time::{Date, Month, PrimitiveDateTime, Time, UtcOffset};

/// Digits of a number that is a year and no count of seconds.
const YEAR_DIGITS: usize = 4;
/// Digits of a fraction of a second that are told apart.
const NANO_DIGITS: usize = 9;

/// Nanoseconds since 1970-01-01 UTC; `None` where a text is no date.
pub(crate) fn nanos(text: &str) -> Option<i128> {
    let seconds = text.strip_prefix('-').unwrap_or(text);
    if seconds.len() != YEAR_DIGITS && all_digits(seconds) {
        let seconds: i64 = text.parse().ok()?;
        return Some(i128::from(seconds) * 1_000_000_000);
    }
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = digits(parts.next()?, YEAR_DIGITS)?;
    let month = parts.next().map_or(Some(1), |part| digits(part, 2))?;
    let day = parts.next().map_or(Some(1), |part| digits(part, 2))?;
    // A time belongs to a day.
    let days = date.len() == "2020-01-01".len();
    if parts.next().is_some() || (time.is_some() && !days) {
        return None;
    }
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let year = i32::try_from(year).ok()?;
    let date = Date::from_calendar_date(year, month, u8::try_from(day).ok()?).ok()?;
    let (time, offset) = time.map_or(Some((Time::MIDNIGHT, UtcOffset::UTC)), time_of_day)?;
    let at = PrimitiveDateTime::new(date, time).assume_offset(offset);
    Some(at.unix_timestamp_nanos())
}

/// `hh:mm`, `hh:mm:ss` or `hh:mm:ss.s`, and where that is so.
fn time_of_day(text: &str) -> Option<(Time, UtcOffset)> {
    let (clock, offset) = match text.strip_suffix('Z') {
        Some(clock) => (clock, UtcOffset::UTC),
        None => {
            let (clock, zone) = text.split_at(text.rfind(['+', '-'])?);
            let (sign, zone) = zone.split_at(1);
            let (hours, minutes) = zone.split_once(':')?;
            let hours = i8::try_from(digits(hours, 2)?).ok()?;
            let minutes = i8::try_from(digits(minutes, 2)?).ok()?;
            let sign = if sign == "-" { -1 } else { 1 };
            (
                clock,
                UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok()?,
            )
        }
    };
    let mut parts = clock.split(':');
    let hour = digits(parts.next()?, 2)?;
    let minute = digits(parts.next()?, 2)?;
    let seconds = parts.next().unwrap_or("00");
    if parts.next().is_some() {
        return None;
    }
    let (second, nano) = match seconds.split_once('.') {
        None => (seconds, 0),
        Some((second, fraction)) if all_digits(fraction) => {
            let told = &fraction[..fraction.len().min(NANO_DIGITS)];
            let scale = 10u32.pow(u32::try_from(NANO_DIGITS - told.len()).ok()?);
            (second, told.parse::<u32>().ok()? * scale)
        }
        Some(_) => return None,
    };
    let byte = |value: u32| u8::try_from(value).ok();
    let second = digits(second, 2)?;
    let time = Time::from_hms_nano(byte(hour)?, byte(minute)?, byte(second)?, nano).ok()?;
    Some((time, offset))
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number of exactly that many digits.
fn digits(text: &str, count: usize) -> Option<u32> {
    (text.len() == count && all_digits(text)).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_date() {
        const DAY: i128 = 86_400;
        for (text, seconds) in [
            ("1970", 0),
            ("1970-02", 31 * DAY),
            ("1970-01-02", DAY),
            ("1970-01-01T00:01Z", 60),
            ("1970-01-01T00:00:01Z", 1),
            ("1970-01-01T01:00:00+01:00", 0),
            ("1969-12-31T19:00:00-05:00", 0),
            ("86400", DAY),
            ("-1", -1),
            ("2009-01-31T12:00Z", 1_233_403_200),
        ] {
            assert_eq!(nanos(text), Some(seconds * 1_000_000_000), "{text}");
        }
        assert_eq!(nanos("1970-01-01T00:00:00.5Z"), Some(500_000_000));
        assert_eq!(nanos("1970-01-01T00:00:00.1234567891Z"), Some(123_456_789));
        for text in [
            "",
            "now",
            "2020-13",
            "2021-02-29",
            "2020-1-1",
            "2020-01-01-01",
            "2020-01-01T",
            "2020-01-01T10:00",
            "2020-01-01T25:00Z",
            "2020-01T10:00Z",
            "2020-01-01T10:00:00.Z",
            "2020-01-01T10:00+99:00",
            "2020-01-01 10:00Z",
            "2020-01-01T10:00:00:00Z",
            "99999999999999999999",
            "-",
            "-2020",
        ] {
            assert_eq!(nanos(text), None, "{text}");
        }
    }
}
