//! Compressed messages.
//!
//! A reply is compressed if the client compresses its requests: nearly every client says that it
//! could read gzip, and for most replies that would only cost time.

use bytes::{Bytes, BytesMut};
use flate2::Compression;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::io::{Read, Write};

use super::encoded::FRAME_HEAD_BYTES;
use super::error::{broken_compression, too_large, unknown_compression, unnamed_compression};
use super::status::Status;

/// How messages of a call are compressed: `grpc-encoding`.
pub(super) const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
/// What we could read: `grpc-accept-encoding`.
pub(super) const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
/// The value of [`ACCEPT_ENCODING`] in our answers.
pub(super) const ACCEPTED: HeaderValue = HeaderValue::from_static("identity,deflate,gzip");

/// Ways to compress messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Gzip,
    /// zlib's format, in spite of the name.
    Deflate,
}

impl Encoding {
    fn from_name(name: &[u8]) -> Option<Self> {
        match name {
            b"identity" => Some(Encoding::Identity),
            b"gzip" => Some(Encoding::Gzip),
            b"deflate" => Some(Encoding::Deflate),
            _ => None,
        }
    }

    pub(super) fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Encoding::Identity => "identity",
            Encoding::Gzip => "gzip",
            Encoding::Deflate => "deflate",
        })
    }
}

/// How a request's messages are compressed.
pub(super) fn request_encoding(headers: &HeaderMap) -> Result<Encoding, Status> {
    let Some(name) = headers.get(ENCODING) else {
        return Ok(Encoding::Identity);
    };
    Encoding::from_name(name.as_bytes()).ok_or_else(|| unknown_compression(name.as_bytes()))
}

/// How the replies to such a request are to be compressed.
pub(super) fn reply_encoding(headers: &HeaderMap, request: Encoding) -> Encoding {
    if request == Encoding::Identity {
        return request;
    }
    let accepts = headers.get_all(ACCEPT_ENCODING).iter().any(|value| {
        value
            .as_bytes()
            .split(|&byte| byte == b',')
            .any(|name| Encoding::from_name(name.trim_ascii()) == Some(request))
    });
    if accepts { request } else { Encoding::Identity }
}

/// Compresses a framed message of at least `bytes_min` bytes, if that makes it shorter.
pub(super) fn compress(encoding: Encoding, frame: Bytes, bytes_min: usize) -> Bytes {
    let message = &frame[FRAME_HEAD_BYTES..];
    if encoding == Encoding::Identity || message.len() < bytes_min {
        return frame;
    }
    let mut out = Vec::with_capacity(FRAME_HEAD_BYTES + message.len() / 4 + 64);
    out.resize(FRAME_HEAD_BYTES, 0);
    let done = match encoding {
        Encoding::Identity => return frame,
        Encoding::Gzip => {
            let mut encoder = GzEncoder::new(out, Compression::fast());
            encoder.write_all(message).and_then(|()| encoder.finish())
        }
        Encoding::Deflate => {
            let mut encoder = ZlibEncoder::new(out, Compression::fast());
            encoder.write_all(message).and_then(|()| encoder.finish())
        }
    };
    // Writing into a Vec can't fail.
    let Ok(mut out) = done else {
        return frame;
    };
    if out.len() >= frame.len() && bytes_min > 0 {
        return frame;
    }
    let Ok(length) = u32::try_from(out.len() - FRAME_HEAD_BYTES) else {
        return frame;
    };
    out[0] = 1;
    out[1..FRAME_HEAD_BYTES].copy_from_slice(&length.to_be_bytes());
    out.into()
}

/// Undoes a message's compression. The result is at most `bytes_max` long, however small the bomb.
pub(super) fn decompress(
    encoding: Encoding,
    message: &[u8],
    bytes_max: usize,
) -> Result<Bytes, Status> {
    // One byte more than allowed tells "too large" from "just fits".
    let take = bytes_max as u64 + 1;
    let mut out = Vec::with_capacity((message.len() * 4).min(bytes_max));
    let read = match encoding {
        Encoding::Identity => return Err(unnamed_compression()),
        Encoding::Gzip => MultiGzDecoder::new(message)
            .take(take)
            .read_to_end(&mut out),
        Encoding::Deflate => ZlibDecoder::new(message).take(take).read_to_end(&mut out),
    };
    if read.is_err() {
        return Err(broken_compression());
    }
    if out.len() > bytes_max {
        return Err(too_large(bytes_max));
    }
    Ok(out.into())
}

/// Joins frames into one.
pub(super) fn join(frames: impl Iterator<Item = Bytes>, bytes: usize) -> Bytes {
    let mut joined = BytesMut::with_capacity(bytes);
    for frame in frames {
        joined.extend_from_slice(&frame);
    }
    joined.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::{Code, EncodedBuf};
    use bytes::BufMut;

    fn framed(message: &[u8]) -> Bytes {
        let mut buffer = EncodedBuf::with_capacity(message.len());
        buffer.put_slice(message);
        buffer.finish().into_frame()
    }

    #[test]
    fn both_ways_give_the_same() {
        for encoding in [Encoding::Gzip, Encoding::Deflate] {
            let message = vec![b'a'; 5000];
            let frame = compress(encoding, framed(&message), 1000);
            assert!(frame.len() < 200);
            assert_eq!(frame[0], 1);
            assert_eq!(frame[1..5], (frame.len() as u32 - 5).to_be_bytes());
            assert_eq!(decompress(encoding, &frame[5..], 5000).unwrap(), message);
            let error = decompress(encoding, &frame[5..], 4999).unwrap_err();
            assert_eq!(error.code, Code::InvalidArgument);
            assert!(decompress(encoding, b"what?", 100).is_err());
        }
    }

    #[test]
    fn what_does_not_pay_stays_as_it_is() {
        let short = framed(b"short");
        assert_eq!(compress(Encoding::Gzip, short.clone(), 1000), short);
        let mut state = 88_172_645_463_325_252u64;
        let mut noise = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        };
        let noise: Vec<u8> = (0..2000).map(|_| noise()).collect();
        let noise = framed(&noise);
        assert_eq!(compress(Encoding::Gzip, noise.clone(), 1000), noise);
    }

    #[test]
    fn replies_follow_the_requests() {
        let mut headers = HeaderMap::new();
        assert_eq!(request_encoding(&headers), Ok(Encoding::Identity));
        headers.insert(
            ACCEPT_ENCODING,
            HeaderValue::from_static("identity, deflate, gzip"),
        );
        assert_eq!(
            reply_encoding(&headers, Encoding::Identity),
            Encoding::Identity
        );
        headers.insert(ENCODING, HeaderValue::from_static("gzip"));
        assert_eq!(request_encoding(&headers), Ok(Encoding::Gzip));
        assert_eq!(reply_encoding(&headers, Encoding::Gzip), Encoding::Gzip);
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        assert_eq!(reply_encoding(&headers, Encoding::Gzip), Encoding::Identity);
        headers.insert(ENCODING, HeaderValue::from_static("zstd"));
        let error = request_encoding(&headers).unwrap_err();
        assert_eq!(error.code, Code::Unimplemented);
    }
}
