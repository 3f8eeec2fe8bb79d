//! Making a process the owner of a shard's log, step by step: whoever runs it may do something else
//! between two steps.

use super::journal::StoreJournal;
use super::limits::TAKE_OVER_WAIT;
use super::log::{RemoteLog, Wake};
use super::progress::Progress;
use lclq_shards::journal::{Claim, JournalError, JournalFigures, LogLimits, TakeOver, Taking};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// 2020-01-01T00:00:00Z, seconds since 1970. Epochs are at least the seconds since then.
const EPOCHS_BEGIN_S: u64 = 1_577_836_800;

/// Who wants to know of answers, once that is settled.
type Listener = Arc<OnceLock<Box<dyn Fn() + Send + Sync>>>;

/// A log whose connection is being made, and which nobody has taken over yet.
pub(super) struct Prepared {
    log: RemoteLog,
    progress: Arc<Progress>,
    listener: Listener,
    answered: Receiver<()>,
}

impl Prepared {
    pub fn new(open: impl FnOnce(Wake) -> Option<RemoteLog>) -> Option<Self> {
        let (ring, answered) = sync_channel(1);
        let listener = Listener::default();
        let to = listener.clone();
        let wake: Wake = Arc::new(move || {
            // One that rings already is enough.
            let _ = ring.try_send(());
            if let Some(tell) = to.get() {
                tell();
            }
        });
        let log = open(wake)?;
        let progress = log.progress();
        Some(Self {
            log,
            progress,
            listener,
            answered,
        })
    }
}

/// Why a log could not be taken over.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotOpened {
    #[error("another server took it over at the same time")]
    Lost,
    #[error("the store says: {0}")]
    Refused(Box<str>),
    #[error("its log can't be read: {0}")]
    Unreadable(JournalError),
    #[error("nothing came of it within {} s: {words}", TAKE_OVER_WAIT.as_secs())]
    Silent { words: Box<str> },
    #[error("the node opens no more logs now")]
    Busy,
}

/// A take-over under way.
pub(super) struct Opening<F> {
    open: F,
    owner: Box<[u8]>,
    limits: LogLimits,
    wake: Option<Box<dyn Fn() + Send + Sync>>,
    take_over: TakeOver<RemoteLog>,
    /// Why there was no answer, as the take-overs before this one were told last.
    words: Box<str>,
    progress: Arc<Progress>,
    listener: Listener,
    answered: Receiver<()>,
}

impl<F: Fn(Wake) -> Option<RemoteLog>> Opening<F> {
    /// Begins with a log that is prepared, or with one that `open` makes. `wake` is called whenever
    /// there is an answer, from when the journal is there.
    pub fn begin(
        open: F,
        prepared: Option<Prepared>,
        owner: &str,
        limits: LogLimits,
        wake: Box<dyn Fn() + Send + Sync>,
    ) -> Result<Self, NotOpened> {
        let prepared = prepared.or_else(|| Prepared::new(&open));
        let prepared = prepared.ok_or(NotOpened::Busy)?;
        let owner: Box<[u8]> = owner.as_bytes().into();
        Ok(Self {
            take_over: TakeOver::begin(prepared.log, claim(&owner, limits)),
            words: "no answer".into(),
            open,
            owner,
            limits,
            wake: Some(wake),
            progress: prepared.progress,
            listener: prepared.listener,
            answered: prepared.answered,
        })
    }

    /// Takes up what the store has answered. A connection that was lost meanwhile ends what was begun on
    /// it: the store may have failed over and lost an epoch, which a claim made before could take again.
    pub fn poll(&mut self) -> Result<bool, NotOpened> {
        if self.progress.sessions() > 1 {
            let prepared = Prepared::new(&self.open).ok_or(NotOpened::Busy)?;
            self.words = self.words();
            self.take_over = TakeOver::begin(prepared.log, claim(&self.owner, self.limits));
            (self.progress, self.listener) = (prepared.progress, prepared.listener);
            self.answered = prepared.answered;
        }
        match self.take_over.poll() {
            Taking::UnderWay => Ok(false),
            Taking::Done => Ok(true),
            Taking::Lost { .. } => Err(match self.take_over.words() {
                "" => NotOpened::Lost,
                words => NotOpened::Refused(words.into()),
            }),
            Taking::Failed(error) => Err(NotOpened::Unreadable(error)),
        }
    }

    /// Why there was no answer lately.
    fn words(&self) -> Box<str> {
        match self.take_over.words() {
            "" => self.words.clone(),
            words => words.into(),
        }
    }

    /// Until it is done. Blocks.
    pub fn wait(
        mut self,
        figures: Arc<JournalFigures>,
    ) -> Result<StoreJournal<RemoteLog>, NotOpened> {
        let mut heard = (self.progress.answers(), Instant::now());
        while !self.poll()? {
            let (answers, now) = (self.progress.answers(), Instant::now());
            if answers != heard.0 {
                heard = (answers, now);
            }
            let left = (heard.1 + TAKE_OVER_WAIT).saturating_duration_since(now);
            match self.answered.recv_timeout(left) {
                Ok(()) if !left.is_zero() => {}
                Ok(()) | Err(RecvTimeoutError::Timeout) => {
                    return Err(NotOpened::Silent {
                        words: self.words(),
                    });
                }
                Err(RecvTimeoutError::Disconnected) => return Err(NotOpened::Busy),
            }
        }
        let journal = self.take_over.into_journal().ok_or(NotOpened::Busy)?;
        if let Some(wake) = self.wake.take() {
            // What was answered in between is polled: the caller looks at a new journal once.
            let _ = self.listener.set(wake);
        }
        Ok(StoreJournal::new(journal, figures))
    }
}

fn claim(owner: &[u8], limits: LogLimits) -> Claim {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |now| now.as_secs());
    Claim {
        least_epoch: now.saturating_sub(EPOCHS_BEGIN_S),
        owner: owner.into(),
        limits,
    }
}
