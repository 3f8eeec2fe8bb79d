//! One thread per core, and the runtime on it.

use std::any::Any;
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread::JoinHandle;

use super::choose::Driver;
use super::clock::{go_by, thread_clock};
use super::failure::{News, panic_text};
use super::local::{CoreMain, enter_core};

type Ending = Result<(), Box<dyn Any + Send>>;

/// How many cores there are, and where.
#[derive(Clone, Copy, Debug)]
pub struct CorePlan {
    pub count: usize,
    /// The Nth core is pinned to the Nth CPU this process may use, if there are several cores and no
    /// more of them than CPUs. A pinned core waits for its CPU behind another process's thread while
    /// the next one is idle, which beside a load generator costs io_uring a tenth of its rate. But
    /// threads that wake it can't pull it onto their own CPU, which journals' otherwise do, to the
    /// same price.
    pub pinned: bool,
}

impl From<usize> for CorePlan {
    /// Unpinned.
    fn from(count: usize) -> Self {
        Self {
            count,
            pinned: false,
        }
    }
}

/// The running cores.
#[derive(Debug)]
pub struct CoreThreads {
    threads: Vec<JoinHandle<()>>,
    news: mpsc::Receiver<News>,
}

impl CoreThreads {
    /// Waits until every core has ended. A core that panicked, or a thread beside them, is an
    /// error, returned at once: the cores are then still running, and a server that lost a part of
    /// itself should exit.
    pub fn join(self) -> io::Result<()> {
        for _ in 0..self.threads.len() {
            self.next()?;
        }
        for thread in self.threads {
            thread.join().map_err(|payload| {
                io::Error::other(format!("a core panicked: {}", panic_text(payload.as_ref())))
            })?;
        }
        Ok(())
    }

    /// Waits until one core has ended.
    #[cfg(test)]
    pub(crate) fn join_first(self) -> io::Result<()> {
        self.next()
    }

    fn next(&self) -> io::Result<()> {
        match self.news.recv() {
            Ok(News::Ended) => Ok(()),
            Ok(News::Failed(what)) => Err(io::Error::other(what)),
            Err(_) => Err(io::Error::other("a core's thread vanished")),
        }
    }
}

/// Starts cores, each a thread of its own that runs `f(core)` and every task spawned from it, until
/// that first future ends. Where pinning isn't possible they run unpinned. Returns once every core's
/// runtime is up, or with the first error in setting one up.
pub fn spawn_cores<F, Fut>(
    driver: impl Into<Driver>,
    cores: impl Into<CorePlan>,
    f: F,
) -> io::Result<CoreThreads>
where
    F: Fn(usize) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + 'static,
{
    let driver = driver.into();
    let CorePlan { count, pinned } = cores.into();
    assert!(count > 0, "at least one core");
    let cpus = cpus_allowed();
    let pinned = pinned && count > 1 && count <= cpus.len();
    let (started_tx, started) = mpsc::channel::<io::Result<()>>();
    let (news_tx, news) = mpsc::channel();
    let mut threads = Vec::with_capacity(count);
    for core in 0..count {
        let cpu = if pinned {
            cpus.get(core).copied()
        } else {
            None
        };
        let (f, started_tx, news_tx) = (f.clone(), started_tx.clone(), news_tx.clone());
        let clock = thread_clock();
        let body = move || {
            go_by(clock);
            if let Some(cpu) = cpu {
                pin_to(cpu);
            }
            let bell = enter_core(driver.kind, core, news_tx.clone());
            let run = AssertUnwindSafe(|| run_core(core, driver.or_epoll, f, &started_tx));
            // A panic in a task comes out as an Err; this catches one in the runtime itself.
            let ending = catch_unwind(run).unwrap_or_else(Err);
            bell.retire();
            let _ = news_tx.send(match ending {
                Ok(()) => News::Ended,
                Err(payload) => {
                    let what = panic_text(payload.as_ref());
                    News::Failed(format!("core {core} panicked: {what}"))
                }
            });
        };
        let thread = std::thread::Builder::new().name(format!("lclq-core-{core}"));
        threads.push(
            thread
                .spawn(body)
                .map_err(|error| cannot_start(core, &error))?,
        );
    }
    drop(started_tx);
    for _ in 0..count {
        let died = |_| io::Error::other("a core died while starting");
        started.recv().map_err(died)??;
    }
    Ok(CoreThreads { threads, news })
}

fn cannot_start(core: usize, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("can't start core {core}: {error}"))
}

fn run_core<F, Fut>(
    core: usize,
    or_epoll: bool,
    f: F,
    started: &mpsc::Sender<io::Result<()>>,
) -> Ending
where
    F: Fn(usize) -> Fut,
    Fut: Future<Output = ()> + 'static,
{
    // A LocalRuntime, not a LocalSet in a Runtime: its tasks go straight into the scheduler's own
    // queue, where a LocalSet is a second scheduler that runs as one task of the first.
    let built = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .on_thread_park(before_park)
        .on_thread_unpark(super::doorbell::after_unpark)
        .build_local(tokio::runtime::LocalOptions::default());
    let ready = built.and_then(|runtime| {
        #[cfg(target_os = "linux")]
        {
            let _inside = runtime.enter();
            match super::local::open_ring() {
                Ok(()) => {}
                // What the kernel allows is used up by others, such as the memory that this user may lock.
                Err(error) if or_epoll => {
                    tracing::warn!(core, %error, "no io_uring for a core: it runs on epoll");
                    super::local::do_without_ring();
                }
                Err(error) => return Err(error),
            }
        }
        Ok(runtime)
    });
    match ready {
        Ok(runtime) => {
            let _ = started.send(Ok(()));
            let ending = runtime.block_on(async { CoreMain::new(f(core)).await });
            if ending.is_err() {
                // Dropping what a panic left behind could panic again or wait for ever. The
                // process ends, and with it all this.
                std::mem::forget(runtime);
            }
            ending
        }
        Err(error) => {
            let _ = started.send(Err(cannot_start(core, &error)));
            Ok(())
        }
    }
}

/// tokio's hook: the core has no ready task and is about to sleep in the kernel. A task woken here
/// makes it poll without sleeping instead.
fn before_park() {
    #[cfg(target_os = "linux")]
    super::local::turn_ring();
    super::doorbell::before_park();
}

/// The CPUs this process may run on, which in a container can be any few of the machine's.
#[cfg(target_os = "linux")]
fn cpus_allowed() -> Vec<usize> {
    // SAFETY: an all-zero cpu_set_t is a valid, empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes at most the size given into the set.
    let done = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut set) };
    if done != 0 {
        // More CPUs than a cpu_set_t can tell of: run unpinned.
        return Vec::new();
    }
    // SAFETY: CPU_ISSET only reads the set, and the index is below its size.
    (0..libc::CPU_SETSIZE as usize)
        .filter(|&cpu| unsafe { libc::CPU_ISSET(cpu, &set) })
        .collect()
}

#[cfg(target_os = "linux")]
fn pin_to(cpu: usize) {
    // SAFETY: an all-zero cpu_set_t is valid, and `cpu` came out of one.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    unsafe { libc::CPU_SET(cpu, &mut set) };
    // SAFETY: the kernel reads the size given out of the set. 0 is the calling thread.
    let done = unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set) };
    if done != 0 {
        tracing::debug!(cpu, error = %io::Error::last_os_error(), "a core runs unpinned");
    }
}

#[cfg(not(target_os = "linux"))]
fn cpus_allowed() -> Vec<usize> {
    Vec::new()
}

#[cfg(not(target_os = "linux"))]
fn pin_to(_cpu: usize) {}
