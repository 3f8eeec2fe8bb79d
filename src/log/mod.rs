//! The log, which goes to standard error.
//!
//! Hazard: whoever reads standard error may be slow, stuck or gone, and a disk may be full. So a
//! thread of its own writes, and everybody else only leaves a line with it: no core waits and
//! nothing fails, whatever becomes of the lines. What names hold can't break a line or colour it.

mod line_file;
mod sink;
mod text;

use crate::config::Config;
use crate::config::given::LogFormat;
pub(crate) use line_file::LineFile;
pub(crate) use sink::Sink;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, IsTerminal, Write};
use std::panic::PanicHookInfo;
use std::sync::OnceLock;
use std::time::Duration;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::format::debug_fn;

/// How long the end of the process waits for its last lines to be taken, ms.
pub(crate) const FLUSH_MS_MAX: u64 = 500;

static SINK: OnceLock<Sink> = OnceLock::new();

/// Exchanges what is logged.
type SetFilter = Box<dyn Fn(EnvFilter) -> Result<(), String> + Send + Sync>;

static SET_FILTER: OnceLock<SetFilter> = OnceLock::new();

/// Sends the log of this process, panics included, to standard error as `config` wants it.
pub fn start(config: &Config) -> Result<(), String> {
    let filter = EnvFilter::try_new(&config.log)
        .map_err(|error| format!("--log {}: {error}", config.log))?;
    let sink = Sink::start(config.log_format)
        .map_err(|error| format!("can't start the log's thread: {error}"))?;
    let sink = SINK.get_or_init(|| sink);
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || sink)
        .with_ansi(wants_colours())
        // It would say so on standard error, itself and at once.
        .log_internal_errors(false);
    let set_filter: SetFilter = match config.log_format {
        LogFormat::Text => {
            let fields = debug_fn(text::write_field).delimited(" ");
            let log = log.with_target(false).fmt_fields(fields);
            let log = log.with_filter_reloading();
            let handle = log.reload_handle();
            log.init();
            Box::new(move |filter| handle.reload(filter).map_err(|error| error.to_string()))
        }
        LogFormat::Json => {
            let log = log.json().with_filter_reloading();
            let handle = log.reload_handle();
            log.init();
            Box::new(move |filter| handle.reload(filter).map_err(|error| error.to_string()))
        }
    };
    let _ = SET_FILTER.set(set_filter);
    std::panic::set_hook(Box::new(note_panic));
    Ok(())
}

/// Changes what this process logs, from the next line on.
///
/// # Errors
/// Why not: the filter is none.
pub fn set_filter(text: &str) -> Result<(), String> {
    let filter = EnvFilter::try_new(text).map_err(|error| format!("--log {text}: {error}"))?;
    match SET_FILTER.get() {
        Some(set) => set(filter),
        // Whoever has this as a library has a log of their own.
        None => Ok(()),
    }
}

/// Says why the process ends, in one line after all others, and waits a moment until that is
/// written.
pub fn last_words(message: &str) {
    let line = format!("lclq: {}\n", text::OneLine(message));
    match SINK.get() {
        Some(sink) => sink.push(line.as_bytes()),
        None => {
            let _ = io::stderr().write_all(line.as_bytes());
        }
    }
}

/// The last lines that were logged, oldest first: a hundred at most, of a thousand bytes at most.
pub fn recent() -> Vec<String> {
    SINK.get().map(Sink::recent).unwrap_or_default()
}

/// Waits a moment until all that was logged is written.
pub fn flush() {
    if let Some(sink) = SINK.get() {
        sink.flush(Duration::from_millis(FLUSH_MS_MAX));
    }
}

/// Colours are for people at a terminal who haven't said no (<https://no-color.org>).
fn wants_colours() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let able = std::env::var_os("TERM").is_none_or(|terminal| terminal != "dumb");
    io::stderr().is_terminal() && able && !refused
}

fn note_panic(panic: &PanicHookInfo<'_>) {
    let payload = panic.payload();
    let what = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)");
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("(unnamed)");
    let place = panic
        .location()
        .map_or_else(String::new, ToString::to_string);
    // Only taken if RUST_BACKTRACE asks for it.
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        tracing::error!(thread, place, %backtrace, "panicked: {what}");
    } else {
        tracing::error!(thread, place, "panicked: {what}");
    }
    if thread == "main" {
        // The process ends when this thread has unwound.
        flush();
    }
}
