//! What a protocol reads and writes, and the first look at it: TLS or clear text.

use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};

use super::figures::{OpenConnection, Spoken};
use super::listed::Connection;
use crate::runtime::Stream;

/// Bytes that may be looked at before they are read: the length of HTTP/2's preface, the longest
/// thing that anything here is known by.
pub const OPENING_BYTES_MAX: usize = 24;

/// What every TLS connection begins with: the type of a record with a handshake. No protocol that
/// is spoken in clear text here begins with this byte.
const TLS_HANDSHAKE: u8 = 0x16;

/// What a client in clear text hears where only TLS is spoken. All of them speak HTTP; HTTP/2 shows
/// it as a broken connection.
const TLS_ONLY: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\n\
    connection: close\r\ncontent-length: 50\r\n\r\n\
    This port speaks TLS only: https:// instead of it\n";

/// A stream of bytes in both directions.
pub trait Duplex: Read + Write + Unpin {}

impl<T: Read + Write + Unpin> Duplex for T {}

/// What a handshake comes to: the clear text within, and who was on the other side.
pub type Handshake = Pin<Box<dyn Future<Output = io::Result<(Box<dyn Duplex>, ByTls)>>>>;

/// Marks what came by TLS.
#[derive(Clone, Debug)]
pub struct ByTls {
    /// The subject of the certificate that the client has shown, where it has to, as RFC 4514 writes it.
    pub subject: Option<Arc<str>>,
}

/// What a request comes by, on those of protocols that are asked to tell.
#[derive(Clone, Debug)]
pub struct Peer(pub Arc<Connection>);

impl Peer {
    /// Where it comes from.
    pub fn address(&self) -> Option<IpAddr> {
        self.0.peer.map(|peer| peer.ip())
    }
}

/// Takes the server's part in TLS, on the core that it was made on.
pub trait Secure {
    /// Does the handshake that has begun on `wire`. The stream that it gives owns `wire`. A
    /// handshake that takes too long is dropped.
    fn handshake(&self, wire: Channel) -> Handshake;

    /// Whether connections in clear text are refused.
    fn refuses_clear_text(&self) -> bool;
}

/// A connection as its protocol sees it, in clear text whatever is on the wire, with the bytes that
/// were looked at put back in front.
pub struct Channel {
    io: Io,
    opening: [u8; OPENING_BYTES_MAX],
    opening_start: u8,
    opening_end: u8,
    opens_until: Instant,
    pub(super) connection: Option<Arc<Connection>>,
    by_tls: Option<ByTls>,
    open: Rc<OpenConnection>,
}

enum Io {
    Clear(Stream),
    Secured(Box<dyn Duplex>),
}

impl Channel {
    /// Waits for a connection's first bytes, and for the handshake if they are TLS and there is
    /// somebody to do it. `None` if the client closed without a byte.
    pub(super) async fn open(
        stream: Stream,
        secure: Option<Rc<dyn Secure>>,
        opens_until: Instant,
        open: Rc<OpenConnection>,
    ) -> io::Result<Option<Channel>> {
        let mut wire = Channel::new(Io::Clear(stream), opens_until, open.clone());
        if wire.look_further().await? == 0 {
            return Ok(None);
        }
        if wire.opening()[0] != TLS_HANDSHAKE {
            if secure.is_some_and(|secure| secure.refuses_clear_text()) {
                wire.say(TLS_ONLY).await?;
                return Ok(None);
            }
            return Ok(Some(wire));
        }
        let Some(secure) = secure else {
            // The protocol says what is wrong with that, in a way that its clients know.
            tracing::debug!("a client began TLS where only clear text is spoken");
            return Ok(Some(wire));
        };
        let (secured, by_tls) = secure.handshake(wire).await?;
        let mut clear = Channel::new(Io::Secured(secured), opens_until, open);
        clear.by_tls = Some(by_tls);
        Ok((clear.look_further().await? > 0).then_some(clear))
    }

    /// Waits for the first bytes of a connection within the process. `None` if there are none.
    #[cfg(feature = "fuzzing")]
    pub(super) async fn open_within(
        wire: super::memory::Wire,
        opens_until: Instant,
    ) -> io::Result<Option<Channel>> {
        let open = OpenConnection::new(Arc::default());
        let mut channel = Channel::new(Io::Secured(Box::new(wire)), opens_until, open);
        Ok((channel.look_further().await? > 0).then_some(channel))
    }

