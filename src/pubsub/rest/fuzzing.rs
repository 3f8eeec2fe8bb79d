//! Transcoding, for tests/fuzz.

use super::bindings::{Bindings, Route};
use super::from_json::read_json;
use super::problems::Problems;
use super::request::transcode;
use super::text_forms::{
    read_duration, read_field_mask, read_timestamp, show_duration, show_field_mask, show_timestamp,
};
use super::to_json::{Style, write_json};
use crate::fuzzing::request as split;

/// A request. What was made of it is shown as JSON that makes the same.
pub fn rest(bytes: &[u8]) {
    let Some((head, body)) = split(bytes) else {
        return;
    };
    let bindings = Bindings::all();
    let Route::To(binding, fields) = bindings.route(&head.method, head.uri.path()) else {
        return;
    };
    let query = head.uri.query().unwrap_or("");
    let Ok((request, style)) = transcode(bindings, binding, &fields, query, body) else {
        return;
    };
    let types = &bindings.types;
    let shown = |message: &[u8], style| write_json(types, binding.request, message, style);
    let _ = shown(&request, style).expect("what was transcoded can be shown");
    let json = shown(&request, Style::default()).expect("what was transcoded can be shown");
    let (mut problems, mut again) = (Problems::default(), Vec::new());
    read_json(
        types,
        binding.request,
        &json,
        &[],
        &mut problems,
        &mut again,
    );
    let json = String::from_utf8_lossy(&json);
    assert!(problems.is_empty(), "{json}");
    let shown_again = shown(&again, Style::default()).expect("what was read can be shown");
    // Masks may name what no field is called.
    if !json.contains("Mask") {
        assert_eq!(String::from_utf8_lossy(&shown_again), json);
    }
    // An answer is written of whatever bytes are there.
    let _ = write_json(types, binding.reply, body, style);
}

/// Whether a path is of names as fields have them. Others may be shown as if they had another.
fn can_be_a_field(path: &str) -> bool {
    path.split(['.', '_']).all(|word| {
        word.starts_with(|first: char| first.is_ascii_lowercase())
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

/// Durations, timestamps and field masks as text. What is shown of them is the same.
pub fn values(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(duration) = read_duration(text) {
        let shown = show_duration(&duration).expect("what was read can be shown");
        assert_eq!(read_duration(&shown), Ok(duration), "{shown}");
    }
    if let Ok(time) = read_timestamp(text) {
        let shown = show_timestamp(&time).expect("what was read can be shown");
        assert_eq!(read_timestamp(&shown), Ok(time), "{shown}");
    }
    if let Ok(mask) = read_field_mask(text) {
        let shown = show_field_mask(&mask);
        let again = read_field_mask(&shown).expect("what is shown can be read");
        if mask.paths.iter().all(|path| can_be_a_field(path)) {
            assert_eq!(again, mask, "{shown}");
        }
    }
}
