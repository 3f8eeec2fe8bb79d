//! By which region the running request came in: it is there for all that the request's task does,
//! without being handed from function to function.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;

thread_local! {
    static ENTERED: RefCell<Option<Rc<str>>> = const { RefCell::new(None) };
}

/// The region by which the running request came in; `None` where there are no regions, and of what the
/// server asks itself.
pub fn entered() -> Option<Rc<str>> {
    ENTERED.with_borrow(Clone::clone)
}

/// Carries something out that came in by a region.
pub async fn entering<F: Future>(region: Rc<str>, run: F) -> F::Output {
    let mut run = pin!(run);
    poll_fn(|context| {
        let before = ENTERED.replace(Some(region.clone()));
        let polled = run.as_mut().poll(context);
        ENTERED.set(before);
        polled
    })
    .await
}
