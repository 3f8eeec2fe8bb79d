//! `lclq export` and `lclq import`.

use super::client::Client;
use super::output::print;
use super::{Done, Failure};
use crate::cli::{ExportArgs, ImportArgs, OnConflict, Output};
use crate::portable::{Counts, Line, Unframer};
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is read or written at once, bytes.
const PIECE_BYTES: usize = 64 << 10;
/// Between two looks of the spinner.
const SPIN_EVERY: Duration = Duration::from_millis(100);

/// Writes everything that a server has into a file.
pub fn export(args: &ExportArgs) -> Done {
    let query: Vec<(&str, &str)> = args.only.iter().map(|only| ("only", &**only)).collect();
    let mut answer = Client::of(&args.server)?.download("export", &query)?;
    let progress = spinner("exported");
    let is_standard_output = args.file.as_os_str() == "-";
    let counts = if is_standard_output {
        copy(&mut answer, &mut io::stdout().lock(), &progress)?
    } else {
        // Nobody finds half of it under the name.
        let unfinished = unfinished(&args.file);
        let written = File::create(&unfinished)
            .map_err(|error| at(&unfinished, &error))
            .and_then(|mut file| {
                let counts = copy(&mut answer, &mut file, &progress)?;
                let synced = file.sync_all();
                synced.map_err(|error| at(&unfinished, &error))?;
                Ok(counts)
            })
            .and_then(|counts| {
                let renamed = std::fs::rename(&unfinished, &args.file);
                renamed.map_err(|error| at(&args.file, &error))?;
                Ok(counts)
            });
        if written.is_err() {
            let _ = std::fs::remove_file(&unfinished);
        }
        written?
    };
    progress.finish_and_clear();
    if is_standard_output {
        return Ok(());
    }
    show(args.server.output, "exported", &counts)
}

/// Has a server take up what a file has.
pub fn import(args: &ImportArgs) -> Done {
    // A file that is damaged or cut off changes nothing.
    let counts = look_through(&args.file)?;
    let client = Client::of(&args.server)?;
    let send = |dry_run: bool| {
        let on_conflict = match args.on_conflict {
            OnConflict::Fail => "fail",
            OnConflict::Skip => "skip",
            OnConflict::Replace => "replace",
        };
        let mut query = vec![("on_conflict", on_conflict)];
        if dry_run {
            query.push(("dry_run", "true"));
        }
        query.extend(args.only.iter().map(|only| ("only", &**only)));
        let (file, length) = open(&args.file)?;
        let what = if dry_run { "compared" } else { "imported" };
        let progress = bar(length, what);
        let answer = client.upload("import", &query, progress.wrap_read(file));
        progress.finish_and_clear();
        answer
    };
    if args.dry_run || args.on_conflict == OnConflict::Fail {
        let would = send(true)?;
        let conflicts = would["conflicts"].as_u64().unwrap_or(0);
        if conflicts > 0 && args.on_conflict == OnConflict::Fail {
            let names = would["conflicting"].as_array();
            let names = names.into_iter().flatten();
            let names: Vec<&str> = names.filter_map(serde_json::Value::as_str).collect();
            return Err(Failure::Refused(format!(
                "{conflicts} of what the file has is there already, and nothing was changed: {}; \
                 --on-conflict skip leaves what is there alone, --on-conflict replace puts the \
                 file's in its place",
                names.join(", ")
            )));
        }
        if args.dry_run {
            return told(args.server.output, "would be imported", &would);
        }
    }
    let done = send(false)?;
    debug_assert!(done["messages"].as_u64() <= Some(counts.messages + counts.transfers));
    told(args.server.output, "imported", &done)
}

fn told(output: Output, what: &str, done: &serde_json::Value) -> Done {
    if output != Output::Table {
        return print(output, done, &[]);
    }
    let number = |name: &str| done[name].as_u64().unwrap_or(0);
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{what}: {} queues with {} messages, {} topics with {} messages, {} subscriptions and \
         snapshots, {} schemas",
        number("queues"),
        number("messages"),
        number("topics"),
        number("published"),
        number("subscriptions"),
        number("schemas"),
    )?;
    if number("conflicts") > 0 {
        writeln!(out, "{} were there already", number("conflicts"))?;
    }
    Ok(())
}

