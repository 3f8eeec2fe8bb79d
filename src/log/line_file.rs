//! A file of JSON, a line for each thing that is noted.
//!
//! Hazard: the disk may be slow or full. A thread writes, as with the log; lines for which there is no
//! room are dropped, counted, and told of in the file.

use super::{FLUSH_MS_MAX, Sink};
use crate::pubsub::civil_time::CivilTime;
use crate::runtime::wall_clock;
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The file that means standard output.
const STANDARD_OUTPUT: &str = "-";

/// Where lines go.
#[derive(Clone, Debug)]
pub(crate) struct LineFile {
    lines: Sink,
    reopen: Arc<AtomicBool>,
}

impl LineFile {
    /// Writes to a file, behind what it has, by a thread of that name; `-` is standard output.
    ///
    /// # Errors
    /// Where it can't be opened, or a thread can't be started.
    pub(crate) fn open(path: &Path, thread: &str) -> io::Result<Self> {
        let reopen = Arc::new(AtomicBool::new(false));
        let out: Box<dyn Write + Send> = if path == Path::new(STANDARD_OUTPUT) {
            Box::new(io::stdout())
        } else {
            Box::new(Reopened {
                file: append_to(path)?,
                path: path.to_owned(),
                reopen: reopen.clone(),
            })
        };
        let lines = Sink::of_others(thread, out, |dropped| {
            let time = CivilTime::from_millis(wall_clock()).rfc3339_millis();
            format!("{{\"time\":\"{time}\",\"dropped\":{dropped}}}\n")
        })?;
        Ok(Self { lines, reopen })
    }

    /// Leaves a line to be written.
    pub(crate) fn push(&self, line: &impl Serialize) {
        if let Ok(mut line) = serde_json::to_vec(line) {
            line.push(b'\n');
            self.lines.push(&line);
        }
    }

    /// Has the file opened anew before the next line: somebody may have moved it.
    pub(crate) fn reopen(&self) {
        self.reopen.store(true, Ordering::Relaxed);
    }

    /// Waits a moment until what was left is written.
    pub(crate) fn flush(&self) {
        self.lines.flush(Duration::from_millis(FLUSH_MS_MAX));
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    // It tells who asks for what.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
    options.open(path)
}

/// A file that is opened anew when it was asked for, as log rotation wants it.
struct Reopened {
    file: File,
    path: PathBuf,
    reopen: Arc<AtomicBool>,
}

impl Write for Reopened {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.reopen.swap(false, Ordering::Relaxed) {
            match append_to(&self.path) {
                Ok(file) => self.file = file,
                // What is there still takes lines.
                Err(error) => {
                    let path = self.path.display();
                    tracing::warn!(%error, "{path} can't be opened anew");
                }
            }
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
