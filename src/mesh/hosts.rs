//! A core's shards, in use by one of its tasks at a time.

use crate::runtime::fail_core;
use lclq_shards::ShardHost;
use std::cell::{BorrowMutError, Ref, RefCell, RefMut};
use std::ops::{Deref, DerefMut};

type Places = Vec<Option<ShardHost>>;

/// By shard; those of other cores are `None`.
///
/// Hazard: requests are carried out inside their handlers, and a handler's panic costs its
/// connection only. One that unwinds through a shard leaves it in no state to go on with, so that
/// ends the core.
pub(super) struct Hosts(RefCell<Places>);

impl Hosts {
    pub fn new(places: Places) -> Self {
        Self(RefCell::new(places))
    }

    pub fn borrow(&self) -> Ref<'_, Places> {
        self.0.borrow()
    }

    #[inline]
    pub fn borrow_mut(&self) -> HostsInUse<'_> {
        HostsInUse::new(self.0.borrow_mut())
    }

    pub fn try_borrow_mut(&self) -> Result<HostsInUse<'_>, BorrowMutError> {
        self.0.try_borrow_mut().map(HostsInUse::new)
    }
}

pub(super) struct HostsInUse<'h> {
    places: RefMut<'h, Places>,
    /// It is something else that unwinds, and drops what uses the shards.
    unwinding: bool,
}

impl<'h> HostsInUse<'h> {
    #[inline]
    fn new(places: RefMut<'h, Places>) -> Self {
        Self {
            places,
            unwinding: std::thread::panicking(),
        }
    }
}

impl Deref for HostsInUse<'_> {
    type Target = Places;

    #[inline]
    fn deref(&self) -> &Places {
        &self.places
    }
}

impl DerefMut for HostsInUse<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Places {
        &mut self.places
    }
}

impl Drop for HostsInUse<'_> {
    #[inline]
    fn drop(&mut self) {
        if std::thread::panicking() && !self.unwinding {
            fail_core("a panic went through a shard");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::{DriverKind, Shutdown, spawn_cores, spawn_local};
    use std::panic::{AssertUnwindSafe, catch_unwind};

    fn ending_of(task: fn(&Hosts)) -> std::io::Result<()> {
        let cores = spawn_cores(DriverKind::Epoll, 2, move |core| async move {
            if core == 0 {
                let hosts = Hosts::new(Vec::new());
                // As a connection does with its handlers.
                let _ = catch_unwind(AssertUnwindSafe(|| task(&hosts)));
                return;
            }
            let never = Shutdown::new();
            spawn_local(async {});
            never.wait().await;
        });
        cores.expect("cores start").join_first()
    }

    #[test]
    fn a_panic_that_goes_through_a_shard_ends_the_core() {
        let ending = ending_of(|hosts| {
            let _in_use = hosts.borrow_mut();
            panic!("in the engine");
        });
        let error = ending.expect_err("the core has failed").to_string();
        assert!(error.contains("core 0"), "{error}");
        assert!(error.contains("went through a shard"), "{error}");
    }

    #[test]
    fn another_panic_does_not() {
        struct Cancels<'h>(&'h Hosts);
        impl Drop for Cancels<'_> {
            fn drop(&mut self) {
                drop(self.0.borrow_mut());
            }
        }
        let ending = ending_of(|hosts| {
            let _cancels = Cancels(hosts);
            panic!("in a handler");
        });
        ending.expect("only the handler's connection is gone");
    }
}
