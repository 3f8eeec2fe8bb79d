//! Lines on their way to standard error or a file, on a thread that may wait for it.
//!
//! Not tracing-appender, whose writer is bounded by lines instead of bytes, keeps to itself that
//! writing failed, and prints to standard output when its reader is stuck at the end.

use super::text::OneLine;
use crate::config::given::LogFormat;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

/// Bytes that wait to be written; as many are being written. A line for which there is no room is
/// dropped and counted.
const WAITING_BYTES_MAX: usize = 1 << 20;
/// Pause before a standard error that was made non-blocking is tried again.
const FULL_PAUSE: Duration = Duration::from_millis(10);
/// Lines that are kept for whoever asks what was logged last.
const RECENT_LINES_MAX: usize = 100;
/// Bytes kept of such a line.
const RECENT_LINE_BYTES_MAX: usize = 1000;

/// Where lines are left. Nobody waits here and nothing fails.
#[derive(Clone, Debug)]
pub(crate) struct Sink {
    shared: Arc<Shared>,
}

/// What is written of lines that were dropped, their number given.
type Notice = Box<dyn Fn(u64) -> String + Send>;

#[derive(Default, Debug)]
struct Shared {
    /// How many of the last lines are kept.
    recent_max: usize,
    state: Mutex<State>,
    /// Something waits.
    filled: Condvar,
    /// Nothing waits and nothing is being written.
    emptied: Condvar,
}

#[derive(Default, Debug)]
struct State {
    waiting: Vec<u8>,
    /// Lines that were dropped and not told of yet.
    dropped: u64,
    writing: bool,
    /// The last lines, whether or not there was room to write them.
    recent: VecDeque<Box<[u8]>>,
}

impl Shared {
    /// Held for moments, and by nothing that can panic but for want of memory.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink {
    /// Starts the thread that writes to standard error.
    pub fn start(format: LogFormat) -> io::Result<Self> {
        Self::writing_to(io::stderr(), format)
    }

    fn writing_to(out: impl Write + Send + 'static, format: LogFormat) -> io::Result<Self> {
        let notice = Box::new(move |dropped| notice(format, dropped));
        Self::start_thread("lclq-log", out, notice, RECENT_LINES_MAX)
    }

    /// Starts a thread that writes lines of another kind.
    ///
    /// # Errors
    /// Where it can't be started.
    pub fn of_others(
        thread: &str,
        out: impl Write + Send + 'static,
        notice: impl Fn(u64) -> String + Send + 'static,
    ) -> io::Result<Self> {
        Self::start_thread(thread, out, Box::new(notice), 0)
    }

    fn start_thread(
        name: &str,
        out: impl Write + Send + 'static,
        notice: Notice,
        recent_max: usize,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            recent_max,
            ..Shared::default()
        });
        let drain = Drain {
            shared: shared.clone(),
            out,
            notice,
            in_line: false,
        };
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || drain.run())?;
        Ok(Self { shared })
    }

    /// Leaves a line, its end included.
    pub fn push(&self, line: &[u8]) {
        let mut state = self.shared.state();
        if self.shared.recent_max > 0 {
            if state.recent.len() == self.shared.recent_max {
                state.recent.pop_front();
            }
            let kept = &line[..line.len().min(RECENT_LINE_BYTES_MAX)];
            state.recent.push_back(kept.into());
        }
        if state.waiting.len() + line.len() > WAITING_BYTES_MAX {
            state.dropped += 1;
            return;
        }
        let was_empty = state.waiting.is_empty();
        state.waiting.extend_from_slice(line);
        drop(state);
        if was_empty {
            self.shared.filled.notify_one();
        }
    }

    /// The last lines, each without its end, oldest first.
    pub fn recent(&self) -> Vec<String> {
        let text = |line: &[u8]| String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
        let state = self.shared.state();
        state.recent.iter().map(|line| text(line)).collect()
    }

    /// Waits until all lines are written, or `within` is over.
    pub fn flush(&self, within: Duration) {
        let until = Instant::now() + within;
        let mut state = self.shared.state();
        while state.writing || !state.waiting.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let woken = self.shared.emptied.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// `tracing` writes an event in one call, as a whole line.
impl Write for &Sink {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Drain<W> {
    shared: Arc<Shared>,
    out: W,
    notice: Notice,
    /// The last line that was begun has not ended.
    in_line: bool,
}

impl<W: Write> Drain<W> {
    fn run(mut self) {
        let mut lines = Vec::new();
        loop {
            lines.clear();
            let dropped = {
                let mut state = self.shared.state();
                state.writing = false;
                while state.waiting.is_empty() {
                    self.shared.emptied.notify_all();
                    let woken = self.shared.filled.wait(state);
                    state = woken.unwrap_or_else(PoisonError::into_inner);
                }
                state.writing = true;
                std::mem::swap(&mut state.waiting, &mut lines);
                std::mem::take(&mut state.dropped)
            };
            let mut lost = self.write(&lines);
            if lost == 0 && dropped > 0 {
                // Those that were dropped would have come after these.
                let notice = (self.notice)(dropped);
                lost = self.write(notice.as_bytes());
                if lost == 0 {
                    continue;
                }
                lost = 0;
            }
            if lost + dropped > 0 {
                self.shared.state().dropped += lost + dropped;
            }
        }
    }

    /// Writes lines. Answers how many of them could not be written.
    fn write(&mut self, lines: &[u8]) -> u64 {
        if self.in_line {
            match self.write_all(b"\n") {
                Ok(()) => self.in_line = false,
                Err(_) => return count(lines),
            }
        }
        let mut rest = lines;
        while !rest.is_empty() {
            match self.out.write(rest) {
                Ok(0) => break,
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    std::thread::sleep(FULL_PAUSE);
                }
                Err(_) => break,
            }
        }
        let written = &lines[..lines.len() - rest.len()];
        self.in_line = written.last().is_some_and(|byte| *byte != b'\n');
        count(rest)
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)
    }
}

