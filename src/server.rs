//! The running server: cores, endpoints, and an orderly end.

use crate::config::{Config, Endpoint};
use crate::http;
use crate::mesh::{Mesh, MeshError, MeshParts, MeshPlan, Storage};
use crate::pubsub::push::PushSetupError;
use crate::pubsub::{OutsidePlan, PubsubEndpoint};
use crate::runtime::{
    DescriptorPlan, DriverKind, SharedListener, Shutdown, descriptors_open, shutdown_signal,
    spawn_cores, spawn_local,
};
use crate::sqs::Sqs;
use std::future::Future;
use std::io::{self, Write};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// Why the server can't start, or stopped other than by being asked to.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// A port can't be had, or a thread can't be started.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// What is stored can't be used.
    #[error("{0}")]
    Mesh(#[from] MeshError),
    /// Push can't be set up as asked.
    #[error("{0}")]
    Push(#[from] PushSetupError),
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

type Listeners = Vec<(Endpoint, SharedListener)>;
/// What serves the endpoints of one core, each to its end.
type Serving = Vec<Pin<Box<dyn Future<Output = ()>>>>;

fn bind(config: &Config) -> io::Result<Listeners> {
    let bind_one = |(endpoint, address): &(Endpoint, _)| {
        Ok((*endpoint, SharedListener::bind(*address, config.cores)?))
    };
    config.endpoints.iter().map(bind_one).collect()
}

fn outside(config: &Config) -> Result<OutsidePlan, PushSetupError> {
    OutsidePlan::new(
        config.push.clone(),
        config.cloud_storage.clone(),
        config.cores,
    )
}

/// What is going to be open with so many shards.
fn descriptors(config: &Config, shards: u16) -> DescriptorPlan {
    let on_disk = matches!(config.mesh.storage, Storage::Sqlite { .. });
    DescriptorPlan {
        cores: config.cores,
        rings: config.driver == DriverKind::IoUring,
        listeners: config.endpoints.len(),
        shards_on_disk: if on_disk { shards.into() } else { 0 },
        connections_max: config.limits.connections_per_core_max * config.cores,
    }
}

/// Has the ports and the data directory, and the descriptors for all that comes after them.
fn open(config: &Config) -> Result<(Listeners, MeshPlan), ServerError> {
    let open = descriptors_open();
    // A directory knows how many shards it has. Until it is opened, as many as it would get.
    let shards = config.mesh.shards.unwrap_or(config.cores as u16);
    descriptors(config, shards).provide(open)?;
    // Ports first, since they are the likeliest to be refused and the cheapest to give back.
    let listeners = bind(config)?;
    let plan = MeshPlan::new(config.mesh.clone())?;
    descriptors(config, plan.shards()).provide(open)?;
    Ok((listeners, plan))
}

/// Checks that the server could start, and prints how it would.
pub fn check(config: Config) -> Result<(), ServerError> {
    let (listeners, plan) = open(&config)?;
    outside(&config)?;
    let mut out = io::stdout().lock();
    for (endpoint, listener) in &listeners {
        writeln!(
            out,
            "{:<12} http://{}",
            endpoint.name(),
            listener.local_addr()
        )?;
    }
    writeln!(
        out,
        "driver       {:?} ({})",
        config.driver, config.driver_reason
    )?;
    writeln!(out, "cores        {}", config.cores)?;
    writeln!(out, "shards       {}", plan.shards())?;
    writeln!(out, "storage      {:?}", config.mesh.storage)?;
    Ok(())
}

/// Runs the server until a signal ends it.
pub fn run(config: Config) -> Result<(), ServerError> {
    let (listeners, plan) = open(&config)?;
    let receipt_secret = plan.receipt_secret();
    tracing::info!(
        driver = ?config.driver,
        reason = config.driver_reason,
        cores = config.cores,
        shards = plan.shards(),
        storage = ?config.mesh.storage,
        "starting"
    );
    let (ready, readiness) = mpsc::channel::<Result<(), ServerError>>();
    let core = Core {
        listeners: listeners.clone(),
        parts: plan.into_parts(),
        receipt_secret,
        outside: outside(&config)?,
        shutdown: Shutdown::new(),
        ended: Shutdown::new(),
        serving: Arc::new(AtomicUsize::new(config.cores)),
        ready,
        config: config.clone(),
    };
    let threads = spawn_cores(config.driver, config.cores, move |index| {
        core.clone().run(index)
    })?;
    for _ in 0..config.cores {
        // Every core says one thing, whatever befalls it; see `Readiness`.
        match readiness.recv() {
            Ok(said) => said?,
            Err(_) => return Err(io::Error::other("the cores are gone").into()),
        }
    }
    if let Err(error) = announce(&listeners) {
        // Whoever started it doesn't listen; its clients may all the same.
        tracing::warn!(%error, "nobody was told that this is ready");
    }
    threads.join()?;
    tracing::info!("stopped");
    Ok(())
}

/// What one core takes to run.
#[derive(Clone)]
struct Core {
    config: Config,
    listeners: Listeners,
    parts: MeshParts,
    receipt_secret: [u8; 32],
    outside: OutsidePlan,
    shutdown: Shutdown,
    /// A core's shards serve the requests of all cores, so they close when the last has ended.
    ended: Shutdown,
    serving: Arc<AtomicUsize>,
    ready: mpsc::Sender<Result<(), ServerError>>,
}

/// Says for one core that it is ready or can't be, once; if it panics before, this says so.
struct Readiness {
    core: usize,
    tell: mpsc::Sender<Result<(), ServerError>>,
    said: bool,
}

impl Readiness {
    fn say(mut self, ready: Result<(), ServerError>) {
        self.said = true;
        let _ = self.tell.send(ready);
    }
}

impl Drop for Readiness {
    fn drop(&mut self) {
        if !self.said {
            let _ = self.tell.send(Err(ServerError::CoreEnded(self.core)));
        }
    }
}

impl Core {
    async fn run(self, index: usize) {
        let readiness = Readiness {
            core: index,
            tell: self.ready.clone(),
            said: false,
        };
        let (mesh, endpoints) = match self.start(index) {
            Ok(started) => {
                readiness.say(Ok(()));
                started
            }
            Err(error) => return readiness.say(Err(error)),
        };
        {
            let (mesh, shutdown) = (mesh.clone(), self.shutdown.clone());
            spawn_local(async move {
                shutdown.wait().await;
                mesh.stop();
            });
        }
        futures_util::future::join_all(endpoints).await;
        if self.serving.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.ended.trigger();
        }
        self.ended.wait().await;
        let within = Duration::from_millis(self.config.limits.shutdown_ms_max);
        mesh.close(within).await;
    }

    /// All that can fail. When every core has come through it, the server is ready.
    fn start(&self, index: usize) -> Result<(Mesh, Serving), ServerError> {
        let mesh = self.parts.start(index)?;
        let failed = |error| ServerError::Core { core: index, error };
        let endpoints = self.endpoints(index, &mesh).map_err(failed)?;
        // Before anybody is told that we are ready: a signal may follow at once.
        if index == 0 {
            let asked_to_end = shutdown_signal().map_err(|error| {
                failed(io::Error::new(
                    error.kind(),
                    format!("can't listen for signals: {error}"),
                ))
            })?;
            let shutdown = self.shutdown.clone();
            spawn_local(async move {
                asked_to_end.await;
                tracing::info!("stopping");
                shutdown.trigger();
            });
        }
        Ok((mesh, endpoints))
    }

    /// What serves each endpoint on this core, to its end.
    fn endpoints(&self, index: usize, mesh: &Mesh) -> io::Result<Serving> {
        let limits = Rc::new(self.config.limits.clone());
        let sqs = Sqs::new(
            mesh.clone(),
            self.config.sqs.clone(),
            &self.receipt_secret,
            limits.clone(),
        );
        let pubsub = PubsubEndpoint::new(
            mesh.clone(),
            &self.receipt_secret,
            limits.clone(),
            self.outside.on_core(),
        );
        {
            let (pubsub, shutdown) = (pubsub.clone(), self.shutdown.clone());
            spawn_local(async move {
                shutdown.wait().await;
                pubsub.stop();
            });
        }
        let mut serving: Serving = Vec::new();
        for (endpoint, listener) in &self.listeners {
            let address = listener.local_addr();
            let listener = listener.listener(index).map_err(|error| {
                io::Error::new(error.kind(), format!("can't accept on {address}: {error}"))
            })?;
            let (limits, shutdown) = (limits.clone(), self.shutdown.clone());
            serving.push(match endpoint {
                Endpoint::Sqs => {
                    let sqs = sqs.clone();
                    let handler = move |request| sqs.clone().handle(request);
                    Box::pin(http::serve(listener, limits, handler, shutdown))
                }
                Endpoint::Pubsub | Endpoint::PubsubRest => {
                    let pubsub = pubsub.clone();
                    let handler = move |request| pubsub.clone().handle(request);
                    Box::pin(http::serve(listener, limits, handler, shutdown))
                }
            });
        }
        Ok(serving)
    }
}

/// Prints where each endpoint listens, for people and for scripts that wait for it.
fn announce(listeners: &Listeners) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for (endpoint, listener) in listeners {
        writeln!(
            out,
            "listening {} http://{}",
            endpoint.name(),
            listener.local_addr()
        )?;
    }
    writeln!(out, "ready")?;
    out.flush()
}
