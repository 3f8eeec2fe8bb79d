//! HTTP: HTTP/1.1 told from HTTP/2, limits, time-outs, bodies, compression.
//!
//! [`Http`] is a [`Protocol`](crate::net::Protocol). Handlers are local to the core: nothing here
//! needs `Send`. A panic in a handler closes its connection (HTTP/2: its stream) and nothing else.

mod arrival;
mod body;
mod budget;
mod caller;
mod compress;
mod conn;
mod cors;
mod door;
mod io;
mod limits;
mod negotiated;
mod serve;

pub use arrival::Arrival;
pub use body::{BodyError, ReplyBody, read_body, skip_body};
pub use budget::{Admission, BODIES_BYTES_DEFAULT, BodyBudget, Busy, SMALL_BODY_BYTES_MAX};
pub use caller::{Caller, Watched};
pub use compress::{GZIP_BYTES_MIN, accepts_gzip, decompress_admitted, decompress_body};
pub use conn::{Http, broken_off};
pub use cors::{is_preflight, preflight_reply};
pub use door::{Callers, Door, Refusal, SharedCallers, parse_host, parse_origin};
pub use limits::HttpLimits;
pub use negotiated::Negotiated;
pub use serve::{serve, serve_with};

#[cfg(test)]
pub(crate) mod tests;
