//! What the micro-benchmarks and the gate on instruction counts share.
//!
//! The benchmarks themselves are in `criterion/`, the gate is the program `instructions`, run by
//! `benches/gate`.

pub mod dialect;
pub mod engine;
pub mod pubsub;
pub mod topics;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

// As the server has it.
#[global_allocator]
static ALLOCATOR: lclq::allocator::Allocator = lclq::allocator::Allocator;

/// What a future comes to that never has to wait.
///
/// # Panics
/// If it waits.
pub fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}
