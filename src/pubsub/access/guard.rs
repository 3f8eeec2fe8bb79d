//! Whether who asks may do what it asks for: by the policies of projects, which the file of credentials
//! has, and by those that resources were given.

use super::super::core::Pubsub;
use super::super::error::{PubsubResult, permission_denied};
use super::super::names;
use super::super::proto::Subscription;
use super::super::proto::iam::Policy as Given;
use super::super::service::shard_kind;
use super::acting::Acting;
use super::subjects::{Subjects, kind_of, project_of};
use crate::bearer::{Identity, IdentityKind};
use crate::credentials::{Credentials, IamSettings};
use crate::interceptors::{About, Refusal};
use crate::mesh::{Definition, Directory, Mesh, Stamp};
use crate::observe::Dialect;
use lclq_iam::{
    Because, Binding, Condition, Level, Member, MemberKind, Method, Permission, Permissions,
    Policy, PolicyError, Request, ResourceType, Roles, Source, When, decide, permitted,
};
use lclq_shards::{NameBucket, NameSpace};
use prost::Message;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

/// One core's view of all policies.
pub struct Guard {
    credentials: Credentials,
    /// With the version of the file that they were read of.
    settings: RefCell<(u64, Arc<IamSettings>)>,
    policies: Directory<Box<str>, Guarded>,
}

/// What decisions about a resource take.
struct Guarded {
    stamp: Stamp,
    bytes: usize,
    /// Of the settings whose roles it was read by.
    version: u64,
    /// None where it has none, or one that can't be read, which then gives nothing.
    policy: Option<Policy>,
    /// Of a subscription: its topic.
    topic: Option<Box<str>>,
}

impl Definition for Guarded {
    fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn is_checked_by_its_shard(&self) -> bool {
        false
    }
}

impl Guard {
    /// `None` where the file has no policies: then whoever is let in may do everything.
    pub fn new(mesh: &Mesh, credentials: Credentials) -> Self {
        let settings = credentials.iam();
        Self {
            credentials,
            settings: RefCell::new(settings),
            policies: Directory::new(mesh),
        }
    }

    fn settings(&self) -> (u64, Arc<IamSettings>) {
        let version = self.credentials.iam_version();
        let mut settings = self.settings.borrow_mut();
        if settings.0 != version {
            *settings = self.credentials.iam();
        }
        settings.clone()
    }

    /// Whether there are any policies to decide by.
    fn decides(&self) -> Option<(u64, Arc<IamSettings>)> {
        let settings = self.settings();
        settings.1.has_policies().then_some(settings)
    }

    /// Refuses what a call may not do.
    pub async fn check(
        &self,
        pubsub: &Pubsub,
        acting: &Acting,
        method: Method,
        request: &[u8],
    ) -> PubsubResult<()> {
        let (Some(settings), Some(identity)) = (self.decides(), &acting.identity) else {
            return Ok(());
        };
        let subjects = Subjects::of(method, request);
        for need in method.needs() {
            let detached;
            let name = match (method, need.on) {
                (_, ResourceType::Project) => subjects.project(),
                (Method::DetachSubscription, ResourceType::Topic) => {
                    let name = subjects.of_kind(ResourceType::Subscription);
                    detached = match name {
                        Some(name) => self.guarded(pubsub, &settings, name).await?,
                        None => None,
                    };
                    let topic = detached
                        .as_ref()
                        .and_then(|guarded| guarded.topic.as_deref());
                    // What isn't there any more is looked for in the project.
                    topic.or(name)
                }
                (_, kind) => subjects.of_kind(kind),
            };
            let Some(name) = name else {
                match need.when {
                    When::Named => continue,
                    // The method itself says what is wrong with its names.
                    When::Always => return Ok(()),
                }
            };
            self.need(
                pubsub,
                acting,
                identity,
                &settings,
                need.permission,
                name,
                method,
            )
            .await?;
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments, reason = "what a decision takes, once")]
    async fn need(
        &self,
        pubsub: &Pubsub,
        acting: &Acting,
        identity: &Identity,
        settings: &(u64, Arc<IamSettings>),
        permission: Permission,
        name: &str,
        method: Method,
    ) -> PubsubResult<()> {
        let guarded = self.guarded(pubsub, settings, name).await?;
        let id = member_id(identity);
        let member = member(identity, &id);
        let request = request_of(&member, name);
        let policies = policies(&settings.1, guarded.as_deref(), name);
        let decision = decide(&policies, permission, &request);
        if decision.allowed {
            return Ok(());
        }
        denied(acting, permission, name, method, &decision.because)
    }

    /// Which of some permissions the caller has on a resource.
    pub async fn permitted(
        &self,
        pubsub: &Pubsub,
        acting: &Acting,
        name: &str,
        asked: Vec<String>,
    ) -> PubsubResult<Vec<String>> {
        let (Some(settings), Some(identity)) = (self.decides(), &acting.identity) else {
            return Ok(asked);
        };
        let guarded = self.guarded(pubsub, &settings, name).await?;
        let known = asked.iter().filter_map(|name| Permission::parse(name));
        let wanted = known.fold(Permissions::NONE, |set, one| set.with(one.into()));
        let id = member_id(identity);
        let member = member(identity, &id);
        let request = request_of(&member, name);
        let has = permitted(
            &policies(&settings.1, guarded.as_deref(), name),
            wanted,
            &request,
        );
        let is_there = |name: &String| Permission::parse(name).is_some_and(|one| has.has(one));
        Ok(asked.into_iter().filter(is_there).collect())
    }

