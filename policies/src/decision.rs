//! The decision: what the policies of an identity and of a resource come to together.
//!
//! A deny that applies wins over all else. Then, for somebody of the resource's own account, it is
//! enough that either side allows; for somebody of another account both must. A resource's policy that
//! names the account only, and not the user or role, leaves it to the identity's policies. An
//! account's root user may do all in its account, and has no identity policies. Services and requests
//! that aren't signed have none either: the resource's policy alone decides.

use crate::policy::Policy;
use crate::principals::Meant;
use crate::request::{Principal, PrincipalKind, Request};
use crate::statement::{Effect, Statement};
use std::fmt;

/// Actions of SQS that no policy allows to somebody of another account.
const OWN_ACCOUNT_ACTIONS: [&str; 12] = [
    "sqs:AddPermission",
    "sqs:CancelMessageMoveTask",
    "sqs:CreateQueue",
    "sqs:DeleteQueue",
    "sqs:ListMessageMoveTasks",
    "sqs:ListQueueTags",
    "sqs:ListQueues",
    "sqs:RemovePermission",
    "sqs:SetQueueAttributes",
    "sqs:StartMessageMoveTask",
    "sqs:TagQueue",
    "sqs:UntagQueue",
];

/// What comes of a request, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decision<'p> {
    /// What comes of it.
    pub outcome: Outcome,
    /// Why.
    pub because: Because<'p>,
}

/// What comes of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It may be done.
    Allowed,
    /// A statement denies it.
    DeniedExplicitly,
    /// No statement allows it that would have to.
    DeniedImplicitly,
}

/// Why a decision is as it is. Its `Display` says so in a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Because<'p> {
    /// The statement allows or denies it.
    Statement(Cause<'p>),
    /// Both sides allow it, as they must across accounts.
    BothSides {
        /// What allows it to the identity.
        identity: Cause<'p>,
        /// What allows it on the resource.
        resource: Cause<'p>,
    },
    /// It is the root user of the resource's account.
    OwnRoot,
    /// Nothing allows it.
    Nothing,
    /// The resource's policy names the account, and nothing of the identity's allows it.
    OnlyAccountNamed(Cause<'p>),
    /// The identity is of another account, and the resource's policy doesn't allow it.
    OnlyIdentity(Cause<'p>),
    /// The identity is of another account, and nothing of its policies allows it.
    OnlyResource(Cause<'p>),
    /// The action is for the resource's own account only.
    OwnAccountOnly,
}

/// A statement of one of the policies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cause<'p> {
    /// The policy.
    pub source: Source,
    /// The statement's place in it, from 0.
    pub statement: usize,
    /// The statement's `Sid`.
    pub sid: Option<&'p str>,
}

/// One of the policies that were asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// One of the identity's, by its place from 0.
    Identity(usize),
    /// The resource's.
    Resource,
}

/// Decides whether a request is allowed, by the policies of who asks and that of the resource.
///
/// # Examples
///
/// ```
/// use lclq_policies::{Keys, Outcome, Policy, Request, decide};
///
/// let policy = Policy::parse(
///     r#"{"Statement": {"Sid": "Anyone", "Effect": "Allow", "Principal": "*",
///         "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:*:111122223333:orders"}}"#,
/// )?;
/// let request = Request {
///     principal: None,
///     action: "sqs:SendMessage",
///     resource: "arn:aws:sqs:eu-west-1:111122223333:orders",
///     account: "111122223333",
///     context: &Keys::new(),
/// };
/// let decision = decide(&[], Some(&policy), &request);
/// assert_eq!(decision.outcome, Outcome::Allowed);
/// assert_eq!(decision.because.to_string(), "the resource's policy, statement 0 (Anyone)");
/// # Ok::<(), lclq_policies::PolicyError>(())
/// ```
pub fn decide<'p>(
    identity: &[&'p Policy],
    resource: Option<&'p Policy>,
    request: &Request<'_>,
) -> Decision<'p> {
    let mut found = Found::default();
    for (source, n, statement) in statements(identity, resource) {
        let of_identity = source != Source::Resource;
        let Ok(meant) = statement.examine(of_identity, request) else {
            continue;
        };
        let cause = cause(source, n, statement);
        if statement.effect == Effect::Deny {
            return Decision {
                outcome: Outcome::DeniedExplicitly,
                because: Because::Statement(cause),
            };
        }
        found.allow(of_identity, meant, cause);
    }
    found.decide(request)
}

