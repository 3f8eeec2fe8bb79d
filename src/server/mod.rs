//! The running server: cores, endpoints, and an orderly end.

mod admin;
mod core;
mod crash;
mod declare;
mod edit;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod metrics;
mod pubsub;
mod registry;
mod reload;
mod sqs;
#[cfg(target_os = "linux")]
mod start_pages;
mod supervisor;

pub use declare::{Made, Services};
pub use edit::{EditError, check as check_configuration, save as save_configuration, text_of};
pub use registry::{Dialect, Endpoint, Inside, OnCore, Registry, StartOnCore};
pub use reload::{ReloadError, Reloaded, reload};

use self::core::{Core, Served};
use self::crash::CrashReport;
use self::supervisor::{News, Supervisor};
use crate::admin::restore_clock;
use crate::config::Config;
use crate::credentials::Credentials;
use crate::interceptors::Interceptors;
use crate::mesh::{MeshError, MeshPlan, Storage};
use crate::net::{ConnectionList, EndpointFigures};
use crate::observe::Observers;
use crate::otlp::{Exporter, Tracer};
use crate::profile::ProfileSettings;
use crate::runtime::{
    CorePlan, CoreThreads, DescriptorPlan, DriverKind, SharedListener, Shutdown, descriptors_open,
    own_clock, shutdown_with_stdin, spawn_cores,
};
use crate::tls::Tls;
use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, mpsc};

/// Why the server can't start, or stopped other than by being asked to.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// A port can't be had, or a thread can't be started.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// What is stored can't be used.
    #[error("{0}")]
    Mesh(#[from] MeshError),
    /// A dialect can't be set up as asked.
    #[error("{0}")]
    Dialect(Box<dyn Error + Send + Sync>),
    /// A resource that the file declares can't be made.
    #[error("{0}")]
    Declared(String),
    /// A core can't start.
    #[error("core {core}: {error}")]
    Core {
        /// Which.
        core: usize,
        /// What it could not have.
        error: io::Error,
    },
    /// A core has ended before it served.
    #[error("core {0} ended before it was ready")]
    CoreEnded(usize),
}

/// What ends a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// SIGTERM, SIGINT or Ctrl-C to this process, and its [`Server::shutdown`].
    Signal,
    /// Its [`Server::shutdown`] alone. There may be others in this process, and each has a clock of
    /// its own for tests to drive.
    Told,
}

/// An endpoint that has its port.
#[derive(Clone)]
pub struct Listening {
    endpoint: Endpoint,
    listener: SharedListener,
}

impl Listening {
    /// The endpoint's name.
    pub fn name(&self) -> &'static str {
        self.endpoint.name
    }

    /// Where it listens, with the port the system chose for port 0.
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr()
    }
}

impl fmt::Display for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.endpoint.scheme, self.address())
    }
}

impl Registry {
    /// What lclq itself serves. A further dialect is one more line here.
    pub fn of(config: &Config) -> Self {
        let mut registry = Self::default();
        registry.add(sqs::SqsDialect::new(config));
        registry.add(pubsub::PubsubDialect::new(config));
        let metrics = metrics::settings(config);
        registry.add(admin::AdminDialect::new(config, metrics.clone()));
        registry.add(metrics::MetricsDialect::new(config, metrics));
        registry
    }

    fn endpoints(&self) -> usize {
        let dialects = self.dialects.iter();
        dialects.map(|dialect| dialect.endpoints().len()).sum()
    }
}

/// What is going to be open with so many endpoints and shards.
fn descriptors(config: &Config, listeners: usize, shards: u16) -> DescriptorPlan {
    let (on_disk, in_store) = match config.mesh.storage {
        Storage::Memory => (0, 0),
        Storage::Sqlite { .. } => (shards.into(), 0),
        Storage::Store { .. } => (0, shards.into()),
    };
    DescriptorPlan {
        cores: config.cores,
        rings: config.driver.kind == DriverKind::IoUring,
        listeners,
        shards_on_disk: on_disk,
        shards_in_store: in_store,
        connections_max: config.net.connections_per_core_max * config.cores,
    }
}

fn bind(dialect: &dyn Dialect, cores: usize) -> io::Result<Vec<Listening>> {
    let mut listening = Vec::new();
    for endpoint in dialect.endpoints() {
        match SharedListener::bind(endpoint.address, cores) {
            Ok(listener) => listening.push(Listening { endpoint, listener }),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && dialect.is_dispensable() => {
                tracing::warn!(
                    endpoint = endpoint.name,
                    address = %endpoint.address,
                    "the port is taken; the server does without this endpoint"
                );
            }
            Err(error) => return Err(error),
        }
    }
    Ok(listening)
}

