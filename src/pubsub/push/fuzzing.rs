//! Answers to pushed messages, for tests/fuzz.

use super::client::fuzzing::Pushing;
use std::cell::RefCell;

thread_local! {
    static PUSHING: RefCell<Pushing> = RefCell::new(Pushing::new());
}

/// What a server says to a request, whatever was asked; then it closes.
pub fn answer(bytes: &[u8]) {
    PUSHING.with(|pushing| pushing.borrow_mut().answered(bytes));
}
