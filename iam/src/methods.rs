//! Methods of the API: which permissions each needs, and on what.
//!
//! From <https://docs.cloud.google.com/pubsub/docs/access-control> where nothing else is said. What
//! that page has no row for is from <https://docs.cloud.google.com/pubsub/docs/audit-logging>, marked
//! `audit`, or from memory, marked so.

use crate::permissions::Permission::{self, *};
use crate::request::ResourceType::{self, *};

/// A permission that a method needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Need {
    /// The permission.
    pub permission: Permission,
    /// On what: the project that the request's resource is in or is to be in, or the resource of that
    /// type that the request is about. Of a subscription that is to be detached, the topic is the one
    /// that it is attached to.
    pub on: ResourceType,
    /// When it is needed.
    pub when: When,
}

/// When a permission is needed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// For each request.
    Always,
    /// For requests that name a resource of that type.
    Named,
}

const fn always(permission: Permission, on: ResourceType) -> Need {
    let when = When::Always;
    Need {
        permission,
        on,
        when,
    }
}

const fn named(permission: Permission, on: ResourceType) -> Need {
    let when = When::Named;
    Need {
        permission,
        on,
        when,
    }
}

macro_rules! methods {
    ($($method:ident $name:literal [$($need:expr),*])*) => {
        /// A method of the API.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Method {
            $(#[doc = concat!("`", $name, "`")] $method,)*
        }

        impl Method {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$method,)*];

            /// Its name, such as `google.pubsub.v1.Publisher.Publish`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$method => $name,)*
                }
            }

            /// The method of a service, such as `google.pubsub.v1.Publisher` and `Publish`.
            pub fn of(service: &str, method: &str) -> Option<Self> {
                let is = |name: &&Self| {
                    let rest = name.name().strip_suffix(method);
                    rest.and_then(|rest| rest.strip_suffix('.')) == Some(service)
                };
                Self::ALL.iter().find(is).copied()
            }

            /// The permissions that it needs, all of them.
            pub const fn needs(self) -> &'static [Need] {
                match self {
                    $(Self::$method => const { &[$($need),*] },)*
                }
            }
        }
    };
}

