//! gzip, both ways.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use http::Response;
use http::header::{self, HeaderMap, HeaderValue};

use super::body::{BodyError, ReplyBody};
use super::budget::{Busy, SMALL_BODY_BYTES_MAX};
use super::limits::HttpLimits;

/// Replies shorter than this fit into a packet or so as they are: not worth compressing.
pub const GZIP_BYTES_MIN: usize = 1024;

/// Whether a request's Accept-Encoding asks for gzip: names it, or `*`, with a weight above 0.
pub fn accepts_gzip(request: &HeaderMap) -> bool {
    let mut any = false;
    for value in request.get_all(header::ACCEPT_ENCODING) {
        for item in value.as_bytes().split(|&byte| byte == b',') {
            let mut parts = item.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
            let coding = parts.next().unwrap_or_default();
            let refused = parts.any(is_weight_zero);
            if coding.eq_ignore_ascii_case(b"gzip") || coding.eq_ignore_ascii_case(b"x-gzip") {
                return !refused;
            }
            any |= coding == b"*" && !refused;
        }
    }
    any
}

/// `q=0`, `q=0.0` and so on.
fn is_weight_zero(parameter: &[u8]) -> bool {
    let Some(weight) = parameter
        .strip_prefix(b"q=")
        .or_else(|| parameter.strip_prefix(b"Q="))
    else {
        return false;
    };
    weight.first() == Some(&b'0') && weight[1..].iter().all(|byte| matches!(byte, b'0' | b'.'))
}

/// Compresses a reply in place if it pays.
pub(super) fn compress_reply(reply: &mut Response<ReplyBody>) {
    let body = reply.body().as_bytes();
    if body.len() < GZIP_BYTES_MIN || reply.headers().contains_key(header::CONTENT_ENCODING) {
        return;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4 + 64), Compression::fast());
    // Writing into a Vec can't fail.
    let Ok(compressed) = encoder.write_all(body).and_then(|()| encoder.finish()) else {
        return;
    };
    let headers = reply.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    if compressed.len() >= reply.body().as_bytes().len() {
        return;
    }
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers.remove(header::CONTENT_LENGTH);
    *reply.body_mut() = ReplyBody::new(compressed);
}

/// Undoes a request's Content-Encoding. The result is at most `bytes_max` long, however small the
/// bomb. An encoding other than gzip or identity is [`BodyError::Broken`].
pub fn decompress_body(
    content_encoding: Option<&HeaderValue>,
    body: Bytes,
    bytes_max: usize,
) -> Result<Bytes, BodyError> {
    let Some(encoding) = content_encoding else {
        return Ok(body);
    };
    let encoding = encoding.as_bytes().trim_ascii();
    if encoding.is_empty() || encoding.eq_ignore_ascii_case(b"identity") {
        return Ok(body);
    }
    if !encoding.eq_ignore_ascii_case(b"gzip") && !encoding.eq_ignore_ascii_case(b"x-gzip") {
        return Err(BodyError::Broken);
    }
    let mut decoded = Vec::with_capacity((body.len() * 4).min(bytes_max));
    MultiGzDecoder::new(&body[..])
        // One byte more than allowed tells "too large" from "just fits".
        .take(bytes_max as u64 + 1)
        .read_to_end(&mut decoded)
        .map_err(|_| BodyError::Broken)?;
    if decoded.len() > bytes_max {
        return Err(BodyError::TooLarge);
    }
    Ok(decoded.into())
}

/// The same within the bounds of `limits`: what unpacks to more than a small body waits for room.
pub async fn decompress_admitted(
    content_encoding: Option<&HeaderValue>,
    body: Bytes,
    limits: &HttpLimits,
) -> Result<Bytes, BodyError> {
    if content_encoding.is_none() {
        return Ok(body);
    }
    // On the heap, as seldom as it is: the future of each request has this one in it.
    Box::pin(unpack(content_encoding, body, limits)).await
}

async fn unpack(
    content_encoding: Option<&HeaderValue>,
    body: Bytes,
    limits: &HttpLimits,
) -> Result<Bytes, BodyError> {
    let bytes_max = limits.body_bytes_max;
    let small = decompress_body(
        content_encoding,
        body.clone(),
        SMALL_BODY_BYTES_MAX.min(bytes_max),
    );
    if small != Err(BodyError::TooLarge) {
        return small;
    }
    let admission = limits.bodies.admit(bytes_max).await;
    let admission = admission.map_err(|Busy| BodyError::Busy)?;
    let decoded = decompress_body(content_encoding, body, bytes_max)?;
    Ok(admission.hold(decoded))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))])
    }

    fn gzipped(bytes: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap().into()
    }

    #[test]
    fn accept_encoding_is_understood() {
        for yes in [
            "gzip",
            "deflate, gzip",
            "br;q=1.0, GZIP;q=0.5",
            "*",
            "*;q=0.1",
        ] {
            assert!(accepts_gzip(&asking(yes)), "{yes}");
        }
        for no in [
            "",
            "identity",
            "gzip;q=0",
            "gzip; q=0.000",
            "gzip;q=0, *",
            "br",
        ] {
            assert!(!accepts_gzip(&asking(no)), "{no}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn a_long_reply_is_compressed_and_a_short_one_is_not() {
        let mut long = Response::new(ReplyBody::new(vec![b'a'; 5000]));
        compress_reply(&mut long);
        assert_eq!(long.headers()[header::CONTENT_ENCODING], "gzip");
        let mut request = HeaderMap::new();
        request.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        let body = decompress_body(
            request.get(header::CONTENT_ENCODING),
            long.body().as_bytes().clone(),
            5000,
        )
        .unwrap();
        assert_eq!(body, vec![b'a'; 5000]);

        let mut short = Response::new(ReplyBody::new(vec![b'a'; 100]));
        compress_reply(&mut short);
        assert!(!short.headers().contains_key(header::CONTENT_ENCODING));
    }

    #[test]
    fn a_bomb_is_cut_off() {
        let mut request = HeaderMap::new();
        request.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        let bomb = gzipped(&vec![0; 10_000_000]);
        assert!(bomb.len() < 20_000);
        assert_eq!(
            decompress_body(request.get(header::CONTENT_ENCODING), bomb, 100_000),
            Err(BodyError::TooLarge)
        );
        assert_eq!(
            decompress_body(
                request.get(header::CONTENT_ENCODING),
                gzipped(&[1; 100]),
                100
            )
            .unwrap(),
            vec![1; 100]
        );
        assert_eq!(
            decompress_body(
                request.get(header::CONTENT_ENCODING),
                gzipped(&[1; 101]),
                100
            ),
            Err(BodyError::TooLarge)
        );
        let broken = Bytes::from_static(b"not gzip");
        assert_eq!(
            decompress_body(request.get(header::CONTENT_ENCODING), broken, 100),
            Err(BodyError::Broken)
        );
    }
}
