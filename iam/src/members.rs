//! Members of bindings: whom a role is given to.
//!
//! Their forms are those that <https://docs.cloud.google.com/iam/docs/principal-identifiers> has for
//! allow policies, without the identities of resources; whom each stands for is described with
//! `google.iam.v1.Policy` in its discovery document.

use crate::error::quoted;
use crate::request::{Member, MemberKind};

/// Bytes of one member. IAM states no bound.
const MEMBER_BYTES_MAX: usize = 1024;

const FORMS: &str = "allUsers, allAuthenticatedUsers, user:, serviceAccount: and group: with an \
                     address, domain: with a domain, principal:// and principalSet:// with an \
                     identity, and deleted: before one of them";

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Name {
    /// `allUsers`: with credentials or without.
    Everyone,
    /// `allAuthenticatedUsers`: Google and service accounts, and nobody of other providers.
    Authenticated,
    User(Box<str>),
    ServiceAccount(Box<str>),
    Group(Box<str>),
    Domain(Box<str>),
    Principal(Box<str>),
    Set(Box<str>),
    /// All identities of a pool or trust domain: what their identifiers begin with behind `principal:`.
    Pool(Box<str>),
    /// Who was deleted: one with the same name, made later, is another.
    Nobody,
}

impl Name {
    /// Reads a member; the error says what is wrong with it.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        if text.len() > MEMBER_BYTES_MAX {
            return Err(format!(
                "has {} bytes, at most {MEMBER_BYTES_MAX} are allowed",
                text.len()
            ));
        }
        let name = match text.strip_prefix("deleted:") {
            Some(rest) => match Self::living(rest) {
                Some(Self::Everyone | Self::Authenticated | Self::Domain(_)) | None => None,
                Some(_) => Some(Self::Nobody),
            },
            None => Self::living(text),
        };
        name.ok_or_else(|| format!("is {}, allowed are {FORMS}", quoted(text)))
    }

    fn living(text: &str) -> Option<Self> {
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return None;
        }
        match text {
            "allUsers" => return Some(Self::Everyone),
            "allAuthenticatedUsers" => return Some(Self::Authenticated),
            _ => {}
        }
        if let Some(rest) = text.strip_prefix("principal:") {
            return is_identity(rest).then(|| Self::Principal(text.into()));
        }
        if let Some(rest) = text.strip_prefix("principalSet:") {
            return match rest.strip_suffix('*') {
                Some(pool) => is_whole(pool).then(|| Self::Pool(pool.into())),
                None => is_set(rest).then(|| Self::Set(text.into())),
            };
        }
        let (kind, id) = text.split_once(':')?;
        let address = || is_address(id).then(|| id.into());
        match kind {
            "user" => address().map(Self::User),
            "serviceAccount" if is_kubernetes(id) => Some(Self::ServiceAccount(id.into())),
            "serviceAccount" => address().map(Self::ServiceAccount),
            "group" => address().map(Self::Group),
            "domain" => is_domain(id).then(|| Self::Domain(id.into())),
            _ => None,
        }
    }

    /// Whether it names somebody. Addresses are the same in any case.
    pub(crate) fn names(&self, member: Option<&Member<'_>>) -> bool {
        let Some(member) = member else {
            return *self == Self::Everyone;
        };
        let is = |kind, id: &str| member.kind == kind && member.id.eq_ignore_ascii_case(id);
        match self {
            Self::Everyone => true,
            Self::Authenticated => member.kind != MemberKind::Federated,
            Self::User(id) => is(MemberKind::User, id),
            Self::ServiceAccount(id) => is(MemberKind::ServiceAccount, id),
            Self::Group(id) => {
                let mut groups = member.groups.iter();
                groups.any(|group| group.eq_ignore_ascii_case(id))
            }
            Self::Domain(domain) => {
                let of = member.id.rsplit_once('@');
                member.kind == MemberKind::User
                    && of.is_some_and(|(_, of)| of.eq_ignore_ascii_case(domain))
            }
            Self::Principal(id) => member.kind == MemberKind::Federated && *member.id == **id,
            Self::Set(id) => member.groups.contains(&&**id),
            Self::Pool(prefix) => {
                let id = member.id.strip_prefix("principal:");
                member.kind == MemberKind::Federated
                    && id.is_some_and(|id| id.starts_with(&**prefix))
            }
            Self::Nobody => false,
        }
    }
}

/// `ann@example.com`, and what a deleted account has behind it.
fn is_address(id: &str) -> bool {
    id.rsplit_once('@')
        .is_some_and(|(user, domain)| !user.is_empty() && !domain.is_empty())
}

