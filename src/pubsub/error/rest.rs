//! Errors as REST answers them.

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::PubsubError;
use crate::proto::google::rpc;

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
        "google.rpc.RetryInfo" => {
            let info = rpc::RetryInfo::decode(&*detail.value).ok()?;
            let delay = info.retry_delay.unwrap_or_default();
            json!({"retryDelay": format!("{}.{:09}s", delay.seconds, delay.nanos)})
        }
        _ => return None,
    };
    value["@type"] = detail.type_url.clone().into();
    Some(value)
}
