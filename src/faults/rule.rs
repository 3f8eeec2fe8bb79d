//! What a rule says, and whether it makes sense.

use super::pattern::fits;
use crate::chance::Chance;
use crate::grpc::Code;
use crate::observe::{Dialect, Operation};
use crate::sqs::is_error_code;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// The longest pattern, name or text, characters.
const TEXT_CHARS_MAX: usize = 1000;
/// The longest delay, ms: longer than clients wait.
const LATENCY_MS_MAX: u64 = 600_000;

/// Which requests suffer what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name; a number where it has none. A rule takes the place of another of its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `sqs` or `pubsub`; both where it isn't given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<String>,
    /// Actions or methods, such as `SendMessage*`: `*` is any characters, `?` one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Names of queues, or full names of topics, subscriptions, snapshots and schemas, such as
    /// `projects/*/topics/orders`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The share of requests, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// Every n-th request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// So many requests, and then no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// What chance begins with.
    #[serde(default)]
    pub seed: u64,
    /// What they suffer.
    pub effect: Effect,
}

/// What a request suffers by a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// It is refused, and not carried out.
    Error {
        /// The dialect's own code: `InternalFailure`, `UNAVAILABLE`.
        code: String,
        /// For people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// It is refused as one too many, in the dialect's own form.
    Throttle,
    /// It is carried out later.
    Latency(Latency),
    /// Its connection ends.
    Drop(Drop),
    /// Entries of a batch to SQS fail, and the others are carried out.
    Entries {
        /// The share of entries, from 0 to 1.
        share: f64,
        /// Their code; `InternalFailure` where there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
    },
}

/// A delay.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// The delay, ms; the shortest one where there is a longest.
    pub ms: u64,
    /// The longest one, ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms_max: Option<u64>,
}

impl Latency {
    pub(super) fn one(self, chance: Chance) -> Duration {
        let range = self.ms_max.unwrap_or(self.ms) - self.ms;
        let more = chance.of(1) * (range + 1) as f64;
        Duration::from_millis(self.ms + more as u64)
    }
}

/// When a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Drop {
    /// The request isn't carried out.
    Before,
    /// It is, and nobody is told.
    After,
}

/// Why a rule is none.
#[derive(Debug)]
pub struct RuleError(String);

impl RuleError {
    pub(super) fn too_many() -> Self {
        Self(format!("there are {} rules already", super::RULES_MAX))
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RuleError {}

fn wrong(text: impl Into<String>) -> Result<(), RuleError> {
    Err(RuleError(text.into()))
}

fn check_share(share: f64) -> Result<(), RuleError> {
    if (0.0..=1.0).contains(&share) {
        return Ok(());
    }
    wrong(format!("share: {share} is not between 0 and 1"))
}

impl Rule {
    fn dialect(&self) -> Result<Option<Dialect>, RuleError> {
        match self.dialect.as_deref() {
            None => Ok(None),
            Some("sqs") => Ok(Some(Dialect::Sqs)),
            Some("pubsub") => Ok(Some(Dialect::Pubsub)),
            Some(other) => Err(RuleError(format!(
                "dialect: {other:?} is neither \"sqs\" nor \"pubsub\""
            ))),
        }
    }

    pub(super) fn check(&self) -> Result<(), RuleError> {
        for (name, text) in [
            ("name", &self.name),
            ("action", &self.action),
            ("resource", &self.resource),
        ] {
            match text {
                Some(text) if text.is_empty() || text.chars().count() > TEXT_CHARS_MAX => {
                    return wrong(format!("{name}: 1 to {TEXT_CHARS_MAX} characters"));
                }
                _ => {}
            }
        }
        let dialect = self.dialect()?;
        if let Some(action) = &self.action {
            let is_one = |operation: Operation| {
                dialect.is_none_or(|dialect| dialect == operation.dialect())
                    && fits(action, operation.name())
            };
            if !Operation::all().any(is_one) {
                return wrong(format!("action: nothing is called {action:?}"));
            }
        }
        if self.share.is_some() && self.every.is_some() {
            return wrong("share and every: one of them");
        }
        if self.every == Some(0) {
            return wrong("every: 1 or more");
        }
        self.share.map_or(Ok(()), check_share)?;
        match &self.effect {
            Effect::Error { code, .. } => check_code(dialect, code),
            Effect::Latency(Latency { ms, ms_max }) => {
                let most = ms_max.unwrap_or(*ms);
                if most < *ms || most > LATENCY_MS_MAX {
                    return wrong(format!(
                        "latency: ms up to ms_max, which is at most {LATENCY_MS_MAX}"
                    ));
                }
                Ok(())
            }
            Effect::Entries { .. } if dialect == Some(Dialect::Pubsub) => {
                wrong("entries: batches of SQS have them")
            }
            Effect::Entries { share, code } => {
                check_share(*share)?;
                let code = code.as_deref().unwrap_or("InternalFailure");
                check_code(Some(Dialect::Sqs), code)
            }
            Effect::Throttle | Effect::Drop(_) => Ok(()),
        }
    }

    pub(super) fn is_for(&self, dialect: Dialect, action: &str, resource: &str) -> bool {
        self.dialect
            .as_deref()
            .is_none_or(|name| name == dialect.name())
            && self
                .action
                .as_deref()
                .is_none_or(|pattern| fits(pattern, action))
            && self
                .resource
                .as_deref()
                .is_none_or(|pattern| fits(pattern, resource))
    }

    /// Whether the request with this number, from 0, is one of those.
    pub(super) fn is_its_turn(&self, number: u64, chance: Chance) -> bool {
        match (self.share, self.every) {
            (Some(share), _) => chance.of(0) < share,
            (None, Some(every)) => (number + 1).is_multiple_of(every),
            (None, None) => true,
        }
    }
}

fn check_code(dialect: Option<Dialect>, code: &str) -> Result<(), RuleError> {
    let known = match dialect {
        None => return wrong("error: a code is of a dialect; say which"),
        Some(Dialect::Sqs) => is_error_code(code),
        Some(Dialect::Pubsub) => Code::named(code).is_some_and(|code| code != Code::Ok),
    };
    if known {
        return Ok(());
    }
    wrong(format!("code: there is no error {code:?} in this dialect"))
}
