//! A TCP connection on either driver.

use std::io;
use std::io::IoSlice;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::rt::ReadBufCursor;
use tokio::io::{AsyncRead, AsyncWrite};

use super::choose::DriverKind;
use super::doorbell::check_doorbell;
use super::listener::ConnectionSlot;
use super::local::driver;

/// A TCP connection that belongs to the core that made it. Nagle's algorithm is off.
pub struct Stream {
    io: Io,
    /// Gives the connection's place on its core back when dropped.
    _slot: Option<ConnectionSlot>,
}

enum Io {
    Epoll(tokio::net::TcpStream),
    #[cfg(target_os = "linux")]
    IoUring(glommio::net::TcpStream),
}

impl Stream {
    /// Connects to `addr`.
    pub async fn connect(addr: SocketAddr) -> io::Result<Stream> {
        match driver() {
            DriverKind::Epoll => {
                let stream = tokio::net::TcpStream::connect(addr).await?;
                Stream::from_epoll(stream, None)
            }
            #[cfg(target_os = "linux")]
            DriverKind::IoUring => {
                let stream = glommio::net::TcpStream::connect(addr).await?;
                Stream::from_io_uring(stream, None)
            }
            #[cfg(not(target_os = "linux"))]
            DriverKind::IoUring => unreachable!("io_uring exists on Linux only"),
        }
    }

    /// Takes over a connected socket, which may come from another thread.
    pub(super) fn adopt(
        socket: std::net::TcpStream,
        slot: Option<ConnectionSlot>,
    ) -> io::Result<Stream> {
        match driver() {
            DriverKind::Epoll => {
                socket.set_nonblocking(true)?;
                Stream::from_epoll(tokio::net::TcpStream::from_std(socket)?, slot)
            }
            #[cfg(target_os = "linux")]
            DriverKind::IoUring => {
                use std::os::fd::{FromRawFd, IntoRawFd};
                // SAFETY: the descriptor is a connected TCP socket that this call gives away.
                let stream = unsafe { glommio::net::TcpStream::from_raw_fd(socket.into_raw_fd()) };
                Stream::from_io_uring(stream, slot)
            }
            #[cfg(not(target_os = "linux"))]
            DriverKind::IoUring => unreachable!("io_uring exists on Linux only"),
        }
    }

    pub(super) fn from_epoll(
        stream: tokio::net::TcpStream,
        slot: Option<ConnectionSlot>,
    ) -> io::Result<Stream> {
        stream.set_nodelay(true)?;
        Ok(Stream {
            io: Io::Epoll(stream),
            _slot: slot,
        })
    }

    #[cfg(target_os = "linux")]
    pub(super) fn from_io_uring(
        stream: glommio::net::TcpStream,
        slot: Option<ConnectionSlot>,
    ) -> io::Result<Stream> {
        stream.set_nodelay(true)?;
        Ok(Stream {
            io: Io::IoUring(stream),
            _slot: slot,
        })
    }

    /// The other side's address.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.io {
            Io::Epoll(stream) => stream.peer_addr(),
            #[cfg(target_os = "linux")]
            Io::IoUring(stream) => Ok(stream.peer_addr()?),
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
        let read = match &mut self.io {
            Io::Epoll(stream) => {
                // SAFETY: tokio's ReadBuf only ever initializes bytes of it.
                let mut target = tokio::io::ReadBuf::uninit(unsafe { buf.as_mut() });
                match Pin::new(stream).poll_read(cx, &mut target) {
                    Poll::Ready(Ok(())) => target.filled().len(),
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => return Poll::Pending,
                }
            }
            #[cfg(target_os = "linux")]
            Io::IoUring(stream) => {
                // SAFETY: as_mut's contract is that nothing is de-initialized, which recv(2) can't.
                let target = unsafe { buf.as_mut() };
                // SAFETY: glommio passes the slice on to recv(2) and never reads from it, so that
                // its bytes needn't be initialized; zeroing 8 KiB per read is what this avoids.
                let target = unsafe {
                    std::slice::from_raw_parts_mut(target.as_mut_ptr().cast::<u8>(), target.len())
                };
                match futures_io::AsyncRead::poll_read(Pin::new(stream), cx, target) {
                    Poll::Ready(Ok(read)) => read,
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => return Poll::Pending,
                }
            }
        };
        // SAFETY: the kernel has just filled this many bytes.
        unsafe { buf.advance(read) };
        Poll::Ready(Ok(()))
    }
}

impl hyper::rt::Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Io::Epoll(stream) => Pin::new(stream).poll_write(cx, buf),
            #[cfg(target_os = "linux")]
            Io::IoUring(stream) => futures_io::AsyncWrite::poll_write(Pin::new(stream), cx, buf),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Io::Epoll(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            #[cfg(target_os = "linux")]
            Io::IoUring(stream) => {
                // glommio's own vectored write sends the first buffer only.
                match send_vectored(&*stream, bufs) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        // Tries once more, and leaves the wait for room to glommio.
                        let first = bufs.iter().find(|buf| !buf.is_empty());
                        let first = first.map_or(&[][..], |buf| buf);
                        futures_io::AsyncWrite::poll_write(Pin::new(stream), cx, first)
                    }
                    result => Poll::Ready(result),
                }
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Nothing is buffered between a write and the kernel.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Epoll(stream) => Pin::new(stream).poll_shutdown(cx),
            #[cfg(target_os = "linux")]
            Io::IoUring(stream) => futures_io::AsyncWrite::poll_close(Pin::new(stream), cx),
        }
    }
}

#[cfg(target_os = "linux")]
fn send_vectored(socket: &impl std::os::fd::AsRawFd, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
    // SAFETY: an all-zero msghdr is valid.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = bufs.as_ptr().cast_mut().cast();
    message.msg_iovlen = bufs.len().min(libc::UIO_MAXIOV as usize) as _;
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    loop {
        // SAFETY: IoSlice has the layout of iovec, and sendmsg only reads what they point to.
        let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &message, flags) };
        if sent >= 0 {
            return Ok(sent as usize);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
