//! Errors are chosen in this folder and nowhere else.

use super::*;
use crate::source_scan::wrong_lines;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;

/// That errors are made here alone is looked at with gRPC's; this is for the texts in them.
#[test]
fn sentences_stand_in_this_folder_only() {
    let found = wrong_lines("pubsub", &["pubsub/error"], |line| {
        // What is expected of our own code is told to nobody else.
        let is_ours = line.contains(".expect(") || line.contains("\"Bearer ");
        let mut literals = line.split('"').skip(1).step_by(2);
        !is_ours
            && literals.any(|text| {
                text.starts_with(|first: char| first.is_ascii_uppercase()) && text.contains(' ')
            })
    });
    assert!(found.is_empty(), "{}", found.join("\n"));
}

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
