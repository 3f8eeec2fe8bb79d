//! Paths of the admin endpoint.

use super::answers::{AdminError, AdminResult, ok};
use super::{Admin, config, controls, queues, stats};
use crate::http::ReplyBody;
use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response};
use serde_json::json;

/// Before the paths of the API. Those of queues, health, stats and config answer without it too.
const PREFIX: &str = "/api/v1";

pub(super) async fn answer(
    admin: &Admin,
    head: &Parts,
    body: &Bytes,
) -> AdminResult<Response<ReplyBody>> {
    let path = head.uri.path();
    let path = path.strip_prefix(PREFIX).unwrap_or(path);
    let segments: Vec<String> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(queues::decoded)
        .collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let query = head.uri.query().unwrap_or("");
    let method = match head.method {
        Method::HEAD => &Method::GET,
        ref method => method,
    };
    match (method, &segments[..]) {
        (&Method::GET, ["health"]) => Ok(admin.metrics.health()),
        (&Method::GET, ["ready"]) => Ok(ok(&json!({ "status": "ready" }))),
        (&Method::GET, ["version"]) => Ok(ok(&json!({
            "name": "lclq",
            "version": env!("CARGO_PKG_VERSION"),
        }))),
        (&Method::GET, ["metrics"]) => admin.metrics.answer(head).await,
        (&Method::GET, ["stats"]) => Ok(ok(&stats::of_all(admin).await?)),
        (&Method::GET, ["shards"]) => Ok(ok(&json!({ "shards": stats::of_shards(admin).await? }))),
        (&Method::GET, ["config"]) => Ok(ok(&admin.live.shown())),
        (&Method::POST, ["config", "reload"]) => config::reload(admin).await,
        (method, ["queues", rest @ ..]) => queues::answer(admin, method, rest, query, body).await,
        (method, ["test", rest @ ..]) => controls::answer(admin, method, rest, body).await,
        (_, ["health" | "ready" | "version" | "metrics" | "stats" | "shards" | "config"]) => {
            Err(AdminError::wrong_method("GET"))
        }
        (_, ["config", "reload"]) => Err(AdminError::wrong_method("POST")),
        (_, ["export"]) => Err(AdminError::wrong_method("GET")),
        (_, ["import"]) => Err(AdminError::wrong_method("POST")),
        _ => Err(AdminError::not_found(format!("there is nothing at {path}"))),
    }
}
