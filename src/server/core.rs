//! One core of the server, from its start to its end.

use super::declare::{Plan, Services};
use super::registry::{Inside, OnCore, StartOnCore};
use super::reload::{reload, reload_certificates, reload_credentials};
use super::supervisor::{News, Supervisor};
use super::{Listening, ServerError, Until};
use crate::admin::EndpointView;
use crate::config::Live;
use crate::credentials::Credentials;
use crate::http::HttpLimits;
use crate::interceptors::Interceptors;
use crate::mesh::{Mesh, MeshParts};
use crate::net::{ConnectionList, EndpointFigures, NetLimits, Secure};
use crate::observe::Observers;
use crate::runtime::{Shutdown, reload_signal, shutdown_signal, spawn_local};
use crate::sqs::{Sqs, SqsConfig};
use crate::tls::{Tls, TlsOnCore};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// What serves the endpoints of one core, each to its end.
type Serving = Vec<Pin<Box<dyn Future<Output = ()>>>>;

/// A dialect and where it listens.
pub(super) struct Served {
    pub(super) start: StartOnCore,
    pub(super) listening: Vec<Listening>,
}

/// An endpoint, for those who ask.
fn shown(listening: &Listening) -> EndpointView {
    let address = listening.address();
    EndpointView {
        name: listening.name(),
        address: address.ip().to_string(),
        port: address.port(),
    }
}

