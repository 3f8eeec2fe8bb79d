//! `/_aws/sqs/messages` and `/_localstack/health`: what tests written for LocalStack ask beside the
//! service's own API. Source: LocalStack's documentation of its developer endpoints.
//!
//! A queue's messages are shown as a ReceiveMessage would answer them, without receiving them:
//! `GET` with `QueueUrl`, or the queue as `/REGION/ACCOUNT/NAME` behind the path; `ShowInvisible` and
//! `ShowDelayed` add those that can't be received now. An SDK may take the path as its endpoint.

use super::actions::{Action, Looked, looked_at, shown};
use super::body::as_text;
use super::decode::{Form, Text, from_json};
use super::error::{SqsResult, invalid_address, no_queue, only_receive};
use super::head::Head;
use super::heads::{Heads, protocol_of};
use super::ids::random_uuid;
use super::server::Sqs;
use super::target::{Target, unexpected};
use super::wire::Protocol;
use crate::http::ReplyBody;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use lclq_shards::command::{MessageState, Peeked, QueueCommand, Reply};
use serde::Deserialize;
use serde_json::{Value, json};
use std::cell::OnceCell;
use std::rc::Rc;

pub(super) const PATH: &str = "/_aws/sqs/messages";
pub(super) const HEALTH_PATH: &str = "/_localstack/health";

/// Messages of one look; there are no pages.
const MESSAGES_MAX: usize = 10_000;
/// Bytes of messages of one look, from which on it ends.
const BYTES_MAX: usize = 32 << 20;
/// Messages that a shard is asked for at once.
const PAGE_MESSAGES: usize = 1000;

/// What is asked for.
#[derive(Default)]
struct Asked {
    region: Option<String>,
    queue_url: Option<String>,
    show_invisible: bool,
    show_delayed: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", bound(deserialize = "'de: 'a"))]
struct JsonAsked<'a> {
    #[serde(default)]
    queue_url: Option<Text<'a>>,
}

/// `is_down`: a journal can't write.
pub(super) fn health(is_down: bool) -> Response<ReplyBody> {
    let state = if is_down { "error" } else { "available" };
    let body = json!({
        "services": { "sqs": state },
        "edition": "lclq",
        "version": env!("CARGO_PKG_VERSION"),
    });
    as_json(StatusCode::OK, &body)
}

pub(super) async fn answer(sqs: &Sqs, head: &Head, body: &Bytes) -> Response<ReplyBody> {
    let request_id = random_uuid();
    let protocol = protocol_of(&head.headers);
    match look(sqs, head, body, protocol).await {
        Ok((target, messages)) => {
            let looked = Looked {
                sqs,
                target,
                messages,
            };
            match protocol {
                Protocol::QueryJson => in_response(&looked, request_id),
                protocol => {
                    protocol.reply(looked_at(&looked, protocol, request_id).into(), request_id)
                }
            }
        }
        Err(error) if protocol == Protocol::QueryJson => {
            let status = StatusCode::from_u16(error.kind.status()).unwrap_or_default();
            let inner = json!({ "Code": error.kind.query_code(), "Message": error.message });
            as_json(status, &json!({ "ErrorResponse": { "Error": inner } }))
        }
        Err(error) => protocol.error(&error, request_id),
    }
}

