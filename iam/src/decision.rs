//! The decision: what a project's policy and that of a resource in it come to together.
//!
//! A resource has its own policy and what its project's has:
//! <https://docs.cloud.google.com/iam/docs/allow-policies>. A binding of either that applies is enough,
//! and none takes away what another gives.

use crate::permissions::{Permission, Permissions};
use crate::policy::{Grant, Policy};
use crate::request::Request;
use crate::scope::Scope;
use std::fmt;

/// What comes of a request, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decision<'p> {
    /// Whether the permission is there.
    pub allowed: bool,
    /// Why.
    pub because: Because<'p>,
}

/// Why a decision is as it is. Its `Display` says so in a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Because<'p> {
    /// The binding gives it.
    Binding(Cause<'p>),
    /// The binding would give it, but its condition doesn't hold or can't be evaluated; and nothing
    /// else gives it.
    Condition(Cause<'p>),
    /// No binding gives it.
    Nothing,
}

/// A binding of one of the policies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cause<'p> {
    /// The policy.
    pub source: Source,
    /// The binding's place in it, from 0.
    pub binding: usize,
    /// Its role.
    pub role: &'p str,
    /// The first of its members that stands for who asks; of bindings that have none, nothing.
    pub member: &'p str,
    /// The title of its condition; nothing where that has none.
    pub condition: Option<&'p str>,
}

/// One of the policies that were asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// The project's.
    Project,
    /// The resource's own.
    Resource,
}

/// What keeps a binding from applying: the first of these that does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Miss<'p> {
    /// Its role hasn't what is asked for.
    Role,
    /// Its members aren't who asks.
    Members,
    /// Its condition doesn't hold for the member.
    Condition(&'p str),
}

/// Decides whether who asks has a permission on a resource, by the resource's policy and its project's.
///
/// # Examples
///
/// ```
/// use lclq_iam::{
///     Level, Member, MemberKind, Permission, Policy, Request, ResourceType, Roles, Source, decide,
/// };
/// use std::time::SystemTime;
///
/// let policy = Policy::parse(
///     r#"{"bindings": [{"role": "roles/pubsub.publisher", "members": ["user:ann@example.com"]}]}"#,
///     Level::Resource,
///     &Roles::new(),
/// )?;
/// let ann = Member {
///     kind: MemberKind::User,
///     id: "ann@example.com",
///     groups: &[],
/// };
/// let request = Request {
///     member: Some(&ann),
///     resource_name: Some("projects/p/topics/orders"),
///     resource_type: Some(ResourceType::Topic),
///     time: SystemTime::now(),
/// };
/// let policies = [(Source::Resource, &policy)];
/// let decision = decide(&policies, Permission::TopicsPublish, &request);
/// assert!(decision.allowed);
/// assert_eq!(
///     decision.because.to_string(),
///     "the resource's policy, binding 0 (roles/pubsub.publisher for user:ann@example.com)"
/// );
/// assert!(!decide(&policies, Permission::TopicsDelete, &request).allowed);
/// # Ok::<(), lclq_iam::PolicyError>(())
/// ```
pub fn decide<'p>(
    policies: &[(Source, &'p Policy)],
    permission: Permission,
    request: &Request<'_>,
) -> Decision<'p> {
    let scope = Scope::new(request);
    let mut kept = None;
    for (source, grant) in grants(policies) {
        match grant.examine(permission.into(), &scope) {
            Ok(member) => {
                return Decision {
                    allowed: true,
                    because: Because::Binding(grant.cause(source, member)),
                };
            }
            Err(Miss::Condition(member)) => {
                kept.get_or_insert_with(|| grant.cause(source, member));
            }
            Err(_) => {}
        }
    }
    Decision {
        allowed: false,
        because: kept.map_or(Because::Nothing, Because::Condition),
    }
}

/// Those of the permissions asked for that are there, which is what TestIamPermissions answers.
///
/// # Examples
///
/// ```
/// use lclq_iam::{Level, Permission, Permissions, Policy, Request, Roles, Source, permitted};
/// use std::time::SystemTime;
///
/// let policy = Policy::parse(
///     r#"{"bindings": [{"role": "roles/pubsub.publisher", "members": ["allUsers"]}]}"#,
///     Level::Resource,
///     &Roles::new(),
/// )?;
/// let asked = Permissions::of(&[Permission::TopicsPublish, Permission::TopicsGet]);
/// let request = Request {
///     member: None,
///     resource_name: None,
///     resource_type: None,
///     time: SystemTime::now(),
/// };
/// let has = permitted(&[(Source::Resource, &policy)], asked, &request);
/// assert_eq!(has, Permission::TopicsPublish.into());
/// # Ok::<(), lclq_iam::PolicyError>(())
/// ```
pub fn permitted(
    policies: &[(Source, &Policy)],
    asked: Permissions,
    request: &Request<'_>,
) -> Permissions {
    let scope = Scope::new(request);
    let mut has = Permissions::NONE;
    for (_, grant) in grants(policies) {
        let missing = asked.without(has);
        if missing.is_empty() {
            break;
        }
        if grant.examine(missing, &scope).is_ok() {
            has = has.with(grant.permissions.common(missing));
        }
    }
    has
}

/// All bindings, in the order in which they are asked.
pub(crate) fn grants<'p, 'a>(
    policies: &'a [(Source, &'p Policy)],
) -> impl Iterator<Item = (Source, &'p Grant)> + use<'p, 'a> {
    let all = policies.iter().copied();
    all.flat_map(|(source, policy)| policy.grants.iter().map(move |grant| (source, grant)))
}

impl Grant {
    /// The member by whom some of the permissions are given.
    pub(crate) fn examine(&self, asked: Permissions, scope: &Scope<'_>) -> Result<&str, Miss<'_>> {
        if self.permissions.common(asked).is_empty() {
            return Err(Miss::Role);
        }
        let mut members = self.members.iter();
        let named = members.find(|(_, name)| name.names(scope.request.member));
        let Some((member, _)) = named else {
            return Err(Miss::Members);
        };
        match &self.condition {
            Some(rule) if rule.expression.holds(scope) != Some(true) => {
                Err(Miss::Condition(member))
            }
            _ => Ok(member),
        }
    }

    pub(crate) fn cause<'p>(&'p self, source: Source, member: &'p str) -> Cause<'p> {
        Cause {
            source,
            binding: self.place,
            role: &self.role,
            member,
            condition: self.condition.as_ref().map(|rule| &*rule.title),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Project => "the project's policy",
            Self::Resource => "the resource's policy",
        })
    }
}

impl fmt::Display for Cause<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            to,
            "{}, binding {} ({}",
            self.source, self.binding, self.role
        )?;
        if !self.member.is_empty() {
            write!(to, " for {}", self.member)?;
        }
        match self.condition {
            None => {}
            Some("") => to.write_str(" under a condition")?,
            Some(title) => write!(to, " under {title:?}")?,
        }
        to.write_str(")")
    }
}

impl fmt::Display for Because<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Binding(cause) => write!(to, "{cause}"),
            Self::Condition(cause) => write!(to, "{cause} would allow it, but for its condition"),
            Self::Nothing => to.write_str("no binding allows it"),
        }
    }
}

impl fmt::Display for Decision<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = if self.allowed { "allowed" } else { "denied" };
        write!(to, "{outcome}: {}", self.because)
    }
}
