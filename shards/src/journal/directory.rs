//! The data directory: who may open it, how many shards it has, and its secrets.

use super::{Durability, JournalError, SqliteFile, private_files};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const FORMAT: u32 = 1;
const MANIFEST: &str = "lclq.json";
const LOCK: &str = "lclq.lock";

/// Why a data directory can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// The file system says no.
    #[error("{path}: {error}")]
    Io {
        /// What was touched.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// It can't be made.
    #[error("can't make the data directory {path}: {error}")]
    Make {
        /// The directory.
        path: PathBuf,
        /// What the file system said.
        error: io::Error,
    },
    /// Another process has it.
    #[error("{0} is in use by another lclq process")]
    InUse(PathBuf),
    /// There are files in it, but none that lclq made.
    #[error("{0} is not empty and not an lclq data directory")]
    Foreign(PathBuf),
    /// The manifest can't be understood.
    #[error("{path}: not a manifest this program understands ({reason})")]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// It was made with another number of shards.
    #[error(
        "{path} was made with {made} shards and can't be opened with {asked}; \
         leave --shards out, or give {made}"
    )]
    Shards {
        /// The directory.
        path: PathBuf,
        /// Shards it has.
        made: u16,
        /// Shards asked for.
        asked: u16,
    },
    /// No randomness for a new directory's secrets.
    #[error("no randomness from the system: {0}")]
    Random(String),
    /// A shard's file can't be opened.
    #[error("{path}: {error}")]
    Shard {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: JournalError,
    },
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    format: u32,
    shards: u16,
    receipt_secret: String,
    engine_secret: String,
}

/// An opened and locked data directory.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    shards: u16,
    receipt_secret: [u8; 32],
    engine_secret: [u8; 16],
    /// Held for as long as this value lives; the system lets go of it if the process dies.
    _lock: File,
}

impl DataDirectory {
    /// Opens `path`, making it with `shards_default` shards if it is new. `shards_asked` must be
    /// what an existing directory has.
    pub fn open(
        path: &Path,
        shards_asked: Option<u16>,
        shards_default: u16,
    ) -> Result<Self, DirectoryError> {
        let io = |at: &Path| {
            let path = at.to_owned();
            move |error| DirectoryError::Io { path, error }
        };
        private_files::make_directory(path).map_err(|error| DirectoryError::Make {
            path: path.to_owned(),
            error,
        })?;
        let manifest_path = path.join(MANIFEST);
        let lock_path = path.join(LOCK);
        let is_ours = manifest_path.try_exists().map_err(io(&manifest_path))?
            || lock_path.try_exists().map_err(io(&lock_path))?;
        if !is_ours && fs::read_dir(path).map_err(io(path))?.next().is_some() {
            return Err(DirectoryError::Foreign(path.to_owned()));
        }
        let lock = private_files::open_file(&lock_path).map_err(io(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                return Err(DirectoryError::InUse(path.to_owned()));
            }
            Err(fs::TryLockError::Error(error)) => return Err(io(&lock_path)(error)),
        }
        let manifest = if manifest_path.try_exists().map_err(io(&manifest_path))? {
            let text = fs::read_to_string(&manifest_path).map_err(io(&manifest_path))?;
            serde_json::from_str::<Manifest>(&text).map_err(|error| DirectoryError::Manifest {
                path: manifest_path.clone(),
                reason: error.to_string(),
            })?
        } else {
            let manifest = Manifest {
                format: FORMAT,
                shards: shards_asked.unwrap_or(shards_default),
                receipt_secret: to_hex(&random::<32>()?),
                engine_secret: to_hex(&random::<16>()?),
            };
            write_durably(path, &manifest_path, &manifest).map_err(io(&manifest_path))?;
            manifest
        };
        let broken = |reason: &str| DirectoryError::Manifest {
            path: manifest_path.clone(),
            reason: reason.to_owned(),
        };
        if manifest.format != FORMAT {
            return Err(broken(&format!(
                "format {}, this program knows {FORMAT}",
                manifest.format
            )));
        }
        if manifest.shards == 0 {
            return Err(broken("no shards"));
        }
        if let Some(asked) = shards_asked.filter(|asked| *asked != manifest.shards) {
            return Err(DirectoryError::Shards {
                path: path.to_owned(),
                made: manifest.shards,
                asked,
            });
        }
        // Before anything is written to any of them.
        for shard in 0..manifest.shards {
            let path = shard_path(path, shard);
            SqliteFile::check(&path).map_err(|error| DirectoryError::Shard { path, error })?;
        }
        Ok(Self {
            path: path.to_owned(),
            shards: manifest.shards,
            receipt_secret: from_hex(&manifest.receipt_secret).ok_or_else(|| broken("secret"))?,
            engine_secret: from_hex(&manifest.engine_secret).ok_or_else(|| broken("secret"))?,
            _lock: lock,
        })
    }

