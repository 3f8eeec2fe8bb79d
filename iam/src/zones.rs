//! Time zones, by name or by their distance from UTC.

use jiff::tz::{Offset, TimeZone};

const SECONDS_PER_MINUTE: i32 = 60;

/// A zone such as `Europe/Berlin` or `+01:00`; `None` where there is none of that name.
pub(crate) fn zone(text: &str) -> Option<TimeZone> {
    match text {
        "" => None,
        _ => offset(text).or_else(|| TimeZone::get(text).ok()),
    }
}

fn offset(text: &str) -> Option<TimeZone> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (hours, minutes) = text.split_once(':')?;
    let two = |text: &str| {
        let plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| text.parse::<i32>().ok())?
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = sign * (hours * 60 + minutes) * SECONDS_PER_MINUTE;
    Some(TimeZone::fixed(Offset::from_seconds(seconds).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_zone() {
        for text in [
            "UTC",
            "Europe/Berlin",
            "America/Los_Angeles",
            "+01:00",
            "-08:00",
            "05:30",
        ] {
            assert!(zone(text).is_some(), "{text}");
        }
        for text in [
            "",
            "Nowhere",
            "Europe",
            "+1:00",
            "+24:00",
            "+00:60",
            "+01:00:00",
            "é",
        ] {
            assert!(zone(text).is_none(), "{text}");
        }
    }
}
