//! A connection on its core's ring.

use std::io::{self, IoSlice, Write};
use std::mem::MaybeUninit;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsRawFd;
use std::task::{Context, Poll, ready};

use io_uring::{opcode, types};
use socket2::SockRef;
use tokio::task::coop::poll_proceed;

use super::buffers::{BUFFER_BYTES, GROUP};
use super::{Connection, End, Inner, RECEIVED, ROOM, SENT, cancellation, user_data, with_inner};
use crate::runtime::local::{remember, try_with_core, with_core};

pub(in crate::runtime) struct RingStream {
    /// Until it is dropped.
    socket: Option<TcpStream>,
    index: usize,
}

impl RingStream {
    /// Takes over a connected, non-blocking socket.
    pub(in crate::runtime) fn new(socket: TcpStream) -> Self {
        let connection = Connection {
            fd: Some(socket.as_raw_fd()),
            ..Connection::default()
        };
        RingStream {
            socket: Some(socket),
            index: with_inner(|inner| inner.connections.insert(connection)),
        }
    }

    pub(in crate::runtime) fn socket(&self) -> &TcpStream {
        self.socket.as_ref().expect("until it is dropped")
    }

    /// Reads what has arrived into `target`, and tells how many bytes that was; 0 at the end.
    pub(in crate::runtime) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        target: &mut [MaybeUninit<u8>],
    ) -> Poll<io::Result<usize>> {
        // As tokio's sockets do, so that a connection that never runs dry lets others in.
        let turn = ready!(poll_proceed(cx));
        let read = with_inner(|inner| inner.poll_read(self.index, self.socket(), cx, target));
        if read.is_ready() {
            turn.made_progress();
        }
        read
    }

    pub(in crate::runtime) fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let turn = ready!(poll_proceed(cx));
        let sent = with_core(|core| {
            let ring = core.ring();
            let mut inner = ring.inner.borrow_mut();
            let sent = inner.poll_send(self.index, self.socket(), cx, bufs);
            if matches!(sent, Some(Poll::Ready(Ok(_)))) {
                ring.turn_soon();
            }
            sent
        });
        if let Some(sent) = sent {
            if sent.is_ready() {
                turn.made_progress();
            }
            return sent;
        }
        loop {
            let written = match bufs {
                [one] => self.socket().write(one),
                many => self.socket().write_vectored(many),
            };
            match written {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                result => {
                    turn.made_progress();
                    return Poll::Ready(result);
                }
            }
        }
        with_inner(|inner| inner.await_room(self.index, self.socket(), cx));
        Poll::Pending
    }

    /// Says that nothing more will be written, once what was is sent.
    pub(in crate::runtime) fn poll_shutdown(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(with_inner(|inner| inner.poll_sent(self.index, cx)))?;
        Poll::Ready(self.socket().shutdown(Shutdown::Write))
    }
}

impl Drop for RingStream {
    fn drop(&mut self) {
        let socket = self.socket.take();
        try_with_core(|core| core.ring().inner.borrow_mut().let_go(self.index, socket));
    }
}

impl Inner {
    fn poll_read(
        &mut self,
        index: usize,
        socket: &TcpStream,
        cx: &Context<'_>,
        target: &mut [MaybeUninit<u8>],
    ) -> Poll<io::Result<usize>> {
        let connection = &mut self.connections[index];
        if let Some(chunk) = connection.received.front_mut() {
            let bytes = self.buffers.bytes(chunk.buffer, chunk.start..chunk.end);
            let count = bytes.len().min(target.len());
            // SAFETY: both are that long, and a buffer of the pool is never part of a target.
            unsafe {
                let to = target.as_mut_ptr().cast::<u8>();
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, count);
            }
            chunk.start += count;
            if chunk.start == chunk.end {
                // A full buffer is seldom all: the rest goes straight into the reader's, which for
                // large bodies are larger.
                connection.more |= chunk.end == BUFFER_BYTES;
                self.buffers.give_back(chunk.buffer);
                connection.received.pop_front();
            }
            return Poll::Ready(Ok(count));
        }
        match connection.end {
            Some(End::Closed) => return Poll::Ready(Ok(0)),
            Some(End::Failed(errno)) => {
                return Poll::Ready(Err(io::Error::from_raw_os_error(errno)));
            }
            None => {}
        }
        // In order even while the kernel receives: it does so only in a turn, and what it has
        // received in one was taken in the same.
        if connection.more {
            let received = loop {
                match SockRef::from(socket).recv(target) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    received => break received,
                }
            };
            connection.more = matches!(received, Ok(count) if count == target.len());
            match received {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                received => return Poll::Ready(received),
            }
        }
        remember(&mut connection.reader, cx);
        if !connection.receiving {
            connection.receiving = true;
            self.ask(
                opcode::RecvMulti::new(types::Fd(socket.as_raw_fd()), GROUP)
                    .build()
                    .user_data(user_data(index, RECEIVED)),
            );
        }
        Poll::Pending
    }

    fn await_room(&mut self, index: usize, socket: &TcpStream, cx: &Context<'_>) {
        let connection = &mut self.connections[index];
        remember(&mut connection.writer, cx);
        if !connection.awaiting_room {
            connection.awaiting_room = true;
            self.ask(
                opcode::PollAdd::new(types::Fd(socket.as_raw_fd()), libc::POLLOUT as u32)
                    .build()
                    .user_data(user_data(index, ROOM)),
            );
        }
    }

    /// Forgets a connection; its socket closes as soon as the kernel has let go of it.
    fn let_go(&mut self, index: usize, socket: Option<TcpStream>) {
        let connection = &mut self.connections[index];
        for chunk in connection.received.drain(..) {
            self.buffers.give_back(chunk.buffer);
        }
        connection.reader = None;
        connection.writer = None;
        if connection.is_free() {
            self.connections.remove(index);
            return;
        }
        connection.orphan = socket;
        let receives = connection.receiving && !connection.stopping;
        let awaits_room = connection.awaiting_room;
        let sends = connection.sending.is_under_way();
        if receives {
            self.ask(cancellation(index, RECEIVED));
        }
        if awaits_room {
            self.ask(cancellation(index, ROOM));
        }
        // After the send itself, which has been tried by then: what there was room for is gone.
        if sends {
            self.ask(cancellation(index, SENT));
        }
    }
}
