//! Lines to a client and from one, a little at a time.

use super::super::answers::{AdminError, AdminResult};
use crate::portable::{BadFile, Framer, Line, Unframer};
use crate::runtime::{timeout, yield_now};
use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::io;
use std::time::Duration;
use tokio::sync::mpsc::Sender;

/// Bytes that go to the client at once.
const PIECE_BYTES: usize = 64 << 10;

/// For a client to take what was sent before: as long as it doesn't, shards keep what goes.
const SEND_TIME_MAX: Duration = Duration::from_secs(60);

/// Lines on their way to a client.
pub(super) struct Writer {
    framer: Framer,
    out: Vec<u8>,
    client: Sender<io::Result<Bytes>>,
}

/// The client has gone, or takes nothing.
pub(super) struct ClientGone;

impl Writer {
    pub fn new(client: Sender<io::Result<Bytes>>) -> io::Result<Self> {
        Ok(Self {
            framer: Framer::new()?,
            out: Vec::new(),
            client,
        })
    }

    pub async fn write(&mut self, line: &Line) -> Result<(), ClientGone> {
        let text = line.text();
        let mut rest = &text[..];
        while !rest.is_empty() {
            let taken = self.framer.step(rest, &mut self.out);
            rest = &rest[taken.map_err(|_| ClientGone)?..];
            if !rest.is_empty() {
                yield_now().await;
            }
        }
        if self.out.len() >= PIECE_BYTES {
            self.send().await?;
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<(), ClientGone> {
        let piece = std::mem::take(&mut self.out);
        let sent = timeout(SEND_TIME_MAX, self.client.send(Ok(piece.into()))).await;
        sent.map_err(|_| ClientGone)?.map_err(|_| ClientGone)
    }

    pub async fn finish(mut self) -> Result<(), ClientGone> {
        self.framer.finish(&mut self.out).map_err(|_| ClientGone)?;
        let sent = timeout(SEND_TIME_MAX, self.client.send(Ok(self.out.into()))).await;
        sent.map_err(|_| ClientGone)?.map_err(|_| ClientGone)
    }
}

/// Lines that come from a client.
pub(super) struct Reader {
    body: Incoming,
    piece: Bytes,
    has_more: bool,
    unframer: Unframer,
    /// For each piece of the body.
    time_max: Duration,
}

impl Reader {
    pub fn new(body: Incoming, time_max: Duration) -> AdminResult<Self> {
        let unframer = Unframer::new().map_err(AdminError::unavailable)?;
        Ok(Self {
            body,
            piece: Bytes::new(),
            has_more: false,
            unframer,
            time_max,
        })
    }

    /// The next line; `None` at the body's end.
    pub async fn next(&mut self) -> AdminResult<Option<Line>> {
        loop {
            if let Some(text) = self.unframer.line() {
                return Line::read(text).map(Some).map_err(bad_file);
            }
            if self.piece.is_empty() && !self.has_more {
                match self.next_piece().await? {
                    Some(piece) => self.piece = piece,
                    None => return Ok(None),
                }
            }
            let (taken, has_more) = self.unframer.step(&self.piece).map_err(bad_file)?;
            self.piece = self.piece.split_off(taken);
            self.has_more = has_more;
            // A small body may come to a lot.
            yield_now().await;
        }
    }

    /// Whether nothing is missing at the body's end.
    pub fn is_whole(&self) -> bool {
        self.unframer.is_whole()
    }

    async fn next_piece(&mut self) -> AdminResult<Option<Bytes>> {
        loop {
            let frame = timeout(self.time_max, self.body.frame()).await;
            let frame = frame.map_err(|_| {
                let late = "the next part of the export didn't arrive in time";
                AdminError::new(StatusCode::REQUEST_TIMEOUT, "BadBody", late)
            })?;
            match frame {
                None => return Ok(None),
                Some(Err(_)) => {
                    return Err(AdminError::new(
                        StatusCode::BAD_REQUEST,
                        "BadBody",
                        "the request's body broke off",
                    ));
                }
                Some(Ok(frame)) => {
                    if let Ok(piece) = frame.into_data()
                        && !piece.is_empty()
                    {
                        return Ok(Some(piece));
                    }
                }
            }
        }
    }

    /// Reads on to the body's end, for as long as that may take, so that a client that is still
    /// sending gets to see the answer.
    pub async fn drain(mut self, within: Duration) {
        let rest = async { while let Ok(Some(_)) = self.next_piece().await {} };
        let _ = timeout(within, rest).await;
    }
}

pub(super) fn bad_file(error: BadFile) -> AdminError {
    AdminError::new(StatusCode::BAD_REQUEST, "BadExport", error)
}
