//! Requests on which more hangs than their answer: faults, the access log.

use super::actions::Action;
use super::decode::Form;
use super::error::{Kind, SqsError, injected, throttled};
use super::head::Head;
use super::heads::{Heads, protocol_of};
use super::ids::random_uuid;
use super::names::parse_queue_url;
use super::server::{Scope, Sqs, credential};
use super::wire::{Protocol, REQUEST_ID};
use crate::faults::{Drop, EntryFaults, Suffered, Then};
use crate::http::{Caller, ReplyBody, broken_off};
use crate::interceptors::{Answer, Understood, asking};
use crate::observe::{Dialect, Operation, Outcome};
use crate::runtime::sleep;
use bytes::Bytes;
use http::{HeaderValue, Response};
use http_body::Body;
use lclq_shards::QueueName;
use serde::Deserialize;
use std::cell::{Cell, RefCell};
use std::time::Instant;

/// Characters of an access key that are looked at; the service's have 128 at most.
const ACCESS_KEY_CHARS_MAX: usize = 128;

/// What hangs on a request, and what comes of it, while it is carried out.
#[derive(Debug, Default)]
pub struct Watch {
    /// Which entries of a batch a test wants to fail.
    entry_faults: Option<EntryFaults>,
    /// What it was refused with.
    pub(super) error: Cell<Option<Kind>>,
    /// Trace headers of messages that it got, where a trace has it.
    pub(super) received: Option<RefCell<Vec<Box<str>>>>,
}

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
    /// Answers a request whose body has been read, with all that hangs on it.
    pub(super) async fn answer_watched(
        &self,
        head: Head,
        body: Bytes,
        caller: Caller,
    ) -> Response<ReplyBody> {
        let since = Instant::now();
        let traced = caller.traced;
        let (action, queue) = self.understood(&head, &body).await.unzip();
        let operation = action.map_or(Operation::SQS_UNKNOWN, Operation::sqs);
        let queue = queue.unwrap_or_default();
        let begun = self.interceptors.begin(
            Understood {
                operation,
                wire: protocol_of(&head.headers).wire(),
                resource: name_of(&queue),
                caller,
                access_key: access_key(&head),
                bytes: body.len(),
            },
            since,
        );
        let mut watch = Watch {
            received: traced.then(RefCell::default),
            ..Watch::default()
        };
        let suffered = action.map_or_else(Suffered::default, |action| {
            let resource = &begun.understood().resource;
            let faults = &self.interceptors.faults;
            faults.suffered(Dialect::Sqs, action.name(), resource)
        });
        if !suffered.delay.is_zero() {
            sleep(suffered.delay).await;
        }
        let mut then = suffered.then;
        if then == Then::Answered
            && let (Some(active), Some(action)) = (self.interceptors.profile.active(), action)
            && let Some(queue) = self.queue_of(&head, &queue)
            && !self.admits(&active, action, &queue).await
        {
            then = Then::Throttled;
        }
        let run = self.answer_or_suffer(head, body, operation, then, &mut watch, since);
        let answer = asking(begun.asker(), run).await;
        for trace in watch.received.take().unwrap_or_default().take() {
            begun.is_about(&trace);
        }
        let error = watch.error.get();
        let outcome = match error {
            None if answer.status().is_success() => Outcome::Done,
            None => Outcome::Failed,
            Some(kind) if kind.is_senders() => Outcome::Refused,
            Some(_) => Outcome::Failed,
        };
        let request_id = answer.headers().get(REQUEST_ID);
        begun.answered(&Answer {
            outcome,
            error: error.map(Kind::query_code),
            request_id: request_id.and_then(|id| id.to_str().ok()),
            bytes: answer.body().size_hint().exact().unwrap_or(0) as usize,
        });
        answer
    }

    async fn answer_or_suffer(
        &self,
        head: Head,
        body: Bytes,
        operation: Operation,
        then: Then,
        watch: &mut Watch,
        since: Instant,
    ) -> Response<ReplyBody> {
        let protocol = protocol_of(&head.headers);
        let noted = |outcome| {
            let wire = protocol.wire();
            self.observer.answered(operation, wire, outcome, since);
        };
        let error = match then {
            Then::Answered => return self.answer(head, body, Some(watch)).await,
            Then::Entries(entries) => {
                watch.entry_faults = Some(entries);
                return self.answer(head, body, Some(watch)).await;
            }
            Then::Dropped(Drop::After) => {
                return broken_off(self.answer(head, body, Some(watch)).await);
            }
            Then::Dropped(Drop::Before) => {
                noted(Outcome::Failed);
                watch.error.set(Some(Kind::InternalFailure));
                return broken_off(Response::new(ReplyBody::new("")));
            }
            Then::Refused { code, message } => injected(&code, message),
            Then::Throttled => throttled(),
        };
        watch.error.set(Some(error.kind));
        noted(if error.kind.is_senders() {
            Outcome::Refused
        } else {
            Outcome::Failed
        });
        protocol.error(&error, random_uuid())
    }

    /// The queue that a request means.
    fn queue_of(&self, head: &Head, queue: &str) -> Option<QueueName> {
        let scope = self.scope(&Heads::of(head), &head.uri, None);
        parse_queue_url(queue, scope.region, scope.account)
    }

    /// The action that a request names, and the queue's URL, name or ARN, as far as it tells.
    async fn understood(&self, head: &Head, body: &Bytes) -> Option<(Action, String)> {
        let heads = Heads::of(head);
        let body = self.decompressed(&heads, body.clone()).await.ok()?;
        if protocol_of(&head.headers) == Protocol::Json {
            let action = heads.action().ok()?;
            let about = serde_json::from_slice::<About>(&body).ok();
            let queue = about.and_then(|about| about.url.or(about.name).or(about.source));
            return Some((action, queue.unwrap_or_default()));
        }
        let query = head.uri.query().unwrap_or("").as_bytes();
        let form = Form::parse(&[&body, query]).ok()?;
        let action = Action::from_name(form.get("Action")?)?;
        let queue = ["QueueUrl", "QueueName", "SourceArn"]
            .into_iter()
            .find_map(|name| form.get(name))
            .unwrap_or(head.uri.path());
        Some((action, queue.to_owned()))
    }
}

/// The key that a request was signed with.
pub(super) fn access_key(head: &Head) -> Option<Box<str>> {
    let authorization = Heads::of(head).authorization;
    let credential = authorization.and_then(|value| credential(HeaderValue::as_bytes(value)))?;
    let key = credential.split(|byte| *byte == b'/').next()?;
    let key = std::str::from_utf8(&key[..key.len().min(ACCESS_KEY_CHARS_MAX)]).ok()?;
    (!key.is_empty()).then(|| key.into())
}

/// What stands last in a URL or an ARN, or a name as it is.
fn name_of(queue: &str) -> String {
    let name = queue.rsplit(['/', ':']).next();
    name.unwrap_or_default().to_owned()
}

/// The error of a batch's entry, if a test wants it to fail.
pub(super) fn entry_fault(scope: &Scope<'_>, at: usize) -> Option<SqsError> {
    let faults = scope.watch?.entry_faults.as_ref()?;
    faults
        .hit(at)
        .then(|| injected(&faults.code, "Failed by a fault rule.".to_owned()))
}
