//! Commands about servers that share a store.

use clap::{Args, Subcommand};

/// What to do with a cluster.
#[derive(Subcommand, Clone, Debug)]
pub enum ClusterCommand {
    /// Show the nodes that a store knows and what each runs, a line of JSON for each; whoever is up.
    Status(ClusterStatusArgs),
}

/// Which cluster.
#[derive(Args, Clone, Debug)]
pub struct ClusterStatusArgs {
    /// The store, as lclq start takes it. It is only read.
    #[arg(long, env = "LCLQ_STORE", hide_env_values = true, value_name = "URL")]
    pub store: String,
}
