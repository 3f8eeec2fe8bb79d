//! What a core's thread knows about itself.

use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::choose::DriverKind;
use super::doorbell::{Bell, Waiters};
use super::timer::Timers;

/// The state of one core, reachable from its own thread only.
pub(super) struct CoreLocal {
    pub(super) kind: DriverKind,
    pub(super) index: usize,
    pub(super) bell: Arc<Bell>,
    pub(super) waiters: RefCell<Waiters>,
    pub(super) timers: RefCell<Timers>,
    main_waker: RefCell<Option<Waker>>,
    main_done: Cell<bool>,
    panic: RefCell<Option<Box<dyn Any + Send>>>,
}

impl CoreLocal {
    fn wake_main(&self) {
        let waker = self.main_waker.borrow().clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn fail(&self, payload: Box<dyn Any + Send>) {
        // The first panic is the cause; later ones are its echo.
        self.panic.borrow_mut().get_or_insert(payload);
        self.wake_main();
    }
}

thread_local! {
    static CORE: OnceCell<CoreLocal> = const { OnceCell::new() };
}

/// Makes the calling thread core `index`. Called once per thread, before its runtime starts.
pub(super) fn enter_core(kind: DriverKind, index: usize) -> Arc<Bell> {
    let bell = Arc::new(Bell::new(kind));
    let core = CoreLocal {
        kind,
        index,
        bell: bell.clone(),
        waiters: RefCell::default(),
        timers: RefCell::new(Timers::new()),
        main_waker: RefCell::new(None),
        main_done: Cell::new(false),
        panic: RefCell::new(None),
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

/// The driver of the calling core.
pub fn driver() -> DriverKind {
    with_core(|core| core.kind)
}

/// The calling core's index, from 0.
pub fn core_index() -> usize {
    with_core(|core| core.index)
}

/// Starts a task on the calling core. It never runs before this function has returned.
///
/// A panic in it ends the core; see the module's documentation.
pub fn spawn_local(future: impl Future<Output = ()> + 'static) {
    let guarded = FatalPanic { future };
    match driver() {
        DriverKind::Epoll => drop(tokio::task::spawn_local(guarded)),
        #[cfg(target_os = "linux")]
        DriverKind::IoUring => {
            // `glommio::spawn_local` would poll the task at once, inside its parent: a trap for
            // whoever holds a RefCell, and one packet per HTTP/2 response. Spawning "into" a queue
            // only schedules.
            glommio::spawn_local_into(guarded, glommio::TaskQueueHandle::default())
                .expect("the default queue always exists")
                .detach();
        }
        #[cfg(not(target_os = "linux"))]
        DriverKind::IoUring => unreachable!("io_uring exists on Linux only"),
    }
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
    /// Hands a task's panic to its core. Both drivers would do something else left alone: tokio
    /// swallows it in the JoinHandle, glommio unwinds through its executor.
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
            if driver() == DriverKind::IoUring {
                super::ticks::spawn_ticks();
            }
            spawn_local(async move {
                first.await;
                with_core(|core| {
                    core.main_done.set(true);
                    core.wake_main();
                });
            });
        }
        // A foreign ring wakes this task; on io_uring it is the only way a ring is noticed by an
        // idle core.
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
