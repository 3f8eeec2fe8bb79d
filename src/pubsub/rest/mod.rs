//! Pub/Sub over HTTP with JSON.
//!
//! Which requests there are, and what they look like, comes from the descriptors of `proto/`. A
//! request is transcoded to protobuf, takes the way of a gRPC call, and the reply is transcoded
//! back: so both give the same results.

mod bindings;
mod from_json;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod problems;
mod request;
mod scalar;
mod server;
mod template;
pub(super) mod text_forms;
mod to_json;
mod types;
mod wire;

pub(super) use server::error_reply;
pub use server::{FromInside, Rest, Sender, UnaryCaller};

#[cfg(test)]
mod tests;
