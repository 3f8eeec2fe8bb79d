//! What is wrong with a policy.

use crate::policy::POLICY_BYTES_MAX;
use thiserror::Error;

/// Characters of a policy's own text that an error repeats.
const QUOTED_CHARS_MAX: usize = 80;

/// Why something is no policy.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum PolicyError {
    /// It is too long.
    #[error("the policy has {bytes} bytes, at most {POLICY_BYTES_MAX} are allowed")]
    TooLong {
        /// Bytes that it has.
        bytes: usize,
    },
    /// It isn't JSON, or not of a policy's members.
    #[error("the policy is not JSON of a policy: {0}")]
    NotJson(String),
    /// The role doesn't exist, or has no place here. The service's own words.
    #[error("Role {role} is not supported for this resource.")]
    UnknownRole {
        /// Where it stands, such as `bindings[0].role`.
        member: String,
        /// The role.
        role: String,
    },
    /// A basic role is bound under a condition. The service's own words.
    #[error(
        "LintValidationUnits/BindingRoleAllowConditionCheck Error: Conditions can't be set on \
         primitive roles"
    )]
    ConditionOnBasicRole {
        /// Where it stands, such as `bindings[0].condition`.
        member: String,
    },
    /// A member isn't as it should be.
    #[error("{member} {fault}")]
    Member {
        /// Where it stands, such as `bindings[0].members[1]`.
        member: String,
        /// What is wrong, and what is allowed.
        fault: String,
    },
}

impl PolicyError {
    pub(crate) fn member(member: impl Into<String>, fault: impl Into<String>) -> Self {
        let (member, fault) = (member.into(), fault.into());
        Self::Member { member, fault }
    }

    pub(crate) fn unknown_role(member: impl Into<String>, role: &str) -> Self {
        let (member, role) = (member.into(), cut(role));
        Self::UnknownRole { member, role }
    }
}

/// Text in quotes, cut where it is long.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARS_MAX) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// Text cut where it is long.
fn cut(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARS_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
