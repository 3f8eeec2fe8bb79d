//! What the settings about who is let in amount to.

use super::given::{AdminAuthArg, AuthArg};
use super::settings::{Settings, place};
use crate::credentials::{AdminAuth, Auth, Credentials, FileError};

/// Checks that there is somebody to let in, where others are not.
pub(super) fn check(settings: &Settings) -> Result<(), String> {
    let asked = [
        ("sqs-auth", settings.sqs_auth),
        ("pubsub-auth", settings.pubsub_auth),
    ];
    let asked = asked.iter().find(|(_, mode)| *mode != AuthArg::Off);
    let asked = asked.map(|(key, _)| *key);
    let admin = settings.admin_auth == AdminAuthArg::Enforce;
    match (
        asked.or(admin.then_some("admin-auth")),
        &settings.credentials,
    ) {
        (Some(key), None) => Err(format!(
            "--{key} ({}): this needs somebody who is known: --credentials ({})",
            place(key),
            place("credentials")
        )),
        _ => Ok(()),
    }
}

/// Whom each dialect lets in, if it looks.
pub(super) struct LetIn {
    pub sqs: Option<Auth>,
    pub pubsub: Option<Auth>,
    pub admin: AdminAuth,
}

/// Reads who is known, if anybody asks.
///
/// # Errors
/// The file is of no use.
pub(super) fn let_in(settings: &Settings) -> Result<LetIn, FileError> {
    let enforces_tokens = match settings.admin_auth {
        AdminAuthArg::Off => false,
        AdminAuthArg::Enforce => true,
        AdminAuthArg::Auto => !settings.bind.is_loopback(),
    };
    // Whoever asks: a token is good for a session where none is asked for, too.
    let known = settings
        .credentials
        .clone()
        .map(Credentials::open)
        .transpose()?;
    let of = |mode| {
        let credentials = known.clone()?;
        let enforce = match mode {
            AuthArg::Off => return None,
            AuthArg::Report => false,
            AuthArg::Enforce => true,
        };
        Some(Auth {
            enforce,
            credentials,
        })
    };
    Ok(LetIn {
        sqs: of(settings.sqs_auth),
        pubsub: of(settings.pubsub_auth),
        admin: AdminAuth {
            enforce: enforces_tokens,
            credentials: known,
        },
    })
}
