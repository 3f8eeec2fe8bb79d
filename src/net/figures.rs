//! Connections and their bytes, counted by the core that serves them.

use lclq_shards::figures::count;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is spoken on a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Spoken {
    /// Its first bytes don't tell yet.
    Unknown = 0,
    /// HTTP/1.1, or 1.0.
    Http1 = 1,
    /// HTTP/2, and gRPC on it.
    Http2 = 2,
}

impl Spoken {
    /// All of it.
    pub const ALL: [Self; 3] = [Self::Unknown, Self::Http1, Self::Http2];

    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "opening",
            Self::Http1 => "http1",
            Self::Http2 => "http2",
        }
    }
}

/// Figures of one core's side of a listener. Only the core writes them.
#[derive(Default, Debug)]
pub struct ConnectionFigures {
    open: [AtomicU64; Spoken::ALL.len()],
    accepted: AtomicU64,
    refused: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
}

impl ConnectionFigures {
    /// A connection was closed at once, as there were too many.
    pub(super) fn refused(&self) {
        count(&self.refused, 1);
    }

    fn add_to(&self, seen: &mut ConnectionsSeen) {
        let sums = seen.open.iter_mut().zip(&self.open);
        sums.for_each(|(sum, open)| *sum += open.load(Ordering::Relaxed));
        seen.accepted += self.accepted.load(Ordering::Relaxed);
        seen.refused += self.refused.load(Ordering::Relaxed);
        seen.bytes_in += self.bytes_in.load(Ordering::Relaxed);
        seen.bytes_out += self.bytes_out.load(Ordering::Relaxed);
    }
}

/// An open connection, in the figures until it is dropped.
pub(super) struct OpenConnection {
    figures: Arc<ConnectionFigures>,
    spoken: Cell<Spoken>,
}

impl OpenConnection {
    pub(super) fn new(figures: Arc<ConnectionFigures>) -> Rc<Self> {
        count(&figures.accepted, 1);
        count(&figures.open[Spoken::Unknown as usize], 1);
        Rc::new(Self {
            figures,
            spoken: Cell::new(Spoken::Unknown),
        })
    }

    pub(super) fn speaks(&self, spoken: Spoken) {
        let before = self.spoken.replace(spoken);
        count(&self.figures.open[spoken as usize], 1);
        uncount(&self.figures.open[before as usize]);
    }

    #[inline]
    pub(super) fn received(&self, bytes: u64) {
        count(&self.figures.bytes_in, bytes);
    }

    #[inline]
    pub(super) fn sent(&self, bytes: u64) {
        count(&self.figures.bytes_out, bytes);
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        uncount(&self.figures.open[self.spoken.get() as usize]);
    }
}

fn uncount(figure: &AtomicU64) {
    count(figure, u64::MAX);
}

/// Figures of all endpoints on all cores.
#[derive(Clone, Default, Debug)]
pub struct EndpointFigures(Arc<[OfEndpoint]>);

/// The name of an endpoint, and its figures by core.
type OfEndpoint = (&'static str, Vec<Arc<ConnectionFigures>>);

/// What all cores together have seen on one endpoint.
#[derive(Clone, Copy, Default, Debug)]
pub struct ConnectionsSeen {
    /// Open now, by [`Spoken`].
    pub open: [u64; Spoken::ALL.len()],
    /// Accepted since the start.
    pub accepted: u64,
    /// Closed as soon as they were accepted, as there were too many.
    pub refused: u64,
    /// Bytes on the wire, from clients.
    pub bytes_in: u64,
    /// Bytes on the wire, to clients.
    pub bytes_out: u64,
}

impl EndpointFigures {
    /// Figures of these endpoints on so many cores.
    pub fn new(endpoints: impl IntoIterator<Item = &'static str>, cores: usize) -> Self {
        let on_cores = |name| (name, (0..cores).map(|_| Arc::default()).collect());
        Self(endpoints.into_iter().map(on_cores).collect())
    }

    /// Those of an endpoint on a core; new ones, which nobody reads, for a name that isn't there.
    pub fn of(&self, endpoint: &str, core: usize) -> Arc<ConnectionFigures> {
        let found = self.0.iter().find(|(name, _)| *name == endpoint);
        found.map_or_else(Arc::default, |(_, cores)| cores[core].clone())
    }

    /// What was seen of each endpoint, by name.
    pub fn seen(&self) -> impl Iterator<Item = (&'static str, ConnectionsSeen)> + '_ {
        self.0.iter().map(|(name, cores)| {
            let mut seen = ConnectionsSeen::default();
            cores.iter().for_each(|core| core.add_to(&mut seen));
            (*name, seen)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_counts_as_what_it_speaks_until_it_ends() {
        let figures = EndpointFigures::new(["sqs", "admin"], 2);
        let open = OpenConnection::new(figures.of("sqs", 1));
        let other = OpenConnection::new(figures.of("sqs", 0));
        open.speaks(Spoken::Http2);
        open.received(30);
        open.sent(7);
        let seen = |name| figures.seen().find(|(of, _)| *of == name).unwrap().1;
        assert_eq!(seen("sqs").open, [1, 0, 1]);
        assert_eq!((seen("sqs").bytes_in, seen("sqs").bytes_out), (30, 7));
        assert_eq!(seen("admin").accepted, 0);
        drop((open, other));
        assert_eq!((seen("sqs").open, seen("sqs").accepted), ([0; 3], 2));
    }
}
