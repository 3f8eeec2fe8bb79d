//! A request in the form that is signed.

use super::heads::Heads;
use super::verify::Signed;
use http::HeaderValue;
use http::header::HOST;
use memchr::memchr;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use std::borrow::Cow;

/// All but what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// A path's slashes stay.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// Writes the canonical request into `out`. Signed headers are names by `;` and the same one by one,
/// `body_hash` is in hex or what stands for it.
pub(super) fn write(
    out: &mut Vec<u8>,
    request: &Signed<'_>,
    heads: &Heads<'_>,
    (signed_headers, names): (&str, &[&str]),
    body_hash: &[u8],
) {
    out.extend_from_slice(request.method.as_str().as_bytes());
    out.push(b'\n');
    path(out, request.uri.path());
    out.push(b'\n');
    query(out, request.uri.query().unwrap_or(""));
    out.push(b'\n');
    for name in names {
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        header(out, request, heads, name);
        out.push(b'\n');
    }
    out.push(b'\n');
    out.extend_from_slice(signed_headers.as_bytes());
    out.push(b'\n');
    out.extend_from_slice(body_hash);
}

/// Paths are encoded once more than they came, without `.`, `..` and what they leave out.
fn path(out: &mut Vec<u8>, path: &str) {
    if path.len() <= 1 {
        out.push(b'/');
        return;
    }
    let mut kept: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(kept.pop()),
            part => kept.push(part),
        }
    }
    for part in &kept {
        out.push(b'/');
        encode(out, part.as_bytes(), RESERVED_IN_PATH);
    }
    if kept.is_empty() || path.ends_with('/') {
        out.push(b'/');
    }
}

/// Pairs by name and value, without the signature itself.
fn query(out: &mut Vec<u8>, query: &str) {
    if query.is_empty() {
        return;
    }
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("X-Amz-Signature="))
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (again(name), again(value))
        })
        .collect();
    pairs.sort_unstable();
    for (number, (name, value)) in pairs.iter().enumerate() {
        if number > 0 {
            out.push(b'&');
        }
        out.extend_from_slice(name);
        out.push(b'=');
        out.extend_from_slice(value);
    }
}

/// The text in the one encoding that counts, in whichever it came.
fn again(text: &str) -> Vec<u8> {
    let text: Cow<'_, str> = if text.contains('+') {
        text.replace('+', " ").into()
    } else {
        text.into()
    };
    let mut out = Vec::with_capacity(text.len());
    let decoded: Cow<'_, [u8]> = percent_decode_str(&text).into();
    encode(&mut out, &decoded, RESERVED);
    out
}

fn encode(out: &mut Vec<u8>, text: &[u8], set: &'static AsciiSet) {
    for part in percent_encode(text, set) {
        out.extend_from_slice(part.as_bytes());
    }
}

/// A header's values by commas, each without outer spaces and with single inner ones. Nothing for one
/// that isn't there: then the signature can't be right.
fn header(out: &mut Vec<u8>, request: &Signed<'_>, heads: &Heads<'_>, name: &str) {
    let mut is_there = false;
    let mut add = |value: &HeaderValue| {
        if is_there {
            out.push(b',');
        }
        is_there = true;
        one_value(out, value.as_bytes().trim_ascii());
    };
    // Looking a name up parses and hashes it, which costs more than to compare it with a few others.
    match heads.all() {
        Some(all) => {
            let named = all.iter().filter(|(other, _)| *other == name);
            named.for_each(|(_, value)| add(value));
        }
        None => request.headers.get_all(name).iter().for_each(add),
    }
    // HTTP/2 has this in another place.
    if !is_there
        && name == HOST.as_str()
        && let Some(host) = request.uri.authority()
    {
        out.extend_from_slice(host.as_str().as_bytes());
    }
}

fn one_value(out: &mut Vec<u8>, value: &[u8]) {
    // Most have no space at all.
    let Some(at) = memchr(b' ', value) else {
        return out.extend_from_slice(value);
    };
    let (start, rest) = value.split_at(at);
    out.extend_from_slice(start);
    let mut before = b'-';
    for &byte in rest {
        if byte != b' ' || before != b' ' {
            out.push(byte);
        }
        before = byte;
    }
}
