//! AWS IAM and SQS queue policies: read once, then asked for each request.
//!
//! Nothing here opens a socket, reads a clock or a file. A [`Policy`] is made of text, a [`Request`]
//! says who wants to do what and in which circumstances, and [`decide`] answers. [`explain`] answers
//! the same and tells for every statement why it applies, or what kept it from applying.
//!
//! A policy with no conditions is asked without allocating.

#![forbid(unsafe_code)]

mod arn;
mod choice;
mod condition;
mod dates;
mod decision;
mod error;
mod explanation;
mod json;
mod networks;
mod numbers;
mod operator;
mod pattern;
mod policy;
mod principals;
mod request;
mod statement;
mod template;

pub use decision::{Because, Cause, Decision, Outcome, Source, decide};
pub use error::PolicyError;
pub use explanation::{Considered, Explanation, explain};
pub use policy::{POLICY_BYTES_MAX, Policy, STATEMENTS_MAX};
pub use request::{Context, Keys, Principal, PrincipalKind, Request, Values};
pub use statement::Effect;
