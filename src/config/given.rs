//! Settings as somebody gives them: as flags, in the environment or in a file. One type for all three.
//!
//! What is allowed stands in the attributes here: clap holds its own against flags and variables,
//! the schema made of the others is held against files. A test sees that they agree.

use super::forms::{is_audience, scope_name};
use crate::otlp::OtlpProtocol;
use crate::runtime::RuntimeChoice;
use clap::{Args, ValueEnum, value_parser};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::path::PathBuf;

/// What one layer says. Defaults are in [`Settings`](super::Settings).
#[derive(Args, Serialize, Deserialize, JsonSchema, Clone, Debug, Default)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Given {
    /// Address to listen on; 0.0.0.0 or :: for all.
    #[arg(long, env = "LCLQ_BIND", value_name = "IP")]
    pub bind: Option<IpAddr>,

    /// Port of the SQS endpoint; 0 takes a free one and prints it.
    #[arg(long, env = "LCLQ_SQS_PORT", value_name = "PORT")]
    pub sqs_port: Option<u16>,

    /// Port of the Pub/Sub endpoint, gRPC and REST; 0 takes a free one and prints it.
    #[arg(long, env = "LCLQ_PUBSUB_PORT", value_name = "PORT")]
    pub pubsub_port: Option<u16>,

    /// A second port of the Pub/Sub endpoint, for REST clients that expect one of their own; 0
    /// takes a free one and prints it.
    #[arg(long, env = "LCLQ_PUBSUB_REST_PORT", value_name = "PORT")]
    pub pubsub_rest_port: Option<u16>,

    /// Project of Pub/Sub resources in the file whose names give none.
    #[arg(
        long,
        env = "LCLQ_PUBSUB_PROJECT",
        value_name = "PROJECT",
        value_parser = scope_name
    )]
    #[schemars(extend("format" = "scope"))]
    pub pubsub_project: Option<String>,

    /// A region that Pub/Sub plays, such as europe-west1; requests to europe-west1-pubsub.localhost come in
    /// by it, and all others by the first that is given. Repeatable.
    #[arg(
        long,
        env = "LCLQ_PUBSUB_REGIONS",
        value_delimiter = ',',
        value_parser = scope_name,
        value_name = "REGION"
    )]
    #[schemars(extend("format" = "scope"))]
    pub pubsub_regions: Option<Vec<String>>,

    /// How long anything takes from one of the regions to another, and as long back, such as
    /// europe-west1:us-east1=80, in milliseconds. Repeatable.
    #[arg(
        long,
        env = "LCLQ_PUBSUB_REGION_LATENCY",
        value_delimiter = ',',
        value_parser = region_latency,
        value_name = "REGION:REGION=MS"
    )]
    #[schemars(extend("format" = "region-latency"))]
    pub pubsub_region_latency: Option<Vec<String>>,

    /// Port of the admin endpoint: API, metrics, health; 0 takes a free one and prints it. Where it is
    /// not given, 9000 is taken if that is free.
    #[arg(long, env = "LCLQ_ADMIN_PORT", value_name = "PORT")]
    pub admin_port: Option<u16>,

    /// Port for metrics and health alone, 9090 by custom; 0 takes a free one and prints it. Without
    /// this they are on the admin port only.
    #[arg(long, env = "LCLQ_METRICS_PORT", value_name = "PORT")]
    pub metrics_port: Option<u16>,

    /// Queues, topics and subscriptions, of each so many, that have series of their own in metrics.
    /// The others of a kind are summed in one.
    #[arg(long, env = "LCLQ_METRICS_SERIES_MAX", value_name = "N", value_parser = value_parser!(u16).range(0..=10_000))]
    #[schemars(range(min = 0, max = 10_000))]
    pub metrics_series_max: Option<u16>,

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
    #[schemars(extend("format" = "host"))]
    pub allow_host: Option<Vec<String>>,

    /// An origin besides localhost's whose web pages may use this server, such as
    /// https://app.example, or * for any. Repeatable.
    #[arg(
        long,
        env = "LCLQ_ALLOW_ORIGIN",
        value_delimiter = ',',
        value_parser = crate::http::parse_origin,
        value_name = "ORIGIN"
    )]
    #[schemars(extend("format" = "origin"))]
    pub allow_origin: Option<Vec<String>>,

    /// The same as --allow-host for the SQS port alone.
    #[arg(
        long,
        env = "LCLQ_SQS_ALLOW_HOST",
        value_delimiter = ',',
        value_parser = crate::http::parse_host,
        value_name = "HOST"
    )]
    #[schemars(extend("format" = "host"))]
    pub sqs_allow_host: Option<Vec<String>>,

    /// The same as --allow-origin for the SQS port alone.
    #[arg(
        long,
        env = "LCLQ_SQS_ALLOW_ORIGIN",
        value_delimiter = ',',
        value_parser = crate::http::parse_origin,
        value_name = "ORIGIN"
    )]
    #[schemars(extend("format" = "origin"))]
    pub sqs_allow_origin: Option<Vec<String>>,

    /// The same as --allow-host for the Pub/Sub ports alone.
    #[arg(
        long,
        env = "LCLQ_PUBSUB_ALLOW_HOST",
        value_delimiter = ',',
        value_parser = crate::http::parse_host,
        value_name = "HOST"
    )]
    #[schemars(extend("format" = "host"))]
    pub pubsub_allow_host: Option<Vec<String>>,

    /// The same as --allow-origin for the Pub/Sub ports alone.
    #[arg(
        long,
        env = "LCLQ_PUBSUB_ALLOW_ORIGIN",
        value_delimiter = ',',
        value_parser = crate::http::parse_origin,
        value_name = "ORIGIN"
    )]
    #[schemars(extend("format" = "origin"))]
    pub pubsub_allow_origin: Option<Vec<String>>,

    /// The same as --allow-host for the admin and metrics ports alone.
    #[arg(
        long,
        env = "LCLQ_ADMIN_ALLOW_HOST",
        value_delimiter = ',',
        value_parser = crate::http::parse_host,
        value_name = "HOST"
    )]
    #[schemars(extend("format" = "host"))]
    pub admin_allow_host: Option<Vec<String>>,

    /// The same as --allow-origin for the admin and metrics ports alone.
    #[arg(
        long,
        env = "LCLQ_ADMIN_ALLOW_ORIGIN",
        value_delimiter = ',',
        value_parser = crate::http::parse_origin,
        value_name = "ORIGIN"
    )]
    #[schemars(extend("format" = "origin"))]
    pub admin_allow_origin: Option<Vec<String>>,

    /// TLS on every port, beside clear text on the same port: with a certificate from files, or with one
    /// that an authority of this server's own makes. Where --tls-cert is given, files.
    #[arg(long, env = "LCLQ_TLS", value_enum, value_name = "CERTIFICATE")]
    pub tls: Option<TlsArg>,

    /// The certificate that is shown, and what is between it and its root: a PEM file. SIGHUP has it read
    /// again.
    #[arg(long, env = "LCLQ_TLS_CERT", value_name = "FILE")]
    #[schemars(extend("format" = "path"))]
    pub tls_cert: Option<PathBuf>,

    /// The certificate's private key: a PEM file.
    #[arg(long, env = "LCLQ_TLS_KEY", value_name = "FILE")]
    #[schemars(extend("format" = "path"))]
    pub tls_key: Option<PathBuf>,

    /// Where the server's own authority is kept; by default tls in the data directory. Clients trust
    /// ca.pem in it.
    #[arg(long, env = "LCLQ_TLS_DIR", value_name = "DIR")]
    #[schemars(extend("format" = "path"))]
    pub tls_dir: Option<PathBuf>,

    /// A name or address that the certificate of the server's own authority is for, besides localhost
    /// and this machine's name. Repeatable.
    #[arg(
        long,
        env = "LCLQ_TLS_NAME",
        value_delimiter = ',',
        value_name = "NAME"
    )]
    pub tls_name: Option<Vec<String>>,

    /// Authorities of which every client has to show a certificate: a PEM file. Clear text is refused
    /// then.
    #[arg(long, env = "LCLQ_TLS_CLIENT_CA", value_name = "FILE")]
    #[schemars(extend("format" = "path"))]
    pub tls_client_ca: Option<PathBuf>,

    /// Refuse clear text.
    #[arg(long, env = "LCLQ_TLS_ONLY", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, value_name = "BOOL")]
    pub tls_only: Option<bool>,

    /// What to serve.
    #[arg(
        long,
        env = "LCLQ_SERVICES",
        value_delimiter = ',',
        value_enum,
        value_name = "SERVICES"
    )]
    pub services: Option<Vec<ServiceArg>>,

    /// Keep everything in this directory (SQLite, one file per shard); without it, in memory.
    #[arg(long, env = "LCLQ_DATA_DIR", value_name = "DIR")]
    #[schemars(extend("format" = "path"))]
    pub data_dir: Option<PathBuf>,

    /// Keep everything in this store, a database that other machines can reach:
    /// postgres://USER:PASSWORD@HOST/DATABASE or redis://USER:PASSWORD@HOST:PORT (rediss:// with TLS).
    /// Instead of --data-dir. What has a password belongs into the environment or the file rather than
    /// into a command line, which others may see.
    #[arg(long, env = "LCLQ_STORE", hide_env_values = true, value_name = "URL")]
    #[schemars(extend("format" = "store"))]
    pub store: Option<String>,

    /// How long a request waits for a store that doesn't answer before it is refused (503, UNAVAILABLE),
    /// in milliseconds.
    #[arg(long, env = "LCLQ_STORE_GRACE_MS", value_name = "MS", value_parser = value_parser!(u64).range(100..=60_000))]
    #[schemars(range(min = 100, max = 60_000))]
    pub store_grace_ms: Option<u64>,

    /// Share the store with other servers, each of which runs a part of the shards and answers any request;
    /// all are started like this. When one is gone, the others take over what it ran.
    #[arg(long, env = "LCLQ_CLUSTER", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, value_name = "BOOL")]
    pub cluster: Option<bool>,

    /// Address that other servers of the cluster reach this one by.
    #[arg(long, env = "LCLQ_NODE_ADDRESS", value_name = "IP")]
    pub node_address: Option<IpAddr>,

    /// Port for other servers of the cluster; 0 takes a free one.
    #[arg(long, env = "LCLQ_NODE_PORT", value_name = "PORT")]
    pub node_port: Option<u16>,

    /// What an answer waits for: full = the disk; normal = the operating system. With --store: full = no
    /// less than the store's disk; normal = what the store's settings give, which may lose what was
    /// acknowledged last.
    #[arg(long, env = "LCLQ_DURABILITY", value_enum, value_name = "LEVEL")]
    pub durability: Option<DurabilityArg>,

    /// I/O driver; auto takes the faster one that this kernel allows.
    #[arg(long, env = "LCLQ_RUNTIME", value_enum, value_name = "DRIVER")]
    pub runtime: Option<RuntimeChoice>,

    /// Cores to use, one thread each; by default all that this process may use.
    #[arg(long, env = "LCLQ_CORES", value_name = "N", value_parser = value_parser!(u16).range(1..=256))]
    #[schemars(range(min = 1, max = 256))]
    pub cores: Option<u16>,

    /// Shards that queues are spread over; by default one per core, and 64 in a store. Fixed for a data
    /// directory or a store when it is made.
    #[arg(long, env = "LCLQ_SHARDS", value_name = "N", value_parser = value_parser!(u16).range(1..=1024))]
    #[schemars(range(min = 1, max = 1024))]
    pub shards: Option<u16>,

    /// Bytes of memory that messages may take in all, whatever shards they are in; by default three
    /// quarters of the machine's. With eviction a shard below its share may take more for the moment
    /// that others need to give way.
    #[arg(long, env = "LCLQ_MEMORY_BYTES_MAX", value_name = "BYTES")]
    pub memory_bytes_max: Option<u64>,

    /// Bytes of memory that request bodies may take in all while they are read and carried out, 32
    /// MiB at least. Large ones wait for their turn, up to 5 s, and are then refused; a quarter is
    /// kept for those of up to 64 KiB.
    #[arg(long, env = "LCLQ_REQUEST_MEMORY_BYTES_MAX", value_name = "BYTES")]
    pub request_memory_bytes_max: Option<u64>,

    /// What happens to a message for which there is no room: reject refuses it; oldest drops the
    /// oldest messages, sent or published, of the shard that it goes to; lru drops the oldest of
    /// that shard's queue or topic unused for the longest time. A shard with less than its equal
    /// share of the memory gets it from those with more, by the same rule.
    #[arg(long, env = "LCLQ_EVICTION", value_enum, value_name = "POLICY")]
    pub eviction: Option<EvictionArg>,

    /// Region of requests whose credentials name none.
    #[arg(long, env = "LCLQ_REGION", value_parser = scope_name)]
    #[schemars(extend("format" = "scope"))]
    pub region: Option<String>,

    /// Account of requests whose access key isn't a 12-digit account number.
    #[arg(long, env = "LCLQ_ACCOUNT", value_parser = scope_name)]
    #[schemars(extend("format" = "scope"))]
    pub account: Option<String>,

    /// Refuse a second PurgeQueue within 60 s, as the real service does.
    #[arg(long, env = "LCLQ_SQS_ENFORCE_PURGE_INTERVAL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, value_name = "BOOL")]
    pub sqs_enforce_purge_interval: Option<bool>,

    /// Refuse to make a queue within 60 s after its deletion, as the real service does.
    #[arg(long, env = "LCLQ_SQS_ENFORCE_RECREATE_INTERVAL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, value_name = "BOOL")]
    pub sqs_enforce_recreate_interval: Option<bool>,

    /// What becomes of SQS requests that nobody of the credentials has signed: off = carried out as
    /// all are; report = carried out, and told in the log; enforce = refused.
    #[arg(long, env = "LCLQ_SQS_AUTH", value_enum, value_name = "MODE")]
    pub sqs_auth: Option<AuthArg>,

    /// What becomes of Pub/Sub requests without a token of one of the service accounts or of an issuer
    /// (--oidc-issuer): off = carried out as all are; report = carried out, and told in the log;
    /// enforce = refused.
    #[arg(long, env = "LCLQ_PUBSUB_AUTH", value_enum, value_name = "MODE")]
    pub pubsub_auth: Option<AuthArg>,

    /// What the admin endpoint takes: auto = a token where it listens beyond loopback; off = everything;
    /// enforce = a token always. lclq credentials create-token makes them.
    #[arg(long, env = "LCLQ_ADMIN_AUTH", value_enum, value_name = "MODE")]
    pub admin_auth: Option<AdminAuthArg>,

    /// Access keys, service accounts and tokens that requests may come with, a TOML file; lclq credentials
    /// makes them. SIGHUP has it read again.
    #[arg(long, env = "LCLQ_CREDENTIALS", value_name = "FILE")]
    #[schemars(extend("format" = "path"))]
    pub credentials: Option<PathBuf>,

    /// Requests per second of everybody together. By default, as many as they want.
    #[arg(long, env = "LCLQ_LIMIT_REQUESTS", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000), value_name = "N")]
    #[schemars(range(min = 1, max = 1_000_000_000_000_u64))]
    pub limit_requests: Option<u64>,

    /// Requests per second from one address. By default, as many as they want.
    #[arg(long, env = "LCLQ_LIMIT_REQUESTS_PER_ADDRESS", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000), value_name = "N")]
    #[schemars(range(min = 1, max = 1_000_000_000_000_u64))]
    pub limit_requests_per_address: Option<u64>,

    /// Requests per second by one access key or service account. By default, as many as they want.
    #[arg(long, env = "LCLQ_LIMIT_REQUESTS_PER_KEY", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000), value_name = "N")]
    #[schemars(range(min = 1, max = 1_000_000_000_000_u64))]
    pub limit_requests_per_key: Option<u64>,

    /// Bytes per second of everybody together, to and from clients. By default, as many as they want.
    #[arg(long, env = "LCLQ_LIMIT_BYTES", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000), value_name = "BYTES")]
    #[schemars(range(min = 1, max = 1_000_000_000_000_u64))]
    pub limit_bytes: Option<u64>,

    /// Bytes per second to and from one address. By default, as many as they want.
    #[arg(long, env = "LCLQ_LIMIT_BYTES_PER_ADDRESS", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000), value_name = "BYTES")]
    #[schemars(range(min = 1, max = 1_000_000_000_000_u64))]
    pub limit_bytes_per_address: Option<u64>,

    /// Bytes per second to and from one access key or service account. By default, as many as they want.
    #[arg(long, env = "LCLQ_LIMIT_BYTES_PER_KEY", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000), value_name = "BYTES")]
    #[schemars(range(min = 1, max = 1_000_000_000_000_u64))]
    pub limit_bytes_per_key: Option<u64>,

    /// Receives, pulls and streams of one address at a time. By default, as many as they want.
    #[arg(long, env = "LCLQ_LIMIT_WAITING_PER_ADDRESS", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000), value_name = "N")]
    #[schemars(range(min = 1, max = 1_000_000_000_000_u64))]
    pub limit_waiting_per_address: Option<u64>,

    /// Receives, pulls and streams of one access key or service account at a time. By default, as many as they want.
    #[arg(long, env = "LCLQ_LIMIT_WAITING_PER_KEY", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000), value_name = "N")]
    #[schemars(range(min = 1, max = 1_000_000_000_000_u64))]
    pub limit_waiting_per_key: Option<u64>,

    /// Connections of one address at a time. By default, as many as they want.
    #[arg(long, env = "LCLQ_LIMIT_CONNECTIONS_PER_ADDRESS", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000), value_name = "N")]
    #[schemars(range(min = 1, max = 1_000_000_000_000_u64))]
    pub limit_connections_per_address: Option<u64>,

    /// Memory that the messages of an SQS account may take. By default, as much as there is.
    #[arg(long, env = "LCLQ_LIMIT_MEMORY_PER_ACCOUNT", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000_000), value_name = "BYTES")]
    #[schemars(range(min = 1, max = 1_000_000_000_000_000_u64))]
    pub limit_memory_per_account: Option<u64>,

    /// Queues that an account may have in a region. By default, as many as they want.
    #[arg(long, env = "LCLQ_LIMIT_QUEUES_PER_ACCOUNT", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000), value_name = "N")]
    #[schemars(range(min = 1, max = 1_000_000_000_000_u64))]
    pub limit_queues_per_account: Option<u64>,

    /// An OpenID Connect issuer whose tokens Pub/Sub takes beside those of service accounts, as they name
    /// it, such as https://accounts.example.com. Its keys are found by
    /// ISSUER/.well-known/openid-configuration. http:// is for issuers on this machine. Repeatable.
    #[arg(
        long,
        env = "LCLQ_OIDC_ISSUER",
        value_delimiter = ',',
        value_parser = crate::bearer::parse_issuer,
        value_name = "URL"
    )]
    #[schemars(extend("format" = "issuer"))]
    pub oidc_issuer: Option<Vec<String>>,

    /// Whom the tokens of issuers have to be meant for (aud), one of these. Repeatable; required with
    /// an issuer.
    #[arg(
        long,
        env = "LCLQ_OIDC_AUDIENCE",
        value_delimiter = ',',
        value_parser = audience,
        value_name = "TEXT"
    )]
    #[schemars(extend("format" = "audience"))]
    pub oidc_audience: Option<Vec<String>>,

    /// Certificate authorities that are trusted besides the system's, where messages are pushed and where
    /// issuers' keys are fetched: a PEM file.
    #[arg(long, env = "LCLQ_PUSH_CA_FILE", value_name = "FILE")]
    #[schemars(extend("format" = "path"))]
    pub push_ca_file: Option<PathBuf>,

    /// Push to https endpoints whatever their certificate, such as a self-signed one.
    #[arg(long, env = "LCLQ_PUSH_ACCEPT_ANY_CERTIFICATE", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, value_name = "BOOL")]
    pub push_accept_any_certificate: Option<bool>,

    /// Push to these hosts only: a name, *.name for all below one, an address, or a network such as
    /// 10.0.0.0/8. Separated by commas, or several times.
    #[arg(long, env = "LCLQ_PUSH_ALLOW", value_delimiter = ',', value_name = "HOSTS", value_parser = hosts)]
    #[schemars(extend("format" = "hosts"))]
    pub push_allow: Option<Vec<String>>,

    /// Don't push to these hosts, whatever is allowed; given as those of --push-allow.
    #[arg(long, env = "LCLQ_PUSH_DENY", value_delimiter = ',', value_name = "HOSTS", value_parser = hosts)]
    #[schemars(extend("format" = "hosts"))]
    pub push_deny: Option<Vec<String>>,

    /// Push to link-local addresses (169.254.0.0/16, fe80::/10) and those of clouds' metadata too.
    /// Clouds serve the credentials of their machines there.
    #[arg(long, env = "LCLQ_PUSH_ALLOW_LINK_LOCAL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, value_name = "BOOL")]
    pub push_allow_link_local: Option<bool>,

    /// Issuer that the tokens of push requests name.
    #[arg(long, env = "LCLQ_PUSH_TOKEN_ISSUER", value_name = "URL")]
    pub push_token_issuer: Option<String>,

    /// Where Cloud Storage subscriptions write: each bucket is a directory in this one. Without
    /// this and the endpoint below they keep their messages.
    #[arg(
        long,
        env = "LCLQ_CLOUD_STORAGE_DIR",
        value_name = "DIR",
        conflicts_with = "cloud_storage_endpoint"
    )]
    #[schemars(extend("format" = "path"))]
    pub cloud_storage_dir: Option<PathBuf>,

    /// A server with Cloud Storage's JSON API that Cloud Storage subscriptions write to.
    #[arg(long, env = "LCLQ_CLOUD_STORAGE_ENDPOINT", value_name = "URL", value_parser = endpoint)]
    #[schemars(extend("format" = "url"))]
    pub cloud_storage_endpoint: Option<String>,

    /// Connections that may be open at once, in all.
    #[arg(long, env = "LCLQ_CONNECTIONS_MAX", value_name = "N")]
    pub connections_max: Option<usize>,

    /// Time for requests to end after SIGTERM, ms.
    #[arg(long, env = "LCLQ_SHUTDOWN_MS_MAX", value_name = "MS")]
    pub shutdown_ms_max: Option<u64>,

    /// Let tests drive this server by its admin endpoint: stop the clock and have it jump ahead. Not
    /// for servers whose messages matter.
    #[arg(long, env = "LCLQ_TEST_CONTROLS", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, value_name = "BOOL")]
    pub test_controls: Option<bool>,

    /// Behave as the services do in production: duplicates, reordering, quotas and the like, decided by
    /// this seed. Not for servers whose messages matter.
    #[arg(long, env = "LCLQ_PRODUCTION_PROFILE", value_name = "SEED")]
    pub production_profile: Option<u64>,

    /// Form of the log, which goes to standard error.
    #[arg(long, env = "LCLQ_LOG_FORMAT", value_enum, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,

    /// What to log: error, warn, info, debug, trace, or per module (lclq::sqs=debug,info).
    #[arg(long, env = "LCLQ_LOG", value_name = "FILTER")]
    #[schemars(extend("format" = "log-filter"))]
    pub log: Option<String>,

    /// File for a line of JSON about each request; "-" is standard output. SIGHUP has it opened anew.
    #[arg(long, env = "LCLQ_ACCESS_LOG", value_name = "FILE")]
    pub access_log: Option<PathBuf>,

    /// A file for a line of JSON about each change that somebody asks for, and each refusal; - is
    /// standard output. SIGHUP has it opened anew.
    #[arg(long, env = "LCLQ_AUDIT_LOG", value_name = "FILE")]
    #[schemars(extend("format" = "path"))]
    pub audit_log: Option<PathBuf>,

    /// Events that each shard keeps of where messages went, 0 to 1048576; they take some 100 bytes each.
    #[arg(long, env = "LCLQ_JOURNEY_EVENTS", value_name = "N", value_parser = value_parser!(u32).range(0..=1_048_576))]
    #[schemars(range(min = 0, max = 1_048_576))]
    pub journey_events: Option<u32>,

    /// OpenTelemetry collector that is told of traces and metrics, such as http://127.0.0.1:4317.
    #[arg(long, env = "LCLQ_OTLP_ENDPOINT", value_name = "URL")]
    pub otlp_endpoint: Option<String>,

    /// How the collector is spoken to.
    #[arg(long, env = "LCLQ_OTLP_PROTOCOL", value_enum, value_name = "PROTOCOL")]
    pub otlp_protocol: Option<OtlpProtocol>,

    /// Share of requests that are traced, 0 to 1, beside those whose callers trace them.
    #[arg(long, env = "LCLQ_OTLP_SAMPLE", value_name = "SHARE", value_parser = share)]
    #[schemars(range(min = 0, max = 1))]
    pub otlp_sample: Option<f64>,

    /// Time between two tellings of metrics, ms; 0 tells none.
    #[arg(long, env = "LCLQ_OTLP_METRICS_MS", value_name = "MS")]
    pub otlp_metrics_ms: Option<u64>,

    /// Bring resources that exist otherwise than the file declares them in line with it. Without
    /// this, what differs is logged.
    #[arg(long, env = "LCLQ_APPLY_CHANGES", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, value_name = "BOOL")]
    pub apply_changes: Option<bool>,
}