fn show(output: Output, what: &str, counts: &Counts) -> Done {
    let mut done = serde_json::to_value(counts).unwrap_or_default();
    // Those on their way are messages of a queue as well.
    done["messages"] = (counts.messages + counts.transfers).into();
    told(output, what, &done)
}

/// Copies an export as it comes, and reads along.
fn copy(
    from: &mut impl Read,
    to: &mut impl Write,
    progress: &ProgressBar,
) -> Result<Counts, Failure> {
    let mut check = Check::new()?;
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = from.read(&mut piece).map_err(|error| {
            Failure::Unreachable(format!(
                "the export broke off, the server's log says why: {error}"
            ))
        })?;
        if read == 0 {
            return check.end();
        }
        check.take(&piece[..read])?;
        to.write_all(&piece[..read])?;
        progress.inc(read as u64);
    }
}

fn look_through(path: &Path) -> Result<Counts, Failure> {
    let (mut file, length) = open(path)?;
    let progress = bar(length, "looked through");
    let mut check = Check::new()?;
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = file.read(&mut piece).map_err(|error| at(path, &error))?;
        if read == 0 {
            progress.finish_and_clear();
            let named = |failure| match failure {
                Failure::Refused(text) => Failure::Refused(format!("{}: {text}", path.display())),
                other => other,
            };
            return check.end().map_err(named);
        }
        check
            .take(&piece[..read])
            .map_err(|failure| match failure {
                Failure::Refused(text) => Failure::Refused(format!("{}: {text}", path.display())),
                other => other,
            })?;
        progress.inc(read as u64);
    }
}

/// Whether what comes is a whole export.
struct Check {
    unframer: Unframer,
    counts: Counts,
    end: Option<Counts>,
}

impl Check {
    fn new() -> Result<Self, Failure> {
        Ok(Self {
            unframer: Unframer::new()?,
            counts: Counts::default(),
            end: None,
        })
    }

    fn take(&mut self, mut piece: &[u8]) -> Result<(), Failure> {
        let bad = |error: crate::portable::BadFile| Failure::Refused(error.to_string());
        loop {
            let (taken, has_more) = self.unframer.step(piece).map_err(bad)?;
            piece = &piece[taken..];
            while let Some(text) = self.unframer.line() {
                let line = Line::read(text).map_err(bad)?;
                self.counts.add(&line);
                if let Line::End(end) = line {
                    self.end = Some(end.counts);
                }
            }
            if piece.is_empty() && !has_more {
                return Ok(());
            }
        }
    }

    fn end(&self) -> Result<Counts, Failure> {
        match self.end {
            Some(end) if end == self.counts && self.unframer.is_whole() => Ok(end),
            Some(_) => Err(Failure::Refused(
                "the export isn't what was written: its end counts otherwise".to_owned(),
            )),
            None => Err(Failure::Refused(
                "the export is cut off: it has no end".to_owned(),
            )),
        }
    }
}

fn open(path: &Path) -> Result<(BufReader<File>, u64), Failure> {
    let file = File::open(path).map_err(|error| at(path, &error))?;
    let length = file.metadata().map_err(|error| at(path, &error))?.len();
    Ok((BufReader::with_capacity(PIECE_BYTES, file), length))
}

fn at(path: &Path, error: &io::Error) -> Failure {
    Failure::Refused(format!("{}: {error}", path.display()))
}

fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".unfinished");
    name.into()
}

/// Shown on terminals only, on standard error.
fn spinner(what: &'static str) -> ProgressBar {
    let progress = ProgressBar::new_spinner();
    styled(&progress, "{spinner} {bytes} {msg}, {bytes_per_sec}", what);
    progress
}

fn bar(length: u64, what: &'static str) -> ProgressBar {
    let progress = ProgressBar::new(length);
    styled(
        &progress,
        "{wide_bar} {bytes}/{total_bytes} {msg}, {eta} to go",
        what,
    );
    progress
}

fn styled(progress: &ProgressBar, template: &str, what: &'static str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        progress.set_style(style);
    }
    progress.set_message(what);
    progress.enable_steady_tick(SPIN_EVERY);
}
