//! Work that is linear but long, such as checking ten megabytes against a schema: done on a thread
//! beside the core, so that the core goes on serving others. Short work is done at once.

use super::offload::{Answers, Dropped, Reply};
use crate::runtime::spawn_beside;
use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes to be looked at up to which work is done at once. A core takes well under a millisecond.
pub const AT_ONCE_BYTES_MAX: usize = 16 << 10;

/// Pieces of work that wait for one core's thread or are under way; others wait their turn.
const PIECES_MAX: usize = 64;

type Outcome = Box<dyn Any + Send>;

struct Piece {
    work: Box<dyn FnOnce() -> Outcome + Send>,
    reply: Reply<Outcome>,
    _place: OwnedSemaphorePermit,
}

/// One core's. Its thread starts at first need. Clones are cheap and stay on their core.
#[derive(Clone)]
pub struct Workbench {
    inner: Rc<Inner>,
}

struct Inner {
    answers: Answers<Outcome>,
    pieces: RefCell<Option<Sender<Piece>>>,
    places: Arc<Semaphore>,
}

impl Workbench {
    /// The calling core's.
    pub fn new() -> Self {
        Self {
            inner: Rc::new(Inner {
                answers: Answers::new(),
                pieces: RefCell::new(None),
                places: Arc::new(Semaphore::new(PIECES_MAX)),
            }),
        }
    }

    /// Does work that looks at so many bytes. Dropping the future forgets the outcome, not the work.
    ///
    /// # Errors
    /// If the work panicked, or there can't be a thread.
    pub async fn run<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Dropped> {
        if bytes <= AT_ONCE_BYTES_MAX {
            return Ok(work());
        }
        let inner = &self.inner;
        let place = inner.places.clone().acquire_owned().await;
        let (reply, answer) = inner.answers.open();
        let piece = Piece {
            work: Box::new(move || Box::new(work())),
            reply,
            _place: place.expect("the semaphore is never closed"),
        };
        self.pieces()?.send(piece).map_err(|_| Dropped)?;
        let outcome = answer.await?.downcast::<T>();
        Ok(*outcome.expect("the answer of this work"))
    }

    fn pieces(&self) -> Result<Sender<Piece>, Dropped> {
        let mut pieces = self.inner.pieces.borrow_mut();
        if let Some(pieces) = &*pieces {
            return Ok(pieces.clone());
        }
        let (sender, receiver) = channel();
        let thread = std::thread::Builder::new().name("lclq-workbench".to_owned());
        spawn_beside(thread, move || work(&receiver)).map_err(|error| {
            tracing::warn!(%error, "no thread for long work");
            Dropped
        })?;
        *pieces = Some(sender.clone());
        Ok(sender)
    }
}

impl Default for Workbench {
    fn default() -> Self {
        Self::new()
    }
}

fn work(pieces: &Receiver<Piece>) {
    while let Ok(piece) = pieces.recv() {
        let work = std::panic::AssertUnwindSafe(piece.work);
        // A panic drops the reply, and the next piece is done all the same.
        if let Ok(outcome) = std::panic::catch_unwind(work) {
            piece.reply.answer(outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pubsub::testing::on_each_driver;

    #[test]
    fn long_work_is_done_elsewhere() {
        on_each_driver(|| async {
            let here = std::thread::current().id();
            let workbench = Workbench::new();
            let who = || std::thread::current().id();
            assert_eq!(workbench.run(AT_ONCE_BYTES_MAX, who).await, Ok(here));
            let there = workbench.run(AT_ONCE_BYTES_MAX + 1, who).await;
            assert!(there.is_ok_and(|there| there != here));
        });
    }

    #[test]
    fn a_panic_loses_one_piece_only() {
        on_each_driver(|| async {
            let workbench = Workbench::new();
            let far = AT_ONCE_BYTES_MAX + 1;
            let lost = workbench.run(far, || panic!("as it should")).await;
            assert_eq!(lost, Err::<(), _>(Dropped));
            assert_eq!(workbench.run(far, || 7).await, Ok(7));
            let many = (0..4 * PIECES_MAX).map(|n| workbench.run(far, move || n));
            let done = futures_util::future::join_all(many).await;
            assert!(done.into_iter().enumerate().all(|(n, done)| done == Ok(n)));
        });
    }
}
