//! What a core's thread knows about itself.

use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};
use std::future::Future;
#[cfg(target_os = "linux")]
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::bell::Bell;
use super::choose::DriverKind;
use super::doorbell::Waiters;
use super::failure::News;
#[cfg(target_os = "linux")]
use super::ring::Ring;
use super::timer::Timers;

/// The state of one core, reachable from its own thread only.
pub(super) struct CoreLocal {
    pub(super) kind: Cell<DriverKind>,
    pub(super) index: usize,
    pub(super) bell: Arc<Bell>,
    pub(super) waiters: RefCell<Waiters>,
    pub(super) timers: RefCell<Timers>,
    main_waker: RefCell<Option<Waker>>,
    main_done: Cell<bool>,
    #[cfg(target_os = "linux")]
    ring: OnceCell<Ring>,
    panic: RefCell<Option<Box<dyn Any + Send>>>,
    /// To whoever waits for the cores.
    pub(super) news: Sender<News>,
}

impl CoreLocal {
    /// The ring of a core on io_uring.
    #[cfg(target_os = "linux")]
    pub(super) fn ring(&self) -> &Ring {
        self.ring.get().expect("this core isn't on io_uring")
    }

    fn wake_main(&self) {
        let waker = self.main_waker.borrow().clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(super) fn fail(&self, payload: Box<dyn Any + Send>) {
        // The first panic is the cause; later ones are its echo.
        self.panic.borrow_mut().get_or_insert(payload);
        self.wake_main();
    }
}

thread_local! {
    static CORE: OnceCell<CoreLocal> = const { OnceCell::new() };
}

/// Makes the calling thread core `index`. Called once per thread, before its runtime starts.
pub(super) fn enter_core(kind: DriverKind, index: usize, news: Sender<News>) -> Arc<Bell> {
    let bell = Arc::new(Bell::new());
    let core = CoreLocal {
        kind: Cell::new(kind),
        index,
        bell: bell.clone(),
        waiters: RefCell::default(),
        timers: RefCell::new(Timers::new()),
        main_waker: RefCell::new(None),
        main_done: Cell::new(false),
        #[cfg(target_os = "linux")]
        ring: OnceCell::new(),
        panic: RefCell::new(None),
        news,
    };
    CORE.with(|slot| assert!(slot.set(core).is_ok(), "this thread is already a core"));
    bell
}

/// Runs `f` with this thread's core.
///
/// # Panics
/// On a thread that `spawn_cores` didn't start.
pub(super) fn with_core<R>(f: impl FnOnce(&CoreLocal) -> R) -> R {
    CORE.with(|slot| f(slot.get().expect("not on a core's thread")))
}

/// Runs `f` with this thread's core, if it has one and the thread isn't being torn down.
pub(super) fn try_with_core<R>(f: impl FnOnce(&CoreLocal) -> R) -> Option<R> {
    CORE.try_with(|slot| slot.get().map(f)).ok().flatten()
}

/// Makes the calling core's ring if it is to run on io_uring. In its tokio runtime.
#[cfg(target_os = "linux")]
pub(super) fn open_ring() -> io::Result<()> {
    with_core(|core| {
        if core.kind.get() == DriverKind::IoUring {
            let opened = core.ring.set(Ring::new()?);
            assert!(opened.is_ok(), "a core starts once");
        }
        Ok(())
    })
}

/// Has the calling core do without a ring, as nothing runs on it yet.
#[cfg(target_os = "linux")]
pub(super) fn do_without_ring() {
    with_core(|core| core.kind.set(DriverKind::Epoll));
}

/// Lets the calling core's ring have a turn, if it has one.
#[cfg(target_os = "linux")]
pub(super) fn turn_ring() {
    try_with_core(|core| core.ring.get().map(Ring::turn));
}

/// Hands the kernel what the calling core's connections have written.
pub fn send_written() {
    #[cfg(target_os = "linux")]
    turn_ring();
}

/// Keeps a task's waker, for as little as it costs when that is the one it was.
pub(super) fn remember(waker: &mut Option<Waker>, cx: &Context<'_>) {
    match waker {
        Some(waker) => waker.clone_from(cx.waker()),
        none => *none = Some(cx.waker().clone()),
    }
}

/// The driver of the calling core.
pub fn driver() -> DriverKind {
    with_core(|core| core.kind.get())
}

/// The calling core's index, from 0.
pub fn core_index() -> usize {
    with_core(|core| core.index)
}

/// Starts a task on the calling core. It never runs before this function has returned.
///
/// A panic in it ends the core; see the module's documentation.
pub fn spawn_local(future: impl Future<Output = ()> + 'static) {
    drop(tokio::task::spawn_local(FatalPanic { future }));
}

/// Time that the calling thread has had on a CPU; where the system doesn't say, time as it passes.
pub fn thread_cpu_time() -> Duration {
    #[cfg(target_os = "linux")]
    {
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: the kernel writes one timespec.
        let done = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
        if done == 0 {
            return Duration::new(time.tv_sec as u64, time.tv_nsec as u32);
        }
    }
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed()
}

/// Lets all other ready tasks of this core run, and looks for what has become readable meanwhile,
/// before the caller goes on.
pub async fn yield_to_io() {
    // The ring has no turn where tokio looks at its events without going to sleep.
    send_written();
    super::doorbell::check_doorbell();
    tokio::task::yield_now().await;
}

/// Lets every other ready task of this core run first.
pub async fn yield_now() {
    super::doorbell::check_doorbell();
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

pin_project_lite::pin_project! {
    /// Hands a task's panic to its core. Left alone, tokio keeps it in the JoinHandle.
    struct FatalPanic<F> {
        #[pin]
        future: F,
    }
}

impl<F: Future<Output = ()>> Future for FatalPanic<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let future = self.project().future;
        // Sound to assert: after a panic the whole core ends, so nobody sees broken state.
        match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
            Ok(poll) => poll,
            Err(payload) => {
                with_core(|core| core.fail(payload));
                Poll::Ready(())
            }
        }
    }
}

/// The root task of a core: starts `first`, and ends when that has ended or any task has panicked.
pub(super) struct CoreMain<F> {
    first: Option<F>,
}

impl<F> CoreMain<F> {
    pub(super) fn new(first: F) -> Self {
        CoreMain { first: Some(first) }
    }
}

impl<F> Unpin for CoreMain<F> {}

impl<F: Future<Output = ()> + 'static> Future for CoreMain<F> {
    type Output = Result<(), Box<dyn Any + Send>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(first) = self.first.take() {
            with_core(|core| {
                *core.main_waker.borrow_mut() = Some(cx.waker().clone());
                core.bell.set_waker(cx.waker().clone());
            });
            super::timer::spawn_timers();
            #[cfg(target_os = "linux")]
            with_core(|core| core.ring.get().map(Ring::spawn_turns));
            spawn_local(async move {
                first.await;
                with_core(|core| {
                    core.main_done.set(true);
                    core.wake_main();
                });
            });
        }
        // Another core's ring of a doorbell wakes this task.
        super::doorbell::check_doorbell();
        with_core(|core| {
            if let Some(payload) = core.panic.borrow_mut().take() {
                return Poll::Ready(Err(payload));
            }
            if core.main_done.get() {
                Poll::Ready(Ok(()))
            } else {
                Poll::Pending
            }
        })
    }
}
