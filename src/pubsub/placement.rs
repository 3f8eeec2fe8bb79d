//! Where topics are, and the way to them from where requests come in.
//!
//! A topic's messages are kept in one region, and with them its subscriptions and snapshots. What comes in
//! by another has to go there and back.

use super::access::Subjects;
use super::core::{Pubsub, TopicInfo};
use super::error::{PubsubError, PubsubResult, no_such_region, not_in_transit, ordered_elsewhere};
use super::proto::Snapshot;
use super::protobuf::{Fields, Value};
use crate::regions::{Map, Way, region_of};
use lclq_iam::{Method, ResourceType};
use lclq_shards::pubsub::command::Kind;
use prost::Message;
use std::rc::Rc;

/// Field numbers of `PublishRequest` and of `PubsubMessage`.
const MESSAGES: u32 = 2;
const ORDERING_KEY: u32 = 5;

/// How a request gets to what it is about.
pub(super) struct Route {
    /// Where it came in.
    pub region: Rc<str>,
    /// The way from there; none where it is there already, and where it is about nothing that is anywhere.
    pub way: Option<Way>,
}

impl Pubsub {
    /// The region by which a request comes in, if there are regions.
    pub(super) fn region_by(&self, host: Option<&str>) -> PubsubResult<Option<Rc<str>>> {
        let Some(map) = self.regions.map() else {
            return Ok(None);
        };
        match region_of(&map, host) {
            Ok(region) => Ok(Some(region.into())),
            Err(unknown) => Err(no_such_region(&unknown, &map)),
        }
    }

    /// How a request gets to what it is about, if there are regions.
    pub(super) async fn route(
        &self,
        host: Option<&str>,
        method: Option<Method>,
        request: &[u8],
    ) -> PubsubResult<Option<Route>> {
        let Some(region) = self.region_by(host)? else {
            return Ok(None);
        };
        let way = match method {
            Some(method) => self.way(&region, method, request).await?,
            None => None,
        };
        Ok(Some(Route { region, way }))
    }

    /// The way from a region to what a request is about.
    pub(super) async fn way(
        &self,
        region: &str,
        method: Method,
        request: &[u8],
    ) -> PubsubResult<Option<Way>> {
        let Some(map) = self.regions.map() else {
            return Ok(None);
        };
        let (exists, topic) = self.topic_of(method, request).await;
        if let Some(topic) = &topic {
            admit(topic, region, method, request)?;
        }
        let home = match &topic {
            Some(topic) => home(&map, topic),
            // Of a subscription whose topic is gone, nobody knows more.
            None if exists => map.default_region(),
            None => return Ok(None),
        };
        Ok((home != region).then(|| self.regions.way(region, home)))
    }

    /// Whether anything is there that a request is about, and the topic that it is of. What is wrong with
    /// names is for the method itself to tell.
    async fn topic_of(&self, method: Method, request: &[u8]) -> (bool, Option<Rc<TopicInfo>>) {
        let subjects = Subjects::of(method, request);
        if let Some(name) = subjects.of_kind(ResourceType::Topic) {
            let topic = self.topic(name).await.ok();
            return (topic.is_some(), topic);
        }
        if let Some(name) = subjects.of_kind(ResourceType::Subscription) {
            return match self.subscription(name).await {
                Ok(info) => (true, self.topic(&info.spec.topic).await.ok()),
                Err(_) => (false, None),
            };
        }
        let Some(name) = subjects.of_kind(ResourceType::Snapshot) else {
            return (false, None);
        };
        let found = self.find(Kind::Snapshot, name).await.ok().flatten();
        let snapshot = found.and_then(|found| Snapshot::decode(&*found.spec).ok());
        match snapshot {
            Some(snapshot) => (true, self.topic(&snapshot.topic).await.ok()),
            None => (false, None),
        }
    }
}

/// The regions in which a topic's messages may be; none where they may be in all.
fn allowed(topic: &TopicInfo) -> &[String] {
    let policy = topic.spec.message_storage_policy.as_ref();
    policy.map_or(&[], |policy| &policy.allowed_persistence_regions)
}

/// The region in which a topic is: the first that its policy allows, else the one by which it was made.
fn home<'a>(map: &'a Map, topic: &'a TopicInfo) -> &'a str {
    let mut allowed = allowed(topic).iter().map(String::as_str);
    let first = allowed.find(|region| map.has(region));
    let made_in = Some(&*topic.region).filter(|region| map.has(region));
    first.or(made_in).unwrap_or(map.default_region())
}

/// Refuses what a topic's policy doesn't let come in by a region.
fn admit(
    topic: &TopicInfo,
    region: &str,
    method: Method,
    request: &[u8],
) -> Result<(), PubsubError> {
    let allowed = allowed(topic);
    if allowed.is_empty() || allowed.iter().any(|one| one == region) {
        return Ok(());
    }
    let policy = topic.spec.message_storage_policy.as_ref();
    let carries = matches!(
        method,
        Method::Publish | Method::Pull | Method::StreamingPull
    );
    if carries && policy.is_some_and(|policy| policy.enforce_in_transit) {
        return Err(not_in_transit(&topic.spec.name, region));
    }
    if method == Method::Publish && has_ordering_key(request) {
        return Err(ordered_elsewhere(&topic.spec.name));
    }
    Ok(())
}

/// Whether a message of an encoded `PublishRequest` has an ordering key.
fn has_ordering_key(request: &[u8]) -> bool {
    let is_key = |value: &[u8]| !value.is_empty();
    let has_key = |message: &[u8]| any(message, ORDERING_KEY, is_key);
    any(request, MESSAGES, has_key)
}

/// Whether a field of this number is as asked, as far as the message can be read.
fn any(message: &[u8], number: u32, is_it: impl Fn(&[u8]) -> bool) -> bool {
    let mut fields = Fields::of(message);
    while let Ok(Some((field, value))) = fields.next() {
        if let (true, Value::Bytes(bytes)) = (field == number, value)
            && is_it(bytes)
        {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pubsub::proto::{PublishRequest, PubsubMessage};

    #[test]
    fn ordering_keys_are_found_wherever_they_are() {
        let with = |keys: &[&str]| {
            let message = |key: &&str| PubsubMessage {
                data: b"\x2a\x01k".to_vec().into(),
                ordering_key: (*key).to_owned(),
                ..PubsubMessage::default()
            };
            PublishRequest {
                topic: "projects/p/topics/t".to_owned(),
                messages: keys.iter().map(message).collect(),
            }
            .encode_to_vec()
        };
        assert!(!has_ordering_key(&with(&[])));
        assert!(!has_ordering_key(&with(&["", ""])));
        assert!(has_ordering_key(&with(&["", "k"])));
        assert!(!has_ordering_key(b"\x12\xff"));
    }
}
