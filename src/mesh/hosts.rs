//! A core's shards, in use by one of its tasks at a time.

use crate::runtime::fail_core;
use lclq_shards::ShardHost;
use std::cell::{BorrowMutError, Ref, RefCell, RefMut};
use std::ops::{Deref, DerefMut};

/// By shard; those of other cores are `None`. Once closed there is none, whatever anybody else still believes
/// of who runs a shard: other tasks of the core may have a turn after that.
pub(super) struct Places {
    hosts: Vec<Option<ShardHost>>,
    is_closed: bool,
}

impl Places {
    #[inline]
    pub fn of(&mut self, shard: u16) -> Option<&mut ShardHost> {
        self.hosts.get_mut(usize::from(shard))?.as_mut()
    }

    /// `false` where nothing is taken up any more: its journal is closed then.
    pub fn put(&mut self, shard: u16, host: ShardHost) -> bool {
        let place = self.hosts.get_mut(usize::from(shard));
        place.map(|place| *place = Some(host)).is_some()
    }

    pub fn take(&mut self, shard: u16) -> Option<ShardHost> {
        self.hosts.get_mut(usize::from(shard))?.take()
    }

    /// Takes all of them out, and takes up no others.
    pub fn close(&mut self) -> impl Iterator<Item = ShardHost> + use<> {
        self.is_closed = true;
        std::mem::take(&mut self.hosts).into_iter().flatten()
    }

    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Those that are there, with their shards.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &ShardHost)> {
        let hosts = self.hosts.iter().enumerate();
        hosts.filter_map(|(shard, host)| Some((shard as u16, host.as_ref()?)))
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut ShardHost> {
        self.hosts.iter_mut().flatten()
    }
}

/// A core's shards.
///
/// Hazard: requests are carried out inside their handlers, and a handler's panic costs its
/// connection only. One that unwinds through a shard leaves it in no state to go on with, so that
/// ends the core.
pub(super) struct Hosts(RefCell<Places>);

impl Hosts {
    pub fn new(hosts: Vec<Option<ShardHost>>) -> Self {
        Self(RefCell::new(Places {
            hosts,
            is_closed: false,
        }))
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
    use lclq_shards::ShardConfig;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn a_closed_core_has_no_shard_and_takes_none() {
        let host = |shard| ShardHost::in_memory(ShardConfig::new(shard, 2), 1_000_000);
        let hosts = Hosts::new(vec![None, Some(host(1))]);
        let mut places = hosts.borrow_mut();
        assert!(places.of(0).is_none() && places.of(1).is_some() && places.of(2).is_none());
        assert!(places.put(0, host(0)) && places.take(0).is_some() && places.take(0).is_none());
        assert_eq!(places.close().count(), 1);
        assert!(places.is_closed());
        assert!(places.of(1).is_none() && places.take(1).is_none() && !places.put(1, host(1)));
        assert_eq!(places.iter().count() + places.iter_mut().count(), 0);
    }

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
