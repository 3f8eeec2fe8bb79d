//! The connection as hyper sees it, and the first look at it.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};

use super::arrival::Arrival;
use crate::net::{Channel, Connection, OPENING_BYTES_MAX};

/// What every HTTP/2 connection begins with, where it isn't negotiated otherwise.
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const _: () = assert!(PREFACE.len() <= OPENING_BYTES_MAX);

/// Which of the two a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Http1,
    Http2,
}

/// What a connection's parts tell each other: its reads, its requests, its clock.
#[derive(Debug, Default)]
pub(super) struct ConnState {
    /// Bytes came in that no request has begun with yet.
    pub(super) head_partial: Cell<bool>,
    /// Requests being answered.
    pub(super) in_flight: Cell<u32>,
    /// Requests begun, ever.
    pub(super) requests: Cell<u64>,
    /// It ends now, whatever it owes.
    pub(super) broken_off: Cell<bool>,
    /// What operators see of it.
    pub(super) seen: Option<Arc<Connection>>,
    /// What its requests come by.
    pub(super) arrival: Arrival,
}

/// Looks at a connection's first bytes, of which there is one at least, until they tell which
/// version it is: at once for any client that isn't contrary.
pub(super) async fn version(channel: &mut Channel) -> io::Result<Version> {
    loop {
        let opening = channel.opening();
        let length = opening.len();
        if opening != &PREFACE[..length] {
            return Ok(Version::Http1);
        }
        if length == PREFACE.len() {
            return Ok(Version::Http2);
        }
        if channel.look_further().await? == 0 {
            // Closed in the middle of what may have become the preface: hyper's HTTP/1 says what is
            // wrong with that.
            return Ok(Version::Http1);
        }
    }
}

/// A stream that notes that something was read from it.
pub(super) struct ConnIo<S> {
    stream: S,
    state: Rc<ConnState>,
}

impl<S> ConnIo<S> {
    pub(super) fn new(stream: S, state: Rc<ConnState>) -> Self {
        ConnIo { stream, state }
    }
}

impl<S: Read + Unpin> Read for ConnIo<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        self.state.head_partial.set(true);
        Poll::Ready(Ok(()))
    }
}

impl<S: Write + Unpin> Write for ConnIo<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }
}
