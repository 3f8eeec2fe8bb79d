//! What passes through a queue, a topic or a subscription, as server-sent events, without taking it.

use super::Admin;
use super::answers::{AdminBody, AdminError, AdminResult, event_stream};
use super::events::{HEARTBEAT_EVERY, Subscriber, event, wait};
use super::pubsub::{self, Project};
use super::queues::{self, Place};
use super::route::Asked;
use crate::proto::google::pubsub::v1::PubsubMessage;
use crate::pubsub::message_number;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::Response;
use lclq_shards::command::{QueueCommand, QueueRef, Refusal, Reply};
use lclq_shards::pubsub::command::{AdminCommand, Kind};
use lclq_shards::taps::{Passed, PassedPage, TapPosition};
use lclq_shards::{QueueName, Section};
use prost::Message;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Time between looks. Nobody waits for a message here, and a shard that is looked at keeps what
/// passes in the meantime.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Messages of one look.
const LOOK_MESSAGES_MAX: usize = 128;

/// A message that has passed, as an event's data.
#[derive(Serialize, JsonSchema)]
struct PassedMessage {
    /// When, ms since 1970.
    at: u64,
    message_id: String,
    /// Its body or data, where that is text.
    text: Option<String>,
    /// The same in base64, where it isn't.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    /// Message group id or ordering key.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    /// Attributes of a message of a topic.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<String, String>,
}

impl PassedMessage {
    /// Of a message of shard `shard` among `shards`.
    fn of(passed: &Passed, shards: u16, shard: u16) -> Self {
        match passed {
            Passed::Sent { payload, at, .. } => {
                let (text, data) = text_or_data(payload.body());
                Self {
                    at: *at,
                    message_id: uuid::Uuid::from_bytes(payload.id()).to_string(),
                    text,
                    data,
                    group: payload.text(Section::Group).map(str::to_owned),
                    attributes: BTreeMap::new(),
                }
            }
            Passed::Published {
                sequence,
                bytes,
                at,
            } => {
                let message = PubsubMessage::decode(&bytes[..]).unwrap_or_default();
                let (text, data) = text_or_data(&message.data);
                Self {
                    at: *at,
                    message_id: message_number(shards, shard, *sequence).to_string(),
                    text,
                    data,
                    group: Some(message.ordering_key).filter(|key| !key.is_empty()),
                    attributes: message.attributes.into_iter().collect(),
                }
            }
        }
    }
}

pub(super) fn text_or_data(bytes: &[u8]) -> (Option<String>, Option<String>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (Some(text.to_owned()), None),
        Err(_) => (None, Some(base64_simd::STANDARD.encode_to_string(bytes))),
    }
}

enum Followed {
    Queue(QueueName, QueueRef),
    Pubsub(Kind, String, u16),
}

impl Followed {
    fn shard(&self) -> u16 {
        match self {
            Self::Queue(_, queue) => queue.shard,
            Self::Pubsub(_, _, shard) => *shard,
        }
    }
}

struct Tail {
    admin: Rc<Admin>,
    followed: Followed,
    position: Option<TapPosition>,
    heartbeat_at: Instant,
    begun: bool,
    _subscriber: Subscriber,
}

pub(super) async fn queue(
    admin: Rc<Admin>,
    asked: Asked<Place>,
) -> AdminResult<Response<AdminBody>> {
    let name = asked.query.queue(&admin, asked.part(0));
    let found = queues::resolved(&admin, &name).await?;
    start(admin, Followed::Queue(name, found)).await
}

pub(super) async fn topic(
    admin: Rc<Admin>,
    asked: Asked<Project>,
) -> AdminResult<Response<AdminBody>> {
    of_kind(admin, Kind::Topic, &asked).await
}

pub(super) async fn subscription(
    admin: Rc<Admin>,
    asked: Asked<Project>,
) -> AdminResult<Response<AdminBody>> {
    of_kind(admin, Kind::Subscription, &asked).await
}

