//! A policy: bindings of roles to members, some under a condition.
//!
//! Its rules are those of `google.iam.v1.Policy` in its discovery documents and of
//! <https://docs.cloud.google.com/iam/docs/allow-policies>; its bounds those of
//! <https://docs.cloud.google.com/iam/quotas> where nothing else is said.

use crate::condition::{Condition, Rule};
use crate::error::{PolicyError, quoted};
use crate::members::Name;
use crate::permissions::Permissions;
use crate::roles::{Roles, is_basic};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::{BTreeMap, BTreeSet};

/// Bytes of a policy's JSON. IAM's bound isn't known; this holds one with as many members as it takes.
pub const POLICY_BYTES_MAX: usize = 512 * 1024;

/// Bindings of a policy, each of which has a member.
pub const BINDINGS_MAX: usize = PRINCIPALS_MAX;

/// Members of all bindings together, each as often as it is there.
pub const PRINCIPALS_MAX: usize = 1_500;

/// Groups of all bindings together, each once, and domains, each as often as it is there.
pub const GROUPS_MAX: usize = 250;

/// Bindings of the same role to the same member under different conditions.
pub const CONDITIONS_OF_SAME_MAX: usize = 20;

/// Version of a policy that may have conditions.
const VERSION_WITH_CONDITIONS: i32 = 3;

/// A policy that has been read.
#[derive(Clone, Debug)]
pub struct Policy {
    pub(crate) grants: Box<[Grant]>,
}

/// What a policy is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    /// A project, in whose policy roles of other services are, too; they give nothing here.
    Project,
    /// A topic, subscription, snapshot or schema.
    Resource,
}

/// A binding of a policy.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    /// The role, such as `roles/pubsub.publisher`.
    pub role: &'a str,
    /// Whom it is given to, such as `user:ann@example.com`.
    pub members: &'a [String],
    /// Under which condition.
    pub condition: Option<Condition<'a>>,
}

/// A binding that has been read. Its place in the policy stays its own where those before it that had
/// no members are left out.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) place: usize,
    pub(crate) role: Box<str>,
    pub(crate) permissions: Permissions,
    /// With the texts that gave them.
    pub(crate) members: Box<[(Box<str>, Name)]>,
    pub(crate) condition: Option<Rule>,
}

