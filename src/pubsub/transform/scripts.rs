//! The compiled functions of a process for transforms, and what they are applied to.

use super::memory::MemoryInUse;
use super::running_time::running_time;
use super::script::Script;
use super::watchdog::Watchdog;
use super::{SCRIPT_MEMORY_BYTES_MAX, Transform, TransformError, TransformMessage, Transformed};
use super::{compression, too_late};
use std::time::{Duration, Instant};

/// Compiled functions that are kept.
const SCRIPTS_MAX: usize = 32;

/// Time after which a function that isn't called any more is forgotten, with what it keeps, s.
pub(super) const IDLE_SECONDS_MAX: u64 = 15;

/// Compiled functions, the most recently used last.
pub(super) struct Scripts {
    kept: Vec<Kept>,
    memory: MemoryInUse,
    /// Bytes that all of them may keep.
    memory_bytes_max: usize,
    watchdog: Watchdog,
}

struct Kept {
    transform: Transform,
    script: Script,
    used: Instant,
}

impl Scripts {
    pub(super) fn new(watchdog: Watchdog) -> Self {
        Self {
            kept: Vec::new(),
            memory: MemoryInUse::default(),
            memory_bytes_max: SCRIPT_MEMORY_BYTES_MAX,
            watchdog,
        }
    }

    /// Before a job: sets the bound of memory, and forgets functions that nobody calls.
    pub(super) fn begin(&mut self, memory_bytes_max: usize) {
        self.memory_bytes_max = memory_bytes_max;
        let idle = Duration::from_secs(IDLE_SECONDS_MAX);
        self.kept.retain(|kept| kept.used.elapsed() < idle);
    }

    /// Compiles the functions. Answers like a message that passes.
    pub(super) fn check(&mut self, transforms: &[Transform]) -> Transformed {
        for transform in transforms {
            if matches!(transform, Transform::JavaScript { .. }) {
                let made = self.script(transform).map(drop);
                self.make_room();
                made?;
            }
        }
        Ok(None)
    }

    /// Applies transforms to a message, unless it is late already.
    pub(super) fn apply(
        &mut self,
        transforms: &[Transform],
        mut message: TransformMessage,
        until: Instant,
    ) -> Transformed {
        if Instant::now() >= until {
            return Err(too_late());
        }
        for transform in transforms {
            match transform {
                Transform::JavaScript { .. } => {
                    let watchdog = self.watchdog.clone();
                    let script = self.script(transform)?;
                    let outcome = watchdog.watch(|| script.apply(message));
                    self.make_room();
                    match outcome? {
                        Some(changed) => message = changed,
                        None => return Ok(None),
                    }
                }
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
        let found = self
            .kept
            .iter()
            .rposition(|kept| kept.transform == *transform);
        match found {
            Some(place) if !self.kept[place].script.is_broken() => {
                self.kept[place..].rotate_left(1);
            }
            found => {
                if let Some(place) = found {
                    self.kept.remove(place);
                } else if self.kept.len() == SCRIPTS_MAX {
                    self.kept.remove(0);
                }
                let own_max = self.memory_bytes_max.min(SCRIPT_MEMORY_BYTES_MAX);
                let memory = self.memory.clone();
                let script = self
                    .watchdog
                    .watch(|| Script::compile(function_name, code, memory, own_max))?;
                self.kept.push(Kept {
                    transform: transform.clone(),
                    script,
                    used: Instant::now(),
                });
            }
        }
        let kept = self.kept.last_mut().expect("moved or put there just now");
        kept.used = Instant::now();
        Ok(&kept.script)
    }

    /// Forgets functions, those used longest ago first, until all keep less than they may. The last
    /// one to run goes too if that isn't enough.
    fn make_room(&mut self) {
        while self.memory.bytes() > self.memory_bytes_max && !self.kept.is_empty() {
            self.kept.remove(0);
        }
    }

    #[cfg(test)]
    pub(super) fn memory_bytes(&self) -> usize {
        self.memory.bytes()
    }
}

/// When the running call must end.
pub(super) struct Deadline {
    until: std::cell::Cell<Duration>,
    late: std::cell::Cell<bool>,
}

impl Deadline {
    pub(super) fn new() -> Self {
        Self {
            until: std::cell::Cell::new(Duration::ZERO),
            late: std::cell::Cell::new(false),
        }
    }

    /// A call begins.
    pub(super) fn start(&self, time: Duration) {
        self.late.set(false);
        self.until.set(running_time() + time);
    }

    /// Whether the time is up, as of now; remembers that it was.
    pub(super) fn look(&self) -> bool {
        let late = running_time() >= self.until.get();
        if late {
            self.late.set(true);
        }
        late
    }

    /// Whether the time was up at any look since the start.
    pub(super) fn was_late(&self) -> bool {
        self.late.get()
    }
}
