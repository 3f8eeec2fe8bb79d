//! Every error that a client can see, and nowhere else.
//!
//! Texts follow the service's where they are known: client libraries and users' tests look at
//! them.

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::fmt::Display;
use std::time::Duration;

use crate::grpc::{Code, Status};
use crate::http::Refusal;
use crate::proto::google::rpc;

/// An error of the dialect. Over gRPC it goes into `grpc-status`, `grpc-message` and
/// `grpc-status-details-bin`, over REST into [`rest_error`].
pub type PubsubError = Status;

/// What the dialect's functions return.
pub type PubsubResult<T> = Result<T, PubsubError>;

/// Messages of one publish request.
pub const PUBLISH_MESSAGES_MAX: usize = 1_000;
/// Bytes of one encoded publish request.
pub const PUBLISH_REQUEST_BYTES_MAX: usize = 10_000_000;
/// Bytes of any encoded request.
pub const REQUEST_BYTES_MAX: usize = 10_485_760;

/// Who the reasons of an `ErrorInfo` are of.
const DOMAIN: &str = "pubsub.googleapis.com";

fn invalid(message: impl Into<Cow<'static, str>>) -> PubsubError {
    Status::new(Code::InvalidArgument, message)
}

fn failed(message: impl Into<Cow<'static, str>>) -> PubsubError {
    Status::new(Code::FailedPrecondition, message)
}

/// A request that may not ask at all.
pub fn not_let_in(refusal: &Refusal) -> PubsubError {
    Status::new(Code::PermissionDenied, refusal.to_string())
}

/// A name that no resource can have.
pub fn invalid_name(name: &str) -> PubsubError {
    invalid(format!(
        "Invalid resource name given (name={name}). Refer to \
         https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names for more information."
    ))
}

/// A resource that doesn't exist. `id` is the last part of its name.
pub fn not_found(id: &str) -> PubsubError {
    Status::new(
        Code::NotFound,
        format!("Resource not found (resource={id})."),
    )
}

/// A resource that exists already. `id` is the last part of its name.
pub fn already_exists(id: &str) -> PubsubError {
    Status::new(
        Code::AlreadyExists,
        format!("Resource already exists in the project (resource={id})."),
    )
}

/// An argument that is missing or makes no sense.
pub fn invalid_argument(argument: &str) -> PubsubError {
    invalid(format!(
        "You have passed an invalid argument to the service (argument={argument})."
    ))
}

/// A count or size above its maximum.
pub fn too_large(what: &str, given: impl Display, max: impl Display) -> PubsubError {
    invalid(format!(
        "The value for {what} is too large. You passed {given} in the request, but the maximum \
         value is {max}."
    ))
}

/// A count or size below its minimum.
pub fn too_small(what: &str, given: impl Display, min: impl Display) -> PubsubError {
    invalid(format!(
        "The value for {what} is too small. You passed {given} in the request, but the minimum \
         value is {min}."
    ))
}

/// A value that isn't between its bounds.
pub fn out_of_bounds(
    what: &str,
    given: impl Display,
    min: impl Display,
    max: impl Display,
) -> PubsubError {
    invalid(format!(
        "The value for {what} is out of bounds. You passed {given} in the request, but the value \
         must be between {min} and {max}."
    ))
}

/// A time that isn't between its bounds.
pub fn duration_out_of_bounds(
    what: &str,
    given: &prost_types::Duration,
    min: Duration,
    max: Duration,
) -> PubsubError {
    // A given time of nothing has its unit, a bound of nothing has none.
    let bound = |time: Duration| match time.as_secs() {
        0 => "0".to_owned(),
        seconds => spoken(i64::try_from(seconds).unwrap_or(i64::MAX), 0),
    };
    out_of_bounds(
        what,
        spoken(given.seconds, given.nanos),
        bound(min),
        bound(max),
    )
}