fn share(text: &str) -> Result<f64, String> {
    let share = text
        .parse::<f64>()
        .ok()
        .filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "a share is between 0 and 1".to_owned())
}

fn hosts(text: &str) -> Result<String, String> {
    let hosts = text.parse::<crate::pubsub::push::Hosts>();
    hosts.map(|hosts| hosts.to_string())
}

fn region_latency(text: &str) -> Result<String, String> {
    crate::regions::read_latency(text).map(|_| text.to_owned())
}

fn audience(text: &str) -> Result<String, String> {
    if is_audience(text) {
        Ok(text.to_owned())
    } else {
        Err("an audience isn't empty".to_owned())
    }
}

fn endpoint(text: &str) -> Result<String, String> {
    match crate::pubsub::push::parse_endpoint(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_owned()),
    }
}

#[derive(
    ValueEnum, Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq,
)]
#[serde(rename_all = "kebab-case")]
pub enum AuthArg {
    /// Nobody looks.
    #[default]
    Off,
    /// What would be refused is told.
    Report,
    /// It is refused.
    Enforce,
}

#[derive(
    ValueEnum, Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq,
)]
#[serde(rename_all = "kebab-case")]
pub enum AdminAuthArg {
    /// A token where it listens beyond loopback.
    #[default]
    Auto,
    /// Everybody is let in.
    Off,
    /// A token always.
    Enforce,
}

