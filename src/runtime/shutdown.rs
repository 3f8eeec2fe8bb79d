//! Telling every core to stop.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::bell::Doorbell;
use super::doorbell::{DoorbellWaiter, doorbell};

/// A flag that any thread can raise once and every core can wait for.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    raised: AtomicBool,
    bells: Mutex<Vec<Doorbell>>,
}

impl Shutdown {
    /// A flag that isn't raised yet.
    pub fn new() -> Self {
        Shutdown::default()
    }

    /// Raises the flag. Doing it again changes nothing.
    pub fn trigger(&self) {
        self.shared.raised.store(true, Ordering::SeqCst);
        let mut bells = self
            .shared
            .bells
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for bell in bells.drain(..) {
            bell.ring();
        }
    }

    /// Whether the flag is raised.
    pub fn is_triggered(&self) -> bool {
        self.shared.raised.load(Ordering::SeqCst)
    }

    /// Waits, on any core, until the flag is raised.
    pub async fn wait(&self) {
        let (bell, mut waiter) = doorbell();
        {
            // Under the lock: `trigger` raises the flag before it takes the lock, so either it
            // finds this bell or we find the flag.
            let mut bells = self
                .shared
                .bells
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if self.is_triggered() {
                return;
            }
            bells.push(bell);
        }
        while !self.is_triggered() {
            waiter.wait().await;
        }
    }
}

/// Has a flag raised once standard input has ended or can't be read. What comes by it is thrown away.
///
/// # Errors
/// Where no thread can be had.
pub fn shutdown_with_stdin(shutdown: Shutdown) -> io::Result<()> {
    let thread = std::thread::Builder::new()
        .name("lclq-stdin".to_owned())
        .stack_size(64 * 1024);
    super::spawn_beside(thread, move || {
        if let Err(error) = io::copy(&mut io::stdin().lock(), &mut io::sink()) {
            tracing::warn!(%error, "standard input can't be read");
        }
        tracing::info!("standard input has ended: stopping");
        shutdown.trigger();
    })?;
    Ok(())
}

/// Waits, on any core of either driver, until the process is asked to end: SIGTERM or SIGINT on
/// Unix, Ctrl-C elsewhere. A second signal after that ends the process the hard way.
///
/// Signals count from the call on, not from the first poll.
#[cfg(unix)]
pub fn shutdown_signal() -> io::Result<impl Future<Output = ()>> {
    let watched = watch_signals()?;
    Ok(async move { watched.wait().await })
}

#[cfg(unix)]
fn watch_signals() -> io::Result<Shutdown> {
    use signal_hook::consts::{SIGINT, SIGTERM};

    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT])?;
    let asked = Shutdown::new();
    let trigger = asked.clone();
    // A thread, since neither driver's event loop should know about signals: it sleeps in read(2).
    let thread = std::thread::Builder::new()
        .name("lclq-signals".to_owned())
        .stack_size(64 * 1024);
    super::spawn_beside(thread, move || {
        for signal in signals.forever() {
            if trigger.is_triggered() {
                let _ = signal_hook::low_level::emulate_default_handler(signal);
            }
            trigger.trigger();
        }
    })?;
    Ok(asked)
}

/// Waits until the process is asked to end by Ctrl-C.
#[cfg(not(unix))]
pub fn shutdown_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "can't listen for signals");
            std::future::pending::<()>().await;
        }
    })
}

/// What waits for the process to be asked to read its configuration again: SIGHUP on Unix, nothing
/// elsewhere. Signals count from the call on; before it, SIGHUP ends the process.
#[cfg(unix)]
pub fn reload_signal() -> io::Result<DoorbellWaiter> {
    let mut signals = signal_hook::iterator::Signals::new([signal_hook::consts::SIGHUP])?;
    let (bell, waiter) = doorbell();
    let thread = std::thread::Builder::new()
        .name("lclq-reloads".to_owned())
        .stack_size(64 * 1024);
    super::spawn_beside(thread, move || {
        for _ in signals.forever() {
            bell.ring();
        }
    })?;
    Ok(waiter)
}

#[cfg(not(unix))]
pub fn reload_signal() -> io::Result<DoorbellWaiter> {
    Ok(doorbell().1)
}
