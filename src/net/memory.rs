//! A connection within the process, for tests/fuzz: bytes that are there from the beginning, and what is
//! said to them.

use hyper::rt::{Read, ReadBufCursor, Write};
use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Bytes of what is said that are kept.
const SAID_BYTES_MAX: usize = 1 << 20;

/// Both ends of a connection. Clones are the same one.
#[derive(Clone)]
pub struct Wire(Rc<Inner>);

struct Inner {
    given: Vec<u8>,
    read: Cell<usize>,
    /// As many are read at once.
    piece_bytes: usize,
    closed: Cell<bool>,
    reader: RefCell<Option<Waker>>,
    said: RefCell<Vec<u8>>,
    said_bytes: Cell<usize>,
}

impl Wire {
    /// On which these bytes come, so many at once at most.
    pub fn new(given: Vec<u8>, piece_bytes: usize) -> Self {
        Self(Rc::new(Inner {
            given,
            read: Cell::new(0),
            piece_bytes,
            closed: Cell::new(false),
            reader: RefCell::new(None),
            said: RefCell::default(),
            said_bytes: Cell::new(0),
        }))
    }

    /// How many bytes have gone either way.
    pub fn moved(&self) -> usize {
        self.0.read.get() + self.0.said_bytes.get()
    }

    /// The client closes.
    pub fn close(&self) {
        self.0.closed.set(true);
        if let Some(reader) = self.0.reader.take() {
            reader.wake();
        }
    }

    /// The beginning of what was said.
    pub fn said(&self) -> Vec<u8> {
        self.0.said.take()
    }
}

impl Read for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let inner = &self.0;
        let left = &inner.given[inner.read.get()..];
        if left.is_empty() && !inner.closed.get() {
            inner.reader.replace(Some(cx.waker().clone()));
            return Poll::Pending;
        }
        let take = left.len().min(inner.piece_bytes).min(buf.remaining());
        buf.put_slice(&left[..take]);
        inner.read.set(inner.read.get() + take);
        Poll::Ready(Ok(()))
    }
}

impl Write for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut said = self.0.said.borrow_mut();
        let keep = buf.len().min(SAID_BYTES_MAX - said.len());
        said.extend_from_slice(&buf[..keep]);
        self.0.said_bytes.set(self.0.said_bytes.get() + buf.len());
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
