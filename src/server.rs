//! The running server: cores, endpoints, and an orderly end.

use crate::config::Config;
use crate::http;
use crate::mesh::{MeshError, MeshPlan};
use crate::runtime::{SharedListener, Shutdown, shutdown_signal, spawn_cores};
use crate::sqs::Sqs;
use std::io::{self, Write};
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
}

/// Checks that the server could start, and prints how it would.
pub fn check(config: Config) -> Result<(), ServerError> {
    let listener = SharedListener::bind(config.sqs_address, config.cores)?;
    let plan = MeshPlan::new(config.mesh.clone())?;
    let mut out = io::stdout().lock();
    writeln!(out, "sqs      http://{}", listener.local_addr())?;
    writeln!(
        out,
        "driver   {:?} ({})",
        config.driver, config.driver_reason
    )?;
    writeln!(out, "cores    {}", config.cores)?;
    writeln!(out, "shards   {}", plan.shards())?;
    writeln!(out, "storage  {:?}", config.mesh.storage)?;
    Ok(())
}

/// Runs the server until a signal ends it.
pub fn run(config: Config) -> Result<(), ServerError> {
    // Ports first, since they are the likeliest to be refused and the cheapest to give back.
    let sqs_listener = SharedListener::bind(config.sqs_address, config.cores)?;
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
    let parts = plan.into_parts();
    let shutdown = Shutdown::new();
    // A core's shards serve the requests of all cores, so they close when the last has ended.
    let ended = Shutdown::new();
    let serving = Arc::new(AtomicUsize::new(config.cores));
    let (ready, readiness) = mpsc::channel::<Result<(), MeshError>>();
    let threads = {
        let (listener, config, shutdown) = (sqs_listener.clone(), config.clone(), shutdown.clone());
        spawn_cores(config.driver, config.cores, move |core| {
            let (listener, config, shutdown) = (listener.clone(), config.clone(), shutdown.clone());
            let (ended, serving) = (ended.clone(), serving.clone());
            let (parts, ready) = (parts.clone(), ready.clone());
            async move {
                let mesh = match parts.start(core) {
                    Ok(mesh) => mesh,
                    Err(error) => {
                        let _ = ready.send(Err(error));
                        return;
                    }
                };
                let limits = Rc::new(config.limits.clone());
                let sqs = Sqs::new(
                    mesh.clone(),
                    config.sqs.clone(),
                    &receipt_secret,
                    limits.clone(),
                );
                let listener = match listener.listener(core) {
                    Ok(listener) => listener,
                    Err(error) => {
                        tracing::error!(%error, core, "can't listen");
                        return;
                    }
                };
                let _ = ready.send(Ok(()));
                if core == 0 {
                    let shutdown = shutdown.clone();
                    crate::runtime::spawn_local(async move {
                        if let Err(error) = shutdown_signal().await {
                            tracing::error!(%error, "can't listen for signals");
                            return;
                        }
                        tracing::info!("stopping");
                        shutdown.trigger();
                    });
                }
                {
                    let (mesh, shutdown) = (mesh.clone(), shutdown.clone());
                    crate::runtime::spawn_local(async move {
                        shutdown.wait().await;
                        mesh.stop();
                    });
                }
                let handler = move |request| sqs.clone().handle(request);
                http::serve(listener, limits, handler, shutdown).await;
                if serving.fetch_sub(1, Ordering::SeqCst) == 1 {
                    ended.trigger();
                }
                ended.wait().await;
                mesh.close(Duration::from_millis(config.limits.shutdown_ms_max))
                    .await;
            }
        })?
    };
    for _ in 0..config.cores {
        // A core that ends before it is ready drops its sender; `join` below says why.
        match readiness.recv() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => break,
        }
    }
    announce(&[("sqs", sqs_listener.local_addr())])?;
    threads.join()?;
    tracing::info!("stopped");
    Ok(())
}

/// Prints where each endpoint listens, for people and for scripts that wait for it.
fn announce(endpoints: &[(&str, std::net::SocketAddr)]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for (name, address) in endpoints {
        writeln!(out, "listening {name} http://{address}")?;
    }
    writeln!(out, "ready")?;
    out.flush()
}
