//! Deliveries that let publishers' answers leave first.
//!
//! A subscriber that waits can be on another core than the publisher, and be told of a message while
//! the publisher's answer is still on its way. Clients match what they receive with the ids that they
//! were given, so the ids come first: a delivery waits until the cores of publishers have taken their
//! answers, and a few turns more, in which those are written.

use super::core::Mesh;
use crate::runtime::yield_now;
use lclq_shards::command::{Reply, Token};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// Turns of a core in which an answer that it has taken is written: the call's task, and that of its
/// connection.
const WRITING_TURNS: usize = 3;
/// The longest that deliveries wait for a core that is busy with something else.
const WAIT_MAX: Duration = Duration::from_millis(2);

/// What one core holds back.
pub(super) struct Later {
    /// Bounded by the calls that are open: each has one answer.
    deliveries: RefCell<Vec<(Token, Reply)>>,
    waker: RefCell<Option<Waker>>,
    /// By core: frames in its lane up to and with the latest publisher's answer.
    answers: Vec<Cell<u64>>,
    /// A publisher on this core was answered since the last turn.
    own: Cell<bool>,
}

impl Later {
    pub(super) fn new(cores: usize) -> Self {
        Self {
            deliveries: RefCell::default(),
            waker: RefCell::default(),
            answers: (0..cores).map(|_| Cell::new(0)).collect(),
            own: Cell::new(false),
        }
    }

    /// An answer to a publisher of another core is in its lane, as the last of `sent` frames.
    pub(super) fn note_answer(&self, core: usize, sent: u64) {
        self.answers[core].set(sent);
    }

    /// A publisher of this core is answered.
    pub(super) fn note_own_answer(&self) {
        self.own.set(true);
    }

    /// Whether a publisher's answer may be on its way. `taken` says how many frames a core has taken
    /// from its lane.
    pub(super) fn answers_wait(&self, taken: impl Fn(usize) -> u64) -> bool {
        let mut cores = self.answers.iter().enumerate();
        // A lane that never had one is not looked at.
        cores.any(|(core, answers)| answers.get() > 0 && taken(core) < answers.get())
    }

    /// Whether a delivery has to wait.
    pub(super) fn holds_back(&self, taken: impl Fn(usize) -> u64) -> bool {
        self.own.get() || !self.deliveries.borrow().is_empty() || self.answers_wait(taken)
    }

    /// Keeps a delivery for later.
    pub(super) fn keep(&self, token: Token, delivery: Reply) {
        self.deliveries.borrow_mut().push((token, delivery));
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    async fn wait(&self) {
        poll_fn(|cx| {
            if !self.deliveries.borrow().is_empty() {
                return Poll::Ready(());
            }
            *self.waker.borrow_mut() = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

impl Mesh {
    /// Passes on what was held back, as soon as it may go.
    pub(super) async fn deliver_later(self) {
        loop {
            self.later().wait().await;
            let since = Instant::now();
            while self.answers_wait() && since.elapsed() < WAIT_MAX {
                yield_now().await;
            }
            for _ in 0..WRITING_TURNS {
                yield_now().await;
            }
            let later = self.later();
            later.own.set(false);
            let deliveries = std::mem::take(&mut *later.deliveries.borrow_mut());
            self.pass_on(deliveries);
        }
    }
}