/// A request longer than [`REQUEST_BYTES_MAX`].
pub fn payload_too_large() -> PubsubError {
    request_too_large(REQUEST_BYTES_MAX)
}

/// A REST request that can't be made into the method's. Each violation is the field's path, which
/// may be empty, and what is wrong.
pub fn malformed_request(violations: Vec<(String, String)>) -> PubsubError {
    let texts: Vec<&str> = violations.iter().map(|(_, text)| &**text).collect();
    let message = texts.join("\n");
    let field_violations = violations
        .into_iter()
        .map(|(field, description)| rpc::bad_request::FieldViolation {
            field,
            description,
            ..Default::default()
        })
        .collect();
    invalid(message).with_detail(
        "google.rpc.BadRequest",
        &rpc::BadRequest { field_violations },
    )
}

/// A path that nothing is served at.
pub fn unknown_path(path: &str) -> PubsubError {
    Status::new(Code::NotFound, format!("Method not found: {path}"))
}

/// A path that isn't served with this HTTP method. REST answers with 405, for which there is no
/// code.
pub fn wrong_http_method(method: &str, path: &str) -> PubsubError {
    Status::new(
        Code::Unimplemented,
        format!("The HTTP method {method} is not allowed for {path}."),
    )
}

/// A path whose escapes aren't UTF-8.
pub fn path_not_text() -> PubsubError {
    invalid("The request's path is not UTF-8.")
}

/// A body that didn't come to its end in time.
pub fn body_timeout() -> PubsubError {
    Status::new(
        Code::DeadlineExceeded,
        "The request's body did not come in time.",
    )
}

/// A body for which there is no room beside those of other requests.
pub fn bodies_full() -> PubsubError {
    exhausted("The server has too many large requests to read at once; try again.")
}

/// A pull while clients leave too many large replies unread.
pub fn replies_full() -> PubsubError {
    exhausted("Too many large replies wait for clients to read them; try again.")
}

/// A body that broke off, or isn't compressed as it says.
pub fn body_broken() -> PubsubError {
    invalid("The request's body could not be read.")
}

/// A reply that can't be shown. That is our fault.
pub fn unreadable_reply(why: impl Display) -> PubsubError {
    Status::new(
        Code::Internal,
        format!("The reply could not be written as JSON: {why}"),
    )
}

/// A request longer than its method takes.
pub fn request_too_large(bytes_max: usize) -> PubsubError {
    invalid(format!(
        "Request payload size exceeds the limit: {bytes_max} bytes."
    ))
}

/// A message that says nothing.
pub fn empty_message() -> PubsubError {
    invalid(
        "One or more messages in the publish request is empty. Each message must contain either \
         non-empty data, or at least one attribute.",
    )
}

/// An attribute's key that is kept for the service.
pub fn reserved_attribute(key: &str) -> PubsubError {
    invalid(format!(
        "The request contains an attribute key that is not valid (key={key}). Attribute keys must \
         be non-empty and must not begin with 'goog' (case-insensitive)."
    ))
}

/// An attribute whose key or value, as `part` says, is longer than it may be. Lengths are bytes,
/// which the service calls characters.
pub fn attribute_too_long(key: &str, part: AttributePart, given: usize, max: usize) -> PubsubError {
    let part = match part {
        AttributePart::Key => "key",
        AttributePart::Value => "value",
    };
    invalid(format!(
        "The attribute \"{key}\" in the request has a {part} that is too long. {}",
        too_long(given, max)
    ))
}

/// An ordering key that is longer than it may be; lengths as in [`attribute_too_long`].
pub fn ordering_key_too_long(given: usize, max: usize) -> PubsubError {
    invalid(format!(
        "The request contains an ordering key that is too long. {}",
        too_long(given, max)
    ))
}

fn too_long(given: usize, max: usize) -> String {
    format!(
        "The length is {given} characters, but the maximum allowed is {max}. Refer to \
         https://cloud.google.com/pubsub/quotas for more information."
    )
}

