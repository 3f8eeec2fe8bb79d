//! The data directory: who may open it, what has to be in it, and its secrets.

mod error;
mod manifest;

pub use error::DirectoryError;

use super::{
    Durability, FileOwner, Finding, Journal, JournalError, JournalSetup, Secrets, SqliteFile,
    SqliteJournal, Store, StoreError, private_files,
};
use crate::Millis;
use manifest::{Manifest, State, new_id};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

const MANIFEST: &str = "lclq.json";
const LOCK: &str = "lclq.lock";

/// Leave to go on from what is damaged or gone, with less than there was.
#[derive(Clone, Copy, Debug)]
pub struct Recovery {
    /// The time, ms since 1970. A file that takes a damaged one's place begins with an epoch that
    /// the old one can't have come to, which is the time in seconds.
    pub now: Millis,
}

impl Recovery {
    fn epoch(self) -> u64 {
        self.now / 1000
    }
}

/// An opened and locked data directory.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    manifest: Manifest,
    durability: Durability,
    recovery: Option<Recovery>,
    /// What recovery found and did, until it is told.
    recovered: Mutex<Vec<String>>,
    /// Held for as long as this value lives; the system lets go of it if the process dies.
    _lock: File,
}

impl DataDirectory {
    /// Opens `path`, making it with `shards_default` shards if it is new. `shards_asked` must be
    /// what an existing directory has.
    ///
    /// What the directory says must be in it is in it, or this is an error, unless `recovery` is
    /// given.
    pub fn open(
        path: &Path,
        shards_asked: Option<u16>,
        shards_default: u16,
        durability: Durability,
        recovery: Option<Recovery>,
    ) -> Result<Self, DirectoryError> {
        private_files::make_directory(path).map_err(|error| DirectoryError::Make {
            path: path.to_owned(),
            error,
        })?;
        let manifest_path = path.join(MANIFEST);
        let is_there = |path: &Path| path.try_exists().map_err(DirectoryError::io(path));
        let has_manifest = is_there(&manifest_path)?;
        let lock_path = path.join(LOCK);
        let has_lock = is_there(&lock_path)?;
        let shard_files = shard_files(path).map_err(DirectoryError::io(path))?;
        if !has_manifest && !shard_files.is_empty() && recovery.is_none() {
            return Err(DirectoryError::ManifestMissing {
                path: manifest_path,
                files: shard_files.len(),
            });
        }
        let is_empty = || Ok(fs::read_dir(path)?.next().is_none());
        if !has_manifest
            && !has_lock
            && shard_files.is_empty()
            && !is_empty().map_err(DirectoryError::io(path))?
        {
            return Err(DirectoryError::Foreign(path.to_owned()));
        }
        let lock = lock(path, &lock_path)?;
        let mut recovered = Vec::new();
        let mut manifest = if has_manifest {
            Manifest::read(&manifest_path)?
        } else if let Some(last) = shard_files.last() {
            recovered.push(format!(
                "{} was missing; it is made anew, with new secrets",
                manifest_path.display()
            ));
            remade(path, *last)?
        } else {
            let shards = shards_asked.unwrap_or(shards_default);
            Manifest::new(new_id()?, State::Making, shards)?
        };
        if let Some(asked) = shards_asked.filter(|asked| *asked != manifest.shards) {
            return Err(DirectoryError::Shards {
                path: path.to_owned(),
                made: manifest.shards,
                asked,
            });
        }
        if manifest.state != State::Making && recovery.is_none() {
            // Before anything is written to any of them.
            for shard in 0..manifest.shards {
                let path = shard_path(path, shard);
                SqliteFile::check(&path).map_err(|error| DirectoryError::of_shard(path, error))?;
            }
        }
        if manifest.state != State::Made {
            manifest.write(path, &manifest_path)?;
            for shard in 0..manifest.shards {
                let at = shard_path(path, shard);
                SqliteFile::make(&at, owner(&manifest, shard), 0)
                    .map_err(|error| DirectoryError::of_shard(at, error))?;
            }
            private_files::sync_directory(path).map_err(DirectoryError::io(path))?;
            manifest.state = State::Made;
            manifest.write(path, &manifest_path)?;
        }
        Ok(Self {
            path: path.to_owned(),
            manifest,
            durability,
            recovery,
            recovered: Mutex::new(recovered),
            _lock: lock,
        })
    }

