//! `lclq.json`: what a data directory has to hold.

use super::DirectoryError;
use crate::journal::{Secrets, private_files};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::Write;
use std::path::Path;

/// Written by this version. Directories of format 1 had no id, and none in their files.
const FORMAT: u32 = 2;
const FORMAT_WITHOUT_ID: u32 = 1;

/// How far a directory has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// Its shards' files may not be there yet.
    Making,
    /// They are there, and may not have its id yet.
    Adopting,
    /// They are there.
    Made,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    format: u32,
    /// Hexadecimal.
    #[serde(default)]
    id: String,
    #[serde(default = "made")]
    state: State,
    shards: u16,
    receipt_secret: String,
    engine_secret: String,
}

fn made() -> State {
    State::Made
}

#[derive(Clone, Debug)]
pub(super) struct Manifest {
    /// Tells this directory's files from those of others.
    pub id: u64,
    pub state: State,
    pub shards: u16,
    pub secrets: Secrets,
}

impl Manifest {
    /// A new one, with new secrets.
    pub fn new(id: u64, state: State, shards: u16) -> Result<Self, DirectoryError> {
        Ok(Self {
            id,
            state,
            shards,
            secrets: Secrets {
                receipt: random()?,
                engine: random()?,
            },
        })
    }

    /// Reads `path`.
    pub fn read(path: &Path) -> Result<Self, DirectoryError> {
        let broken = |reason: &str| DirectoryError::Manifest {
            path: path.to_owned(),
            reason: reason.to_owned(),
        };
        let text = fs::read_to_string(path).map_err(DirectoryError::io(path))?;
        if text.trim().is_empty() {
            return Err(broken("it is empty"));
        }
        let format = serde_json::from_str::<serde_json::Value>(&text)
            .ok()
            .and_then(|value| value.get("format")?.as_u64());
        let known = [u64::from(FORMAT_WITHOUT_ID), u64::from(FORMAT)];
        if let Some(format) = format.filter(|format| !known.contains(format)) {
            return Err(broken(&format!(
                "format {format}, this program knows {FORMAT}"
            )));
        }
        let text: Text = serde_json::from_str(&text).map_err(|error| broken(&error.to_string()))?;
        if text.shards == 0 {
            return Err(broken("no shards"));
        }
        let (id, state) = if text.format == FORMAT_WITHOUT_ID {
            (new_id()?, State::Adopting)
        } else {
            let id = u64::from_str_radix(&text.id, 16).map_err(|_| broken("id"))?;
            (id, text.state)
        };
        Ok(Self {
            id,
            state,
            shards: text.shards,
            secrets: Secrets {
                receipt: from_hex(&text.receipt_secret).ok_or_else(|| broken("secret"))?,
                engine: from_hex(&text.engine_secret).ok_or_else(|| broken("secret"))?,
            },
        })
    }

    /// Writes `path`, which is in `directory`: a crash leaves what was there or all of this.
    pub fn write(&self, directory: &Path, path: &Path) -> Result<(), DirectoryError> {
        let text = Text {
            format: FORMAT,
            id: format!("{:016x}", self.id),
            state: self.state,
            shards: self.shards,
            receipt_secret: to_hex(&self.secrets.receipt),
            engine_secret: to_hex(&self.secrets.engine),
        };
        let write = || {
            let temporary = path.with_extension("tmp");
            let mut file = private_files::open_file(&temporary)?;
            // What a crash left of an earlier one.
            file.set_len(0)?;
            file.write_all(serde_json::to_string_pretty(&text)?.as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            fs::rename(&temporary, path)?;
            private_files::sync_directory(directory)
        };
        write().map_err(DirectoryError::io(path))
    }
}

pub(super) fn new_id() -> Result<u64, DirectoryError> {
    Ok(u64::from_le_bytes(random()?))
}

/// Random bytes from the system.
fn random<const N: usize>() -> Result<[u8; N], DirectoryError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| DirectoryError::Random(error.to_string()))?;
    Ok(bytes)
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != N * 2 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).ok()?;
    }
    Some(bytes)
}