/// What of an attribute is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributePart {
    Key,
    Value,
}

/// A message that a schema doesn't allow. `reason` is that of the schema's kind and the message's
/// encoding, such as `INVALID_BINARY_AVRO_MESSAGE`; `revision_info` says what was tried and why it
/// failed.
pub fn schema_violation(reason: &str, revision_info: String) -> PubsubError {
    let metadata = [
        ("message", "Message failed schema validation".to_owned()),
        ("revisionInfo", revision_info),
    ];
    let info = rpc::ErrorInfo {
        reason: reason.into(),
        domain: DOMAIN.into(),
        metadata: metadata
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    };
    invalid("Invalid data in message: Message failed schema validation.")
        .with_detail("google.rpc.ErrorInfo", &info)
}

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

/// A method that pull subscriptions have and this one, with a push endpoint or an export, has not.
pub fn wrong_subscription_type() -> PubsubError {
    failed("This method is not supported for this subscription type.")
}

/// A subscription that no longer gets messages.
pub fn detached(id: &str) -> PubsubError {
    failed(format!(
        "The subscription is detached from its topic (resource={id})."
    ))
}

/// A subscription whose topic was deleted, where the topic is needed.
pub fn topic_deleted(id: &str) -> PubsubError {
    failed(format!(
        "The subscription's topic has been deleted (resource={id})."
    ))
}

/// A retry policy whose bounds are the wrong way round.
pub fn backoff_order(
    minimum: &prost_types::Duration,
    maximum: &prost_types::Duration,
) -> PubsubError {
    invalid(format!(
        "The specified maximum_backoff {} cannot be smaller than minimum_backoff {}.",
        spoken(maximum.seconds, maximum.nanos),
        spoken(minimum.seconds, minimum.nanos)
    ))
}

/// A subscription that would keep messages longer than it lives itself.
pub fn retention_beyond_expiration(
    retention: &prost_types::Duration,
    ttl: &prost_types::Duration,
) -> PubsubError {
    invalid(format!(
        "The specified message_retention_duration {} cannot be greater than the \
         expiration_policy.ttl {}.",
        spoken(retention.seconds, retention.nanos),
        spoken(ttl.seconds, ttl.nanos)
    ))
}

/// A label's key that isn't allowed.
pub fn invalid_label_key(key: &str) -> PubsubError {
    invalid(format!(
        "Invalid label key given (key={key}). Keys are 1 to 63 lowercase letters, digits, \
         underscores and dashes, and start with a letter."
    ))
}

/// A label's value that isn't allowed.
pub fn invalid_label_value(value: &str) -> PubsubError {
    invalid(format!(
        "Invalid label value given (value={value}). Values are at most 63 lowercase letters, \
         digits, underscores and dashes."
    ))
}

/// A page token that no answer has had.
pub fn invalid_page_token(token: &str) -> PubsubError {
    invalid(format!("Invalid page token given (token={token})."))
}

/// An update without a mask. `request` is the request's type.
pub fn empty_update_mask(request: &str) -> PubsubError {
    invalid(format!(
        "The update_mask in the {request} must be set, and must contain a non-empty paths list."
    ))
}

/// An update of a field that stays what it is.
pub fn immutable_field(request: &str, resource: &str, field: &str) -> PubsubError {
    invalid(format!(
        "Invalid update_mask provided in the {request}: the '{field}' field in the {resource} is \
         not mutable."
    ))
}

/// An update of a field that doesn't exist.
pub fn unknown_field(request: &str, resource: &str, field: &str) -> PubsubError {
    invalid(format!(
        "Invalid update_mask provided in the {request}: '{field}' is not a known {resource} \
         field. Note that field paths must be of the form 'push_config' rather than 'pushConfig'."
    ))
}

/// A filter that can't be read.
pub fn invalid_filter(why: impl Display) -> PubsubError {
    invalid(format!("Invalid filter expression: {why}"))
}

