//! lclq: a local cloud queue. ARCHITECTURE.md has the picture.

pub mod admin;
pub mod allocator;
mod bearer;
mod chance;
pub mod cli;
pub mod cluster;
pub mod config;
mod console;
pub mod credentials;
pub mod faults;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod grpc;
mod hex;
pub mod http;
pub mod interceptors;
pub mod log;
pub mod mesh;
pub mod net;
pub mod observe;
pub mod operate;
pub mod otlp;
pub mod policies;
pub mod portable;
pub mod profile;
pub mod proto;
mod protobuf;
pub mod pubsub;
pub mod quotas;
pub mod regions;
pub mod runtime;
pub mod server;
mod sigv4;
#[cfg(test)]
mod source_scan;
pub mod sqs;
pub mod store_tools;
pub mod tls;
