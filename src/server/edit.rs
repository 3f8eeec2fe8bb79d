//! The configuration's file as it is edited while the server runs: what is in it, what another text would
//! change, and writing that.

use super::declare::Services;
use super::reload::{ReloadError, Reloaded, beside, reload_in};
use crate::config::{Changes, Live, text};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

/// Why the file stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// It isn't taken, or its declared resources aren't.
    #[error(transparent)]
    Reload(#[from] ReloadError),
    /// Somebody else has changed it meanwhile.
    #[error("the file has changed since it was read: look at it again")]
    Changed,
    /// It can't be written.
    #[error("{file} can't be written: {error}")]
    Unwritable { file: String, error: io::Error },
}

/// The file's text, and whether there is something in it that is masked elsewhere.
///
/// # Errors
/// There is no file, or it can't be read.
pub async fn text_of(live: &Arc<Live>) -> Result<(String, String, bool), ReloadError> {
    let path = live.file().ok_or(ReloadError::NoFile)?;
    let source = live.source();
    let file = path.display().to_string();
    let (read, has_secrets) = beside(move || {
        let read = fs::read_to_string(&path);
        // What can't be taken apart may hold any.
        let parsed = read.as_ref().ok().map(|text| source.parse(text));
        let has_secrets =
            parsed.is_none_or(|parsed| parsed.as_ref().map_or(true, text::has_secrets));
        (read, has_secrets)
    })
    .await?;
    Ok((file, read?, has_secrets))
}

/// What a text would change.
///
/// # Errors
/// What is wrong with it.
pub async fn check(live: &Arc<Live>, text: String) -> Result<Changes, ReloadError> {
    let source = live.source();
    let loaded = beside(move || source.load_text(&text)).await?;
    Ok(live.would(&loaded.map_err(ReloadError::Wrong)?))
}

/// Writes a text that is as it should be in place of `was`, and takes of it what a running server can.
/// All of it is one reload's turn, so of two at once the other finds the file changed, or is told that
/// a reload is under way while nothing is written yet.
///
/// # Errors
/// [`EditError`] says what was left as it was.
pub async fn save(
    live: &Arc<Live>,
    services: &Services,
    text: String,
    was: String,
) -> Result<Reloaded, EditError> {
    let path = live.file().ok_or(ReloadError::NoFile)?;
    let turn = live.turn().ok_or(ReloadError::Busy)?;
    // It goes along with the work, which goes on where whoever asked goes away meanwhile.
    let written = beside(move || {
        let source = turn.source();
        source.load_text(&text).map_err(ReloadError::Wrong)?;
        let unwritable = |error| EditError::Unwritable {
            file: path.display().to_string(),
            error,
        };
        if fs::read_to_string(&path).map_err(unwritable)? != was {
            return Err(EditError::Changed);
        }
        replace(&path, &text).map_err(unwritable)?;
        Ok(turn)
    });
    let turn = written.await.map_err(ReloadError::Io)??;
    Ok(reload_in(&turn, services).await?)
}

/// Whoever reads meanwhile sees the one or the other.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    // Of a link, what it leads to.
    let path = fs::canonicalize(path)?;
    let permissions = fs::metadata(&path)?.permissions();
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = path.with_file_name(name);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    let written = file
        .set_permissions(permissions)
        .and_then(|()| file.write_all(text.as_bytes()))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&beside, &path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_with_its_permissions_and_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lclq.toml");
        fs::write(&file, "before").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::{PermissionsExt, symlink};
            fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
            let link = folder.path().join("link.toml");
            symlink(&file, &link).unwrap();
            replace(&link, "after").unwrap();
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
            assert_eq!(
                fs::metadata(&file).unwrap().permissions().mode() & 0o777,
                0o640
            );
        }
        #[cfg(not(unix))]
        replace(&file, "after").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "after");
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            if cfg!(unix) { 2 } else { 1 }
        );
    }
}
