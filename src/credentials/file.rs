//! The file of access keys and service accounts, in TOML.

use super::tokens::{AdminToken, Scope};
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A key, as the file has it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AccessKey {
    /// What requests name.
    pub id: String,
    /// The secret itself, of keys from elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// The hash of a secret that lclq has made, 64 hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_hash: Option<String>,
    /// Whose queues it is for, 12 digits.
    pub account: String,
    /// Who uses it.
    pub user: String,
    /// The role that this is a session of: requests are then the role's, and `user` names the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The organization that its account belongs to, `o-…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// Names of the policies that say what it may do. Without them, all that its account may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<Vec<String>>,
    /// SHA-256 of the token that a session's requests have to bring, 64 hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_token_hash: Option<String>,
    /// When the session is over, s since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_until: Option<i64>,
}

/// A service account's public key, as the file has it. The private one is with whoever it was made for.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ServiceAccount {
    /// Its name, `name@project.iam.gserviceaccount.com`.
    pub email: String,
    /// What tokens name its key by.
    pub key_id: String,
    /// The key's modulus, base64url without padding, as in a JSON Web Key.
    pub modulus: String,
    /// The key's exponent, likewise.
    pub exponent: String,
}

/// Whom a client's certificate stands for, as the file has it. Requests with a signature or a token are
/// theirs who made that.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ClientCertificate {
    /// The certificate's subject as RFC 4514 writes it, such as `CN=ci, O=Example`.
    pub subject: String,
    /// For SQS: whose queues it is for, 12 digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// For SQS: who uses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// For SQS: names of the policies that say what it may do. Without them, all that its account may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<Vec<String>>,
    /// For Pub/Sub: the service account that it stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// For the admin API: what its holder may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
}

/// A policy that access keys can name, as the file has it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NamedPolicy {
    /// What keys name it by.
    pub name: String,
    /// The policy itself, in JSON.
    pub document: String,
}

/// The access policy of a Google Cloud project, as the file has it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProjectPolicy {
    /// The project's id, or `*` for all.
    pub project: String,
    /// The policy in JSON, as `gcloud projects get-iam-policy --format json` prints it.
    pub document: String,
}

/// A custom role that access policies can name, as the file has it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CustomRole {
    /// `projects/<project>/roles/<id>`.
    pub name: String,
    /// Such as `pubsub.topics.publish`.
    pub permissions: Vec<String>,
}

/// All that a file says.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Contents {
    /// What the holders of access keys may do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<NamedPolicy>,
    /// For AWS' dialects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub access_keys: Vec<AccessKey>,
    /// For Google's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service_accounts: Vec<ServiceAccount>,
    /// What service accounts and others may do in projects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub project_policies: Vec<ProjectPolicy>,
    /// Roles besides Google's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub custom_roles: Vec<CustomRole>,
    /// Who may come with a certificate alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub client_certificates: Vec<ClientCertificate>,
    /// For the admin API.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub admin_tokens: Vec<AdminToken>,
}

/// Why a file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It can't be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It says what no file of keys says.
    #[error("{}: {text}", path.display())]
    Wrong {
        /// Which.
        path: PathBuf,
        /// What.
        text: String,
    },
    /// It has no such key.
    #[error("{}: there is no key {id}", path.display())]
    Missing {
        /// Which file.
        path: PathBuf,
        /// Which key.
        id: String,
    },
}

impl FileError {
    pub(super) fn wrong(path: &Path, text: impl Into<String>) -> Self {
        let (path, text) = (path.to_owned(), text.into());
        Self::Wrong { path, text }
    }

    fn io(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |error| Self::Io {
            path: path.to_owned(),
            error,
        }
    }
}

/// The text of a file.
///
/// # Errors
/// It can't be read.
pub fn read_text(path: &Path) -> Result<String, FileError> {
    fs::read_to_string(path).map_err(FileError::io(path))
}

/// Reads a file.
///
/// # Errors
/// It can't be read, or says what no file of keys says.
pub fn read(path: &Path) -> Result<Contents, FileError> {
    let text = read_text(path)?;
    let read = toml::from_str(&text);
    // The line that toml shows with its message may hold a secret.
    read.map_err(|error: toml::de::Error| {
        let before = error.span().map(|span| &text[..span.start]);
        let line = before.map(|before| before.matches('\n').count() + 1);
        let line = line.map_or_else(String::new, |line| format!("line {line}: "));
        FileError::wrong(path, format!("{line}{}", error.message()))
    })
}

/// Adds to a file, and makes it if it isn't there: its owner's alone.
///
/// # Errors
/// It can't be written.
pub fn append(path: &Path, more: &Contents) -> Result<(), FileError> {
    let text = toml::to_string(more);
    let text = text.map_err(|error| FileError::wrong(path, error.to_string()))?;
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| {
        let gap = if file.metadata()?.len() == 0 {
            ""
        } else {
            "\n"
        };
        file.write_all(format!("{gap}{text}").as_bytes())?;
        file.sync_all()
    });
    written.map_err(FileError::io(path))
}

/// Takes an access key, a service account's key or an admin token out of a file. What was a comment there is gone after that.
///
/// # Errors
/// It has no such key, or can't be read or written.
pub fn remove(path: &Path, id: &str) -> Result<(), FileError> {
    let before = read(path)?;
    let mut left = before.clone();
    left.access_keys.retain(|key| key.id != id);
    left.service_accounts.retain(|account| account.key_id != id);
    left.admin_tokens.retain(|token| token.name != id);
    if left == before {
        let (path, id) = (path.to_owned(), id.to_owned());
        return Err(FileError::Missing { path, id });
    }
    let text = toml::to_string(&left);
    let text = text.map_err(|error| FileError::wrong(path, error.to_string()))?;
    // Whoever reads meanwhile sees the one or the other.
    let beside = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&beside).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    });
    written.map_err(FileError::io(path))
}
