//! Files and directories that only their owner may read: they hold messages and secrets.
//!
//! Modes are set after the files are made, and not only asked for, since the process's umask takes
//! bits off what is asked for. Elsewhere than on Unix the directory's access list decides.

use std::fs::{self, File};
use std::io;
use std::path::Path;

#[cfg(unix)]
const DIRECTORY_MODE: u32 = 0o700;
#[cfg(unix)]
const FILE_MODE: u32 = 0o600;
/// Mode bits of everybody but the owner.
#[cfg(unix)]
const OTHERS: u32 = 0o077;

/// Makes a directory, and those above it that aren't there. One that is there is left as it is.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, DIRECTORY_MODE);
    builder.create(path)?;
    #[cfg(unix)]
    set_mode(path, DIRECTORY_MODE)?;
    Ok(())
}

/// Opens a file for writing, made if it isn't there. What is in it stays.
pub(super) fn open_file(path: &Path) -> io::Result<File> {
    let is_new = !path.try_exists()?;
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, FILE_MODE);
    let file = options.open(path)?;
    if is_new {
        #[cfg(unix)]
        set_mode(path, FILE_MODE)?;
    }
    Ok(file)
}

/// Removes a file that may not be there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes sure that what was made or renamed in a directory is there after a crash of the machine.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    // Windows can't open a directory as a file; NTFS orders renames by itself.
    #[cfg(unix)]
    File::open(path)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// The mode of a directory that others than its owner may use, as `ls` and `chmod` write it.
#[cfg(unix)]
pub(super) fn open_to_others(path: &Path) -> Option<String> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & OTHERS != 0).then(|| format!("{mode:04o}"))
}

#[cfg(not(unix))]
pub(super) fn open_to_others(_path: &Path) -> Option<String> {
    None
}
