//! What one client may take of us before a protocol has a say.

use crate::quotas::Standing;
use std::net::IpAddr;

/// Bounds on connections and times, whatever is spoken. Units come last in the names.
#[derive(Clone, Debug)]
pub struct NetLimits {
    /// Connections open on one core. More are closed as soon as they are accepted.
    pub connections_per_core_max: usize,
    /// Connections open from one address, on all cores; without this, as many as there may be.
    pub connections_per_address: Option<Standing<IpAddr>>,
    /// From accepting a connection to its first byte, and to the end of a handshake that it begins
    /// with.
    pub opening_ms_max: u64,
    /// For connections to end after shutdown began, before they are dropped.
    pub shutdown_ms_max: u64,
}

impl Default for NetLimits {
    fn default() -> Self {
        NetLimits {
            connections_per_core_max: 50_000,
            connections_per_address: None,
            opening_ms_max: 30_000,
            shutdown_ms_max: 10_000,
        }
    }
}
