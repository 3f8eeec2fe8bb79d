//! A gRPC client on HTTP/2 that does as little as it can: it frames by hand, reads no header field
//! and keeps no task per call.
//!
//! What it leaves out is what a load generator can do without: replies' headers are not decoded
//! (HPACK), so of a call that fails it only knows that. gRPC servers answer a failed unary call
//! without a DATA frame; a call counts as good that ended with trailers after a message.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io::{self, ErrorKind, Read, Write};
use std::net::ToSocketAddrs;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Registry, Token};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEAD_BYTES: usize = 9;
/// What gRPC puts in front of a message.
pub const GRPC_HEAD_BYTES: usize = 5;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;

const INITIAL_WINDOW_SIZE: u16 = 4;
const MAX_FRAME_SIZE: u16 = 5;

/// Bytes that the server may send before it hears more, per stream and per connection.
const WINDOW_BYTES: u32 = 64 << 20;
/// Length of a frame that we take.
const FRAME_BYTES_MAX: u32 = 64 << 10;
const INPUT_BYTES: usize = 256 << 10;
/// How long a server may take to answer the preface.
const CONNECT_WAIT: Duration = Duration::from_secs(10);

/// What has come.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A piece of a stream's body: gRPC's framing is in it.
    Data {
        /// Which stream.
        stream: u32,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// A stream has ended.
    End {
        /// Which stream.
        stream: u32,
        /// With trailers after a message; see the module.
        good: bool,
    },
    /// A ping of ours has been answered.
    Pong,
}

/// One connection to a gRPC server.
#[derive(Debug)]
pub struct Connection {
    input: Input,
    /// Where calls are made.
    pub out: Out,
}

#[derive(Debug)]
struct Input {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
    unreported: u32,
    /// Streams that stay open, and what they have taken since their window was last updated.
    long: HashMap<u32, u32>,
    /// The last stream that had a DATA frame: a unary reply's end mostly comes right behind it.
    data_last: u32,
    /// Streams before it that had one and have not ended.
    data_earlier: HashSet<u32>,
}

/// The sending half of a connection.
#[derive(Debug)]
pub struct Out {
    buffer: Vec<u8>,
    /// How much of it has been written.
    written: usize,
    head: Vec<u8>,
    authority: String,
    path: String,
    is_first: bool,
    next_stream: u32,
    window: i64,
    stream_window: i64,
    /// Windows of streams that stay open.
    windows: HashMap<u32, i64>,
    opened: Vec<u32>,
    frame_bytes_max: usize,
    /// What waits for room in a window, in order.
    held: VecDeque<Held>,
}

#[derive(Debug)]
struct Held {
    stream: u32,
    body: Vec<u8>,
    sent: usize,
    ends: bool,
}

impl Connection {
    /// Connects and exchanges settings. Calls of `path` cost least, as their head is remembered.
    ///
    /// # Errors
    /// If the server can't be reached or speaks something else.
    pub fn connect(address: &str, path: &str) -> io::Result<Self> {
        let resolved = address
            .to_socket_addrs()?
            .next()
            .ok_or_else(|| io::Error::other("the server has no address"))?;
        let stream = std::net::TcpStream::connect(resolved)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut out = Out {
            buffer: Vec::with_capacity(64 << 10),
            written: 0,
            head: Vec::new(),
            authority: address.to_owned(),
            path: path.to_owned(),
            is_first: true,
            next_stream: 1,
            window: 65_535,
            stream_window: 65_535,
            windows: HashMap::new(),
            opened: Vec::new(),
            frame_bytes_max: 16_384,
            held: VecDeque::new(),
        };
        out.buffer.extend_from_slice(PREFACE);
        let mut settings = Vec::new();
        for (id, value) in [
            (INITIAL_WINDOW_SIZE, WINDOW_BYTES),
            (MAX_FRAME_SIZE, FRAME_BYTES_MAX),
        ] {
            settings.extend_from_slice(&id.to_be_bytes());
            settings.extend_from_slice(&value.to_be_bytes());
        }
        out.frame(SETTINGS, 0, 0, &settings);
        out.window_update(0, WINDOW_BYTES - 65_535);
        let mut connection = Self {
            input: Input {
                stream: TcpStream::from_std(stream),
                buffer: vec![0; INPUT_BYTES],
                filled: 0,
                unreported: 0,
                long: HashMap::new(),
                data_last: 0,
                data_earlier: HashSet::new(),
            },
            out,
        };
        // A ping behind the settings: its answer means that they have been exchanged.
        connection.out.ping();
        connection.wait(
            CONNECT_WAIT,
            |_, _| {},
            |event| matches!(event, Event::Pong),
        )?;
        Ok(connection)
    }