/// All statements, in the order in which they are asked.
pub(crate) fn statements<'p, 'a>(
    identity: &'a [&'p Policy],
    resource: Option<&'p Policy>,
) -> impl Iterator<Item = (Source, usize, &'p Statement)> + use<'p, 'a> {
    let identity = identity.iter().copied().enumerate();
    let identity = identity.map(|(n, policy)| (Source::Identity(n), policy));
    let resource = resource
        .into_iter()
        .map(|policy| (Source::Resource, policy));
    identity.chain(resource).flat_map(|(source, policy)| {
        let statements = policy.statements.iter().enumerate();
        statements.map(move |(n, statement)| (source, n, statement))
    })
}

pub(crate) fn cause(source: Source, statement: usize, of: &Statement) -> Cause<'_> {
    let sid = of.sid.as_deref();
    Cause {
        source,
        statement,
        sid,
    }
}

/// The first statements that allow, of each kind.
#[derive(Default)]
struct Found<'p> {
    identity: Option<Cause<'p>>,
    resource_directly: Option<Cause<'p>>,
    resource_by_account: Option<Cause<'p>>,
}

impl<'p> Found<'p> {
    fn allow(&mut self, of_identity: bool, meant: Meant, cause: Cause<'p>) {
        let place = match meant {
            _ if of_identity => &mut self.identity,
            Meant::Directly => &mut self.resource_directly,
            Meant::ByAccount => &mut self.resource_by_account,
        };
        place.get_or_insert(cause);
    }

    fn decide(self, request: &Request<'_>) -> Decision<'p> {
        let (allowed, because) = match &request.principal {
            Some(who) if who.kind != PrincipalKind::Service => {
                if who.account == request.account {
                    self.within_account(who)
                } else if is_for_own_account(request.action) {
                    (false, Because::OwnAccountOnly)
                } else {
                    self.across_accounts(who)
                }
            }
            _ if is_for_own_account(request.action) => (false, Because::OwnAccountOnly),
            _ => match self.resource_directly {
                Some(cause) => (true, Because::Statement(cause)),
                None => (false, Because::Nothing),
            },
        };
        let outcome = match allowed {
            true => Outcome::Allowed,
            false => Outcome::DeniedImplicitly,
        };
        Decision { outcome, because }
    }

    fn within_account(self, who: &Principal<'_>) -> (bool, Because<'p>) {
        if who.kind == PrincipalKind::Root {
            return (true, Because::OwnRoot);
        }
        if let Some(cause) = self.identity.or(self.resource_directly) {
            return (true, Because::Statement(cause));
        }
        let named = self.resource_by_account.map(Because::OnlyAccountNamed);
        (false, named.unwrap_or(Because::Nothing))
    }

    fn across_accounts(self, who: &Principal<'_>) -> (bool, Because<'p>) {
        let resource = self.resource_directly.or(self.resource_by_account);
        match (self.identity, resource) {
            // The root user of an account may do all that the account may.
            (_, Some(resource)) if who.kind == PrincipalKind::Root => {
                (true, Because::Statement(resource))
            }
            (Some(identity), Some(resource)) => (true, Because::BothSides { identity, resource }),
            (Some(identity), None) => (false, Because::OnlyIdentity(identity)),
            (None, Some(resource)) => (false, Because::OnlyResource(resource)),
            (None, None) => (false, Because::Nothing),
        }
    }
}

fn is_for_own_account(action: &str) -> bool {
    OWN_ACCOUNT_ACTIONS
        .iter()
        .any(|own| own.eq_ignore_ascii_case(action))
}

impl fmt::Display for Outcome {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Allowed => "allowed",
            Self::DeniedExplicitly => "denied explicitly",
            Self::DeniedImplicitly => "denied implicitly",
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity(n) => write!(to, "identity policy {n}"),
            Self::Resource => to.write_str("the resource's policy"),
        }
    }
}

impl fmt::Display for Cause<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}, statement {}", self.source, self.statement)?;
        match self.sid {
            Some(sid) => write!(to, " ({sid})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Because<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Statement(cause) => write!(to, "{cause}"),
            Self::BothSides { identity, resource } => write!(to, "{identity}; and {resource}"),
            Self::OwnRoot => to.write_str("the root user of the resource's account"),
            Self::Nothing => to.write_str("no statement allows it"),
            Self::OnlyAccountNamed(cause) => write!(
                to,
                "{cause} names the account only, and no identity policy allows it"
            ),
            Self::OnlyIdentity(cause) => write!(
                to,
                "{cause} allows it, but the resource is another account's, whose policy doesn't"
            ),
            Self::OnlyResource(cause) => write!(
                to,
                "{cause} allows it, but the identity is of another account, and no policy of its \
                 own does"
            ),
            Self::OwnAccountOnly => {
                to.write_str("the action is for the resource's own account only")
            }
        }
    }
}
