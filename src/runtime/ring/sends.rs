//! Short writes wait for their core's next turn and go out together, by one call.
//!
//! A write of a few hundred bytes costs the way into the kernel and back as much as anything; the ring
//! takes those of all connections at once. What is longer than [`SEND_BYTES_MAX`] is written by a call
//! of its own, without a copy, and so is everything while few connections speak or are answered at a time.

use std::io::{self, IoSlice};
use std::net::TcpStream;
use std::os::fd::{AsRawFd, RawFd};
use std::task::{Context, Poll};

use io_uring::{opcode, squeue, types};

use super::{Inner, SENT, user_data};
use crate::runtime::local::remember;

/// The longest write that is copied. Most answers are shorter.
pub(super) const SEND_BYTES_MAX: usize = 4096;
/// Connections that were heard in one turn, or writes in it, from which on writes wait for the next: what fewer
/// have to say is gone sooner by calls, by 2 us of 30 with one. Where a commit or another node answers many at
/// once, few are heard.
const TOGETHER_MIN: usize = 3;
/// Buffers kept for later sends: as many as a turn may need, 1 MiB in all.
const BUFFERS_KEPT_MAX: usize = 256;

/// What a connection has handed to the ring, and how that went.
#[derive(Default)]
pub(super) struct Sending {
    /// What the kernel sends, and from where on. It doesn't move until the kernel is done.
    under_way: Option<(Vec<u8>, usize)>,
    /// An errno. Nothing is sent after it.
    failed: Option<i32>,
}

impl Sending {
    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// Takes what the kernel says about a send; answers with a request for the rest, if there is one.
    fn take(&mut self, result: i32, fd: Option<RawFd>, index: usize) -> Option<squeue::Entry> {
        let (bytes, start) = self.under_way.as_mut()?;
        match usize::try_from(result) {
            Ok(sent) => *start += sent,
            Err(_) => self.failed = Some(-result),
        }
        let rest = &bytes[*start..];
        match fd {
            Some(fd) if self.failed.is_none() && !rest.is_empty() => Some(request(fd, rest, index)),
            _ => None,
        }
    }
}

/// Whoever pushes it keeps `bytes` where they are until its completion has been taken.
fn request(fd: RawFd, bytes: &[u8], index: usize) -> squeue::Entry {
    let length = u32::try_from(bytes.len()).expect("at most SEND_BYTES_MAX");
    opcode::Send::new(types::Fd(fd), bytes.as_ptr(), length)
        .flags(libc::MSG_NOSIGNAL)
        .build()
        .user_data(user_data(index, SENT))
}

impl Inner {
    /// Takes a short write for the next turn. `None` if it is for a call of its own, now.
    pub(super) fn poll_send(
        &mut self,
        index: usize,
        socket: &TcpStream,
        cx: &Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Option<Poll<io::Result<usize>>> {
        let connection = &mut self.connections[index];
        if let Some(errno) = connection.sending.failed {
            return Some(Poll::Ready(Err(io::Error::from_raw_os_error(errno))));
        }
        // In order: one at a time, and no call beside it.
        if connection.sending.is_under_way() {
            remember(&mut connection.writer, cx);
            return Some(Poll::Pending);
        }
        let length = bufs.iter().map(|buf| buf.len()).sum();
        if !(1..=SEND_BYTES_MAX).contains(&length) {
            return None;
        }
        if self.received_last < TOGETHER_MIN && self.written < TOGETHER_MIN {
            self.written += 1;
            return None;
        }
        let mut bytes = self.send_buffers.pop().unwrap_or_default();
        for buf in bufs {
            bytes.extend_from_slice(buf);
        }
        let request = request(socket.as_raw_fd(), &bytes, index);
        connection.sending.under_way = Some((bytes, 0));
        self.ask(request);
        Some(Poll::Ready(Ok(length)))
    }

    /// Whether everything that was written has gone to the kernel.
    pub(super) fn poll_sent(&mut self, index: usize, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let connection = &mut self.connections[index];
        if connection.sending.is_under_way() {
            remember(&mut connection.writer, cx);
            return Poll::Pending;
        }
        match connection.sending.failed {
            Some(errno) => Poll::Ready(Err(io::Error::from_raw_os_error(errno))),
            None => Poll::Ready(Ok(())),
        }
    }

    /// Takes the completion of a send.
    pub(super) fn take_sent(&mut self, index: usize, result: i32) {
        let connection = &mut self.connections[index];
        // Nobody waits for what a dropped stream hasn't sent.
        let fd = connection.fd.filter(|_| connection.orphan.is_none());
        if let Some(rest) = connection.sending.take(result, fd, index) {
            self.waiting.push_back(rest);
            return;
        }
        if let Some((mut bytes, _)) = connection.sending.under_way.take()
            && self.send_buffers.len() < BUFFERS_KEPT_MAX
        {
            bytes.clear();
            self.send_buffers.push(bytes);
        }
        if let Some(writer) = connection.writer.take() {
            writer.wake();
        }
    }
}
