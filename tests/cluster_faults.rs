//! Three nodes, their store and clients on machines of their own (network namespaces), under real faults: nodes and
//! databases that die, stand still and are cut off. Nothing acknowledged is lost or doubled, groups keep their order
//! and one holder, and every request is answered in time.
//!
//! `tests/cluster_faults/run` runs it, as root on Linux; it is no part of `cargo test`.

#[cfg(target_os = "linux")]
#[path = "cluster_faults/cluster.rs"]
mod cluster;
#[cfg(target_os = "linux")]
#[path = "crash"]
mod crash {
    pub mod ledger;
    pub mod load;
}
#[cfg(target_os = "linux")]
#[path = "cluster_faults/faults.rs"]
mod faults;
#[cfg(target_os = "linux")]
#[path = "cluster_faults/lines.rs"]
mod lines;
#[cfg(target_os = "linux")]
#[path = "cluster_faults/network.rs"]
mod network;
#[cfg(target_os = "linux")]
#[path = "cluster_faults/rounds.rs"]
mod rounds;
#[cfg(target_os = "linux")]
#[path = "../stores/tests/server/mod.rs"]
mod server;
#[cfg(target_os = "linux")]
mod support;
#[cfg(target_os = "linux")]
#[path = "cluster_faults/watch.rs"]
mod watch;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    rounds::run()
}

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    eprintln!("machines of their own are network namespaces, which only Linux has");
    std::process::ExitCode::FAILURE
}
