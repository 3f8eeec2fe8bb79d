//! Logs in a store behind a connection, whatever store it is: a thread serves those of all shards of one
//! process, and cores ask and poll.

mod backend;
mod common;
mod facts;
mod journal;
mod limits;
mod log;
mod membership;
mod node;
mod numbers;
mod opening;
mod owner;
mod progress;
mod reading;
mod store;
mod succession;
mod worker;

pub(crate) use backend::{Backend, Link, Question};
pub(crate) use common::Common;
pub(crate) use facts::Facts;
pub(crate) use limits::{
    KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_RETRIES, RECONNECT_PAUSE_MAX, REMEMBERED,
    UNACKNOWLEDGED_WAIT,
};
pub use log::{RemoteLog, Wake};
pub use membership::{Beat, Cluster, Member, Membership, SeenMember, ShardOwner, Wish};
pub(crate) use node::{AnyNode, Node};
pub use node::{Notice, Surroundings};
pub(crate) use numbers::{Numbers, nearest, place};
pub(crate) use owner::{Owner, Usage};
pub use reading::ReadError;
pub(crate) use reading::read;
pub(crate) use store::NodeStore;
pub(crate) use succession::succeed;