#[derive(ValueEnum, Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum TlsArg {
    /// No TLS.
    Off,
    /// The certificate and its key are in files.
    Files,
    /// The certificate is made at each start, by an authority that is made once.
    SelfSigned,
}

#[derive(ValueEnum, Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceArg {
    /// AWS SQS.
    Sqs,
    /// Google Cloud Pub/Sub.
    Pubsub,
    /// The admin API and metrics.
    Admin,
}

#[derive(
    ValueEnum, Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq,
)]
#[serde(rename_all = "kebab-case")]
pub enum DurabilityArg {
    /// fsync before each answer.
    #[default]
    Full,
    /// No fsync per answer: a crash of the machine may lose the last moments.
    Normal,
}

#[derive(
    ValueEnum, Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq,
)]
#[serde(rename_all = "kebab-case")]
pub enum EvictionArg {
    /// Refuse the new message.
    #[default]
    Reject,
    /// Drop the oldest messages.
    Oldest,
    /// Drop the oldest messages of the least recently used queue or topic.
    Lru,
}

#[derive(
    ValueEnum, Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq,
)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One object per line.
    Json,
}

#[cfg(test)]
mod tests {
    use crate::config::schema;
    use serde_json::Value;

    fn takes(key: &str, value: &str) -> bool {
        let args = ["lclq", "start", &format!("--{key}={value}")];
        crate::config::parse(args).is_ok()
    }

