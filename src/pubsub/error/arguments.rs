//! What goes wrong with arguments, whatever they are of: values out of their bounds, labels, masks.

use std::fmt::Display;
use std::time::Duration;

use super::super::limits::LABEL_CHARS_MAX;
use super::{PubsubError, invalid};

/// An argument that is missing or makes no sense.
pub fn invalid_argument(argument: &str) -> PubsubError {
    invalid(format!(
        "You have passed an invalid argument to the service (argument={argument})."
    ))
}

/// A count or size above its maximum.
pub fn too_large(what: &str, given: impl Display, max: impl Display) -> PubsubError {
    invalid(format!(
        "The value for {what} is too large. You passed {given} in the request, but the maximum \
         value is {max}."
    ))
}

/// A count or size below its minimum.
pub fn too_small(what: &str, given: impl Display, min: impl Display) -> PubsubError {
    invalid(format!(
        "The value for {what} is too small. You passed {given} in the request, but the minimum \
         value is {min}."
    ))
}

/// A value that isn't between its bounds.
pub fn out_of_bounds(
    what: &str,
    given: impl Display,
    min: impl Display,
    max: impl Display,
) -> PubsubError {
    invalid(format!(
        "The value for {what} is out of bounds. You passed {given} in the request, but the value \
         must be between {min} and {max}."
    ))
}

/// A time that isn't between its bounds.
pub fn duration_out_of_bounds(
    what: &str,
    given: &prost_types::Duration,
    min: Duration,
    max: Duration,
) -> PubsubError {
    // A given time of nothing has its unit, a bound of nothing has none.
    let bound = |time: Duration| match time.as_secs() {
        0 => "0".to_owned(),
        seconds => spoken(i64::try_from(seconds).unwrap_or(i64::MAX), 0),
    };
    out_of_bounds(
        what,
        spoken(given.seconds, given.nanos),
        bound(min),
        bound(max),
    )
}

/// A time as the service repeats it: `9m59s`, `744h`.
pub fn spoken(seconds: i64, nanos: i32) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    if seconds < 0 || nanos < 0 {
        text.push('-');
    }
    let (seconds, nanos) = (seconds.unsigned_abs(), nanos.unsigned_abs());
    let (hours, minutes, left) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    // Writing to a String can't fail.
    if hours > 0 {
        let _ = write!(text, "{hours}h");
    }
    if minutes > 0 {
        let _ = write!(text, "{minutes}m");
    }
    if nanos > 0 {
        let fraction = format!("{nanos:09}");
        let _ = write!(text, "{left}.{}s", fraction.trim_end_matches('0'));
    } else if left > 0 || text.trim_start_matches('-').is_empty() {
        let _ = write!(text, "{left}s");
    }
    text
}

/// A label's key that isn't allowed.
pub fn invalid_label_key(key: &str) -> PubsubError {
    invalid(format!(
        "Invalid label key given (key={key}). Keys are 1 to {LABEL_CHARS_MAX} lowercase letters, digits, \
         underscores and dashes, and start with a letter."
    ))
}

/// A label's value that isn't allowed.
pub fn invalid_label_value(value: &str) -> PubsubError {
    invalid(format!(
        "Invalid label value given (value={value}). Values are at most {LABEL_CHARS_MAX} lowercase letters, \
         digits, underscores and dashes."
    ))
}

/// An update without a mask. `request` is the request's type.
pub fn empty_update_mask(request: &str) -> PubsubError {
    invalid(format!(
        "The update_mask in the {request} must be set, and must contain a non-empty paths list."
    ))
}

/// An update of a field that stays what it is.
pub fn immutable_field(request: &str, resource: &str, field: &str) -> PubsubError {
    invalid(format!(
        "Invalid update_mask provided in the {request}: the '{field}' field in the {resource} is \
         not mutable."
    ))
}

/// An update of a field that doesn't exist.
pub fn unknown_field(request: &str, resource: &str, field: &str) -> PubsubError {
    invalid(format!(
        "Invalid update_mask provided in the {request}: '{field}' is not a known {resource} \
         field. Note that field paths must be of the form 'push_config' rather than 'pushConfig'."
    ))
}
