//! What an expression is evaluated against, and how much it looked at.

use crate::request::Request;
use std::cell::Cell;
use std::time::UNIX_EPOCH;

const NANOS_PER_MILLI: i128 = 1_000_000;

pub(crate) struct Scope<'a> {
    pub(crate) request: &'a Request<'a>,
    /// The request's time, in nanoseconds since 1970 and whole milliseconds, as IAM has it.
    pub(crate) now_ns: i128,
    steps: Cell<u64>,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(request: &'a Request<'a>) -> Self {
        let nanos = match request.time.duration_since(UNIX_EPOCH) {
            Ok(since) => since.as_nanos().cast_signed(),
            Err(before) => -before.duration().as_nanos().cast_signed(),
        };
        Self {
            request,
            now_ns: nanos.div_euclid(NANOS_PER_MILLI) * NANOS_PER_MILLI,
            steps: Cell::new(0),
        }
    }

    /// Counts one part of an expression, and bytes that it looks at.
    pub(crate) fn step(&self, bytes: usize) {
        self.steps.set(self.steps.get() + 1 + bytes as u64);
    }

    /// Parts that were evaluated, and bytes that they looked at.
    pub(crate) fn steps(&self) -> u64 {
        self.steps.get()
    }
}
