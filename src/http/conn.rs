//! One connection: its version told, served, watched.

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{HeaderValue, USER_AGENT};
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};

use super::arrival::Arrival;
use super::caller::Watched;
use super::io::{ConnIo, ConnState, Version, version};
use super::limits::HttpLimits;
use crate::net::{Channel, Drain, Protocol, Spoken};
use crate::runtime::{HyperExecutor, HyperTimer, Sleep, timeout};

/// HTTP, told apart by a connection's first bytes, its requests answered by a handler.
pub struct Http<H> {
    handler: Rc<H>,
    limits: Rc<HttpLimits>,
    watched: Watched,
}

impl<H> Http<H> {
    /// HTTP within `limits` on the calling core, answered by `handler`.
    pub fn new<Fut>(limits: Rc<HttpLimits>, handler: H) -> Self
    where
        H: Fn(Request<Incoming>, Arrival) -> Fut,
    {
        Http {
            handler: Rc::new(handler),
            limits,
            watched: Watched::default(),
        }
    }

    /// Has those requests that are watched tell that they are, and which connection they came by.
    #[must_use]
    pub fn watched(mut self, watched: Watched) -> Self {
        self.watched = watched;
        self
    }
}

impl<H, Fut, B> Protocol for Http<H>
where
    H: Fn(Request<Incoming>, Arrival) -> Fut + 'static,
    Fut: Future<Output = Response<B>> + 'static,
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    fn serve(&self, channel: Channel, drain: Drain) -> impl Future<Output = ()> + 'static {
        let watched = self.watched.clone();
        let handler = self.handler.clone();
        run(channel, drain, handler, self.limits.clone(), watched)
    }
}

/// Serves one connection to its end.
async fn run<H, Fut, B>(
    mut channel: Channel,
    drain: Drain,
    handler: Rc<H>,
    limits: Rc<HttpLimits>,
    watched: Watched,
) where
    H: Fn(Request<Incoming>, Arrival) -> Fut + 'static,
    Fut: Future<Output = Response<B>> + 'static,
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let time = channel
        .opens_until()
        .saturating_duration_since(Instant::now());
    let told = drain.or_stop(version(&mut channel));
    let Ok(Some(Ok(version))) = timeout(time, told).await else {
        // Broken, too slow, or we are stopping, and nothing has been asked yet.
        return;
    };
    channel.speaks(match version {
        Version::Http1 => Spoken::Http1,
        Version::Http2 => Spoken::Http2,
    });
    let state = Rc::new(ConnState {
        seen: channel.connection().cloned(),
        arrival: Arrival::by(channel.connection(), channel.by_tls()),
        ..ConnState::default()
    });
    if let Some(seen) = &state.seen {
        let _ = seen.protocol.set(match version {
            Version::Http1 => "http/1.1",
            Version::Http2 => "http/2",
        });
    }
    state.head_partial.set(version == Version::Http1);
    let io = ConnIo::new(channel, state.clone());
    let service = Service {
        handler,
        state: state.clone(),
        is_http1: version == Version::Http1,
        watched,
    };
    let driver = match version {
        Version::Http1 => Driver::Http1 {
            http: http1(&limits).serve_connection(io, service),
        },
        Version::Http2 => Driver::Http2 {
            http: http2(&limits).serve_connection(io, service),
        },
    };
    let idle = Duration::from_millis(limits.idle_ms_max);
    let watch = Watch {
        head_armed: false,
        requests_seen: 0,
        closing: false,
        sleep: Sleep::until(Instant::now() + idle),
        idle,
        header_time: Duration::from_millis(limits.header_ms_max),
        is_http1: version == Version::Http1,
    };
    drop(limits);
    Connection {
        driver,
        watch,
        state,
        drain,
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

/// Calls the handler and counts its requests.
struct Service<H> {
    handler: Rc<H>,
    state: Rc<ConnState>,
    is_http1: bool,
    watched: Watched,
}

impl<H, Fut, B> hyper::service::Service<Request<Incoming>> for Service<H>
where
    H: Fn(Request<Incoming>, Arrival) -> Fut,
    Fut: Future<Output = Response<B>>,
{
    type Response = Response<InFlightBody<B>>;
    type Error = Infallible;
    type Future = InFlight<Fut>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let state = &self.state;
        state.requests.set(state.requests.get() + 1);
        state.in_flight.set(state.in_flight.get() + 1);
        state.head_partial.set(false);
        if let Some(seen) = &state.seen {
            seen.requests.store(state.requests.get(), Ordering::Relaxed);
            seen.in_flight
                .store(state.in_flight.get(), Ordering::Relaxed);
            if state.requests.get() == 1
                && let Some(Ok(name)) = request.headers().get(USER_AGENT).map(HeaderValue::to_str)
            {
                seen.note_user_agent(name);
            }
        }
        if let Some(mut looked) = self.watched.look(request.headers()) {
            looked.connection = state.seen.clone();
            request.extensions_mut().insert(looked);
        }
        let counted = Counted {
            state: state.clone(),
        };
        InFlight {
            future: (self.handler)(request, state.arrival.clone()),
            counted: Some(counted),
            is_http1: self.is_http1,
        }
    }
}

