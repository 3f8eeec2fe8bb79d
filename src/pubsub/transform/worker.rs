//! The thread that transforms for one core.

use super::script::Script;
use super::{Transform, TransformError, TransformMessage, Transformed, check_form, compression};
use crate::pubsub::offload::{Answers, Reply};
use crate::runtime::{spawn_beside, timeout};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// Jobs that may wait for one core's thread; a job is a whole request's messages.
const JOBS_MAX: usize = 1024;

/// Time for one job, ms. Messages that aren't done by then fail.
const JOB_MS_MAX: u64 = 10_000;

/// Time after which a job's thread counts as stuck, ms: the job before it, itself, and leeway for a
/// busy machine.
const STUCK_MS_MAX: u64 = 3 * JOB_MS_MAX;

/// Stuck threads that a core leaves behind before it refuses to transform.
pub(super) const STUCK_THREADS_MAX: usize = 4;

/// Compiled functions that a thread keeps.
const SCRIPTS_MAX: usize = 32;

/// Stack of the thread, bytes.
const STACK_BYTES: usize = 4 << 20;

struct Job {
    transforms: Arc<[Transform]>,
    messages: Vec<TransformMessage>,
    reply: Reply<Vec<Transformed>>,
}

/// One core's transforms. Clones are cheap and stay on their core.
#[derive(Clone)]
pub struct Transformer {
    inner: Rc<Inner>,
}

struct Inner {
    answers: Answers<Vec<Transformed>>,
    jobs: RefCell<Option<SyncSender<Job>>>,
    /// Goes up when the thread is replaced.
    generation: Cell<usize>,
    /// Time after which a job's thread counts as stuck.
    stuck_after: Cell<Duration>,
}

impl Transformer {
    /// The calling core's transformer. Its thread starts at first need.
    pub fn new() -> Self {
        Self {
            inner: Rc::new(Inner {
                answers: Answers::new(),
                jobs: RefCell::new(None),
                generation: Cell::new(0),
                stuck_after: Cell::new(Duration::from_millis(STUCK_MS_MAX)),
            }),
        }
    }

    #[cfg(test)]
    pub(super) fn set_stuck_after(&self, stuck_after: Duration) {
        self.inner.stuck_after.set(stuck_after);
    }

    /// Applies transforms to messages, in order; answers one outcome per message.
    pub async fn run(
        &self,
        transforms: &Arc<[Transform]>,
        messages: Vec<TransformMessage>,
    ) -> Vec<Transformed> {
        let count = messages.len();
        match self.submit(transforms, messages).await {
            Ok(outcomes) => outcomes,
            Err(error) => vec![Err(error); count],
        }
    }

    /// Checks transforms as they are given: their form, that the code runs and that it defines the
    /// function.
    pub async fn check(&self, transforms: &Arc<[Transform]>) -> Result<(), TransformError> {
        check_form(transforms)?;
        // A job without messages compiles, and answers one outcome if that fails.
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
        let (reply, answer) = self.inner.answers.open();
        let generation = self.inner.generation.get();
        let job = Job {
            transforms: transforms.clone(),
            messages,
            reply,
        };
        self.jobs()?
            .try_send(job)
            .map_err(|_| TransformError("too many messages wait to be transformed".to_owned()))?;
        match timeout(self.inner.stuck_after.get(), answer).await {
            Ok(Ok(outcomes)) => Ok(outcomes),
            Ok(Err(_)) => Err(TransformError("the transform was given up".to_owned())),
            Err(_) => {
                self.replace(generation);
                Err(TransformError("the transform doesn't end".to_owned()))
            }
        }
    }

    fn jobs(&self) -> Result<SyncSender<Job>, TransformError> {
        let mut jobs = self.inner.jobs.borrow_mut();
        if let Some(jobs) = &*jobs {
            return Ok(jobs.clone());
        }
        if self.inner.generation.get() >= STUCK_THREADS_MAX {
            return Err(TransformError(
                "transforms are off: too many never ended".to_owned(),
            ));
        }
        let (sender, receiver) = sync_channel(JOBS_MAX);
        let thread = std::thread::Builder::new()
            .name("lclq-transform".to_owned())
            .stack_size(STACK_BYTES);
        spawn_beside(thread, move || work(&receiver))
            .map_err(|error| TransformError(format!("no thread for transforms: {error}")))?;
        *jobs = Some(sender.clone());
        Ok(sender)
    }

    /// Gives up the thread that a job was sent to. Should it ever come to itself, it finds its
    /// channel closed, and ends.
    fn replace(&self, generation: usize) {
        if self.inner.generation.get() == generation {
            tracing::warn!("a message transform doesn't end; starting another thread");
            self.inner.generation.set(generation + 1);
            *self.inner.jobs.borrow_mut() = None;
        }
    }
}

impl Default for Transformer {
    fn default() -> Self {
        Self::new()
    }
}

fn work(jobs: &Receiver<Job>) {
    let mut scripts = Scripts::default();
    while let Ok(job) = jobs.recv() {
        let outcomes = if job.messages.is_empty() {
            scripts.check(&job.transforms)
        } else {
            scripts.run(&job.transforms, job.messages)
        };
        job.reply.answer(outcomes);
    }
}

/// Compiled functions, the most recently used last.
#[derive(Default)]
struct Scripts {
    kept: Vec<(Transform, Script)>,
}

impl Scripts {
    fn check(&mut self, transforms: &[Transform]) -> Vec<Transformed> {
        let scripts = transforms
            .iter()
            .filter(|transform| matches!(transform, Transform::JavaScript { .. }));
        for script in scripts {
            if let Err(error) = self.script(script) {
                return vec![Err(error)];
            }
        }
        Vec::new()
    }

    fn run(
        &mut self,
        transforms: &[Transform],
        messages: Vec<TransformMessage>,
    ) -> Vec<Transformed> {
        let until = Instant::now() + Duration::from_millis(JOB_MS_MAX);
        let one = |message| {
            if Instant::now() >= until {
                return Err(TransformError(format!(
                    "the transforms of the request's messages took more than {JOB_MS_MAX} ms"
                )));
            }
            self.transform(transforms, message)
        };
        messages.into_iter().map(one).collect()
    }

    fn transform(
        &mut self,
        transforms: &[Transform],
        mut message: TransformMessage,
    ) -> Transformed {
        for transform in transforms {
            match transform {
                Transform::JavaScript { .. } => match self.script(transform)?.apply(message)? {
                    Some(changed) => message = changed,
                    None => return Ok(None),
                },
                Transform::Compress(algorithm) => {
                    message.data = compression::compress(*algorithm, &message.data)?;
                }
                Transform::Decompress(algorithm) => {
                    message.data = compression::decompress(*algorithm, &message.data)?;
                }
            }
        }
        Ok(Some(message))
    }

    /// The compiled form of a `Transform::JavaScript`.
    fn script(&mut self, transform: &Transform) -> Result<&Script, TransformError> {
        let Transform::JavaScript {
            function_name,
            code,
        } = transform
        else {
            unreachable!("only scripts are compiled")
        };
        let found = self.kept.iter().rposition(|(kept, _)| kept == transform);
        match found {
            Some(place) if !self.kept[place].1.is_broken() => self.kept[place..].rotate_left(1),
            found => {
                if let Some(place) = found {
                    self.kept.remove(place);
                } else if self.kept.len() == SCRIPTS_MAX {
                    self.kept.remove(0);
                }
                let script = Script::compile(function_name, code)?;
                self.kept.push((transform.clone(), script));
            }
        }
        Ok(&self.kept.last().expect("moved or put there just now").1)
    }
}
