//! What other nodes ask of this one.

use super::identity::hash_of;
use super::link::{MACHINE_SILENCE_MAX, READ_BYTES, REQUESTS_OPEN_MAX};
use super::wire::{self, Frame, Kind, put_head, put_hello, put_reply};
use super::{Joined, News};
use crate::mesh::{Call, Mesh, is_transfer};
use crate::runtime::{Listener, Stream, sleep, spawn_local, timeout};
use futures_util::FutureExt as _;
use futures_util::future::{AbortHandle, Either, abortable, select};
use hyper_util::rt::TokioIo;
use lclq_shards::command::{Command, Refusal, Reply, Token};
use lclq_shards::pubsub::command::{AdminCommand, PubsubCommand, StreamRef};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncWriteExt, BufReader, ReadHalf, WriteHalf, split};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What a node may take to say who it is.
const HELLO_WAIT: Duration = Duration::from_millis(1_000);
/// Before the next connection is accepted where the last could not be.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Bytes of answers that wait to be written, beyond which nothing more is taken from the other node.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Bytes that are written at once.
const WRITE_BYTES: usize = 1 << 20;
/// What the other node may take to read them. One that stands still is given up: it has its answers from nobody.
const WRITE_WAIT: Duration = Duration::from_secs(10);

type Connection = TlsStream<TokioIo<Stream>>;

/// Connections of other nodes to one core.
const CONNECTIONS_MAX: usize = 4_096;

