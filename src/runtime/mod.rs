//! The seam to the outside: listen, accept, read, write, sleep, spawn, wake another core.
//!
//! tokio's current-thread runtime, one per core, schedules tasks. Connections have two drivers:
//! epoll (kqueue and IOCP elsewhere), and io_uring, Linux only, where they receive through a ring of
//! their core. A core's thread knows its driver in a thread-local, so nothing above this module is
//! generic over it and a call costs one predictable branch.
//!
//! Tasks are local to their core and never move. A panic in a task started with [`spawn_local`]
//! ends its core, and [`CoreThreads::join`] reports it, as it does for threads started with
//! [`spawn_beside`]; `http` guards its connections itself, so that a panic in a handler costs one
//! connection only.

mod bell;
mod beside;
mod choose;
mod clock;
mod cores;
mod descriptors;
mod doorbell;
mod failure;
mod hyper_glue;
mod listener;
mod local;
#[cfg(target_os = "linux")]
mod ring;
mod shutdown;
mod stream;
mod timer;

pub use bell::Doorbell;
pub use beside::{become_journal_writer, spawn_beside};
pub use choose::{Driver, DriverKind, RuntimeChoice, RuntimeError, choose};
pub use clock::{
    Driven, OwnClock, clock_driven, drive_clock, own_clock, undriven_clock, wall_clock,
    wall_clock_stepped,
};
pub use cores::{CorePlan, CoreThreads, spawn_cores};
pub use descriptors::{DescriptorPlan, descriptors_open};
pub use doorbell::{DoorbellWaiter, check_doorbell, doorbell};
pub use failure::{PanicReport, fail_core};
pub use hyper_glue::{HyperExecutor, HyperTimer};
pub use listener::{ConnectionSlot, Listener, SharedListener};
pub use local::{
    core_index, driver, send_written, spawn_local, thread_cpu_time, yield_now, yield_to_io,
};
pub use shutdown::{Shutdown, reload_signal, shutdown_signal, shutdown_with_stdin};
pub use stream::{Stream, Transferred};
pub use timer::{Sleep, TimedOut, sleep, sleep_until, timeout};

#[cfg(test)]
pub(crate) mod tests;