/// What a server has before a core starts.
struct Opened {
    served: Vec<Served>,
    plan: MeshPlan,
    tls: Option<Tls>,
}

/// All that can be had and checked before a core starts: the ports, the data directory, the
/// descriptors for what comes after them, and what the dialects need.
fn open(config: &Config, registry: Registry) -> Result<Opened, ServerError> {
    let open = descriptors_open();
    if let Some(path) = &config.access_log {
        let started = config.interceptors.start_access_log(path);
        started.map_err(|error| {
            let text = format!("the access log {}: {error}", path.display());
            io::Error::new(error.kind(), text)
        })?;
    }
    if let Some(path) = &config.audit_log {
        let started = config.interceptors.start_audit_log(path);
        started.map_err(|error| {
            let text = format!("the audit log {}: {error}", path.display());
            io::Error::new(error.kind(), text)
        })?;
    }
    if config.mesh.journey_events > 0 {
        config.interceptors.start_journeys();
    }
    if let Some(otlp) = &config.otlp {
        let exporter = Exporter::start(&otlp.endpoint, otlp.protocol, "lclq");
        let exporter = exporter.map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("--otlp-endpoint {}: {error}", otlp.endpoint),
            )
        })?;
        let tracer = Tracer::new(exporter, otlp.sample);
        config.interceptors.start_tracing(tracer);
    }
    let endpoints = registry.endpoints();
    // A directory or a store knows how many shards it has; until it is opened, a guess.
    let shards = config.mesh.shards.unwrap_or(config.cores as u16);
    descriptors(config, endpoints, shards).provide(open)?;
    // Ports first, since they are the likeliest to be refused and the cheapest to give back.
    let mut bound = Vec::new();
    for dialect in registry.dialects {
        let listening = bind(dialect.as_ref(), config.cores)?;
        bound.push((dialect, listening));
    }
    restore_clock(&config.controls)?;
    if config.controls.enabled {
        tracing::warn!("tests may drive this server: its clock above all");
    }
    if let Some(seed) = config.production_profile {
        let settings = ProfileSettings {
            seed,
            ..ProfileSettings::default()
        };
        // The usual settings are sound.
        if config.interceptors.profile.set(settings).is_ok() {
            tracing::warn!(seed, "the production profile is on");
        }
    }
    if let Some(map) = config.interceptors.regions.map() {
        let regions: Vec<&str> = map.names().collect();
        let regions = regions.join(", ");
        tracing::warn!(regions, "Pub/Sub plays regions");
    }
    let plan = MeshPlan::new(config.mesh.clone())?;
    // After that: an authority may be kept in the data directory.
    let tls = config.tls.clone().map(Tls::start).transpose()?;
    descriptors(config, endpoints, plan.shards()).provide(open)?;
    let mut served = Vec::new();
    for (dialect, listening) in bound {
        let start = dialect.prepare().map_err(ServerError::Dialect)?;
        served.push(Served { start, listening });
    }
    Ok(Opened { served, plan, tls })
}

/// Checks that the server could start, and prints how it would.
pub fn check(config: Config) -> Result<(), ServerError> {
    let Opened { served, plan, tls } = open(&config, Registry::of(&config))?;
    let mut out = io::stdout().lock();
    for listening in served.iter().flat_map(|served| &served.listening) {
        writeln!(out, "{:<12} {listening}", listening.name())?;
    }
    if let Some(file) = config.live.file() {
        writeln!(out, "config       {}", file.display())?;
    }
    writeln!(
        out,
        "driver       {:?} ({})",
        config.driver.kind, config.driver_reason
    )?;
    writeln!(out, "cores        {}", config.cores)?;
    writeln!(out, "shards       {}", plan.shards())?;
    writeln!(out, "storage      {:?}", config.mesh.storage)?;
    if let Some(tls) = tls {
        writeln!(out, "tls          {tls}")?;
    }
    Ok(())
}

/// Runs the server until a signal ends it.
pub fn run(config: Config) -> Result<(), ServerError> {
    let registry = Registry::of(&config);
    let file = config.live.file();
    let report = CrashReport::new(config.controls.data_dir.as_deref(), config.live.shown());
    let stop_with_stdin = config.stop_with_stdin;
    let server = Server::start(config, registry, Until::Signal)?;
    if stop_with_stdin {
        shutdown_with_stdin(server.shutdown())?;
    }
    if let Err(error) = announce(&server, file.as_deref()) {
        // Whoever started it doesn't listen; its clients may all the same.
        tracing::warn!(%error, "nobody was told that this is ready");
    }
    if let Some(supervisor) = &server.supervisor {
        supervisor.tell(News::Ready);
    }
    #[cfg(target_os = "linux")]
    start_pages::give_back();
    server
        .join()
        .inspect_err(|error| match report.write(error) {
            Ok(path) => tracing::error!(path = %path.display(), "what was known of the failure"),
            Err(error) => tracing::error!(%error, "no report of the failure can be written"),
        })?;
    tracing::info!("stopped");
    Ok(())
}