/// A schema definition that isn't one.
pub fn invalid_schema(why: impl Display) -> PubsubError {
    invalid(format!("Invalid schema definition: {why}"))
}

/// Anything else about an argument.
pub fn invalid_because(why: impl Into<Cow<'static, str>>) -> PubsubError {
    invalid(why)
}

/// Anything else about the state of what is asked for.
pub fn failed_because(why: impl Into<Cow<'static, str>>) -> PubsubError {
    failed(why)
}

/// A snapshot that would expire within the hour.
pub fn snapshot_too_old() -> PubsubError {
    failed(
        "The operation could not be completed because the requested snapshot would expire in less \
         than an hour: the subscription's oldest unacknowledged message is too old.",
    )
}

/// A write to a policy that has changed since it was read.
pub fn stale_etag() -> PubsubError {
    Status::new(
        Code::Aborted,
        "There were concurrent policy changes. Please retry the whole read-modify-write with \
         exponential backoff.",
    )
}

/// More of something than the server keeps.
pub fn exhausted(why: impl Into<Cow<'static, str>>) -> PubsubError {
    Status::new(Code::ResourceExhausted, why)
}

/// The server is ending. (Some clients stop for good if this says "shutdownNow".)
pub fn stopping() -> PubsubError {
    Status::new(Code::Unavailable, "The server is stopping. Please retry.")
}

/// What was asked for can't be stored at the moment.
pub fn storage_unavailable(why: impl Display) -> PubsubError {
    Status::new(
        Code::Unavailable,
        format!("The service was unable to fulfil your request: {why}. Please retry."),
    )
}

/// A time as the service repeats it: `9m59s`, `744h`.
pub fn spoken(seconds: i64, nanos: i32) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    if seconds < 0 || nanos < 0 {
        text.push('-');
    }
    let (seconds, nanos) = (seconds.unsigned_abs(), nanos.unsigned_abs());
    let (hours, minutes, left) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    // Writing to a String can't fail.
    if hours > 0 {
        let _ = write!(text, "{hours}h");
    }
    if minutes > 0 {
        let _ = write!(text, "{minutes}m");
    }
    if nanos > 0 {
        let fraction = format!("{nanos:09}");
        let _ = write!(text, "{left}.{}s", fraction.trim_end_matches('0'));
    } else if left > 0 || text.trim_start_matches('-').is_empty() {
        let _ = write!(text, "{left}s");
    }
    text
}

/// The error as REST answers it. Details are those of `google.rpc` that its clients look at.
pub fn rest_error(error: &PubsubError) -> (StatusCode, Bytes) {
    let status = error.code.http_status();
    (status, rest_error_body(error, status))
}

/// The body of an error that is answered with that HTTP status.
pub fn rest_error_body(error: &PubsubError, status: StatusCode) -> Bytes {
    let mut body = json!({
        "code": status.as_u16(),
        "message": error.message,
        "status": error.code.name(),
    });
    let details: Vec<Value> = error.details.iter().filter_map(rest_detail).collect();
    if !details.is_empty() {
        body["details"] = details.into();
    }
    let mut text = serde_json::to_string_pretty(&json!({ "error": body })).unwrap_or_default();
    text.push('\n');
    text.into()
}

