//! Commands about the logs of a store.

use clap::{Args, Subcommand};

/// What to do with logs.
#[derive(Subcommand, Clone, Debug)]
pub enum LogCommand {
    /// Print the records of logs, a line of JSON for each, without bodies of messages.
    Dump(LogDumpArgs),
}

/// Which records to print.
#[derive(Args, Clone, Debug)]
pub struct LogDumpArgs {
    /// The store, as lclq start takes it. It is only read; a server may be using it.
    #[arg(long, env = "LCLQ_STORE", hide_env_values = true, value_name = "URL")]
    pub store: String,
    /// Only this shard's log.
    #[arg(long, value_name = "N")]
    pub shard: Option<u16>,
    /// Records from this position on; by default from the first that is there.
    #[arg(long, value_name = "POSITION", default_value_t = 1)]
    pub from: u64,
}
