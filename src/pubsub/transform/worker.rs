//! The thread that has transforms done for one core.

use super::process::{Ended, ScriptProcess, Work};
use super::scripts::IDLE_SECONDS_MAX;
use super::{
    SCRIPTS_MEMORY_BYTES_MAX, Transform, TransformError, TransformMessage, Transformed, check_form,
    too_late,
};
use crate::pubsub::offload::{Answers, Reply};
use crate::runtime::spawn_beside;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// KiB of messages that may wait for one core's thread. Requests beyond it wait their turn before
/// their messages are handed over: being slow isn't being stuck.
const WAITING_KIB_MAX: u32 = 64 << 10;

/// Memory that a core's functions may keep however many cores there are, bytes.
const SHARE_BYTES_MIN: usize = 16 << 20;

/// Time for one job, ms, from when its turn has come. Messages that aren't done by then fail.
pub(super) const JOB_MS_MAX: u64 = 10_000;

struct Job {
    transforms: Arc<[Transform]>,
    messages: Vec<TransformMessage>,
    reply: Reply<Vec<Transformed>>,
    /// Nobody waits for the outcome any more.
    forgotten: Arc<AtomicBool>,
    _waits: OwnedSemaphorePermit,
}

/// One core's transforms. Clones are cheap and stay on their core.
#[derive(Clone)]
pub struct Transformer {
    inner: Rc<Inner>,
}

struct Inner {
    answers: Answers<Vec<Transformed>>,
    jobs: RefCell<Option<Sender<Job>>>,
    room: Arc<Semaphore>,
    /// What the functions of this core may keep in memory, bytes.
    memory_bytes_max: usize,
}

/// Tells the thread that nobody waits any more.
struct Forget(Arc<AtomicBool>);

impl Drop for Forget {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Transformer {
    /// The calling core's transformer, one of `cores`. Its thread starts at first need, and the
    /// thread's process.
    pub fn new(cores: usize) -> Self {
        Self {
            inner: Rc::new(Inner {
                answers: Answers::new(),
                jobs: RefCell::new(None),
                room: Arc::new(Semaphore::new(WAITING_KIB_MAX as usize)),
                memory_bytes_max: (SCRIPTS_MEMORY_BYTES_MAX / cores.max(1)).max(SHARE_BYTES_MIN),
            }),
        }
    }

    /// Applies transforms to messages, in order; answers one outcome per message. Waits as long as
    /// it takes until the messages before are done. Dropping the future forgets the outcomes, and
    /// the work if its turn hasn't come.
    pub async fn run(
        &self,
        transforms: &Arc<[Transform]>,
        messages: Vec<TransformMessage>,
    ) -> Vec<Transformed> {
        let count = messages.len();
        if count == 0 {
            return Vec::new();
        }
        match self.submit(transforms, messages).await {
            Ok(outcomes) => outcomes,
            Err(error) => vec![Err(error); count],
        }
    }

    /// Checks transforms as they are given: their form, that the code runs and that it defines the
    /// function.
    pub async fn check(&self, transforms: &Arc<[Transform]>) -> Result<(), TransformError> {
        check_form(transforms)?;
        // A job without messages compiles, and answers whether that worked.
        let outcomes = self.submit(transforms, Vec::new()).await?;
        outcomes
            .into_iter()
            .try_for_each(|outcome| outcome.map(drop))
    }

    async fn submit(
        &self,
        transforms: &Arc<[Transform]>,
        messages: Vec<TransformMessage>,
    ) -> Result<Vec<Transformed>, TransformError> {
        let bytes: usize = messages.iter().map(size).sum();
        let kib = u32::try_from(1 + bytes / 1024).unwrap_or(WAITING_KIB_MAX);
        let room = self.inner.room.clone();
        let waits = room
            .acquire_many_owned(kib.min(WAITING_KIB_MAX))
            .await
            .expect("the semaphore is never closed");
        let (reply, answer) = self.inner.answers.open();
        let forgotten = Arc::new(AtomicBool::new(false));
        let _forget = Forget(forgotten.clone());
        let job = Job {
            transforms: transforms.clone(),
            messages,
            reply,
            forgotten,
            _waits: waits,
        };
        self.jobs()?
            .send(job)
            .map_err(|_| TransformError("the thread for transforms has ended".to_owned()))?;
        answer
            .await
            .map_err(|_| TransformError("the transform was given up".to_owned()))
    }

    fn jobs(&self) -> Result<Sender<Job>, TransformError> {
        let mut jobs = self.inner.jobs.borrow_mut();
        if let Some(jobs) = &*jobs {
            return Ok(jobs.clone());
        }
        let (sender, receiver) = channel();
        let thread = std::thread::Builder::new().name("lclq-transform".to_owned());
        let memory_bytes_max = self.inner.memory_bytes_max;
        spawn_beside(thread, move || work(&receiver, memory_bytes_max))
            .map_err(|error| TransformError(format!("no thread for transforms: {error}")))?;
        *jobs = Some(sender.clone());
        Ok(sender)
    }
}

/// Bytes of a message, about.
fn size(message: &TransformMessage) -> usize {
    let attributes = message.attributes.iter();
    let attributes: usize = attributes.map(|(key, value)| key.len() + value.len()).sum();
    message.data.len() + attributes
}

fn work(jobs: &Receiver<Job>, memory_bytes_max: usize) {
    let mut process = None;
    loop {
        // With no process there is nothing to end, so nothing to wake up for.
        let job = match &process {
            None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(_) => jobs.recv_timeout(Duration::from_secs(IDLE_SECONDS_MAX)),
        };
        match job {
            Ok(job) if job.forgotten.load(Ordering::Relaxed) => {}
            Ok(job) => {
                let outcomes = run(&mut process, &job, memory_bytes_max);
                job.reply.answer(outcomes);
            }
            // Nobody needs the functions at present; the memory they keep goes with the process.
            Err(RecvTimeoutError::Timeout) => process = None,
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Does a job, with as many processes as it takes: a message that ends its process fails, and the
/// next one begins with another.
fn run(
    process: &mut Option<ScriptProcess>,
    job: &Job,
    memory_bytes_max: usize,
) -> Vec<Transformed> {
    let wanted = job.messages.len().max(1);
    let until = Instant::now() + Duration::from_millis(JOB_MS_MAX);
    let mut outcomes = Vec::with_capacity(wanted);
    while outcomes.len() < wanted {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            outcomes.resize(wanted, Err(too_late()));
            break;
        }
        let (done, was_idle) = (outcomes.len(), process.is_some());
        let running = match process.take().map_or_else(ScriptProcess::start, Ok) {
            Ok(running) => process.insert(running),
            Err(error) => {
                let error = TransformError(format!("no process for transforms: {error}"));
                outcomes.resize(wanted, Err(error));
                break;
            }
        };
        let work = Work {
            transforms: &job.transforms,
            messages: &job.messages[outcomes.len().min(job.messages.len())..],
            ms_max: left.as_millis() as u64,
            memory_bytes_max,
        };
        if let Err(ended) = running.work(&work, |outcome| outcomes.push(outcome)) {
            *process = None;
            // One that had been there may have ended before: the work isn't to blame.
            if was_idle && outcomes.len() == done && matches!(ended, Ended::Otherwise(_)) {
                continue;
            }
            let error = TransformError::from(ended);
            tracing::warn!(%error, "a message transform");
            outcomes.push(Err(error));
        }
    }
    outcomes
}