    /// The directory's mode, as `chmod` writes it, if others than its owner may use it.
    pub fn open_to_others(&self) -> Option<String> {
        private_files::open_to_others(&self.path)
    }

    /// Opens one shard's file.
    pub fn open_file(&self, shard: u16) -> Result<SqliteFile, DirectoryError> {
        let path = shard_path(&self.path, shard);
        let owner = owner(&self.manifest, shard);
        let open = |cut_log| SqliteFile::open(&path, owner, self.durability, cut_log);
        let opened = match self.recovery {
            None => open(false),
            // Loaded for nothing: whatever a load would stumble over has to show now.
            Some(recovery) => open(false)
                .and_then(|mut file| {
                    let damaged = file.load(&mut |_| {})?;
                    Ok((file, damaged))
                })
                .map(|(file, damaged)| {
                    self.say(
                        damaged
                            .iter()
                            .map(|row| format!("{}: {row} set aside", path.display())),
                    );
                    file
                })
                .or_else(|error| {
                    if !error.can_be_recovered_from() {
                        return Err(error);
                    }
                    self.recover(&path, owner, recovery, error)?;
                    open(true)
                }),
        };
        opened.map_err(|error| DirectoryError::of_shard(path, error))
    }

    fn recover(
        &self,
        path: &Path,
        owner: FileOwner,
        recovery: Recovery,
        error: JournalError,
    ) -> Result<(), JournalError> {
        let mut said = vec![format!("{}: {error}", path.display())];
        match error {
            // The file itself is sound.
            JournalError::LogMissing(_) | JournalError::LogDamaged { .. } => {
                said.push("what the log no longer has is lost".to_owned());
            }
            _ => said.extend(SqliteFile::salvage(path, owner, recovery.epoch())?),
        }
        private_files::sync_directory(&self.path)?;
        self.say(said);
        Ok(())
    }

    fn say(&self, lines: impl IntoIterator<Item = String>) {
        let mut recovered = self.recovered.lock().expect("nobody panics with it");
        recovered.extend(lines);
    }

    /// What recovery found and did since this was last asked.
    fn take_recovered(&self) -> Vec<String> {
        std::mem::take(&mut self.recovered.lock().expect("nobody panics with it"))
    }
}

impl Store for DataDirectory {
    fn shards(&self) -> u16 {
        self.manifest.shards
    }

    fn secrets(&self) -> Secrets {
        self.manifest.secrets
    }

    fn open_shard(
        &self,
        shard: u16,
        setup: JournalSetup,
    ) -> Result<Box<dyn Journal + Send>, StoreError> {
        let file = self.open_file(shard)?;
        for line in self.take_recovered() {
            (setup.found)(Finding::Recovered(line));
        }
        let journal = SqliteJournal::new(file, setup);
        Ok(Box::new(journal))
    }
}

fn owner(manifest: &Manifest, shard: u16) -> FileOwner {
    FileOwner {
        directory: manifest.id,
        shard,
        shards: manifest.shards,
    }
}

fn lock(path: &Path, lock_path: &Path) -> Result<File, DirectoryError> {
    let lock = private_files::open_file(lock_path).map_err(DirectoryError::io(lock_path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(fs::TryLockError::WouldBlock) => Err(DirectoryError::InUse(path.to_owned())),
        Err(fs::TryLockError::Error(error)) => Err(DirectoryError::io(lock_path)(error)),
    }
}

/// A manifest that fits the files, of which the one of shard `last` has the highest number.
fn remade(path: &Path, last: u16) -> Result<Manifest, DirectoryError> {
    let found = (0..=last).find_map(|shard| {
        let owner = SqliteFile::owner(&shard_path(path, shard)).ok()?;
        Some((owner.directory, owner.shards))
    });
    match found {
        Some((id, shards)) => Manifest::new(id, State::Made, shards.max(last + 1)),
        None => Manifest::new(new_id()?, State::Adopting, last + 1),
    }
}

fn shard_path(directory: &Path, shard: u16) -> PathBuf {
    directory.join(format!("shard-{shard:04}.sqlite"))
}

/// Shards whose files are there, in order.
fn shard_files(directory: &Path) -> std::io::Result<Vec<u16>> {
    let mut shards = Vec::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_prefix("shard-")?.strip_suffix(".sqlite"));
        shards.extend(number.and_then(|number| number.parse::<u16>().ok()));
    }
    shards.sort_unstable();
    Ok(shards)
}

#[cfg(test)]
mod tests;
