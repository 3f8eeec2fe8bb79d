//! What a test may do to a server that was started for tests (`--test-controls`).

pub(super) mod clock;
mod clock_file;
pub(super) mod faults;
pub(super) mod profile;
pub(super) mod regions;
pub(super) mod reset;
pub(super) mod states;

pub use clock_file::restore_clock;

use super::Admin;
use super::answers::{AdminError, AdminResult};
use crate::faults::Faults;
use crate::profile::Profile;
use crate::regions::Regions;
use http::StatusCode;
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
    /// What happens to them as in production.
    pub profile: Profile,
    /// How far they have to go.
    pub regions: Regions,
}

/// Whether tests may drive the server.
fn allowed(admin: &Admin) -> AdminResult<()> {
    if admin.controls.enabled {
        return Ok(());
    }
    Err(AdminError::new(
        StatusCode::FORBIDDEN,
        "TestControlsOff",
        "this server isn't for tests to drive; start it with --test-controls",
    ))
}
