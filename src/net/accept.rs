//! One core's side of a listener.

use std::future::{Future, poll_fn};
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::channel::Secure;
use super::connection;
use super::drain::Connections;
use super::figures::{ConnectionFigures, OpenConnection};
use super::limits::NetLimits;
use super::listed::Listing;
use super::protocol::Protocol;
use crate::quotas::Place;
use crate::runtime::{Listener, Shutdown, Stream, sleep, spawn_local, timeout, yield_now};

/// How long to leave the backlog alone when the process is out of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections and has `protocol` serve them until `shutdown`, then stops accepting, lets
/// what is under way end for [`NetLimits::shutdown_ms_max`], and drops what is left. Returns when
/// every connection has ended. Operators see them where there is a `listing`.
pub async fn serve<P: Protocol>(
    mut listener: Listener,
    limits: NetLimits,
    secure: Option<Rc<dyn Secure>>,
    protocol: Rc<P>,
    shutdown: Shutdown,
    listing: Option<Listing>,
    figures: Arc<ConnectionFigures>,
) {
    let connections = Rc::new(Connections::default());
    {
        let take = |stream, place: Option<Place<IpAddr>>| {
            let (secure, protocol) = (secure.clone(), protocol.clone());
            let connections = connections.clone();
            let opening_ms_max = limits.opening_ms_max;
            let listing = listing.clone();
            let open = OpenConnection::new(figures.clone());
            let run = connection::run(
                stream,
                opening_ms_max,
                secure,
                protocol,
                connections,
                listing,
                open,
            );
            async move {
                let _place = place;
                run.await;
            }
        };
        let refused = || figures.refused();
        let accepting = accept(&mut listener, &limits, take, refused);
        let mut accepting = pin!(accepting);
        let mut asked = pin!(shutdown.wait());
        poll_fn(|cx| {
            if asked.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            accepting.as_mut().poll(cx)
        })
        .await;
    }
    drop(listener);

    connections.stop();
    let time = Duration::from_millis(limits.shutdown_ms_max);
    if timeout(time, connections.drained()).await.is_err() {
        tracing::warn!(
            connections = connections.count(),
            "dropping connections that didn't end in time"
        );
        connections.drop_all();
        connections.drained().await;
    }
}

/// Accepts for ever: no error ends it.
async fn accept<F>(
    listener: &mut Listener,
    limits: &NetLimits,
    take: impl Fn(Stream, Option<Place<IpAddr>>) -> F,
    refused: impl Fn(),
) where
    F: Future<Output = ()> + 'static,
{
    let mut starved = false;
    loop {
        match listener.accept().await {
            Ok(stream) => {
                starved = false;
                if listener.connections_open() > limits.connections_per_core_max {
                    refused();
                    // Dropping it closes it. Every core is at its bound then, since the listener
                    // gives to the least loaded.
                    tracing::debug!("too many connections: one refused");
                    continue;
                }
                let place = match &limits.connections_per_address {
                    None => None,
                    Some(standing) => {
                        match stream.peer_addr().map(|peer| standing.enter(&peer.ip())) {
                            Ok(Some(place)) => Some(place),
                            Ok(None) => {
                                refused();
                                tracing::debug!("too many connections of one address: one refused");
                                continue;
                            }
                            // It has gone already.
                            Err(_) => continue,
                        }
                    }
                };
                spawn_local(take(stream, place));
            }
            Err(error) if is_about_one_connection(&error) => yield_now().await,
            Err(error) => {
                // Out of descriptors or memory, mostly. The connection stays in the backlog, so
                // accepting again at once would only spin.
                if !std::mem::replace(&mut starved, true) {
                    tracing::error!(%error, "can't accept connections; trying again");
                }
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The client gave up before we accepted it. (Setting a socket option on such a connection fails
/// with EINVAL on some systems.)
fn is_about_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::NotConnected
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::Interrupted
    )
}
