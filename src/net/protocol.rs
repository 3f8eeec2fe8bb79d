//! What is spoken on a connection.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use super::accept::serve;
use super::channel::{Channel, Secure};
use super::drain::Drain;
use super::figures::ConnectionFigures;
use super::limits::NetLimits;
use super::listed::Listing;
use crate::runtime::{Listener, Shutdown};

/// Time for the opening of a connection within the process, which is there already.
#[cfg(feature = "fuzzing")]
const OPENING_WITHIN: std::time::Duration = std::time::Duration::from_secs(60);

/// What is spoken on the connections of a listener. The client speaks first: a connection gets
/// here with its first byte.
pub trait Protocol: 'static {
    /// Serves one connection to its end. Dropping the future must end the connection; that is what
    /// happens to one that has not ended in time after `drain` has asked for it. A panic closes the
    /// connection and nothing else: what it shares with others must be in order across an unwind.
    fn serve(&self, channel: Channel, drain: Drain) -> impl Future<Output = ()> + 'static;
}

/// Any protocol, chosen once for a listener; its connections are served without another look.
pub trait AnyProtocol {
    /// Does what [`serve`] does.
    fn serve_listener(
        self: Rc<Self>,
        listener: Listener,
        limits: NetLimits,
        secure: Option<Rc<dyn Secure>>,
        shutdown: Shutdown,
        listing: Option<Listing>,
        figures: Arc<ConnectionFigures>,
    ) -> Pin<Box<dyn Future<Output = ()>>>;

    /// Serves one connection within the process to its end.
    #[cfg(feature = "fuzzing")]
    fn serve_within(self: Rc<Self>, wire: super::memory::Wire)
    -> Pin<Box<dyn Future<Output = ()>>>;
}

impl<P: Protocol> AnyProtocol for P {
    fn serve_listener(
        self: Rc<Self>,
        listener: Listener,
        limits: NetLimits,
        secure: Option<Rc<dyn Secure>>,
        shutdown: Shutdown,
        listing: Option<Listing>,
        figures: Arc<ConnectionFigures>,
    ) -> Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(serve(
            listener, limits, secure, self, shutdown, listing, figures,
        ))
    }

    #[cfg(feature = "fuzzing")]
    fn serve_within(
        self: Rc<Self>,
        wire: super::memory::Wire,
    ) -> Pin<Box<dyn Future<Output = ()>>> {
        let opens_until = std::time::Instant::now() + OPENING_WITHIN;
        Box::pin(async move {
            if let Ok(Some(channel)) = Channel::open_within(wire, opens_until).await {
                self.serve(channel, Drain::never()).await;
            }
        })
    }
}
