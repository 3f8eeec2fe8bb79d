//! One core's connection to another node, by which it asks.

use super::identity;
use super::wire::{self, Kind, put_head};
use super::{Joined, Peer};
use crate::mesh::Mesh;
use crate::runtime::{Stream, sleep, spawn_local, timeout};
use bytes::Bytes;
use futures_util::future::{Either, select};
use hyper_util::rt::TokioIo;
use lclq_shards::command::Token;
use std::cell::{Cell, RefCell};
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncWriteExt, BufReader, ReadHalf, WriteHalf, split};
use tokio::sync::Notify;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Requests under way on one connection: its credit, which both ends know.
pub const REQUESTS_OPEN_MAX: usize = 16_384;
/// Bytes of them.
pub const REQUEST_BYTES_MAX: usize = 256 << 20;
/// What making a connection may take.
pub const CONNECT_WAIT: Duration = Duration::from_millis(1_000);
/// What another node's machine may be silent for before the connection to it counts as lost. Requests that were on
/// their way are asked again or refused then, well before they have waited for as long as they may.
pub const MACHINE_SILENCE_MAX: Duration = Duration::from_secs(3);
/// Before a connection counts as lost that could not be made.
const REFUSED_PAUSE: Duration = Duration::from_millis(20);
/// Bodies up to this length are written with what stands around them.
const SHORT_BYTES_MAX: usize = 16 << 10;
/// Bytes that are read at once.
pub const READ_BYTES: usize = 64 << 10;

type Connection = TlsStream<TokioIo<Stream>>;

/// A command as it goes to another node, kept until it is answered: it may have to go to a third.
pub type CallBody = Bytes;

/// What goes out.
enum Out {
    Command {
        token: Token,
        shard: u16,
        body: CallBody,
    },
    Cancel(Token),
    Look,
}

/// Why a connection ended, for those who wait.
pub struct Lost(pub io::Error);

/// A connection to another node, made when it is first used.
pub struct Link {
    peer: Arc<Peer>,
    out: RefCell<Vec<Out>>,
    wake: Notify,
    broken_off: Notify,
    open: Cell<usize>,
    open_bytes: Cell<usize>,
    is_greeted: Cell<bool>,
}

impl Link {
    /// Begins to connect.
    pub fn start(mesh: &Mesh, joined: &Arc<Joined>, peer: Arc<Peer>) -> Rc<Self> {
        let link = Rc::new(Self {
            peer,
            out: RefCell::default(),
            wake: Notify::new(),
            broken_off: Notify::new(),
            open: Cell::new(0),
            open_bytes: Cell::new(0),
            is_greeted: Cell::new(false),
        });
        let (mesh, joined, of_task) = (mesh.clone(), joined.clone(), link.clone());
        spawn_local(async move {
            let running = pin!(of_task.run(&mesh, &joined));
            let error = match select(running, pin!(of_task.broken_off.notified())).await {
                Either::Left((Err(error), _)) => error,
                Either::Left((Ok(()), _)) => io::ErrorKind::ConnectionReset.into(),
                Either::Right(_) => io::ErrorKind::TimedOut.into(),
            };
            mesh.link_lost(&of_task, Lost(error));
        });
        link
    }

