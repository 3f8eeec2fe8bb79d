//! Where a message went, as far as shards still know.

use super::Admin;
use super::answers::{AdminError, AdminResult};
use super::route::Asked;
use crate::interceptors::Asker;
use crate::pubsub::{from_message_number, message_number};
use http::StatusCode;
use lclq_shards::command::{Command, QueueCommand, Reply};
use lclq_shards::journeys::{Journey, JourneyEvent, Step, Traveller};
use schemars::JsonSchema;
use serde::Serialize;
use std::rc::Rc;
use uuid::Uuid;

/// What is known of where a message went.
#[derive(Serialize, JsonSchema)]
pub(super) struct JourneyView {
    message: String,
    /// What happened, the earliest first.
    events: Vec<EventView>,
    /// Since when events are kept, ms since 1970: those before, and those of an earlier run of the
    /// server, are forgotten.
    kept_since: u64,
}

/// A step of a message's journey.
#[derive(Serialize, JsonSchema)]
struct EventView {
    /// ms since 1970.
    at: u64,
    shard: u16,
    /// A queue's ARN, or the full name of a topic or subscription.
    place: String,
    /// What happened.
    step: &'static str,
    /// How often it had been received by then, with `received`.
    #[serde(skip_serializing_if = "Option::is_none")]
    receive_count: Option<u32>,
    /// Until when it is invisible or to be acknowledged, ms since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
    /// Where it went, with `moved`.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// The id under which it goes on there, where that is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    new_id: Option<String>,
    /// Who got it, with `received`. Absent where that was the server itself or nobody knows any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<ClientView>,
}

/// A client.
#[derive(Serialize, JsonSchema)]
pub(super) struct ClientView {
    peer: Option<String>,
    user_agent: Option<String>,
    /// The key that it signs with. Not checked.
    access_key: Option<String>,
}

impl From<Asker> for ClientView {
    fn from(asker: Asker) -> Self {
        Self {
            peer: asker.peer.map(|peer| peer.to_string()),
            user_agent: asker.user_agent.map(String::from),
            access_key: asker.access_key.map(String::from),
        }
    }
}

impl EventView {
    fn of(admin: &Admin, shard: u16, event: JourneyEvent) -> Self {
        let mut view = Self {
            at: event.at,
            shard,
            place: event.place.to_string(),
            step: "",
            receive_count: None,
            until: None,
            to: None,
            new_id: None,
            by: None,
        };
        view.step = match event.step {
            Step::Sent => "sent",
            Step::SentAgain => "sent again",
            Step::Published => "published",
            Step::Arrived => "arrived",
            Step::Available => "available",
            Step::Received {
                count,
                until,
                client,
            } => {
                (view.receive_count, view.until) = (Some(count), Some(until));
                let askers = admin.interceptors.askers();
                let asker = askers.and_then(|askers| askers.of(client));
                view.by = asker.map(ClientView::from);
                "received"
            }
            Step::Extended(until) => {
                view.until = Some(until);
                "extended"
            }
            Step::Returned => "returned",
            Step::Undelivered => "undelivered",
            Step::LeaseExpired => "lease expired",
            Step::Deleted => "deleted",
            Step::Acknowledged => "acknowledged",
            Step::Moved(to, new_id) => {
                view.to = Some(to.into());
                view.new_id = new_id.map(|id| Uuid::from_bytes(id).to_string());
                "moved"
            }
            Step::Expired => "expired",
            Step::Evicted => "evicted",
            Step::Purged => "purged",
            Step::SoughtBack => "sought back",
            Step::SoughtPast => "sought past",
        };
        view
    }
}

pub(super) async fn show(admin: Rc<Admin>, asked: Asked) -> AdminResult<JourneyView> {
    let message = asked.part(0);
    let shards = admin.mesh.shards();
    let (traveller, asked_of) = if let Ok(id) = message.parse::<u64>() {
        let found = from_message_number(shards, id);
        let (shard, sequence) = found.ok_or_else(|| not_an_id(message))?;
        (Traveller::Published(sequence), shard..shard + 1)
    } else {
        let id = message.parse::<Uuid>().map_err(|_| not_an_id(message))?;
        (Traveller::Sent(id.into_bytes()), 0..shards)
    };
    let (mut parts, mut kept_since) = (Vec::new(), 0);
    for shard in asked_of {
        let journey = of_shard(&admin, shard, traveller).await?;
        let since = journey.kept_since.ok_or_else(|| {
            let message = "no journeys are kept: start the server with --journey-events N";
            AdminError::new(StatusCode::CONFLICT, "JourneysOff", message)
        })?;
        kept_since = since.max(kept_since);
        if !journey.events.is_empty() {
            parts.push((shard, journey.events));
        }
    }
    if parts.is_empty() {
        return Err(AdminError::not_found(format!(
            "nothing is known of message {message}: either there was none with this id since \
             {kept_since} (ms since 1970), or it was forgotten"
        )));
    }
    // A message leaves one shard before it arrives in another, though it may be in the same ms.
    parts.sort_by_key(|(_, events)| (events[0].at, events[0].step == Step::Arrived));
    let mut events = Vec::new();
    for (shard, part) in parts {
        let views = part.into_iter();
        events.extend(views.map(|event| EventView::of(&admin, shard, event)));
    }
    events.sort_by_key(|event| event.at);
    Ok(JourneyView {
        message: message.to_owned(),
        events,
        kept_since,
    })
}

fn not_an_id(text: &str) -> AdminError {
    AdminError::bad_request(format!(
        "{text} is no message id: SQS gives UUIDs, Pub/Sub numbers of {} digits",
        message_number(1, 0, 0).to_string().len()
    ))
}

async fn of_shard(admin: &Admin, shard: u16, traveller: Traveller) -> AdminResult<Journey> {
    let command = Command::Queue(Box::new(QueueCommand::Journey(traveller)));
    match admin.mesh.call(shard, command).await {
        Reply::Journey(journey) => Ok(*journey),
        _ => Err(AdminError::unavailable(format!(
            "shard {shard} does not answer"
        ))),
    }
}