/// What the log says of lines that were dropped.
fn notice(format: LogFormat, dropped: u64) -> String {
    let mut time = String::new();
    let _ = SystemTime.format_time(&mut Writer::new(&mut time));
    let what = "lines of the log were dropped: nobody took them";
    match format {
        LogFormat::Text => {
            format!("{}  WARN {what} dropped={dropped}\n", OneLine(&time))
        }
        LogFormat::Json => {
            let line = serde_json::json!({
                "timestamp": time,
                "level": "WARN",
                "fields": {"message": what, "dropped": dropped},
                "target": "lclq::log",
            });
            format!("{line}\n")
        }
    }
}

fn count(lines: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', lines).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// Takes what it is allowed to, then fails or waits.
    #[derive(Clone, Default)]
    struct Gate {
        shared: Arc<(Mutex<GateState>, Condvar)>,
    }

    #[derive(Default)]
    struct GateState {
        taken: Vec<u8>,
        broken: bool,
        closed: bool,
    }

    impl Gate {
        fn set(&self, change: impl FnOnce(&mut GateState)) {
            change(&mut self.shared.0.lock().unwrap());
            self.shared.1.notify_all();
        }

        fn taken(&self) -> String {
            String::from_utf8(self.shared.0.lock().unwrap().taken.clone()).unwrap()
        }
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut state = self.shared.0.lock().unwrap();
            while state.closed {
                state = self.shared.1.wait(state).unwrap();
            }
            if state.broken {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            let part = bytes.len().min(7);
            state.taken.extend_from_slice(&bytes[..part]);
            Ok(part)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn lines_come_whole_and_in_order() {
        let gate = Gate::default();
        let sink = Sink::writing_to(gate.clone(), LogFormat::Text).unwrap();
        let lines: Vec<String> = (0..1000).map(|n| format!("line number {n}\n")).collect();
        for line in &lines {
            sink.push(line.as_bytes());
        }
        sink.flush(PATIENCE);
        assert_eq!(gate.taken(), lines.concat());
    }

    #[test]
    fn nobody_waits_for_a_reader_that_is_stuck_and_the_dropped_are_counted() {
        let gate = Gate::default();
        gate.set(|state| state.closed = true);
        let sink = Sink::writing_to(gate.clone(), LogFormat::Json).unwrap();
        let line = format!("{}\n", "x".repeat(1023));
        let lines = 10 * WAITING_BYTES_MAX / line.len();
        let (done, is_done) = mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..lines {
                    sink.push(line.as_bytes());
                }
                sink.flush(Duration::from_millis(10));
                done.send(()).unwrap();
            });
            is_done.recv_timeout(PATIENCE).expect("nobody waits");
        });
        gate.set(|state| state.closed = false);
        sink.push(b"after\n");
        sink.flush(PATIENCE);
        sink.push(b"at last\n");
        sink.flush(PATIENCE);
        let taken = gate.taken();
        let dropped: u64 = taken
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .map(|notice| notice["fields"]["dropped"].as_u64().unwrap())
            .sum();
        let whole = taken.lines().filter(|line| line.len() == 1023).count();
        assert!(dropped > 0);
        let after = taken.matches("after\n").count() as u64;
        assert_eq!(whole as u64 + dropped + after, lines as u64 + 1);
        assert!(taken.ends_with("at last\n"));
    }

    #[test]
    fn what_could_not_be_written_is_counted_when_something_can() {
        let gate = Gate::default();
        let sink = Sink::writing_to(gate.clone(), LogFormat::Text).unwrap();
        gate.set(|state| state.broken = true);
        for _ in 0..3 {
            sink.push(b"lost\n");
            sink.flush(PATIENCE);
        }
        gate.set(|state| state.broken = false);
        sink.push(b"kept\n");
        sink.flush(PATIENCE);
        let taken = gate.taken();
        assert!(taken.starts_with("kept\n"), "{taken}");
        assert!(taken.ends_with(" dropped=3\n"), "{taken}");
        assert_eq!(taken.lines().count(), 2, "{taken}");
    }
}
