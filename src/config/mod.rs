//! The configuration: layers of settings, what they amount to on this machine, and what the file
//! declares.

mod auth;
mod cluster;
pub mod declared;
pub mod file;
pub(crate) mod forms;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod given;
pub mod import;
pub mod layers;
mod live;
mod load;
mod quotas;
mod regions;
pub mod schema;
mod secrets;
mod settings;
mod storage;
pub mod text;
mod tls;

pub use live::{Changes, LIVE, Live, Turn};
pub use load::{FILE_DEFAULT, Loaded, Source, parse};
pub use settings::{Settings, place};

use crate::admin::Controls;
use crate::cli::{Command, StartArgs};
use crate::credentials::{AdminAuth, Auth, FileError};
use crate::http::{BodyBudget, HttpLimits};
use crate::interceptors::Interceptors;
use crate::mesh::MeshConfig;
use crate::net::NetLimits;
use crate::otlp::OtlpConfig;
use crate::pubsub::export::StoreTarget;
use crate::pubsub::push::{Destinations, Hosts, PushConfig};
use crate::quotas::SharedQuotas;
use crate::runtime::{Driver, RuntimeError, choose};
use crate::server::Endpoint;
use crate::sqs::{AccountMemory, SqsConfig};
use crate::tls::TlsSettings;
use clap::ArgMatches;
use given::{EvictionArg, LogFormat};
use lclq_shards::Eviction;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

/// Memory bound where the machine's memory isn't known, bytes.
const MEMORY_BYTES_FALLBACK: u64 = 4 << 30;

pub use given::ServiceArg as Service;

/// The ports to listen on; 0 takes any free one.
#[derive(Clone, Debug)]
pub struct Ports {
    pub sqs: u16,
    pub pubsub: u16,
    pub pubsub_rest: u16,
    /// 9000, if that is free, where none was asked for.
    pub admin: Option<u16>,
    /// Of metrics and health alone.
    pub metrics: Option<u16>,
}

/// Everything the server needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// The address to listen on.
    pub bind: IpAddr,
    pub ports: Ports,
    /// Whose endpoints listen.
    pub services: Vec<Service>,
    pub driver: Driver,
    /// Why this driver, for the log.
    pub driver_reason: String,
    pub cores: usize,
    pub mesh: MeshConfig,
    pub sqs: SqsConfig,
    /// How TLS is spoken, if it is.
    pub tls: Option<TlsSettings>,
    /// Bounds on connections.
    pub net: NetLimits,
    /// Bounds on what requests may take.
    pub http: HttpLimits,
    /// Whose Pub/Sub requests are carried out; without this, everybody's.
    pub pubsub_auth: Option<Auth>,
    /// How much clients may ask for.
    pub quotas: Option<SharedQuotas>,
    /// Who may ask the admin endpoint.
    pub admin_auth: AdminAuth,
    /// Where changes and refusals are noted.
    pub audit_log: Option<PathBuf>,
    /// What push may do and trust.
    pub push: PushConfig,
    /// Where Cloud Storage subscriptions write, if anywhere.
    pub cloud_storage: Option<StoreTarget>,
    /// What hangs on requests.
    pub interceptors: Interceptors,
    /// Where requests are noted, if anywhere.
    pub access_log: Option<PathBuf>,
    /// The collector, if there is one.
    pub otlp: Option<OtlpConfig>,
    /// The seed of the production profile, where the server starts with it.
    pub production_profile: Option<u64>,
    /// Whether tests may drive the server.
    pub controls: Controls,
    /// Whether the server ends with its standard input.
    pub stop_with_stdin: bool,
    /// Queues, topics and subscriptions, of each so many, with series of their own in metrics.
    pub metrics_series_max: usize,
    pub log_format: LogFormat,
    pub log: String,
    /// What all of this was made of, and what can change of it.
    pub live: Arc<Live>,
}

