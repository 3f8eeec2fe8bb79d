//! How a server shares its store with others, as settings say it.

use super::settings::{Settings, place};
use crate::cluster::ClusterConfig;
use std::net::SocketAddr;

/// What settings say; or what is wrong with them.
pub(super) fn cluster(settings: &Settings) -> Result<Option<ClusterConfig>, String> {
    if !settings.cluster {
        return Ok(None);
    }
    let flag = || format!("--cluster ({})", place("cluster"));
    if settings.store.is_none() {
        return Err(format!(
            "{}: servers of a cluster keep their messages in one store; give it with --store ({})",
            flag(),
            place("store")
        ));
    }
    if settings.test_controls {
        return Err(format!(
            "{}: a test's clock and fault rules are one server's; leave out --test-controls ({}), or start \
             one server without --cluster",
            flag(),
            place("test-controls")
        ));
    }
    if settings.production_profile.is_some() {
        return Err(format!(
            "{}: the production profile is one server's; leave out --production-profile ({})",
            flag(),
            place("production-profile")
        ));
    }
    if settings.node_address.is_unspecified() {
        return Err(format!(
            "--node-address {} ({}): other servers of the cluster reach this one by it, so it has to be an \
             address of this machine's own",
            settings.node_address,
            place("node-address")
        ));
    }
    Ok(Some(ClusterConfig {
        address: SocketAddr::new(settings.node_address, settings.node_port),
    }))
}
