//! What a driven clock leaves for the next start on the same data directory: times that are stored
//! must not lie in the future of a server that was an hour ahead when it stored them.

use super::super::answers::{AdminError, AdminResult};
use super::Controls;
use crate::runtime::{Driven, clock_driven, drive_clock};
use lclq_shards::Millis;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

const NAME: &str = "test-clock.json";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kept {
    AheadMs(Millis),
    StoppedAtMs(Millis),
}

fn file_in(data_dir: &Path) -> PathBuf {
    data_dir.join(NAME)
}

/// Has the clock go on as it was driven when the last server ended, or lets it be driven at all.
///
/// # Errors
/// What was kept can't be read.
pub fn restore_clock(controls: &Controls) -> io::Result<()> {
    if !controls.enabled {
        return Ok(());
    }
    let kept = match controls.data_dir.as_deref().map(file_in) {
        Some(file) => match std::fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|error| io::Error::other(format!("{}: {error}", file.display())))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Kept::AheadMs(0),
            Err(error) => return Err(error),
        },
        None => Kept::AheadMs(0),
    };
    drive_clock(match kept {
        Kept::AheadMs(ms) => Driven::Ahead(ms),
        Kept::StoppedAtMs(at) => Driven::Stopped(at),
    });
    Ok(())
}

/// Keeps how the clock is driven.
pub(super) fn keep(data_dir: Option<&Path>) -> AdminResult<()> {
    let (Some(data_dir), Some(driven)) = (data_dir, clock_driven()) else {
        return Ok(());
    };
    let kept = match driven {
        Driven::Ahead(ms) => Kept::AheadMs(ms),
        Driven::Stopped(at) => Kept::StoppedAtMs(at),
    };
    let text = serde_json::to_vec(&kept).unwrap_or_default();
    let new = file_in(data_dir).with_extension("new");
    std::fs::write(&new, text)
        .and_then(|()| std::fs::rename(&new, file_in(data_dir)))
        .map_err(|error| {
            AdminError::unavailable(format!(
                "how the clock is driven can't be kept in {}: {error}",
                data_dir.display()
            ))
        })
}
