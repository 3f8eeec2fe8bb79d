//! States of a test server: saved under a name, and brought back.

use super::super::Admin;
use super::super::answers::{AdminError, AdminResult, ok};
use super::super::portable::states;
use super::reset;
use crate::http::ReplyBody;
use crate::mesh::ClockOrder;
use crate::runtime::{Driven, clock_driven};
use http::{Method, Response};
use serde_json::json;
use std::time::Instant;

pub(super) async fn answer(
    admin: &Admin,
    method: &Method,
    segments: &[&str],
) -> AdminResult<Response<ReplyBody>> {
    match (method, segments) {
        (&Method::GET, []) => Ok(ok(&json!({ "states": admin.portable.states.list() }))),
        (&Method::POST, [name]) => {
            let started = Instant::now();
            let is_stopped = is_stopped();
            let told = states::save(admin, name, is_stopped).await?;
            let ms = started.elapsed().as_secs_f64() * 1000.0;
            tracing::warn!(state = name, ms, "a test has saved the server's state");
            Ok(ok(&told))
        }
        (&Method::POST, [name, "restore"]) => {
            let started = Instant::now();
            let state = admin.portable.states.get(name)?;
            // Queues that the state has stay in their places, so that who waits there goes on.
            reset::clear(admin, &states::queues_of(&state)).await?;
            states::restore(admin, &state).await?;
            if state.is_stopped() != is_stopped() {
                let order = match state.is_stopped() {
                    true => ClockOrder::Stop,
                    false => ClockOrder::Resume,
                };
                let driven = admin.mesh.drive_clock(order).await;
                driven.map_err(AdminError::unavailable)?;
                super::clock_file::keep(admin.controls.data_dir.as_deref())?;
            }
            let ms = started.elapsed().as_secs_f64() * 1000.0;
            tracing::warn!(state = name, ms, "a test has restored the server's state");
            Ok(ok(&json!({ "restored": name })))
        }
        (&Method::DELETE, [name]) => {
            admin.portable.states.delete(name)?;
            Ok(ok(&json!({ "deleted": name })))
        }
        (_, []) => Err(AdminError::wrong_method("GET")),
        (_, [_]) => Err(AdminError::wrong_method("POST or DELETE")),
        (_, [_, "restore"]) => Err(AdminError::wrong_method("POST")),
        _ => Err(AdminError::not_found("a state can't do that")),
    }
}

fn is_stopped() -> bool {
    matches!(clock_driven(), Some(Driven::Stopped(_)))
}
