//! The configuration: what is in effect, reading it again, and editing its file.

use super::Admin;
use super::answers::{AdminError, AdminResult};
use super::route::{Asked, Json, NoQuery, Route, Scope};
use crate::config::{LIVE, place, schema};
use crate::server::{self, EditError, ReloadError, Reloaded, Services};
use http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
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

/// The JSON Schema of the file.
#[derive(Serialize, JsonSchema)]
struct SchemaView {
    schema: &'static Value,
    /// Places in the file, such as `server.log`, whose new values a running server takes; others wait
    /// for a restart.
    live: Vec<String>,
}

async fn show_schema(_: Rc<Admin>, _: Asked) -> AdminResult<SchemaView> {
    Ok(SchemaView {
        schema: schema::of_file(),
        live: LIVE.iter().map(|key| place(key)).collect(),
    })
}

/// The file as it is.
#[derive(Serialize, JsonSchema)]
struct FileView {
    file: String,
    text: String,
}

/// Where nobody has to say who they are, whoever gets at the port would see what is masked elsewhere.
async fn show_file(admin: Rc<Admin>, _: Asked) -> AdminResult<FileView> {
    let read = server::text_of(&admin.live).await;
    let (file, text, has_secrets) = read.map_err(|error| refused(&error))?;
    if has_secrets && !admin.enforces_auth {
        let why = format!(
            "{file} holds secrets, or can't be taken apart: it is shown only where a token is asked for (--admin-auth)"
        );
        return Err(AdminError::new(StatusCode::FORBIDDEN, "HasSecrets", why));
    }
    Ok(FileView { file, text })
}

/// A text that the file could have.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CheckConfig {
    text: String,
}

/// What it would change.
#[derive(Serialize, JsonSchema)]
struct CheckedConfig {
    /// What is wrong with it, a line for each; nothing would be changed then.
    wrong: Vec<String>,
    /// Keys whose new values would be in effect at once.
    applied: Vec<String>,
    /// Keys whose new values would count from the next start on.
    restart: Vec<String>,
}

async fn check(
    admin: Rc<Admin>,
    asked: Asked<NoQuery, Json<CheckConfig>>,
) -> AdminResult<CheckedConfig> {
    match server::check_configuration(&admin.live, asked.body.0.text).await {
        Ok(changes) => Ok(CheckedConfig {
            wrong: Vec::new(),
            applied: changes.applied,
            restart: changes.restart,
        }),
        Err(ReloadError::Wrong(wrong)) => Ok(CheckedConfig {
            wrong,
            applied: Vec::new(),
            restart: Vec::new(),
        }),
        Err(error) => Err(refused(&error)),
    }
}

/// A text for the file.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SaveConfig {
    text: String,
    /// What the file has now: another's changes aren't lost unseen.
    was: String,
}

async fn save(admin: Rc<Admin>, asked: Asked<NoQuery, Json<SaveConfig>>) -> AdminResult<Reloaded> {
    let services = services(&admin)?;
    let SaveConfig { text, was } = asked.body.0;
    let saved = server::save_configuration(&admin.live, &services, text, was).await;
    saved.map_err(|error| match &error {
        EditError::Reload(error) => refused(error),
        EditError::Changed => AdminError::new(StatusCode::CONFLICT, "Changed", error),
        EditError::Unwritable { .. } => AdminError::new(StatusCode::CONFLICT, "Unwritable", error),
    })
}

fn services(admin: &Admin) -> AdminResult<Services> {
    let Some(pubsub) = admin.pubsub.clone() else {
        return Err(AdminError::unavailable("the server starts or stops"));
    };
    Ok(Services {
        sqs: admin.sqs.clone(),
        pubsub,
    })
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::GET,
            "/config/schema",
            Scope::Read,
            (
                "getConfigSchema",
                "The JSON Schema of the configuration's file, and which keys need no restart",
            ),
            show_schema,
        ),
        Route::new(
            Method::GET,
            "/config/file",
            Scope::Admin,
            ("getConfigFile", "The configuration's file as it is"),
            show_file,
        ),
        Route::new(
            Method::POST,
            "/config/check",
            // What a setting names may be looked at, such as a certificate.
            Scope::Admin,
            (
                "checkConfig",
                "What is wrong with a text for the configuration's file, or what it would change",
            ),
            check,
        ),
        Route::new(
            Method::PUT,
            "/config/file",
            Scope::Admin,
            (
                "saveConfigFile",
                "Write the configuration's file, and take of it what a running server can",
            ),
            save,
        ),
    ]
}

/// Reads the file again; answers what was applied, what waits for a restart, and what became of
/// declared resources.
pub(super) async fn reload(admin: Rc<Admin>, _: Asked) -> AdminResult<Reloaded> {
    let services = services(&admin)?;
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
