//! Connections: accept, bound, tell TLS from clear text, hand over to a protocol, drain.
//!
//! [`serve`] runs one core's side of a listener with one [`Protocol`], whichever that is. What a
//! connection is bounded by before and after its protocol has it is here; what a protocol allows
//! within a connection is the protocol's. All of it is local to its core: nothing needs `Send`.

mod accept;
mod channel;
mod connection;
mod drain;
mod figures;
mod limits;
mod listed;
#[cfg(feature = "fuzzing")]
mod memory;
mod protocol;

pub use accept::serve;
pub use channel::{ByTls, Channel, Duplex, Handshake, OPENING_BYTES_MAX, Peer, Secure};
pub use drain::Drain;
pub use figures::{ConnectionFigures, ConnectionsSeen, EndpointFigures, Spoken};
pub use limits::NetLimits;
pub use listed::{Connection, ConnectionList, Listing, end as end_connection};
#[cfg(feature = "fuzzing")]
pub use memory::Wire;
pub use protocol::{AnyProtocol, Protocol};
