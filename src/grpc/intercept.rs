//! Somebody who has a word before a method is called.

use super::status::Status;
use bytes::Bytes;
use std::future::Future;
use std::pin::Pin;

/// What becomes of a call once its request has been read.
#[derive(Debug)]
pub enum Intercepted {
    /// It is carried out and answered.
    Goes,
    /// It isn't carried out.
    Ends(Status),
    /// It is carried out and answered like this.
    EndsAfter(Status),
}

/// Has a word before methods are called. Asked for each unary call, so [`Intercept::is_on`] is cheap.
pub trait Intercept: std::fmt::Debug {
    /// Whether it has anything to say at all.
    fn is_on(&self) -> bool;

    /// What becomes of a call to `path`, `/package.Service/Method`, with this request.
    fn before<'a>(
        &'a self,
        path: &'a str,
        request: &'a Bytes,
    ) -> Pin<Box<dyn Future<Output = Intercepted> + 'a>>;
}
