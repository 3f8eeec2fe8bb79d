//! Somebody whom calls go through, while there is a reason to.

use super::encoded::Encoded;
use super::status::Status;
use crate::http::Caller;
use bytes::Bytes;
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

/// What a method answers, sooner or later.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Encoded, Status>> + 'a>>;
/// A method that is ready to be called.
pub type Method<'a> = Box<dyn FnOnce(Bytes) -> Answering<'a> + 'a>;

/// Whom unary calls go through that somebody looks at.
pub trait Intercept: Debug {
    /// Calls `method` with this request, or doesn't, and gives the answer. `path` is
    /// `/package.Service/Method`.
    fn around<'a>(
        &'a self,
        caller: Caller,
        path: &'a str,
        request: Bytes,
        method: Method<'a>,
    ) -> Answering<'a>;
}
