//! What goes wrong with leases: ack ids, their deadlines, and the streams that carry them.

use super::{DOMAIN, PubsubError, invalid};
use crate::grpc::{Code, Status};
use crate::proto::google::rpc;

/// An ack deadline out of its bounds.
pub fn invalid_ack_deadline(seconds: i32, min: i32, max: i32) -> PubsubError {
    invalid(format!(
        "Invalid ack deadline given (ack_deadline={seconds}). The ack deadline must be between \
         {min} and {max} seconds."
    ))
}

/// A request to acknowledge nothing.
pub fn no_ack_ids() -> PubsubError {
    invalid("You have not specified an ack ID in the request.")
}

/// An ack id that was never given out.
pub fn invalid_ack_id(ack_id: &str) -> PubsubError {
    invalid(format!(
        "You have passed an invalid ack ID to the service (ack_id={ack_id})."
    ))
}

/// What can become of an ack id under exactly-once delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckFailure {
    /// It isn't the message's newest, or its deadline has passed.
    InvalidAckId,
    /// The write failed; asking again may help.
    Unavailable,
    /// The message's key is acknowledged in order, and this isn't its turn.
    Unordered,
}

impl AckFailure {
    /// How client libraries know it.
    pub const fn reason(self) -> &'static str {
        match self {
            AckFailure::InvalidAckId => "PERMANENT_FAILURE_INVALID_ACK_ID",
            AckFailure::Unavailable => "TRANSIENT_FAILURE_SERVICE_UNAVAILABLE",
            AckFailure::Unordered => "TRANSIENT_FAILURE_UNORDERED_ACK_ID",
        }
    }
}

/// Some ack ids of a request failed under exactly-once delivery; the others are done.
pub fn ack_failures<'a>(failures: impl IntoIterator<Item = (&'a str, AckFailure)>) -> PubsubError {
    let mut info = rpc::ErrorInfo {
        reason: "ACK_FAILURE".into(),
        domain: DOMAIN.into(),
        ..Default::default()
    };
    let (mut permanent, mut unordered) = (false, false);
    for (ack_id, failure) in failures {
        permanent |= failure == AckFailure::InvalidAckId;
        unordered |= failure == AckFailure::Unordered;
        info.metadata
            .insert(ack_id.to_owned(), failure.reason().to_owned());
    }
    // Clients look at each id's own reason. On UNAVAILABLE they send the whole request again, which
    // fails for the ids that counted and would only fail again for those that came out of order.
    let code = if permanent {
        Code::InvalidArgument
    } else if unordered {
        Code::FailedPrecondition
    } else {
        Code::Unavailable
    };
    Status::new(
        code,
        "Some acknowledgement ids in the request were invalid. This could be because the \
         acknowledgement ids have expired or the acknowledgement ids were malformed.",
    )
    .with_detail("google.rpc.ErrorInfo", &info)
}

/// More ack ids, or deadlines, than one request of a stream may have.
pub fn too_many_ack_ids() -> PubsubError {
    invalid("The request has too many ack ids.")
}

/// A stream that ends before it asks for anything.
pub fn no_first_request() -> PubsubError {
    invalid("The stream's first request is missing.")
}

/// A later request of a stream that sets what the first one settles.
pub fn only_in_first_request() -> PubsubError {
    invalid(
        "Flow control, protocol version and subscription can only be set in the first request of \
         a stream.",
    )
}

/// Ack ids whose deadlines are changed, and not as many deadlines.
pub fn unequal_deadlines() -> PubsubError {
    invalid("modify_deadline_seconds and modify_deadline_ack_ids must be equally long.")
}