    fn new(io: Io, opens_until: Instant, open: Rc<OpenConnection>) -> Self {
        Channel {
            io,
            opening: [0; OPENING_BYTES_MAX],
            opening_start: 0,
            opening_end: 0,
            opens_until,
            connection: None,
            by_tls: None,
            open,
        }
    }

    /// The connection as operators see it, where they do.
    pub fn connection(&self) -> Option<&Arc<Connection>> {
        self.connection.as_ref()
    }

    /// How it came by TLS, if it did.
    pub fn by_tls(&self) -> Option<&ByTls> {
        self.by_tls.as_ref()
    }

    /// Says this, and no more.
    async fn say(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = poll_fn(|cx| Pin::new(&mut *self).poll_write(cx, bytes)).await?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            bytes = &bytes[written..];
        }
        poll_fn(|cx| Pin::new(&mut *self).poll_shutdown(cx)).await
    }

    /// What is known of the first bytes and hasn't been read yet.
    pub fn opening(&self) -> &[u8] {
        &self.opening[usize::from(self.opening_start)..usize::from(self.opening_end)]
    }

    /// Waits for more bytes of the opening, for a protocol that it doesn't tell enough yet. Gives
    /// their number: 0 if the client has closed, or if [`OPENING_BYTES_MAX`] are there.
    pub async fn look_further(&mut self) -> io::Result<usize> {
        let end = usize::from(self.opening_end);
        let Channel {
            io, opening, open, ..
        } = self;
        let room = &mut opening[end..];
        let read = poll_fn(|cx| {
            let mut target = ReadBuf::new(room);
            ready!(io.poll_read(cx, target.unfilled(), open))?;
            Poll::Ready(io::Result::Ok(target.filled().len()))
        })
        .await?;
        self.opening_end = (end + read) as u8;
        Ok(read)
    }

    /// Notes what is spoken on it.
    pub fn speaks(&self, spoken: Spoken) {
        self.open.speaks(spoken);
    }

    /// When the time for the opening is over.
    pub fn opens_until(&self) -> Instant {
        self.opens_until
    }
}

/// What TLS makes of it is counted where it is written to the wire.
#[inline]
fn count_sent(written: Poll<io::Result<usize>>, open: &OpenConnection) -> Poll<io::Result<usize>> {
    if let Poll::Ready(Ok(bytes)) = written {
        open.sent(bytes as u64);
    }
    written
}

impl Io {
    #[inline]
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
        open: &OpenConnection,
    ) -> Poll<io::Result<()>> {
        match self {
            Io::Clear(stream) => {
                let before = stream.bytes_read();
                let read = Pin::new(&mut *stream).poll_read(cx, buf);
                open.received(stream.bytes_read() - before);
                read
            }
            Io::Secured(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl Read for Channel {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.opening_start == this.opening_end {
            return this.io.poll_read(cx, buf, &this.open);
        }
        let left = this.opening();
        let take = left.len().min(buf.remaining());
        buf.put_slice(&left[..take]);
        this.opening_start += take as u8;
        // The rest of what began so is most likely there too: one parse instead of two. An error or
        // an end comes again with the next read.
        if this.opening_start == this.opening_end && buf.remaining() > 0 {
            let _ = this.io.poll_read(cx, buf, &this.open);
        }
        Poll::Ready(Ok(()))
    }
}

impl Write for Channel {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        match &mut this.io {
            Io::Clear(stream) => count_sent(Pin::new(stream).poll_write(cx, buf), &this.open),
            Io::Secured(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Clear(stream) => Pin::new(stream).poll_flush(cx),
            Io::Secured(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Clear(stream) => Pin::new(stream).poll_shutdown(cx),
            Io::Secured(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.io {
            Io::Clear(stream) => stream.is_write_vectored(),
            Io::Secured(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        match &mut this.io {
            Io::Clear(stream) => {
                count_sent(Pin::new(stream).poll_write_vectored(cx, bufs), &this.open)
            }
            Io::Secured(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }
}
