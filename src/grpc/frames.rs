//! From DATA frames to messages.

use bytes::{Buf, Bytes, BytesMut};

use crate::http::SMALL_BODY_BYTES_MAX;

use super::compression::{Encoding, decompress};
use super::encoded::FRAME_HEAD_BYTES;
use super::error::{invalid_flag, too_large};
use super::status::{Code, Status};

/// Room made for a message before any of it is there: what a client announces isn't taken for
/// granted.
const RESERVE_BYTES_MAX: usize = 64 * 1024;

/// Cuts a request's body into messages, however its DATA frames cut it. One that stands in one
/// frame isn't copied.
#[derive(Debug)]
pub(super) struct FrameDecoder {
    encoding: Encoding,
    message_bytes_max: usize,
    /// Not looked at yet.
    chunk: Bytes,
    head: [u8; FRAME_HEAD_BYTES],
    head_bytes: usize,
    /// Once the head is complete: the message's length, and whether it is compressed.
    message: Option<(usize, bool)>,
    /// What is there of a message that comes in pieces.
    partial: BytesMut,
    /// A compressed message that unpacks to more than a small one.
    expanding: Option<Bytes>,
}

impl FrameDecoder {
    pub(super) fn new(encoding: Encoding, message_bytes_max: usize) -> Self {
        FrameDecoder {
            encoding,
            message_bytes_max,
            chunk: Bytes::new(),
            head: [0; FRAME_HEAD_BYTES],
            head_bytes: 0,
            message: None,
            partial: BytesMut::new(),
            expanding: None,
        }
    }

    /// Hands over the next piece of body. What was handed over before must have been used up:
    /// [`next`](Self::next) has said that there is no more.
    pub(super) fn push(&mut self, chunk: Bytes) {
        debug_assert!(self.chunk.is_empty());
        self.chunk = chunk;
    }

    /// What has to be admitted before more is pushed or asked for, if anything.
    pub(super) fn room_wanted_bytes(&self) -> Option<usize> {
        if self.expanding.is_some() {
            return Some(self.message_bytes_max);
        }
        let (length, _) = self.message?;
        (length > SMALL_BODY_BYTES_MAX).then_some(length)
    }

    /// Whether a message is there that only has to be unpacked.
    pub(super) fn is_expanding(&self) -> bool {
        self.expanding.is_some()
    }

