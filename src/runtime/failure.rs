//! What ends the process from any of its threads.
//!
//! A server that lost a core, a journal or the thread that hears signals would go on answering some
//! requests and never the others. So each of these reports what befell it to whoever waits for the
//! cores, [`super::CoreThreads::join`], which then returns without waiting for the rest.

use std::any::Any;
use std::sync::mpsc::Sender;

use super::local::try_with_core;

/// News of a core, or of a thread beside the cores.
#[derive(Debug)]
pub(super) enum News {
    /// The core has done all it had to.
    Ended,
    /// What happened, as a sentence's beginning.
    Failed(String),
}

/// Reports a panic of whatever owns it: owned by a thread's body, it is dropped while that unwinds.
pub struct PanicReport {
    what: &'static str,
    to: Option<Sender<News>>,
}

impl PanicReport {
    /// A report about `what`, to those who wait for the calling core and its fellows. On any other
    /// thread nobody does, and it reports nothing.
    pub fn new(what: &'static str) -> Self {
        Self {
            what,
            to: try_with_core(|core| core.news.clone()),
        }
    }
}

impl Drop for PanicReport {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(to) = &self.to
        {
            let _ = to.send(News::Failed(format!("{} panicked", self.what)));
        }
    }
}

/// Ends the calling core, and with it the process: what its tasks share is broken. On another
/// thread, and on a core that has ended, it does nothing.
pub fn fail_core(what: &'static str) {
    try_with_core(|core| core.fail(Box::new(what)));
}

pub(super) fn panic_text(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)")
}
