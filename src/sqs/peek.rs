//! `GET /_lclq/sqs/messages?QueueUrl=…`: looking at a queue's messages without receiving them.
//!
//! Parameters: `QueueUrl`; `Max`, 1-1000 messages (100); `After`, the `next` of an earlier answer.
//! An answer ends earlier where messages are large, and has a `next` then.

use super::actions::shown_sequence;
use super::body::as_text;
use super::decode::Form;
use super::encode::{Encoder, JsonEncoder, hex, uuid};
use super::error::{SqsResult, missing_parameter, not_a_whole_number};
use super::ids::random_uuid;
use super::message_attributes::Attributes;
use super::server::{Scope, Sqs};
use super::target::unexpected;
use super::wire::Protocol;
use crate::http::ReplyBody;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use lclq_shards::Section;
use lclq_shards::command::{MessageState, Peeked, QueueCommand, Reply};

const MESSAGES_DEFAULT: usize = 100;
const MESSAGES_MAX: usize = 1000;
/// Messages of one answer, bytes as they are kept; one is shown however large.
const PAGE_BYTES_MAX: usize = 1 << 20;

pub async fn answer(sqs: &Sqs, scope: &Scope<'_>, query: &str) -> Response<ReplyBody> {
    match peek(sqs, scope, query).await {
        Ok(body) => {
            let mut reply = Response::new(ReplyBody::new(body));
            let json = HeaderValue::from_static("application/json");
            reply.headers_mut().insert(CONTENT_TYPE, json);
            reply
        }
        Err(error) => Protocol::Json.error(&error, random_uuid()),
    }
}

async fn peek(sqs: &Sqs, scope: &Scope<'_>, query: &str) -> SqsResult<Vec<u8>> {
    let form = Form::parse(&[query.as_bytes()])?;
    let url = form
        .get("QueueUrl")
        .ok_or_else(|| missing_parameter("QueueUrl"))?;
    let number = |name: &str, default: u64| match form.get(name) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| not_a_whole_number(name, text)),
    };
    let messages_max = number("Max", MESSAGES_DEFAULT as u64)?.clamp(1, MESSAGES_MAX as u64);
    let after = number("After", 0)?;
    let target = sqs.target(scope, Some(url)).await?;
    let command = QueueCommand::Peek {
        queue: target.queue(),
        after,
        messages_max: messages_max as usize,
    };
    let peeked = match sqs.ask_queue(&target, command).await? {
        Reply::Peeked(peeked) => peeked,
        other => return Err(unexpected(&other)),
    };
    let shown = &peeked[..page(peeked.iter().map(|message| message.payload.memory_bytes()))];
    let mut out = Vec::new();
    let mut encoder = JsonEncoder::new(&mut out);
    encoder.structures("messages", "", shown, |encoder, message| {
        write(encoder, message, target.is_fifo());
    });
    let is_all = shown.len() == peeked.len() && peeked.len() < messages_max as usize;
    if !is_all && let Some(last) = shown.last() {
        encoder.text("next", &last.sequence.to_string());
    }
    encoder.finish();
    Ok(out)
}

/// How many messages of these sizes make a page.
fn page(bytes: impl Iterator<Item = usize>) -> usize {
    let mut page_bytes = 0;
    let fitting = bytes.take_while(|bytes| {
        let first = page_bytes == 0;
        page_bytes += bytes;
        first || page_bytes <= PAGE_BYTES_MAX
    });
    fitting.count()
}

fn write(encoder: &mut JsonEncoder<'_>, message: &Peeked, fifo: bool) {
    let payload = &message.payload;
    encoder.plain("messageId", |out| uuid(out, payload.id()));
    encoder.text("body", &as_text(payload.body()));
    encoder.plain("md5OfBody", |out| hex(out, &payload.body_md5()));
    encoder.text(
        "state",
        match message.state {
            MessageState::Visible => "visible",
            MessageState::InFlight => "in-flight",
            MessageState::Delayed => "delayed",
        },
    );
    let mut attributes = vec![
        ("SentTimestamp", payload.sent_at().to_string()),
        ("ApproximateReceiveCount", message.receive_count.to_string()),
    ];
    if let Some(at) = message.first_received_at {
        attributes.push(("ApproximateFirstReceiveTimestamp", at.to_string()));
    }
    if fifo {
        attributes.push((
            "SequenceNumber",
            shown_sequence(payload.shown_sequence(message.sequence)).to_string(),
        ));
    }
    for (name, section) in [
        ("MessageGroupId", Section::Group),
        ("MessageDeduplicationId", Section::Deduplication),
        ("AWSTraceHeader", Section::Trace),
        ("DeadLetterQueueSourceArn", Section::DeadLetterSource),
    ] {
        if let Some(text) = payload.text(section) {
            attributes.push((name, text.to_owned()));
        }
    }
    encoder.map(
        "attributes",
        "",
        ("", ""),
        attributes
            .iter()
            .map(|(name, value)| (*name, value.as_str())),
    );
    if let Some(packed) = payload.section(Section::Attributes) {
        Attributes::unpack(packed).write_as(encoder, "messageAttributes");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_bounded_in_bytes_and_has_at_least_one_message() {
        assert_eq!(page([].into_iter()), 0);
        assert_eq!(page([PAGE_BYTES_MAX * 2, 1].into_iter()), 1);
        assert_eq!(page([300_000; 1000].into_iter()), 3);
        assert_eq!(page([100; 1000].into_iter()), 1000);
    }
}
