//! Bodies, both ways.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::EXPECT;
use http_body::{Body, Frame, SizeHint};

use super::budget::{Busy, SMALL_BODY_BYTES_MAX};
use super::limits::HttpLimits;
use crate::runtime;

/// Why a request's body couldn't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// Longer than [`HttpLimits::body_bytes_max`].
    TooLarge,
    /// Not complete after [`HttpLimits::body_read_ms_max`].
    Timeout,
    /// The client broke off, or broke the protocol, or its compression is broken.
    Broken,
    /// There was no room for it beside the bodies of other requests.
    Busy,
}

impl std::fmt::Display for BodyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            BodyError::TooLarge => "the request's body is too large",
            BodyError::Timeout => "the request's body didn't arrive in time",
            BodyError::Broken => "the request's body is broken",
            BodyError::Busy => "there is no room for the request's body at the moment",
        })
    }
}

impl std::error::Error for BodyError {}

/// Reads a whole body. One that came in one piece is handed on without copying it; a timer is
/// armed only for one that isn't there yet.
pub async fn read_body<B>(body: B, limits: &HttpLimits) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes>,
{
    let bytes_max = limits.body_bytes_max;
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(BodyError::TooLarge);
    }
    let mut body = pin!(body);
    let mut limit = BodyDeadline {
        sleep: None,
        polls: 0,
        ms_max: limits.body_read_ms_max,
    };
    let Some(first) = next_chunk(body.as_mut(), &mut limit).await? else {
        return Ok(Bytes::new());
    };
    if first.len() > bytes_max {
        return Err(BodyError::TooLarge);
    }
    if body.is_end_stream() {
        return Ok(first);
    }
    // On the heap: few bodies come in pieces, and the future of each request has this one in it.
    Box::pin(read_rest(first, body, limit, limits)).await
}

/// Bytes of a refused request's body that are waited for.
const SKIPPED_BYTES_MAX: usize = 64 * 1024;
/// Milliseconds for which they are.
const SKIPPED_MS_MAX: u64 = 1000;

/// Waits for the end of a body that nobody wants, if it is near: some clients take an answer that comes
/// before they have sent all for a broken stream (curl over HTTP/2 does), and don't show it. One that asks
/// first whether to send it isn't invited to.
pub async fn skip_body<B>(headers: &HeaderMap, body: B)
where
    B: Body<Data = Bytes>,
{
    if headers.contains_key(EXPECT) || body.size_hint().lower() > SKIPPED_BYTES_MAX as u64 {
        return;
    }
    let mut body = pin!(body);
    let mut limit = BodyDeadline {
        sleep: None,
        polls: 0,
        ms_max: SKIPPED_MS_MAX,
    };
    let mut bytes = 0;
    while !body.is_end_stream()
        && bytes <= SKIPPED_BYTES_MAX
        && let Ok(Some(chunk)) = next_chunk(body.as_mut(), &mut limit).await
    {
        bytes += chunk.len();
    }
}

/// Reads a body of which there is a first piece, once there is room for it.
async fn read_rest<B>(
    first: Bytes,
    mut body: Pin<&mut B>,
    mut limit: BodyDeadline,
    limits: &HttpLimits,
) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes>,
{
    let bytes_max = limits.body_bytes_max;
    // What has no announced length is taken for small until it isn't, and then for as long as it
    // may be: asking for a little more again and again, each could wait for the others.
    let least = first.len() as u64 + body.size_hint().lower();
    let exact = body.size_hint().exact().is_some();
    let mut room = match least as usize {
        least if exact => least,
        least if least <= SMALL_BODY_BYTES_MAX => SMALL_BODY_BYTES_MAX,
        _ => bytes_max,
    }
    .min(bytes_max);
    let admit = |bytes| async move {
        limits
            .bodies
            .admit(bytes)
            .await
            .map_err(|Busy| BodyError::Busy)
    };
    let mut admission = admit(room).await?;
    let mut whole = BytesMut::with_capacity((least as usize).min(bytes_max));
    whole.extend_from_slice(&first);
    drop(first);
    while let Some(bytes) = next_chunk(body.as_mut(), &mut limit).await? {
        let length = whole.len() + bytes.len();
        if length > bytes_max {
            return Err(BodyError::TooLarge);
        }
        if length > room {
            room = bytes_max;
            admission = admit(room).await?;
        }
        whole.extend_from_slice(&bytes);
        drop(bytes);
        if body.is_end_stream() {
            break;
        }
    }
    Ok(admission.hold(whole.freeze()))
}

struct BodyDeadline {
    sleep: Option<runtime::Sleep>,
    polls: u32,
    ms_max: u64,
}

impl BodyDeadline {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.polls += 1;
        if self.polls == 1 {
            // hyper reads an HTTP/1 body only once it was asked for, so the first look always
            // finds nothing. Look again before paying for a timer.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let ms_max = self.ms_max;
        let sleep = self
            .sleep
            .get_or_insert_with(|| runtime::sleep(Duration::from_millis(ms_max)));
        Pin::new(sleep).poll(cx)
    }
}

/// The next data frame; trailers are skipped.
async fn next_chunk<B>(
    mut body: Pin<&mut B>,
    limit: &mut BodyDeadline,
) -> Result<Option<Bytes>, BodyError>
where
    B: Body<Data = Bytes>,
{
    poll_fn(|cx| {
        loop {
            match body.as_mut().poll_frame(cx) {
                Poll::Ready(None) => return Poll::Ready(Ok(None)),
                Poll::Ready(Some(Err(_))) => return Poll::Ready(Err(BodyError::Broken)),
                Poll::Ready(Some(Ok(frame))) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Poll::Ready(Ok(Some(bytes)));
                    }
                }
                Poll::Pending => return limit.poll(cx).map(|()| Err(BodyError::Timeout)),
            }
        }
    })
    .await
}

/// A reply's body: nothing, or one piece whose size is known.
#[derive(Clone, Debug, Default)]
pub struct ReplyBody {
    bytes: Bytes,
}

impl ReplyBody {
    /// No body.
    pub const fn empty() -> Self {
        ReplyBody {
            bytes: Bytes::new(),
        }
    }

    /// One piece.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        ReplyBody {
            bytes: bytes.into(),
        }
    }

    /// What is left to send.
    pub fn as_bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// What is left to send.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }
}

impl<T: Into<Bytes>> From<T> for ReplyBody {
    fn from(bytes: T) -> Self {
        ReplyBody::new(bytes)
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.bytes.is_empty() {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.bytes)))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}
