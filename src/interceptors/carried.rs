//! What goes with a request while it is carried out, for those who know what it is: it is there for all
//! that the request's task does, without being handed from function to function.

use std::any::Any;
use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;

thread_local! {
    static CARRIED: RefCell<Option<Rc<dyn Any>>> = const { RefCell::new(None) };
}

/// What goes with the running request, if anything does.
#[inline]
pub fn carried() -> Option<Rc<dyn Any>> {
    CARRIED.with_borrow(Clone::clone)
}

/// Carries something out with that.
pub async fn carrying<F: Future>(what: Option<Rc<dyn Any>>, run: F) -> F::Output {
    let mut run = pin!(run);
    poll_fn(|context| {
        let before = CARRIED.replace(what.clone());
        let polled = run.as_mut().poll(context);
        CARRIED.set(before);
        polled
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn it_is_there_while_a_request_runs_and_not_beside_it() {
        let number = || carried().and_then(|what| what.downcast_ref::<u32>().copied());
        let inner = async {
            let outer = number();
            let inside = carrying(Some(Rc::new(2_u32)), async { number() }).await;
            (outer, inside, number())
        };
        let run = carrying(Some(Rc::new(1_u32)), inner);
        assert_eq!(run.now_or_never(), Some((Some(1), Some(2), Some(1))));
        assert_eq!(number(), None);
    }
}
