//! The date in objects' names, in the form that the subscription asks for.

use crate::pubsub::civil_time::CivilTime;

/// The form when none is asked for.
const FORMAT_DEFAULT: &str = "YYYY-MM-DD/hh_mm_ssZ";

/// Longer ones first: `YY` is a prefix of `YYYY`.
const PLACEHOLDERS: [&str; 7] = ["YYYY", "YY", "MM", "DD", "hh", "mm", "ss"];

/// Splits a format into placeholders (`Ok`) and single other characters (`Err`).
fn pieces(format: &str) -> impl Iterator<Item = Result<&'static str, char>> {
    let mut rest = format;
    std::iter::from_fn(move || {
        let found = PLACEHOLDERS.into_iter().find(|name| rest.starts_with(name));
        if let Some(name) = found {
            rest = &rest[name.len()..];
            return Some(Ok(name));
        }
        let char = rest.chars().next()?;
        rest = &rest[char.len_utf8()..];
        Some(Err(char))
    })
}

/// True for a format that can be used; empty is the default.
pub(super) fn is_datetime_format(format: &str) -> bool {
    let mut seen = Vec::new();
    for piece in pieces(format) {
        match piece {
            Ok(name) => {
                // Both years count as one.
                let kind = &name[..2];
                if seen.contains(&kind) {
                    return false;
                }
                seen.push(kind);
            }
            Err(char) if "-_:/TZ".contains(char) => {}
            Err(_) => return false,
        }
    }
    format.is_empty() || !seen.is_empty()
}

/// The date in that format.
pub(super) fn write_datetime(format: &str, time: CivilTime) -> String {
    let format = if format.is_empty() {
        FORMAT_DEFAULT
    } else {
        format
    };
    pieces(format)
        .map(|piece| match piece {
            Ok("YYYY") => format!("{:04}", time.year),
            Ok("YY") => format!("{:02}", time.year % 100),
            Ok("MM") => format!("{:02}", time.month),
            Ok("DD") => format!("{:02}", time.day),
            Ok("hh") => format!("{:02}", time.hour),
            Ok("mm") => format!("{:02}", time.minute),
            Ok("ss") => format!("{:02}", time.second),
            Ok(other) => other.to_owned(),
            Err(char) => char.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        let time = CivilTime::from_millis(1_700_000_000_123);
        assert_eq!(write_datetime("", time), "2023-11-14/22_13_20Z");
        assert_eq!(
            write_datetime("YYYY/MM/DD/hh:mm:ss", time),
            "2023/11/14/22:13:20"
        );
        assert_eq!(write_datetime("YYMMDDThhmmssZ", time), "231114T221320Z");
        for good in ["", "YYYY-MM-DD/hh_mm_ssZ", "YY", "hh:mm"] {
            assert!(is_datetime_format(good), "{good}");
        }
        for bad in ["x", "YYYYYY", "MM MM", "%Y", "..", "--", "YYYY.MM"] {
            assert!(!is_datetime_format(bad), "{bad}");
        }
    }
}