    #[test]
    fn flags_take_what_the_schema_allows_and_nothing_else() {
        for (key, schema) in schema::of_settings() {
            let schema = if schema["type"] == "array" {
                &schema["items"]
            } else {
                &schema
            };
            for choice in schema::choices(schema) {
                assert!(takes(&key, choice), "{key} {choice}");
            }
            if let Some(least) = schema["minimum"].as_i64() {
                assert!(takes(&key, &least.to_string()), "{key} {least}");
                assert!(!takes(&key, &(least - 1).to_string()), "{key} {least}");
            }
            if let Some(most) = schema["maximum"].as_i64() {
                assert!(takes(&key, &most.to_string()), "{key} {most}");
                assert!(!takes(&key, &(most + 1).to_string()), "{key} {most}");
            }
            // clap leaves the log's filter to the log, and any text is a path. It would repeat a store's URL,
            // which may hold a password.
            if key == "log" || key == "store" || schema["format"] == "path" {
                continue;
            }
            for text in ["a b", "http://h", "sqs", "true", "*", "::1", "https://a:1"] {
                let value = match schema["type"].as_str() {
                    Some("boolean") => text.parse::<bool>().map_or(Value::Null, Value::from),
                    _ => text.into(),
                };
                assert_eq!(
                    takes(&key, text),
                    schema::allows(schema, &value),
                    "{key} {text}"
                );
            }
        }
    }
}
