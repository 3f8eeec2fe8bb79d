//! The writer thread of a shard's SQLite file.

use super::{Batch, Completion, Journal, JournalError, Op, SqliteFile};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded, unbounded};
use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

/// Pause before a batch that could not be written is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// A journal that writes on a thread of its own, one transaction per batch.
pub struct SqliteJournal {
    /// Until the state is loaded; then the thread has it.
    file: Option<SqliteFile>,
    epoch: u64,
    prepare: Option<Box<dyn FnOnce() + Send>>,
    wake: Option<Box<dyn Fn() + Send>>,
    batches: Option<Sender<(u64, Batch)>>,
    completions: Receiver<Completion>,
    report: Sender<Completion>,
    thread: Option<JoinHandle<()>>,
}

impl SqliteJournal {
    /// A journal on `file`. The writer thread calls `prepare` before anything else, and `wake` after
    /// each completion.
    pub fn new(
        file: SqliteFile,
        prepare: impl FnOnce() + Send + 'static,
        wake: impl Fn() + Send + 'static,
    ) -> Self {
        // At most one batch is under way, and two completions per batch and failure are read
        // before the next: the channel stays short without a bound that could block the writer.
        let (report, completions) = unbounded();
        Self {
            epoch: file.epoch(),
            file: Some(file),
            prepare: Some(Box::new(prepare)),
            wake: Some(Box::new(wake)),
            batches: None,
            completions,
            report,
            thread: None,
        }
    }

    fn start(&mut self) -> io::Result<&Sender<(u64, Batch)>> {
        if self.batches.is_none() {
            let (batches, incoming) = bounded(1);
            let file = self.file.take().expect("the file is handed over once");
            let prepare = self.prepare.take().expect("the file is handed over once");
            let wake = self.wake.take().expect("the file is handed over once");
            let report = self.report.clone();
            let writer = Writer {
                file,
                incoming,
                report,
                wake,
            };
            let thread = std::thread::Builder::new()
                .name("lclq-journal".to_owned())
                .spawn(move || {
                    prepare();
                    writer.run();
                })
                .map_err(|error| {
                    io::Error::new(
                        error.kind(),
                        format!("can't start its journal's thread: {error}"),
                    )
                })?;
            self.thread = Some(thread);
            self.batches = Some(batches);
        }
        Ok(self.batches.as_ref().expect("just started"))
    }
}

impl Journal for SqliteJournal {
    fn load(&mut self, visit: &mut dyn FnMut(Op)) -> Result<u64, JournalError> {
        let file = self.file.as_mut().expect("loaded before the first commit");
        file.load(visit)?;
        // Now rather than at the first change: a system that has no thread for it says so at the
        // start.
        self.start()?;
        Ok(self.epoch)
    }

    fn commit(&mut self, epoch: u64, batch: Batch) {
        let number = batch.number;
        let failure = match self.start() {
            Ok(batches) => match batches.send((epoch, batch)) {
                Ok(()) => return,
                Err(_) => JournalError::Corrupt("the journal's writer has stopped".to_owned()),
            },
            Err(error) => error.into(),
        };
        let _ = self.report.send(Completion::Failed(number, failure));
    }

    fn poll(&mut self) -> Option<Completion> {
        self.completions.try_recv().ok()
    }
}

impl Drop for SqliteJournal {
    fn drop(&mut self) {
        // Closing the channel lets the writer finish what it has and stop.
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Writer {
    file: SqliteFile,
    incoming: Receiver<(u64, Batch)>,
    report: Sender<Completion>,
    wake: Box<dyn Fn() + Send>,
}

impl Writer {
    fn run(mut self) {
        while let Some((epoch, batch)) = self.next() {
            if epoch != self.file.epoch() {
                let old = JournalError::OldEpoch {
                    given: epoch,
                    current: self.file.epoch(),
                };
                self.tell(Completion::Failed(batch.number, old));
                continue;
            }
            let mut failures = 0u64;
            loop {
                match self.file.write(&batch) {
                    Ok(()) => break self.tell(Completion::Committed(batch.number)),
                    Err(error) => {
                        if failures == 0 {
                            self.tell(Completion::Failed(batch.number, error));
                        }
                        failures += 1;
                    }
                }
                // The only sender waits for this batch, so what comes meanwhile is its farewell.
                match self.incoming.recv_timeout(RETRY_PAUSE) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(_) | Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        }
    }

    /// The next batch. A checkpoint runs first if one is due and nothing waits, or if one is
    /// overdue; batches gather behind it.
    fn next(&mut self) -> Option<(u64, Batch)> {
        if self.file.needs_checkpoint() {
            let _ = self.file.checkpoint();
        }
        match self.incoming.try_recv() {
            Ok(next) => return Some(next),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => {}
        }
        if self.file.wants_checkpoint() {
            // A failed checkpoint loses nothing: the log keeps what it has.
            let _ = self.file.checkpoint();
        }
        self.incoming.recv().ok()
    }

    fn tell(&self, completion: Completion) {
        let _ = self.report.send(completion);
        (self.wake)();
    }
}
