//! The dialect's inner parts, for benchmarks. Nobody else's business, and free to change.

use super::Sqs;
use super::decode::{Form, from_json};
use super::encode;
use super::head::Head;
use super::request::{Input, SendMessage, SendMessageBatch};
use crate::http::ReplyBody;
use bytes::Bytes;
use http::Response;
use http::request::Parts;
use md5::{Digest, Md5};

/// Reads a SendMessage in JSON; answers whether it could be read.
pub fn decode_send_json(body: &[u8]) -> bool {
    from_json::<SendMessage<'_>>(body).is_ok_and(|input| input.message_body.is_some())
}

/// Reads a SendMessageBatch in JSON; answers how many entries it has.
pub fn decode_send_batch_json(body: &[u8]) -> usize {
    from_json::<SendMessageBatch<'_>>(body)
        .ok()
        .and_then(|input| input.entries)
        .map_or(0, |entries| entries.len())
}

/// Reads a SendMessage in the query protocol; answers whether it could be read.
pub fn decode_send_query(body: &[u8]) -> bool {
    Form::parse(&[body]).is_ok_and(|form| {
        SendMessage::from_form(&form).is_ok_and(|input| input.message_body.is_some())
    })
}

/// Reads a SendMessageBatch in the query protocol; answers how many entries it has.
pub fn decode_send_batch_query(body: &[u8]) -> usize {
    let Ok(form) = Form::parse(&[body]) else {
        return 0;
    };
    let input = SendMessageBatch::from_form(&form).ok();
    input
        .and_then(|input| input.entries)
        .map_or(0, |entries| entries.len())
}

/// Writes a JSON string.
pub fn encode_json_text(out: &mut Vec<u8>, text: &str) {
    encode::json_string(out, text);
}

/// Writes XML text.
pub fn encode_xml_text(out: &mut Vec<u8>, text: &str) {
    encode::xml_text(out, text);
}

/// The digest of a message's body, as it is written.
pub fn encode_md5(out: &mut Vec<u8>, body: &[u8]) {
    crate::hex::write(out, &Md5::digest(body));
}

/// Answers a request whose body has been read.
pub async fn answer(sqs: &Sqs, head: Parts, body: Bytes) -> Response<ReplyBody> {
    sqs.answer(Head::inside(head), body, None).await
}
