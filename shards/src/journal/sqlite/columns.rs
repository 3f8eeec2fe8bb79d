//! Reading a row's columns. What is damaged may be of any type: it reads as something that the row's
//! checksum doesn't fit.

use super::unsigned;
use rusqlite::Row;
use rusqlite::types::ValueRef;

/// An integer; what is damaged may be something else, which no checksum fits.
pub(super) fn integer(row: &Row<'_>, at: usize) -> u64 {
    row.get_ref(at)
        .ok()
        .and_then(|value| value.as_i64().ok())
        .map_or(0, unsigned)
}

/// The stored checksum; none fits where it is something else than an integer.
pub(super) fn stored_sum(row: &Row<'_>, at: usize) -> i64 {
    let value = row.get_ref(at).ok();
    value.and_then(|value| value.as_i64().ok()).unwrap_or(-1)
}

pub(super) fn blob<'r>(row: &'r Row<'_>, at: usize) -> &'r [u8] {
    match row.get_ref(at) {
        Ok(ValueRef::Blob(bytes)) => bytes,
        _ => &[],
    }
}

pub(super) fn text<'r>(row: &'r Row<'_>, at: usize) -> &'r str {
    let value = row.get_ref(at).ok();
    value
        .and_then(|value| value.as_str().ok())
        .unwrap_or_default()
}
