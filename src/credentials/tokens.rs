//! Tokens for the admin API: what each lets its holder do.

use super::make::random;
use crate::hex;
use ring::digest::{SHA256, digest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io;

/// Of 64 characters each: more bits than can be guessed, so that a plain hash gives nothing away.
const SECRET_CHARS: usize = 43;
/// What tokens begin with, so that people and scanners of secrets know one when they see it.
const PREFIX: &str = "lclq_";

/// What somebody must be allowed to do to be let through to a route of the admin API. Each includes
/// those before it.
#[derive(
    Serialize,
    Deserialize,
    JsonSchema,
    clap::ValueEnum,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Debug,
)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Looks, and changes nothing.
    Read,
    /// Works with messages and resources, as clients of the dialects may.
    Operate,
    /// Works on the server itself: its configuration, its connections, its clock.
    Admin,
}

impl Scope {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Admin => "admin",
        }
    }
}

/// A token, as the file has it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AdminToken {
    /// What it is for; the audit log has it.
    pub name: String,
    /// SHA-256 of the token, 64 hex digits.
    pub hash: String,
    /// What its holder may do.
    pub scope: Scope,
    /// Until when it is good, s since 1970; for ever, without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
}

/// Who has a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The token's name.
    pub name: String,
    /// What they may do.
    pub scope: Scope,
    /// Until when, s since 1970.
    pub until: Option<i64>,
}

/// What a token is kept as.
pub(super) fn hash_of(token: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    hash
}

/// A new token, and what it is kept as. The token is told once.
///
/// # Errors
/// The system gives no random bytes.
pub(super) fn make_token(
    name: &str,
    scope: Scope,
    until: Option<i64>,
) -> io::Result<(String, AdminToken)> {
    const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let token = [PREFIX, &random(URL_SAFE, SECRET_CHARS)?].concat();
    let kept = AdminToken {
        name: name.to_owned(),
        hash: hex::text(&hash_of(&token)),
        scope,
        until,
    };
    Ok((token, kept))
}
