//! Looking at a subscription's messages without taking them.

use super::Admin;
use super::answers::{AdminError, AdminResult};
use super::pubsub::{Project, ask_shard, find};
use super::queues::unanswered;
use super::route::Asked;
use super::tail::text_or_data;
use crate::pubsub::proto::PubsubMessage;
use crate::pubsub::{LookedAt, message_number};
use bytes::Bytes;
use lclq_shards::command::{Refusal, Reply};
use lclq_shards::pubsub::Filter;
use lclq_shards::pubsub::command::{AdminCommand, DeliveryState, Kind, PeekedEntry};
use prost::Message;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::rc::Rc;

const MESSAGES_DEFAULT: u64 = 100;
const MESSAGES_MAX: u64 = 1000;
/// Messages that are asked for at once, so that neither core is held for long.
const SLICE_MESSAGES: usize = 200;
/// Messages that one request looks at in search of others, and bytes of those that it shows.
const LOOKED_MESSAGES_MAX: usize = 20_000;
const SHOWN_BYTES_MAX: usize = 1 << 20;

#[derive(Deserialize, JsonSchema)]
pub(super) struct PeekQuery {
    /// Project of the subscription; `local` where absent.
    project: Option<String>,
    /// At most so many messages; 100 where absent.
    #[schemars(range(min = 1, max = 1000))]
    max: Option<u64>,
    /// The `next` of an earlier answer.
    after: Option<String>,
    /// Only messages in this state.
    state: Option<WantedState>,
    /// Only messages with this text in their data, ordering key, an attribute or its name, or with
    /// this id.
    contains: Option<String>,
    /// Only messages that a subscription with this filter would get.
    filter: Option<String>,
    /// Without data and attributes.
    #[serde(default)]
    brief: bool,
}

/// What a subscription has with a message.
#[derive(Deserialize, JsonSchema, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum WantedState {
    /// It can be delivered.
    Available,
    /// It is delivered and not acknowledged.
    Outstanding,
    /// It waits for its retry.
    Delayed,
    /// It is acknowledged and kept for seeking.
    Acknowledged,
}

/// A state, and its name.
fn shown(state: DeliveryState) -> (WantedState, &'static str) {
    match state {
        DeliveryState::Available => (WantedState::Available, "available"),
        DeliveryState::Outstanding => (WantedState::Outstanding, "outstanding"),
        DeliveryState::Delayed => (WantedState::Delayed, "delayed"),
        DeliveryState::Acknowledged => (WantedState::Acknowledged, "acknowledged"),
    }
}

/// Messages of a subscription as they stand, the oldest first.
#[derive(Serialize, JsonSchema)]
pub(super) struct PeekedDeliveries {
    messages: Vec<PeekedDelivery>,
    /// To be given as `after` to look further; null at the end. There may be more even where no
    /// message is shown: a look ends once it has gone through many.
    next: Option<String>,
}

/// A message of a subscription that was looked at.
#[derive(Serialize, JsonSchema)]
struct PeekedDelivery {
    message_id: String,
    /// `available`, `outstanding`, `delayed` or `acknowledged`.
    state: &'static str,
    /// How often it was delivered.
    deliveries: u32,
    /// ms since 1970.
    published_at: u64,
    /// Its data, where that is UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Its data in base64, where it isn't.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    /// Its data as JSON, where it is binary and the schema is known that it was checked against.
    #[serde(skip_serializing_if = "Option::is_none")]
    decoded: Option<Value>,
    /// Why it can't be shown as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_decoded: Option<String>,
    ordering_key: String,
    attributes: BTreeMap<String, String>,
}

/// Adds what data in binary says, by the schemas that it was checked against.
async fn decode(admin: &Admin, messages: &mut [PeekedDelivery], data: Vec<Bytes>) {
    let Some(pubsub) = admin.pubsub.as_ref() else {
        return;
    };
    let looked_at = messages.iter().zip(data).map(|(message, data)| LookedAt {
        attributes: message.attributes.clone().into_iter().collect(),
        data,
    });
    let decoded = pubsub.decoded(looked_at.collect()).await;
    for (message, decoded) in messages.iter_mut().zip(decoded) {
        match decoded {
            Some(Ok(value)) => message.decoded = Some(value),
            Some(Err(why)) => message.not_decoded = Some(why),
            None => {}
        }
    }
}

