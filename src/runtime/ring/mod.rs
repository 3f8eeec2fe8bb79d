//! One core's io_uring: what its connections receive comes through it.
//!
//! tokio schedules tasks, keeps timers and accepts, on both drivers. What differs is how bytes come
//! in. A connection asks the ring once, and from then on the kernel puts what arrives into buffers
//! of a pool that it shares with the ring: no call per read, no readiness to wait for. Short writes
//! go out with the next turn, all in one call; long ones are plain vectored calls, since a socket
//! nearly always has room, and the ring tells when it has again.
//!
//! All this happens in [`Ring::turn`]: it hands over what was asked for, lets the kernel do the work
//! that it put off (`IORING_SETUP_DEFER_TASKRUN`: it does none at any other time, so nothing
//! interrupts a core), and wakes the tasks that completions are for. A core takes a turn before it
//! sleeps, and after the tasks that were ready when something was to be sent. A sleeping or a busy one
//! is told of new work by an eventfd in tokio's epoll set, for which a task of the core waits.

mod buffers;
mod sends;
mod stream;

pub(super) use stream::RingStream;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::TcpStream;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{Ordering, fence};
use std::task::{Poll, Waker};

use io_uring::{IoUring, cqueue, opcode, squeue};
use slab::Slab;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::local::{remember, spawn_local, with_core};
use buffers::Buffers;
use sends::Sending;

/// Requests that the kernel takes at a time; the others wait for their turn.
const SUBMISSIONS_MAX: u32 = 256;
/// Completions that have a place in the ring; the kernel keeps others until there is one.
const COMPLETIONS_MAX: u32 = 4096;
/// Buffers that one turn fills, about: then what came is handled first. Where thousands have spoken, the
/// pool would be empty before anybody has read, and connections that find it so receive by calls.
const RECEIVED_MAX: usize = 128;
/// Buffers of what nobody has read yet, from which on a connection receives no more: the pool is
/// everybody's.
const UNREAD_MAX: usize = 4;
/// `IORING_ENTER_GETEVENTS`: do what was put off.
const ENTER_GETEVENTS: u32 = 1;

/// Whether the first call of a turn goes without signals: the turn looks again afterwards. That
/// takes a kernel that marks the work before it looks whether to signal it, and only x86's locked
/// instructions order the two.
const QUIET: bool = cfg!(target_arch = "x86_64");

/// What a completion is about: a connection's index and one of these.
const RECEIVED: u64 = 0;
const ROOM: u64 = 1;
const CANCELLED: u64 = 2;
const SENT: u64 = 3;
const KIND_BITS: u32 = 2;

fn user_data(index: usize, kind: u64) -> u64 {
    (index as u64) << KIND_BITS | kind
}

/// One core's ring.
pub(super) struct Ring {
    inner: RefCell<Inner>,
    /// Until [`Ring::spawn_turns`] has it.
    signal: Cell<Option<AsyncFd<OwnedFd>>>,
    /// Wakes the task that takes turns.
    turns: RefCell<Option<Waker>>,
    /// That task is to run, since something is to be sent.
    turn_asked: Cell<bool>,
}

struct Inner {
    // Before the buffers: the kernel must have let go of them when they are freed.
    ring: IoUring,
    buffers: Buffers,
    connections: Slab<Connection>,
    /// What found no place in the ring: at most three requests and their cancellations for each
    /// connection.
    waiting: VecDeque<squeue::Entry>,
    /// Connections that the last turn with anything had bytes for.
    received_last: usize,
    /// Short writes of this turn that went out by calls of their own.
    written: usize,
    /// Empty ones, for what is to be sent.
    send_buffers: Vec<Vec<u8>>,
}

/// What the ring knows of a connection.
#[derive(Default)]
struct Connection {
    received: VecDeque<Chunk>,
    /// What comes after `received`.
    end: Option<End>,
    reader: Option<Waker>,
    writer: Option<Waker>,
    sending: Sending,
    /// Of its socket, which is open for as long as this is here.
    fd: Option<RawFd>,
    /// The kernel receives.
    receiving: bool,
    /// The kernel is asked to stop receiving.
    stopping: bool,
    /// The kernel waits for room to write.
    awaiting_room: bool,
    /// More may have arrived than was received: the next read is a call.
    more: bool,
    /// The socket of a stream that is gone, until the kernel has let go of it.
    orphan: Option<TcpStream>,
}

