//! Who signed a request, and what policies say of them.

use super::file::{AccessKey, NamedPolicy};
use lclq_policies::{Policy, PrincipalKind};
use std::collections::HashMap;
use std::sync::Arc;

/// What stands for the policies of a key that names none.
const ALL: &str = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;

/// Who signed a request.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The key that it was signed with.
    pub key_id: String,
    /// Whose queues it is for.
    pub account: String,
    /// A user's ARN, or that of a role's session.
    pub arn: String,
    /// Who uses it, where it isn't a role.
    pub user: Option<String>,
    /// The ARN of the role, where it is a session of one.
    pub role_arn: Option<String>,
    /// The organization of its account.
    pub organization: Option<String>,
    /// What it may do.
    pub policies: Arc<[Arc<Policy>]>,
    /// They are those of a key that names none: it may do all that its account may.
    pub is_unrestricted: bool,
}

impl Principal {
    /// That of a key.
    ///
    /// # Errors
    /// It names a policy that isn't there, or something that no ARN has.
    pub(super) fn of(key: &AccessKey, policies: &Policies) -> Result<Self, String> {
        for (what, name) in [("user", Some(&key.user)), ("role", key.role.as_ref())] {
            if name.is_some_and(|name| !is_name(name)) {
                return Err(format!(
                    "{what} is 1 to 64 letters, digits and any of +=,.@_-"
                ));
            }
        }
        let account = &key.account;
        let named = |name: &String| {
            let policy = policies.by_name.get(name);
            policy
                .cloned()
                .ok_or_else(|| format!("there is no policy {name}"))
        };
        let may: Result<Vec<_>, String> = match &key.policies {
            None => Ok(vec![policies.all.clone()]),
            Some(names) => names.iter().map(named).collect(),
        };
        let (arn, role_arn) = match &key.role {
            None => (format!("arn:aws:iam::{account}:user/{}", key.user), None),
            Some(role) => (
                format!("arn:aws:sts::{account}:assumed-role/{role}/{}", key.user),
                Some(format!("arn:aws:iam::{account}:role/{role}")),
            ),
        };
        Ok(Self {
            key_id: key.id.clone(),
            account: key.account.clone(),
            arn,
            user: key.role.is_none().then(|| key.user.clone()),
            role_arn,
            organization: key.organization.clone(),
            policies: may?.into(),
            is_unrestricted: key.policies.is_none(),
        })
    }

    /// As policies see it.
    pub fn in_policies(&self) -> lclq_policies::Principal<'_> {
        lclq_policies::Principal {
            kind: match self.role_arn {
                None => PrincipalKind::User,
                Some(_) => PrincipalKind::Role,
            },
            account: &self.account,
            arn: &self.arn,
            user_name: self.user.as_deref(),
        }
    }
}

/// Characters of names in IAM, of users, roles and sessions.
fn is_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(is_allowed)
}

/// The policies of a file.
pub(super) struct Policies {
    by_name: HashMap<String, Arc<Policy>>,
    all: Arc<Policy>,
}

impl Policies {
    /// Reads them.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub(super) fn of(named: Vec<NamedPolicy>) -> Result<Self, String> {
        let all = Policy::parse(ALL).map_err(|error| error.to_string())?;
        let mut by_name = HashMap::new();
        for NamedPolicy { name, document } in named {
            let policy = Policy::parse(&document);
            let policy = policy.map_err(|error| format!("policy {name}: {error}"))?;
            if by_name.insert(name.clone(), Arc::new(policy)).is_some() {
                return Err(format!("policy {name} is there twice"));
            }
        }
        Ok(Self {
            by_name,
            all: Arc::new(all),
        })
    }
}
