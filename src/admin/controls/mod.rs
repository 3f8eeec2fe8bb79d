//! What a test may do to a server that was started for tests (`--test-controls`).

mod clock;
mod clock_file;
mod faults;
mod reset;
mod states;

pub use clock_file::restore_clock;

use super::Admin;
use super::answers::{AdminError, AdminResult};
use crate::faults::Faults;
use crate::http::ReplyBody;
use http::{Method, Response, StatusCode};
use std::path::PathBuf;

/// Whether tests may drive the server, and what outlives it.
#[derive(Clone, Debug, Default)]
pub struct Controls {
    /// Whether they may.
    pub enabled: bool,
    /// The data directory, if there is one.
    pub data_dir: Option<PathBuf>,
    /// What requests suffer.
    pub faults: Faults,
}

pub(super) async fn answer(
    admin: &Admin,
    method: &Method,
    segments: &[&str],
    body: &[u8],
) -> AdminResult<Response<ReplyBody>> {
    if !admin.controls.enabled {
        return Err(AdminError::new(
            StatusCode::FORBIDDEN,
            "TestControlsOff",
            "this server isn't for tests to drive; start it with --test-controls",
        ));
    }
    match segments {
        ["clock", rest @ ..] => clock::answer(admin, method, rest, body).await,
        ["faults", rest @ ..] => faults::answer(admin, method, rest, body),
        ["states", rest @ ..] => states::answer(admin, method, rest).await,
        ["reset"] if method == Method::POST => reset::answer(admin, body).await,
        ["reset"] => Err(AdminError::wrong_method("POST")),
        _ => Err(AdminError::not_found("there is no such test control")),
    }
}
