//! The resolved configuration: what the command line's flags amount to on this machine.

use crate::admin::Controls;
use crate::cli::{DurabilityArg, EvictionArg, LogFormat, StartArgs};
use crate::http::{BodyBudget, Callers, HttpLimits};
use crate::mesh::{MeshConfig, Storage};
use crate::net::NetLimits;
use crate::pubsub::export::StoreTarget;
use crate::pubsub::push::PushConfig;
use crate::runtime::{DriverKind, RuntimeError, choose};
use crate::server::Endpoint;
use crate::sqs::SqsConfig;
use lclq_shards::Eviction;
use lclq_shards::journal::Durability;
use std::net::{IpAddr, SocketAddr};

/// Memory bound where the machine's memory isn't known, bytes.
const MEMORY_BYTES_FALLBACK: u64 = 4 << 30;

pub use crate::cli::ServiceArg as Service;

/// The ports to listen on; 0 takes any free one.
#[derive(Clone, Debug)]
pub struct Ports {
    pub sqs: u16,
    pub pubsub: u16,
    pub pubsub_rest: u16,
    /// 9000, if that is free, where none was asked for.
    pub admin: Option<u16>,
}

/// Everything the server needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// The address to listen on.
    pub bind: IpAddr,
    pub ports: Ports,
    /// Whose endpoints listen.
    pub services: Vec<Service>,
    pub driver: DriverKind,
    /// Why this driver, for the log.
    pub driver_reason: String,
    pub cores: usize,
    pub mesh: MeshConfig,
    pub sqs: SqsConfig,
    /// Bounds on connections.
    pub net: NetLimits,
    /// Bounds on what requests may take.
    pub http: HttpLimits,
    /// What push may do and trust.
    pub push: PushConfig,
    /// Where Cloud Storage subscriptions write, if anywhere.
    pub cloud_storage: Option<StoreTarget>,
    /// Whether tests may drive the server.
    pub controls: Controls,
    pub log_format: LogFormat,
    pub log: String,
}

impl Config {
    /// Resolves flags.
    pub fn resolve(args: StartArgs) -> Result<Self, RuntimeError> {
        let (driver, driver_reason) = choose(args.runtime)?;
        let cores = args.cores.map_or_else(cores_allowed, usize::from);
        Ok(Self {
            bind: args.bind,
            ports: Ports {
                sqs: args.sqs_port,
                pubsub: args.pubsub_port,
                pubsub_rest: args.pubsub_rest_port,
                admin: args.admin_port,
            },
            services: args.services,
            driver,
            driver_reason,
            cores,
            mesh: MeshConfig {
                cores,
                shards: args.shards,
                storage: match args.data_dir.clone() {
                    None => Storage::Memory,
                    Some(path) => Storage::Sqlite {
                        path,
                        durability: match args.durability {
                            DurabilityArg::Full => Durability::Full,
                            DurabilityArg::Normal => Durability::Normal,
                        },
                        recover: args.recover,
                    },
                },
                memory_bytes_max: Some(args.memory_bytes_max.unwrap_or_else(memory_default)),
                eviction: match args.eviction {
                    EvictionArg::Reject => Eviction::Reject,
                    EvictionArg::Oldest => Eviction::OldestFirst,
                    EvictionArg::Lru => Eviction::LeastRecentlyUsed,
                },
            },
            sqs: SqsConfig {
                region: args.region,
                account: args.account,
                enforce_purge_interval: args.sqs_enforce_purge_interval,
                enforce_recreate_interval: args.sqs_enforce_recreate_interval,
            },
            net: NetLimits {
                connections_per_core_max: args.connections_max.div_ceil(cores).max(1),
                shutdown_ms_max: args.shutdown_ms_max,
                ..NetLimits::default()
            },
            http: HttpLimits {
                callers: Callers {
                    hosts: args.allow_host,
                    origins: args.allow_origin,
                },
                bodies: BodyBudget::new(args.request_memory_bytes_max),
                ..HttpLimits::default()
            },
            push: PushConfig {
                key_directory: args.data_dir.clone(),
                ca_file: args.push_ca_file,
                accept_any_certificate: args.push_accept_any_certificate,
                allow_link_local: args.push_allow_link_local,
                issuer: args.push_token_issuer,
            },
            cloud_storage: match (args.cloud_storage_dir, args.cloud_storage_endpoint) {
                (Some(directory), _) => Some(StoreTarget::Directory(directory)),
                (None, Some(endpoint)) => Some(StoreTarget::Endpoint(endpoint)),
                (None, None) => None,
            },
            controls: Controls {
                enabled: args.test_controls,
                data_dir: args.data_dir,
            },
            log_format: args.log_format,
            log: args.log,
        })
    }

    /// The endpoints of a service: one for each of `ports`, by name, if it is served at all.
    pub fn endpoints(
        &self,
        service: Service,
        scheme: &'static str,
        ports: &[(&'static str, u16)],
    ) -> Vec<Endpoint> {
        let endpoint = |&(name, port)| Endpoint {
            name,
            scheme,
            address: SocketAddr::new(self.bind, port),
        };
        let served = self.services.contains(&service);
        ports.iter().filter(|_| served).map(endpoint).collect()
    }
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
