//! One connection: sniffed, served, watched.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use slab::Slab;

use super::io::{ConnIo, ConnState, Protocol};
use super::limits::HttpLimits;
use crate::runtime::{HyperExecutor, HyperTimer, Sleep, Stream, timeout};

/// What the connections of one core share.
pub(super) struct Shared<H> {
    pub(super) handler: H,
    pub(super) limits: Rc<HttpLimits>,
    pub(super) open: RefCell<Slab<Waker>>,
    /// End when the requests in flight are answered.
    pub(super) stopping: Cell<bool>,
    /// End now.
    pub(super) dropping: Cell<bool>,
    /// Whoever waits for the last connection to end.
    pub(super) drained: Cell<Option<Waker>>,
}

impl<H> Shared<H> {
    /// Makes every connection look at the flags.
    pub(super) fn wake_all(&self) {
        for (_, waker) in self.open.borrow().iter() {
            waker.wake_by_ref();
        }
    }
}

/// A connection's place in [`Shared::open`].
struct Place<H> {
    shared: Rc<Shared<H>>,
    key: usize,
}

impl<H> Drop for Place<H> {
    fn drop(&mut self) {
        let waker = self.shared.open.borrow_mut().remove(self.key);
        drop(waker);
        if self.shared.open.borrow().is_empty()
            && let Some(waker) = self.shared.drained.take()
        {
            waker.wake();
        }
    }
}

/// Serves one connection to its end.
pub(super) async fn run<H, Fut, B>(stream: Stream, shared: Rc<Shared<H>>)
where
    H: Fn(Request<Incoming>) -> Fut + 'static,
    Fut: Future<Output = Response<B>> + 'static,
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let waker = std::future::poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
    let key = shared.open.borrow_mut().insert(waker);
    let place = Place { shared, key };
    let limits = &place.shared.limits;
    let header_time = Duration::from_millis(limits.header_ms_max);

    let state = Rc::new(ConnState::default());
    let mut io = ConnIo::new(stream, state.clone());
    let protocol = {
        let sniff = Sniff {
            shared: &place.shared,
            sniff: io.sniff(),
        };
        match timeout(header_time, sniff).await {
            Ok(Some(Ok(Some(protocol)))) => protocol,
            // Closed before the first request, broken, too slow, or we are stopping.
            _ => return,
        }
    };
    let service = Service {
        shared: place.shared.clone(),
        state: state.clone(),
    };
    let http = match protocol {
        Protocol::Http1 => {
            let http = http1(limits).serve_connection(io, service);
            Http::Http1 { http }
        }
        Protocol::Http2 => {
            let http = http2(limits).serve_connection(io, service);
            Http::Http2 { http }
        }
    };
    let idle = Duration::from_millis(limits.idle_ms_max);
    let watch = Watch {
        head_armed: false,
        requests_seen: 0,
        closing: false,
        sleep: Sleep::until(Instant::now() + idle),
        idle,
        header_time,
        is_http1: protocol == Protocol::Http1,
    };
    Connection {
        http,
        watch,
        state,
        place,
        told: false,
    }
    .await;
}

fn http1(limits: &HttpLimits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        // A client that closes is gone: its long poll must be dropped, or messages would be leased
        // to nobody. Half-closed clients that still read are too rare to pay that for.
        .half_close(false)
        .keep_alive(true)
        // No pipeline_flush: with it hyper never sends its 431 or 400 if more input is waiting, and
        // keeps the largest reply's room for as long as the connection lives.
        .max_headers(limits.headers_max)
        .max_header_size(limits.header_bytes_max)
        // One body frame is at most this long.
        .max_buf_size(limits.header_bytes_max.max(64 * 1024));
    // No header_read_timeout: hyper would allocate a timer for every request. `Watch` does it, and
    // tells a slow head from an idle connection besides.
    builder
}

fn http2(limits: &HttpLimits) -> http2::Builder<HyperExecutor> {
    let mut builder = http2::Builder::new(HyperExecutor);
    builder
        .timer(HyperTimer)
        .max_concurrent_streams(limits.http2_streams_max)
        // Windows: a stream can carry the largest publish in one go, and a client's streams
        // together can't make us buffer more than the connection's.
        .initial_stream_window_size(1024 * 1024)
        .initial_connection_window_size(4 * 1024 * 1024)
        .max_frame_size(64 * 1024)
        .max_send_buf_size(512 * 1024)
        .max_header_list_size(limits.header_bytes_max.min(u32::MAX as usize) as u32)
        // A client that opens and resets streams faster than we answer is cut off (CVE-2023-44487).
        .max_pending_accept_reset_streams(64)
        .max_local_error_reset_streams(256)
        .keep_alive_interval(Duration::from_millis(limits.http2_ping_every_ms))
        .keep_alive_timeout(Duration::from_millis(limits.http2_ping_ms_max));
    builder
}

pin_project_lite::pin_project! {
    /// Gives up sniffing when the server stops: nothing has been asked yet.
    struct Sniff<'a, H, F> {
        shared: &'a Shared<H>,
        #[pin]
        sniff: F,
    }
}

impl<H, F: Future> Future for Sniff<'_, H, F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if this.shared.stopping.get() {
            return Poll::Ready(None);
        }
        this.sniff.poll(cx).map(Some)
    }
}

/// Calls the handler and counts its requests.
struct Service<H> {
    shared: Rc<Shared<H>>,
    state: Rc<ConnState>,
}

impl<H, Fut, B> hyper::service::Service<Request<Incoming>> for Service<H>
where
    H: Fn(Request<Incoming>) -> Fut,
    Fut: Future<Output = Response<B>>,
{
    type Response = Response<InFlightBody<B>>;
    type Error = Infallible;
    type Future = InFlight<Fut>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let state = &self.state;
        state.requests.set(state.requests.get() + 1);
        state.in_flight.set(state.in_flight.get() + 1);
        state.head_partial.set(false);
        let counted = Counted {
            state: state.clone(),
        };
        InFlight {
            future: (self.shared.handler)(request),
            counted: Some(counted),
        }
    }
}

