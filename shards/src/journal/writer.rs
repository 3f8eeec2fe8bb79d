//! The writer thread of a shard's SQLite file.

use super::{
    Batch, Completion, Finding, Journal, JournalError, JournalFigures, JournalSetup, Op, SqliteFile,
};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded, unbounded};
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Pause before a batch that could not be written is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(200);
/// Where nothing is written, how often it is looked whether the files still are there.
const LOOK_PAUSE: Duration = Duration::from_secs(2);
/// From the end of one pass over all rows to the next. The load was one.
const SURVEY_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// Between two goes of a pass.
const SURVEY_PAUSE: Duration = Duration::from_millis(50);

/// A journal that writes on a thread of its own, one transaction per batch.
pub struct SqliteJournal {
    /// Until the state is loaded; then the thread has it.
    start: Option<(SqliteFile, JournalSetup)>,
    epoch: u64,
    survey_every: Duration,
    batches: Option<Sender<(u64, Batch)>>,
    completions: Receiver<Completion>,
    report: Sender<Completion>,
    thread: Option<JoinHandle<()>>,
}

impl SqliteJournal {
    /// A journal on `file`.
    pub fn new(file: SqliteFile, setup: JournalSetup) -> Self {
        // At most one batch is under way, and two completions per batch and failure are read
        // before the next: the channel stays short without a bound that could block the writer.
        let (report, completions) = unbounded();
        Self {
            epoch: file.epoch(),
            start: Some((file, setup)),
            survey_every: SURVEY_EVERY,
            batches: None,
            completions,
            report,
            thread: None,
        }
    }

    /// Passes over all rows come so often instead of once a day.
    pub fn survey_every(mut self, every: Duration) -> Self {
        self.survey_every = every;
        self
    }

    fn start(&mut self) -> io::Result<&Sender<(u64, Batch)>> {
        if self.batches.is_none() {
            let (batches, incoming) = bounded(1);
            let (file, setup) = self.start.take().expect("the file is handed over once");
            let JournalSetup {
                prepare,
                wake,
                found,
                figures,
            } = setup;
            let writer = Writer {
                file,
                incoming,
                report: self.report.clone(),
                wake,
                found,
                figures,
                gone_told: false,
                survey_every: self.survey_every,
                survey_at: Instant::now() + self.survey_every,
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
        let (file, setup) = self.start.as_mut().expect("loaded before the first commit");
        for row in file.load(visit)? {
            (setup.found)(Finding::SetAside(row));
        }
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
    found: Box<dyn Fn(Finding) + Send>,
    figures: Arc<JournalFigures>,
    /// That the files have gone is said once.
    gone_told: bool,
    survey_every: Duration,
    survey_at: Instant,
}

impl Writer {
    fn run(mut self) {
        while let Some((epoch, batch)) = self.next() {
            if epoch != self.file.epoch() {
                let epoch = self.file.epoch();
                self.tell(Completion::Fenced { epoch });
                continue;
            }
            let mut failures = 0u64;
            loop {
                let since = Instant::now();
                match self.file.write(&batch) {
                    Ok(()) => {
                        let log_pages = self.file.log_pages();
                        self.figures
                            .committed(batch.ops.len(), since.elapsed(), log_pages);
                        break self.tell(Completion::Committed(batch.number));
                    }
                    Err(error) => {
                        self.figures.commit_failed();
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
            self.checkpoint();
        }
        match self.incoming.try_recv() {
            Ok(next) => return Some(next),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => {}
        }
        if self.file.wants_checkpoint() {
            self.checkpoint();
        }
        loop {
            let until_survey = self.survey_at.saturating_duration_since(Instant::now());
            match self.incoming.recv_timeout(until_survey.min(LOOK_PAUSE)) {
                Ok(next) => return Some(next),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => self.look_after_the_file(),
            }
        }
    }

    /// A failed checkpoint loses nothing: the log keeps what it has.
    fn checkpoint(&mut self) {
        let since = Instant::now();
        let done = self.file.checkpoint();
        let log_pages = self.file.log_pages();
        self.figures
            .checkpointed(done.is_ok(), since.elapsed(), log_pages);
    }

    fn look_after_the_file(&mut self) {
        if let Err(gone) = self.file.look() {
            if !self.gone_told {
                self.gone_told = true;
                // Of no batch: what was committed before is as lost as what comes.
                self.tell(Completion::Failed(0, gone));
            }
            return;
        }
        if Instant::now() < self.survey_at {
            return;
        }
        let pause = match self.file.survey() {
            Ok(slice) => {
                for row in slice.damaged {
                    (self.found)(Finding::Damaged(row));
                }
                if slice.pass_ended {
                    self.survey_every
                } else {
                    SURVEY_PAUSE
                }
            }
            // What can't be read now may be read at the next pass; a commit that meets it says so.
            Err(_) => self.survey_every,
        };
        self.survey_at = Instant::now() + pause;
    }

    fn tell(&self, completion: Completion) {
        let _ = self.report.send(completion);
        (self.wake)();
    }
}
