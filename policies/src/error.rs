//! What is wrong with a policy's text.

use crate::policy::POLICY_BYTES_MAX;
use thiserror::Error;

/// Characters of a policy's own text that an error repeats.
const QUOTED_CHARS_MAX: usize = 80;

/// Why a text is no policy.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum PolicyError {
    /// It is too long.
    #[error("the policy has {bytes} bytes, at most {POLICY_BYTES_MAX} are allowed")]
    TooLong {
        /// Bytes that it has.
        bytes: usize,
    },
    /// It isn't JSON, or an object has a member twice.
    #[error("the policy is not JSON: {0}")]
    NotJson(String),
    /// A member isn't as it should be.
    #[error("{member} {fault}")]
    Member {
        /// Where it stands, such as `Statement[0].Effect`.
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
}

/// Text in quotes, cut where it is long.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARS_MAX) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}
