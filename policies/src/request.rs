//! What a policy is asked about: who wants to do what with what, and in which circumstances.

use std::fmt;

/// A request to decide about.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Who asks; `None` for a request that isn't signed.
    pub principal: Option<Principal<'a>>,
    /// What is to be done, such as `sqs:SendMessage`. The batch actions of SQS have no names of their
    /// own in policies: SendMessageBatch asks for `sqs:SendMessage`.
    pub action: &'a str,
    /// ARN of what it is to be done with.
    pub resource: &'a str,
    /// Account that the resource belongs to.
    pub account: &'a str,
    /// The circumstances.
    pub context: &'a dyn Context,
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Request")
            .field("principal", &self.principal)
            .field("action", &self.action)
            .field("resource", &self.resource)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Principal<'a> {
    /// What kind it is of.
    pub kind: PrincipalKind,
    /// Its account; nothing for a service.
    pub account: &'a str,
    /// Its ARN. For a role that is the role's own, or that of its session
    /// (`arn:aws:sts::<account>:assumed-role/<role>/<session>`); for a service it is the service's
    /// name, such as `sns.amazonaws.com`.
    pub arn: &'a str,
    /// A user's name with no path, `aws:username` in policies.
    pub user_name: Option<&'a str>,
}

/// Kinds of principals.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PrincipalKind {
    /// The root user of an account.
    Root,
    /// An IAM user.
    User,
    /// An IAM role, by its session.
    Role,
    /// An AWS service.
    Service,
}

/// The circumstances of a request: context keys with their values.
pub trait Context {
    /// The values of a key, which is given in lower case (`aws:sourceip`), since keys are the same in
    /// any case. `None` where the request doesn't have it.
    ///
    /// What a [`Principal`] says is known without: `aws:PrincipalArn`, `aws:PrincipalAccount`,
    /// `aws:PrincipalType`, `aws:PrincipalIsAWSService` and `aws:username` are taken from there where
    /// this has none. Of a role's session only the session's ARN is known, so that
    /// `aws:PrincipalArn`, which is the role's, must come from here.
    fn get(&self, key: &str) -> Option<Values<'_>>;
}

/// Values of a context key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Values<'a> {
    /// The one value of a key that has one at most.
    One(&'a str),
    /// Those of a key that can have several. None of them is as good as no key.
    Many(&'a [String]),
}

impl<'a> Values<'a> {
    /// One after the other.
    pub fn iter(self) -> impl Iterator<Item = &'a str> + Clone {
        let (one, many) = match self {
            Self::One(one) => (Some(one), &[] as &[String]),
            Self::Many(many) => (None, many),
        };
        one.into_iter().chain(many.iter().map(String::as_str))
    }

    /// Whether there is nothing in them: no value, or no text in any.
    pub(crate) fn is_null(self) -> bool {
        self.iter().all(str::is_empty)
    }
}

impl Request<'_> {
    /// Values of a key in lower case; never an empty list.
    pub(crate) fn values(&self, key: &str) -> Option<Values<'_>> {
        let given = self.context.get(key);
        let values = given.or_else(|| self.of_principal(key).map(Values::One));
        values.filter(|values| !matches!(values, Values::Many([])))
    }

    /// The value of a key that can have one at most.
    pub(crate) fn single(&self, key: &str) -> Option<&str> {
        match self.values(key)? {
            Values::One(one) => Some(one),
            Values::Many(_) => None,
        }
    }

    fn of_principal(&self, key: &str) -> Option<&str> {
        let Some(principal) = &self.principal else {
            return (key == "aws:principaltype").then_some("Anonymous");
        };
        let service = principal.kind == PrincipalKind::Service;
        match key {
            "aws:principalisawsservice" => Some(if service { "true" } else { "false" }),
            _ if service => None,
            "aws:principalaccount" => Some(principal.account),
            "aws:principalarn" => {
                let session = principal.arn.split(':').nth(2) == Some("sts");
                (!session).then_some(principal.arn)
            }
            "aws:principaltype" => match principal.kind {
                PrincipalKind::Root => Some("Account"),
                PrincipalKind::User => Some("User"),
                PrincipalKind::Role => Some("AssumedRole"),
                PrincipalKind::Service => None,
            },
            "aws:username" => principal.user_name,
            _ => None,
        }
    }
}

/// Context keys in a list, for requests that are made up: a few keys, looked for one by one.
#[derive(Clone, Default, Debug)]
pub struct Keys(Vec<(String, Of)>);

#[derive(Clone, Debug)]
enum Of {
    One(String),
    Many(Vec<String>),
}

impl Keys {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a key, in any case, that has one value.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.0
            .push((key.to_ascii_lowercase(), Of::One(value.to_owned())));
        self
    }

    /// With a key, in any case, that can have several values.
    #[must_use]
    pub fn with_many(mut self, key: &str, values: &[&str]) -> Self {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        self.0.push((key.to_ascii_lowercase(), Of::Many(values)));
        self
    }
}

impl Context for Keys {
    fn get(&self, key: &str) -> Option<Values<'_>> {
        let (_, values) = self.0.iter().find(|(has, _)| has == key)?;
        Some(match values {
            Of::One(one) => Values::One(one),
            Of::Many(many) => Values::Many(many),
        })
    }
}
