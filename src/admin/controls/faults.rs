//! `/test/faults`: rules by which requests suffer.

use super::super::Admin;
use super::super::answers::{AdminError, AdminResult, ok, with_status};
use crate::faults::Rule;
use crate::http::ReplyBody;
use http::{Method, Response, StatusCode};
use serde_json::json;

pub(super) fn answer(
    admin: &Admin,
    method: &Method,
    segments: &[&str],
    body: &[u8],
) -> AdminResult<Response<ReplyBody>> {
    let faults = &admin.controls.faults;
    match (method, segments) {
        (&Method::GET, []) => Ok(ok(&json!({ "faults": faults.shown() }))),
        (&Method::POST, []) => {
            let rule: Rule = serde_json::from_slice(body)
                .map_err(|error| AdminError::bad_request(format!("no fault rule: {error}")))?;
            let text = String::from_utf8_lossy(body).into_owned();
            let set = faults.set(rule);
            let name = set.map_err(|error| AdminError::bad_request(error.to_string()))?;
            tracing::warn!(name, rule = text, "a fault rule is set");
            Ok(with_status(StatusCode::CREATED, &json!({ "name": name })))
        }
        (&Method::DELETE, []) => {
            let removed = faults.clear();
            tracing::warn!(removed, "all fault rules are removed");
            Ok(ok(&json!({ "removed": removed })))
        }
        (&Method::DELETE, [name]) => {
            if !faults.remove(name) {
                let text = format!("there is no fault rule {name}");
                return Err(AdminError::not_found(text));
            }
            tracing::warn!(name, "a fault rule is removed");
            Ok(ok(&json!({ "removed": 1 })))
        }
        (_, []) => Err(AdminError::wrong_method("GET, POST, DELETE")),
        (_, [_]) => Err(AdminError::wrong_method("DELETE")),
        _ => Err(AdminError::not_found("there is no such test control")),
    }
}
