//! `GET /_lclq/sqs/messages?QueueUrl=…`: looking at a queue's messages without receiving them.
//!
//! Parameters: `QueueUrl`; `Max`, 1-1000 messages (100); `After`, the `next` of an earlier answer;
//! `State`, one of `visible`, `in-flight` and `delayed`; `Contains`, a text that is looked for in
//! bodies, ids, attributes and their names. An answer ends earlier where messages are large or many
//! had to be looked at, and has a `next` then.

use super::actions::shown_sequence;
use super::body::as_text;
use super::decode::Form;
use super::encode::{Encoder, JsonEncoder, uuid};
use super::error::{SqsResult, missing_parameter, no_such_state, not_a_whole_number};
use super::ids::random_uuid;
use super::message_attributes::Attributes;
use super::server::{Scope, Sqs};
use super::target::{Target, unexpected};
use super::wire::Protocol;
use crate::http::ReplyBody;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use lclq_shards::Section;
use lclq_shards::command::{MessageState, Peeked, QueueCommand, Reply};
use std::fmt;

const MESSAGES_DEFAULT: usize = 100;
const MESSAGES_MAX: usize = 1000;
/// Messages of one answer, bytes as they are kept; one is shown however large.
const PAGE_BYTES_MAX: usize = 1 << 20;
/// Messages that are asked for at once, so that neither core is held for long.
const SLICE_MESSAGES: usize = 200;
/// Messages that one request looks at in search of others, and bytes of them.
const LOOKED_MESSAGES_MAX: usize = 20_000;
const LOOKED_BYTES_MAX: usize = 64 << 20;

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
    let wanted = Wanted {
        state: form.get("State").map(state_of).transpose()?,
        contains: form.get("Contains").filter(|text| !text.is_empty()),
    };
    let place = Place::read(form.get("After").unwrap_or("0"))
        .ok_or_else(|| not_a_whole_number("After", form.get("After").unwrap_or_default()))?;
    let target = sqs.target(scope, Some(url)).await?;
    let found = look(sqs, &target, place, messages_max as usize, &wanted).await?;
    let mut out = Vec::new();
    let mut encoder = JsonEncoder::new(&mut out);
    encoder.structures("messages", "", &found.messages, |encoder, message| {
        write(encoder, message, target.is_fifo());
    });
    if let Some(next) = found.next {
        encoder.text("next", &next.to_string());
    }
    encoder.finish();
    Ok(out)
}

/// Which messages are to be shown.
struct Wanted<'a> {
    state: Option<MessageState>,
    contains: Option<&'a str>,
}

impl Wanted<'_> {
    fn is_met(&self, message: &Peeked) -> bool {
        if self.state.is_some_and(|state| state != message.state) {
            return false;
        }
        let Some(text) = self.contains else {
            return true;
        };
        let payload = &message.payload;
        let finder = memchr::memmem::Finder::new(text);
        let sections = [
            Section::Attributes,
            Section::Group,
            Section::Deduplication,
            Section::Trace,
        ];
        finder.find(payload.body()).is_some()
            || sections
                .into_iter()
                .filter_map(|section| payload.section(section))
                .any(|bytes| finder.find(bytes).is_some())
            || uuid::Uuid::from_bytes(payload.id()).to_string() == text
    }
}

fn state_of(text: &str) -> SqsResult<MessageState> {
    match text {
        "visible" | "available" => Ok(MessageState::Visible),
        "in-flight" | "in_flight" => Ok(MessageState::InFlight),
        "delayed" => Ok(MessageState::Delayed),
        _ => Err(no_such_state(text)),
    }
}

/// How far somebody has looked: a message's number, and where it was.
#[derive(Clone, Copy)]
struct Place {
    after: u64,
    near: Option<u32>,
}

impl Place {
    fn read(text: &str) -> Option<Self> {
        let (after, near) = match text.split_once('-') {
            None => (text, None),
            Some((after, near)) => (after, Some(near.parse().ok()?)),
        };
        let after = after.parse().ok()?;
        Some(Self { after, near })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.after)?;
        self.near.map_or(Ok(()), |near| write!(f, "-{near}"))
    }
}

struct Found {
    messages: Vec<Peeked>,
    next: Option<Place>,
}

async fn look(
    sqs: &Sqs,
    target: &Target,
    mut place: Place,
    messages_max: usize,
    wanted: &Wanted<'_>,
) -> SqsResult<Found> {
    let mut messages: Vec<Peeked> = Vec::new();
    let (mut found_bytes, mut looked, mut looked_bytes) = (0, 0, 0);
    loop {
        let command = QueueCommand::Peek {
            queue: target.queue(),
            after: place.after,
            near: place.near,
            messages_max: SLICE_MESSAGES,
        };
        let peeked = match sqs.ask_queue(target, command).await? {
            Reply::Peeked(peeked) => peeked,
            other => return Err(unexpected(&other)),
        };
        let is_last = peeked.len() < SLICE_MESSAGES;
        for message in peeked {
            let bytes = message.payload.memory_bytes();
            if wanted.is_met(&message) {
                let is_full = found_bytes + bytes > PAGE_BYTES_MAX && !messages.is_empty();
                if is_full || messages.len() >= messages_max {
                    let next = Some(place);
                    return Ok(Found { messages, next });
                }
                found_bytes += bytes;
                messages.push(message.clone());
            }
            looked += 1;
            looked_bytes += bytes;
            place = Place {
                after: message.sequence,
                near: Some(message.slot),
            };
        }
        if is_last {
            let next = None;
            return Ok(Found { messages, next });
        }
        if looked >= LOOKED_MESSAGES_MAX || looked_bytes >= LOOKED_BYTES_MAX {
            let next = Some(place);
            return Ok(Found { messages, next });
        }
        crate::runtime::yield_now().await;
    }
}

fn write(encoder: &mut JsonEncoder<'_>, message: &Peeked, fifo: bool) {
    let payload = &message.payload;
    encoder.plain("messageId", |out| uuid(out, payload.id()));
    encoder.text("body", &as_text(payload.body()));
    encoder.plain("md5OfBody", |out| {
        crate::hex::write(out, &payload.body_md5())
    });
    encoder.text("state", message.state.name());
    if message.receive_count > 0 {
        encoder.number("receivedAt", message.received_at);
    }
    if let Some(at) = message.due_at {
        encoder.number("dueAt", at);
    }
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
        let attributes = Attributes::unpack(packed);
        encoder.plain("md5OfMessageAttributes", |out| {
            crate::hex::write(out, &attributes.md5())
        });
        attributes.write_as(encoder, "messageAttributes");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_is_written() {
        for text in ["0", "17", "17-3"] {
            assert_eq!(Place::read(text).expect(text).to_string(), text);
        }
        for text in ["", "-3", "x", "17-x", "17-"] {
            assert!(Place::read(text).is_none(), "{text}");
        }
    }
}
