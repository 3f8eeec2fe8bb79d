//! What can be asked: every action and method of the dialects, numbered.

use crate::proto::google::iam::v1::iam_policy;
use crate::pubsub::{publisher, schema_service, subscriber};
use crate::sqs::Action;

/// A dialect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialect {
    /// Amazon SQS.
    Sqs,
    /// Google Cloud Pub/Sub.
    Pubsub,
}

impl Dialect {
    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqs => "sqs",
            Self::Pubsub => "pubsub",
        }
    }
}

/// How a request comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Wire {
    /// SQS' JSON protocol.
    Json = 0,
    /// SQS' query protocol.
    Query = 1,
    /// Pub/Sub's gRPC.
    Grpc = 2,
    /// Pub/Sub's REST.
    Rest = 3,
}

impl Wire {
    /// How many each dialect has.
    pub const OF_A_DIALECT: usize = 2;

    /// Those of a dialect, in order of their index.
    pub fn of(dialect: Dialect) -> [Self; Self::OF_A_DIALECT] {
        match dialect {
            Dialect::Sqs => [Self::Json, Self::Query],
            Dialect::Pubsub => [Self::Grpc, Self::Rest],
        }
    }

    /// From 0 to [`Wire::OF_A_DIALECT`], exclusive.
    #[inline]
    pub fn index(self) -> usize {
        self as usize % Self::OF_A_DIALECT
    }

    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Query => "query",
            Self::Grpc => "grpc",
            Self::Rest => "rest",
        }
    }
}

/// An action or a method, or what was none. Its number is of this process only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Operation(u16);

const SQS: usize = 0;
const SQS_UNKNOWN: usize = SQS + Action::ALL.len();
const PUBLISHER: usize = SQS_UNKNOWN + 1;
const SUBSCRIBER: usize = PUBLISHER + publisher::Method::ALL.len();
const SCHEMAS: usize = SUBSCRIBER + subscriber::Method::ALL.len();
const IAM: usize = SCHEMAS + schema_service::Method::ALL.len();
const PUBSUB_UNKNOWN: usize = IAM + iam_policy::Method::ALL.len();
const COUNT: usize = PUBSUB_UNKNOWN + 1;

/// Actions that change queues.
const SQS_CHANGES: [&str; 10] = [
    "AddPermission",
    "CancelMessageMoveTask",
    "CreateQueue",
    "DeleteQueue",
    "PurgeQueue",
    "RemovePermission",
    "SetQueueAttributes",
    "StartMessageMoveTask",
    "TagQueue",
    "UntagQueue",
];

/// How the names of methods begin that change topics, subscriptions, snapshots and schemas.
const PUBSUB_CHANGES: [&str; 9] = [
    "Commit",
    "Create",
    "Delete",
    "Detach",
    "ModifyPush",
    "Rollback",
    "Seek",
    "Set",
    "Update",
];

impl Operation {
    /// A request to SQS that names no action.
    pub const SQS_UNKNOWN: Self = Self(SQS_UNKNOWN as u16);
    /// A request to Pub/Sub that names no method.
    pub const PUBSUB_UNKNOWN: Self = Self(PUBSUB_UNKNOWN as u16);

    /// An action of SQS.
    #[inline]
    pub fn sqs(action: Action) -> Self {
        Self((SQS + action as usize) as u16)
    }

    /// A method of Pub/Sub's publisher.
    #[inline]
    pub fn publisher(method: publisher::Method) -> Self {
        Self((PUBLISHER + method as usize) as u16)
    }

    /// A method of Pub/Sub's subscriber.
    #[inline]
    pub fn subscriber(method: subscriber::Method) -> Self {
        Self((SUBSCRIBER + method as usize) as u16)
    }

    /// A method of Pub/Sub's schema service.
    pub fn schemas(method: schema_service::Method) -> Self {
        Self((SCHEMAS + method as usize) as u16)
    }

    /// A method about access policies.
    pub fn iam(method: iam_policy::Method) -> Self {
        Self((IAM + method as usize) as u16)
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..COUNT as u16).map(Self)
    }

    /// How many there are.
    pub const fn count() -> usize {
        COUNT
    }

    /// From 0 to [`Operation::count`], exclusive.
    #[inline]
    pub fn index(self) -> usize {
        self.0.into()
    }

    /// Whose it is.
    pub fn dialect(self) -> Dialect {
        if self.index() < PUBLISHER {
            Dialect::Sqs
        } else {
            Dialect::Pubsub
        }
    }

    /// Whether it makes, changes, empties or takes away resources, rather than work with their messages.
    pub fn changes_resources(self) -> bool {
        let name = self.name();
        match self.dialect() {
            Dialect::Sqs => SQS_CHANGES.contains(&name),
            Dialect::Pubsub => PUBSUB_CHANGES.iter().any(|verb| name.starts_with(verb)),
        }
    }

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self.index() {
            SQS_UNKNOWN | PUBSUB_UNKNOWN => "unknown",
            at if at < SQS_UNKNOWN => Action::ALL[at - SQS].name(),
            at if at < SUBSCRIBER => publisher::Method::ALL[at - PUBLISHER].name(),
            at if at < SCHEMAS => subscriber::Method::ALL[at - SUBSCRIBER].name(),
            at if at < IAM => schema_service::Method::ALL[at - SCHEMAS].name(),
            at => iam_policy::Method::ALL[at - IAM].name(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_a_name_of_its_own_in_its_dialect() {
        let mut names: Vec<_> = Operation::all()
            .map(|operation| (operation.dialect().name(), operation.name()))
            .collect();
        assert_eq!(names.len(), Operation::count());
        assert!(names.contains(&("sqs", "SendMessage")) && names.contains(&("pubsub", "Publish")));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Operation::count(), "{names:?}");
        let publish = Operation::publisher(publisher::Method::Publish);
        assert_eq!(
            (publish.dialect(), publish.name()),
            (Dialect::Pubsub, "Publish")
        );
        assert_eq!(Operation::sqs(Action::SendMessage).name(), "SendMessage");
    }

    #[test]
    fn what_works_with_messages_changes_no_resource() {
        let unchanging: Vec<_> = Operation::all()
            .filter(|operation| !operation.changes_resources())
            .map(Operation::name)
            .collect();
        let wanted = [
            "ChangeMessageVisibility",
            "DeleteMessage",
            "GetQueueUrl",
            "ListQueues",
            "ReceiveMessage",
            "SendMessageBatch",
            "Publish",
            "Pull",
            "StreamingPull",
            "Acknowledge",
            "ModifyAckDeadline",
            "ValidateMessage",
            "TestIamPermissions",
            "GetTopic",
            "ListSnapshots",
        ];
        for name in wanted {
            assert!(unchanging.contains(&name), "{name}");
        }
        for name in [
            "DeleteQueue",
            "ModifyPushConfig",
            "SetIamPolicy",
            "Seek",
            "DeleteSchema",
        ] {
            assert!(!unchanging.contains(&name), "{name}");
        }
    }
}