/// What a configuration asks for and can't be had on this machine.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The runtime.
    #[error("{0}")]
    Runtime(#[from] RuntimeError),
    /// Access keys.
    #[error("{0}")]
    Credentials(#[from] FileError),
    /// Where messages are kept.
    #[error("{0}")]
    Storage(String),
    /// How it shares its store with others.
    #[error("{0}")]
    Cluster(String),
}

impl Config {
    /// The configuration of `lclq start ...`, the program's name first.
    ///
    /// # Errors
    /// What is wrong with it, a line for each.
    pub fn from_args(
        args: impl IntoIterator<Item = impl Into<std::ffi::OsString> + Clone>,
    ) -> Result<Self, Vec<String>> {
        Self::started_by(args, Source::of)
    }

    /// The same without the environment, and without a file that isn't named.
    ///
    /// # Errors
    /// What is wrong with it, a line for each.
    pub fn from_flags(
        args: impl IntoIterator<Item = impl Into<std::ffi::OsString> + Clone>,
    ) -> Result<Self, Vec<String>> {
        Self::started_by(args, Source::of_flags)
    }

    fn started_by(
        args: impl IntoIterator<Item = impl Into<std::ffi::OsString> + Clone>,
        source: fn(&StartArgs, &ArgMatches) -> Result<Source, Vec<String>>,
    ) -> Result<Self, Vec<String>> {
        let (cli, matches) = parse(args).map_err(|error| vec![error.to_string()])?;
        let Command::Start(start) = cli.command else {
            return Err(vec!["this isn't a start".to_owned()]);
        };
        let source = source(&start, &matches)?;
        let loaded = source.load()?;
        Self::resolve(loaded, source).map_err(|error| vec![error.to_string()])
    }

    /// Resolves settings on this machine.
    ///
    /// # Errors
    /// What is asked for and can't be had here.
    pub fn resolve(loaded: Loaded, source: Source) -> Result<Self, ResolveError> {
        let let_in = auth::let_in(&loaded.settings)?;
        let args = loaded.settings.clone();
        let recover = source.recover();
        let stop_with_stdin = source.stop_with_stdin();
        let live = Live::new(source, loaded);
        let interceptors = Interceptors::default();
        if let Some(map) = regions::regions(&args).unwrap_or_default() {
            interceptors.regions.start_with(map);
        }
        // Only what can be read was let pass before: by the schema, and where it was loaded.
        let endpoint = args.cloud_storage_endpoint.as_deref();
        let endpoint = endpoint.and_then(|url| crate::pubsub::push::parse_endpoint(url).ok());
        let tls = tls::tls(&args).unwrap_or_default();
        let storage = storage::storage(&args, recover).map_err(ResolveError::Storage)?;
        let cluster = cluster::cluster(&args).map_err(ResolveError::Cluster)?;
        let quotas = quotas::quotas(&args);
        let connections_per_address = quotas::connections(&args);
        let (driver, driver_reason) = choose(args.runtime)?;
        let cores = args.cores.map_or_else(cores_allowed, usize::from);
        Ok(Self {
            bind: args.bind,
            ports: Ports {
                sqs: args.sqs_port,
                pubsub: args.pubsub_port,
                pubsub_rest: args.pubsub_rest_port,
                admin: args.admin_port,
                metrics: args.metrics_port,
            },
            services: args.services,
            driver,
            driver_reason,
            cores,
            mesh: MeshConfig {
                cores,
                shards: args.shards,
                storage,
                memory_bytes_max: Some(args.memory_bytes_max.unwrap_or_else(memory_default)),
                eviction: match args.eviction {
                    EvictionArg::Reject => Eviction::Reject,
                    EvictionArg::Oldest => Eviction::OldestFirst,
                    EvictionArg::Lru => Eviction::LeastRecentlyUsed,
                },
                cluster,
                journey_events: args.journey_events as usize,
            },
            sqs: SqsConfig {
                region: args.region,
                account: args.account,
                enforce_purge_interval: args.sqs_enforce_purge_interval,
                enforce_recreate_interval: args.sqs_enforce_recreate_interval,
                auth: let_in.sqs,
                quotas: quotas.clone(),
                queues_per_account_max: args
                    .limit_queues_per_account
                    .map(|queues| usize::try_from(queues).unwrap_or(usize::MAX)),
                account_memory: args.limit_memory_per_account.map(AccountMemory::new),
            },
            tls,
            net: NetLimits {
                connections_per_core_max: args.connections_max.div_ceil(cores).max(1),
                connections_per_address,
                shutdown_ms_max: args.shutdown_ms_max,
                ..NetLimits::default()
            },
            http: HttpLimits {
                bodies: BodyBudget::new(args.request_memory_bytes_max),
                ..HttpLimits::default()
            },
            pubsub_auth: let_in.pubsub,
            quotas,
            admin_auth: let_in.admin,
            push: PushConfig {
                key_directory: args.data_dir.clone(),
                ca_file: args.push_ca_file,
                accept_any_certificate: args.push_accept_any_certificate,
                destinations: Destinations {
                    allow: hosts(&args.push_allow),
                    deny: hosts(&args.push_deny),
                    allow_link_local: args.push_allow_link_local,
                },
                issuer: args.push_token_issuer,
            },
            cloud_storage: match (args.cloud_storage_dir, endpoint) {
                (Some(directory), _) => Some(StoreTarget::Directory(directory)),
                (None, Some(endpoint)) => Some(StoreTarget::Endpoint(endpoint)),
                (None, None) => None,
            },
            access_log: args.access_log,
            audit_log: args.audit_log,
            otlp: args.otlp_endpoint.map(|endpoint| OtlpConfig {
                endpoint,
                protocol: args.otlp_protocol,
                sample: args.otlp_sample,
                metrics_ms: args.otlp_metrics_ms,
            }),
            production_profile: args.production_profile,
            interceptors: interceptors.clone(),
            controls: Controls {
                enabled: args.test_controls,
                data_dir: args.data_dir,
                faults: interceptors.faults,
                profile: interceptors.profile,
                regions: interceptors.regions,
            },
            stop_with_stdin,
            metrics_series_max: args.metrics_series_max.into(),
            log_format: args.log_format,
            log: args.log,
            live: Arc::new(live),
        })
    }

    /// How HTTP is served to clients of a service.
    pub fn http_of(&self, service: Service) -> HttpLimits {
        HttpLimits {
            callers: self.live.callers(service),
            ..self.http.clone()
        }
    }

    /// That of the endpoints' URLs.
    pub fn scheme(&self) -> &'static str {
        if self.tls.as_ref().is_some_and(|tls| tls.only) {
            "https"
        } else {
            "http"
        }
    }

    /// The endpoints of a service: one for each of `ports`, by name, if it is served at all.
    pub fn endpoints(&self, service: Service, ports: &[(&'static str, u16)]) -> Vec<Endpoint> {
        let endpoint = |&(name, port)| Endpoint {
            name,
            scheme: self.scheme(),
            address: SocketAddr::new(self.bind, port),
        };
        let served = self.services.contains(&service);
        ports.iter().filter(|_| served).map(endpoint).collect()
    }
}

/// Hosts that were checked as they were given.
fn hosts(texts: &[String]) -> Vec<Hosts> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

/// CPUs that this process may use.
fn cores_allowed() -> usize {
    std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(256)
}

/// Three quarters of the machine's memory, or of the container's share of it.
fn memory_default() -> u64 {
    let machine = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
            line.split_whitespace()
                .nth(1)?
                .parse::<u64>()
                .ok()
                .map(|kib| kib << 10)
        });
    let container = std::fs::read_to_string("/sys/fs/cgroup/memory.max")
        .ok()
        .and_then(|text| text.trim().parse::<u64>().ok());
    let bytes = match (machine, container) {
        (Some(machine), Some(container)) => machine.min(container),
        (Some(bytes), None) | (None, Some(bytes)) => bytes,
        (None, None) => MEMORY_BYTES_FALLBACK,
    };
    bytes / 4 * 3
}
