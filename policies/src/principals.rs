//! `Principal` and `NotPrincipal`: who a statement is about.

use crate::choice::Shown;
use crate::error::{PolicyError, quoted};
use crate::json::Json;
use crate::request::{Principal, PrincipalKind};

/// Digits of an account's id.
const ACCOUNT_DIGITS: usize = 12;
/// Characters of the unique id of a user or role, at least.
const UNIQUE_ID_CHARS_MIN: usize = 16;

/// Whom a statement is about.
#[derive(Clone, Debug)]
pub(crate) enum Principals {
    /// It doesn't say.
    Unsaid,
    Only(Names),
    AllBut(Names),
}

/// How a principal is meant by a statement.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Meant {
    /// Its account is named, which leaves it to the account's identity policies.
    ByAccount,
    /// It is named itself, or everyone is.
    Directly,
}

/// Names with the text that gave them.
pub(crate) type Names = Box<[(Box<str>, Name)]>;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Name {
    Everyone,
    Account(Box<str>),
    /// A user or a session, by its ARN.
    Arn(Box<str>),
    /// A role is known by its name: two of an account can't share one, whatever their paths.
    Role {
        account: Box<str>,
        name: Box<str>,
    },
    Service(Box<str>),
    /// Who never asks here: identities of other providers and of S3, and deleted users and roles, in
    /// whose place AWS puts their unique ids.
    Nobody,
}

impl Principals {
    /// How a principal is meant, if it is.
    pub(crate) fn mean(&self, principal: Option<&Principal<'_>>) -> Option<Meant> {
        match self {
            Self::Unsaid => None,
            Self::Only(names) => {
                let all = names.iter().filter_map(|(_, name)| name.means(principal));
                all.max()
            }
            Self::AllBut(names) => (!spared(names, principal)).then_some(Meant::Directly),
        }
    }

    /// Why somebody isn't meant.
    pub(crate) fn reason(&self, principal: Option<&Principal<'_>>) -> String {
        let who = principal.map_or("anonymous requests".to_owned(), |who| quoted(who.arn));
        let shown = |names: &Names| {
            let names = names.iter().map(|(text, _)| &**text);
            Shown(names).to_string()
        };
        match self {
            Self::Unsaid => "there is no Principal".to_owned(),
            Self::Only(names) => format!("Principal {} has no match for {who}", shown(names)),
            Self::AllBut(names) => format!("NotPrincipal {} leaves out {who}", shown(names)),
        }
    }
}

impl Name {
    fn means(&self, principal: Option<&Principal<'_>>) -> Option<Meant> {
        if *self == Self::Everyone {
            return Some(Meant::Directly);
        }
        let principal = principal?;
        let service = principal.kind == PrincipalKind::Service;
        let named = match self {
            Self::Service(name) => service && **name == *principal.arn,
            _ if service => false,
            Self::Account(account) => {
                let root = principal.kind == PrincipalKind::Root;
                let how = if root {
                    Meant::Directly
                } else {
                    Meant::ByAccount
                };
                return (**account == *principal.account).then_some(how);
            }
            Self::Arn(arn) => **arn == *principal.arn,
            Self::Role { account, name } => {
                **account == *principal.account && role_name(principal.arn) == Some(name)
            }
            Self::Everyone | Self::Nobody => false,
        };
        named.then_some(Meant::Directly)
    }
}

/// Whether names of a `NotPrincipal` leave somebody out of what is denied. AWS looks at the account
/// first, then at the user or the role, then at the role's session: all of them must be named.
fn spared(names: &Names, principal: Option<&Principal<'_>>) -> bool {
    let mean = |test: &dyn Fn(&Name) -> bool| {
        names
            .iter()
            .any(|(_, name)| test(name) && name.means(principal).is_some())
    };
    if mean(&|name| *name == Name::Everyone) {
        return true;
    }
    let Some(who) = principal else {
        return false;
    };
    let account = || mean(&|name| matches!(name, Name::Account(_)));
    let arn = || mean(&|name| matches!(name, Name::Arn(_)));
    let role = || mean(&|name| matches!(name, Name::Role { .. }));
    match who.kind {
        PrincipalKind::Service => mean(&|name| matches!(name, Name::Service(_))),
        PrincipalKind::Root => account(),
        PrincipalKind::User => account() && arn(),
        PrincipalKind::Role => account() && role() && (!is_session(who.arn) || arn()),
    }
}