    /// The node at the other end.
    pub fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }

    /// Whether the node at the other end has said who it is. Before, nothing was sent to it.
    pub fn is_greeted(&self) -> bool {
        self.is_greeted.get()
    }

    /// Sends a command. `false` where as many are under way as may be.
    pub fn command(&self, token: Token, shard: u16, body: CallBody) -> bool {
        let (open, bytes) = (self.open.get(), self.open_bytes.get());
        if open >= REQUESTS_OPEN_MAX || bytes + body.len() > REQUEST_BYTES_MAX {
            return false;
        }
        self.open.set(open + 1);
        self.open_bytes.set(bytes + body.len());
        self.push(Out::Command { token, shard, body });
        true
    }

    /// Sends a transfer, of which its shard has only so many under way.
    pub fn transfer(&self, token: Token, shard: u16, body: CallBody) {
        self.push(Out::Command { token, shard, body });
    }

    /// A command was answered, or nobody waits for it.
    pub fn closed(&self, body_bytes: usize) {
        self.open.set(self.open.get().saturating_sub(1));
        let bytes = self.open_bytes.get().saturating_sub(body_bytes);
        self.open_bytes.set(bytes);
    }

    /// Nobody waits for an answer any more.
    pub fn cancel(&self, token: Token) {
        self.push(Out::Cancel(token));
    }

    /// Ends the connection: the other node is gone.
    pub fn break_off(&self) {
        self.broken_off.notify_one();
    }

    /// Has the other node look at who runs what.
    pub fn look(&self) {
        self.push(Out::Look);
    }

    fn push(&self, out: Out) {
        self.out.borrow_mut().push(out);
        self.wake.notify_one();
    }

    /// Until the connection ends.
    async fn run(&self, mesh: &Mesh, joined: &Joined) -> io::Result<()> {
        let (from, to) = match timeout(CONNECT_WAIT, Box::pin(self.connect(joined))).await {
            Ok(Ok(halves)) => halves,
            Ok(Err(error)) => {
                sleep(REFUSED_PAUSE).await;
                return Err(error);
            }
            Err(_) => return Err(io::ErrorKind::TimedOut.into()),
        };
        self.is_greeted.set(true);
        match select(pin!(self.read(mesh, from)), pin!(self.write(to))).await {
            Either::Left((ended, _)) | Either::Right((ended, _)) => ended,
        }
    }

    async fn connect(
        &self,
        joined: &Joined,
    ) -> io::Result<(BufReader<ReadHalf<Connection>>, WriteHalf<Connection>)> {
        let stream = Stream::connect(self.peer.address).await?;
        stream.end_after_silence(MACHINE_SILENCE_MAX)?;
        let stream = TokioIo::new(stream);
        let config = joined.identity.client(&self.peer.key_hash)?;
        let connecting = TlsConnector::from(config).connect(identity::name(), stream);
        let (from, mut to) = split(connecting.await?);
        let mut from = BufReader::with_capacity(READ_BYTES, from);
        let (me, peer) = (&joined.member.node, &self.peer.node);
        let mut hello = Vec::new();
        wire::put_hello(&mut hello, me, peer);
        to.write_all(&hello).await?;
        to.flush().await?;
        let answer = wire::read_first(&mut from).await?;
        let (other, to_whom) = wire::read_hello(&answer)?;
        if other != &**peer || to_whom != &**me {
            return Err(io::Error::other("another node is at its address"));
        }
        Ok((from, to))
    }

    async fn read(&self, mesh: &Mesh, mut from: BufReader<ReadHalf<Connection>>) -> io::Result<()> {
        while let Some(frame) = wire::read_frame(&mut from).await? {
            match frame.kind {
                Kind::Reply => {
                    let reply = wire::decode(&frame.body)?;
                    mesh.answered_by(self, frame.token, Some(reply));
                }
                Kind::NotHere => mesh.answered_by(self, frame.token, None),
                Kind::Hello | Kind::Command | Kind::Cancel | Kind::Look => {
                    return Err(io::Error::other("it asks where it is to answer"));
                }
            }
        }
        Ok(())
    }

    async fn write(&self, mut to: WriteHalf<Connection>) -> io::Result<()> {
        let mut buffer = Vec::new();
        loop {
            let all = std::mem::take(&mut *self.out.borrow_mut());
            if all.is_empty() {
                to.flush().await?;
                self.wake.notified().await;
                continue;
            }
            buffer.clear();
            for out in all {
                match out {
                    Out::Command { token, shard, body } => {
                        put_head(&mut buffer, Kind::Command, token, shard, body.len());
                        if body.len() > SHORT_BYTES_MAX {
                            to.write_all(&buffer).await?;
                            buffer.clear();
                            to.write_all(&body).await?;
                        } else {
                            buffer.extend_from_slice(&body);
                        }
                    }
                    Out::Cancel(token) => put_head(&mut buffer, Kind::Cancel, token, 0, 0),
                    Out::Look => put_head(&mut buffer, Kind::Look, 0, 0, 0),
                }
                if buffer.len() > READ_BYTES {
                    to.write_all(&buffer).await?;
                    buffer.clear();
                }
            }
            to.write_all(&buffer).await?;
        }
    }
}
