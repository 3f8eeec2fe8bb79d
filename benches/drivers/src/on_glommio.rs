//! glommio, with hyper's reads and writes on its buffered-less stream.

use futures_lite::io::{AsyncRead, AsyncWrite};
use glommio::net::{TcpListener, TcpStream};
use glommio::{LocalExecutorBuilder, Placement};
use hyper::rt::ReadBufCursor;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

struct Io(TcpStream);

impl hyper::rt::Read for Io {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        // SAFETY: what is uninitialised is overwritten before it is made a slice of bytes.
        let target = unsafe {
            let target = buf.as_mut();
            target.fill(std::mem::MaybeUninit::new(0));
            &mut *(std::ptr::from_mut(target) as *mut [u8])
        };
        let read = ready!(Pin::new(&mut self.0).poll_read(cx, target))?;
        // SAFETY: this many bytes have just been filled.
        unsafe { buf.advance(read) };
        Poll::Ready(Ok(()))
    }
}

impl hyper::rt::Write for Io {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
}

pub fn serve() {
    let executor = LocalExecutorBuilder::new(Placement::Unbound).spawn(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        crate::announce(listener.local_addr().expect("bound"));
        while let Ok(stream) = listener.accept().await {
            stream.set_nodelay(true).expect("a socket");
            glommio::spawn_local(async move {
                let service = service_fn(crate::answer);
                let _ended = http1::Builder::new().serve_connection(Io(stream), service).await;
            })
            .detach();
        }
    });
    executor.expect("a thread").join().expect("nothing panics");
}