/// Bytes of a buffer that nobody has read yet.
struct Chunk {
    buffer: u16,
    start: usize,
    end: usize,
}

#[derive(Clone, Copy)]
enum End {
    Closed,
    /// An errno.
    Failed(i32),
}

/// Whether this kernel can do what a ring asks of it.
pub(super) fn probe() -> io::Result<()> {
    Inner::new().map(drop)
}

impl Ring {
    /// Made on the core's thread, which is the only one that the kernel lets use it, and in its
    /// tokio runtime.
    pub(super) fn new() -> io::Result<Self> {
        let inner = Inner::new()?;
        // SAFETY: eventfd has no conditions.
        let signal = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if signal < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: just made, and nobody else has it.
        let signal = unsafe { OwnedFd::from_raw_fd(signal) };
        inner
            .ring
            .submitter()
            .register_eventfd(signal.as_raw_fd())?;
        // SAFETY: an OwnedFd's descriptor stays what it is for as long as it lives.
        let signal = unsafe { AsyncFd::register_with_interest(signal, Interest::READABLE) }?;
        Ok(Ring {
            inner: RefCell::new(inner),
            signal: Cell::new(Some(signal)),
            turns: RefCell::new(None),
            turn_asked: Cell::new(false),
        })
    }

    /// Hands over what was asked for, and wakes the tasks whose wait is over.
    pub(super) fn turn(&self) {
        self.turn_asked.set(false);
        let left = self.inner.borrow_mut().turn();
        // Nobody is told of this work again.
        if left && let Some(turns) = &*self.turns.borrow() {
            turns.wake_by_ref();
        }
    }

    /// Has a turn taken once the tasks that are ready now have run.
    fn turn_soon(&self) {
        if !self.turn_asked.replace(true)
            && let Some(turns) = &*self.turns.borrow()
        {
            turns.wake_by_ref();
        }
    }

    /// Starts the task that takes a turn when the kernel has work for it, or the last turn left
    /// some.
    pub(super) fn spawn_turns(&self) {
        let signal = self.signal.take().expect("a core starts once");
        spawn_local(poll_fn(move |cx| {
            // The eventfd is never read: each signal is an edge, whatever its count.
            while let Poll::Ready(signalled) = signal.poll_read_ready(cx) {
                signalled.expect("the core runs").clear_ready();
            }
            with_core(|core| {
                let ring = core.ring();
                remember(&mut ring.turns.borrow_mut(), cx);
                ring.turn();
            });
            Poll::Pending
        }));
    }
}

fn with_inner<R>(f: impl FnOnce(&mut Inner) -> R) -> R {
    with_core(|core| f(&mut core.ring().inner.borrow_mut()))
}

impl Inner {
    fn new() -> io::Result<Self> {
        let ring = IoUring::builder()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_taskrun_flag()
            .setup_submit_all()
            .setup_cqsize(COMPLETIONS_MAX)
            .build(SUBMISSIONS_MAX)?;
        let buffers = Buffers::register(&ring)?;
        Ok(Inner {
            ring,
            buffers,
            connections: Slab::new(),
            waiting: VecDeque::new(),
            received_last: 0,
            written: 0,
            send_buffers: Vec::new(),
        })
    }

    /// Tells whether something is left that the kernel hasn't taken, or hasn't done.
    fn turn(&mut self) -> bool {
        self.written = 0;
        if !self.hand_over() {
            self.take_completions();
            return false;
        }
        self.enter(QUIET);
        let mut received = self.take_completions();
        // The kernel's sign for work may be left standing when there is none any more, so it
        // alone must not keep a core here. A call does 20 things, and there are at most two
        // for each connection; what comes once the last call has begun is signalled.
        let mut calls_left = self.connections.len() / 10 + 2;
        while calls_left > 0 && self.hand_over() {
            if received >= RECEIVED_MAX {
                return true;
            }
            self.enter(false);
            received += self.take_completions();
            calls_left -= 1;
        }
        !self.waiting.is_empty() || !self.ring.submission().is_empty()
    }

