//! One core's SQS endpoint: from an HTTP request to its answer.

use super::actions::{self, Outcome};
use super::decode::Form;
use super::developer_endpoint;
use super::error::{
    Kind, SqsResult, body_not_read, missing_action, not_let_in, other_account, replies_full,
    unknown_action,
};
use super::gate::Gate;
use super::heads::{Heads, protocol_of};
use super::ids::random_uuid;
use super::intercepted::Watch;
use super::target::Targets;
use super::wire::{Protocol, no_action};
use crate::credentials::{Auth, Principal};
use crate::http::{
    Caller, Door, HttpLimits, Negotiated, Refusal, ReplyBody, decompress_admitted, is_preflight,
    preflight_reply, read_body,
};
use crate::interceptors::Interceptors;
use crate::mesh::Mesh;
use crate::observe::{Observer, Operation, Outcome as Ending};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use lclq_shards::{QueueName, ReceiptSigner};
use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::time::Instant;

/// How the dialect is set up.
#[derive(Clone, Debug)]
pub struct SqsConfig {
    /// Region of requests whose credentials name none.
    pub region: String,
    /// Account of requests whose credentials name none.
    pub account: String,
    /// Refuse a second purge within 60 s, as the service does.
    pub enforce_purge_interval: bool,
    /// Refuse to make a queue within 60 s of its deletion, as the service does.
    pub enforce_recreate_interval: bool,
    /// Whose requests are carried out; without this, everybody's.
    pub auth: Option<Auth>,
}

impl SqsConfig {
    /// The same for what the server asks itself, which nobody signs.
    #[must_use]
    pub fn inside(self) -> Self {
        Self { auth: None, ..self }
    }
}

/// One core's SQS endpoint.
pub struct Sqs {
    pub(super) mesh: Mesh,
    pub(super) config: SqsConfig,
    pub(super) signer: ReceiptSigner,
    pub(super) targets: Targets,
    door: Door,
    gate: Option<Gate>,
    pub(super) limits: Rc<HttpLimits>,
    pub(super) observer: Observer,
    pub(super) interceptors: Interceptors,
}

/// What is known of a request on its way, for what is asked and what hangs on it.
struct Course<'r> {
    operation: Cell<Operation>,
    watch: Option<&'r Watch>,
    /// Who has signed it, where that is looked at.
    principal: OnceCell<Rc<Principal>>,
}

impl<'r> Course<'r> {
    fn tell(&'r self, scope: &mut Scope<'r>) {
        scope.watch = self.watch;
        if let Some(principal) = self.principal.get() {
            scope.is_of(principal);
        }
    }
}

/// Whose queues a request means, and where it was sent to.
pub struct Scope<'r> {
    pub region: &'r str,
    pub account: &'r str,
    /// Whether the queues of other accounts are closed to it.
    keeps_to_account: bool,
    /// Host that the client used; queue URLs in answers have it too.
    pub host: &'r str,
    /// `http`, or `https` by TLS or behind a proxy that says so.
    pub scheme: &'r str,
    pub path: &'r str,
    /// `X-Amzn-Trace-Id`, which becomes a message's trace header.
    pub trace: Option<&'r str>,
    /// What hangs on the request, where anything does.
    pub watch: Option<&'r Watch>,
}

impl<'r> Scope<'r> {
    /// It was signed by this principal.
    pub(super) fn is_of(&mut self, principal: &'r Principal) {
        self.account = &principal.account;
        self.keeps_to_account = true;
    }

    /// Refuses queues of other accounts to who is held to one. No policy opens them yet.
    pub(super) fn may_use(&self, name: &QueueName) -> SqsResult<()> {
        if self.keeps_to_account && *name.account != *self.account {
            return Err(other_account(name));
        }
        Ok(())
    }

    /// This, if more hangs on the request than its answer.
    pub fn watched(&self) -> Option<&Self> {
        self.watch.map(|_| self)
    }
}

#[allow(
    clippy::manual_async_fn,
    reason = "an `async fn` would keep what it is given twice, and hyper moves the future before it runs"
)]
impl Sqs {
    /// An endpoint on `mesh`, which must be of the calling core.
    pub fn new(
        mesh: Mesh,
        config: SqsConfig,
        receipt_secret: &[u8; 32],
        limits: Rc<HttpLimits>,
        observer: Observer,
        interceptors: Interceptors,
    ) -> Rc<Self> {
        Rc::new(Self {
            targets: Targets::new(&mesh),
            mesh,
            gate: config.auth.clone().map(Gate::new),
            config,
            signer: ReceiptSigner::new(receipt_secret),
            door: Door::new(&limits.callers),
            limits,
            observer,
            interceptors,
        })
    }

