//! Commands that watch a running server: what is connected, what passes, how it does.

use super::operate::Server;
use clap::{Args, Subcommand, ValueEnum};

/// About connections.
#[derive(Subcommand, Clone, Debug)]
pub enum ConnectionCommand {
    /// List open connections.
    List {
        /// Only those of this endpoint: sqs, pubsub, pubsub-rest or admin.
        #[arg(long)]
        endpoint: Option<String>,
    },
    /// End a connection, whatever is under way on it.
    Close {
        /// Its id.
        id: String,
    },
}

/// About shards.
#[derive(Subcommand, Clone, Debug)]
pub enum ShardCommand {
    /// List shards with their counts.
    List,
}

/// About cores.
#[derive(Subcommand, Clone, Debug)]
pub enum CoreCommand {
    /// List cores with what they carry.
    List,
}

/// What to follow.
#[derive(Args, Clone, Debug)]
pub struct TailArgs {
    #[command(flatten)]
    pub server: Server,
    /// Name of a queue; or of a topic or subscription, if its full name (projects/…) or --kind says so.
    pub name: String,
    /// What the name is of.
    #[arg(long, value_enum)]
    pub kind: Option<TailKind>,
    /// The project of a topic or subscription.
    #[arg(
        long,
        env = "PUBSUB_PROJECT_ID",
        default_value = "local",
        value_name = "PROJECT"
    )]
    pub project: String,
    /// End after so many messages.
    #[arg(long, value_name = "MESSAGES")]
    pub max: Option<u64>,
}

/// What can be followed.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum TailKind {
    /// A queue: what is sent or moved to it.
    Queue,
    /// A topic: what is published to it.
    Topic,
    /// A subscription: what is published to its topic and passes its filter.
    Subscription,
}

/// Which events to show.
#[derive(Args, Clone, Debug)]
pub struct EventsArgs {
    #[command(flatten)]
    pub server: Server,
    /// Only these kinds, separated by commas: stats, resource.
    #[arg(long, default_value = "resource")]
    pub kinds: String,
    /// End after so many events.
    #[arg(long, value_name = "EVENTS")]
    pub max: Option<u64>,
}

/// What a live view begins with.
#[derive(Args, Clone, Debug)]
pub struct TopArgs {
    #[command(flatten)]
    pub server: Server,
    /// Time between looks, seconds.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub every: u64,
}
