//! gRPC on hyper's HTTP/2, for futures that stay on their core.
//!
//! `build.rs` makes a trait of each service in `proto/`, whose methods take and give messages, and
//! a `dispatch` that leads a [`Call`] to them. Methods on hot paths take and give encoded messages.

mod body;
mod call;
mod compression;
mod deadline;
mod encoded;
mod error;
mod fields;
mod frames;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod health;
mod intercept;
mod limits;
mod reflection;
mod replies;
mod requests;
mod status;
mod streams;
mod trailers;

pub use body::GrpcBody;
pub use call::{Answer, Call, is_grpc};
pub use encoded::{Encoded, EncodedBuf, FRAME_HEAD_BYTES, call_decoded, decode};
pub use error::not_unary;
pub use health::HealthService;
pub use intercept::{Answering, Intercept, Method};
pub use limits::GrpcLimits;
pub use reflection::ReflectionService;
pub use replies::{Closed, Replies};
pub use requests::Requests;
pub use status::{Code, Status};
pub use streams::GrpcCore;
pub use trailers::{STATUS as GRPC_STATUS, error_answer};

#[cfg(test)]
mod tests;
