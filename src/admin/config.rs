//! Reading the configuration again.

use super::Admin;
use super::answers::{AdminError, AdminResult, ok};
use crate::http::ReplyBody;
use crate::server::{self, ReloadError, Services};
use http::{Response, StatusCode};

/// Reads the file again; answers what was applied, what waits for a restart, and what became of
/// declared resources.
pub(super) async fn reload(admin: &Admin) -> AdminResult<Response<ReplyBody>> {
    let Some(pubsub) = admin.pubsub.clone() else {
        return Err(AdminError::unavailable("the server starts or stops"));
    };
    let services = Services {
        sqs: admin.sqs.clone(),
        pubsub,
    };
    match server::reload(&admin.live, &services).await {
        Ok(reloaded) => Ok(ok(&reloaded)),
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
