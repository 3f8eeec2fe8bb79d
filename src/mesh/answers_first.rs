//! Publishers' answers leave before the deliveries of what they published.
//!
//! A subscriber that waits may be on another core than the publisher, and be told of a message while
//! the publisher's answer still is on its way. Clients match what they receive with the ids that they
//! were given, so the ids come first: where a publisher of another core was answered just now, a
//! delivery waits until that core says that it has run the tasks that write the answer. To ask costs a frame each way, and
//! only where somebody waits for messages on a third core or this one.

use lclq_shards::Millis;
use lclq_shards::command::{Reply, Token};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

/// Turns of a core in which an answer that it has taken is written: the call's task, and that of its
/// connection.
pub(super) const WRITING_TURNS: usize = 3;
/// Answers older than this are taken for written, ms.
const WRITING_MS_MAX: Millis = 5;

/// What one core knows of the answers that another was given. Answers are numbered over all cores.
#[derive(Clone, Copy, Default)]
struct Answered {
    /// The latest answer, and when it was given.
    last: u64,
    last_at: Millis,
    /// Answers up to here are written.
    written: u64,
    /// The core was asked, and not yet answered, whether answers up to here are.
    asked: Option<u64>,
    /// Deliveries wait for answers up to here.
    wanted: u64,
}

struct Held {
    /// It waits for answers up to here.
    up_to: u64,
    token: Token,
    delivery: Reply,
}

/// What a core holds back, and for whom.
pub(super) struct AnswersFirst {
    /// By core.
    answered: Vec<Cell<Answered>>,
    answers: Cell<u64>,
    /// Bounded by the calls that are open: each has one answer.
    held: RefCell<VecDeque<Held>>,
}

impl AnswersFirst {
    pub fn new(cores: usize) -> Self {
        Self {
            answered: (0..cores).map(|_| Cell::default()).collect(),
            answers: Cell::new(0),
            held: RefCell::default(),
        }
    }

    /// A publisher of `core` is answered.
    pub fn note_answer(&self, core: usize, now: Millis) {
        self.answers.set(self.answers.get() + 1);
        let mut answered = self.answered[core].get();
        answered.last = self.answers.get();
        answered.last_at = now;
        self.answered[core].set(answered);
    }

    /// Takes a delivery to `core` if it has to wait, and gives it back if it may go. `ask` asks a
    /// core to say when it has written its answers; see [`AnswersFirst::written`].
    pub fn hold(
        &self,
        core: usize,
        (token, delivery): (Token, Reply),
        now: Millis,
        mut ask: impl FnMut(usize),
    ) -> Option<(Token, Reply)> {
        let up_to = self.answers.get();
        let mut waits = !self.held.borrow().is_empty();
        for (other, cell) in self.answered.iter().enumerate() {
            let mut answered = cell.get();
            // What goes the same way comes in order.
            if other == core
                || answered.last <= answered.written
                || answered.last_at + WRITING_MS_MAX < now
            {
                continue;
            }
            waits = true;
            answered.wanted = up_to;
            if answered.asked.is_none() {
                answered.asked = Some(up_to);
                ask(other);
            }
            cell.set(answered);
        }
        if !waits {
            return Some((token, delivery));
        }
        self.held.borrow_mut().push_back(Held {
            up_to,
            token,
            delivery,
        });
        None
    }

    /// A core has written what it was asked for.
    pub fn written(&self, core: usize, mut ask: impl FnMut(usize)) {
        let cell = &self.answered[core];
        let mut answered = cell.get();
        answered.written = answered.asked.take().unwrap_or(answered.written);
        if answered.wanted > answered.written {
            answered.asked = Some(self.answers.get());
            ask(core);
        }
        cell.set(answered);
    }

    /// The next delivery that need not wait any longer.
    pub fn next(&self) -> Option<(Token, Reply)> {
        let mut held = self.held.borrow_mut();
        let up_to = held.front()?.up_to;
        let waits = self.answered.iter().any(|cell| {
            let answered = cell.get();
            answered.wanted > answered.written && up_to > answered.written
        });
        if waits {
            return None;
        }
        held.pop_front().map(|held| (held.token, held.delivery))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(token: Token) -> (Token, Reply) {
        (token, Reply::Done)
    }

    fn next(first: &AnswersFirst) -> Option<Token> {
        first.next().map(|(token, _)| token)
    }

    #[test]
    fn a_delivery_waits_for_the_answers_that_came_before_it() {
        let first = AnswersFirst::new(3);
        let mut asked = Vec::new();
        let free = first.hold(0, delivery(1), 10, |core| asked.push(core));
        assert!(free.is_some(), "nobody was answered");
        first.note_answer(1, 10);
        assert!(
            first
                .hold(1, delivery(2), 10, |core| asked.push(core))
                .is_some()
        );
        assert!(
            first
                .hold(0, delivery(3), 10, |core| asked.push(core))
                .is_none()
        );
        first.note_answer(1, 11);
        assert!(
            first
                .hold(2, delivery(4), 11, |core| asked.push(core))
                .is_none()
        );
        assert_eq!((asked.as_slice(), next(&first)), ([1].as_slice(), None));
        // That answers the first of them; the second waits for an answer given since.
        first.written(1, |core| asked.push(core));
        assert_eq!((next(&first), next(&first)), (Some(3), None));
        assert_eq!(asked, [1, 1]);
        first.written(1, |core| asked.push(core));
        assert_eq!((next(&first), next(&first)), (Some(4), None));
        assert_eq!(asked, [1, 1]);
        assert!(first.held.borrow().is_empty());
    }

    #[test]
    fn old_answers_are_written_and_order_stays() {
        let first = AnswersFirst::new(2);
        first.note_answer(1, 10);
        let later = 11 + WRITING_MS_MAX;
        assert!(first.hold(0, delivery(1), later, |_| {}).is_some());
        first.note_answer(1, later);
        assert!(first.hold(0, delivery(2), later, |_| {}).is_none());
        // Behind one that waits, whoever it is for.
        assert!(first.hold(1, delivery(3), later, |_| {}).is_none());
        first.written(1, |_| {});
        assert_eq!((next(&first), next(&first)), (Some(2), Some(3)));
    }
}
