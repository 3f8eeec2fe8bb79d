//! One core's SQS endpoint: from an HTTP request to its answer.

use super::access::Access;
use super::account_memory::AccountMemory;
use super::actions::{self, Outcome};
use super::charged::Charged;
use super::decode::Form;
use super::developer_endpoint;
use super::error::{
    Kind, SqsResult, account_memory_full, body_not_read, missing_action, missing_token, not_let_in,
    replies_full, unknown_action,
};
use super::gate::{Gate, Passed};
use super::head::Head;
use super::heads::{Heads, protocol_of};
use super::ids::random_uuid;
use super::intercepted::Watch;
use super::target::Targets;
use super::wire::{Protocol, no_action};
use crate::credentials::Auth;
use crate::http::{
    Arrival, Caller, Door, HttpLimits, Negotiated, Refusal, ReplyBody, decompress_admitted,
    is_preflight, preflight_reply, read_body, skip_body,
};
use crate::interceptors::Interceptors;
use crate::mesh::Mesh;
use crate::observe::{Observer, Operation, Outcome as Ending};
use crate::quotas::{CoreQuotas, SharedQuotas};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use lclq_shards::ReceiptSigner;
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
    /// How much may be asked for; without this, as much as anybody wants.
    pub quotas: Option<SharedQuotas>,
    /// Queues that an account may have in a region.
    pub queues_per_account_max: Option<usize>,
    /// How much the messages of an account may take.
    pub account_memory: Option<AccountMemory>,
}

impl SqsConfig {
    /// The same for what the server asks itself, which nobody signs.
    #[must_use]
    pub fn inside(self) -> Self {
        Self {
            auth: None,
            quotas: None,
            queues_per_account_max: None,
            account_memory: None,
            ..self
        }
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
    quotas: Option<CoreQuotas>,
    pub(super) limits: Rc<HttpLimits>,
    pub(super) observer: Observer,
    pub(super) interceptors: Interceptors,
}

/// What is known of a request on its way, for what is asked and what hangs on it.
struct Course<'r> {
    operation: Cell<Operation>,
    watch: Option<&'r Watch>,
    /// Who sent it, where that is looked at.
    passed: OnceCell<Passed>,
    /// Whose quotas it is on, where there are any.
    charged: OnceCell<Box<Charged>>,
}

impl Course<'_> {
    /// Nobody has signed it, and nothing allows that.
    fn is_nobodys(&self) -> bool {
        let passed = self.passed.get();
        passed.is_some_and(|by| by.enforced && by.principal.is_none() && !by.permitted.get())
    }
}

