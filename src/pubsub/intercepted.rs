//! Calls on which more hangs than their answer: faults, the access log.

use super::access::{acting, who};
use super::core::Pubsub;
use super::error::{
    PubsubError, PubsubResult, connection_dropped, injected, permission_denied, region_unreachable,
    throttled,
};
use super::production::admits;
use super::proto::{
    PublishRequest, PubsubMessage, PullResponse, publisher, schema_service, subscriber,
};
use super::server::outcome_of;
use crate::faults::{Drop, Then};
use crate::grpc::{
    Answer as CallAnswer, Answering, Code, Encoded, Intercept, Method as Run, error_answer,
};
use crate::http::{BodyBudget, Caller};
use crate::interceptors::{Answer, Begun, Interceptors, Understood, asking};
use crate::observe::{Dialect, Operation, Wire};
use crate::proto::google::iam::v1::iam_policy;
use crate::protobuf::{Reader, Value};
use crate::regions::{Cut, entering};
use crate::runtime::sleep;
use bytes::Bytes;
use lclq_iam::Method;
use prost::Message;
use std::fmt;
use std::future::Future;
use std::rc::Rc;
use std::time::Instant;

/// What full names begin with.
const PROJECTS: &[u8] = b"projects/";
/// The attribute in which the official clients pass a trace on.
const TRACE_ATTRIBUTE: &str = "googclient_traceparent";
/// The method whose requests come as they will.
pub(super) const STREAMING_PULL: &str = "StreamingPull";

/// What hangs on calls.
#[derive(Clone)]
pub(super) struct Intercepted {
    interceptors: Interceptors,
    pubsub: Rc<Pubsub>,
    bodies: BodyBudget,
}

impl fmt::Debug for Intercepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Intercepted")
            .field(&self.interceptors)
            .finish()
    }
}

impl Intercepted {
    /// `bodies` is what replies may take.
    pub(super) fn new(interceptors: Interceptors, pubsub: Rc<Pubsub>, bodies: BodyBudget) -> Self {
        Self {
            interceptors,
            pubsub,
            bodies,
        }
    }

    /// Refuses what who asks may not do, where that is looked at.
    async fn permits(&self, path: &str, request: &[u8]) -> PubsubResult<()> {
        let Some(guard) = &self.pubsub.guard else {
            return Ok(());
        };
        // These are clients' calls alone, and somebody has looked whose each is.
        let acting = acting().ok_or_else(permission_denied)?;
        match method_of(path) {
            Some(method) => guard.check(&self.pubsub, &acting, method, request).await,
            None => Ok(()),
        }
    }

    /// Carries a call out from where it has come in, which may be far from what it is about.
    async fn by_its_way<T>(
        &self,
        caller: &Caller,
        path: &str,
        request: &[u8],
        run: impl Future<Output = PubsubResult<T>>,
        message: &impl Fn(&T) -> Bytes,
    ) -> PubsubResult<T> {
        let host = caller.host.as_deref();
        let method = method_of(path);
        let Some(route) = self.pubsub.route(host, method, request).await? else {
            return run.await;
        };
        let run = entering(route.region, run);
        let Some(way) = route.way else {
            return run.await;
        };
        let unreachable = |cut: Cut| region_unreachable(&cut);
        way.cross().await.map_err(unreachable)?;
        let reply = way.unless_cut(run).await.map_err(unreachable)?;
        // Counted while it is on its way as it is while its client doesn't take it.
        let _held = reply.as_ref().ok().map(|reply| {
            let reply = message(reply);
            self.bodies.hold_reply(reply)
        });
        way.cross().await.map_err(unreachable)?;
        reply
    }

