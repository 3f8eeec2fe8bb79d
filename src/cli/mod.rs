//! The command line: flags and environment variables, before anything is made of them.

mod controls;
mod operate;
mod operate_pubsub;

pub use controls::ClockCommand;
pub use operate::{MessageCommand, OperateArgs, Output, QueueCommand, Server};
pub use operate_pubsub::{
    ProjectArgs, SchemaCommand, SchemaKind, SnapshotCommand, SubscriptionCommand, TopicCommand,
};

use crate::runtime::RuntimeChoice;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::IpAddr;
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
    /// Stop a test server's clock, and have it jump ahead.
    Clock(OperateArgs<ClockCommand>),
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

Each flag can also be given as an environment variable: LCLQ_SQS_PORT=4566 lclq start.";

#[derive(Args, Debug)]
pub struct StartArgs {
    /// Address to listen on; 0.0.0.0 or :: for all.
    #[arg(
        long,
        env = "LCLQ_BIND",
        default_value = "127.0.0.1",
        value_name = "IP"
    )]
    pub bind: IpAddr,

    /// Port of the SQS endpoint; 0 takes a free one and prints it.
    #[arg(
        long,
        env = "LCLQ_SQS_PORT",
        default_value_t = 9324,
        value_name = "PORT"
    )]
    pub sqs_port: u16,

    /// Port of the Pub/Sub endpoint, gRPC and REST; 0 takes a free one and prints it.
    #[arg(
        long,
        env = "LCLQ_PUBSUB_PORT",
        default_value_t = 8085,
        value_name = "PORT"
    )]
    pub pubsub_port: u16,

    /// A second port of the Pub/Sub endpoint, for REST clients that expect one of their own; 0
    /// takes a free one and prints it.
    #[arg(
        long,
        env = "LCLQ_PUBSUB_REST_PORT",
        default_value_t = 8086,
        value_name = "PORT"
    )]
    pub pubsub_rest_port: u16,

    /// Port of the admin endpoint: API, metrics, health; 0 takes a free one and prints it. Where it is
    /// not given, 9000 is taken if that is free.
    #[arg(long, env = "LCLQ_ADMIN_PORT", value_name = "PORT")]
    pub admin_port: Option<u16>,

    /// A name besides localhost that clients reach this server by, such as a container's (HOST),
    /// *.HOST for all below it, or * for any. Requests to other names are refused, since a web page
    /// can make its own name mean this machine; addresses always pass. Repeatable.
    #[arg(
        long,
        env = "LCLQ_ALLOW_HOST",
        value_delimiter = ',',
        value_parser = crate::http::parse_host,
        value_name = "HOST"
    )]
    pub allow_host: Vec<String>,

    /// An origin besides localhost's whose web pages may use this server, such as
    /// https://app.example, or * for any. Repeatable.
    #[arg(
        long,
        env = "LCLQ_ALLOW_ORIGIN",
        value_delimiter = ',',
        value_parser = crate::http::parse_origin,
        value_name = "ORIGIN"
    )]
    pub allow_origin: Vec<String>,

    /// What to serve.
    #[arg(
        long,
        env = "LCLQ_SERVICES",
        value_enum,
        value_delimiter = ',',
        default_values_t = [ServiceArg::Sqs, ServiceArg::Pubsub, ServiceArg::Admin],
        value_name = "SERVICES"
    )]
    pub services: Vec<ServiceArg>,

    /// Keep everything in this directory (SQLite, one file per shard); without it, in memory.
    #[arg(long, env = "LCLQ_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,

    /// What an answer waits for: full = the disk; normal = the operating system.
    #[arg(
        long,
        env = "LCLQ_DURABILITY",
        value_enum,
        default_value_t,
        value_name = "LEVEL"
    )]
    pub durability: DurabilityArg,

    /// Go on with what can be read where something in the data directory is damaged or missing. What
    /// is found and done is logged, and damaged files are kept beside the new ones.
    #[arg(long, requires = "data_dir")]
    pub recover: bool,

    /// I/O driver; auto takes the faster one that this kernel allows.
    #[arg(
        long,
        env = "LCLQ_RUNTIME",
        value_enum,
        default_value_t,
        value_name = "DRIVER"
    )]
    pub runtime: RuntimeChoice,

    /// Cores to use, one thread each; by default all that this process may use.
    #[arg(long, env = "LCLQ_CORES", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub cores: Option<u16>,

    /// Shards that queues are spread over; by default one per core. Fixed for a data directory
    /// when it is made.
    #[arg(long, env = "LCLQ_SHARDS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub shards: Option<u16>,

    /// Bytes of memory that messages may take in all, whatever shards they are in; by default three
    /// quarters of the machine's. With eviction a shard below its share may take more for the moment
    /// that others need to give way.
    #[arg(long, env = "LCLQ_MEMORY_BYTES_MAX", value_name = "BYTES")]
    pub memory_bytes_max: Option<u64>,

    /// Bytes of memory that request bodies may take in all while they are read and carried out, 32
    /// MiB at least. Large ones wait for their turn, up to 5 s, and are then refused; a quarter is
    /// kept for those of up to 64 KiB.
    #[arg(
        long,
        env = "LCLQ_REQUEST_MEMORY_BYTES_MAX",
        default_value_t = crate::http::BODIES_BYTES_DEFAULT,
        value_name = "BYTES"
    )]
    pub request_memory_bytes_max: u64,

    /// What happens to a message for which there is no room: reject refuses it; oldest drops the
    /// oldest messages, sent or published, of the shard that it goes to; lru drops the oldest of
    /// that shard's queue or topic unused for the longest time. A shard with less than its equal
    /// share of the memory gets it from those with more, by the same rule.
    #[arg(
        long,
        env = "LCLQ_EVICTION",
        value_enum,
        default_value_t,
        value_name = "POLICY"
    )]
    pub eviction: EvictionArg,

    /// Region of requests whose credentials name none.
    #[arg(long, env = "LCLQ_REGION", default_value = "us-east-1", value_parser = scope_name)]
    pub region: String,

    /// Account of requests whose access key isn't a 12-digit account number.
    #[arg(long, env = "LCLQ_ACCOUNT", default_value = "000000000000", value_parser = scope_name)]
    pub account: String,

    /// Refuse a second PurgeQueue within 60 s, as the real service does.
    #[arg(long, env = "LCLQ_SQS_ENFORCE_PURGE_INTERVAL")]
    pub sqs_enforce_purge_interval: bool,

    /// Refuse to make a queue within 60 s after its deletion, as the real service does.
    #[arg(long, env = "LCLQ_SQS_ENFORCE_RECREATE_INTERVAL")]
    pub sqs_enforce_recreate_interval: bool,

    /// Certificate authorities that push trusts besides the system's: a PEM file.
    #[arg(long, env = "LCLQ_PUSH_CA_FILE", value_name = "FILE")]
    pub push_ca_file: Option<PathBuf>,

    /// Push to https endpoints whatever their certificate, such as a self-signed one.
    #[arg(long, env = "LCLQ_PUSH_ACCEPT_ANY_CERTIFICATE")]
    pub push_accept_any_certificate: bool,

    /// Push to link-local addresses (169.254.0.0/16, fe80::/10) too. Clouds serve the credentials of
    /// their machines there.
    #[arg(long, env = "LCLQ_PUSH_ALLOW_LINK_LOCAL")]
    pub push_allow_link_local: bool,

    /// Issuer that the tokens of push requests name.
    #[arg(
        long,
        env = "LCLQ_PUSH_TOKEN_ISSUER",
        default_value = crate::pubsub::push::ISSUER_DEFAULT,
        value_name = "URL"
    )]
    pub push_token_issuer: String,

    /// Where Cloud Storage subscriptions write: each bucket is a directory in this one. Without
    /// this and the endpoint below they keep their messages.
    #[arg(
        long,
        env = "LCLQ_CLOUD_STORAGE_DIR",
        value_name = "DIR",
        conflicts_with = "cloud_storage_endpoint"
    )]
    pub cloud_storage_dir: Option<PathBuf>,

    /// A server with Cloud Storage's JSON API that Cloud Storage subscriptions write to.
    #[arg(long, env = "LCLQ_CLOUD_STORAGE_ENDPOINT", value_name = "URL", value_parser = endpoint)]
    pub cloud_storage_endpoint: Option<http::Uri>,

    /// Connections that may be open at once, in all.
    #[arg(
        long,
        env = "LCLQ_CONNECTIONS_MAX",
        default_value_t = 50_000,
        value_name = "N"
    )]
    pub connections_max: usize,

    /// Time for requests to end after SIGTERM, ms.
    #[arg(
        long,
        env = "LCLQ_SHUTDOWN_MS_MAX",
        default_value_t = 10_000,
        value_name = "MS"
    )]
    pub shutdown_ms_max: u64,

    /// Let tests drive this server by its admin endpoint: stop the clock and have it jump ahead. Not
    /// for servers whose messages matter.
    #[arg(long, env = "LCLQ_TEST_CONTROLS")]
    pub test_controls: bool,

    /// Check flags, ports, driver and data directory, print what was found and exit.
    #[arg(long)]
    pub check: bool,

    /// Form of the log, which goes to standard error.
    #[arg(
        long,
        env = "LCLQ_LOG_FORMAT",
        value_enum,
        default_value_t,
        value_name = "FORMAT"
    )]
    pub log_format: LogFormat,

    /// What to log: error, warn, info, debug, trace, or per module (lclq::sqs=debug,info).
    #[arg(long, env = "LCLQ_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,
}

fn endpoint(text: &str) -> Result<http::Uri, String> {
    crate::pubsub::push::parse_endpoint(text).map_err(str::to_owned)
}

fn scope_name(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if (1..=80).contains(&text.len()) && text.bytes().all(plain) {
        Ok(text.to_owned())
    } else {
        Err("1 to 80 letters, digits, hyphens and underscores".to_owned())
    }
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceArg {
    /// AWS SQS.
    Sqs,
    /// Google Cloud Pub/Sub.
    Pubsub,
    /// The admin API and metrics.
    Admin,
}

#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DurabilityArg {
    /// fsync before each answer.
    #[default]
    Full,
    /// No fsync per answer: a crash of the machine may lose the last moments.
    Normal,
}

#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EvictionArg {
    /// Refuse the new message.
    #[default]
    Reject,
    /// Drop the oldest messages.
    Oldest,
    /// Drop the oldest messages of the least recently used queue or topic.
    Lru,
}

#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One object per line.
    Json,
}
