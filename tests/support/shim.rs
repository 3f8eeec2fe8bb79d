//! A machine whose clock can be set, whose threads run out and whose polls fail: `shim.c`, made by the system's C
//! compiler and loaded before the C library.

use super::Launch;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The library.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/shim.c");
        let library = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("lclq-shim-{}.so", std::process::id()));
        let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
        let made = Command::new(compiler)
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(&library)
            .args([source, "-ldl"])
            .status()
            .expect("a C compiler");
        assert!(made.success(), "the shim compiles");
        library
    })
}

/// A wall clock that a test sets.
pub struct Clock {
    file: tempfile::NamedTempFile,
}

impl Clock {
    /// One that is right.
    pub fn new() -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        let clock = Self { file };
        clock.set(0);
        clock
    }

    /// Sets it so many seconds ahead of the real one.
    pub fn set(&self, ahead_s: i64) {
        // By a rename, so that nobody reads half of it.
        let next = self.file.path().with_extension("next");
        std::fs::write(&next, ahead_s.to_string()).unwrap();
        std::fs::rename(next, self.file.path()).unwrap();
    }

    /// Has a server that is going to be started go by it.
    pub fn given_to(&self, mut launch: Launch) -> Launch {
        launch.command.env("LD_PRELOAD", library());
        launch.command.env("SHIM_CLOCK_FILE", self.file.path());
        launch
    }
}

/// Has a server that is going to be started fail to wait for events once there is a file at `path`:
/// its cores panic, since that can't be.
pub fn with_polls_failing_by(mut launch: Launch, path: &Path) -> Launch {
    launch.command.env("LD_PRELOAD", library());
    launch.command.env("SHIM_POLL_FAILS", path);
    launch
}

/// Has a server that is going to be started find no more than so many threads.
pub fn with_threads_max(mut launch: Launch, threads: usize) -> Launch {
    launch.command.env("LD_PRELOAD", library());
    launch.command.env("SHIM_THREADS_MAX", threads.to_string());
    launch
}
