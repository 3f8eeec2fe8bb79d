//! The clock of a test server.

use super::super::Admin;
use super::super::answers::{AdminError, AdminResult};
use super::super::route::{Asked, Json, NoQuery};
use super::{allowed, clock_file};
use crate::mesh::{ClockError, ClockOrder};
use crate::runtime::{Driven, clock_driven, undriven_clock, wall_clock};
use http::StatusCode;
use lclq_shards::Millis;
use prost_types::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::rc::Rc;

/// Longest time that passes at once, ms: a hundred years.
const ADVANCE_MS_MAX: Millis = 100 * 366 * 86_400_000;

/// How far to go.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct Advance {
    /// How much time passes, ms.
    ms: Millis,
}

/// Where to go.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct Set {
    /// A time such as 2026-12-24T18:00:00Z, or ms since 1970; not before the present one.
    to: Value,
}

/// The server's clock.
#[derive(Serialize, JsonSchema)]
pub(in crate::admin) struct ClockState {
    /// ms since 1970.
    now_ms: u64,
    now: String,
    /// `running` or `stopped`.
    state: &'static str,
    /// How far it is ahead of the clock that nobody drives, ms.
    ahead_ms: i64,
}

pub(in crate::admin) async fn show(admin: Rc<Admin>, _: Asked) -> AdminResult<ClockState> {
    allowed(&admin)?;
    Ok(state())
}

pub(in crate::admin) async fn stop(admin: Rc<Admin>, _: Asked) -> AdminResult<ClockState> {
    drive(&admin, ClockOrder::Stop).await
}

pub(in crate::admin) async fn resume(admin: Rc<Admin>, _: Asked) -> AdminResult<ClockState> {
    drive(&admin, ClockOrder::Resume).await
}

pub(in crate::admin) async fn advance(
    admin: Rc<Admin>,
    asked: Asked<NoQuery, Json<Advance>>,
) -> AdminResult<ClockState> {
    let order = ClockOrder::Advance(bounded(asked.body.0.ms)?);
    drive(&admin, order).await
}

pub(in crate::admin) async fn set(
    admin: Rc<Admin>,
    asked: Asked<NoQuery, Json<Set>>,
) -> AdminResult<ClockState> {
    let to = time(&asked.body.0.to)?;
    bounded(to.saturating_sub(wall_clock()))?;
    drive(&admin, ClockOrder::Set(to)).await
}

async fn drive(admin: &Admin, order: ClockOrder) -> AdminResult<ClockState> {
    allowed(admin)?;
    let driven = admin.mesh.drive_clock(order).await;
    // What part of the way it has come, it has come.
    clock_file::keep(admin.controls.data_dir.as_deref())?;
    driven.map_err(|error| match error {
        ClockError::Back { .. } => AdminError::bad_request(error),
        ClockError::InUse => AdminError::new(StatusCode::CONFLICT, "ClockInUse", error),
        ClockError::Unsettled(_) => AdminError::unavailable(error),
    })?;
    let state = state();
    let (now, is) = (&state.now, state.state);
    tracing::warn!(now, is, "a test drives the clock");
    Ok(state)
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

fn state() -> ClockState {
    let now = wall_clock();
    let time = Timestamp {
        seconds: (now / 1000) as i64,
        nanos: (now % 1000) as i32 * 1_000_000,
    };
    ClockState {
        now_ms: now,
        now: time.to_string(),
        state: match clock_driven() {
            Some(Driven::Stopped(_)) => "stopped",
            _ => "running",
        },
        ahead_ms: now as i64 - undriven_clock() as i64,
    }
}
