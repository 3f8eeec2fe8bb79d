//! Connections: who, since when, how much; and their end.

use super::Admin;
use super::answers::{AdminError, AdminResult};
use super::queues::Deleted;
use super::route::Asked;
use crate::net::{Connection, end_connection};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::rc::Rc;
use std::sync::atomic::Ordering;

/// Connections of one answer.
const LIMIT_DEFAULT: usize = 100;
/// Places of a core's list that are looked at under its lock.
const SLICE_PLACES: usize = 256;

/// An open connection.
#[derive(Serialize, JsonSchema)]
pub(super) struct ConnectionView {
    id: String,
    core: u16,
    /// The endpoint that it came to: sqs, pubsub, pubsub-rest or admin.
    endpoint: &'static str,
    /// Address and port of the client.
    peer: Option<String>,
    /// `http/1.1` or `http/2`; null before the client has said anything.
    protocol: Option<&'static str>,
    /// What the client called itself in its first request.
    user_agent: Option<String>,
    /// ms since 1970.
    since: u64,
    /// Requests so far.
    requests: u64,
    /// Requests that are being answered, long polls and streams among them.
    in_flight: u32,
    bytes_received: u64,
    bytes_sent: u64,
}

impl ConnectionView {
    fn of(connection: &Connection) -> Self {
        Self {
            id: connection.id(),
            core: connection.core,
            endpoint: connection.endpoint,
            peer: connection.peer.map(|peer| peer.to_string()),
            protocol: connection.protocol.get().copied(),
            user_agent: connection.user_agent.get().map(ToString::to_string),
            since: connection.since,
            requests: connection.requests.load(Ordering::Relaxed),
            in_flight: connection.in_flight.load(Ordering::Relaxed),
            bytes_received: connection.transferred.received.load(Ordering::Relaxed),
            bytes_sent: connection.transferred.sent.load(Ordering::Relaxed),
        }
    }
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct ListConnections {
    /// Only those of this endpoint: sqs, pubsub, pubsub-rest or admin.
    endpoint: Option<String>,
    /// Only those whose client's address begins so.
    #[serde(default)]
    peer: String,
    /// At most so many; 100 where absent.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<usize>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// Open connections, a page at a time, by core.
#[derive(Serialize, JsonSchema)]
pub(super) struct ConnectionPage {
    connections: Vec<ConnectionView>,
    /// To be given as `after` for the next page; null after the last.
    next: Option<String>,
}

pub(super) async fn list(
    admin: Rc<Admin>,
    asked: Asked<ListConnections>,
) -> AdminResult<ConnectionPage> {
    let query = asked.query;
    let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
    let (mut core, mut from) = match &query.after {
        None => (0, 0),
        Some(after) => place(after).ok_or_else(|| AdminError::bad_request("no such after"))?,
    };
    let mut connections = Vec::new();
    while core < admin.connections.cores() {
        let places = SLICE_PLACES.min(limit - connections.len());
        let (page, next) = admin.connections.page(core, from, places);
        let shown = page.iter().map(|connection| ConnectionView::of(connection));
        connections.extend(shown.filter(|connection| {
            let endpoint = query.endpoint.as_deref();
            endpoint.is_none_or(|endpoint| endpoint == connection.endpoint)
                && (query.peer.is_empty()
                    || connection
                        .peer
                        .as_deref()
                        .is_some_and(|peer| peer.starts_with(&*query.peer)))
        }));
        (core, from) = match next {
            Some(next) => (core, next),
            None => (core + 1, 0),
        };
        if connections.len() >= limit {
            let is_last = core >= admin.connections.cores();
            let next = (!is_last).then(|| format!("{core}.{from}"));
            return Ok(ConnectionPage { connections, next });
        }
        crate::runtime::yield_now().await;
    }
    let next = None;
    Ok(ConnectionPage { connections, next })
}

fn place(after: &str) -> Option<(usize, usize)> {
    let (core, from) = after.split_once('.')?;
    Some((core.parse().ok()?, from.parse().ok()?))
}

pub(super) async fn close(admin: Rc<Admin>, asked: Asked) -> AdminResult<Deleted> {
    let id = asked.part(0);
    let found = admin.connections.find(id);
    let found =
        found.ok_or_else(|| AdminError::not_found(format!("there is no open connection {id}")))?;
    end_connection(&found);
    tracing::info!(id, peer = ?found.peer, "an operator has ended a connection");
    Ok(Deleted {
        deleted: id.to_owned(),
    })
}
