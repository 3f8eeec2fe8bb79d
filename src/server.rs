//! The running server: cores, endpoints, and an orderly end.

use crate::config::{Config, Endpoint};
use crate::http;
use crate::mesh::{Mesh, MeshError, MeshParts, MeshPlan};
use crate::pubsub::push::PushSetupError;
use crate::pubsub::{OutsidePlan, PubsubEndpoint};
use crate::runtime::{SharedListener, Shutdown, shutdown_signal, spawn_cores, spawn_local};
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
}

type Listeners = Vec<(Endpoint, SharedListener)>;

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

/// Checks that the server could start, and prints how it would.
pub fn check(config: Config) -> Result<(), ServerError> {
    let listeners = bind(&config)?;
    outside(&config)?;
    let plan = MeshPlan::new(config.mesh.clone())?;
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
    // Ports first, since they are the likeliest to be refused and the cheapest to give back.
    let listeners = bind(&config)?;
    let plan = MeshPlan::new(config.mesh.clone())?;
    let receipt_secret = plan.receipt_secret();
    tracing::info!(
        driver = ?config.driver,
        reason = config.driver_reason,
        cores = config.cores,
        shards = plan.shards(),
        storage = ?config.mesh.storage,
        "starting"
    );
    let (ready, readiness) = mpsc::channel::<Result<(), MeshError>>();
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
        // A core that ends before it is ready drops its sender; `join` below says why.
        match readiness.recv() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => break,
        }
    }
    announce(&listeners)?;
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
    ready: mpsc::Sender<Result<(), MeshError>>,
}

impl Core {
    async fn run(self, index: usize) {
        let mesh = match self.parts.start(index) {
            Ok(mesh) => mesh,
            Err(error) => {
                let _ = self.ready.send(Err(error));
                return;
            }
        };
        let endpoints = match self.endpoints(index, &mesh) {
            Ok(endpoints) => endpoints,
            Err(error) => {
                tracing::error!(%error, core = index, "can't listen");
                return;
            }
        };
        // Before anybody is told that we are ready: a signal may follow at once.
        let asked_to_end = (index == 0).then(shutdown_signal);
        let _ = self.ready.send(Ok(()));
        if let Some(asked_to_end) = asked_to_end {
            let shutdown = self.shutdown.clone();
            spawn_local(async move {
                if let Err(error) = asked_to_end.await {
                    tracing::error!(%error, "can't listen for signals");
                    return;
                }
                tracing::info!("stopping");
                shutdown.trigger();
            });
        }
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

    /// What serves each endpoint on this core, to its end.
    fn endpoints(
        &self,
        index: usize,
        mesh: &Mesh,
    ) -> io::Result<Vec<Pin<Box<dyn Future<Output = ()>>>>> {
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
        let mut serving: Vec<Pin<Box<dyn Future<Output = ()>>>> = Vec::new();
        for (endpoint, listener) in &self.listeners {
            let listener = listener.listener(index)?;
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
