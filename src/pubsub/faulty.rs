//! Calls that suffer what a test has asked for.

use super::error::{PubsubError, connection_dropped, injected, throttled};
use super::proto::{publisher, schema_service, subscriber};
use crate::faults::{Drop, Faults, Then};
use crate::grpc::{Intercept, Intercepted};
use crate::observe::{Dialect, Operation};
use crate::proto::google::iam::v1::iam_policy;
use crate::protobuf::{Reader, Value};
use crate::runtime::sleep;
use bytes::Bytes;
use std::future::Future;
use std::pin::Pin;

/// What full names begin with.
const PROJECTS: &[u8] = b"projects/";
/// The method whose requests come as they will.
pub(super) const STREAMING_PULL: &str = "StreamingPull";

/// What calls suffer by a process's rules.
#[derive(Clone, Debug)]
pub(super) struct Faulty(Faults);

impl Faulty {
    pub(super) fn new(faults: Faults) -> Self {
        Self(faults)
    }

    /// Whether there are rules.
    #[inline]
    pub(super) fn is_on(&self) -> bool {
        self.0.are_set()
    }

    /// What becomes of a call of a method with this request. A stream's isn't known yet.
    pub(super) async fn before(&self, path: &str, request: Option<&Bytes>) -> Intercepted {
        let Some(method) = method_of(path) else {
            return Intercepted::Goes;
        };
        let resource = request.and_then(resource_of).unwrap_or_default();
        let suffered = self.0.suffered(Dialect::Pubsub, method, resource);
        if !suffered.delay.is_zero() {
            sleep(suffered.delay).await;
        }
        let ends = |error: PubsubError| Intercepted::Ends(error);
        match suffered.then {
            Then::Answered | Then::Entries(_) => Intercepted::Goes,
            Then::Refused { code, message } => ends(injected(&code, message)),
            Then::Throttled => ends(throttled()),
            Then::Dropped(Drop::Before) => ends(connection_dropped()),
            Then::Dropped(Drop::After) => Intercepted::EndsAfter(connection_dropped()),
        }
    }
}

impl Intercept for Faulty {
    fn is_on(&self) -> bool {
        self.is_on()
    }

    fn before<'a>(
        &'a self,
        path: &'a str,
        request: &'a Bytes,
    ) -> Pin<Box<dyn Future<Output = Intercepted> + 'a>> {
        Box::pin(self.before(path, Some(request)))
    }
}

/// The method that a path names, if it is one of the dialect's.
fn method_of(path: &str) -> Option<&'static str> {
    let (service, method) = path.trim_start_matches('/').split_once('/')?;
    let operation = match service {
        publisher::NAME => Operation::publisher(publisher::Method::from_name(method)?),
        subscriber::NAME => Operation::subscriber(subscriber::Method::from_name(method)?),
        schema_service::NAME => Operation::schemas(schema_service::Method::from_name(method)?),
        iam_policy::NAME => Operation::iam(iam_policy::Method::from_name(method)?),
        _ => return None,
    };
    Some(operation.name())
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
        assert_eq!(
            method_of("/google.pubsub.v1.Publisher/Publish"),
            Some("Publish")
        );
        assert_eq!(method_of("/google.pubsub.v1.Publisher/Pull"), None);
        assert_eq!(method_of("/grpc.health.v1.Health/Check"), None);
    }
}