/// What one core takes to run.
#[derive(Clone)]
pub(super) struct Core {
    /// What declares what the first core makes before it is ready.
    pub(super) live: Arc<Live>,
    pub(super) sqs: SqsConfig,
    pub(super) interceptors: Interceptors,
    pub(super) http: HttpLimits,
    pub(super) net: NetLimits,
    pub(super) tls: Option<Tls>,
    /// Who is known, where anybody looks.
    pub(super) credentials: Option<Credentials>,
    pub(super) served: Arc<Vec<Served>>,
    pub(super) parts: MeshParts,
    pub(super) receipt_secret: [u8; 32],
    pub(super) observers: Observers,
    pub(super) connections: ConnectionList,
    pub(super) endpoint_figures: EndpointFigures,
    pub(super) until: Until,
    /// Who wants to know how the server is.
    pub(super) supervisor: Option<Supervisor>,
    pub(super) shutdown: Shutdown,
    /// A core's shards serve the requests of all cores, so they close when the last has ended.
    pub(super) ended: Shutdown,
    pub(super) serving: Arc<AtomicUsize>,
    pub(super) ready: mpsc::Sender<Result<(), ServerError>>,
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
    pub(super) async fn run(self, index: usize) {
        let readiness = Readiness {
            core: index,
            tell: self.ready.clone(),
            said: false,
        };
        let inside = Inside::default();
        let (mesh, endpoints) = match self.start(index, &inside) {
            Ok(started) => started,
            Err(error) => return readiness.say(Err(error)),
        };
        // Nobody is let in before: this core accepts.
        let declared = match index {
            0 => {
                mesh.settled().await;
                self.declare(&mesh, &inside).await
            }
            _ => Ok(()),
        };
        if declared.is_err() {
            self.shutdown.trigger();
        }
        readiness.say(declared);
        if index == 0
            && let Some(supervisor) = self.supervisor.clone()
        {
            supervisor.watch(mesh.clone());
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
        let within = Duration::from_millis(self.net.shutdown_ms_max);
        mesh.close(within).await;
    }

    /// All that can fail. When every core has come through it, the server is ready.
    fn start(&self, index: usize, inside: &Inside) -> Result<(Mesh, Serving), ServerError> {
        let mesh = self.parts.start(index)?;
        let failed = |error| ServerError::Core { core: index, error };
        let endpoints = self.endpoints(index, &mesh, inside).map_err(failed)?;
        // Before anybody is told that we are ready: a signal may follow at once.
        if index == 0 && self.until == Until::Signal {
            let asked_to_end = shutdown_signal().map_err(|error| {
                failed(io::Error::new(
                    error.kind(),
                    format!("can't listen for signals: {error}"),
                ))
            })?;
            let (shutdown, supervisor) = (self.shutdown.clone(), self.supervisor.clone());
            let of_core = mesh.clone();
            self.read_again_when_asked().map_err(failed)?;
            spawn_local(async move {
                asked_to_end.await;
                tracing::info!("stopping");
                if let Some(supervisor) = supervisor {
                    supervisor.tell(News::Stopping);
                }
                // Others take over while this one still answers.
                of_core.hand_over().await;
                shutdown.trigger();
            });
        }
        Ok((mesh, endpoints))
    }

    /// Has files read or opened again when a signal asks for it. The configuration's own is read after the
    /// server has made what it declares.
    fn read_again_when_asked(&self) -> io::Result<()> {
        let (interceptors, credentials, tls) = (
            self.interceptors.clone(),
            self.credentials.clone(),
            self.tls.clone(),
        );
        if !interceptors.has_files() && credentials.is_none() && tls.is_none() {
            return Ok(());
        }
        let mut asked = reload_signal()?;
        spawn_local(async move {
            loop {
                asked.wait().await;
                interceptors.reopen();
                if let Some(credentials) = &credentials {
                    reload_credentials(credentials).await;
                }
                if let Some(tls) = &tls {
                    reload_certificates(tls).await;
                }
            }
        });
        Ok(())
    }

    /// Makes what the configuration declares, and goes on with that when it is asked to.
    async fn declare(&self, mesh: &Mesh, inside: &Inside) -> Result<(), ServerError> {
        let pubsub = inside.pubsub.borrow().clone();
        let (Some(_), Some(pubsub)) = (self.live.file(), pubsub) else {
            return Ok(());
        };
        let limits = Rc::new(self.http.clone());
        // What the server asks itself is not counted among clients' requests.
        let uncounted = Observers::new(1).of_core(0);
        let (mesh, config) = (mesh.clone(), self.sqs.clone().inside());
        let sqs = Sqs::new(
            mesh,
            config,
            &self.receipt_secret,
            limits,
            uncounted,
            Interceptors::default(),
        );
        let services = Services { sqs, pubsub };
        let made = Plan::of(&self.live.loaded()).make(&services).await;
        made.map_err(ServerError::Declared)?;
        if self.until == Until::Signal {
            let mut asked = reload_signal().map_err(ServerError::Io)?;
            let live = self.live.clone();
            spawn_local(async move {
                loop {
                    asked.wait().await;
                    // It has said in the log what came of it.
                    let _ = reload(&live, &services).await;
                }
            });
        }
        Ok(())
    }

    /// What serves each endpoint on this core, to its end.
    fn endpoints(&self, index: usize, mesh: &Mesh, inside: &Inside) -> io::Result<Serving> {
        let all = self.served.iter().flat_map(|served| &served.listening);
        let listening: Vec<EndpointView> = all.map(shown).collect();
        let on_core = OnCore {
            mesh,
            listening: &listening,
            receipt_secret: &self.receipt_secret,
            observer: &self.observers.of_core(index),
            observers: &self.observers,
            connections: &self.connections,
            endpoint_figures: &self.endpoint_figures,
            shutdown: &self.shutdown,
            inside,
        };
        let secure = self.tls.clone().map(TlsOnCore::new);
        let secure = secure.map(|secure| Rc::new(secure) as Rc<dyn Secure>);
        let mut serving: Serving = Vec::new();
        for dialect in self.served.iter() {
            let protocol = (dialect.start)(&on_core);
            for listening in &dialect.listening {
                let listener = listening.listener.listener(index).map_err(|error| {
                    let address = listening.listener.local_addr();
                    io::Error::new(error.kind(), format!("can't accept on {address}: {error}"))
                })?;
                let (net, shutdown) = (self.net.clone(), self.shutdown.clone());
                let protocol = protocol.clone();
                let name = listening.name();
                let listing = Some(self.connections.listing(index, name));
                let figures = self.endpoint_figures.of(name, index);
                let secure = secure.clone();
                serving.push(
                    protocol.serve_listener(listener, net, secure, shutdown, listing, figures),
                );
            }
        }
        Ok(serving)
    }
}
