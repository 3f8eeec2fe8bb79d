//! Commands about servers that share a store.

use clap::{Args, Subcommand};

/// What to do with a cluster.
#[derive(Subcommand, Clone, Debug)]
pub enum ClusterCommand {
    /// Show the nodes that a store knows and what each runs, a line of JSON for each; whoever is up.
    Status(ClusterStatusArgs),
    /// Have a node hand over its shards and run none, and wait until it does. It answers requests meanwhile and
    /// afterwards, so it can be ended without a client waiting for it.
    Drain(ClusterDrainArgs),
    /// Have a certain node run a shard for as long as it lives, and wait until it does.
    Move(ClusterMoveArgs),
    /// Read all logs as a node would that takes them over, and look whether each shard has an owner: a line of JSON
    /// for each node and shard. Exits with 1 if one has faults.
    Check(ClusterCheckArgs),
}

/// Which cluster.
#[derive(Args, Clone, Debug)]
pub struct ClusterStatusArgs {
    /// The store, as lclq start takes it. It is only read.
    #[arg(long, env = "LCLQ_STORE", hide_env_values = true, value_name = "URL")]
    pub store: String,
}

/// Which node is to run nothing.
#[derive(Args, Clone, Debug)]
pub struct ClusterDrainArgs {
    /// The node: its name, the beginning of it, or its address.
    pub node: String,
    /// The store, as lclq start takes it. What is wanted is kept there for as long as the node lives.
    #[arg(long, env = "LCLQ_STORE", hide_env_values = true, value_name = "URL")]
    pub store: String,
    /// Let it run shards again.
    #[arg(long)]
    pub undo: bool,
    /// How long to wait until it is so, s; 0 doesn't wait.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub wait_s: u64,
}

/// Which shard is to be run where.
#[derive(Args, Clone, Debug)]
pub struct ClusterMoveArgs {
    /// The shard.
    pub shard: u16,
    /// The node: its name, the beginning of it, or its address.
    #[arg(required_unless_present = "unpin", conflicts_with = "unpin")]
    pub node: Option<String>,
    /// The store, as lclq start takes it. What is wanted is kept there for as long as the node lives.
    #[arg(long, env = "LCLQ_STORE", hide_env_values = true, value_name = "URL")]
    pub store: String,
    /// Let whichever node has its turn run the shard.
    #[arg(long)]
    pub unpin: bool,
    /// How long to wait until it is so, s; 0 doesn't wait.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub wait_s: u64,
}

/// Which cluster to check.
#[derive(Args, Clone, Debug)]
pub struct ClusterCheckArgs {
    /// The store, as lclq start takes it. It is only read; servers may be using it.
    #[arg(long, env = "LCLQ_STORE", hide_env_values = true, value_name = "URL")]
    pub store: String,
}
