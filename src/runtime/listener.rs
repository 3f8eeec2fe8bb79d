//! Listening, and sharing the connections out.
//!
//! One socket, accepted from on core 0, each connection handed to the core that has the fewest
//! open. The usual thread-per-core way, a SO_REUSEPORT socket on every core, lets the kernel hash
//! connections to cores, and with the few dozen that an SDK's pool opens the hash is uneven: 64
//! connections on 2 cores come out 27 to 37 or worse every second time, and the fuller core bounds
//! the throughput. One descriptor in every core's epoll set is no better: whoever wakes first takes
//! all that wait. Handing over is even by construction, works on every platform, and costs one
//! doorbell per connection, not per request.
//!
//! It also keeps `bind` honest: with SO_REUSEPORT a second lclq would silently share the port of
//! the first. Here a port held by another process is an error, as it should be.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::bell::Doorbell;
use super::doorbell::{DoorbellWaiter, doorbell};
use super::stream::Stream;

/// Connections the kernel completes ahead of us.
const BACKLOG: i32 = 4096;

/// A bound socket and the cores that serve it. Bind it before the cores start, so that a port in
/// use is a plain error in `main`, and give every core a clone.
#[derive(Clone, Debug)]
pub struct SharedListener {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    socket: std::net::TcpListener,
    addr: SocketAddr,
    cores: Vec<Core>,
}

/// One core's side. On cache lines of its own: the gauge changes with every connection.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Core {
    open: AtomicUsize,
    inbox: Mutex<Inbox>,
}

#[derive(Debug, Default)]
struct Inbox {
    waiting: VecDeque<std::net::TcpStream>,
    bell: Option<Doorbell>,
}

impl Core {
    fn inbox(&self) -> std::sync::MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One open connection's place in its core's gauge.
#[derive(Debug)]
pub struct ConnectionSlot {
    shared: Arc<Shared>,
    core: usize,
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.shared.cores[self.core]
            .open
            .fetch_sub(1, Ordering::Relaxed);
    }
}

impl SharedListener {
    /// Binds `addr` for `cores` cores. Port 0 takes any free port.
    pub fn bind(addr: SocketAddr, cores: usize) -> io::Result<SharedListener> {
        assert!(cores > 0, "at least one core");
        let explain = |error: io::Error| {
            io::Error::new(error.kind(), format!("can't listen on {addr}: {error}"))
        };
        let socket = bind_socket(addr).map_err(explain)?;
        let addr = socket.local_addr()?;
        let cores = (0..cores).map(|_| Core::default()).collect();
        Ok(SharedListener {
            shared: Arc::new(Shared {
                socket,
                addr,
                cores,
            }),
        })
    }

    /// The address bound, with the port the system chose for port 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.shared.addr
    }

    /// Connections open on one core now.
    pub fn connections_open(&self, core: usize) -> usize {
        self.shared.cores[core].open.load(Ordering::Relaxed)
    }

    /// Connections open on every core now.
    pub fn connections_open_total(&self) -> usize {
        (0..self.shared.cores.len())
            .map(|core| self.connections_open(core))
            .sum()
    }

    /// The side of `core`, which must be the calling core. Core 0's does the accepting for all, so
    /// it must be kept accepting as long as any core serves.
    pub fn listener(&self, core: usize) -> io::Result<Listener> {
        let source = if core == 0 {
            let socket = self.shared.socket.try_clone()?;
            socket.set_nonblocking(true)?;
            Source::Socket(tokio::net::TcpListener::from_std(socket)?)
        } else {
            let (bell, waiter) = doorbell();
            self.shared.cores[core].inbox().bell = Some(bell);
            Source::Inbox(waiter)
        };
        Ok(Listener {
            source,
            shared: self.shared.clone(),
            core,
            next: 0,
        })
    }
}

fn bind_socket(addr: SocketAddr) -> io::Result<std::net::TcpListener> {
    use socket2::{Domain, Protocol, Socket, Type};
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // On Unix this only lets a restart reuse a port whose old connections linger. On Windows the
    // same option would let two processes share it.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// One core's side of a [`SharedListener`].
pub struct Listener {
    source: Source,
    shared: Arc<Shared>,
    core: usize,
    /// Where the search for the least loaded core begins, so that ties go round.
    next: usize,
}

enum Source {
    Socket(tokio::net::TcpListener),
    Inbox(DoorbellWaiter),
}

impl Listener {
    /// The next connection for this core. On core 0 this also hands the others theirs. Cancel it
    /// only to stop: on io_uring a connection that comes at that very moment is lost.
    pub async fn accept(&mut self) -> io::Result<Stream> {
        loop {
            let accepted = match &mut self.source {
                Source::Socket(socket) => socket.accept().await?.0,
                Source::Inbox(waiter) => {
                    let core = &self.shared.cores[self.core];
                    let socket = poll_fn(|cx| {
                        loop {
                            // In this order: what is put in after the look rings again.
                            if let Some(socket) = core.inbox().waiting.pop_front() {
                                return std::task::Poll::Ready(socket);
                            }
                            std::task::ready!(waiter.poll_wait(cx));
                        }
                    })
                    .await;
                    let slot = ConnectionSlot {
                        shared: self.shared.clone(),
                        core: self.core,
                    };
                    return Stream::adopt(socket, Some(slot));
                }
            };
            let target = self.least_loaded();
            self.shared.cores[target]
                .open
                .fetch_add(1, Ordering::Relaxed);
            let slot = ConnectionSlot {
                shared: self.shared.clone(),
                core: target,
            };
            if target == self.core {
                return Stream::own(accepted, Some(slot));
            }
            let socket = accepted.into_std()?;
            let bell = {
                let mut inbox = self.shared.cores[target].inbox();
                inbox.waiting.push_back(socket);
                inbox.bell.clone()
            };
            // The place goes with the connection: the target makes the guard anew.
            std::mem::forget(slot);
            // No bell yet: the core is still starting, and looks into its inbox first.
            if let Some(bell) = bell {
                bell.ring();
            }
        }
    }

    /// Connections open on this core now.
    pub fn connections_open(&self) -> usize {
        self.shared.cores[self.core].open.load(Ordering::Relaxed)
    }

    fn least_loaded(&mut self) -> usize {
        let cores = &self.shared.cores;
        let count = cores.len();
        let start = self.next;
        self.next = (start + 1) % count;
        (0..count)
            .map(|offset| (start + offset) % count)
            .min_by_key(|&core| cores[core].open.load(Ordering::Relaxed))
            .unwrap_or(self.core)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if matches!(self.source, Source::Inbox(_)) {
            let mut inbox = self.shared.cores[self.core].inbox();
            inbox.bell = None;
            // Connections nobody will take: closed, and out of the gauge.
            let unclaimed = inbox.waiting.drain(..).count();
            self.shared.cores[self.core]
                .open
                .fetch_sub(unclaimed, Ordering::Relaxed);
        }
    }
}
