//! What a request comes by, for those who ask.

use crate::net::{ByTls, Connection, Peer};
use http::Extensions;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

/// What a request comes by. Cheap to clone, as each request of a connection has one; nothing is known
/// of those that the server makes itself.
#[derive(Clone, Debug, Default)]
pub struct Arrival(Option<Rc<Came>>);

#[derive(Debug)]
struct Came {
    connection: Option<Arc<Connection>>,
    by_tls: Option<ByTls>,
}

impl Arrival {
    pub(super) fn by(connection: Option<&Arc<Connection>>, by_tls: Option<&ByTls>) -> Self {
        let is_known = connection.is_some() || by_tls.is_some();
        let came = || Came {
            connection: connection.cloned(),
            by_tls: by_tls.cloned(),
        };
        Self(is_known.then(|| Rc::new(came())))
    }

    /// The connection, if connections are listed.
    pub fn peer(&self) -> Option<Peer> {
        self.0.as_ref()?.connection.clone().map(Peer)
    }

    /// Where it comes from, if connections are listed.
    pub fn address(&self) -> Option<IpAddr> {
        let connection = self.0.as_ref()?.connection.as_ref()?;
        connection.peer.map(|peer| peer.ip())
    }

    /// How it came by TLS, if it did.
    pub fn by_tls(&self) -> Option<&ByTls> {
        self.0.as_ref()?.by_tls.as_ref()
    }

    /// Has a request's head tell it, by a [`Peer`] and a [`ByTls`].
    pub fn tell(&self, extensions: &mut Extensions) {
        if let Some(peer) = self.peer() {
            extensions.insert(peer);
        }
        if let Some(by_tls) = self.by_tls() {
            extensions.insert(by_tls.clone());
        }
    }
}
