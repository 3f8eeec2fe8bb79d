//! A local AWS SQS and Google Cloud Pub/Sub inside a test's own process: on free ports of loopback, without a
//! binary to find and a process to end.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sandbox = lclq_testkit::sandbox()?;
//! // For an SQS client: the endpoint, and an access key that is an account of this test's own.
//! println!("{} {}", sandbox.endpoint(), sandbox.account());
//! // For a Pub/Sub client: PUBSUB_EMULATOR_HOST, and a project of this test's own.
//! println!("{} {}", sandbox.pubsub(), sandbox.project());
//! # sandbox.reset()?;
//! # Ok(())
//! # }
//! ```
//!
//! Tests that move the clock or set faults want a server of their own, [`Server::start`]. All functions block,
//! for milliseconds; the server runs on threads of its own.
//!
//! What an `lclq` process does and this doesn't: run user-defined functions (JavaScript transforms of
//! Pub/Sub), and write a log of its own; its events go to the `tracing` subscriber of the process, if it has one.

mod controls;
mod place;
mod sandbox;
mod server;

pub use controls::{Clock, ControlError, Faults};
pub use sandbox::{REGION, Sandbox};
pub use server::{Server, StartError};
use std::sync::{Mutex, PoisonError};

/// A sandbox on a server that all tests of this process share, which ends with the process.
///
/// # Errors
/// The server can't be started.
pub fn sandbox() -> Result<Sandbox, StartError> {
    static SHARED: Mutex<Option<&'static Server>> = Mutex::new(None);
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    let server = match *shared {
        Some(server) => server,
        None => *shared.insert(Box::leak(Box::new(Server::start()?))),
    };
    Ok(server.sandbox())
}
