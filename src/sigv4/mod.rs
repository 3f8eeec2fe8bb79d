//! AWS Signature Version 4, as a service checks it: in the header and in the query of a presigned URL.
//!
//! Source: AWS' documentation of signed requests, its test suite for signers, and recorded refusals
//! of the service. What is signed is computed from the request as it came, so nothing that a client
//! says of itself is believed before its signature is found right.

mod canonical;
mod claim;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod heads;
mod instant;
mod refusal;
#[cfg(test)]
mod tests;
mod verify;

pub use refusal::{Problem, Refusal};
pub use verify::{Keys, Known, SecretKey, Signed, Verifier};