/// A server that is ready.
pub struct Server {
    listening: Vec<Listening>,
    shutdown: Shutdown,
    threads: CoreThreads,
    node_address: Option<SocketAddr>,
    supervisor: Option<Supervisor>,
    interceptors: Interceptors,
    tls: Option<Tls>,
}

impl Server {
    /// Starts what is registered on cores of its own, and returns when every one is ready.
    pub fn start(config: Config, registry: Registry, until: Until) -> Result<Self, ServerError> {
        let _clock = (until == Until::Told).then(own_clock);
        let Opened { served, plan, tls } = open(&config, registry)?;
        let receipt_secret = plan.receipt_secret();
        tracing::info!(
            config = config.live.file().map(|file| file.display().to_string()),
            driver = ?config.driver.kind,
            reason = config.driver_reason,
            cores = config.cores,
            shards = plan.shards(),
            storage = ?config.mesh.storage,
            "starting"
        );
        let all = served.iter().flat_map(|served| &served.listening);
        let listening: Vec<Listening> = all.cloned().collect();
        let node_address = plan.node_address();
        let names = listening.iter().map(Listening::name);
        let endpoint_figures = EndpointFigures::new(names, config.cores);
        let shutdown = Shutdown::new();
        let supervisor = match until {
            Until::Signal => Supervisor::asked_for()?,
            Until::Told => None,
        };
        let (ready, readiness) = mpsc::channel::<Result<(), ServerError>>();
        let has_journals = !matches!(config.mesh.storage, Storage::Memory);
        let auth = config.sqs.auth.clone().or(config.pubsub_auth);
        let credentials = auth.map(|auth| auth.credentials);
        let credentials = credentials.or(config.admin_auth.credentials);
        let credentials = credentials.filter(Credentials::has_file);
        let core = Core {
            live: config.live,
            sqs: config.sqs,
            interceptors: config.interceptors.clone(),
            http: config.http,
            net: config.net,
            tls: tls.clone(),
            credentials,
            served: Arc::new(served),
            parts: plan.into_parts(),
            receipt_secret,
            observers: Observers::new(config.cores),
            connections: ConnectionList::new(config.cores),
            endpoint_figures,
            until,
            supervisor: supervisor.clone(),
            shutdown: shutdown.clone(),
            ended: Shutdown::new(),
            serving: Arc::new(AtomicUsize::new(config.cores)),
            ready,
        };
        let cores = CorePlan {
            count: config.cores,
            pinned: has_journals,
        };
        let threads = spawn_cores(config.driver, cores, move |index| core.clone().run(index))?;
        for _ in 0..config.cores {
            // Every core says one thing, whatever befalls it; see `Readiness`.
            match readiness.recv() {
                Ok(said) => said?,
                Err(_) => return Err(io::Error::other("the cores are gone").into()),
            }
        }
        Ok(Self {
            listening,
            shutdown,
            threads,
            node_address,
            supervisor,
            interceptors: config.interceptors,
            tls,
        })
    }

    /// Where it listens.
    pub fn listening(&self) -> &[Listening] {
        &self.listening
    }

    /// What stops it: no more is accepted, what is under way may end within
    /// [`NetLimits::shutdown_ms_max`](crate::net::NetLimits::shutdown_ms_max).
    pub fn shutdown(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// Waits until it has stopped.
    pub fn join(self) -> Result<(), ServerError> {
        let ended = self.threads.join();
        self.interceptors.flush();
        Ok(ended?)
    }
}

/// Prints which file was read and where each endpoint listens, for people and for scripts that wait for it.
fn announce(server: &Server, file: Option<&Path>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if let Some(file) = file {
        writeln!(out, "config {}", file.display())?;
    }
    for listening in server.listening() {
        writeln!(out, "listening {} {listening}", listening.name())?;
    }
    if let Some(address) = server.node_address {
        writeln!(out, "listening nodes tcp://{address}")?;
    }
    if let Some(tls) = &server.tls {
        writeln!(out, "tls {tls}")?;
    }
    writeln!(out, "ready")?;
    out.flush()
}