/// How far somebody has looked: a message's number, and where it was.
fn place(text: &str) -> Option<(u64, u32)> {
    let (after, near) = text.split_once('-')?;
    Some((after.parse().ok()?, near.parse().ok()?))
}

fn contains(message: &PubsubMessage, id: &str, text: &str) -> bool {
    let finder = memchr::memmem::Finder::new(text);
    let has = |bytes: &[u8]| finder.find(bytes).is_some();
    id == text
        || has(&message.data)
        || has(message.ordering_key.as_bytes())
        || message
            .attributes
            .iter()
            .any(|(name, value)| has(name.as_bytes()) || has(value.as_bytes()))
}

pub(super) async fn peek(
    admin: Rc<Admin>,
    asked: Asked<PeekQuery>,
) -> AdminResult<PeekedDeliveries> {
    let query = &asked.query;
    let project = query.project.clone();
    let name = Project { project }.full(Kind::Subscription, asked.part(0));
    let max = query.max.unwrap_or(MESSAGES_DEFAULT).clamp(1, MESSAGES_MAX) as usize;
    let filter = query.filter.as_deref().map(Filter::parse).transpose();
    let filter = filter.map_err(AdminError::bad_request)?;
    let mut from = match query.after.as_deref() {
        None => None,
        Some(text) => Some(
            place(text)
                .ok_or_else(|| AdminError::bad_request("after is no next of an earlier answer"))?,
        ),
    };
    let shard = find(&admin, Kind::Subscription, &name).await?.shard;
    let shards = admin.mesh.shards();
    let (mut messages, mut data_of, mut looked, mut bytes) = (Vec::new(), Vec::new(), 0, 0);
    loop {
        let command = AdminCommand::Peek {
            name: name.as_str().into(),
            after: from.map_or(0, |(after, _)| after),
            near: from.map(|(_, near)| near),
            messages_max: SLICE_MESSAGES,
        };
        let entries = match ask_shard(&admin, shard, command).await {
            Reply::Entries(entries) => entries,
            Reply::Refused(Refusal::Pubsub(_)) => return Err(AdminError::not_found(name)),
            _ => return Err(unanswered(shard)),
        };
        let is_last = entries.len() < SLICE_MESSAGES;
        for entry in entries {
            let PeekedEntry {
                sequence,
                slot,
                published_at,
                state,
                deliveries,
                bytes: encoded,
            } = entry;
            let (is, state) = shown(state);
            let is_wanted = query.state.is_none_or(|wanted| wanted == is);
            let message = PubsubMessage::decode(&encoded[..]).unwrap_or_default();
            let message_id = message_number(shards, shard, sequence).to_string();
            let is_found = query
                .contains
                .as_deref()
                .is_none_or(|text| contains(&message, &message_id, text));
            looked += 1;
            from = Some((sequence, slot));
            let passes = filter
                .as_ref()
                .is_none_or(|filter| filter.matches(&encoded));
            if !is_wanted || !is_found || !passes {
                continue;
            }
            let (mut text, mut data) = (None, None);
            if query.brief {
                bytes += size_of::<PeekedDelivery>();
            } else {
                bytes += encoded.len();
                (text, data) = text_or_data(&message.data);
            }
            messages.push(PeekedDelivery {
                message_id,
                state,
                deliveries,
                published_at,
                text,
                data,
                decoded: None,
                not_decoded: None,
                ordering_key: message.ordering_key,
                attributes: if query.brief {
                    BTreeMap::new()
                } else {
                    message.attributes.into_iter().collect()
                },
            });
            if !query.brief {
                data_of.push(message.data);
            }
            if messages.len() >= max || bytes >= SHOWN_BYTES_MAX {
                break;
            }
        }
        let is_full = messages.len() >= max || bytes >= SHOWN_BYTES_MAX;
        if is_full || is_last || looked >= LOOKED_MESSAGES_MAX {
            let goes_on = is_full || !is_last;
            let next = from.filter(|_| goes_on);
            decode(&admin, &mut messages, data_of).await;
            return Ok(PeekedDeliveries {
                messages,
                next: next.map(|(after, near)| format!("{after}-{near}")),
            });
        }
    }
}
