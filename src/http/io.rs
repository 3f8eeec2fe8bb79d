//! The connection as hyper sees it, and the first look at it.

use std::cell::Cell;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};

/// What every HTTP/2 connection without TLS begins with.
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Which protocol a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
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
}

/// A stream with the bytes that were read to learn its protocol put back in front.
pub(super) struct ConnIo<S> {
    stream: S,
    prefix: [u8; PREFACE.len()],
    prefix_start: u8,
    prefix_end: u8,
    state: Rc<ConnState>,
}

impl<S: Read + Write + Unpin> ConnIo<S> {
    pub(super) fn new(stream: S, state: Rc<ConnState>) -> Self {
        ConnIo {
            stream,
            prefix: [0; PREFACE.len()],
            prefix_start: 0,
            prefix_end: 0,
            state,
        }
    }

    /// Reads until the protocol is known: one read for any client that isn't contrary, and never
    /// more than the preface's length. `None` if the client closed without a byte.
    pub(super) async fn sniff(&mut self) -> io::Result<Option<Protocol>> {
        loop {
            let end = usize::from(self.prefix_end);
            let read = poll_fn(|cx| {
                let mut target = ReadBuf::new(&mut self.prefix[end..]);
                ready!(Pin::new(&mut self.stream).poll_read(cx, target.unfilled()))?;
                Poll::Ready(io::Result::Ok(target.filled().len()))
            })
            .await?;
            let end = end + read;
            self.prefix_end = end as u8;
            if self.prefix[..end] != PREFACE[..end] {
                self.state.head_partial.set(true);
                return Ok(Some(Protocol::Http1));
            }
            if end == PREFACE.len() {
                return Ok(Some(Protocol::Http2));
            }
            if read == 0 {
                // Closed in the middle of what may have become the preface: hyper's HTTP/1 says
                // what is wrong with that.
                return Ok((end > 0).then_some(Protocol::Http1));
            }
        }
    }
}

impl<S: Read + Unpin> Read for ConnIo<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.prefix_start < this.prefix_end {
            let left = &this.prefix[usize::from(this.prefix_start)..usize::from(this.prefix_end)];
            let take = left.len().min(buf.remaining());
            buf.put_slice(&left[..take]);
            this.prefix_start += take as u8;
            // The rest of the request is most likely there too: one parse instead of two. An error
            // or an end comes again with the next read.
            if this.prefix_start == this.prefix_end && buf.remaining() > 0 {
                let _ = Pin::new(&mut this.stream).poll_read(cx, buf);
            }
            this.state.head_partial.set(true);
            return Poll::Ready(Ok(()));
        }
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        this.state.head_partial.set(true);
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
