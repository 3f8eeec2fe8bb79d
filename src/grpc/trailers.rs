//! The end of a call as header fields.

use base64_simd::STANDARD_NO_PAD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use std::fmt::Write;

use super::body::GrpcBody;
use super::status::{Code, Status};
use crate::http::broken_off;

/// How a call ended, among the headers or trailers of its answer.
pub const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// A message longer than this is cut: it may repeat what a client sent, and clients refuse long
/// trailers.
const MESSAGE_BYTES_MAX: usize = 2 * 1024;
/// Details longer than this are left out. Pub/Sub's clients take trailers of up to 4 MiB.
const DETAILS_BYTES_MAX: usize = 1024 * 1024;

/// The answer of a call, as far as its head goes.
pub(super) fn answer(body: GrpcBody) -> Response<GrpcBody> {
    let mut answer = Response::new(body);
    answer.headers_mut().insert(CONTENT_TYPE, GRPC);
    answer
}

/// An answer that is nothing but its end.
pub fn error_answer(status: &Status) -> Response<GrpcBody> {
    let mut answer = answer(GrpcBody::empty());
    write_status(status, answer.headers_mut());
    if status.breaks_off {
        return broken_off(answer);
    }
    answer
}

/// An answer for what isn't gRPC as it should be.
pub(super) fn http_error(status: StatusCode) -> Response<GrpcBody> {
    let mut answer = Response::new(GrpcBody::empty());
    *answer.status_mut() = status;
    answer
}

/// The trailers of a call that ended well.
pub(super) fn ok_trailers() -> HeaderMap {
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert(STATUS, HeaderValue::from_static(Code::Ok.digits()));
    trailers
}

/// The trailers of a call.
pub(super) fn trailers(end: &Result<(), Status>) -> HeaderMap {
    match end {
        Ok(()) => ok_trailers(),
        Err(status) => {
            let mut trailers = HeaderMap::with_capacity(3);
            write_status(status, &mut trailers);
            trailers
        }
    }
}

fn write_status(status: &Status, headers: &mut HeaderMap) {
    headers.insert(STATUS, HeaderValue::from_static(status.code.digits()));
    if !status.message.is_empty()
        && let Ok(message) = HeaderValue::try_from(percent_encoded(&status.message))
    {
        headers.insert(MESSAGE, message);
    }
    if let Some(details) = status.encoded_details()
        && details.len() <= DETAILS_BYTES_MAX
        && let Ok(details) =
            HeaderValue::from_maybe_shared(Bytes::from(STANDARD_NO_PAD.encode_to_string(&details)))
    {
        headers.insert(DETAILS, details);
    }
}

fn percent_encoded(message: &str) -> String {
    let mut end = message.len().min(MESSAGE_BYTES_MAX);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    let mut encoded = String::with_capacity(end);
    for byte in message[..end].bytes() {
        match byte {
            b'%' => encoded.push_str("%25"),
            b' '..=b'~' => encoded.push(char::from(byte)),
            // Writing to a String can't fail.
            _ => _ = write!(encoded, "%{byte:02X}"),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::google::rpc;
    use proptest::prelude::*;

    fn decoded(text: &str) -> Vec<u8> {
        let mut bytes = text.bytes();
        let mut decoded = Vec::new();
        while let Some(byte) = bytes.next() {
            if byte == b'%' {
                let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                let digits = std::str::from_utf8(&digits).unwrap();
                decoded.push(u8::from_str_radix(digits, 16).unwrap());
            } else {
                decoded.push(byte);
            }
        }
        decoded
    }

    #[test]
    fn a_status_fills_its_fields() {
        let info = rpc::ErrorInfo {
            reason: "WHY".into(),
            ..Default::default()
        };
        let status =
            Status::new(Code::NotFound, "100 % fort\n").with_detail("google.rpc.ErrorInfo", &info);
        let trailers = trailers(&Err(status.clone()));
        assert_eq!(trailers[STATUS], "5");
        assert_eq!(trailers[MESSAGE], "100 %25 fort%0A");
        let details = STANDARD_NO_PAD
            .decode_to_vec(trailers[DETAILS].as_bytes())
            .unwrap();
        assert_eq!(details, status.encoded_details().unwrap());
        assert_eq!(ok_trailers()[STATUS], "0");
    }

    proptest! {
        #[test]
        fn any_message_fits(message in "\\PC{0,3000}") {
            let trailers = trailers(&Err(Status::new(Code::Internal, message.clone())));
            let sent = trailers.get(MESSAGE).map_or("", |value| value.to_str().unwrap());
            let sent = String::from_utf8(decoded(sent)).unwrap();
            prop_assert!(message.starts_with(&sent));
            prop_assert!(sent == message || sent.len() > MESSAGE_BYTES_MAX - 4);
        }
    }
}
