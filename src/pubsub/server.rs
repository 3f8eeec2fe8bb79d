//! One core's Pub/Sub endpoint: gRPC and REST on one port, told apart by the request's head.

use super::access::{Acting, Guard, acting_for};
use super::core::Pubsub;
use super::error::{
    PubsubError, PubsubResult, not_let_in, pushed_in_circles, replies_full, unknown_path,
};
use super::gate::{Barred, Gate};
use super::intercepted::{Intercepted, STREAMING_PULL};
use super::limits::REQUEST_BYTES_MAX;
use super::outside::Outside;
use super::proto::{PublishResponse, publisher, schema_service, subscriber};
use super::push::hops::HOPS_MAX;
use super::push::{PushSeen, token_keys};
use super::rest::{FromInside, Rest, Sender, UnaryCaller, error_reply};
use crate::credentials::Auth;
use crate::grpc::{
    Answer, Call, Code, GRPC_STATUS, GrpcBody, GrpcCore, GrpcLimits, HealthService, Intercept,
    ReflectionService, error_answer, is_grpc,
};
use crate::http::{BodyBudget, Door, HttpLimits, ReplyBody, is_preflight, skip_body};
use crate::interceptors::{ITSELF, Interceptors, asking};
use crate::mesh::Mesh;
use crate::net::Peer;
use crate::observe::{Observer, Operation, Outcome, Wire};
use crate::proto::google::iam::v1::iam_policy;
use crate::proto::grpc::health::v1::health;
use crate::proto::grpc::reflection::{v1, v1alpha};
use crate::quotas::{CoreQuotas, SharedQuotas};
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use prost::Message;
use sha2::{Digest, Sha256};
use std::cell::OnceCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Instant;

/// Services of the endpoint, for health checks and reflection.
const SERVICES: &[&str] = &[
    publisher::NAME,
    subscriber::NAME,
    schema_service::NAME,
    iam_policy::NAME,
    health::NAME,
    v1::server_reflection::NAME,
    v1alpha::server_reflection::NAME,
];

/// The unary method whose replies are large.
const PULL: &str = "Pull";

type Boxed = Pin<Box<dyn Future<Output = Answer>>>;

/// Who is let in, and to how much.
#[derive(Clone, Debug, Default)]
pub struct AccessSettings {
    /// Whose requests are carried out; without this, everybody's.
    pub auth: Option<Auth>,
    /// How much may be asked for; without this, as much as anybody wants.
    pub quotas: Option<SharedQuotas>,
}

/// One core's endpoint.
pub struct PubsubEndpoint {
    pubsub: Rc<Pubsub>,
    grpc: Rc<GrpcCore>,
    health: Rc<HealthService>,
    mesh: Mesh,
    door: Door,
    limits: Rc<HttpLimits>,
    observer: Observer,
    intercepted: Intercepted,
    gate: Option<Rc<Gate>>,
    quotas: Option<Rc<CoreQuotas>>,
    interceptors: Interceptors,
    /// Made when they are first asked for: both are tables of every type there is, a megabyte that
    /// most servers never need.
    rest: OnceCell<Rc<Rest<Caller>>>,
    reflection: OnceCell<Rc<ReflectionService>>,
}

impl PubsubEndpoint {
    /// An endpoint on `mesh`, which must be of the calling core.
    pub fn new(
        mesh: Mesh,
        receipt_secret: &[u8; 32],
        limits: Rc<HttpLimits>,
        outside: Outside,
        observer: Observer,
        interceptors: Interceptors,
        access: AccessSettings,
    ) -> Rc<Self> {
        let AccessSettings { auth, quotas } = access;
        let is_serving = {
            let mesh = mesh.clone();
            move || mesh.journal_down().is_none()
        };
        let profile = interceptors.profile.clone();
        let credentials = auth.as_ref().map(|auth| auth.credentials.clone());
        if credentials.is_some() {
            interceptors.start_deciding();
        }
        let guard = credentials.map(|credentials| Guard::new(&mesh, credentials));
        let key = ack_key(receipt_secret);
        let regions = interceptors.regions.clone();
        let pubsub = Pubsub::new(mesh.clone(), key, outside, profile, regions, guard);
        pubsub.start_deliverers();
        let bodies = limits.bodies.clone();
        let intercepted = Intercepted::new(interceptors.clone(), pubsub.clone(), bodies);
        let intercept: Box<dyn Intercept> = Box::new(intercepted.clone());
        Rc::new(Self {
            pubsub,
            grpc: GrpcCore::new(
                GrpcLimits {
                    request_bytes_max: REQUEST_BYTES_MAX,
                    bodies: limits.bodies.clone(),
                    ..GrpcLimits::default()
                },
                Some(intercept),
            ),
            intercepted,
            gate: auth.map(|auth| Rc::new(Gate::new(auth, receipt_secret, &interceptors))),
            quotas: quotas.map(|quotas| Rc::new(quotas.on_core())),
            interceptors,
            health: HealthService::new(SERVICES, is_serving),
            mesh,
            door: Door::new(&limits.callers),
            limits,
            observer,
            rest: OnceCell::new(),
            reflection: OnceCell::new(),
        })
    }