    /// Carries a call out by `run`, with all that hangs on it.
    pub(super) async fn around<T>(
        &self,
        caller: Caller,
        path: &str,
        wire: Wire,
        request: &Bytes,
        run: impl Future<Output = PubsubResult<T>>,
        message: impl Fn(&T) -> Bytes,
    ) -> PubsubResult<T> {
        let since = Instant::now();
        let Some(operation) = operation_of(path) else {
            // Health checks and the like.
            return run.await;
        };
        let begun = self.interceptors.begin(
            Understood {
                operation,
                wire,
                resource: resource_of(request).unwrap_or_default().to_owned(),
                caller,
                access_key: who(),
                bytes: request.len(),
            },
            since,
        );
        let reply = {
            let came_by = &begun.understood().caller;
            let run = self.by_its_way(came_by, path, request, run, &message);
            match self.suffer(&begun).await {
                Then::Answered | Then::Entries(_) if !self.admits(&begun) => Err(throttled()),
                Then::Answered | Then::Entries(_) => match self.permits(path, request).await {
                    Ok(()) => asking(begun.asker(), run).await,
                    Err(error) => Err(error),
                },
                Then::Refused { code, message } => Err(injected(&code, message)),
                Then::Throttled => Err(throttled()),
                Then::Dropped(Drop::Before) => Err(connection_dropped()),
                Then::Dropped(Drop::After) => {
                    if self.permits(path, request).await.is_ok() {
                        let _done = asking(begun.asker(), run).await;
                    }
                    Err(connection_dropped())
                }
            }
        };
        let (code, bytes) = match &reply {
            Ok(reply) => {
                let message = message(reply);
                note_messages(&begun, request, &message);
                (Code::Ok, message.len())
            }
            Err(error) => (error.code, 0),
        };
        answered(begun, code, bytes);
        reply
    }

    /// Opens a stream by `open`, with all that hangs on it. It is answered once it is open.
    pub(super) async fn open_stream(
        &self,
        caller: Caller,
        open: impl Future<Output = Result<CallAnswer, (Code, CallAnswer)>>,
    ) -> CallAnswer {
        let begun = self.interceptors.begin(
            Understood {
                operation: Operation::subscriber(subscriber::Method::StreamingPull),
                wire: Wire::Grpc,
                resource: String::new(),
                caller,
                access_key: who(),
                bytes: 0,
            },
            Instant::now(),
        );
        let refused = |error: &PubsubError| (error.code, error_answer(error));
        let (code, answer) = {
            let open = async {
                // How far it has to go is known when its first request is here.
                let host = begun.understood().caller.host.as_deref();
                match self.pubsub.region_by(host) {
                    Ok(Some(region)) => entering(region, open).await,
                    Ok(None) => open.await,
                    Err(error) => Err(refused(&error)),
                }
            };
            match self.suffer(&begun).await {
                Then::Answered | Then::Entries(_) => match asking(begun.asker(), open).await {
                    Ok(answer) => (Code::Ok, answer),
                    Err(refused) => refused,
                },
                Then::Refused { code, message } => refused(&injected(&code, message)),
                Then::Throttled => refused(&throttled()),
                Then::Dropped(_) => refused(&connection_dropped()),
            }
        };
        answered(begun, code, 0);
        answer
    }

    /// Whether a call is within the quotas of the production profile.
    fn admits(&self, begun: &Begun<'_>) -> bool {
        let understood = begun.understood();
        let (operation, resource) = (understood.operation, &understood.resource);
        self.interceptors
            .profile
            .active()
            .is_none_or(|active| admits(&active, operation, resource))
    }

    /// What a call suffers, once its delay is over.
    async fn suffer(&self, begun: &Begun<'_>) -> Then {
        let Understood {
            operation,
            resource,
            ..
        } = begun.understood();
        let faults = &self.interceptors.faults;
        let suffered = faults.suffered(Dialect::Pubsub, operation.name(), resource);
        if !suffered.delay.is_zero() {
            sleep(suffered.delay).await;
        }
        suffered.then
    }
}

/// Takes down the spans of messages that a call has published or pulled.
fn note_messages(begun: &Begun<'_>, request: &Bytes, reply: &Bytes) {
    let understood = begun.understood();
    if !understood.caller.traced {
        return;
    }
    let messages: Vec<PubsubMessage> = match understood.operation.name() {
        "Publish" => PublishRequest::decode(&request[..])
            .map(|request| request.messages)
            .unwrap_or_default(),
        "Pull" => {
            let pulled = PullResponse::decode(&reply[..]).unwrap_or_default();
            let received = pulled.received_messages.into_iter();
            received.filter_map(|one| one.message).collect()
        }
        _ => return,
    };
    for message in messages {
        if let Some(trace) = message.attributes.get(TRACE_ATTRIBUTE) {
            begun.is_about(trace);
        }
    }
}

