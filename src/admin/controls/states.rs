//! States of a test server: saved under a name, and brought back.

use super::super::Admin;
use super::super::answers::{AdminError, AdminResult};
use super::super::portable::states::{self, Told};
use super::super::route::Asked;
use super::{allowed, reset};
use crate::mesh::ClockOrder;
use crate::runtime::{Driven, clock_driven};
use schemars::JsonSchema;
use serde::Serialize;
use std::rc::Rc;
use std::time::Instant;

/// The states that are kept, by name.
#[derive(Serialize, JsonSchema)]
pub(in crate::admin) struct StateList {
    states: Vec<Told>,
}

/// The state that was brought back.
#[derive(Serialize, JsonSchema)]
pub(in crate::admin) struct RestoredState {
    restored: String,
}

/// The state that was forgotten.
#[derive(Serialize, JsonSchema)]
pub(in crate::admin) struct DeletedState {
    deleted: String,
}

pub(in crate::admin) async fn list(admin: Rc<Admin>, _: Asked) -> AdminResult<StateList> {
    allowed(&admin)?;
    Ok(StateList {
        states: admin.portable.states.list(),
    })
}

pub(in crate::admin) async fn save(admin: Rc<Admin>, asked: Asked) -> AdminResult<Told> {
    allowed(&admin)?;
    let (name, started) = (asked.part(0), Instant::now());
    let told = states::save(&admin, name, is_stopped()).await?;
    let ms = started.elapsed().as_secs_f64() * 1000.0;
    tracing::warn!(state = name, ms, "a test has saved the server's state");
    Ok(told)
}

pub(in crate::admin) async fn restore(
    admin: Rc<Admin>,
    asked: Asked,
) -> AdminResult<RestoredState> {
    allowed(&admin)?;
    let (name, started) = (asked.part(0), Instant::now());
    let state = admin.portable.states.get(name)?;
    // Queues that the state has stay in their places, so that who waits there goes on.
    reset::clear(&admin, &states::queues_of(&state)).await?;
    states::restore(&admin, &state).await?;
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
    Ok(RestoredState {
        restored: name.to_owned(),
    })
}

pub(in crate::admin) async fn delete(admin: Rc<Admin>, asked: Asked) -> AdminResult<DeletedState> {
    allowed(&admin)?;
    let name = asked.part(0);
    admin.portable.states.delete(name)?;
    Ok(DeletedState {
        deleted: name.to_owned(),
    })
}

fn is_stopped() -> bool {
    matches!(clock_driven(), Some(Driven::Stopped(_)))
}