    fn rest(&self) -> Rc<Rest<Caller>> {
        let make = || {
            let caller = Caller {
                pubsub: self.pubsub.clone(),
                mesh: self.mesh.clone(),
                bodies: self.limits.bodies.clone(),
                observer: self.observer.clone(),
                intercepted: self.intercepted.clone(),
            };
            Rest::new(caller, &self.limits)
        };
        self.rest.get_or_init(make).clone()
    }

    /// Answers a request over REST that came to another endpoint and has been let in there, or that
    /// the server makes itself. It isn't counted among clients' requests.
    pub async fn rest_inside<B>(&self, mut request: Request<B>) -> Response<ReplyBody>
    where
        B: Body<Data = Bytes>,
    {
        request.extensions_mut().insert(FromInside);
        let rest = self.rest();
        Box::pin(asking(ITSELF, rest.handle(request))).await
    }

    fn reflection(&self) -> Rc<ReflectionService> {
        let make = || ReflectionService::new(crate::proto::DESCRIPTORS, SERVICES);
        self.reflection.get_or_init(make).clone()
    }

    /// Ends the streams; requests go on.
    pub fn stop(&self) {
        self.grpc.stop();
    }

    pub(super) fn pubsub(&self) -> &Pubsub {
        &self.pubsub
    }

    /// What became of push requests.
    pub fn push_seen(&self) -> &PushSeen {
        &self.pubsub.outside.push_seen
    }

    /// Answers one request.
    pub fn handle(
        self: Rc<Self>,
        request: Request<Incoming>,
    ) -> impl Future<Output = Answer> + use<> {
        // What isn't a call is boxed, so that the futures of calls don't carry its room.
        let call = if let Err(refusal) = self.door.admit(&request) {
            Err(turned_away(&not_let_in(&refusal), request))
        } else if self.gate.is_some() || self.quotas.is_some() {
            Err(self.clone().looked_at(request))
        } else {
            self.begin(request)
        };
        async move {
            match call {
                Ok(call) => self.call(call).await,
                Err(other) => other.await,
            }
        }
    }

    /// Answers a request if it is known whose it is and they have quota left, for as much as each is asked.
    fn looked_at(self: Rc<Self>, request: Request<Incoming>) -> Boxed {
        Box::pin(async move {
            let acting = match self.acting(&request).await {
                Ok(acting) => acting,
                Err(error) => return turned_away(&error, request).await,
            };
            let run = async {
                match self.begin(request) {
                    Ok(call) => self.call(call).await,
                    Err(other) => other.await,
                }
            };
            acting_for(acting, run).await
        })
    }

    /// For whom a request is to be carried out.
    async fn acting(&self, request: &Request<Incoming>) -> PubsubResult<Acting> {
        let gate = self.gate.as_deref();
        let is_asked = !is_preflight(request) && !Gate::is_token_request(request);
        let identity = match gate.filter(|_| is_asked) {
            None => None,
            Some(gate) => match gate.admit(request) {
                Ok(identity) => identity,
                Err(Barred::Refused(error)) => return Err(error),
                Err(Barred::KeysAwaited(keys)) => {
                    keys.wait().await;
                    gate.admit_after_all(request)?
                }
            },
        };
        let acting = Acting {
            identity,
            peer: request.extensions().get::<Peer>().cloned(),
            enforced: gate.is_some_and(Gate::enforces),
            quotas: self.quotas.clone(),
            interceptors: self.interceptors.clone(),
        };
        acting.charge(request.uri().path())?;
        Ok(acting)
    }

