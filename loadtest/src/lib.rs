//! What the load generator sends and how it reads the answers.
//!
//! The generator shares the machine with the server it measures, so what it costs is taken from
//! the server: requests are built once, answers are framed by hand, and nothing is parsed that
//! isn't needed.

pub mod request;
pub mod response;