impl Policy {
    /// Takes a policy apart and checks it. A version of 0 is as good as one of 1. Bindings without
    /// members are left out, as the service does, though its documentation forbids them.
    ///
    /// # Errors
    ///
    /// It names the member that isn't as it should be, and says what is allowed; or it is in the
    /// service's words where they are known.
    pub fn new(
        version: i32,
        bindings: &[Binding<'_>],
        level: Level,
        roles: &Roles,
    ) -> Result<Self, PolicyError> {
        if !matches!(version, 0 | 1 | VERSION_WITH_CONDITIONS) {
            let fault = format!("is {version}, allowed are 0, 1 and {VERSION_WITH_CONDITIONS}");
            return Err(PolicyError::member("version", fault));
        }
        check_counts(bindings)?;
        let mut grants = Vec::with_capacity(bindings.len());
        for (place, binding) in bindings.iter().enumerate() {
            let at = format!("bindings[{place}]");
            if binding.condition.is_some() && version != VERSION_WITH_CONDITIONS {
                let fault = format!("is for policies of version {VERSION_WITH_CONDITIONS} only");
                return Err(PolicyError::member(format!("{at}.condition"), fault));
            }
            let grant = Grant::read(place, &at, binding, level, roles)?;
            if !grant.members.is_empty() {
                grants.push(grant);
            }
        }
        check_groups(&grants)?;
        check_conditions(&grants)?;
        Ok(Self {
            grants: grants.into(),
        })
    }

    /// Reads a policy from JSON, as `gcloud ... get-iam-policy --format json` prints it.
    ///
    /// # Errors
    ///
    /// As those of [`Policy::new`], or it isn't such JSON.
    pub fn parse(json: &str, level: Level, roles: &Roles) -> Result<Self, PolicyError> {
        if json.len() > POLICY_BYTES_MAX {
            return Err(PolicyError::TooLong { bytes: json.len() });
        }
        let policy = serde_json::from_str(json);
        let policy: PolicyJson = policy.map_err(|error| PolicyError::NotJson(error.to_string()))?;
        let bindings: Vec<_> = policy.bindings.iter().map(BindingJson::parts).collect();
        Self::new(policy.version, &bindings, level, roles)
    }

    /// How many bindings it has.
    pub fn bindings(&self) -> usize {
        self.grants.len()
    }
}

impl Grant {
    fn read(
        place: usize,
        at: &str,
        binding: &Binding<'_>,
        level: Level,
        roles: &Roles,
    ) -> Result<Self, PolicyError> {
        let Some(permissions) = roles.permissions(binding.role, level) else {
            return Err(PolicyError::unknown_role(
                format!("{at}.role"),
                binding.role,
            ));
        };
        let mut members = Vec::with_capacity(binding.members.len());
        for (n, text) in binding.members.iter().enumerate() {
            let name = Name::read(text)
                .map_err(|fault| PolicyError::member(format!("{at}.members[{n}]"), fault))?;
            members.push((text.as_str().into(), name));
        }
        let condition = match &binding.condition {
            None => None,
            Some(condition) => {
                check_conditional(at, binding.role, &members)?;
                let rule = Rule::read(condition);
                let member = || format!("{at}.condition.expression");
                Some(rule.map_err(|fault| PolicyError::member(member(), fault))?)
            }
        };
        Ok(Self {
            place,
            role: binding.role.into(),
            permissions,
            members: members.into(),
            condition,
        })
    }
}

/// Basic roles, and everyone, are given with no condition only, by
/// <https://docs.cloud.google.com/iam/docs/conditions-overview>.
fn check_conditional(
    at: &str,
    role: &str,
    members: &[(Box<str>, Name)],
) -> Result<(), PolicyError> {
    if is_basic(role) {
        let member = format!("{at}.condition");
        return Err(PolicyError::ConditionOnBasicRole { member });
    }
    let all = |(_, name): &(_, Name)| matches!(name, Name::Everyone | Name::Authenticated);
    if let Some(n) = members.iter().position(all) {
        let fault = format!(
            "is {}, allowed with no condition only",
            quoted(&members[n].0)
        );
        return Err(PolicyError::member(format!("{at}.members[{n}]"), fault));
    }
    Ok(())
}

fn check_counts(bindings: &[Binding<'_>]) -> Result<(), PolicyError> {
    if bindings.len() > BINDINGS_MAX {
        let fault = format!("has {}, at most {BINDINGS_MAX} are allowed", bindings.len());
        return Err(PolicyError::member("bindings", fault));
    }
    let members: usize = bindings.iter().map(|binding| binding.members.len()).sum();
    if members > PRINCIPALS_MAX {
        let fault = format!("has {members} members, at most {PRINCIPALS_MAX} are allowed");
        return Err(PolicyError::member("bindings", fault));
    }
    Ok(())
}

fn check_groups(grants: &[Grant]) -> Result<(), PolicyError> {
    let (mut groups, mut domains) = (BTreeSet::new(), 0);
    for (_, name) in grants.iter().flat_map(|grant| &grant.members) {
        match name {
            Name::Group(id) => {
                groups.insert(id.to_ascii_lowercase());
            }
            Name::Domain(_) => domains += 1,
            _ => {}
        }
    }
    let both = groups.len() + domains;
    if both > GROUPS_MAX {
        let fault = format!("has {both} groups and domains, at most {GROUPS_MAX} are allowed");
        return Err(PolicyError::member("bindings", fault));
    }
    Ok(())
}

fn check_conditions(grants: &[Grant]) -> Result<(), PolicyError> {
    let mut conditions: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for grant in grants {
        let Some(rule) = &grant.condition else {
            continue;
        };
        for (member, _) in &grant.members {
            let of_same = conditions.entry((&grant.role, member)).or_default();
            of_same.insert(rule.expression.text());
            if of_same.len() > CONDITIONS_OF_SAME_MAX {
                let fault = format!(
                    "gives {} to {} under more than {CONDITIONS_OF_SAME_MAX} conditions",
                    quoted(&grant.role),
                    quoted(member)
                );
                return Err(PolicyError::member(
                    format!("bindings[{}]", grant.place),
                    fault,
                ));
            }
        }
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyJson {
    #[serde(default)]
    version: i32,
    #[serde(default)]
    bindings: Vec<BindingJson>,
    /// Of no consequence here, as the next.
    #[serde(rename = "etag")]
    _etag: Option<IgnoredAny>,
    #[serde(rename = "auditConfigs")]
    _audit_configs: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BindingJson {
    role: String,
    #[serde(default)]
    members: Vec<String>,
    condition: Option<ConditionJson>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConditionJson {
    #[serde(default)]
    title: String,
    #[serde(default)]
    description: String,
    expression: String,
    /// Where the expression comes from.
    #[serde(rename = "location")]
    _location: Option<IgnoredAny>,
}

impl BindingJson {
    fn parts(&self) -> Binding<'_> {
        let condition = self.condition.as_ref().map(|condition| Condition {
            title: &condition.title,
            description: &condition.description,
            expression: &condition.expression,
        });
        Binding {
            role: &self.role,
            members: &self.members,
            condition,
        }
    }
}
