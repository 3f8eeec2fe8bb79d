//! Entry points for tests/fuzz: functions on bytes, each of which panics where a promise is broken. Nobody
//! else's business, and free to change.
//!
//! What they take is text wherever it can be, so that what stands in a corpus can be read: parts of an
//! input are divided by [`divided`]'s line.

pub use crate::bearer::fuzzing as bearer;
pub use crate::config::fuzzing as config;
pub use crate::grpc::fuzzing as grpc;
pub use crate::portable::fuzzing as portable;
pub use crate::pubsub::fuzzing as pubsub;
pub use crate::server::fuzzing as server;
pub use crate::sigv4::fuzzing as sigv4;
pub use crate::sqs::fuzzing as sqs;

use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Uri};

/// What divides an input's parts.
const DIVIDER: &[u8] = b"\n--\n";

/// The parts of an input: a schema and a message, or requests that follow each other.
pub fn divided(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(bytes);
    std::iter::from_fn(move || {
        let all = rest.take()?;
        let Some(at) = memchr::memmem::find(all, DIVIDER) else {
            return Some(all);
        };
        rest = Some(&all[at + DIVIDER.len()..]);
        Some(&all[..at])
    })
}

/// The first two parts of an input.
pub fn halves(bytes: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = divided(bytes);
    let first = parts.next().unwrap_or_default();
    (first, parts.next().unwrap_or_default())
}

/// An input's first line and what follows it.
pub fn first_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b'\n', bytes) {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &[]),
    }
}

/// A request's head and body: `POST /path`, lines of headers, an empty line, the body. What couldn't come
/// through HTTP's own parser is left out.
pub fn request(bytes: &[u8]) -> Option<(Parts, &[u8])> {
    let (line, mut rest) = first_line(bytes);
    let (method, target) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(method.as_bytes()).ok()?;
    *request.uri_mut() = target.parse::<Uri>().ok()?;
    while !rest.is_empty() {
        let (line, after) = first_line(rest);
        rest = after;
        if line.is_empty() {
            break;
        }
        let colon = memchr::memchr(b':', line)?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
        request.headers_mut().append(name, value);
    }
    Some((request.into_parts().0, rest))
}