    /// Answers one request.
    pub fn handle(
        self: Rc<Self>,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<ReplyBody>> {
        async move {
            if let Err(refusal) = self.door.admit(&request) {
                return refused(&refusal, request.headers());
            }
            if is_preflight(&request) {
                return preflight_reply(request.headers());
            }
            let asked = Negotiated::of(request.headers());
            let mut reply = self.reply(request).await;
            asked.finish(&mut reply);
            reply
        }
    }

    fn reply(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<ReplyBody>> + use<'_> {
        let (head, body) = request.into_parts();
        async move {
            match (&head.method, head.uri.path()) {
                (&Method::GET | &Method::HEAD, "/health") => self.health(),
                (&Method::GET, "/_lclq/sqs/messages") => {
                    let by = OnceCell::new();
                    if let Err(error) = self.believed(&head, b"", &by) {
                        return Protocol::Json.error(&error, random_uuid());
                    }
                    let mut scope = self.scope(&Heads::of(&head), &head.uri, None);
                    if let Some(principal) = by.get() {
                        scope.is_of(principal);
                    }
                    let query = head.uri.query().unwrap_or("");
                    let answer = Box::pin(super::peek::answer(self, &scope, query)).await;
                    answer.map(|body| self.limits.bodies.hold_reply(body.into_bytes()).into())
                }
                (&Method::GET | &Method::HEAD, developer_endpoint::HEALTH_PATH) => {
                    developer_endpoint::health(self.mesh.journal_down().is_some())
                }
                (_, path) if path.starts_with(developer_endpoint::PATH) => {
                    Box::pin(self.answer_developer(head, body)).await
                }
                _ => match read_body(body, &self.limits).await {
                    Ok(body) => match Caller::of(&head.headers, &head.extensions) {
                        None => self.answer(head, body, None).await,
                        Some(caller) => Box::pin(self.answer_watched(head, body, *caller)).await,
                    },
                    Err(error) => {
                        let error = body_not_read(&error);
                        protocol_of(&head.headers).error(&error, random_uuid())
                    }
                },
            }
        }
    }

    async fn answer_developer(
        &self,
        head: http::request::Parts,
        body: Incoming,
    ) -> Response<ReplyBody> {
        match read_body(body, &self.limits).await {
            Ok(body) => {
                let answer = developer_endpoint::answer(self, &head, &body).await;
                answer.map(|body| self.limits.bodies.hold_reply(body.into_bytes()).into())
            }
            Err(error) => protocol_of(&head.headers).error(&body_not_read(&error), random_uuid()),
        }
    }

    /// Answers a request whose body has been read.
    pub(super) fn answer<'r>(
        &'r self,
        head: http::request::Parts,
        body: Bytes,
        watch: Option<&'r Watch>,
    ) -> impl Future<Output = Response<ReplyBody>> + use<'r> {
        async move {
            let since = Instant::now();
            let course = Course {
                operation: Cell::new(Operation::SQS_UNKNOWN),
                watch,
                principal: OnceCell::new(),
            };
            let request_id = random_uuid();
            let protocol = protocol_of(&head.headers);
            let outcome = match self.believed(&head, &body, &course.principal) {
                Err(error) => Err(error),
                Ok(()) if protocol == Protocol::Json => {
                    self.act_json(&head, body, request_id, &course).await
                }
                Ok(()) => {
                    self.act_query(protocol, &head, body, request_id, &course)
                        .await
                }
            };
            // Ten thousand long polls that wait need not keep ten thousand requests.
            drop(head);
            let body = match outcome {
                Ok(Outcome::Body(body)) => Ok(body),
                Ok(Outcome::Receive(_)) if !self.limits.bodies.has_room_for_replies() => {
                    Err(replies_full())
                }
                Ok(Outcome::Receive(plan)) => {
                    actions::receive(self, plan, watch, protocol, request_id).await
                }
                Err(error) => Err(error),
            };
            let ending = match &body {
                Ok(_) => Ending::Done,
                Err(error) if error.kind.is_senders() => Ending::Refused,
                Err(_) => Ending::Failed,
            };
            let operation = course.operation.get();
            self.observer
                .answered(operation, protocol.wire(), ending, since);
            match body {
                Ok(body) => protocol.reply(self.limits.bodies.hold_reply(body), request_id),
                Err(error) if error.kind == Kind::MissingAction => no_action(request_id),
                Err(error) => {
                    if let Some(watch) = course.watch {
                        watch.error.set(Some(error.kind));
                    }
                    let code = error.kind.query_code();
                    tracing::debug!(code, message = %error.message, "refused");
                    protocol.error(&error, request_id)
                }
            }
        }
    }

    /// Looks who has signed a request, where that matters.
    #[inline]
    pub(super) fn believed(
        &self,
        head: &http::request::Parts,
        body: &[u8],
        by: &OnceCell<Rc<Principal>>,
    ) -> SqsResult<()> {
        let Some(gate) = &self.gate else {
            return Ok(());
        };
        if let Some(principal) = gate.passed(head, body)? {
            by.get_or_init(|| principal);
        }
        Ok(())
    }

    fn act_json<'r>(
        &'r self,
        head: &'r http::request::Parts,
        body: Bytes,
        request_id: [u8; 16],
        course: &'r Course<'r>,
    ) -> impl Future<Output = SqsResult<Outcome>> + use<'r> {
        async move {
            let heads = Heads::of(head);
            let body = self.decompressed(&heads, body).await?;
            let action = heads.action()?;
            course.operation.set(Operation::sqs(action));
            let mut scope = self.scope(&heads, &head.uri, None);
            course.tell(&mut scope);
            let source = actions::Source::Json(&body);
            actions::run(self, &scope, action, source, Protocol::Json, request_id).await
        }
    }

    fn act_query<'r>(
        &'r self,
        protocol: Protocol,
        head: &'r http::request::Parts,
        body: Bytes,
        request_id: [u8; 16],
        course: &'r Course<'r>,
    ) -> impl Future<Output = SqsResult<Outcome>> + use<'r> {
        async move {
            let heads = Heads::of(head);
            let body = self.decompressed(&heads, body).await?;
            let query = head.uri.query().unwrap_or("").as_bytes();
            let form = Form::parse(&[&body, query])?;
            let name = form.get("Action").ok_or_else(missing_action)?;
            let action = actions::Action::from_name(name).ok_or_else(|| unknown_action(name))?;
            course.operation.set(Operation::sqs(action));
            let mut scope = self.scope(&heads, &head.uri, form.get("X-Amz-Credential"));
            course.tell(&mut scope);
            if scope.path.len() > 1
                && !action.is_on_a_queue()
                && super::names::is_queue_path(scope.path, scope.account)
            {
                return Err(unknown_action(name));
            }
            let source = actions::Source::Form(&form);
            actions::run(self, &scope, action, source, protocol, request_id).await
        }
    }

    pub(super) async fn decompressed(&self, heads: &Heads<'_>, body: Bytes) -> SqsResult<Bytes> {
        decompress_admitted(heads.content_encoding, body, &self.limits)
            .await
            .map_err(|error| body_not_read(&error))
    }

    /// Reads region and account from the credentials, if there are any.
    pub(super) fn scope<'r>(
        &'r self,
        heads: &Heads<'r>,
        uri: &'r http::Uri,
        presigned: Option<&'r str>,
    ) -> Scope<'r> {
        let credential = heads
            .authorization
            .and_then(|value| credential(value.as_bytes()))
            .or(presigned.map(str::as_bytes));
        let mut rest = credential.unwrap_or(b"");
        let (key, _date, region) = (part(&mut rest), part(&mut rest), part(&mut rest));
        let text = |part: Option<&'r [u8]>| part.and_then(|part| std::str::from_utf8(part).ok());
        let account = text(key.filter(|key| key.len() == 12 && key.iter().all(u8::is_ascii_digit)));
        let region = text(region).filter(|region| super::names::is_plain_name(region));
        let host = heads.host.and_then(|host| host.to_str().ok());
        Scope {
            region: region.unwrap_or(&self.config.region),
            account: account.unwrap_or(&self.config.account),
            keeps_to_account: false,
            host: host
                .or(uri.authority().map(http::uri::Authority::as_str))
                .unwrap_or("localhost"),
            scheme: if heads.is_https { "https" } else { "http" },
            path: uri.path(),
            trace: heads.trace_id.and_then(|value| value.to_str().ok()),
            watch: None,
        }
    }

    fn health(&self) -> Response<ReplyBody> {
        match self.mesh.journal_down() {
            None => Response::new(ReplyBody::new("{\"status\":\"ok\"}\n")),
            Some(reason) => {
                let text = serde_json::json!({"status": "failing", "reason": reason});
                let mut reply = Response::new(ReplyBody::new(format!("{text}\n")));
                *reply.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                reply
            }
        }
    }
}

