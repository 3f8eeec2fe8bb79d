//! Which resources a request is about, read where they lie.
//!
//! Hazard: this has to find the names that the method itself works with, or somebody is allowed one thing
//! and does another. So fields are read by their numbers, never by what they look like, and of one that
//! is there twice the last counts, as for every decoder of protobuf.

use super::super::protobuf::{Fields, Value};
use lclq_iam::{Method, ResourceType};

/// Where a name stands: numbers of fields, from the outermost message on.
type Place = &'static [u32];

/// The names that a request has.
pub(in crate::pubsub) struct Subjects<'r> {
    names: Vec<(ResourceType, &'r str)>,
}

impl<'r> Subjects<'r> {
    pub fn of(method: Method, request: &'r [u8]) -> Self {
        let places = places(method).iter();
        let names = places.filter_map(|(kind, place)| {
            let name = name_at(request, place)?;
            // IAM's methods have one field for all kinds.
            let kind = kind.or_else(|| kind_of(name))?;
            let name = match kind {
                ResourceType::Schema => name.split('@').next().unwrap_or(name),
                _ => name,
            };
            (!name.is_empty()).then_some((kind, name))
        });
        Self {
            names: names.collect(),
        }
    }

    /// The name of a resource of that kind.
    pub fn of_kind(&self, kind: ResourceType) -> Option<&'r str> {
        let mut names = self.names.iter();
        names.find(|(of, _)| *of == kind).map(|(_, name)| *name)
    }

    /// The project that the first of them is in, `projects/p`.
    pub fn project(&self) -> Option<&'r str> {
        let (_, name) = self.names.first()?;
        project_of(name)
    }
}

/// The project that a full name is in, `projects/p`.
pub(super) fn project_of(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("projects/")?;
    let end = rest.find('/').unwrap_or(rest.len());
    (end > 0).then(|| &name[.."projects/".len() + end])
}

/// What a full name names.
pub(super) fn kind_of(name: &str) -> Option<ResourceType> {
    let collection = name.strip_prefix("projects/")?.split('/').nth(1)?;
    Some(match collection {
        "topics" => ResourceType::Topic,
        "subscriptions" => ResourceType::Subscription,
        "snapshots" => ResourceType::Snapshot,
        "schemas" => ResourceType::Schema,
        _ => return None,
    })
}

fn name_at<'r>(message: &'r [u8], place: &[u32]) -> Option<&'r str> {
    let (first, rest) = place.split_first()?;
    let mut fields = Fields::of(message);
    let mut found = None;
    // What can't be read is refused by the method itself.
    while let Ok(Some((number, value))) = fields.next() {
        if number == *first
            && let Value::Bytes(bytes) = value
        {
            // Messages that are there twice are merged: what the second doesn't have, the first has.
            let inner = match rest {
                [] => std::str::from_utf8(bytes).ok(),
                rest => name_at(bytes, rest),
            };
            found = inner.or(found);
        }
    }
    found
}