pin_project_lite::pin_project! {
    /// A request until the head of its answer is there.
    struct InFlight<F> {
        #[pin]
        future: F,
        counted: Option<Counted>,
        is_http1: bool,
    }
}

/// Marks an answer that never leaves: its connection ends instead.
#[derive(Clone, Copy)]
struct BrokenOff;

/// Has the connection end instead of taking this answer.
pub fn broken_off<B>(mut answer: Response<B>) -> Response<B> {
    answer.extensions_mut().insert(BrokenOff);
    answer
}

impl<F, B> Future for InFlight<F>
where
    F: Future<Output = Response<B>>,
{
    type Output = Result<Response<InFlightBody<B>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let reply = ready!(this.future.poll(cx));
        if reply.extensions().get::<BrokenOff>().is_some()
            && let Some(counted) = this.counted
        {
            counted.state.broken_off.set(true);
            // HTTP/1 would write what it is given, and looks at the connection next; HTTP/2 wakes the
            // connection's task by giving it something.
            if *this.is_http1 {
                return Poll::Pending;
            }
        }
        let counted = this.counted.take();
        Poll::Ready(Ok(reply.map(|body| InFlightBody {
            body,
            _counted: counted,
        })))
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
        if let Some(seen) = &state.seen {
            seen.in_flight
                .store(state.in_flight.get(), Ordering::Relaxed);
        }
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

type Io = ConnIo<Channel>;

pin_project_lite::pin_project! {
    #[project = DriverProj]
    enum Driver<H, Fut, B>
    where
        H: Fn(Request<Incoming>, Arrival) -> Fut,
        Fut: Future<Output = Response<B>>,
        Fut: 'static,
        B: Body,
        B: 'static,
    {
        Http1 { #[pin] http: http1::Connection<Io, Service<H>> },
        Http2 { #[pin] http: http2::Connection<Io, Service<H>, HyperExecutor> },
    }
}

impl<H, Fut, B> Driver<H, Fut, B>
where
    H: Fn(Request<Incoming>, Arrival) -> Fut,
    Fut: Future<Output = Response<B>> + 'static,
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        match self.project() {
            DriverProj::Http1 { http } => http.poll(cx),
            DriverProj::Http2 { http } => http.poll(cx),
        }
    }

    fn graceful_shutdown(self: Pin<&mut Self>) {
        match self.project() {
            DriverProj::Http1 { http } => http.graceful_shutdown(),
            DriverProj::Http2 { http } => http.graceful_shutdown(),
        }
    }
}

pin_project_lite::pin_project! {
    struct Connection<H, Fut, B>
    where
        H: Fn(Request<Incoming>, Arrival) -> Fut,
        Fut: Future<Output = Response<B>>,
        Fut: 'static,
        B: Body,
        B: 'static,
    {
        #[pin]
        driver: Driver<H, Fut, B>,
        watch: Watch,
        state: Rc<ConnState>,
        drain: Drain,
        told: bool,
    }
}

impl<H, Fut, B> Future for Connection<H, Fut, B>
where
    H: Fn(Request<Incoming>, Arrival) -> Fut,
    Fut: Future<Output = Response<B>> + 'static,
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if this.drain.is_asked() && !*this.told {
            *this.told = true;
            this.driver.as_mut().graceful_shutdown();
        }
        loop {
            if this.state.broken_off.get() {
                return Poll::Ready(());
            }
            match this.driver.as_mut().poll(cx) {
                Poll::Pending if this.state.broken_off.get() => return Poll::Ready(()),
                Poll::Pending => {}
                Poll::Ready(Ok(())) => return Poll::Ready(()),
                Poll::Ready(Err(error)) => {
                    tracing::debug!(%error, "a connection broke");
                    return Poll::Ready(());
                }
            }
            match this.watch.poll(this.state, cx) {
                Verdict::Fine => return Poll::Pending,
                Verdict::Drop => return Poll::Ready(()),
                Verdict::CloseGracefully => {
                    *this.told = true;
                    this.driver.as_mut().graceful_shutdown();
                }
            }
        }
    }
}
