//! Encoded messages with room for what gRPC puts in front of them.

use bytes::{BufMut, Bytes, BytesMut};
use prost::{Message, Name};
use std::future::Future;
use std::ops::{Deref, DerefMut};

use super::error::{too_many_fields, undecodable};
use super::fields::{FIELDS_MAX, Kind, has_at_most};
use super::status::Status;

/// What stands in front of every message on the wire: a flag and the length.
pub const FRAME_HEAD_BYTES: usize = 5;

/// An encoded message, framed: it leaves as it is, over gRPC, and without its first
/// [`FRAME_HEAD_BYTES`] otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    frame: Bytes,
}

impl Encoded {
    /// A message without fields set.
    pub const EMPTY: Encoded = Encoded {
        frame: Bytes::from_static(&[0; FRAME_HEAD_BYTES]),
    };

    /// Encodes a message.
    pub fn of(message: &impl Message) -> Self {
        let length = message.encoded_len();
        if length == 0 {
            return Encoded::EMPTY;
        }
        let mut buffer = EncodedBuf::with_capacity(length);
        message.encode_raw(&mut *buffer);
        buffer.finish()
    }

    /// The message.
    pub fn message(&self) -> Bytes {
        self.frame.slice(FRAME_HEAD_BYTES..)
    }

    /// The message's length in bytes.
    pub fn message_bytes(&self) -> usize {
        self.frame.len() - FRAME_HEAD_BYTES
    }

    /// The message behind its uncompressed gRPC head.
    pub fn into_frame(self) -> Bytes {
        self.frame
    }
}

/// A message being encoded by hand: write fields to it as to a [`BytesMut`].
#[derive(Debug)]
pub struct EncodedBuf {
    buffer: BytesMut,
}

impl EncodedBuf {
    /// Room for a message of that many bytes; it grows if need be.
    pub fn with_capacity(message_bytes: usize) -> Self {
        let mut buffer = BytesMut::with_capacity(FRAME_HEAD_BYTES + message_bytes);
        buffer.put_bytes(0, FRAME_HEAD_BYTES);
        EncodedBuf { buffer }
    }

    /// Bytes of message so far.
    pub fn message_bytes(&self) -> usize {
        self.buffer.len() - FRAME_HEAD_BYTES
    }

    /// The message as it stands.
    ///
    /// # Panics
    /// If it is 4 GiB or longer, which no caller's bounds allow.
    pub fn finish(mut self) -> Encoded {
        let length = u32::try_from(self.message_bytes()).expect("replies are bounded");
        self.buffer[1..FRAME_HEAD_BYTES].copy_from_slice(&length.to_be_bytes());
        Encoded {
            frame: self.buffer.freeze(),
        }
    }
}

impl Deref for EncodedBuf {
    type Target = BytesMut;

    fn deref(&self) -> &BytesMut {
        &self.buffer
    }
}

impl DerefMut for EncodedBuf {
    fn deref_mut(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }
}

/// Decodes a request. Payloads aren't copied: they share the request's bytes. A request of too many
/// fields is refused before it takes memory.
pub fn decode<M: Name + Default>(request: Bytes) -> Result<M, Status> {
    if !has_at_most(Kind::of::<M>(), &request, FIELDS_MAX) {
        return Err(too_many_fields());
    }
    M::decode(request).map_err(|error| {
        tracing::debug!(%error, "a request that can't be decoded");
        undecodable()
    })
}

/// Calls a method that takes and gives decoded messages.
pub async fn call_decoded<Q, R, F, Fut>(request: Bytes, method: F) -> Result<Encoded, Status>
where
    Q: Name + Default,
    R: Message,
    F: FnOnce(Q) -> Fut,
    Fut: Future<Output = Result<R, Status>>,
{
    let reply = method(decode(request)?).await?;
    Ok(Encoded::of(&reply))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::Code;
    use crate::proto::google::pubsub::v1::{PublishRequest, PublishResponse, PubsubMessage};

    #[test]
    fn a_frame_says_its_length() {
        let reply = PublishResponse {
            message_ids: vec!["1".into(), "22".into()],
        };
        let encoded = Encoded::of(&reply);
        assert_eq!(encoded.message(), reply.encode_to_vec());
        let frame = encoded.clone().into_frame();
        assert_eq!(frame[..5], [0, 0, 0, 0, encoded.message_bytes() as u8]);
        assert_eq!(Encoded::of(&PublishResponse::default()), Encoded::EMPTY);
        assert_eq!(EncodedBuf::with_capacity(9).finish(), Encoded::EMPTY);
    }

    #[test]
    fn many_tiny_messages_are_refused() {
        let request = Bytes::from([0x12, 0].repeat(FIELDS_MAX + 1));
        let refused = decode::<PublishRequest>(request.clone()).unwrap_err();
        assert_eq!(refused.code, Code::InvalidArgument);
        let fits = decode::<PublishRequest>(request.slice(2..)).unwrap();
        assert_eq!(fits.messages.len(), FIELDS_MAX);
    }

    #[test]
    fn decoding_shares_payloads() {
        let message = PubsubMessage {
            data: Bytes::from(vec![7; 1000]),
            ..Default::default()
        };
        let request = Bytes::from(message.encode_to_vec());
        let decoded: PubsubMessage = decode(request.clone()).unwrap();
        let inside = request.as_ptr_range();
        assert!(inside.contains(&decoded.data.as_ptr()));
        let broken = decode::<PubsubMessage>(Bytes::from_static(b"\xff\xff"));
        assert_eq!(broken.unwrap_err().code, Code::Internal);
    }
}
