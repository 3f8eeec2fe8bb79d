//! A core that does nothing but answer doorbells: `doorbell.rs` and tokio's park without tasks.

use super::Doorbell;
use super::bell::{Bell, Shared};
use loom::sync::{Condvar, Mutex};
use std::cell::Cell;
use std::sync::Arc;
use std::task::{Wake, Waker};

/// All orders would be too many; so many times a thread may lose its turn where it could go on.
const PREEMPTIONS_MAX: usize = 2;

/// Runs a model in every order within that bound.
pub fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS_MAX);
    builder.check(model);
}

/// What the kernel is to a core: sleep, and the eventfd that ends it.
struct Kernel {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Wake for Kernel {
    fn wake(self: Arc<Self>) {
        *self.woken.lock().unwrap() = true;
        self.changed.notify_one();
    }
}

impl Kernel {
    fn sleep(&self) {
        let mut woken = self.woken.lock().unwrap();
        while !*woken {
            woken = self.changed.wait(woken).unwrap();
        }
        *woken = false;
    }
}

/// A core with one doorbell and one task, which waits for it.
pub struct Core {
    bell: Arc<Bell>,
    shared: Arc<Shared>,
    kernel: Arc<Kernel>,
}

impl Core {
    pub fn new() -> (Self, Doorbell) {
        let kernel = Arc::new(Kernel {
            woken: Mutex::new(false),
            changed: Condvar::new(),
        });
        let bell = Arc::new(Bell::new());
        bell.set_waker(Waker::from(kernel.clone()));
        let shared = Arc::new(Shared::new(bell.clone()));
        let doorbell = Doorbell::new(shared.clone());
        let core = Core {
            bell,
            shared,
            kernel,
        };
        (core, doorbell)
    }

    /// What a busy core does between two tasks. Tells whether it found that the doorbell rang.
    pub fn check(&self) -> bool {
        if self.bell.has_rung() {
            self.bell.hear();
            return self.shared.is_pending();
        }
        false
    }

    /// Waits until the doorbell has rung since the last wait.
    pub fn wait(&self) {
        while !self.shared.take_pending() {
            // The task waits now, until an answer wakes it.
            let task_woken = Cell::new(false);
            let answer = || {
                self.bell.hear();
                if self.shared.is_pending() {
                    task_woken.set(true);
                }
            };
            while !task_woken.get() {
                self.bell.before_park(answer);
                // tokio polls the kernel without sleeping if a hook has woken a task.
                if !task_woken.get() {
                    self.kernel.sleep();
                }
                self.bell.after_unpark(answer);
            }
        }
    }
}