/// What follows `Credential=` in an Authorization header: `<key>/<date>/<region>/…`, and more.
pub(super) fn credential(authorization: &[u8]) -> Option<&[u8]> {
    const USUAL_START: &[u8] = b"AWS4-HMAC-SHA256 Credential=";
    const NAME: &[u8] = b"Credential=";
    authorization.strip_prefix(USUAL_START).or_else(|| {
        let at = authorization
            .windows(NAME.len())
            .position(|window| window == NAME)?;
        Some(&authorization[at + NAME.len()..])
    })
}

/// Takes the next part of a credential off; `None` when it has no more.
fn part<'c>(rest: &mut &'c [u8]) -> Option<&'c [u8]> {
    let all = *rest;
    if all.is_empty() {
        return None;
    }
    let end = memchr::memchr3(b'/', b',', b' ', all).unwrap_or(all.len());
    *rest = match all.get(end) {
        Some(b'/') => &all[end + 1..],
        _ => &[],
    };
    Some(&all[..end])
}

#[cold]
fn refused(refusal: &Refusal, headers: &http::HeaderMap) -> Response<ReplyBody> {
    let error = not_let_in(refusal);
    tracing::debug!(message = %error.message, "refused");
    protocol_of(headers).error(&error, random_uuid())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::tests::future_bytes;

    const FUTURE_BYTES_MAX: usize = 2624;

    /// hyper moves the future of a request before it runs, so its size costs every request.
    #[test]
    fn the_future_of_a_request_is_small() {
        let whole =
            future_bytes(|(sqs, request): (Rc<Sqs>, Request<Incoming>)| sqs.handle(request));
        assert!(whole <= FUTURE_BYTES_MAX, "{whole} B");
    }
}
