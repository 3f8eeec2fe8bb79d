//! Reading the configuration again.

use super::Admin;
use super::answers::{AdminError, AdminResult};
use super::route::Asked;
use crate::server::{self, ReloadError, Reloaded, Services};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::rc::Rc;

/// The configuration in effect.
#[derive(Serialize, JsonSchema)]
pub(super) struct ConfigView {
    /// The file that was read, if any.
    file: Value,
    /// Settings as `lclq config show --output json` prints them.
    config: Value,
}

pub(super) async fn show(admin: Rc<Admin>, _: Asked) -> AdminResult<ConfigView> {
    let mut shown = admin.live.shown();
    Ok(ConfigView {
        file: shown["file"].take(),
        config: shown["config"].take(),
    })
}

/// Reads the file again; answers what was applied, what waits for a restart, and what became of
/// declared resources.
pub(super) async fn reload(admin: Rc<Admin>, _: Asked) -> AdminResult<Reloaded> {
    let Some(pubsub) = admin.pubsub.clone() else {
        return Err(AdminError::unavailable("the server starts or stops"));
    };
    let services = Services {
        sqs: admin.sqs.clone(),
        pubsub,
    };
    match server::reload(&admin.live, &services).await {
        Ok(reloaded) => Ok(reloaded),
        Err(error) => Err(refused(&error)),
    }
}

fn refused(error: &ReloadError) -> AdminError {
    let (status, code) = match error {
        ReloadError::NoFile => (StatusCode::CONFLICT, "NoFile"),
        ReloadError::Busy => (StatusCode::CONFLICT, "Busy"),
        ReloadError::Io(_) => (StatusCode::SERVICE_UNAVAILABLE, "Unavailable"),
        ReloadError::Wrong(_) => (StatusCode::UNPROCESSABLE_ENTITY, "BadConfiguration"),
        ReloadError::Refused(_) => (StatusCode::UNPROCESSABLE_ENTITY, "Refused"),
    };
    AdminError::new(status, code, error)
}