/// Where the names stand that a method works with; the one that its project is known by first.
fn places(method: Method) -> &'static [(Option<ResourceType>, Place)] {
    use Method::*;
    use ResourceType::{Project, Schema, Snapshot, Subscription, Topic};
    match method {
        CreateTopic => &[(Some(Topic), &[1]), (Some(Schema), &[6, 1])],
        UpdateTopic => &[(Some(Topic), &[1, 1]), (Some(Schema), &[1, 6, 1])],
        Publish | GetTopic | ListTopicSubscriptions | ListTopicSnapshots | DeleteTopic => {
            &[(Some(Topic), &[1])]
        }
        ListTopics | ListSubscriptions | ListSnapshots | ListSchemas => &[(Some(Project), &[1])],
        CreateSubscription => &[(Some(Subscription), &[1]), (Some(Topic), &[2])],
        UpdateSubscription => &[(Some(Subscription), &[1, 1])],
        DetachSubscription | GetSubscription | DeleteSubscription | ModifyAckDeadline
        | Acknowledge | Pull | StreamingPull | ModifyPushConfig => &[(Some(Subscription), &[1])],
        GetSnapshot | DeleteSnapshot => &[(Some(Snapshot), &[1])],
        CreateSnapshot => &[(Some(Snapshot), &[1]), (Some(Subscription), &[2])],
        UpdateSnapshot => &[(Some(Snapshot), &[1, 1])],
        Seek => &[(Some(Subscription), &[1]), (Some(Snapshot), &[3])],
        CreateSchema | ValidateSchema => &[(Some(Project), &[1])],
        GetSchema | ListSchemaRevisions | CommitSchema | RollbackSchema | DeleteSchemaRevision
        | DeleteSchema => &[(Some(Schema), &[1])],
        ValidateMessage => &[(Some(Project), &[1]), (Some(Schema), &[2])],
        SetIamPolicy | GetIamPolicy | TestIamPermissions => &[(None, &[1])],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pubsub::proto::{
        PublishRequest, PubsubMessage, SchemaSettings, Subscription, Topic, UpdateTopicRequest,
    };
    use prost::Message;

    #[test]
    fn what_messages_say_is_no_name() {
        let request = PublishRequest {
            topic: "projects/p/topics/closed".to_owned(),
            messages: vec![PubsubMessage {
                data: b"projects/p/topics/open".to_vec().into(),
                ..PubsubMessage::default()
            }],
        };
        let mut bytes = Vec::new();
        // Messages first, which is as good an encoding.
        for message in &request.messages {
            prost::encoding::message::encode(2, message, &mut bytes);
        }
        prost::encoding::string::encode(1, &request.topic, &mut bytes);
        assert_eq!(PublishRequest::decode(&bytes[..]).unwrap(), request);
        let subjects = Subjects::of(Method::Publish, &bytes);
        assert_eq!(
            subjects.of_kind(ResourceType::Topic),
            Some("projects/p/topics/closed")
        );
        assert_eq!(subjects.project(), Some("projects/p"));
    }

    #[test]
    fn of_names_that_are_there_twice_the_last_counts_as_for_the_decoder() {
        let topic = |name: &str| Topic {
            name: name.to_owned(),
            ..Topic::default()
        };
        let mut bytes = Vec::new();
        let schema = SchemaSettings {
            schema: "projects/p/schemas/s".to_owned(),
            ..SchemaSettings::default()
        };
        let first = Topic {
            schema_settings: Some(schema),
            ..topic("projects/p/topics/first")
        };
        prost::encoding::message::encode(1, &first, &mut bytes);
        prost::encoding::message::encode(1, &topic("projects/p/topics/second"), &mut bytes);
        let decoded = UpdateTopicRequest::decode(&bytes[..])
            .unwrap()
            .topic
            .unwrap();
        let subjects = Subjects::of(Method::UpdateTopic, &bytes);
        assert_eq!(
            subjects.of_kind(ResourceType::Topic),
            Some(decoded.name.as_str())
        );
        let schema = decoded.schema_settings.map(|settings| settings.schema);
        assert_eq!(subjects.of_kind(ResourceType::Schema), schema.as_deref());
    }

    #[test]
    fn a_subscription_may_be_to_a_topic_of_another_project() {
        let request = Subscription {
            name: "projects/a/subscriptions/s".to_owned(),
            topic: "projects/b/topics/t".to_owned(),
            ..Subscription::default()
        };
        let bytes = request.encode_to_vec();
        let subjects = Subjects::of(Method::CreateSubscription, &bytes);
        assert_eq!(subjects.project(), Some("projects/a"));
        assert_eq!(
            subjects.of_kind(ResourceType::Topic),
            Some("projects/b/topics/t")
        );
        // One without a name is put where its topic is.
        let unnamed = Subscription {
            name: String::new(),
            ..request
        };
        let bytes = unnamed.encode_to_vec();
        let subjects = Subjects::of(Method::CreateSubscription, &bytes);
        assert_eq!(subjects.project(), Some("projects/b"));
    }
}
