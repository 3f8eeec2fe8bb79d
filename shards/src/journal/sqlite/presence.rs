//! Whether an open file still is what its path names.
//!
//! A file that is deleted or replaced while it is open goes on taking writes that nobody finds again.

use crate::journal::JournalError;
use std::path::{Path, PathBuf};

/// Which file a path named.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    #[cfg(unix)]
    device_and_inode: (u64, u64),
}

/// The database and its write-ahead log, as they were when they were opened.
#[derive(Debug)]
pub(super) struct Presence {
    places: Vec<Place>,
    /// What has gone; it does not come back.
    gone: Option<PathBuf>,
}

impl Presence {
    pub fn of(paths: impl IntoIterator<Item = PathBuf>) -> std::io::Result<Self> {
        let places = paths
            .into_iter()
            .map(|path| {
                Ok(Place {
                    #[cfg(unix)]
                    device_and_inode: device_and_inode(&path)?,
                    path,
                })
            })
            .collect::<std::io::Result<_>>()?;
        Ok(Self { places, gone: None })
    }

    /// An error once [`Presence::look`] has missed a file. Costs nothing.
    pub fn check(&self) -> Result<(), JournalError> {
        match &self.gone {
            None => Ok(()),
            Some(path) => Err(JournalError::Gone(path.clone())),
        }
    }

    /// An error once one of the files isn't there any more, or another in its place.
    pub fn look(&mut self) -> Result<(), JournalError> {
        if self.gone.is_none() {
            let gone = self.places.iter().find(|place| !place.is_there());
            self.gone = gone.map(|place| place.path.clone());
        }
        self.check()
    }
}

impl Place {
    #[cfg(unix)]
    fn is_there(&self) -> bool {
        match device_and_inode(&self.path) {
            Ok(found) => found == self.device_and_inode,
            // No descriptors left, or no leave to look: not the file's fault.
            Err(error) => error.kind() != std::io::ErrorKind::NotFound,
        }
    }

    /// Elsewhere an open file can't be deleted.
    #[cfg(not(unix))]
    fn is_there(&self) -> bool {
        self.path.exists()
    }
}

#[cfg(unix)]
fn device_and_inode(path: &Path) -> std::io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::metadata(path)?;
    Ok((found.dev(), found.ino()))
}

/// The write-ahead log of a database.
pub(super) fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}
