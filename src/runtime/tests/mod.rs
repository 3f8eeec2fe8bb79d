//! Both drivers, with real threads and real sockets.

mod doorbells;
mod sockets;
mod tasks;
mod writes;

use std::future::Future;
use std::sync::mpsc;
use std::time::Duration;

use super::{CoreThreads, DriverKind, RuntimeChoice, choose, spawn_cores};

/// How long any one of these tests may take before it counts as hung.
const HUNG: Duration = Duration::from_secs(120);

/// The drivers this machine can run.
pub(crate) fn drivers() -> Vec<DriverKind> {
    let mut drivers = vec![DriverKind::Epoll];
    match choose(RuntimeChoice::IoUring) {
        Ok((driver, _)) => drivers.push(driver.kind),
        Err(error) => eprintln!("ERROR: SKIPPING EVERY io_uring TEST: {error}"),
    }
    drivers
}

/// Runs `f` on `count` cores of each driver, to the end.
fn on_cores<F, Fut>(count: usize, f: F)
where
    F: Fn(DriverKind, usize) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + 'static,
{
    for kind in drivers() {
        let f = f.clone();
        let cores = spawn_cores(kind, count, move |core| f(kind, core)).unwrap();
        join(kind, cores).unwrap();
    }
}

/// Joins, or panics if that takes too long.
pub(crate) fn join(kind: DriverKind, cores: CoreThreads) -> std::io::Result<()> {
    let (done, ended) = mpsc::channel();
    std::thread::spawn(move || done.send(cores.join()));
    ended
        .recv_timeout(HUNG)
        .unwrap_or_else(|_| panic!("the cores of {kind} hang"))
}