methods! {
    // That naming a schema needs `pubsub.schemas.attach` on it is from memory.
    CreateTopic "google.pubsub.v1.Publisher.CreateTopic"
        [always(TopicsCreate, Project), named(SchemasAttach, Schema)]
    UpdateTopic "google.pubsub.v1.Publisher.UpdateTopic"
        [always(TopicsUpdate, Topic), named(SchemasAttach, Schema)]
    Publish "google.pubsub.v1.Publisher.Publish" [always(TopicsPublish, Topic)]
    GetTopic "google.pubsub.v1.Publisher.GetTopic" [always(TopicsGet, Topic)]
    ListTopics "google.pubsub.v1.Publisher.ListTopics" [always(TopicsList, Project)]
    // audit
    ListTopicSubscriptions "google.pubsub.v1.Publisher.ListTopicSubscriptions"
        [always(TopicsGet, Topic)]
    // audit
    ListTopicSnapshots "google.pubsub.v1.Publisher.ListTopicSnapshots" [always(TopicsGet, Topic)]
    DeleteTopic "google.pubsub.v1.Publisher.DeleteTopic" [always(TopicsDelete, Topic)]
    DetachSubscription "google.pubsub.v1.Publisher.DetachSubscription"
        [always(TopicsDetachSubscription, Topic)]

    CreateSubscription "google.pubsub.v1.Subscriber.CreateSubscription"
        [always(SubscriptionsCreate, Project), always(TopicsAttachSubscription, Topic)]
    GetSubscription "google.pubsub.v1.Subscriber.GetSubscription"
        [always(SubscriptionsGet, Subscription)]
    UpdateSubscription "google.pubsub.v1.Subscriber.UpdateSubscription"
        [always(SubscriptionsUpdate, Subscription)]
    ListSubscriptions "google.pubsub.v1.Subscriber.ListSubscriptions"
        [always(SubscriptionsList, Project)]
    DeleteSubscription "google.pubsub.v1.Subscriber.DeleteSubscription"
        [always(SubscriptionsDelete, Subscription)]
    ModifyAckDeadline "google.pubsub.v1.Subscriber.ModifyAckDeadline"
        [always(SubscriptionsConsume, Subscription)]
    Acknowledge "google.pubsub.v1.Subscriber.Acknowledge"
        [always(SubscriptionsConsume, Subscription)]
    Pull "google.pubsub.v1.Subscriber.Pull" [always(SubscriptionsConsume, Subscription)]
    // From memory: the page has REST's methods, and this isn't one. As Pull.
    StreamingPull "google.pubsub.v1.Subscriber.StreamingPull"
        [always(SubscriptionsConsume, Subscription)]
    ModifyPushConfig "google.pubsub.v1.Subscriber.ModifyPushConfig"
        [always(SubscriptionsUpdate, Subscription)]
    // audit
    GetSnapshot "google.pubsub.v1.Subscriber.GetSnapshot" [always(SnapshotsGet, Snapshot)]
    ListSnapshots "google.pubsub.v1.Subscriber.ListSnapshots" [always(SnapshotsList, Project)]
    CreateSnapshot "google.pubsub.v1.Subscriber.CreateSnapshot"
        [always(SnapshotsCreate, Project), always(SubscriptionsConsume, Subscription)]
    UpdateSnapshot "google.pubsub.v1.Subscriber.UpdateSnapshot"
        [always(SnapshotsUpdate, Snapshot)]
    DeleteSnapshot "google.pubsub.v1.Subscriber.DeleteSnapshot"
        [always(SnapshotsDelete, Snapshot)]
    Seek "google.pubsub.v1.Subscriber.Seek"
        [always(SubscriptionsConsume, Subscription), named(SnapshotsSeek, Snapshot)]

    CreateSchema "google.pubsub.v1.SchemaService.CreateSchema" [always(SchemasCreate, Project)]
    GetSchema "google.pubsub.v1.SchemaService.GetSchema" [always(SchemasGet, Schema)]
    ListSchemas "google.pubsub.v1.SchemaService.ListSchemas" [always(SchemasList, Project)]
    ListSchemaRevisions "google.pubsub.v1.SchemaService.ListSchemaRevisions"
        [always(SchemasListRevisions, Schema)]
    CommitSchema "google.pubsub.v1.SchemaService.CommitSchema" [always(SchemasCommit, Schema)]
    RollbackSchema "google.pubsub.v1.SchemaService.RollbackSchema"
        [always(SchemasRollback, Schema)]
    DeleteSchemaRevision "google.pubsub.v1.SchemaService.DeleteSchemaRevision"
        [always(SchemasDelete, Schema)]
    DeleteSchema "google.pubsub.v1.SchemaService.DeleteSchema" [always(SchemasDelete, Schema)]
    ValidateSchema "google.pubsub.v1.SchemaService.ValidateSchema"
        [always(SchemasValidate, Project)]
    // audit, for the schema that it may name
    ValidateMessage "google.pubsub.v1.SchemaService.ValidateMessage"
        [always(SchemasValidate, Project), named(SchemasGet, Schema)]

    SetIamPolicy "google.iam.v1.IAMPolicy.SetIamPolicy" [
        named(TopicsSetIamPolicy, Topic),
        named(SubscriptionsSetIamPolicy, Subscription),
        named(SnapshotsSetIamPolicy, Snapshot),
        named(SchemasSetIamPolicy, Schema)
    ]
    GetIamPolicy "google.iam.v1.IAMPolicy.GetIamPolicy" [
        named(TopicsGetIamPolicy, Topic),
        named(SubscriptionsGetIamPolicy, Subscription),
        named(SnapshotsGetIamPolicy, Snapshot),
        named(SchemasGetIamPolicy, Schema)
    ]
    TestIamPermissions "google.iam.v1.IAMPolicy.TestIamPermissions" []
}
