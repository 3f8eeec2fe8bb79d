//! A line of JSON for each change that somebody asked for, and for each refusal, for those who have to
//! account for them: who, what, when, and what came of it. Never what messages say.

use super::refusals::Refused;
use super::{Answer, Understood};
use crate::log::LineFile;
use crate::observe::Outcome;
use crate::pubsub::civil_time::CivilTime;
use crate::runtime::wall_clock;
use serde::Serialize;
use std::io;
use std::net::IpAddr;
use std::path::Path;

/// Where lines go.
#[derive(Clone, Debug)]
pub struct AuditLog(LineFile);

/// A line. Its members are in docs/audit-log.md.
#[derive(Serialize)]
struct Line<'a> {
    time: String,
    /// `change` or `refusal`.
    event: &'static str,
    dialect: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    operation: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    resource: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    who: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<&'a str>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

/// A change of the server itself, or by its admin endpoint.
#[derive(Clone, Copy, Debug)]
pub struct Administered<'a> {
    /// The API's name of what was asked.
    pub operation: &'a str,
    /// The path that it was asked of.
    pub resource: &'a str,
    /// Whose token it came with.
    pub who: Option<&'a str>,
    /// Where it came from.
    pub peer: Option<IpAddr>,
    /// How it ended.
    pub outcome: Outcome,
}

impl AuditLog {
    /// Writes to a file, behind what it has; `-` is standard output.
    ///
    /// # Errors
    /// Where it can't be opened, or a thread can't be started.
    pub fn open(path: &Path) -> io::Result<Self> {
        LineFile::open(path, "lclq-audit-log").map(Self)
    }

    /// Notes what came of a request, if it was to change anything.
    pub(super) fn note(&self, understood: &Understood, answer: Option<&Answer<'_>>, at: u64) {
        if !understood.operation.changes_resources() {
            return;
        }
        let caller = &understood.caller;
        self.0.push(&Line {
            time: CivilTime::from_millis(at).rfc3339_millis(),
            event: "change",
            dialect: understood.operation.dialect().name(),
            operation: understood.operation.name(),
            resource: &understood.resource,
            who: understood.access_key.as_deref(),
            peer: caller.peer.map(|peer| peer.ip()),
            user_agent: caller.user_agent.as_deref(),
            outcome: answer.map_or("given_up", |answer| answer.outcome.name()),
            error: answer.and_then(|answer| answer.error),
            reason: None,
            request_id: answer.and_then(|answer| answer.request_id),
        });
    }

    pub(super) fn note_refusal(&self, refused: &Refused) {
        self.0.push(&Line {
            time: refused.time.clone(),
            event: "refusal",
            dialect: &refused.dialect,
            operation: &refused.operation,
            resource: &refused.resource,
            who: (!refused.who.is_empty()).then_some(&refused.who),
            peer: refused.peer,
            user_agent: None,
            outcome: match refused.enforced {
                true => "refused",
                false => "would_be_refused",
            },
            error: Some(&refused.about),
            reason: Some(&refused.reason),
            request_id: None,
        });
    }

    pub(super) fn note_administered(&self, change: &Administered<'_>) {
        self.0.push(&Line {
            time: CivilTime::from_millis(wall_clock()).rfc3339_millis(),
            event: "change",
            dialect: "admin",
            operation: change.operation,
            resource: change.resource,
            who: change.who,
            peer: change.peer,
            user_agent: None,
            outcome: change.outcome.name(),
            error: None,
            reason: None,
            request_id: None,
        });
    }

    pub(super) fn reopen(&self) {
        self.0.reopen();
    }

    pub(super) fn flush(&self) {
        self.0.flush();
    }
}
