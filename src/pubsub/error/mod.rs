//! Every error of the dialect that a client can see: codes, statuses and texts are chosen here.
//!
//! Texts follow the service's where they are known: client libraries and users' tests look at
//! them.

use std::borrow::Cow;

use crate::grpc::{Code, Status};

mod acks;
mod arguments;
mod messages;
mod names;
mod regions;
mod requests;
mod rest;
mod server;
mod settings;
#[cfg(test)]
mod tests;
pub mod violations;

pub use acks::*;
pub use arguments::*;
pub use messages::*;
pub use names::*;
pub use regions::*;
pub use requests::*;
pub use rest::*;
pub use server::*;
pub use settings::*;

/// An error of the dialect. Over gRPC it goes into `grpc-status`, `grpc-message` and
/// `grpc-status-details-bin`, over REST into [`rest_error`].
pub type PubsubError = Status;

/// What the dialect's functions return.
pub type PubsubResult<T> = Result<T, PubsubError>;

/// Who the reasons of an `ErrorInfo` are of.
const DOMAIN: &str = "pubsub.googleapis.com";

fn invalid(message: impl Into<Cow<'static, str>>) -> PubsubError {
    Status::new(Code::InvalidArgument, message)
}

fn failed(message: impl Into<Cow<'static, str>>) -> PubsubError {
    Status::new(Code::FailedPrecondition, message)
}

/// More of something than the server keeps.
fn exhausted(message: impl Into<Cow<'static, str>>) -> PubsubError {
    Status::new(Code::ResourceExhausted, message)
}
