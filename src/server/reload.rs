//! Reading the configuration's file again while the server runs.

use super::declare::{Made, Plan, Services};
use crate::config::{Live, Turn};
use crate::credentials::Credentials;
use crate::runtime::{doorbell, spawn_beside};
use crate::tls::Tls;
use serde::Serialize;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// What a reload came to.
#[derive(Serialize, schemars::JsonSchema, Debug)]
pub struct Reloaded {
    /// The file that was read.
    pub file: String,
    /// Keys whose new values are in effect.
    pub applied: Vec<String>,
    /// Keys whose new values count from the next start on.
    pub restart: Vec<String>,
    /// Declared resources.
    pub resources: Made,
}

/// Why a reload came to nothing, or to a part.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The server was started without a file.
    #[error("the server was started without a configuration file")]
    NoFile,
    /// Somebody else's is under way.
    #[error("a reload is under way")]
    Busy,
    /// The thread that reads can't be started.
    #[error("the configuration can't be read: {0}")]
    Io(#[from] io::Error),
    /// The file is wrong; nothing was changed.
    #[error("{}", .0.join("\n"))]
    Wrong(Vec<String>),
    /// A declared resource can't be made; settings and those before it are as declared.
    #[error("{0}")]
    Refused(String),
}

/// Reads the file again and does what can be done of it. The log tells what that was.
///
/// # Errors
/// [`ReloadError`] says what was left as it was.
pub async fn reload(live: &Arc<Live>, services: &Services) -> Result<Reloaded, ReloadError> {
    match live.turn() {
        Some(turn) => reload_in(&turn, services).await,
        None => told(Err(ReloadError::Busy)),
    }
}

/// Does what [`reload`] does, in a turn that somebody has.
pub(super) async fn reload_in(turn: &Turn, services: &Services) -> Result<Reloaded, ReloadError> {
    told(attempt(turn, services).await)
}

/// Tells the log what a reload came to.
fn told(outcome: Result<Reloaded, ReloadError>) -> Result<Reloaded, ReloadError> {
    match &outcome {
        Ok(reloaded) => {
            let (file, applied) = (&reloaded.file, reloaded.applied.join(", "));
            tracing::info!(file, applied, "the configuration was read again");
            if !reloaded.restart.is_empty() {
                let keys = reloaded.restart.join(", ");
                tracing::warn!("changed, but in effect from the next start on: {keys}");
            }
        }
        Err(ReloadError::Wrong(lines)) => {
            for line in lines {
                tracing::error!("not reloaded: {line}");
            }
        }
        Err(error) => tracing::error!("not reloaded: {error}"),
    }
    outcome
}

/// Reads certificates again. The log tells what came of it.
pub(super) async fn reload_certificates(tls: &Tls) {
    let tls = tls.clone();
    match beside(move || tls.reload()).await.flatten() {
        Ok(()) => tracing::info!("certificates were read again"),
        Err(error) => tracing::error!("certificates stay as they were: {error}"),
    }
}

/// Reads access keys again. The log tells what came of it.
pub(super) async fn reload_credentials(credentials: &Credentials) {
    let credentials = credentials.clone();
    let reloaded = beside(move || credentials.reload()).await;
    match reloaded.and_then(|outcome| outcome.map_err(io::Error::other)) {
        Ok(()) => tracing::info!("access keys were read again"),
        Err(error) => tracing::error!("access keys stay as they were: {error}"),
    }
}

async fn attempt(turn: &Turn, services: &Services) -> Result<Reloaded, ReloadError> {
    let source = turn.source();
    let file = source.file().ok_or(ReloadError::NoFile)?.to_owned();
    let loaded = beside(move || source.load()).await?;
    let changes = turn.take(loaded.map_err(ReloadError::Wrong)?);
    if let Some(filter) = &changes.log {
        crate::log::set_filter(filter).map_err(ReloadError::Refused)?;
    }
    let made = Plan::of(&turn.loaded()).make(services).await;
    Ok(Reloaded {
        file: file.display().to_string(),
        applied: changes.applied,
        restart: changes.restart,
        resources: made.map_err(ReloadError::Refused)?,
    })
}

/// Does what may wait for a disk on a thread of its own.
pub(super) async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let (bell, mut waiter) = doorbell();
    let place = Arc::new(Mutex::new(None));
    let there = place.clone();
    let thread = std::thread::Builder::new().name("lclq-reload".to_owned());
    spawn_beside(thread, move || {
        let outcome = work();
        *there.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        bell.ring();
    })?;
    loop {
        waiter.wait().await;
        let outcome = place.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(outcome) = outcome {
            return Ok(outcome);
        }
    }
}
