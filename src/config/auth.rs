//! What the settings about who is let in amount to.

use super::given::AuthArg;
use super::settings::{Settings, place};
use crate::credentials::{Credentials, FileError};
use crate::sqs::SqsAuth;

/// Checks that there is somebody to let in, where others are not.
pub(super) fn check(settings: &Settings) -> Result<(), String> {
    if settings.sqs_auth == AuthArg::Off || settings.credentials.is_some() {
        return Ok(());
    }
    Err(format!(
        "--sqs-auth ({}): this needs access keys: --credentials ({})",
        place("sqs-auth"),
        place("credentials")
    ))
}

/// Whom SQS lets in, if it looks.
///
/// # Errors
/// The file of access keys is of no use.
pub(super) fn sqs(settings: &Settings) -> Result<Option<SqsAuth>, FileError> {
    match (&settings.credentials, settings.sqs_auth) {
        (None, _) | (_, AuthArg::Off) => Ok(None),
        (Some(path), mode) => Ok(SqsAuth::new(mode, Credentials::open(path.clone())?)),
    }
}
