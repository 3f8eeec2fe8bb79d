//! `GET /queues/{queue}/groups`: message groups with their heads, and what keeps them.

use super::Admin;
use super::answers::{AdminError, AdminResult};
use super::queues::{Place, ask_shard, resolved, unanswered};
use super::route::{Asked, Route, Scope};
use crate::runtime::yield_now;
use http::Method;
use lclq_shards::Section;
use lclq_shards::command::{MessageState, Peeked, QueueCommand, Refusal, Reply};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::rc::Rc;
use uuid::Uuid;

const GROUPS_DEFAULT: usize = 100;
const GROUPS_MAX: usize = 1000;
/// Messages that are asked for at once, so that neither core is held for long.
const SLICE: usize = 200;
/// Messages that one request looks at, the oldest first.
const LOOKED_MAX: usize = 20_000;

#[derive(Deserialize, JsonSchema)]
pub(super) struct GroupsQuery {
    #[serde(flatten)]
    place: Place,
    /// At most so many groups; 100 where absent.
    #[schemars(range(min = 1, max = 1000))]
    max: Option<usize>,
    /// Only groups with this text in their id.
    contains: Option<String>,
}

/// Groups of a queue's messages.
#[derive(Serialize, JsonSchema)]
struct GroupList {
    /// Those that are locked first, and then those with most messages.
    groups: Vec<Group>,
    /// Groups that there are among the messages that were looked at.
    found: usize,
    /// Messages that were looked at, the oldest first; no more than 20,000.
    looked: usize,
    /// Whether there are messages beyond those.
    has_more: bool,
}

/// Messages of one group.
#[derive(Serialize, JsonSchema)]
struct Group {
    /// Its id.
    group: String,
    visible: u64,
    in_flight: u64,
    delayed: u64,
    /// Its oldest message.
    head: Head,
    /// Whether nothing is given out of it: of a FIFO queue, while one of its messages is in flight.
    locked: bool,
    /// Until when at most, ms since 1970: when the last of its messages in flight is visible again.
    #[serde(skip_serializing_if = "Option::is_none")]
    locked_until: Option<u64>,
}

/// The message whose turn it is.
#[derive(Serialize, JsonSchema)]
struct Head {
    message_id: String,
    /// `visible`, `in-flight` or `delayed`.
    state: &'static str,
    /// ms since 1970.
    sent_at: u64,
    receive_count: u32,
    /// When it can be received again, of one in flight or delayed, ms since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<u64>,
}

impl Head {
    fn of(message: &Peeked) -> Self {
        Self {
            message_id: Uuid::from_bytes(message.payload.id()).to_string(),
            state: message.state.name(),
            sent_at: message.payload.sent_at(),
            receive_count: message.receive_count,
            due_at: message.due_at,
        }
    }
}

#[derive(Default)]
struct Groups {
    by_id: HashMap<String, Group>,
    is_fifo: bool,
}

impl Groups {
    /// Messages come oldest first, so the first of a group is its head.
    fn add(&mut self, message: &Peeked) {
        let Some(id) = message.payload.text(Section::Group) else {
            return;
        };
        let group = self.by_id.entry(id.to_owned()).or_insert_with(|| Group {
            group: id.to_owned(),
            visible: 0,
            in_flight: 0,
            delayed: 0,
            head: Head::of(message),
            locked: false,
            locked_until: None,
        });
        match message.state {
            MessageState::Visible => group.visible += 1,
            MessageState::Delayed => group.delayed += 1,
            MessageState::InFlight => {
                group.in_flight += 1;
                if self.is_fifo {
                    group.locked = true;
                    group.locked_until = group.locked_until.max(message.due_at);
                }
            }
        }
    }

    fn first(self, groups_max: usize, contains: &str) -> (Vec<Group>, usize) {
        let all = self.by_id.into_values();
        let mut fitting: Vec<Group> = all.filter(|one| one.group.contains(contains)).collect();
        let found = fitting.len();
        fitting.sort_by(|one, other| {
            let rank = |of: &Group| (of.locked, of.visible + of.in_flight + of.delayed);
            let by_rank = rank(other).cmp(&rank(one));
            by_rank.then_with(|| one.group.cmp(&other.group))
        });
        fitting.truncate(groups_max);
        (fitting, found)
    }
}

async fn list(admin: Rc<Admin>, asked: Asked<GroupsQuery>) -> AdminResult<GroupList> {
    let query = &asked.query;
    let name = query.place.queue(&admin, asked.part(0));
    let queue = resolved(&admin, &name).await?;
    let mut groups = Groups {
        is_fifo: name.name.ends_with(".fifo"),
        ..Groups::default()
    };
    let (mut looked, mut after, mut near) = (0, 0, None);
    let has_more = loop {
        let command = QueueCommand::Peek {
            queue,
            after,
            near,
            messages_max: SLICE,
        };
        let messages = match ask_shard(&admin, queue.shard, command).await {
            Reply::Peeked(messages) => messages,
            Reply::Stale(_) | Reply::Refused(Refusal::NoQueue) => {
                let gone = format!("{} was purged or deleted meanwhile", name.name);
                return Err(AdminError::not_found(gone));
            }
            _ => return Err(unanswered(queue.shard)),
        };
        messages.iter().for_each(|message| groups.add(message));
        looked += messages.len();
        if messages.len() < SLICE {
            break false;
        }
        if looked >= LOOKED_MAX {
            break true;
        }
        let last = messages.last();
        (after, near) = last.map_or((after, near), |last| (last.sequence, Some(last.slot)));
        yield_now().await;
    };
    let groups_max = query.max.unwrap_or(GROUPS_DEFAULT).clamp(1, GROUPS_MAX);
    let contains = query.contains.as_deref().unwrap_or_default();
    let (groups, found) = groups.first(groups_max, contains);
    Ok(GroupList {
        groups,
        found,
        looked,
        has_more,
    })
}

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        Method::GET,
        "/queues/{queue}/groups",
        Scope::Read,
        (
            "listGroups",
            "Message groups of a queue, with the head of each and until when it is locked",
        ),
        list,
    )]
}