    /// Checks a policy that a resource is to be given.
    pub fn check_policy(&self, given: &Given) -> Result<(), PolicyError> {
        match self.decides() {
            Some((_, settings)) => read(given, &settings.roles).map(drop),
            None => Ok(()),
        }
    }

    /// What decisions about a resource take, if it is there.
    async fn guarded(
        &self,
        pubsub: &Pubsub,
        settings: &(u64, Arc<IamSettings>),
        name: &str,
    ) -> PubsubResult<Option<Rc<Guarded>>> {
        let Ok((kind, parsed)) = names::parse_any(name) else {
            return Ok(None);
        };
        if let Some(guarded) = self.policies.get(name)
            && guarded.version == settings.0
        {
            return Ok(Some(guarded));
        }
        let kind = shard_kind(kind);
        let bucket = NameBucket::of(NameSpace::from(kind), parsed.full);
        let find = async |stamp| {
            let found = pubsub.find(kind, name).await.map_err(Missing::Error)?;
            let resource = found.ok_or(Missing::Nothing)?;
            let given = Given::decode(&*resource.policy).unwrap_or_default();
            let policy = read(&given, &settings.1.roles);
            let policy = policy.inspect_err(|error| {
                tracing::warn!(name, %error, "a resource's policy can't be read: it gives nothing");
            });
            let topic = match kind {
                lclq_shards::pubsub::command::Kind::Subscription => {
                    let subscription = Subscription::decode(&*resource.spec);
                    subscription
                        .ok()
                        .map(|subscription| subscription.topic.into())
                }
                _ => None,
            };
            Ok(Guarded {
                stamp,
                bytes: size_of::<Guarded>() + name.len() + 2 * resource.policy.len(),
                version: settings.0,
                policy: policy.ok(),
                topic,
            })
        };
        match self.policies.find(name, name.len(), bucket, find).await {
            Ok(guarded) => Ok(Some(guarded)),
            Err(Missing::Nothing) => Ok(None),
            Err(Missing::Error(error)) => Err(error),
        }
    }
}

/// Why there is nothing to know of a resource.
enum Missing {
    Nothing,
    Error(super::super::error::PubsubError),
}

fn read(given: &Given, roles: &Roles) -> Result<Policy, PolicyError> {
    let bindings: Vec<Binding<'_>> = given
        .bindings
        .iter()
        .map(|binding| Binding {
            role: &binding.role,
            members: &binding.members,
            condition: binding.condition.as_ref().map(|condition| Condition {
                title: &condition.title,
                description: &condition.description,
                expression: &condition.expression,
            }),
        })
        .collect();
    Policy::new(given.version, &bindings, Level::Resource, roles)
}

fn policies<'p>(
    settings: &'p IamSettings,
    guarded: Option<&'p Guarded>,
    name: &str,
) -> Vec<(Source, &'p Policy)> {
    let project = project_of(name).and_then(|project| project.strip_prefix("projects/"));
    let of_project = settings.of_project(project.unwrap_or_default());
    let mut policies: Vec<_> = of_project.map(|policy| (Source::Project, policy)).collect();
    if let Some(policy) = guarded.and_then(|guarded| guarded.policy.as_ref()) {
        policies.push((Source::Resource, policy));
    }
    policies
}

fn request_of<'r>(member: &'r Member<'r>, name: &'r str) -> Request<'r> {
    Request {
        member: Some(member),
        resource_name: Some(name),
        resource_type: Some(kind_of(name).unwrap_or(ResourceType::Project)),
        time: SystemTime::now(),
    }
}

/// As bindings name somebody whom an issuer calls by something else than an e-mail address.
fn member_id(identity: &Identity) -> String {
    match &identity.kind {
        IdentityKind::External {
            issuer,
            is_email: false,
        } => {
            let issuer = issuer.split_once("://").map_or(&**issuer, |(_, rest)| rest);
            let pool = issuer.trim_end_matches('/').replace(['/', ':'], "-");
            format!(
                "principal://iam.googleapis.com/locations/global/workforcePools/{pool}/subject/{}",
                identity.text
            )
        }
        _ => identity.text.to_string(),
    }
}

fn member<'m>(identity: &Identity, id: &'m str) -> Member<'m> {
    Member {
        kind: match identity.kind {
            IdentityKind::ServiceAccount => MemberKind::ServiceAccount,
            IdentityKind::External { is_email: true, .. } => MemberKind::User,
            IdentityKind::External {
                is_email: false, ..
            } => MemberKind::Federated,
        },
        id,
        groups: &[],
    }
}

#[cold]
fn denied(
    acting: &Acting,
    permission: Permission,
    name: &str,
    method: Method,
    because: &Because<'_>,
) -> PubsubResult<()> {
    let reason = format!("{}: {because}", permission.name());
    acting.interceptors.refused(&Refusal {
        dialect: Some(Dialect::Pubsub),
        about: About::Authorization,
        enforced: acting.enforced,
        who: acting.name(),
        peer: acting.address(),
        operation: method.name().rsplit('.').next().unwrap_or_default(),
        resource: name,
        reason: &reason,
    });
    match acting.enforced {
        true => Err(permission_denied()),
        false => Ok(()),
    }
}