/// `project.svc.id.goog[namespace/account]`.
fn is_kubernetes(id: &str) -> bool {
    let Some((pool, rest)) = id.split_once(".svc.id.goog[") else {
        return false;
    };
    let account = rest.strip_suffix(']').and_then(|rest| rest.split_once('/'));
    !pool.is_empty() && account.is_some_and(|(space, name)| !space.is_empty() && !name.is_empty())
}

fn is_domain(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    !id.is_empty() && !id.starts_with('.') && !id.ends_with('.') && id.bytes().all(plain)
}

/// What stands behind a pool and its slash: `//iam.googleapis.com/`, a project for workload identities,
/// and the pool.
fn behind_pool(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("//iam.googleapis.com/")?;
    let pool = match rest.strip_prefix("projects/") {
        Some(rest) => {
            let (project, rest) = rest.split_once('/')?;
            let rest = rest.strip_prefix("locations/global/workloadIdentityPools/")?;
            (!project.is_empty()).then_some(rest)?
        }
        None => rest.strip_prefix("locations/global/workforcePools/")?,
    };
    let (pool, behind) = pool.split_once('/')?;
    (!pool.is_empty()).then_some(behind)
}

/// What stands behind a trust domain of agents and its slash.
fn behind_domain(text: &str) -> Option<&str> {
    let (domain, behind) = text.strip_prefix("//")?.split_once('/')?;
    let of = domain.strip_suffix(".system.id.goog")?;
    (!of.is_empty()).then_some(behind)
}

/// All of a pool or of a trust domain, with no more behind the slash.
fn is_whole(text: &str) -> bool {
    behind_pool(text).or_else(|| behind_domain(text)) == Some("")
}

fn is_identity(text: &str) -> bool {
    if let Some(agent) = behind_domain(text) {
        return !agent.is_empty();
    }
    is_of(text, &["subject/", "kubernetes.serviceaccount.uid/"])
}

fn is_set(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix("//cloudresourcemanager.googleapis.com/") {
        let mut parts = rest.split('/');
        let (of, number) = (parts.next(), parts.next().unwrap_or(""));
        return matches!(of, Some("projects" | "folders" | "organizations"))
            && !number.is_empty()
            && parts.eq(["type", "ServiceAccount"]);
    }
    let kinds = ["group/", "attribute.", "namespace/", "kubernetes.cluster/"];
    is_of(text, &kinds)
}

/// Whether one of some kinds stands behind a pool, with more behind it.
fn is_of(text: &str, kinds: &[&str]) -> bool {
    behind_pool(text).is_some_and(|behind| {
        let mut rests = kinds.iter().filter_map(|kind| behind.strip_prefix(kind));
        rests.any(|rest| !rest.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const POOL: &str = "//iam.googleapis.com/locations/global/workforcePools/p";

    #[test]
    fn what_is_a_member() {
        for text in [
            "allUsers",
            "allAuthenticatedUsers",
            "user:ann@example.com",
            "serviceAccount:a@p.iam.gserviceaccount.com",
            "serviceAccount:p.svc.id.goog[space/account]",
            "group:admins@example.com",
            "domain:example.com",
            &format!("principal:{POOL}/subject/s"),
            &format!("principalSet:{POOL}/*"),
            &format!("principalSet:{POOL}/group/g"),
            &format!("principalSet:{POOL}/attribute.a/v"),
            "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/subject/s",
            "principalSet://cloudresourcemanager.googleapis.com/projects/1/type/ServiceAccount",
            "principal://agents.global.org-1.system.id.goog/resources/a",
            "principalSet://agents.global.org-1.system.id.goog/*",
            "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p.svc.id.goog/namespace/n",
            "deleted:user:ann@example.com?uid=123",
            &format!("deleted:principal:{POOL}/subject/s"),
        ] {
            assert!(Name::read(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "user:",
            "user:ann",
            "user:@example.com",
            "User:ann@example.com",
            "ann@example.com",
            "user:ann @example.com",
            "domain:",
            "domain:ann@example.com",
            "allusers",
            "projectOwner:p",
            "deleted:allUsers",
            "deleted:deleted:user:ann@example.com",
            "serviceAccount:p.svc.id.goog[space]",
            "principal://iam.googleapis.com/subject/s",
            &format!("principal:{POOL}/subject/"),
            &format!("principalSet:{POOL}"),
            &format!("principalSet:{POOL}*"),
            &format!("principalSet:{POOL}/a/*"),
            "principal://goog/subject/ann@example.com",
            "principalSet://goog/public:all",
            "principalSet://cloudresourcemanager.googleapis.com/",
            "principalSet://cloudresourcemanager.googleapis.com/projects/1/type/ServiceAgent",
            &format!("user:{}@example.com", "a".repeat(MEMBER_BYTES_MAX)),
        ] {
            assert!(Name::read(text).is_err(), "{text}");
        }
    }
}