fn is_session(arn: &str) -> bool {
    arn.split(':')
        .nth(5)
        .is_some_and(|resource| resource.starts_with("assumed-role/"))
}

/// The name of a role, by its ARN or that of a session.
fn role_name(arn: &str) -> Option<&str> {
    let resource = arn.splitn(6, ':').nth(5)?;
    if let Some(session) = resource.strip_prefix("assumed-role/") {
        return session.split('/').next();
    }
    resource.strip_prefix("role/")?.rsplit('/').next()
}

/// Reads `"*"` or an object of lists.
pub(crate) fn read(json: Json, member: &str) -> Result<Names, PolicyError> {
    let kinds = match json {
        Json::Text(text) if text == "*" => return Ok([(text.into(), Name::Everyone)].into()),
        Json::Object(kinds) => kinds,
        Json::Text(text) => {
            let fault = format!(
                "is {}, allowed are \"*\" and an object with AWS, Service, Federated or \
                 CanonicalUser",
                quoted(&text)
            );
            return Err(PolicyError::member(member, fault));
        }
        other => {
            let fault = format!(
                "is {}, allowed are \"*\" and an object with AWS, Service, Federated or \
                 CanonicalUser",
                other.kind()
            );
            return Err(PolicyError::member(member, fault));
        }
    };
    let mut names = Vec::new();
    for (kind, values) in kinds {
        let member = format!("{member}.{kind}");
        let read = match &*kind {
            "AWS" => aws,
            "Service" => service,
            "Federated" | "CanonicalUser" => |_: &str| Ok(Name::Nobody),
            _ => {
                let fault = "is unknown, allowed are AWS, Service, Federated and CanonicalUser";
                return Err(PolicyError::member(member, fault));
            }
        };
        for value in values.into_list() {
            let Json::Text(text) = value else {
                let fault = format!("has {}, only strings are allowed", value.kind());
                return Err(PolicyError::member(member, fault));
            };
            match read(&text) {
                Ok(name) => names.push((text.into(), name)),
                Err(allowed) => {
                    let fault = format!("has {}, allowed are {allowed}", quoted(&text));
                    return Err(PolicyError::member(member, fault));
                }
            }
        }
    }
    Ok(names.into())
}

fn service(text: &str) -> Result<Name, &'static str> {
    if text.is_empty() || text.contains(['*', '?']) {
        return Err("names of services with no wildcards, such as sns.amazonaws.com");
    }
    Ok(Name::Service(text.into()))
}

fn aws(text: &str) -> Result<Name, &'static str> {
    if text == "*" {
        return Ok(Name::Everyone);
    }
    if is_account(text) {
        return Ok(Name::Account(text.into()));
    }
    if is_unique_id(text) {
        return Ok(Name::Nobody);
    }
    by_arn(text).ok_or(
        "*, accounts of 12 digits, and ARNs with no wildcards of an account's root, a user, a role \
         or a session",
    )
}

fn by_arn(arn: &str) -> Option<Name> {
    if arn.contains(['*', '?']) {
        return None;
    }
    let mut parts = arn.splitn(6, ':');
    let (scheme, partition) = (parts.next()?, parts.next()?);
    let (service, region) = (parts.next()?, parts.next()?);
    let (account, resource) = (parts.next()?, parts.next()?);
    if scheme != "arn" || partition.is_empty() || !region.is_empty() || !is_account(account) {
        return None;
    }
    let (kind, name) = resource.split_once('/').unwrap_or((resource, ""));
    match (service, kind) {
        ("iam", "root") if resource == "root" => Some(Name::Account(account.into())),
        ("iam", "user") if !name.is_empty() => Some(Name::Arn(arn.into())),
        ("iam", "role") => {
            let name = name.rsplit('/').next().filter(|name| !name.is_empty())?;
            Some(Name::Role {
                account: account.into(),
                name: name.into(),
            })
        }
        ("sts", "assumed-role") => {
            let (role, session) = name.split_once('/')?;
            (!role.is_empty() && !session.is_empty()).then(|| Name::Arn(arn.into()))
        }
        ("sts", "federated-user") if !name.is_empty() => Some(Name::Arn(arn.into())),
        _ => None,
    }
}

fn is_account(text: &str) -> bool {
    text.len() == ACCOUNT_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_unique_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    text.len() >= UNIQUE_ID_CHARS_MIN && text.starts_with('A') && text.bytes().all(plain)
}