fn answered(begun: Begun<'_>, code: Code, bytes: usize) {
    begun.answered(&Answer {
        outcome: outcome_of(code),
        error: (code != Code::Ok).then(|| code.name()),
        request_id: None,
        bytes,
    });
}

impl Intercept for Intercepted {
    fn around<'a>(
        &'a self,
        caller: Caller,
        path: &'a str,
        request: Bytes,
        method: Run<'a>,
    ) -> Answering<'a> {
        Box::pin(async move {
            let run = method(request.clone());
            let message = Encoded::message;
            self.around(caller, path, Wire::Grpc, &request, run, message)
                .await
        })
    }
}

/// The operation that a path names, if it is one of the dialect's.
fn operation_of(path: &str) -> Option<Operation> {
    let (service, method) = path.trim_start_matches('/').split_once('/')?;
    Some(match service {
        publisher::NAME => Operation::publisher(publisher::Method::from_name(method)?),
        subscriber::NAME => Operation::subscriber(subscriber::Method::from_name(method)?),
        schema_service::NAME => Operation::schemas(schema_service::Method::from_name(method)?),
        iam_policy::NAME => Operation::iam(iam_policy::Method::from_name(method)?),
        _ => return None,
    })
}

/// The method that a path names, as policies know it.
fn method_of(path: &str) -> Option<Method> {
    let (service, method) = path.trim_start_matches('/').split_once('/')?;
    Method::of(service, method)
}

/// The first full name that a request has, at most one message deep: its resource, in all methods but
/// CreateSchema, which has its project first.
fn resource_of(request: &Bytes) -> Option<&str> {
    sized_fields(request)
        .find_map(|field| name(field).or_else(|| sized_fields(field).find_map(name)))
}

fn name(field: &[u8]) -> Option<&str> {
    let is_name = field.starts_with(PROJECTS);
    is_name.then(|| std::str::from_utf8(field).ok()).flatten()
}

/// The fields of an encoded message that have a length, up to where it is none.
fn sized_fields(message: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut reader = Reader::of(message);
    std::iter::from_fn(move || {
        while !reader.is_empty() {
            let key = reader.varint().ok()?;
            match reader.value((key & 7) as u8).ok()? {
                Value::Bytes(bytes) => return Some(bytes),
                Value::Group | Value::GroupEnd => return None,
                _ => {}
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pubsub::proto::{
        PublishRequest, PubsubMessage, Subscription, UpdateSubscriptionRequest,
    };
    use prost::Message;

    #[test]
    fn requests_tell_what_they_are_about() {
        let publish = PublishRequest {
            topic: "projects/p/topics/t".to_owned(),
            messages: vec![PubsubMessage {
                data: b"projects/x".to_vec().into(),
                ..PubsubMessage::default()
            }],
        };
        let encoded = Bytes::from(publish.encode_to_vec());
        assert_eq!(resource_of(&encoded), Some("projects/p/topics/t"));
        let update = UpdateSubscriptionRequest {
            subscription: Some(Subscription {
                name: "projects/p/subscriptions/s".to_owned(),
                ..Subscription::default()
            }),
            ..UpdateSubscriptionRequest::default()
        };
        let encoded = Bytes::from(update.encode_to_vec());
        assert_eq!(resource_of(&encoded), Some("projects/p/subscriptions/s"));
        assert_eq!(resource_of(&Bytes::from_static(b"\x0a\xff")), None);
    }

    #[test]
    fn paths_name_methods() {
        let publish = operation_of("/google.pubsub.v1.Publisher/Publish");
        assert_eq!(publish.map(Operation::name), Some("Publish"));
        assert_eq!(operation_of("/google.pubsub.v1.Publisher/Pull"), None);
        assert_eq!(operation_of("/grpc.health.v1.Health/Check"), None);
    }
}