pin_project_lite::pin_project! {
    /// A request until the head of its answer is there.
    struct InFlight<F> {
        #[pin]
        future: F,
        counted: Option<Counted>,
    }
}

impl<F, B> Future for InFlight<F>
where
    F: Future<Output = Response<B>>,
{
    type Output = Result<Response<InFlightBody<B>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.future.poll(cx).map(|reply| {
            let counted = this.counted.take();
            Ok(reply.map(|body| InFlightBody {
                body,
                _counted: counted,
            }))
        })
    }
}

pin_project_lite::pin_project! {
    /// The answer of a request, which is in flight until all of it has been handed to hyper: a
    /// stream may go on for hours after its head.
    struct InFlightBody<B> {
        #[pin]
        body: B,
        _counted: Option<Counted>,
    }
}

impl<B: Body> Body for InFlightBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

struct Counted {
    state: Rc<ConnState>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let state = &self.state;
        state.in_flight.set(state.in_flight.get() - 1);
        // Body bytes looked like the start of a head.
        state.head_partial.set(false);
    }
}

/// The clock of a connection. One timer, which a busy connection never moves: when it fires it
/// looks whether anything happened since, so a request costs it no clock reading and no store.
struct Watch {
    sleep: Sleep,
    /// The timer is set to the end of the time for a head, not of that for being idle.
    head_armed: bool,
    requests_seen: u64,
    closing: bool,
    is_http1: bool,
    idle: Duration,
    header_time: Duration,
}

enum Verdict {
    Fine,
    CloseGracefully,
    Drop,
}

impl Watch {
    fn poll(&mut self, state: &ConnState, cx: &mut Context<'_>) -> Verdict {
        // HTTP/2's frames aren't heads: its own pings find the dead.
        let head_partial = self.is_http1 && state.head_partial.get() && state.in_flight.get() == 0;
        if head_partial != self.head_armed {
            self.head_armed = head_partial;
            let time = if head_partial {
                self.header_time
            } else {
                self.idle
            };
            self.sleep.reset(Instant::now() + time);
        }
        while Pin::new(&mut self.sleep).poll(cx).is_ready() {
            if self.head_armed || self.closing {
                return Verdict::Drop;
            }
            let requests = state.requests.get();
            if state.in_flight.get() == 0 && requests == self.requests_seen {
                self.closing = true;
                self.sleep.reset(Instant::now() + self.header_time);
                return Verdict::CloseGracefully;
            }
            self.requests_seen = requests;
            self.sleep.reset(Instant::now() + self.idle);
        }
        Verdict::Fine
    }
}

type Io = ConnIo<Stream>;

pin_project_lite::pin_project! {
    #[project = HttpProj]
    enum Http<H, Fut, B>
    where
        H: Fn(Request<Incoming>) -> Fut,
        Fut: Future<Output = Response<B>>,
        Fut: 'static,
        B: Body,
        B: 'static,
    {
        Http1 { #[pin] http: http1::Connection<Io, Service<H>> },
        Http2 { #[pin] http: http2::Connection<Io, Service<H>, HyperExecutor> },
    }
}

impl<H, Fut, B> Http<H, Fut, B>
where
    H: Fn(Request<Incoming>) -> Fut,
    Fut: Future<Output = Response<B>> + 'static,
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        match self.project() {
            HttpProj::Http1 { http } => http.poll(cx),
            HttpProj::Http2 { http } => http.poll(cx),
        }
    }

    fn graceful_shutdown(self: Pin<&mut Self>) {
        match self.project() {
            HttpProj::Http1 { http } => http.graceful_shutdown(),
            HttpProj::Http2 { http } => http.graceful_shutdown(),
        }
    }
}

pin_project_lite::pin_project! {
    struct Connection<H, Fut, B>
    where
        H: Fn(Request<Incoming>) -> Fut,
        Fut: Future<Output = Response<B>>,
        Fut: 'static,
        B: Body,
        B: 'static,
    {
        #[pin]
        http: Http<H, Fut, B>,
        watch: Watch,
        state: Rc<ConnState>,
        place: Place<H>,
        told: bool,
    }
}

impl<H, Fut, B> Future for Connection<H, Fut, B>
where
    H: Fn(Request<Incoming>) -> Fut,
    Fut: Future<Output = Response<B>> + 'static,
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let shared = &this.place.shared;
        if shared.dropping.get() {
            return Poll::Ready(());
        }
        if shared.stopping.get() && !*this.told {
            *this.told = true;
            this.http.as_mut().graceful_shutdown();
        }
        loop {
            // Sound to assert: the connection is dropped right away, and what its handler shares
            // with the rest of the core is the handler's to keep in order across an unwind.
            match catch_unwind(AssertUnwindSafe(|| this.http.as_mut().poll(cx))) {
                Ok(Poll::Pending) => {}
                Ok(Poll::Ready(Ok(()))) => return Poll::Ready(()),
                Ok(Poll::Ready(Err(error))) => {
                    tracing::debug!(%error, "a connection broke");
                    return Poll::Ready(());
                }
                Err(_) => {
                    tracing::error!("a request's handler panicked; its connection is closed");
                    return Poll::Ready(());
                }
            }
            match this.watch.poll(this.state, cx) {
                Verdict::Fine => return Poll::Pending,
                Verdict::Drop => return Poll::Ready(()),
                Verdict::CloseGracefully => {
                    *this.told = true;
                    this.http.as_mut().graceful_shutdown();
                }
            }
        }
    }
}