    /// Has its events come under `token`.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        registry.register(&mut self.input.stream, token, interest)
    }

    /// Writes what is to be sent, as far as the socket takes it.
    ///
    /// # Errors
    /// If the connection breaks.
    pub fn flush(&mut self) -> io::Result<()> {
        let out = &mut self.out;
        while out.written < out.buffer.len() {
            match self.input.stream.write(&out.buffer[out.written..]) {
                Ok(sent) => out.written += sent,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        out.buffer.clear();
        out.written = 0;
        Ok(())
    }

    /// Reads all that is there and hands it on, then writes what came of it.
    ///
    /// # Errors
    /// If the connection breaks or the server breaks the protocol.
    pub fn read(&mut self, mut on: impl FnMut(&mut Out, Event<'_>)) -> io::Result<()> {
        loop {
            let input = &mut self.input;
            let room = input.buffer.len() - input.filled;
            let read = match input.stream.read(&mut input.buffer[input.filled..]) {
                Ok(0) => return Err(io::Error::other("the server closed a connection")),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            input.filled += read;
            self.frames(&mut on)?;
            // A short read has emptied the socket.
            if read < room {
                break;
            }
            self.flush()?;
        }
        self.flush()
    }

    /// Waits, with nothing else to do, until an event, once `on` has seen it, is `last`.
    ///
    /// # Errors
    /// If the connection breaks, or the time is over.
    pub fn wait(
        &mut self,
        within: Duration,
        mut on: impl FnMut(&mut Out, Event<'_>),
        mut last: impl FnMut(&Event<'_>) -> bool,
    ) -> io::Result<()> {
        let until = Instant::now() + within;
        let mut poll = Poll::new()?;
        self.register(poll.registry(), Token(0))?;
        let mut events = Events::with_capacity(8);
        self.flush()?;
        let mut done = false;
        while !done {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::Error::other("the server took too long"));
            }
            poll.poll(&mut events, Some(left))?;
            self.read(|out, event| {
                on(out, event);
                done |= last(&event);
            })?;
        }
        poll.registry().deregister(&mut self.input.stream)
    }

    /// Deals with the complete frames of the input.
    fn frames(&mut self, on: &mut impl FnMut(&mut Out, Event<'_>)) -> io::Result<()> {
        let (input, out) = (&mut self.input, &mut self.out);
        let mut at = 0;
        while input.filled - at >= HEAD_BYTES {
            let head: [u8; HEAD_BYTES] = input.buffer[at..at + HEAD_BYTES]
                .try_into()
                .expect("as long as a head");
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            if length > FRAME_BYTES_MAX {
                return Err(io::Error::other("a frame is longer than allowed"));
            }
            let end = at + HEAD_BYTES + length as usize;
            if end > input.filled {
                break;
            }
            let (kind, flags) = (head[3], head[4]);
            let stream = u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]);
            let payload = &input.buffer[at + HEAD_BYTES..end];
            at = end;
            for id in out.opened.drain(..) {
                input.long.insert(id, 0);
            }
            match kind {
                DATA => {
                    if flags & PADDED != 0 {
                        return Err(io::Error::other("a frame is padded"));
                    }
                    if input.data_last != stream {
                        if input.data_last != 0 {
                            input.data_earlier.insert(input.data_last);
                        }
                        input.data_last = stream;
                    }
                    input.unreported += length;
                    if input.unreported > WINDOW_BYTES / 2 {
                        out.window_update(0, std::mem::take(&mut input.unreported));
                    }
                    if !input.long.is_empty()
                        && let Some(taken) = input.long.get_mut(&stream)
                    {
                        *taken += length;
                        if *taken > WINDOW_BYTES / 2 {
                            out.window_update(stream, std::mem::take(taken));
                        }
                    }
                    on(
                        out,
                        Event::Data {
                            stream,
                            bytes: payload,
                        },
                    );
                    if flags & END_STREAM != 0 {
                        // Not gRPC's way to end.
                        on(
                            out,
                            Event::End {
                                stream,
                                good: false,
                            },
                        );
                    }
                }
                HEADERS if flags & END_STREAM != 0 => {
                    let mut good =
                        !input.data_earlier.is_empty() && input.data_earlier.remove(&stream);
                    if input.data_last == stream {
                        input.data_last = 0;
                        good = true;
                    }
                    if !input.long.is_empty() && input.long.remove(&stream).is_some() {
                        out.windows.remove(&stream);
                    }
                    on(out, Event::End { stream, good });
                }
                RST_STREAM => on(
                    out,
                    Event::End {
                        stream,
                        good: false,
                    },
                ),
                SETTINGS if flags & ACK == 0 => {
                    out.take_settings(payload)?;
                    out.frame(SETTINGS, ACK, 0, &[]);
                }
                PING if flags & ACK == 0 => {
                    let opaque: [u8; 8] = payload
                        .try_into()
                        .map_err(|_| io::Error::other("a ping has the wrong length"))?;
                    out.frame(PING, ACK, 0, &opaque);
                }
                PING => on(out, Event::Pong),
                GOAWAY => return Err(io::Error::other("the server ends the connection")),
                WINDOW_UPDATE => {
                    let room: [u8; 4] = payload
                        .try_into()
                        .map_err(|_| io::Error::other("a window update has the wrong length"))?;
                    out.add_window(stream, u32::from_be_bytes(room));
                }
                _ => {}
            }
        }
        input.buffer.copy_within(at..input.filled, 0);
        input.filled -= at;
        Ok(())
    }
}

impl Out {
    /// Calls a unary method; answers its stream.
    pub fn call(&mut self, path: &str, request: &[u8]) -> u32 {
        let stream = self.headers(path);
        self.body(stream, request, true);
        stream
    }

    /// Opens a stream that stays open, with its first request.
    pub fn open(&mut self, path: &str, request: &[u8]) -> u32 {
        let stream = self.headers(path);
        self.windows.insert(stream, self.stream_window);
        self.opened.push(stream);
        self.body(stream, request, false);
        stream
    }

    /// Sends one more request on an open stream.
    pub fn send(&mut self, stream: u32, request: &[u8]) {
        self.body(stream, request, false);
    }

    /// Sends a ping; [`Event::Pong`] answers it.
    pub fn ping(&mut self) {
        self.frame(PING, 0, 0, &[7; 8]);
    }

    fn headers(&mut self, path: &str) -> u32 {
        let stream = self.next_stream;
        self.next_stream += 2;
        let block = if path == self.path && !self.is_first {
            std::mem::take(&mut self.head)
        } else {
            self.block(path)
        };
        self.frame(HEADERS, END_HEADERS, stream, &block);
        if path == self.path {
            if self.is_first {
                self.is_first = false;
                // The five fields that the first block left in the server's table, the newest
                // having index 62, between what stands in every table.
                self.head = vec![
                    0x80 | 3,
                    0x80 | 6,
                    0x80 | 66,
                    0x80 | 65,
                    0x80 | 64,
                    0x80 | 63,
                ];
                self.head.push(0x80 | 62);
            } else {
                self.head = block;
            }
        }
        stream
    }

    /// The fields of a call. Those of the connection's own path go into the server's table, as the
    /// gRPC libraries have it.
    fn block(&self, path: &str) -> Vec<u8> {
        let is_own = path == self.path;
        let literal = |out: &mut Vec<u8>, index: u8, name: &str, value: &str| {
            // With incremental indexing, or without; names in full or by their index.
            let (mask, prefix) = if is_own { (0x40, 63) } else { (0, 15) };
            assert!(index < prefix && name.len() < 127 && value.len() < 127);
            out.push(mask | index);
            if index == 0 {
                out.push(name.len() as u8);
                out.extend_from_slice(name.as_bytes());
            }
            out.push(value.len() as u8);
            out.extend_from_slice(value.as_bytes());
        };
        let mut block = vec![0x80 | 3, 0x80 | 6];
        literal(&mut block, 4, ":path", path);
        literal(&mut block, 1, ":authority", &self.authority);
        // The static table's content-type is out of a short prefix's reach, so it is spelt out.
        literal(&mut block, 0, "content-type", "application/grpc");
        literal(&mut block, 0, "te", "trailers");
        literal(&mut block, 0, "user-agent", "grpc-raw/1.0");
        block
    }

    fn body(&mut self, stream: u32, message: &[u8], ends: bool) {
        let whole = GRPC_HEAD_BYTES + message.len();
        let room = self.windows.get(&stream).copied();
        let room = room.unwrap_or(self.stream_window).min(self.window);
        if self.held.is_empty() && whole as i64 <= room && whole <= self.frame_bytes_max {
            let flags = if ends { END_STREAM } else { 0 };
            self.frame_head(DATA, flags, stream, whole);
            put_grpc_head(&mut self.buffer, message.len());
            self.buffer.extend_from_slice(message);
            self.took(stream, whole);
            return;
        }
        let mut body = Vec::with_capacity(whole);
        put_grpc_head(&mut body, message.len());
        body.extend_from_slice(message);
        self.held.push_back(Held {
            stream,
            body,
            sent: 0,
            ends,
        });
        self.send_held();
    }

    /// Sends what was held, in order, as far as the windows go.
    fn send_held(&mut self) {
        while let Some(mut held) = self.held.pop_front() {
            while held.sent < held.body.len() {
                let room = self.windows.get(&held.stream).copied();
                // A unary call's stream has used up nothing but what it has sent.
                let room = room.unwrap_or(self.stream_window - held.sent as i64);
                let room = room.min(self.window).max(0) as usize;
                let take = room
                    .min(self.frame_bytes_max)
                    .min(held.body.len() - held.sent);
                if take == 0 {
                    return self.held.push_front(held);
                }
                let end = held.sent + take;
                let flags = match held.ends && end == held.body.len() {
                    true => END_STREAM,
                    false => 0,
                };
                self.frame_head(DATA, flags, held.stream, take);
                self.buffer.extend_from_slice(&held.body[held.sent..end]);
                self.took(held.stream, take);
                held.sent = end;
            }
        }
    }

    fn took(&mut self, stream: u32, bytes: usize) {
        self.window -= bytes as i64;
        if !self.windows.is_empty()
            && let Some(window) = self.windows.get_mut(&stream)
        {
            *window -= bytes as i64;
        }
    }

    fn add_window(&mut self, stream: u32, bytes: u32) {
        if stream == 0 {
            self.window += i64::from(bytes);
        } else if let Some(window) = self.windows.get_mut(&stream) {
            *window += i64::from(bytes);
        }
        self.send_held();
    }

    fn take_settings(&mut self, payload: &[u8]) -> io::Result<()> {
        if !payload.len().is_multiple_of(6) {
            return Err(io::Error::other("settings have the wrong length"));
        }
        for setting in payload.chunks_exact(6) {
            let id = u16::from_be_bytes([setting[0], setting[1]]);
            let value = u32::from_be_bytes([setting[2], setting[3], setting[4], setting[5]]);
            match id {
                INITIAL_WINDOW_SIZE => {
                    let more = i64::from(value) - self.stream_window;
                    self.stream_window = i64::from(value);
                    for window in self.windows.values_mut() {
                        *window += more;
                    }
                }
                MAX_FRAME_SIZE => self.frame_bytes_max = value as usize,
                _ => {}
            }
        }
        Ok(())
    }

    fn window_update(&mut self, stream: u32, bytes: u32) {
        self.frame(WINDOW_UPDATE, 0, stream, &bytes.to_be_bytes());
    }

    fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.frame_head(kind, flags, stream, payload.len());
        self.buffer.extend_from_slice(payload);
    }

    fn frame_head(&mut self, kind: u8, flags: u8, stream: u32, length: usize) {
        let length = (length as u32).to_be_bytes();
        let id = stream.to_be_bytes();
        self.buffer.extend_from_slice(&[
            length[1], length[2], length[3], kind, flags, id[0], id[1], id[2], id[3],
        ]);
    }
}

fn put_grpc_head(out: &mut Vec<u8>, message_bytes: usize) {
    out.push(0);
    out.extend_from_slice(&(message_bytes as u32).to_be_bytes());
}

/// Puts the messages of a stream together, however its frames cut them.
#[derive(Debug, Default)]
pub struct Messages {
    partial: Vec<u8>,
}

impl Messages {
    /// Takes a piece of the body; calls `on` with each message that is complete.
    pub fn take(&mut self, bytes: &[u8], mut on: impl FnMut(&[u8])) {
        let mut rest = bytes;
        if !self.partial.is_empty() {
            // Up to the end of the message that is begun.
            while !rest.is_empty() {
                let whole = message_end(&self.partial).unwrap_or(GRPC_HEAD_BYTES);
                let take = (whole - self.partial.len()).min(rest.len());
                self.partial.extend_from_slice(&rest[..take]);
                rest = &rest[take..];
                if message_end(&self.partial) == Some(self.partial.len()) {
                    on(&self.partial[GRPC_HEAD_BYTES..]);
                    self.partial.clear();
                    break;
                }
            }
        }
        while let Some(end) = message_end(rest).filter(|end| *end <= rest.len()) {
            on(&rest[GRPC_HEAD_BYTES..end]);
            rest = &rest[end..];
        }
        self.partial.extend_from_slice(rest);
    }
}

/// Where the message at the start ends, once its head is there.
fn message_end(bytes: &[u8]) -> Option<usize> {
    let head: [u8; 4] = bytes.get(1..GRPC_HEAD_BYTES)?.try_into().ok()?;
    Some(GRPC_HEAD_BYTES + u32::from_be_bytes(head) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_put_together_however_they_are_cut() {
        let mut body = Vec::new();
        for length in [0usize, 1, 300, 7] {
            put_grpc_head(&mut body, length);
            body.extend(std::iter::repeat_n(length as u8, length));
        }
        for piece in 1..body.len() {
            let mut messages = Messages::default();
            let mut lengths = Vec::new();
            for bytes in body.chunks(piece) {
                messages.take(bytes, |message| {
                    assert!(message.iter().all(|byte| *byte == message.len() as u8));
                    lengths.push(message.len());
                });
            }
            assert_eq!(lengths, [0, 1, 300, 7], "in pieces of {piece}");
        }
    }
}
