//! The command line: flags and environment variables, before anything is made of them.

mod cluster;
mod config;
mod controls;
mod credentials;
mod generate;
mod log;
mod operate;
mod operate_pubsub;
mod policy;
mod portable;
mod watch;

pub use cluster::{
    ClusterCheckArgs, ClusterCommand, ClusterDrainArgs, ClusterMoveArgs, ClusterStatusArgs,
};
pub use config::{ConfigCommand, ShowForm};
pub use controls::{
    ClockCommand, FaultArgs, FaultCommand, ProfileCommand, RegionCommand, StateCommand,
};
pub use credentials::{CreatedForm, CredentialsCommand, CredentialsFile};
pub use generate::{GenerateCommand, generate};
pub use log::{LogCommand, LogDumpArgs};
pub use operate::{
    MessageCommand, OperateArgs, Output, PeekState, QueueCommand, QueueSort, Server,
};
pub use operate_pubsub::{
    DeliveryState, ProjectArgs, SchemaCommand, SchemaKind, SnapshotCommand, SubscriptionCommand,
    TopicCommand,
};

pub use policy::{PolicyCommand, PolicyTest};
pub use portable::{ExportArgs, ImportArgs, OnConflict};
pub use watch::{
    ConnectionCommand, CoreCommand, EventsArgs, ShardCommand, TailArgs, TailKind, TopArgs,
};

use crate::config::given::Given;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// A fast local stand-in for AWS SQS and Google Cloud Pub/Sub.
///
/// Point an SDK at it and run unchanged code: for SQS set AWS_ENDPOINT_URL_SQS (or the client's
/// endpoint) to http://127.0.0.1:9324 and give any credentials; for Pub/Sub set
/// PUBSUB_EMULATOR_HOST to 127.0.0.1:8085.
#[derive(Parser, Debug)]
#[command(name = "lclq", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand, Debug)]
pub enum Command {
    /// Start the server and run until SIGTERM or SIGINT.
    #[command(after_help = START_EXAMPLES)]
    Start(Box<StartArgs>),
    /// Write, check and show configuration files.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Make, list and take away access keys and service accounts that requests are signed with.
    #[command(subcommand)]
    Credentials(CredentialsCommand),
    /// Decide by IAM and queue policies, and explain it.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Say how a server is.
    Health(Server),
    /// Show counts over a server.
    Stats(Server),
    /// Show counts by shard.
    Shards(Server),
    /// List, make, change, empty and delete queues.
    Queue(OperateArgs<QueueCommand>),
    /// Send, look at, receive and delete messages.
    Message(OperateArgs<MessageCommand>),
    /// List, make, show and delete topics, and publish to them.
    Topic(ProjectArgs<TopicCommand>),
    /// List, make, show and delete subscriptions; pull and seek.
    Subscription(ProjectArgs<SubscriptionCommand>),
    /// List, make, show and delete snapshots.
    Snapshot(ProjectArgs<SnapshotCommand>),
    /// List, make, show and delete schemas.
    Schema(ProjectArgs<SchemaCommand>),
    /// Write everything that a server has into a file: definitions and messages.
    Export(ExportArgs),
    /// Have a server take up what a file of lclq export has.
    Import(ImportArgs),
    /// Look at the servers that share a store.
    #[command(subcommand)]
    Cluster(ClusterCommand),
    /// Look into the logs of a store.
    #[command(subcommand)]
    Log(LogCommand),
    /// Save a test server's state under a name, and bring it back.
    State(OperateArgs<StateCommand>),
    /// Stop a test server's clock, and have it jump ahead.
    Clock(OperateArgs<ClockCommand>),
    /// Have requests to a test server fail, wait, or lose their connection.
    Fault(OperateArgs<FaultCommand>),

    /// Have a server that was started with --test-controls behave as in production.
    Profile(OperateArgs<ProfileCommand>),
    /// Cut regions of a test server off from each other, and say how far they are apart.
    Region(OperateArgs<RegionCommand>),
    /// List and end connections.
    Connection(OperateArgs<ConnectionCommand>),
    /// List shards.
    Shard(OperateArgs<ShardCommand>),
    /// List cores.
    Core(OperateArgs<CoreCommand>),
    /// Follow what passes through a queue, a topic or a subscription, without taking it.
    Tail(TailArgs),
    /// Follow changes of resources, and counts.
    Events(EventsArgs),
    /// Watch a server live: rates, backlogs, times, by queue and by shard.
    Top(TopArgs),
    /// Make completions for a shell, manual pages, or the reference of this command line.
    #[command(subcommand)]
    Generate(GenerateCommand),
}

const START_EXAMPLES: &str = "\
Examples:
  lclq start
      SQS on 127.0.0.1:9324, Pub/Sub on 127.0.0.1:8085, everything in memory.
  lclq start --data-dir ./data
      The same, kept on disk: an answer means that the disk has it.
  lclq start --bind 0.0.0.0 --allow-host lclq --sqs-port 4566 --log-format json
      For a container that others reach as lclq.
  lclq start --services sqs
      SQS alone.
  lclq start --config lclq.toml
      With settings, queues, topics and subscriptions of a file; lclq config init makes one.

Each flag can also be given as an environment variable: LCLQ_SQS_PORT=4566 lclq start.
Flags go before the environment, and the environment before the file.";

#[derive(Args, Debug)]
pub struct StartArgs {
    /// Read settings and declared resources from this TOML file; without it, from lclq.toml in the
    /// working directory, if there is one. What flags and the environment say goes before it.
    #[arg(long, env = "LCLQ_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    #[command(flatten)]
    pub given: Given,

    /// Go on with what can be read where something in the data directory is damaged or missing. What
    /// is found and done is logged, and damaged files are kept beside the new ones.
    #[arg(long)]
    pub recover: bool,

    /// Stop, as SIGTERM has it, when standard input ends. Whoever starts a server and holds the other end of a
    /// pipe leaves none behind, however it ends itself.
    #[arg(long)]
    pub stop_with_stdin: bool,

    /// Check flags, ports, driver and data directory, print what was found and exit.
    #[arg(long)]
    pub check: bool,
}