    /// The next complete message. After an error the body is of no more use.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, Status> {
        if let Some(message) = self.expanding.take() {
            return decompress(self.encoding, &message, self.message_bytes_max).map(Some);
        }
        let Some((length, compressed)) = self.head()? else {
            return Ok(None);
        };
        let message = if self.partial.is_empty() && self.chunk.len() >= length {
            self.chunk.split_to(length)
        } else {
            if self.partial.is_empty() {
                self.partial.reserve(length.min(RESERVE_BYTES_MAX));
            }
            let take = (length - self.partial.len()).min(self.chunk.len());
            self.partial.extend_from_slice(&self.chunk.split_to(take));
            if self.partial.len() < length {
                return Ok(None);
            }
            std::mem::take(&mut self.partial).freeze()
        };
        self.message = None;
        self.head_bytes = 0;
        if !compressed {
            return Ok(Some(message));
        }
        let small = decompress(
            self.encoding,
            &message,
            self.message_bytes_max.min(SMALL_BODY_BYTES_MAX),
        );
        match small {
            Err(error)
                if error.code == Code::InvalidArgument
                    && self.message_bytes_max > SMALL_BODY_BYTES_MAX =>
            {
                // Larger than that; what it takes is to be admitted first.
                self.expanding = Some(message);
                Ok(None)
            }
            small => small.map(Some),
        }
    }

    /// Whether the body may end here: between two messages.
    pub(super) fn is_between(&self) -> bool {
        self.head_bytes == 0 && self.chunk.is_empty() && self.expanding.is_none()
    }

    /// The next message's length and whether it is compressed, once that is known.
    fn head(&mut self) -> Result<Option<(usize, bool)>, Status> {
        if let Some(known) = self.message {
            return Ok(Some(known));
        }
        let take = (FRAME_HEAD_BYTES - self.head_bytes).min(self.chunk.len());
        self.chunk
            .copy_to_slice(&mut self.head[self.head_bytes..self.head_bytes + take]);
        self.head_bytes += take;
        if self.head_bytes < FRAME_HEAD_BYTES {
            return Ok(None);
        }
        let [flag, length @ ..] = self.head;
        let compressed = match flag {
            0 => false,
            1 => true,
            _ => return Err(invalid_flag(flag)),
        };
        let length = u32::from_be_bytes(length) as usize;
        if length > self.message_bytes_max {
            return Err(too_large(self.message_bytes_max));
        }
        self.message = Some((length, compressed));
        Ok(self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::compression::compress;
    use proptest::prelude::*;

    fn frame(message: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0];
        bytes.extend((message.len() as u32).to_be_bytes());
        bytes.extend(message);
        bytes
    }

    fn drain(decoder: &mut FrameDecoder, into: &mut Vec<Bytes>) -> Result<(), Status> {
        while let Some(message) = decoder.next()? {
            into.push(message);
        }
        Ok(())
    }

    #[test]
    fn a_message_in_one_piece_is_not_copied() {
        let mut decoder = FrameDecoder::new(Encoding::Identity, 100);
        let body = Bytes::from(frame(b"hello"));
        let start = body.as_ptr();
        decoder.push(body);
        let message = decoder.next().unwrap().unwrap();
        assert_eq!(message, "hello");
        assert_eq!(message.as_ptr(), start.wrapping_add(FRAME_HEAD_BYTES));
        assert_eq!(decoder.next(), Ok(None));
        assert!(decoder.is_between());
    }

    #[test]
    fn what_is_announced_is_not_reserved() {
        let mut decoder = FrameDecoder::new(Encoding::Identity, 10 * 1024 * 1024);
        let mut body = frame(&[7; 10]);
        body[1..5].copy_from_slice(&(10 * 1024 * 1024u32).to_be_bytes());
        decoder.push(body.into());
        assert_eq!(decoder.next(), Ok(None));
        assert!(decoder.partial.capacity() <= 2 * RESERVE_BYTES_MAX);
        assert!(!decoder.is_between());
    }

    #[test]
    fn bad_heads_are_refused() {
        let mut decoder = FrameDecoder::new(Encoding::Identity, 100);
        decoder.push(frame(&[0; 101]).into());
        let error = decoder.next().unwrap_err();
        assert_eq!(
            (error.code, &*error.message),
            (
                Code::InvalidArgument,
                "Request payload size exceeds the limit: 100 bytes."
            )
        );
        let mut decoder = FrameDecoder::new(Encoding::Identity, 100);
        decoder.push(Bytes::from_static(&[2, 0, 0, 0, 0]));
        assert_eq!(decoder.next().unwrap_err().code, Code::Internal);
        let mut decoder = FrameDecoder::new(Encoding::Identity, 100);
        decoder.push(Bytes::from_static(&[1, 0, 0, 0, 0]));
        assert_eq!(decoder.next().unwrap_err().code, Code::Internal);
    }

    proptest! {
        #[test]
        fn messages_come_out_however_they_are_cut(
            messages in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..300), any::<bool>()), 0..8),
            cuts in prop::collection::vec(1..200usize, 1..20),
        ) {
            let mut body = Vec::new();
            for (message, compressed) in &messages {
                if *compressed {
                    let framed = Bytes::from(frame(message));
                    body.extend(compress(Encoding::Gzip, framed, 0));
                } else {
                    body.extend(frame(message));
                }
            }
            let mut decoder = FrameDecoder::new(Encoding::Gzip, 1000);
            let mut seen = Vec::new();
            let mut rest = &body[..];
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, after) = rest.split_at((*cut).min(rest.len()));
                decoder.push(Bytes::copy_from_slice(piece));
                drain(&mut decoder, &mut seen).unwrap();
                rest = after;
            }
            prop_assert!(decoder.is_between());
            prop_assert_eq!(seen.len(), messages.len());
            for (seen, (message, _)) in seen.iter().zip(&messages) {
                prop_assert_eq!(&seen[..], &message[..]);
            }
        }

        #[test]
        fn any_bytes_may_come(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20),
            encoding in 0..3usize,
        ) {
            let encoding = [Encoding::Identity, Encoding::Gzip, Encoding::Deflate][encoding];
            let mut decoder = FrameDecoder::new(encoding, 64);
            for piece in pieces {
                let mut seen = Vec::new();
                decoder.push(piece.into());
                if drain(&mut decoder, &mut seen).is_err() {
                    break;
                }
                prop_assert!(seen.iter().all(|message| message.len() <= 64));
                prop_assert!(decoder.partial.len() <= 64);
            }
        }
    }
}
