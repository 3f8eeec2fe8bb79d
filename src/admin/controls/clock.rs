//! The clock of a test server.

use super::super::Admin;
use super::super::answers::{AdminError, AdminResult, ok};
use super::clock_file;
use crate::http::ReplyBody;
use crate::mesh::{ClockError, ClockOrder};
use crate::runtime::{Driven, clock_driven, undriven_clock, wall_clock};
use http::{Method, Response, StatusCode};
use lclq_shards::Millis;
use prost_types::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

/// Longest time that passes at once, ms: a hundred years.
const ADVANCE_MS_MAX: Millis = 100 * 366 * 86_400_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    ms: Millis,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    to: Value,
}

pub(super) async fn answer(
    admin: &Admin,
    method: &Method,
    segments: &[&str],
    body: &[u8],
) -> AdminResult<Response<ReplyBody>> {
    let order = match (method, segments) {
        (&Method::GET, []) => return Ok(ok(&state())),
        (&Method::POST, ["stop"]) => ClockOrder::Stop,
        (&Method::POST, ["resume"]) => ClockOrder::Resume,
        (&Method::POST, ["advance"]) => {
            let Advance { ms } = read(body, r#"{"ms": 3600000}"#)?;
            ClockOrder::Advance(bounded(ms)?)
        }
        (&Method::POST, ["set"]) => {
            let Set { to } = read(body, r#"{"to": "2026-12-24T18:00:00Z"}"#)?;
            let to = time(&to)?;
            bounded(to.saturating_sub(wall_clock()))?;
            ClockOrder::Set(to)
        }
        (_, []) => return Err(AdminError::wrong_method("GET")),
        (_, ["stop" | "resume" | "advance" | "set"]) => {
            return Err(AdminError::wrong_method("POST"));
        }
        _ => return Err(AdminError::not_found("the clock can't do that")),
    };
    let driven = admin.mesh.drive_clock(order).await;
    // What part of the way it has come, it has come.
    clock_file::keep(admin.controls.data_dir.as_deref())?;
    driven.map_err(|error| match error {
        ClockError::Back { .. } => AdminError::bad_request(error),
        ClockError::InUse => AdminError::new(StatusCode::CONFLICT, "ClockInUse", error),
        ClockError::Unsettled(_) => AdminError::unavailable(error),
    })?;
    let state = state();
    tracing::warn!(clock = %state, "a test drives the clock");
    Ok(ok(&state))
}

fn read<'b, T: Deserialize<'b>>(body: &'b [u8], example: &str) -> AdminResult<T> {
    serde_json::from_slice(body).map_err(|error| {
        AdminError::bad_request(format!("{error}; this path takes an object like {example}"))
    })
}

fn bounded(ms: Millis) -> AdminResult<Millis> {
    if ms <= ADVANCE_MS_MAX {
        return Ok(ms);
    }
    Err(AdminError::bad_request(format!(
        "time passes by {ADVANCE_MS_MAX} ms at a time at most"
    )))
}

/// A time as an API may be given it, ms since 1970.
fn time(given: &Value) -> AdminResult<Millis> {
    let parsed = match given {
        Value::Number(ms) => ms.as_u64(),
        Value::String(text) => match text.parse::<u64>() {
            Ok(ms) => Some(ms),
            Err(_) => text.parse::<Timestamp>().ok().and_then(|time| {
                let ms = time.seconds.checked_mul(1000)? + i64::from(time.nanos) / 1_000_000;
                u64::try_from(ms).ok()
            }),
        },
        _ => None,
    };
    parsed.ok_or_else(|| {
        AdminError::bad_request(
            "a time is given as 2026-12-24T18:00:00Z or as milliseconds since 1970",
        )
    })
}

fn state() -> Value {
    let now = wall_clock();
    let time = Timestamp {
        seconds: (now / 1000) as i64,
        nanos: (now % 1000) as i32 * 1_000_000,
    };
    json!({
        "now_ms": now,
        "now": time.to_string(),
        "state": match clock_driven() {
            Some(Driven::Stopped(_)) => "stopped",
            _ => "running",
        },
        "ahead_ms": now as i64 - undriven_clock() as i64,
    })
}
