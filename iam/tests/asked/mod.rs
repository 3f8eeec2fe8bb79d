//! Requests as texts.

use lclq_iam::{Member, MemberKind, Request, ResourceType};
use serde::Deserialize;
use std::time::SystemTime;

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// As in policies, or `anonymous`.
    member: Option<String>,
    groups: Option<Vec<String>>,
    permission: Option<String>,
    /// A name, of which the type follows, or `unknown`.
    resource: Option<String>,
    time: Option<String>,
}

impl Asked {
    /// With what another says where this says nothing.
    pub fn or(&self, base: &Self) -> Self {
        let or = |own: &Option<String>, base: &Option<String>| own.clone().or(base.clone());
        Self {
            member: or(&self.member, &base.member),
            groups: self.groups.clone().or(base.groups.clone()),
            permission: or(&self.permission, &base.permission),
            resource: or(&self.resource, &base.resource),
            time: or(&self.time, &base.time),
        }
    }

    pub fn permission(&self) -> &str {
        self.permission
            .as_deref()
            .unwrap_or("pubsub.topics.publish")
    }

    pub fn ask(&self, with: impl FnOnce(&Request<'_>)) {
        let groups: Vec<_> = self.groups.iter().flatten().map(String::as_str).collect();
        let text = self.member.as_deref().expect("somebody asks");
        let (kind, id) = match text.split_once(':') {
            Some(("user", id)) => (MemberKind::User, id),
            Some(("serviceAccount", id)) => (MemberKind::ServiceAccount, id),
            _ => (MemberKind::Federated, text),
        };
        let groups = &groups;
        let member = Member { kind, id, groups };
        let name = self
            .resource
            .as_deref()
            .unwrap_or("projects/p/topics/orders");
        let known = name != "unknown";
        let time = self.time.as_deref().unwrap_or("2026-06-15T12:00:00Z");
        let time: jiff::Timestamp = time.parse().unwrap();
        let time = SystemTime::try_from(time).unwrap();
        with(&Request {
            member: (text != "anonymous").then_some(&member),
            resource_name: known.then_some(name),
            resource_type: known.then(|| type_of(name)),
            time,
        });
    }
}

fn type_of(name: &str) -> ResourceType {
    match name.split('/').nth(2) {
        None => ResourceType::Project,
        Some("topics") => ResourceType::Topic,
        Some("subscriptions") => ResourceType::Subscription,
        Some("snapshots") => ResourceType::Snapshot,
        Some(_) => ResourceType::Schema,
    }
}
