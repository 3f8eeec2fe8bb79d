//! What a policy is asked about: who wants something, of which resource, and when.

use std::fmt;
use std::time::SystemTime;

/// A request to decide about.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Who asks; `None` for a request with no credentials.
    pub member: Option<&'a Member<'a>>,
    /// Name of the resource, such as `projects/p/topics/t`: `resource.name` in conditions.
    ///
    /// Where it is `None`, what a condition says of it can't be evaluated, and so grants nothing.
    /// That is what
    /// <https://docs.cloud.google.com/iam/docs/conditions-attribute-reference> has for services that
    /// don't tell the name, and neither it nor
    /// <https://docs.cloud.google.com/iam/docs/conditions-resource-attributes> lists Pub/Sub among
    /// those that do.
    pub resource_name: Option<&'a str>,
    /// What the resource is: `resource.type` and `resource.service` in conditions. `None` as above.
    pub resource_type: Option<ResourceType>,
    /// When: `request.time` in conditions.
    pub time: SystemTime,
}

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Member<'a> {
    /// What kind it is of.
    pub kind: MemberKind,
    /// The address of a user or service account, such as `ann@example.com`; of a federated identity
    /// its whole identifier, `principal://...`.
    pub id: &'a str,
    /// Addresses of the groups that it is in, and `principalSet://...` identifiers of other sets. The
    /// set of all identities of its pool is known without.
    pub groups: &'a [&'a str],
}

/// Kinds of members.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemberKind {
    /// A Google account.
    User,
    /// A service account.
    ServiceAccount,
    /// An identity of a workforce or workload identity pool.
    Federated,
}

/// What a resource is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ResourceType {
    /// A project, which what is created and listed is in.
    Project,
    /// A topic.
    Topic,
    /// A subscription.
    Subscription,
    /// A snapshot.
    Snapshot,
    /// A schema.
    Schema,
}

impl ResourceType {
    /// As conditions have it in `resource.type`. A project's is documented in
    /// <https://docs.cloud.google.com/iam/docs/conditions-resource-attributes>; those of Pub/Sub are
    /// its asset types, since that page lists none for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Project => "cloudresourcemanager.googleapis.com/Project",
            Self::Topic => "pubsub.googleapis.com/Topic",
            Self::Subscription => "pubsub.googleapis.com/Subscription",
            Self::Snapshot => "pubsub.googleapis.com/Snapshot",
            Self::Schema => "pubsub.googleapis.com/Schema",
        }
    }

    /// As conditions have it in `resource.service`.
    pub const fn service(self) -> &'static str {
        match self {
            Self::Project => "cloudresourcemanager.googleapis.com",
            _ => "pubsub.googleapis.com",
        }
    }
}

impl fmt::Display for Member<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self.kind {
            MemberKind::User => "user:",
            MemberKind::ServiceAccount => "serviceAccount:",
            MemberKind::Federated => "",
        })?;
        to.write_str(self.id)
    }
}
