//! A TCP connection on either driver.

use std::io;
use std::io::IoSlice;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::ReadBufCursor;
use lclq_shards::figures::count;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};

use super::choose::DriverKind;
use super::doorbell::check_doorbell;
use super::listener::ConnectionSlot;
use super::local::driver;
#[cfg(target_os = "linux")]
use super::ring::RingStream;

/// What is written in pieces goes out as one if it is this short: copying it costs less than the
/// kernel's way with vectors, which is longer by a file's checks.
const FLAT_BYTES_MAX: usize = 1024;

/// How often an idle connection is asked whether its other side is there, before it counts as silent.
const PROBES_OF_SILENCE: u32 = 3;

/// Puts several short pieces into one.
fn flatten<'a>(bufs: &[IoSlice<'_>], whole: &'a mut [u8; FLAT_BYTES_MAX]) -> Option<&'a [u8]> {
    if bufs.len() < 2 || bufs.iter().map(|buf| buf.len()).sum::<usize>() > FLAT_BYTES_MAX {
        return None;
    }
    let mut length = 0;
    for buf in bufs {
        whole[length..length + buf.len()].copy_from_slice(buf);
        length += buf.len();
    }
    Some(&whole[..length])
}

/// A TCP connection that belongs to the core that made it. Nagle's algorithm is off.
pub struct Stream {
    io: Io,
    transferred: Arc<Transferred>,
    /// Gives the connection's place on its core back when dropped.
    _slot: Option<ConnectionSlot>,
}

/// Bytes of a connection, whatever they mean. Its core writes them, any may look.
#[derive(Debug, Default)]
pub struct Transferred {
    /// Bytes that came.
    pub received: AtomicU64,
    /// Bytes that went.
    pub sent: AtomicU64,
}

enum Io {
    Epoll(tokio::net::TcpStream),
    #[cfg(target_os = "linux")]
    IoUring(RingStream),
}

impl Stream {
    /// Connects to `addr`.
    pub async fn connect(addr: SocketAddr) -> io::Result<Stream> {
        Stream::own(tokio::net::TcpStream::connect(addr).await?, None)
    }

    /// Takes over a connected socket, which may come from another thread.
    pub(super) fn adopt(
        socket: std::net::TcpStream,
        slot: Option<ConnectionSlot>,
    ) -> io::Result<Stream> {
        socket.set_nonblocking(true)?;
        socket.set_nodelay(true)?;
        let io = match driver() {
            DriverKind::Epoll => Io::Epoll(tokio::net::TcpStream::from_std(socket)?),
            #[cfg(target_os = "linux")]
            DriverKind::IoUring => Io::IoUring(RingStream::new(socket)),
            #[cfg(not(target_os = "linux"))]
            DriverKind::IoUring => unreachable!("io_uring exists on Linux only"),
        };
        Ok(Stream {
            io,
            transferred: Arc::default(),
            _slot: slot,
        })
    }

    /// Takes over a socket of this core's.
    pub(super) fn own(
        socket: tokio::net::TcpStream,
        slot: Option<ConnectionSlot>,
    ) -> io::Result<Stream> {
        if driver() == DriverKind::IoUring {
            return Stream::adopt(socket.into_std()?, slot);
        }
        socket.set_nodelay(true)?;
        Ok(Stream {
            io: Io::Epoll(socket),
            transferred: Arc::default(),
            _slot: slot,
        })
    }

    /// How much has passed.
    pub fn transferred(&self) -> &Arc<Transferred> {
        &self.transferred
    }

    /// Bytes read so far.
    #[inline]
    pub fn bytes_read(&self) -> u64 {
        self.transferred.received.load(Ordering::Relaxed)
    }

    /// Has the connection end where the other side's machine has been silent for so long: it has neither
    /// acknowledged what was sent nor said that it is there. That a process is slow or stands still is no silence.
    ///
    /// # Errors
    /// Where the system doesn't take the settings.
    pub fn end_after_silence(&self, silence: Duration) -> io::Result<()> {
        let socket = match &self.io {
            Io::Epoll(stream) => SockRef::from(stream),
            #[cfg(target_os = "linux")]
            Io::IoUring(stream) => SockRef::from(stream.socket()),
        };
        let probes = silence / PROBES_OF_SILENCE;
        let alive = TcpKeepalive::new().with_time(probes).with_interval(probes);
        #[cfg(unix)]
        let alive = alive.with_retries(PROBES_OF_SILENCE);
        socket.set_tcp_keepalive(&alive)?;
        // Elsewhere what was sent is given up later.
        #[cfg(target_os = "linux")]
        socket.set_tcp_user_timeout(Some(silence))?;
        Ok(())
    }

    /// The other side's address.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.io {
            Io::Epoll(stream) => stream.peer_addr(),
            #[cfg(target_os = "linux")]
            Io::IoUring(stream) => stream.socket().peer_addr(),
        }
    }
}

impl hyper::rt::Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        // A core whose connections are always readable would never run out of work, and so never
        // look at its doorbells by itself.
        check_doorbell();
        // SAFETY: neither tokio's ReadBuf nor a ring's stream de-initializes what it is given.
        let target = unsafe { buf.as_mut() };
        let read = match &mut self.io {
            Io::Epoll(stream) => {
                let mut target = tokio::io::ReadBuf::uninit(target);
                match Pin::new(stream).poll_read(cx, &mut target) {
                    Poll::Ready(Ok(())) => Poll::Ready(Ok(target.filled().len())),
                    Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                    Poll::Pending => Poll::Pending,
                }
            }
            #[cfg(target_os = "linux")]
            Io::IoUring(stream) => stream.poll_read(cx, target),
        };
        match read {
            Poll::Ready(Ok(read)) => {
                // SAFETY: this many bytes have just been filled.
                unsafe { buf.advance(read) };
                count(&self.transferred.received, read as u64);
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl hyper::rt::Write for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = match &mut self.io {
            Io::Epoll(stream) => {
                let stream = Pin::new(stream);
                let mut whole = [0; FLAT_BYTES_MAX];
                match (flatten(bufs, &mut whole), bufs) {
                    (Some(bytes), _) => stream.poll_write(cx, bytes),
                    (None, [one]) => stream.poll_write(cx, one),
                    (None, many) => stream.poll_write_vectored(cx, many),
                }
            }
            #[cfg(target_os = "linux")]
            Io::IoUring(stream) => stream.poll_write_vectored(cx, bufs),
        };
        if let Poll::Ready(Ok(written)) = &written {
            count(&self.transferred.sent, *written as u64);
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Nothing is buffered between a write and the kernel, but for what a ring sends at its core's
        // next turn, whatever happens here.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Epoll(stream) => Pin::new(stream).poll_shutdown(cx),
            #[cfg(target_os = "linux")]
            Io::IoUring(stream) => stream.poll_shutdown(cx),
        }
    }
}