async fn look(
    sqs: &Sqs,
    head: &Head,
    body: &Bytes,
    protocol: Protocol,
) -> SqsResult<(Rc<Target>, Vec<Peeked>)> {
    let by = OnceCell::new();
    sqs.believed(head, body, &by)?;
    let heads = Heads::of(head);
    let asked = read(head, &heads, body, protocol)?;
    let mut scope = sqs.scope(&heads, &head.uri, None);
    sqs.tell(&mut scope, &by, head, Action::ReceiveMessage);
    if let Some(region) = &asked.region {
        scope.region = region;
    }
    let Some(url) = asked.queue_url.as_deref() else {
        return Err(no_queue());
    };
    // The service takes a path of one part for a queue that isn't there.
    let path = url.split_once("://").map_or(url, |(_, rest)| {
        rest.split_once('/').map_or("", |(_, path)| path)
    });
    if path.split('/').filter(|part| !part.is_empty()).count() < 2 {
        return Err(invalid_address(url));
    }
    let target = sqs.target(&scope, Some(url)).await?;
    let (mut messages, mut after, mut bytes) = (Vec::new(), 0, 0);
    let mut near = None;
    loop {
        let command = QueueCommand::Peek {
            queue: target.queue(),
            after,
            near,
            messages_max: PAGE_MESSAGES,
        };
        let peeked = match sqs.ask_queue(&target, command).await? {
            Reply::Peeked(peeked) => peeked,
            other => return Err(unexpected(&other)),
        };
        let is_last = peeked.len() < PAGE_MESSAGES;
        if let Some(last) = peeked.last() {
            (after, near) = (last.sequence, Some(last.slot));
        }
        for message in peeked {
            let is_asked_for = match message.state {
                MessageState::Visible => true,
                MessageState::InFlight => asked.show_invisible,
                MessageState::Delayed => asked.show_delayed,
            };
            if is_asked_for {
                bytes += message.payload.memory_bytes();
                messages.push(message);
            }
            if messages.len() >= MESSAGES_MAX || bytes >= BYTES_MAX {
                return Ok((target, messages));
            }
        }
        if is_last {
            return Ok((target, messages));
        }
    }
}

fn read(head: &Head, heads: &Heads<'_>, body: &Bytes, protocol: Protocol) -> SqsResult<Asked> {
    if protocol == Protocol::Json {
        if heads.action()? != Action::ReceiveMessage {
            return Err(only_receive());
        }
        let asked: JsonAsked<'_> = from_json(body)?;
        return Ok(Asked {
            queue_url: asked.queue_url.map(|url| url.0.into_owned()),
            ..Asked::default()
        });
    }
    let query = head.uri.query().unwrap_or("").as_bytes();
    let form = Form::parse(&[body, query])?;
    if form
        .get("Action")
        .is_some_and(|action| action != "ReceiveMessage")
    {
        return Err(only_receive());
    }
    let is_true = |name: &str| {
        let value = form.get(name).unwrap_or_default();
        matches!(
            value.to_ascii_lowercase().as_str(),
            "true" | "1" | "yes" | "on"
        )
    };
    let mut asked = Asked {
        region: None,
        queue_url: form.get("QueueUrl").map(str::to_owned),
        show_invisible: is_true("ShowInvisible"),
        show_delayed: is_true("ShowDelayed"),
    };
    let rest = head.uri.path().strip_prefix(PATH).unwrap_or_default();
    let parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
    if let [region, account, name] = parts[..] {
        asked.region = Some(region.to_owned());
        asked.queue_url = Some(format!("/{account}/{name}"));
    }
    Ok(asked)
}

/// The query protocol's answer as JSON would have it, lists of one as that one.
fn in_response(looked: &Looked<'_>, request_id: [u8; 16]) -> Response<ReplyBody> {
    let list = |pairs: &Value, value_of: fn(&Value) -> Value| -> Value {
        let pairs = pairs.as_object().into_iter().flatten();
        pairs
            .map(|(name, value)| json!({ "Name": name, "Value": value_of(value) }))
            .collect()
    };
    let messages = shown(looked).into_iter().map(|mut message| {
        message["Attribute"] = list(&message["Attributes"], Value::clone);
        if !message["MessageAttributes"].is_null() {
            message["MessageAttribute"] = list(&message["MessageAttributes"], Value::clone);
        }
        if let Some(members) = message.as_object_mut() {
            members.remove("Attributes");
            members.remove("MessageAttributes");
        }
        message
    });
    let mut messages: Vec<Value> = messages.collect();
    let result = match messages.len() {
        0 => Value::Null,
        1 => json!({ "Message": messages.remove(0) }),
        _ => json!({ "Message": messages }),
    };
    let mut id = Vec::new();
    super::encode::uuid(&mut id, request_id);
    let body = json!({
        "ReceiveMessageResponse": {
            "ReceiveMessageResult": result,
            "ResponseMetadata": { "RequestId": as_text(&id) },
        },
    });
    as_json(StatusCode::OK, &body)
}

fn as_json(status: StatusCode, body: &Value) -> Response<ReplyBody> {
    let mut answer = Response::new(ReplyBody::new(body.to_string()));
    *answer.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(CONTENT_TYPE, json);
    answer
}
