//! One core's side of a listener.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use slab::Slab;

use super::conn::{self, Shared};
use super::limits::HttpLimits;
use crate::runtime::{Listener, Shutdown, sleep, spawn_local, timeout, yield_now};

/// How long to leave the backlog alone when the process is out of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections and answers their requests with `handler` until `shutdown`, then stops
/// accepting, lets the requests in flight end for [`HttpLimits::shutdown_ms_max`], and drops what
/// is left. Returns when every connection has ended.
pub async fn serve<H, Fut, B>(
    mut listener: Listener,
    limits: Rc<HttpLimits>,
    handler: H,
    shutdown: Shutdown,
) where
    H: Fn(Request<Incoming>) -> Fut + 'static,
    Fut: Future<Output = Response<B>> + 'static,
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let shared = Rc::new(Shared {
        handler,
        limits,
        open: RefCell::new(Slab::new()),
        stopping: Cell::new(false),
        dropping: Cell::new(false),
        drained: Cell::new(None),
    });
    {
        let mut accepting = pin!(accept(&mut listener, &shared));
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

    shared.stopping.set(true);
    shared.wake_all();
    let time = Duration::from_millis(shared.limits.shutdown_ms_max);
    if timeout(time, drained(&shared)).await.is_err() {
        tracing::warn!(
            connections = shared.open.borrow().len(),
            "dropping connections that didn't end in time"
        );
        shared.dropping.set(true);
        shared.wake_all();
        drained(&shared).await;
    }
}

async fn drained<H>(shared: &Shared<H>) {
    poll_fn(|cx| {
        if shared.open.borrow().is_empty() {
            return Poll::Ready(());
        }
        shared.drained.set(Some(cx.waker().clone()));
        Poll::Pending
    })
    .await
}

/// Accepts for ever: no error ends it.
async fn accept<H, Fut, B>(listener: &mut Listener, shared: &Rc<Shared<H>>)
where
    H: Fn(Request<Incoming>) -> Fut + 'static,
    Fut: Future<Output = Response<B>> + 'static,
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let mut starved = false;
    loop {
        match listener.accept().await {
            Ok(stream) => {
                starved = false;
                if listener.connections_open() > shared.limits.connections_per_core_max {
                    // Dropping it closes it. Every core is at its bound then, since the listener
                    // gives to the least loaded.
                    tracing::debug!("too many connections: one refused");
                    continue;
                }
                spawn_local(conn::run(stream, shared.clone()));
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