/// Whose queues a request means, and where it was sent to.
pub struct Scope<'r> {
    pub region: &'r str,
    pub account: &'r str,
    /// Who asks, where that has a say.
    pub(super) access: Option<Access<'r>>,
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
    /// Has what it may do depend on who sent it.
    pub(super) fn is_by(&mut self, access: Access<'r>) {
        let by = access.by;
        if by.enforced
            && let Some(principal) = &by.principal
        {
            self.account = &principal.account;
        }
        self.access = Some(access);
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
            gate: config
                .auth
                .clone()
                .map(|auth| Gate::new(auth, &interceptors)),
            quotas: config.quotas.as_ref().map(SharedQuotas::on_core),
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
        arrival: Arrival,
    ) -> impl Future<Output = Response<ReplyBody>> {
        async move {
            if let Err(refusal) = self.door.admit(&request) {
                return Box::pin(refused(refusal, request)).await;
            }
            if is_preflight(&request) {
                return preflight_reply(request.headers());
            }
            let asked = Negotiated::of(request.headers());
            let mut reply = self.reply(request, arrival).await;
            asked.finish(&mut reply);
            reply
        }
    }

    fn reply(
        &self,
        request: Request<Incoming>,
        arrival: Arrival,
    ) -> impl Future<Output = Response<ReplyBody>> + use<'_> {
        let (parts, body) = request.into_parts();
        let head = Head::new(parts, arrival);
        async move {
            match (&head.method, head.uri.path()) {
                (&Method::GET | &Method::HEAD, "/health") => self.health(),
                (&Method::GET, "/_lclq/sqs/messages") => {
                    let by = OnceCell::new();
                    if let Err(error) = self.believed(&head, b"", &by) {
                        return Protocol::Json.error(&error, random_uuid());
                    }
                    let mut scope = self.scope(&Heads::of(&head), &head.uri, None);
                    self.tell(&mut scope, &by, &head, actions::Action::ReceiveMessage);
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
                    Ok(body) => match Caller::of(&head.headers, &head.uri, &head.extensions) {
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

    async fn answer_developer(&self, head: Head, body: Incoming) -> Response<ReplyBody> {
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
        head: Head,
        body: Bytes,
        watch: Option<&'r Watch>,
    ) -> impl Future<Output = Response<ReplyBody>> + use<'r> {
        async move {
            let since = Instant::now();
            let course = Course {
                operation: Cell::new(Operation::SQS_UNKNOWN),
                watch,
                passed: OnceCell::new(),
                charged: OnceCell::new(),
            };
            let request_id = random_uuid();
            let protocol = protocol_of(&head.headers);
            let believed = self.believed(&head, &body, &course.passed);
            let outcome = match believed.and_then(|()| self.charge(&head, &course)) {
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
                Ok(Outcome::Receive(plan)) => match self.waits(&course) {
                    Ok(()) => actions::receive(self, plan, watch, protocol, request_id).await,
                    Err(error) => Err(error),
                },
                Err(_) if course.is_nobodys() => Err(missing_token()),
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

    /// Looks who has sent a request, where that matters.
    #[inline]
    pub(super) fn believed(
        &self,
        head: &Head,
        body: &[u8],
        by: &OnceCell<Passed>,
    ) -> SqsResult<()> {
        let Some(gate) = &self.gate else {
            return Ok(());
        };
        if let Some(passed) = gate.passed(head, body)? {
            by.get_or_init(|| passed);
        }
        Ok(())
    }

    /// Takes a request out of the quotas of who sends it, if there are any.
    #[inline]
    fn charge(&self, head: &Head, course: &Course<'_>) -> SqsResult<()> {
        let Some(quotas) = &self.quotas else {
            return Ok(());
        };
        let charged = Charged::of(head, course.passed.get());
        let charged = course.charged.get_or_init(|| Box::new(charged));
        let admitted = quotas.admit(charged.peer.as_ref(), charged.key.as_deref());
        admitted.map_err(|exceeded| charged.refused(&exceeded, head.uri.path(), &self.interceptors))
    }

    /// Has a receive count among the calls of who sent it that wait.
    fn waits(&self, course: &Course<'_>) -> SqsResult<()> {
        let (Some(quotas), Some(charged)) = (&self.quotas, course.charged.get()) else {
            return Ok(());
        };
        let waits = quotas.wait(charged.peer.as_ref(), charged.key.as_deref());
        let waits = waits.map_err(|exceeded| charged.refused(&exceeded, "", &self.interceptors))?;
        charged.waits.get_or_init(|| waits);
        Ok(())
    }

    /// Refuses messages of an account that has as many as it may.
    #[inline]
    pub(super) fn check_room_of(&self, account: &str) -> SqsResult<()> {
        match &self.config.account_memory {
            Some(memory) if !memory.has_room(account) => Err(account_memory_full()),
            _ => Ok(()),
        }
    }

    /// Has what a request may do depend on who sent it, if that was looked at.
    #[inline]
    pub(super) fn tell<'r>(
        &'r self,
        scope: &mut Scope<'r>,
        by: &'r OnceCell<Passed>,
        head: &'r Head,
        action: actions::Action,
    ) {
        if let Some(by) = by.get() {
            by.action.set(Some(action));
            scope.is_by(Access::of(by, head, &self.interceptors));
        }
    }

    /// Whether who asks has a say at all.
    pub(super) fn has_gate(&self) -> bool {
        self.gate.is_some()
    }

    fn act_json<'r>(
        &'r self,
        head: &'r Head,
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
            scope.watch = course.watch;
            self.tell(&mut scope, &course.passed, head, action);
            let source = actions::Source::Json(&body);
            actions::run(self, &scope, action, source, Protocol::Json, request_id).await
        }
    }

    fn act_query<'r>(
        &'r self,
        protocol: Protocol,
        head: &'r Head,
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
            scope.watch = course.watch;
            self.tell(&mut scope, &course.passed, head, action);
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
            access: None,
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
async fn refused(refusal: Refusal, request: Request<Incoming>) -> Response<ReplyBody> {
    let error = not_let_in(&refusal);
    tracing::debug!(message = %error.message, "refused");
    let (head, body) = request.into_parts();
    let protocol = protocol_of(&head.headers);
    skip_body(&head.headers, body).await;
    protocol.error(&error, random_uuid())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::tests::future_bytes;

    const FUTURE_BYTES_MAX: usize = 2680;

    /// hyper moves the future of a request before it runs, so its size costs every request.
    #[test]
    fn the_future_of_a_request_is_small() {
        let whole = future_bytes(|(sqs, request): (Rc<Sqs>, Request<Incoming>)| {
            sqs.handle(request, Arrival::default())
        });
        assert!(whole <= FUTURE_BYTES_MAX, "{whole} B");
    }
}
