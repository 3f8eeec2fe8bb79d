//! Times as signatures have them: `20150830T123600Z`.

use time::{Date, Duration, Month, OffsetDateTime, PrimitiveDateTime, Time};

/// Reads a time in ISO 8601's basic form.
pub(super) fn read(text: &str) -> Option<OffsetDateTime> {
    let bytes = text.as_bytes();
    if bytes.len() != 16 || bytes[8] != b'T' || bytes[15] != b'Z' {
        return None;
    }
    let number = |range: std::ops::Range<usize>| {
        bytes[range].iter().try_fold(0, |number: u16, digit| {
            let digit = digit.is_ascii_digit().then(|| u16::from(digit - b'0'))?;
            Some(number * 10 + digit)
        })
    };
    let month = Month::try_from(number(4..6)? as u8).ok()?;
    let date = Date::from_calendar_date(number(0..4)?.into(), month, number(6..8)? as u8);
    let time = Time::from_hms(
        number(9..11)? as u8,
        number(11..13)? as u8,
        number(13..15)? as u8,
    );
    Some(PrimitiveDateTime::new(date.ok()?, time.ok()?).assume_utc())
}

/// Writes one.
pub(super) fn write(at: OffsetDateTime) -> String {
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

/// The moment that many seconds after another; the other, where there is none.
pub(super) fn later(at: OffsetDateTime, seconds: i64) -> OffsetDateTime {
    at.checked_add(Duration::seconds(seconds)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read_and_nothing_else() {
        let at = read("20150830T123600Z").unwrap();
        assert_eq!(at.unix_timestamp(), 1_440_938_160);
        assert_eq!(write(at), "20150830T123600Z");
        assert_eq!(write(later(at, -900)), "20150830T122100Z");
        for wrong in [
            "",
            "20150830T123600",
            "2015-08-30T12:36:00Z",
            "20151330T123600Z",
            "20150230T123600Z",
            "20150830T253600Z",
            "2015083+T123600Z",
            "\u{661}\u{661}\u{661}\u{661}\u{661}\u{661}\u{661}\u{661}",
        ] {
            assert!(read(wrong).is_none(), "{wrong}");
        }
    }
}
