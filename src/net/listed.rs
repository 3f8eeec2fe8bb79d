//! Which connections are open, for operators: who, since when, how much. Any core may look, and end
//! one.
//!
//! A connection's own core writes its figures, without a lock; the list is locked where one opens or
//! ends, and while somebody looks.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;

use slab::Slab;

use crate::runtime::{Transferred, wall_clock};

/// Of a client's name, what is kept.
const USER_AGENT_CHARS_MAX: usize = 200;

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    /// Where it stands in its core's list, and how many came to that list before it.
    key: u32,
    number: u32,
    /// The core that it is on.
    pub core: u16,
    /// The endpoint that it came to.
    pub endpoint: &'static str,
    /// Whose it is.
    pub peer: Option<SocketAddr>,
    /// When it came, ms since 1970.
    pub since: u64,
    /// What is spoken on it, once that is known.
    pub protocol: OnceLock<&'static str>,
    /// What its client calls itself, where it does.
    pub user_agent: OnceLock<Box<str>>,
    /// Requests begun, ever.
    pub requests: AtomicU64,
    /// Requests that are being answered, streams among them.
    pub in_flight: AtomicU32,
    /// Bytes that came and went.
    pub transferred: Arc<Transferred>,
    /// Bytes that somebody has been charged for.
    charged: AtomicU64,
    ended: AtomicBool,
    waker: Waker,
}

impl Connection {
    /// Its name, for as long as the process runs.
    pub fn id(&self) -> String {
        format!("{}-{}-{}", self.core, self.key, self.number)
    }

    /// Whether somebody has ended it.
    #[inline]
    pub fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Bytes that have come and gone since this was asked last. For its own core alone.
    pub fn take_uncharged(&self) -> u64 {
        let moved = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let all = moved(&self.transferred.received) + moved(&self.transferred.sent);
        let charged = self.charged.swap(all, Ordering::Relaxed);
        all.saturating_sub(charged)
    }

    /// Takes down what its client calls itself.
    pub fn note_user_agent(&self, name: &str) {
        self.user_agent.get_or_init(|| {
            name.chars()
                .take(USER_AGENT_CHARS_MAX)
                .collect::<String>()
                .into()
        });
    }
}

#[derive(Debug, Default)]
struct OnCore {
    open: Slab<Arc<Connection>>,
    passed: u32,
}

/// The open connections of all cores: no more than cores let in.
#[derive(Clone, Debug)]
pub struct ConnectionList(Arc<[Mutex<OnCore>]>);

/// One core's part of the list, for one endpoint.
#[derive(Clone, Debug)]
pub struct Listing {
    list: ConnectionList,
    core: u16,
    endpoint: &'static str,
}

/// A connection's place in the list, which it gives up when dropped.
#[derive(Debug)]
pub(super) struct Listed {
    list: ConnectionList,
    pub connection: Arc<Connection>,
}

impl ConnectionList {
    /// For so many cores.
    pub fn new(cores: usize) -> Self {
        Self((0..cores).map(|_| Mutex::default()).collect())
    }

    /// The part of a core for an endpoint.
    pub fn listing(&self, core: usize, endpoint: &'static str) -> Listing {
        Listing {
            list: self.clone(),
            core: core as u16,
            endpoint,
        }
    }

    /// Number of cores.
    pub fn cores(&self) -> usize {
        self.0.len()
    }

    /// How many are open on a core.
    pub fn open_on(&self, core: usize) -> usize {
        self.on_core(core).open.len()
    }

    /// Some of a core's connections, from a place in its list on; and the place to go on from, if
    /// there are more places.
    pub fn page(
        &self,
        core: usize,
        from: usize,
        places_max: usize,
    ) -> (Vec<Arc<Connection>>, Option<usize>) {
        let on_core = self.on_core(core);
        let end = from.saturating_add(places_max);
        let places = from..end.min(on_core.open.capacity());
        let found = places.filter_map(|key| on_core.open.get(key).cloned());
        (
            found.collect(),
            (end < on_core.open.capacity()).then_some(end),
        )
    }

    /// The connection of that id, if it is open.
    pub fn find(&self, id: &str) -> Option<Arc<Connection>> {
        let mut parts = id.split('-').map(str::parse::<u32>);
        let core = parts.next()?.ok()? as usize;
        let (key, number) = (parts.next()?.ok()?, parts.next()?.ok()?);
        if core >= self.0.len() || parts.next().is_some() {
            return None;
        }
        let on_core = self.on_core(core);
        let found = on_core.open.get(key as usize)?;
        (found.number == number).then(|| found.clone())
    }

    fn on_core(&self, core: usize) -> MutexGuard<'_, OnCore> {
        self.0[core].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a connection, on whatever core it is: at once, whatever is under way.
pub fn end(connection: &Connection) {
    connection.ended.store(true, Ordering::Relaxed);
    connection.waker.wake_by_ref();
}

impl Listing {
    /// Takes in a connection that the task of `waker` serves.
    pub(super) fn add(
        &self,
        peer: Option<SocketAddr>,
        transferred: Arc<Transferred>,
        waker: Waker,
    ) -> Listed {
        let mut on_core = self.list.on_core(self.core.into());
        on_core.passed = on_core.passed.wrapping_add(1);
        let number = on_core.passed;
        let place = on_core.open.vacant_entry();
        let connection = Arc::new(Connection {
            key: place.key() as u32,
            number,
            core: self.core,
            endpoint: self.endpoint,
            peer,
            since: wall_clock(),
            protocol: OnceLock::new(),
            user_agent: OnceLock::new(),
            requests: AtomicU64::new(0),
            in_flight: AtomicU32::new(0),
            transferred,
            charged: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            waker,
        });
        place.insert(connection.clone());
        drop(on_core);
        Listed {
            list: self.list.clone(),
            connection,
        }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let Connection { core, key, .. } = *self.connection;
        let mut on_core = self.list.on_core(core.into());
        on_core.open.try_remove(key as usize);
        if on_core.open.is_empty() {
            // What many connections at once needed is given back.
            on_core.open.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_one_connection_for_ever() {
        let list = ConnectionList::new(2);
        let listing = list.listing(1, "sqs");
        let add = || listing.add(None, Arc::default(), Waker::noop().clone());
        let (first, second) = (add(), add());
        let id = first.connection.id();
        assert!(list.find(&id).is_some());
        assert_eq!((list.open_on(0), list.open_on(1)), (0, 2));
        drop(first);
        let third = add();
        assert_ne!(third.connection.id(), id, "though it has the same place");
        assert!(list.find(&id).is_none());
        end(&list.find(&second.connection.id()).unwrap());
        assert!(second.connection.is_ended() && !third.connection.is_ended());
        let (page, next) = list.page(1, 0, 1);
        assert_eq!(page.len(), 1);
        assert_eq!(list.page(1, next.unwrap(), 100).0.len(), 1);
        for id in ["", "1", "9-0-1", "1-0-1-1", "x-y-z"] {
            assert!(list.find(id).is_none(), "{id}");
        }
    }
}
