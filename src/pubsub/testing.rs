//! What unit tests of the dialect share.

use crate::runtime::spawn_cores;
use crate::runtime::tests::{drivers, join};
use std::future::Future;

/// Runs `f` on one core of each driver, to the end.
pub(crate) fn on_each_driver<F, Fut>(f: F)
where
    F: Fn() -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + 'static,
{
    for kind in drivers() {
        let f = f.clone();
        let cores = spawn_cores(kind, 1, move |_| f()).expect("cores start");
        join(kind, cores).expect("no panic");
    }
}
