//! What is served: dialects, each with the ports that it wants.

use crate::admin::EndpointView;
use crate::mesh::Mesh;
use crate::net::{AnyProtocol, ConnectionList, EndpointFigures};
use crate::observe::{Observer, Observers};
use crate::pubsub::PubsubEndpoint;
use crate::runtime::Shutdown;
use std::cell::RefCell;
use std::error::Error;
use std::net::SocketAddr;
use std::rc::Rc;

/// Something that listens on a port of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name in start-up lines.
    pub name: &'static str,
    /// The scheme of its URL there.
    pub scheme: &'static str,
    /// Where it should listen; port 0 takes any free one.
    pub address: SocketAddr,
}

/// What a dialect gets on a core.
pub struct OnCore<'a> {
    /// The way to the shards, of this core.
    pub mesh: &'a Mesh,
    /// What signs receipts and acknowledgement ids.
    pub receipt_secret: &'a [u8; 32],
    /// Takes note of what is asked.
    pub observer: &'a Observer,
    /// What all cores took note of.
    pub observers: &'a Observers,
    /// The open connections of all cores.
    pub connections: &'a ConnectionList,
    /// What all cores saw of connections.
    pub endpoint_figures: &'a EndpointFigures,
    /// Where all endpoints listen.
    pub listening: &'a [EndpointView],
    /// Tells when the server stops.
    pub shutdown: &'a Shutdown,
    /// What dialects that were started before this one leave for others on the core.
    pub inside: &'a Inside,
}

/// Endpoints of a core that others on it may call.
#[derive(Default)]
pub struct Inside {
    /// Pub/Sub, where it is started.
    pub pubsub: RefCell<Option<Rc<PubsubEndpoint>>>,
}

/// Starts a dialect on a core and gives what its endpoints speak there.
pub type StartOnCore = Box<dyn Fn(&OnCore<'_>) -> Rc<dyn AnyProtocol> + Send + Sync>;

/// A dialect, as the server knows it.
pub trait Dialect {
    /// What should listen. All of it speaks one protocol. A dialect with no endpoint is started all
    /// the same, for what it does unasked.
    fn endpoints(&self) -> Vec<Endpoint>;

    /// Whether the server starts without this where a port is taken that nobody asked for by number.
    fn is_dispensable(&self) -> bool {
        false
    }

    /// Checks what can be checked before any core starts. Ports and the data directory are had by
    /// then.
    ///
    /// # Errors
    /// Why the server can't start, for its operator.
    fn prepare(self: Box<Self>) -> Result<StartOnCore, Box<dyn Error + Send + Sync>>;
}

/// All that a server serves, in the order of its start-up lines.
#[derive(Default)]
pub struct Registry {
    pub(super) dialects: Vec<Box<dyn Dialect>>,
}

impl Registry {
    /// Adds a dialect.
    pub fn add(&mut self, dialect: impl Dialect + 'static) {
        self.dialects.push(Box::new(dialect));
    }
}