    /// Number of shards, fixed when the directory was made.
    pub fn shards(&self) -> u16 {
        self.shards
    }

    /// Secret that signs receipt handles.
    pub fn receipt_secret(&self) -> [u8; 32] {
        self.receipt_secret
    }

    /// Secret under which the engine hashes what clients choose.
    pub fn engine_secret(&self) -> [u8; 16] {
        self.engine_secret
    }

    /// The directory's mode, as `chmod` writes it, if others than its owner may use it.
    pub fn open_to_others(&self) -> Option<String> {
        private_files::open_to_others(&self.path)
    }

    /// Opens one shard's file.
    pub fn open_shard(
        &self,
        shard: u16,
        durability: Durability,
    ) -> Result<SqliteFile, DirectoryError> {
        let path = shard_path(&self.path, shard);
        // SQLite takes an empty file for a new one, and gives its log the same mode.
        private_files::open_file(&path).map_err(|error| DirectoryError::Io {
            path: path.clone(),
            error,
        })?;
        SqliteFile::open(&path, shard, self.shards, durability)
            .map_err(|error| DirectoryError::Shard { path, error })
    }
}

fn shard_path(directory: &Path, shard: u16) -> PathBuf {
    directory.join(format!("shard-{shard:04}.sqlite"))
}

/// Random bytes from the system.
fn random<const N: usize>() -> Result<[u8; N], DirectoryError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| DirectoryError::Random(error.to_string()))?;
    Ok(bytes)
}

/// A crash leaves either no manifest or a whole one.
fn write_durably(directory: &Path, path: &Path, manifest: &Manifest) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file = private_files::open_file(&temporary)?;
    // What a crash left of an earlier one.
    file.set_len(0)?;
    file.write_all(serde_json::to_string_pretty(manifest)?.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    // Windows can't open a directory as a file; NTFS orders the rename by itself.
    #[cfg(unix)]
    File::open(directory)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = directory;
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_shards_and_secrets() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        let first = DataDirectory::open(&path, None, 3).unwrap();
        let secret = first.receipt_secret();
        assert!(matches!(
            DataDirectory::open(&path, None, 3),
            Err(DirectoryError::InUse(_))
        ));
        drop(first);
        let again = DataDirectory::open(&path, None, 8).unwrap();
        assert_eq!((again.shards(), again.receipt_secret()), (3, secret));
        drop(again);
        assert!(matches!(
            DataDirectory::open(&path, Some(4), 8),
            Err(DirectoryError::Shards {
                made: 3,
                asked: 4,
                ..
            })
        ));
    }

    #[cfg(unix)]
    #[test]
    fn its_files_are_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("above").join("data");
        let directory = DataDirectory::open(&path, None, 1).unwrap();
        let _shard = directory.open_shard(0, Durability::Full).unwrap();
        assert_eq!(mode(&path), 0o700);
        assert_eq!(directory.open_to_others(), None);
        let files: Vec<PathBuf> = fs::read_dir(&path)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert!(
            files.len() >= 4,
            "manifest, lock, shard and its log: {files:?}"
        );
        for file in files {
            assert_eq!(mode(&file), 0o600, "{}", file.display());
        }
        // One that is there is its owner's business.
        let given = dir.path().join("given");
        fs::create_dir(&given).unwrap();
        fs::set_permissions(&given, fs::Permissions::from_mode(0o755)).unwrap();
        let directory = DataDirectory::open(&given, None, 1).unwrap();
        assert_eq!(directory.open_to_others().as_deref(), Some("0755"));
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.txt"), "x").unwrap();
        assert!(matches!(
            DataDirectory::open(dir.path(), None, 1),
            Err(DirectoryError::Foreign(_))
        ));
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(MANIFEST), "{}").unwrap();
        assert!(matches!(
            DataDirectory::open(dir.path(), None, 1),
            Err(DirectoryError::Manifest { .. })
        ));
        let text = r#"{"format":2,"shards":1,"receipt_secret":"","engine_secret":""}"#;
        fs::write(dir.path().join(MANIFEST), text).unwrap();
        let error = DataDirectory::open(dir.path(), None, 1)
            .unwrap_err()
            .to_string();
        assert!(error.contains("format 2"), "{error}");
    }
}
