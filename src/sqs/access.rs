//! Whether who asks may do what it asks for: by the policies of its key and of the queue.

use super::actions::Action;
use super::error::{SqsError, SqsResult, missing_token, not_authorized, other_account};
use super::gate::Passed;
use super::guard::{Guard, Stated};
use super::head::Head;
use super::server::Scope;
use crate::interceptors::{About, Interceptors, Refusal};
use crate::observe::Dialect;
use crate::pubsub::civil_time::CivilTime;
use crate::runtime::wall_clock;
use http::header::{HeaderName, REFERER, USER_AGENT};
use lclq_policies::{Because, Context, Decision, Outcome, Policy, Request, Values, decide};
use lclq_shards::QueueName;
use smallvec::SmallVec;
use std::cell::OnceCell;

/// What a queue whose policy can't be read can still be asked for, by its own account.
const MENDING: [Action; 4] = [
    Action::GetQueueAttributes,
    Action::SetQueueAttributes,
    Action::RemovePermission,
    Action::DeleteQueue,
];

impl Action {
    /// What policies call it: batches are their single actions.
    pub(super) fn permission(self) -> Self {
        match self {
            Self::SendMessageBatch => Self::SendMessage,
            Self::DeleteMessageBatch => Self::DeleteMessage,
            Self::ChangeMessageVisibilityBatch => Self::ChangeMessageVisibility,
            other => other,
        }
    }
}

/// Who asks, and by what.
#[derive(Clone, Copy)]
pub(super) struct Access<'r> {
    pub by: &'r Passed,
    head: &'r Head,
    /// Who hears of what is denied.
    interceptors: &'r Interceptors,
}

impl Scope<'_> {
    /// Refuses what the request may not do with a queue.
    #[inline]
    pub(super) fn may_use(&self, name: &QueueName, guard: Option<&Guard>) -> SqsResult<()> {
        match &self.access {
            None => Ok(()),
            Some(access) => match access.by.action.get() {
                Some(action) => access.may(action, name, guard),
                None => Ok(()),
            },
        }
    }

    /// The same for an action that is part of the one that was asked for.
    pub(super) fn may_also(
        &self,
        action: Action,
        name: &QueueName,
        guard: Option<&Guard>,
    ) -> SqsResult<()> {
        match &self.access {
            None => Ok(()),
            Some(access) => access.may(action, name, guard),
        }
    }
}

impl<'r> Access<'r> {
    pub fn of(by: &'r Passed, head: &'r Head, interceptors: &'r Interceptors) -> Self {
        Self {
            by,
            head,
            interceptors,
        }
    }

    fn may(&self, action: Action, name: &QueueName, guard: Option<&Guard>) -> SqsResult<()> {
        let nothing;
        let guard = match guard {
            Some(guard) => guard,
            None => {
                nothing = Guard::of_nothing(name);
                &nothing
            }
        };
        let action = action.permission();
        let principal = self.by.principal.as_deref();
        let policy = match &guard.policy {
            // The usual case by far: nothing stands against what an account does with its own.
            Stated::Nothing
                if principal
                    .is_some_and(|who| who.is_unrestricted && who.account == *name.account) =>
            {
                self.by.permitted.set(true);
                return Ok(());
            }
            Stated::Nothing => None,
            Stated::Policy(policy) => Some(policy),
            Stated::Unreadable => {
                let owner = principal.is_some_and(|who| who.account == *name.account);
                if !owner || !MENDING.contains(&action) {
                    let reason = "the queue's policy can't be read";
                    return self.refused(action, guard, reason, || other_account(name));
                }
                None
            }
        };
        let circumstances = Circumstances {
            access: self,
            name,
            guard,
            address: OnceCell::new(),
            time: OnceCell::new(),
        };
        let request = Request {
            principal: principal.map(crate::credentials::Principal::in_policies),
            action: action.permission_name(),
            resource: &guard.arn,
            account: &name.account,
            context: &circumstances,
        };
        let identity: SmallVec<[&Policy; 4]> = match principal {
            None => SmallVec::new(),
            Some(who) => who.policies.iter().map(AsRef::as_ref).collect(),
        };
        let decision = decide(&identity, policy, &request);
        if decision.outcome == Outcome::Allowed {
            self.by.permitted.set(true);
            return Ok(());
        }
        let reason = decision.because.to_string();
        self.refused(action, guard, &reason, || match principal {
            None => missing_token(),
            Some(_) if decision.because == Because::OwnAccountOnly => other_account(name),
            Some(who) => denied(&decision, &who.arn, action, &guard.arn),
        })
    }

    /// Notes a denial. It is one only if policies are enforced.
    #[cold]
    fn refused(
        &self,
        action: Action,
        guard: &Guard,
        reason: &str,
        error: impl FnOnce() -> SqsError,
    ) -> SqsResult<()> {
        let who = self.by.principal.as_deref().map_or("", |who| &who.key_id);
        self.interceptors.refused(&Refusal {
            dialect: Some(Dialect::Sqs),
            about: About::Authorization,
            enforced: self.by.enforced,
            who,
            peer: self.head.arrival.address(),
            operation: action.name(),
            resource: &guard.arn,
            reason,
        });
        match self.by.enforced {
            true => Err(error()),
            false => Ok(()),
        }
    }
}

fn denied(decision: &Decision<'_>, who: &str, action: Action, arn: &str) -> SqsError {
    let of_resource = match decision.because {
        Because::Statement(cause) => cause.source == lclq_policies::Source::Resource,
        Because::OnlyIdentity(_) => true,
        _ => false,
    };
    let explicitly = decision.outcome == Outcome::DeniedExplicitly;
    not_authorized(who, action.permission_name(), arn, explicitly, of_resource)
}

/// Context keys of a request, made as they are asked for.
struct Circumstances<'r> {
    access: &'r Access<'r>,
    name: &'r QueueName,
    guard: &'r Guard,
    address: OnceCell<Option<String>>,
    time: OnceCell<(String, String)>,
}

impl Circumstances<'_> {
    fn time(&self) -> &(String, String) {
        self.time.get_or_init(|| {
            let now = wall_clock();
            let text = CivilTime::from_millis(now).rfc3339_millis();
            (text, (now / 1000).to_string())
        })
    }
}

impl Context for Circumstances<'_> {
    fn get(&self, key: &str) -> Option<Values<'_>> {
        let Access { by, head, .. } = self.access;
        let principal = by.principal.as_deref();
        let value = match key {
            "aws:sourceip" => {
                let ip = || Some(head.arrival.address()?.to_canonical().to_string());
                self.address.get_or_init(ip).as_deref()
            }
            // What a proxy says in a header anybody can say.
            "aws:securetransport" => match head.arrival.by_tls() {
                Some(_) => Some("true"),
                None => Some("false"),
            },
            "aws:currenttime" => Some(self.time().0.as_str()),
            "aws:epochtime" => Some(self.time().1.as_str()),
            "aws:useragent" => text(head, USER_AGENT),
            "aws:referer" => text(head, REFERER),
            "aws:requestedregion" => Some(&*self.name.region),
            "aws:resourceaccount" => Some(&*self.name.account),
            "aws:principalorgid" => principal.and_then(|who| who.organization.as_deref()),
            "aws:principalarn" => principal.and_then(|who| who.role_arn.as_deref()),
            tag => self.guard.tags.get(tag).map(String::as_str),
        };
        value.map(Values::One)
    }
}

fn text(head: &Head, name: HeaderName) -> Option<&str> {
    head.headers.get(name)?.to_str().ok()
}
