//! Work that cores hand to other threads, and the answers that come back.
//!
//! A core opens a place for an answer and gives its [`Reply`] to the other thread; the answer comes
//! back through one list and one doorbell per core, so a hundred answers cost one wake.

use crate::runtime::{Doorbell, doorbell, spawn_local};
use slab::Slab;
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// The other thread dropped the work without an answer, because it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the work was dropped")]
pub struct Dropped;

/// One core's places for answers. Callers bound how many are open.
pub struct Answers<T> {
    inner: Rc<Inner<T>>,
}

impl<T> Clone for Answers<T> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
        }
    }
}

struct Inner<T> {
    places: RefCell<Slab<Place<T>>>,
    shared: Arc<Shared<T>>,
}

enum Place<T> {
    Waiting(Option<Waker>),
    Answered(Option<T>),
    /// Nobody waits any more; the place goes when the answer comes.
    Abandoned,
}

struct Shared<T> {
    answers: Mutex<Vec<(usize, Option<T>)>>,
    bell: Doorbell,
}

impl<T: Send + 'static> Answers<T> {
    /// Starts the task that hands out answers on the calling core.
    pub fn new() -> Self {
        let (bell, mut waiter) = doorbell();
        let inner = Rc::new(Inner {
            places: RefCell::new(Slab::new()),
            shared: Arc::new(Shared {
                answers: Mutex::new(Vec::new()),
                bell,
            }),
        });
        let weak = Rc::downgrade(&inner);
        spawn_local(async move {
            loop {
                waiter.wait().await;
                let Some(inner) = weak.upgrade() else { return };
                inner.hand_out();
            }
        });
        Self { inner }
    }

    /// Opens a place: the other thread's end, and what to await.
    pub fn open(&self) -> (Reply<T>, Answer<T>) {
        let place = self.inner.places.borrow_mut().insert(Place::Waiting(None));
        let reply = Reply {
            place,
            shared: Some(self.inner.shared.clone()),
        };
        let answer = Answer {
            place: Some(place),
            inner: self.inner.clone(),
        };
        (reply, answer)
    }
}

impl<T: Send + 'static> Default for Answers<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Inner<T> {
    fn hand_out(&self) {
        let answers = std::mem::take(
            &mut *self
                .shared
                .answers
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        for (place, answer) in answers {
            let mut places = self.places.borrow_mut();
            match std::mem::replace(&mut places[place], Place::Answered(answer)) {
                Place::Abandoned => drop(places.remove(place)),
                Place::Waiting(Some(waker)) => waker.wake(),
                Place::Waiting(None) => {}
                Place::Answered(_) => unreachable!("a reply is used once"),
            }
        }
    }
}

impl<T> Drop for Inner<T> {
    fn drop(&mut self) {
        // Wakes the task a last time, so that it ends.
        self.shared.bell.ring();
    }
}

/// The answering end; any thread. Dropped unused, it answers [`Dropped`].
pub struct Reply<T> {
    place: usize,
    shared: Option<Arc<Shared<T>>>,
}

impl<T> Reply<T> {
    /// Gives the answer.
    pub fn answer(mut self, answer: T) {
        self.give(Some(answer));
    }

    fn give(&mut self, answer: Option<T>) {
        if let Some(shared) = self.shared.take() {
            shared
                .answers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((self.place, answer));
            shared.bell.ring();
        }
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        self.give(None);
    }
}

/// Waits for the answer. Dropping it forgets the answer; the work goes on.
pub struct Answer<T> {
    place: Option<usize>,
    inner: Rc<Inner<T>>,
}

impl<T> Future for Answer<T> {
    type Output = Result<T, Dropped>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let place = self.place.expect("polled after it was answered");
        let mut places = self.inner.places.borrow_mut();
        match &mut places[place] {
            Place::Waiting(waker) => {
                *waker = Some(cx.waker().clone());
                return Poll::Pending;
            }
            Place::Answered(_) => {}
            Place::Abandoned => unreachable!("only a dropped answer is abandoned"),
        }
        let Place::Answered(answer) = places.remove(place) else {
            unreachable!("looked at just now")
        };
        drop(places);
        self.place = None;
        Poll::Ready(answer.ok_or(Dropped))
    }
}

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        let Some(place) = self.place else { return };
        let mut places = self.inner.places.borrow_mut();
        match &mut places[place] {
            Place::Answered(_) => drop(places.remove(place)),
            waiting => *waiting = Place::Abandoned,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pubsub::testing::on_each_driver;

    #[test]
    fn answers_come_from_other_threads() {
        on_each_driver(|| async {
            let answers = Answers::<usize>::new();
            let mut waiting = Vec::new();
            for number in 0..100 {
                let (reply, answer) = answers.open();
                waiting.push(answer);
                std::thread::spawn(move || reply.answer(number));
            }
            for (number, answer) in waiting.into_iter().enumerate() {
                assert_eq!(answer.await, Ok(number));
            }
            assert!(answers.inner.places.borrow().is_empty());
        });
    }

    #[test]
    fn dropped_ends_leave_nothing() {
        on_each_driver(|| async {
            let answers = Answers::<usize>::new();
            let (reply, answer) = answers.open();
            drop(reply);
            assert_eq!(answer.await, Err(Dropped));
            let (reply, answer) = answers.open();
            drop(answer);
            reply.answer(1);
            let (reply, answer) = answers.open();
            reply.answer(2);
            assert_eq!(answer.await, Ok(2));
            let (reply, answer) = answers.open();
            reply.answer(3);
            let (last, after) = answers.open();
            last.answer(4);
            assert_eq!(after.await, Ok(4));
            drop(answer);
            assert!(answers.inner.places.borrow().is_empty());
        });
    }
}
