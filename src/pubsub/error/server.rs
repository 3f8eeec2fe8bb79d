//! A server that can't serve a request.

use std::fmt::Display;
use std::time::Duration;

use super::super::offload::Dropped;
use super::{DOMAIN, PubsubError, exhausted};
use crate::bearer::Refused;
use crate::grpc::{Code, Status};
use crate::proto::google::rpc;

/// The server is ending. (Some clients stop for good if this says "shutdownNow".)
pub fn stopping() -> PubsubError {
    Status::new(Code::Unavailable, "The server is stopping. Please retry.")
}

/// What was asked for can't be stored at the moment.
pub(super) fn storage_unavailable(why: impl Display) -> PubsubError {
    Status::new(
        Code::Unavailable,
        format!("The service was unable to fulfil your request: {why}. Please retry."),
    )
}

/// A journal that can't be written.
pub fn journal_down() -> PubsubError {
    storage_unavailable("the journal can't be written")
}

/// Its shard is nobody's at the moment, or its node has not answered.
pub fn unreachable() -> PubsubError {
    storage_unavailable(
        "no server of the cluster runs this resource at the moment, or the one that does has not answered",
    )
}

/// What a fault rule has asked for; an internal error where the code isn't one of gRPC's.
pub fn injected(code: &str, message: String) -> PubsubError {
    Status::new(Code::named(code).unwrap_or(Code::Internal), message)
}

/// A request too many, by a fault rule.
pub fn throttled() -> PubsubError {
    exhausted("Quota exceeded for requests; please retry.")
}

/// A request for which there is no quota left, and when there may be some, where that is known.
pub fn over_quota(retry_after: Option<Duration>) -> PubsubError {
    let wait = retry_after.map(|wait| {
        // Rounded up: an answer a moment too early would be refused again.
        let ms = wait.as_millis() as i64 + 1;
        let delay = prost_types::Duration {
            seconds: ms / 1000,
            nanos: (ms % 1000) as i32 * 1_000_000,
        };
        rpc::RetryInfo {
            retry_delay: Some(delay),
        }
    });
    match wait {
        Some(info) => throttled().with_detail("google.rpc.RetryInfo", &info),
        None => throttled(),
    }
}

/// What no policy lets who asks do.
pub fn permission_denied() -> PubsubError {
    Status::new(
        Code::PermissionDenied,
        "User not authorized to perform this action.",
    )
}

/// A policy that a resource is to be given, and that isn't one.
pub fn wrong_policy(error: &lclq_iam::PolicyError) -> PubsubError {
    Status::new(Code::InvalidArgument, error.to_string())
}

/// What nobody is told, since the connection ends instead.
pub fn connection_dropped() -> PubsubError {
    PubsubError {
        breaks_off: true,
        ..Status::new(Code::Unavailable, "The connection was dropped.")
    }
}

/// A mistake of ours, which the log tells more of.
pub fn internal() -> PubsubError {
    storage_unavailable("an internal error")
}

/// A request whose bearer isn't known. `path` is that of the call.
pub fn not_believed(refused: Refused, path: &str) -> PubsubError {
    const REST: &str = "Expected OAuth 2 access token, login cookie or other valid authentication \
                        credential. See \
                        https://developers.google.com/identity/sign-in/web/devconsole-project.";
    let (text, reason) = match refused {
        Refused::Missing => (
            "Request is missing required authentication credential.",
            "CREDENTIALS_MISSING",
        ),
        Refused::Unknown => (
            "Request had invalid authentication credentials.",
            "ACCESS_TOKEN_TYPE_UNSUPPORTED",
        ),
        Refused::Expired => (
            "Request had invalid authentication credentials.",
            "ACCESS_TOKEN_EXPIRED",
        ),
    };
    let method = path.trim_start_matches('/').replace('/', ".");
    let info = rpc::ErrorInfo {
        reason: reason.to_owned(),
        domain: "googleapis.com".to_owned(),
        metadata: [("service", DOMAIN), ("method", &method)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
    };
    Status::new(Code::Unauthenticated, format!("{text} {REST}"))
        .with_detail("google.rpc.ErrorInfo", &info)
}

/// A stored resource that can't be read.
pub fn broken_resource() -> PubsubError {
    storage_unavailable("a stored resource is broken")
}

/// A stored policy that can't be read.
pub fn broken_policy() -> PubsubError {
    storage_unavailable("a stored policy is broken")
}

/// The system gives no random numbers.
pub fn no_randomness(why: getrandom::Error) -> PubsubError {
    storage_unavailable(why)
}

/// Work beside the core that came to no end.
pub fn not_worked_out(why: Dropped) -> PubsubError {
    storage_unavailable(why)
}

/// No key that signs the tokens of push requests.
pub fn no_token_key() -> PubsubError {
    storage_unavailable("no key for the tokens of push requests")
}

/// A shard that has more to do than it takes.
pub fn overloaded() -> PubsubError {
    exhausted("The server is overloaded; please retry.")
}

/// The bound on messages' memory.
pub fn memory_full() -> PubsubError {
    exhausted("The server's memory bound is reached.")
}

/// More calls that wait than a shard keeps.
pub fn too_many_calls() -> PubsubError {
    exhausted("Too many calls are open; please retry.")
}