fn rest_detail(detail: &prost_types::Any) -> Option<Value> {
    use prost::Message;
    let mut value = match detail.type_url.rsplit('/').next()? {
        "google.rpc.ErrorInfo" => {
            let info = rpc::ErrorInfo::decode(&*detail.value).ok()?;
            json!({"reason": info.reason, "domain": info.domain, "metadata": info.metadata})
        }
        "google.rpc.BadRequest" => {
            let bad = rpc::BadRequest::decode(&*detail.value).ok()?;
            let violations = bad.field_violations.iter().map(|violation| {
                let mut value = json!({"description": violation.description});
                if !violation.field.is_empty() {
                    value["field"] = violation.field.clone().into();
                }
                value
            });
            json!({"fieldViolations": violations.collect::<Vec<_>>()})
        }
        _ => return None,
    };
    value["@type"] = detail.type_url.clone().into();
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn time(seconds: i64, nanos: i32) -> prost_types::Duration {
        prost_types::Duration { seconds, nanos }
    }

    #[test]
    fn times_are_spoken_as_the_service_does() {
        for (seconds, nanos, text) in [
            (599, 0, "9m59s"),
            (600, 0, "10m"),
            (744 * 3600 + 1, 0, "744h1s"),
            (3661, 0, "1h1m1s"),
            (601, 5, "10m1.000000005s"),
            (0, 500_000_000, "0.5s"),
            (0, 0, "0s"),
            (-1, 0, "-1s"),
            (i64::MIN, i32::MIN, "-2562047788015215h30m8.2147483648s"),
        ] {
            assert_eq!(spoken(seconds, nanos), text);
        }
    }

    #[test]
    fn texts_are_the_services() {
        let error = too_large("message_count", 1001, 1000);
        assert_eq!(
            error.message,
            "The value for message_count is too large. You passed 1001 in the request, but the \
             maximum value is 1000."
        );
        let error = duration_out_of_bounds(
            "message_retention_duration",
            &time(599, 0),
            Duration::from_secs(600),
            Duration::from_secs(744 * 3600),
        );
        assert!(error.message.ends_with(
            "is out of bounds. You passed 9m59s in the request, but the value must be between 10m \
             and 744h."
        ));
        assert_eq!(
            invalid_ack_deadline(9, 10, 600).message,
            "Invalid ack deadline given (ack_deadline=9). The ack deadline must be between 10 and \
             600 seconds."
        );
        assert_eq!(
            payload_too_large().message,
            "Request payload size exceeds the limit: 10485760 bytes."
        );
    }

    #[test]
    fn failed_ack_ids_stand_in_the_details() {
        let error = ack_failures([
            ("a", AckFailure::InvalidAckId),
            ("b", AckFailure::Unavailable),
        ]);
        assert_eq!(error.code, Code::InvalidArgument);
        let (status, body) = rest_error(&error);
        assert_eq!(status, 400);
        let body: Value = serde_json::from_slice(&body).unwrap();
        let detail = &body["error"]["details"][0];
        assert_eq!(detail["@type"], "type.googleapis.com/google.rpc.ErrorInfo");
        assert_eq!(
            detail["metadata"],
            json!({"a": "PERMANENT_FAILURE_INVALID_ACK_ID",
                   "b": "TRANSIENT_FAILURE_SERVICE_UNAVAILABLE"})
        );
        assert_eq!(
            ack_failures([("b", AckFailure::Unavailable)]).code,
            Code::Unavailable
        );
        let unordered = ack_failures([("c", AckFailure::Unordered)]);
        assert_eq!(unordered.code, Code::FailedPrecondition);
    }

    #[test]
    fn rest_errors_are_pretty_and_end_with_a_newline() {
        let (status, body) = rest_error(&not_found("t"));
        assert_eq!(status, 404);
        assert_eq!(
            body,
            "{\n  \"error\": {\n    \"code\": 404,\n    \"message\": \"Resource not found \
             (resource=t).\",\n    \"status\": \"NOT_FOUND\"\n  }\n}\n"
        );
    }

    proptest! {
        #[test]
        fn any_text_makes_an_error(text in ".*", seconds: i64, nanos: i32) {
            for error in [
                invalid_name(&text),
                not_found(&text),
                invalid_ack_id(&text),
                invalid_page_token(&text),
                duration_out_of_bounds(&text, &time(seconds, nanos), Duration::ZERO, Duration::MAX),
            ] {
                let (_, body) = rest_error(&error);
                let body: Value = serde_json::from_slice(&body).unwrap();
                prop_assert_eq!(body["error"]["message"].as_str(), Some(&*error.message));
            }
        }
    }
}