    /// Begins with a request that has been let in.
    fn begin(&self, request: Request<Incoming>) -> Result<Call, Boxed> {
        if let Some(gate) = &self.gate
            && Gate::is_token_request(&request)
        {
            let (gate, limits) = (gate.clone(), self.limits.clone());
            return Err(Box::pin(async move {
                gate.token(request, &limits).await.map(GrpcBody::from)
            }));
        }
        if is_grpc(&request) {
            return Call::new(self.grpc.clone(), request).map_err(|answer| -> Boxed {
                let answer = Box::new(answer);
                Box::pin(async move { *answer })
            });
        }
        let rest = self.rest();
        Err(Box::pin(async move {
            rest.handle(request).await.map(GrpcBody::from)
        }))
    }

    async fn call(&self, call: Call) -> Answer {
        let since = Instant::now();
        // Health checks and reflection are no operations.
        let mut operation = None;
        /// Leads a call to a method of a service, if the service has it.
        macro_rules! lead {
            ($service:path, $to:expr, $method:ident, $call:ident) => {
                lead!($service, $to, $method, $call, |_| None)
            };
            ($service:path, $to:expr, $method:ident, $call:ident, $operation:expr) => {{
                use $service as service;
                match service::Method::from_name($method) {
                    Some(method) => {
                        operation = $operation(method);
                        service::dispatch($to, method, $call).await
                    }
                    None => {
                        operation = Some(Operation::PUBSUB_UNKNOWN);
                        $call.unimplemented()
                    }
                }
            }};
        }
        /// The operation that a method is.
        macro_rules! as_operation {
            ($of:ident) => {
                |method| Some(Operation::$of(method))
            };
        }
        let (service, method) = call.names();
        let answer = match service {
            subscriber::NAME if method == STREAMING_PULL && call.is_watched() => {
                operation = Some(Operation::subscriber(subscriber::Method::StreamingPull));
                Box::pin(self.open_stream_watched(call)).await
            }
            publisher::NAME => {
                let to = self.pubsub.clone();
                lead!(publisher, to, method, call, as_operation!(publisher))
            }
            subscriber::NAME if method == PULL && !self.limits.bodies.has_room_for_replies() => {
                error_answer(&replies_full())
            }
            subscriber::NAME => {
                let to = self.pubsub.clone();
                lead!(subscriber, to, method, call, as_operation!(subscriber))
            }
            schema_service::NAME => {
                let to = self.pubsub.clone();
                lead!(schema_service, to, method, call, as_operation!(schemas))
            }
            iam_policy::NAME => {
                let to = self.pubsub.clone();
                lead!(iam_policy, to, method, call, as_operation!(iam))
            }
            health::NAME => lead!(health, self.health.clone(), method, call),
            v1::server_reflection::NAME => {
                lead!(v1::server_reflection, self.reflection(), method, call)
            }
            v1alpha::server_reflection::NAME => {
                lead!(v1alpha::server_reflection, self.reflection(), method, call)
            }
            _ => call.unimplemented(),
        };
        if let Some(operation) = operation {
            let outcome = outcome_of(code_of(&answer));
            self.observer
                .answered(operation, Wire::Grpc, outcome, since);
        }
        answer
    }
}

impl PubsubEndpoint {
    /// Opens a stream with all that hangs on it. What it is about comes later, so only rules without
    /// a resource are for it.
    async fn open_stream_watched(&self, mut call: Call) -> Answer {
        let caller = call.take_caller();
        let open = async move {
            let method = subscriber::Method::StreamingPull;
            let answer = subscriber::dispatch(self.pubsub.clone(), method, call).await;
            match code_of(&answer) {
                Code::Ok => Ok(answer),
                // What it was refused with stands in its head, and is told as it is.
                code => Err((code, answer)),
            }
        };
        self.intercepted.open_stream(caller, open).await
    }
}

/// What a request is told that isn't let in.
#[cold]
fn turned_away(error: &PubsubError, request: Request<Incoming>) -> Boxed {
    // What streams has no end to wait for, and its clients don't mind.
    if is_grpc(&request) {
        let answer = Box::new(error_answer(error));
        return Box::pin(async move { *answer });
    }
    let answer = Box::new(error_reply(error).map(GrpcBody::from));
    Box::pin(async move {
        let (head, body) = request.into_parts();
        skip_body(&head.headers, body).await;
        *answer
    })
}

/// Carries out what comes over REST.
struct Caller {
    pubsub: Rc<Pubsub>,
    mesh: Mesh,
    bodies: BodyBudget,
    observer: Observer,
    intercepted: Intercepted,
}

