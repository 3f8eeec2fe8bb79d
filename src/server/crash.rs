//! What a server that has failed leaves behind, for whoever looks into it.
//!
//! It has settings, without secrets, and the last lines of the log, which never have bodies of
//! messages.

use serde_json::Value;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// What reports' names begin with.
const NAME_START: &str = "lclq-crash-";
/// Reports that are kept in a directory; a server that is started again and again makes room.
const KEPT_MAX: usize = 10;

/// What a report would say, taken down while all is well.
pub(super) struct CrashReport {
    directory: PathBuf,
    settings: Value,
}

impl CrashReport {
    /// For a server with these settings. Reports go to its data directory, or to the system's for
    /// temporary files where it has none.
    pub fn new(data_dir: Option<&Path>, settings: Value) -> Self {
        let directory = data_dir.map_or_else(std::env::temp_dir, Path::to_path_buf);
        Self {
            directory,
            settings,
        }
    }

    /// Writes the report, and answers where it is.
    pub fn write(&self, why: &dyn std::error::Error) -> io::Result<PathBuf> {
        let ms = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis());
        let name = format!("{NAME_START}{ms:013}-{}.txt", std::process::id());
        let path = self.directory.join(name);
        self.make_room();
        let mut file = create(&path)?;
        writeln!(file, "lclq {} failed: {why}", env!("CARGO_PKG_VERSION"))?;
        writeln!(file, "at {ms} ms since 1970-01-01T00:00:00Z")?;
        writeln!(
            file,
            "on {} {}",
            std::env::consts::OS,
            std::env::consts::ARCH
        )?;
        writeln!(file, "\nSettings:\n{:#}", self.settings)?;
        writeln!(file, "\nLast lines of the log:")?;
        for line in crate::log::recent() {
            writeln!(file, "{line}")?;
        }
        file.sync_all()?;
        Ok(path)
    }

    /// Takes the oldest reports away, where there are as many as may be.
    fn make_room(&self) {
        let Ok(entries) = fs::read_dir(&self.directory) else {
            return;
        };
        let mut reports: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                let name = path.file_name().and_then(|name| name.to_str());
                name.is_some_and(|name| name.starts_with(NAME_START) && name.ends_with(".txt"))
            })
            .collect();
        reports.sort_unstable();
        let too_many = (reports.len() + 1).saturating_sub(KEPT_MAX);
        for path in &reports[..too_many] {
            // Somebody else's in a directory for everybody stays.
            let _ = fs::remove_file(path);
        }
    }
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_its_owners_alone_and_there_are_few() {
        let directory = tempfile::tempdir().unwrap();
        let settings = serde_json::json!({ "cores": 2 });
        let report = CrashReport::new(Some(directory.path()), settings);
        let why = io::Error::other("core 1 panicked: by test");
        fs::write(directory.path().join("other.txt"), "x").unwrap();
        for n in 0..KEPT_MAX + 3 {
            fs::write(
                directory.path().join(format!("{NAME_START}{n:013}-1.txt")),
                "",
            )
            .unwrap();
        }
        let path = report.write(&why).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("failed: core 1 panicked: by test"), "{text}");
        assert!(text.contains("\"cores\": 2"), "{text}");
        assert_eq!(
            fs::read_dir(directory.path()).unwrap().count(),
            KEPT_MAX + 1
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
