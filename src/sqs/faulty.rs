//! Requests that suffer what a test has asked for.

use super::actions::Action;
use super::decode::Form;
use super::error::{SqsError, injected, throttled};
use super::heads::{Heads, protocol_of};
use super::ids::random_uuid;
use super::server::{Scope, Sqs};
use super::wire::Protocol;
use crate::faults::{Drop, Then};
use crate::http::{ReplyBody, broken_off};
use crate::observe::{Dialect, Operation, Outcome};
use crate::runtime::sleep;
use bytes::Bytes;
use http::Response;
use http::request::Parts;
use serde::Deserialize;
use std::time::Instant;

/// What of a request in JSON tells which queue it is about.
#[derive(Deserialize)]
struct About {
    #[serde(rename = "QueueUrl")]
    url: Option<String>,
    #[serde(rename = "QueueName")]
    name: Option<String>,
    #[serde(rename = "SourceArn")]
    source: Option<String>,
}

impl Sqs {
    /// Answers a request whose body has been read, unless it is to suffer something.
    pub(super) async fn answer_faultily(
        &self,
        mut head: Parts,
        body: Bytes,
    ) -> Response<ReplyBody> {
        let since = Instant::now();
        let Some((action, queue)) = self.understood(&head, &body).await else {
            // Nothing that a rule could be for: it is refused as it is.
            return self.answer(head, body).await;
        };
        let suffered = self.faults.suffered(Dialect::Sqs, action.name(), &queue);
        if !suffered.delay.is_zero() {
            sleep(suffered.delay).await;
        }
        let error = match suffered.then {
            Then::Answered => return self.answer(head, body).await,
            Then::Entries(entries) => {
                head.extensions.insert(entries);
                return self.answer(head, body).await;
            }
            Then::Dropped(Drop::After) => return broken_off(self.answer(head, body).await),
            Then::Dropped(Drop::Before) => {
                let wire = protocol_of(&head.headers).wire();
                self.observer
                    .answered(Operation::sqs(action), wire, Outcome::Failed, since);
                return broken_off(Response::new(ReplyBody::new("")));
            }
            Then::Refused { code, message } => injected(&code, message),
            Then::Throttled => throttled(),
        };
        let outcome = if error.kind.is_senders() {
            Outcome::Refused
        } else {
            Outcome::Failed
        };
        let protocol = protocol_of(&head.headers);
        self.observer
            .answered(Operation::sqs(action), protocol.wire(), outcome, since);
        protocol.error(&error, random_uuid())
    }

    /// The action that a request names, and the queue, as far as it tells.
    async fn understood(&self, head: &Parts, body: &Bytes) -> Option<(Action, String)> {
        let heads = Heads::of(&head.headers);
        let body = self.decompressed(&heads, body.clone()).await.ok()?;
        if protocol_of(&head.headers) == Protocol::Json {
            let action = heads.action().ok()?;
            let about = serde_json::from_slice::<About>(&body).ok();
            let queue = about.and_then(|about| about.url.or(about.name).or(about.source));
            return Some((action, name_of(&queue.unwrap_or_default())));
        }
        let query = head.uri.query().unwrap_or("").as_bytes();
        let form = Form::parse(&[&body, query]).ok()?;
        let action = Action::from_name(form.get("Action")?)?;
        let queue = ["QueueUrl", "QueueName", "SourceArn"]
            .into_iter()
            .find_map(|name| form.get(name))
            .unwrap_or(head.uri.path());
        Some((action, name_of(queue)))
    }
}

/// What stands last in a URL or an ARN, or a name as it is.
fn name_of(queue: &str) -> String {
    let name = queue.rsplit(['/', ':']).next();
    name.unwrap_or_default().to_owned()
}

/// The error of a batch's entry, if a test wants it to fail.
pub(super) fn entry_fault(scope: &Scope<'_>, at: usize) -> Option<SqsError> {
    let faults = scope.entry_faults?;
    faults
        .hit(at)
        .then(|| injected(&faults.code, "Failed by a fault rule.".to_owned()))
}