/// Answers other nodes on this core, from now on.
pub fn serve(mesh: &Mesh, joined: &Arc<Joined>, mut listener: Listener) {
    let (mesh, joined) = (mesh.clone(), joined.clone());
    spawn_local(async move {
        loop {
            let stream = match listener.accept().await {
                // Dropping it closes it.
                Ok(_) if listener.connections_open() > CONNECTIONS_MAX => continue,
                Ok(stream) => stream,
                Err(error) => {
                    tracing::warn!(%error, "can't accept another node");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let serving = Rc::new(Serving {
                mesh: mesh.clone(),
                joined: joined.clone(),
                out: RefCell::default(),
                wake: Notify::new(),
                room: Notify::new(),
                is_over: Cell::new(false),
                calls: RefCell::default(),
                streams: RefCell::default(),
                reserved: RefCell::default(),
            });
            spawn_local(async move {
                if let Err(error) = serving.run(stream).await {
                    tracing::debug!(%error, "another node's connection has ended");
                }
                serving.end();
            });
        }
    });
}

/// A connection from another node.
struct Serving {
    mesh: Mesh,
    joined: Arc<Joined>,
    /// Frames that wait to be written: [`ANSWER_BYTES_MAX`], and what was under way when they had become so many.
    out: RefCell<Vec<u8>>,
    wake: Notify,
    /// There is room for answers again.
    room: Notify,
    is_over: Cell<bool>,
    /// What is under way and may be cancelled.
    calls: RefCell<HashMap<Token, AbortHandle>>,
    /// Streams that the other node has open. They end with the connection: nobody else knows of them.
    streams: RefCell<HashSet<StreamRef>>,
    /// Names that it has reserved, and their shards.
    reserved: RefCell<HashMap<Box<str>, u16>>,
}

/// What a command does that has to be undone where its asker vanishes.
enum Leaves {
    Nothing,
    Stream,
    Closes(StreamRef),
    Reserves(Box<str>),
    Releases(Box<str>),
    /// Whoever delivers by itself has to look.
    Changes,
}

impl Leaves {
    fn of(command: &Command) -> Self {
        let Command::Pubsub(command) = command else {
            return Self::Nothing;
        };
        match &**command {
            PubsubCommand::OpenStream { .. } => Self::Stream,
            PubsubCommand::CloseStream { stream } => Self::Closes(*stream),
            PubsubCommand::Admin(command) => match &**command {
                AdminCommand::Reserve { name } => Self::Reserves(name.clone()),
                AdminCommand::Release { name } => Self::Releases(name.clone()),
                AdminCommand::CreateSubscription { .. }
                | AdminCommand::UpdateSubscription { .. } => Self::Changes,
                _ => Self::Nothing,
            },
            _ => Self::Nothing,
        }
    }
}

/// Takes out of a command what only means something where it was made.
fn without_client(command: &mut Command) {
    match command {
        Command::Receive(receive) => receive.client = 0,
        Command::Pubsub(command) => {
            if let PubsubCommand::Pull { client, .. } | PubsubCommand::OpenStream { client, .. } =
                &mut **command
            {
                *client = 0;
            }
        }
        _ => {}
    }
}

impl Serving {
    async fn run(self: &Rc<Self>, stream: Stream) -> io::Result<()> {
        let greeted = timeout(HELLO_WAIT, Box::pin(self.greet(stream))).await;
        let (mut from, to) = greeted.map_err(|_| io::ErrorKind::TimedOut)??;
        let reading = pin!(async {
            while let Some(frame) = wire::read_frame(&mut from).await? {
                self.take(&frame)?;
                while self.out.borrow().len() > ANSWER_BYTES_MAX {
                    self.room.notified().await;
                }
            }
            Ok(())
        });
        match select(reading, pin!(self.write(to))).await {
            Either::Left((ended, _)) | Either::Right((ended, _)) => ended,
        }
    }

    /// Learns who is at the other end, and that it is.
    async fn greet(
        &self,
        stream: Stream,
    ) -> io::Result<(BufReader<ReadHalf<Connection>>, WriteHalf<Connection>)> {
        stream.end_after_silence(MACHINE_SILENCE_MAX)?;
        let acceptor = TlsAcceptor::from(self.joined.identity.server.clone());
        let stream = acceptor.accept(TokioIo::new(stream)).await?;
        let shown = stream.get_ref().1.peer_certificates();
        let shown = shown.and_then(|all| all.first()).map(hash_of);
        let (from, mut to) = split(stream);
        let mut from = BufReader::with_capacity(READ_BYTES, from);
        let hello = wire::read_first(&mut from).await?;
        let (other, to_whom) = wire::read_hello(&hello)?;
        let me = &*self.joined.member.node;
        if to_whom != me {
            return Err(io::Error::other("another node was meant"));
        }
        let known = self.joined.peers.named(other);
        if known.is_none_or(|peer| Some(&*peer.key_hash) != shown.as_ref().map(|hash| &hash[..])) {
            // It may have joined a moment ago; then it comes again.
            self.joined.tell(News::Look);
            return Err(io::Error::other(
                "the store doesn't know it by its certificate",
            ));
        }
        let mut answer = Vec::new();
        put_hello(&mut answer, me, other);
        to.write_all(&answer).await?;
        to.flush().await?;
        Ok((from, to))
    }

    fn take(self: &Rc<Self>, frame: &Frame) -> io::Result<()> {
        match frame.kind {
            Kind::Command => self.begin(frame),
            Kind::Cancel => {
                if let Some(call) = self.calls.borrow_mut().remove(&frame.token) {
                    call.abort();
                }
                Ok(())
            }
            Kind::Look => {
                self.joined.tell(News::Look);
                Ok(())
            }
            Kind::Hello | Kind::Reply | Kind::NotHere => {
                Err(io::Error::other("it answers what nobody has asked"))
            }
        }
    }

    fn begin(self: &Rc<Self>, frame: &Frame) -> io::Result<()> {
        if self.calls.borrow().len() >= REQUESTS_OPEN_MAX {
            return Err(io::Error::other("it asks more than was agreed"));
        }
        let mut command: Command = wire::decode(&frame.body)?;
        let (token, shard) = (frame.token, frame.shard);
        let leaves = Leaves::of(&command);
        without_client(&mut command);
        let Some(mut call) = self.mesh.serve(shard, command) else {
            self.not_here(token, shard);
            return Ok(());
        };
        if let Some(reply) = (&mut call).now_or_never() {
            self.answer(token, shard, leaves, reply);
            return Ok(());
        }
        self.wait(token, shard, leaves, call);
        Ok(())
    }

    fn wait(self: &Rc<Self>, token: Token, shard: u16, leaves: Leaves, call: Call) {
        let (call, handle) = abortable(call);
        // Those are never cancelled, and share their tokens.
        if !is_transfer(token) {
            self.calls.borrow_mut().insert(token, handle);
        }
        let serving = self.clone();
        spawn_local(async move {
            if let Ok(reply) = call.await {
                serving.calls.borrow_mut().remove(&token);
                serving.answer(token, shard, leaves, reply);
            }
        });
    }

    fn answer(&self, token: Token, shard: u16, leaves: Leaves, reply: Reply) {
        if matches!(
            reply,
            Reply::Elsewhere(..) | Reply::Refused(Refusal::Stopping)
        ) {
            return self.not_here(token, shard);
        }
        self.note(shard, leaves, &reply);
        if self.is_over.get() {
            return self.mesh.unwanted(reply);
        }
        let out = &mut *self.out.borrow_mut();
        if let Err(error) = put_reply(out, token, shard, &reply) {
            tracing::warn!(%error, shard, "another node can't be answered");
            let refused = Reply::Refused(Refusal::Unreachable);
            // Short enough, whatever happens.
            let _ = put_reply(out, token, shard, &refused);
        }
        self.wake.notify_one();
    }

    fn note(&self, shard: u16, leaves: Leaves, reply: &Reply) {
        match (leaves, reply) {
            (Leaves::Stream, Reply::Stream(stream)) => {
                self.streams.borrow_mut().insert(*stream);
                if self.is_over.get() {
                    self.end();
                }
            }
            (Leaves::Closes(stream), _) => {
                self.streams.borrow_mut().remove(&stream);
            }
            (Leaves::Reserves(name), Reply::Done) => {
                self.reserved.borrow_mut().insert(name, shard);
                if self.is_over.get() {
                    self.end();
                }
            }
            (Leaves::Releases(name), _) => {
                self.reserved.borrow_mut().remove(&name);
            }
            (Leaves::Changes, Reply::Resource(_)) => self.mesh.shards_have_changed(),
            _ => {}
        }
    }

    fn not_here(&self, token: Token, shard: u16) {
        put_head(&mut self.out.borrow_mut(), Kind::NotHere, token, shard, 0);
        self.wake.notify_one();
    }

    async fn write(&self, mut to: WriteHalf<Connection>) -> io::Result<()> {
        let mut writing = Vec::new();
        loop {
            std::mem::swap(&mut writing, &mut *self.out.borrow_mut());
            if writing.is_empty() {
                to.flush().await?;
                self.wake.notified().await;
                continue;
            }
            self.room.notify_one();
            for part in writing.chunks(WRITE_BYTES) {
                let written = timeout(WRITE_WAIT, to.write_all(part)).await;
                written.map_err(|_| io::ErrorKind::TimedOut)??;
            }
            writing.clear();
            // A large answer's room is not kept for small ones.
            writing.shrink_to(READ_BYTES);
        }
    }

    /// The connection is over: what it has left is undone.
    fn end(&self) {
        self.is_over.set(true);
        for (_, call) in self.calls.borrow_mut().drain() {
            call.abort();
        }
        let undo = |shard, command| {
            let mesh = self.mesh.clone();
            spawn_local(async move {
                let command = Command::Pubsub(Box::new(command));
                if let Some(call) = mesh.serve(shard, command) {
                    drop(call.await);
                }
            });
        };
        for stream in self.streams.borrow_mut().drain() {
            undo(stream.shard, PubsubCommand::CloseStream { stream });
        }
        for (name, shard) in self.reserved.borrow_mut().drain() {
            let release = AdminCommand::Release { name };
            undo(shard, PubsubCommand::Admin(Box::new(release)));
        }
    }
}
