//! What the settings about who is let in amount to.

use super::given::AuthArg;
use super::settings::{Settings, place};
use crate::credentials::{Auth, Credentials, FileError};

/// Checks that there is somebody to let in, where others are not.
pub(super) fn check(settings: &Settings) -> Result<(), String> {
    let asked = [
        ("sqs-auth", settings.sqs_auth),
        ("pubsub-auth", settings.pubsub_auth),
    ];
    let asked = asked.iter().find(|(_, mode)| *mode != AuthArg::Off);
    match (asked, &settings.credentials) {
        (Some((key, _)), None) => Err(format!(
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
}

/// Reads who is known, if anybody asks.
///
/// # Errors
/// The file is of no use.
pub(super) fn let_in(settings: &Settings) -> Result<LetIn, FileError> {
    let modes = [settings.sqs_auth, settings.pubsub_auth];
    let asked = modes.iter().any(|mode| *mode != AuthArg::Off);
    let path = settings.credentials.clone().filter(|_| asked);
    let known = path.map(Credentials::open).transpose()?;
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
    })
}
