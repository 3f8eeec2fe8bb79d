//! The real binary as several nodes on one store: every node answers for every queue and topic, others take over
//! what a killed one ran, and one that is asked to end hands over.

#![cfg(unix)]

#[path = "cluster/deaf.rs"]
mod deaf;
#[path = "cluster/frames.rs"]
mod frames;
#[path = "cluster/hand_over.rs"]
mod hand_over;
#[path = "crash"]
mod crash {
    pub mod ledger;
    pub mod load;
}
#[path = "cluster/kills.rs"]
mod kills;
#[path = "cluster/ledger.rs"]
mod ledger;
#[path = "cluster/nodes.rs"]
mod nodes;
#[path = "cluster/operating.rs"]
mod operating;
#[path = "cluster/outages.rs"]
mod outages;
#[path = "cluster/pubsub.rs"]
mod pubsub;
#[path = "../stores/tests/redis_server/mod.rs"]
mod redis_server;
#[path = "cluster/refusals.rs"]
mod refusals;
#[path = "../stores/tests/server/mod.rs"]
mod server;
#[path = "cluster/strangers.rs"]
mod strangers;
mod support;