    /// Puts what waits into the ring, and tells whether the kernel has anything to do.
    fn hand_over(&mut self) -> bool {
        let mut submissions = self.ring.submission();
        while let Some(entry) = self.waiting.front() {
            // SAFETY: see `ask`.
            if unsafe { submissions.push(entry) }.is_err() {
                break;
            }
            self.waiting.pop_front();
        }
        !submissions.is_empty() || submissions.taskrun() || submissions.cq_overflow()
    }

    fn enter(&mut self, quiet: bool) {
        let submissions = self.ring.submission().len() as u32;
        if quiet {
            self.ring.completion().disable_eventfd();
        }
        // SAFETY: what was pushed is valid, see `ask`, and there is no argument.
        let entered = unsafe {
            self.ring
                .submitter()
                .enter::<libc::sigset_t>(submissions, 0, ENTER_GETEVENTS, None)
        };
        if quiet {
            self.ring.completion().enable_eventfd();
            // Before `hand_over` looks for what wasn't signalled.
            fence(Ordering::SeqCst);
        }
        match entered.map_err(|error| error.raw_os_error()) {
            Ok(_) | Err(Some(libc::EINTR)) => {}
            // The kernel lacks memory, or a place for completions, which are taken next.
            Err(Some(libc::EAGAIN | libc::EBUSY)) => std::thread::yield_now(),
            Err(code) => panic!("io_uring_enter: errno {code:?}"),
        }
    }

    /// Takes what is done, and tells how often something was received.
    fn take_completions(&mut self) -> usize {
        let mut received = 0;
        while let Some(completion) = self.next_completion() {
            let index = (completion.user_data() >> KIND_BITS) as usize;
            let kind = completion.user_data() & ((1 << KIND_BITS) - 1);
            match kind {
                CANCELLED => continue,
                SENT => self.take_sent(index, completion.result()),
                ROOM => {
                    let connection = &mut self.connections[index];
                    connection.awaiting_room = false;
                    if let Some(writer) = connection.writer.take() {
                        writer.wake();
                    }
                }
                _ => {
                    received += 1;
                    let connection = &mut self.connections[index];
                    connection.take(&completion, &mut self.buffers);
                    let unread = connection.received.len();
                    if connection.receiving && !connection.stopping && unread >= UNREAD_MAX {
                        connection.stopping = true;
                        self.waiting.push_back(cancellation(index, RECEIVED));
                    }
                }
            }
            let connection = &self.connections[index];
            if connection.orphan.is_some() && connection.is_free() {
                self.connections.remove(index);
            }
        }
        if received > 0 {
            self.received_last = received;
        }
        received
    }

    fn next_completion(&mut self) -> Option<cqueue::Entry> {
        self.ring.completion().next()
    }

    /// Asks the kernel for something at the next turn.
    fn ask(&mut self, entry: squeue::Entry) {
        // SAFETY: receiving takes the pool's buffers, and what is sent stays where it is, in
        // `sending`, until the kernel is done with it. So do descriptors, see `orphan`.
        if !self.waiting.is_empty() || unsafe { self.ring.submission().push(&entry) }.is_err() {
            self.waiting.push_back(entry);
        }
    }
}

fn cancellation(index: usize, kind: u64) -> squeue::Entry {
    opcode::AsyncCancel::new(user_data(index, kind))
        .build()
        .user_data(user_data(index, CANCELLED))
}

impl Connection {
    /// Whether the kernel has nothing to do for it.
    fn is_free(&self) -> bool {
        !self.receiving && !self.awaiting_room && !self.sending.is_under_way()
    }

    /// Takes what the kernel says about receiving.
    fn take(&mut self, completion: &cqueue::Entry, buffers: &mut Buffers) {
        self.receiving = cqueue::more(completion.flags());
        self.stopping &= self.receiving;
        let result = completion.result();
        if let Some(buffer) = cqueue::buffer_select(completion.flags()) {
            if result > 0 && self.orphan.is_none() {
                self.received.push_back(Chunk {
                    buffer,
                    start: 0,
                    end: result as usize,
                });
            } else {
                buffers.give_back(buffer);
            }
        }
        match -result {
            ..0 | libc::ECANCELED => {}
            0 => self.end = Some(End::Closed),
            // The pool is empty; what has arrived is still in the socket.
            libc::ENOBUFS => self.more = true,
            errno => self.end = Some(End::Failed(errno)),
        }
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}
