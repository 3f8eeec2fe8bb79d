//! `GET /subscriptions/{subscription}/streams`: who pulls by streams, and how much each may hold.

use super::Admin;
use super::answers::{AdminError, AdminResult};
use super::journeys::ClientView;
use super::pubsub::{Project, ask_shard, find};
use super::queues::unanswered;
use super::route::{Asked, Route, Scope};
use http::Method;
use lclq_shards::command::{Refusal, Reply};
use lclq_shards::pubsub::command::{AdminCommand, Kind, StreamSeen};
use schemars::JsonSchema;
use serde::Serialize;
use std::rc::Rc;

/// Streams that are shown.
const STREAMS_MAX: usize = 200;

/// Open streams of a subscription.
#[derive(Serialize, JsonSchema)]
struct StreamList {
    /// In the order in which they were opened; no more than 200. A push subscription has one of the
    /// server's own.
    streams: Vec<Stream>,
    /// How many there are.
    open: u32,
}

/// A stream with its flow control.
#[derive(Serialize, JsonSchema)]
struct Stream {
    number: u64,
    /// Whose it is, as far as journeys tell (`--journey-events`).
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<ClientView>,
    /// Messages that it may hold, unacknowledged; null for any number.
    messages_max: Option<u64>,
    /// Bytes of them; null for any number.
    bytes_max: Option<u64>,
    /// Ack deadline that it asked for, s; null for the subscription's.
    ack_deadline_s: Option<u32>,
    /// Messages that it holds.
    outstanding: u64,
    outstanding_bytes: u64,
    /// Whether it holds as much as it may, so that it gets nothing more.
    full: bool,
    /// Whether it waits for messages.
    waits: bool,
}

impl Stream {
    fn of(admin: &Admin, seen: StreamSeen) -> Self {
        let limits = seen.limits;
        let bound = |most: u64| (most > 0).then_some(most);
        let (messages_max, bytes_max) = (bound(limits.messages_max), bound(limits.bytes_max));
        let askers = admin.interceptors.askers();
        Self {
            number: seen.number,
            client: askers
                .and_then(|askers| askers.of(seen.client))
                .map(ClientView::from),
            messages_max,
            bytes_max,
            ack_deadline_s: (limits.ack_deadline_s > 0).then_some(limits.ack_deadline_s),
            outstanding: seen.outstanding,
            outstanding_bytes: seen.outstanding_bytes,
            full: messages_max.is_some_and(|most| seen.outstanding >= most)
                || bytes_max.is_some_and(|most| seen.outstanding_bytes >= most),
            waits: seen.waits,
        }
    }
}

async fn list(admin: Rc<Admin>, asked: Asked<Project>) -> AdminResult<StreamList> {
    let name = asked.query.full(Kind::Subscription, asked.part(0));
    let resource = find(&admin, Kind::Subscription, &name).await?;
    let command = AdminCommand::ListStreams {
        name: name.as_str().into(),
        streams_max: STREAMS_MAX,
    };
    let streams = match ask_shard(&admin, resource.shard, command).await {
        Reply::Streams(streams) => streams,
        Reply::Refused(Refusal::Pubsub(_)) => return Err(AdminError::not_found(name)),
        _ => return Err(unanswered(resource.shard)),
    };
    Ok(StreamList {
        open: resource.streams,
        streams: streams
            .into_iter()
            .map(|seen| Stream::of(&admin, seen))
            .collect(),
    })
}

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        Method::GET,
        "/subscriptions/{subscription}/streams",
        Scope::Read,
        (
            "listStreams",
            "Open streams of a subscription, with what each holds and may hold",
        ),
        list,
    )]
}