impl UnaryCaller for Caller {
    async fn call(&self, path: &str, request: Bytes, sender: Sender) -> PubsubResult<Bytes> {
        let since = Instant::now();
        let mut operation = Operation::PUBSUB_UNKNOWN;
        let hops = sender.hops;
        if sender.is_inside {
            return self.carry_out(path, request, hops, &mut operation).await;
        }
        let reply = if let Some(caller) = sender.caller {
            let caller = *caller;
            let body = request.clone();
            let run = self.carry_out(path, body, hops, &mut operation);
            let run =
                self.intercepted
                    .around(caller, path, Wire::Rest, &request, run, Bytes::clone);
            Box::pin(run).await
        } else {
            self.carry_out(path, request, hops, &mut operation).await
        };
        let outcome = match &reply {
            Ok(_) => Outcome::Done,
            Err(error) => outcome_of(error.code),
        };
        self.observer
            .answered(operation, Wire::Rest, outcome, since);
        reply
    }

    fn failure(&self) -> Option<String> {
        self.mesh.journal_down()
    }

    async fn document(&self, path: &str, host: &str) -> Option<PubsubResult<Bytes>> {
        token_keys(&self.pubsub, path, host).await
    }
}

impl Caller {
    async fn carry_out(
        &self,
        path: &str,
        request: Bytes,
        hops: u32,
        operation: &mut Operation,
    ) -> PubsubResult<Bytes> {
        /// Calls a method of a service, if the service has it.
        macro_rules! lead {
            ($service:path, $method:ident, $operation:expr) => {{
                use $service as service;
                match service::Method::from_name($method) {
                    Some(method) => {
                        *operation = $operation(method);
                        service::unary(self.pubsub.clone(), method, request).await
                    }
                    None => Err(unknown_path(path)),
                }
            }};
        }
        let parts = path.trim_start_matches('/').split_once('/');
        let (service, method) = parts.unwrap_or_default();
        if hops > 0 && (service, method) == (publisher::NAME, "Publish") {
            *operation = Operation::publisher(publisher::Method::Publish);
            return self.publish_pushed(request, hops).await;
        }
        let reply = match service {
            subscriber::NAME if method == PULL && !self.bodies.has_room_for_replies() => {
                Err(replies_full())
            }
            publisher::NAME => lead!(publisher, method, Operation::publisher),
            subscriber::NAME => lead!(subscriber, method, Operation::subscriber),
            schema_service::NAME => lead!(schema_service, method, Operation::schemas),
            iam_policy::NAME => lead!(iam_policy, method, Operation::iam),
            _ => Err(unknown_path(path)),
        };
        reply.map(|reply| reply.message())
    }

    /// Publishes what a push request brings, this server's or another's. Messages may multiply with
    /// each round, so they don't make many.
    async fn publish_pushed(&self, request: Bytes, hops: u32) -> PubsubResult<Bytes> {
        if hops > HOPS_MAX {
            return Err(pushed_in_circles());
        }
        let reply = self.pubsub.publish_encoded(request).await?.message();
        let published = PublishResponse::decode(&reply[..]).unwrap_or_default();
        let ids = published.message_ids.iter().map(String::as_str);
        self.pubsub.outside.hops.note(ids, hops);
        Ok(reply)
    }
}

/// The code of a call's answer. A stream's is its beginning.
fn code_of(answer: &Answer) -> Code {
    let status = answer.headers().get(GRPC_STATUS);
    let number = status.and_then(|status| status.to_str().ok()?.parse().ok());
    number.map_or(Code::Ok, Code::from_number)
}

/// What a code comes to.
pub(super) fn outcome_of(code: Code) -> Outcome {
    match code {
        Code::Ok => Outcome::Done,
        Code::Unknown
        | Code::DeadlineExceeded
        | Code::ResourceExhausted
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss => Outcome::Failed,
        _ => Outcome::Refused,
    }
}

/// Ack ids are signed with a key of their own, made of the secret that is kept with the data.
fn ack_key(secret: &[u8; 32]) -> [u8; 16] {
    let digest = Sha256::new()
        .chain_update(b"lclq ack ids")
        .chain_update(secret)
        .finalize();
    digest[..16].try_into().expect("SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::tests::future_bytes;

    const FUTURE_BYTES_MAX: usize = 2048;

    /// hyper copies the future of a request twice before it runs, so its size costs every request.
    #[test]
    fn the_future_of_a_request_is_small() {
        let whole = future_bytes(
            |(endpoint, request): (Rc<PubsubEndpoint>, Request<Incoming>)| endpoint.handle(request),
        );
        assert!(whole <= FUTURE_BYTES_MAX, "{whole} B");
    }
}
