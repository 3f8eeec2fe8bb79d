//! lclq: a local cloud queue. See ARCHITECTURE.md for the picture.
pub mod http;
pub mod runtime;
