//! What the load generator sends and how it reads the answers.
//!
//! The generator shares the machine with the server it measures, so what it costs is taken from
//! the server: requests are built once, answers are framed by hand, and nothing is parsed that
//! isn't needed.

#[cfg(unix)]
pub mod http2;
pub mod noop;
pub mod protobuf;
#[cfg(unix)]
pub mod pubsub;
pub mod report;
pub mod request;
pub mod response;
pub mod schedule;
#[cfg(target_os = "linux")]
pub mod server;