async fn of_kind(
    admin: Rc<Admin>,
    kind: Kind,
    asked: &Asked<Project>,
) -> AdminResult<Response<AdminBody>> {
    let name = asked.query.full(kind, asked.part(0));
    let found = pubsub::find(&admin, kind, &name).await?;
    start(admin, Followed::Pubsub(kind, name, found.shard)).await
}

async fn start(admin: Rc<Admin>, followed: Followed) -> AdminResult<Response<AdminBody>> {
    let subscriber = admin.subscribers.enter()?;
    let mut tail = Tail {
        admin,
        followed,
        position: None,
        heartbeat_at: Instant::now() + HEARTBEAT_EVERY,
        begun: false,
        _subscriber: subscriber,
    };
    // What is sent once the answer has begun is seen.
    let page = tail.look().await?;
    let page = page.ok_or_else(|| AdminError::unavailable("it has just been deleted"))?;
    tail.position = Some(page.position);
    let pieces = stream::unfold(tail, |mut tail| async move {
        let piece = tail.next().await?;
        Some((Bytes::from(piece), tail))
    });
    Ok(event_stream(pieces.boxed_local()))
}

impl Tail {
    /// The next messages; `None` when what is followed is gone, or the server stops.
    async fn next(&mut self) -> Option<String> {
        if !std::mem::replace(&mut self.begun, true) {
            return Some(": following\n\n".to_owned());
        }
        let mut out = String::new();
        loop {
            let page = match self.look().await {
                Ok(Some(page)) => page,
                Ok(None) => {
                    // Having said so, it is over.
                    self.position.take()?;
                    event(
                        &mut out,
                        "end",
                        None,
                        &json!({ "reason": "it was deleted" }),
                    );
                    return Some(out);
                }
                Err(_) => return None,
            };
            self.position = Some(page.position);
            if page.missed != Some(0) {
                event(
                    &mut out,
                    "missed",
                    None,
                    &json!({ "messages": page.missed }),
                );
            }
            let shard = self.followed.shard();
            for passed in &page.messages {
                let shown = PassedMessage::of(passed, self.admin.mesh.shards(), shard);
                event(&mut out, "message", None, &shown);
            }
            let now = Instant::now();
            if out.is_empty() && now >= self.heartbeat_at {
                out.push_str(": alive\n\n");
            }
            if !out.is_empty() {
                self.heartbeat_at = now + HEARTBEAT_EVERY;
                return Some(out);
            }
            if !wait(&self.admin.shutdown, now + LOOK_EVERY, None).await {
                return None;
            }
        }
    }

    /// What has passed; `None` where what is followed is gone.
    async fn look(&mut self) -> AdminResult<Option<PassedPage>> {
        let (from, messages_max) = (self.position, LOOK_MESSAGES_MAX);
        let (shard, reply) = match &mut self.followed {
            Followed::Pubsub(kind, name, shard) => {
                let command = AdminCommand::Follow {
                    kind: *kind,
                    name: name.as_str().into(),
                    from,
                    messages_max,
                };
                (
                    *shard,
                    pubsub::ask_shard(&self.admin, *shard, command).await,
                )
            }
            Followed::Queue(name, queue) => {
                let follow = |queue| QueueCommand::Follow {
                    queue,
                    from,
                    messages_max,
                };
                let shard = queue.shard;
                let mut reply = queues::ask_shard(&self.admin, shard, follow(*queue)).await;
                if matches!(reply, Reply::Stale(_)) {
                    // Purged: it is the same queue in another place.
                    let Ok(found) = queues::resolved(&self.admin, name).await else {
                        return Ok(None);
                    };
                    *queue = found;
                    reply = queues::ask_shard(&self.admin, shard, follow(found)).await;
                }
                (shard, reply)
            }
        };
        match reply {
            Reply::Passed(page) => Ok(Some(*page)),
            Reply::Stale(_) | Reply::Refused(Refusal::Pubsub(_)) => Ok(None),
            _ => Err(queues::unanswered(shard)),
        }
    }
}
