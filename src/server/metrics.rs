//! A port for metrics and health alone, where one is asked for.

use super::registry::{Dialect, Endpoint, OnCore, StartOnCore};
use crate::admin::{Metrics, MetricsEndpoint, MetricsSettings, Periods, SCRAPES_MAX, Turns};
use crate::config::Config;
use crate::http::{Http, HttpLimits};
use crate::mesh::Storage;
use crate::net::AnyProtocol;
use std::error::Error;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::Semaphore;

pub(super) struct MetricsDialect {
    endpoints: Vec<Endpoint>,
    limits: HttpLimits,
    settings: MetricsSettings,
}

impl MetricsDialect {
    pub(super) fn new(config: &Config, settings: MetricsSettings) -> Self {
        let endpoint = |port| Endpoint {
            name: "metrics",
            scheme: "http",
            address: SocketAddr::new(config.bind, port),
        };
        Self {
            endpoints: config.ports.metrics.map(endpoint).into_iter().collect(),
            limits: config.http.clone(),
            settings,
        }
    }
}

/// How metrics are shown, here and on the admin port.
pub(super) fn settings(config: &Config) -> MetricsSettings {
    MetricsSettings {
        series_max: config.metrics_series_max,
        backend: match config.mesh.storage {
            Storage::Memory => "memory",
            Storage::Sqlite { .. } => "sqlite",
        },
        bodies: config.http.bodies.clone(),
        turns: (0..config.cores).map(|_| Turns::default()).collect(),
        scrapes: Arc::new(Semaphore::new(SCRAPES_MAX)),
        periods: Arc::new(Periods::default()),
    }
}

/// What a core shows of all cores.
pub(super) fn on_core(core: &OnCore<'_>, settings: &MetricsSettings) -> Rc<Metrics> {
    Metrics::new(
        core.mesh.clone(),
        core.observers.clone(),
        core.endpoint_figures.clone(),
        core.inside.pubsub.borrow().clone(),
        settings.clone(),
    )
}

impl Dialect for MetricsDialect {
    fn endpoints(&self) -> Vec<Endpoint> {
        self.endpoints.clone()
    }

    fn prepare(self: Box<Self>) -> Result<StartOnCore, Box<dyn Error + Send + Sync>> {
        Ok(Box::new(move |core: &OnCore<'_>| self.start(core)))
    }
}

impl MetricsDialect {
    fn start(&self, core: &OnCore<'_>) -> Rc<dyn AnyProtocol> {
        let limits = Rc::new(self.limits.clone());
        let metrics = on_core(core, &self.settings);
        let endpoint = MetricsEndpoint::new(metrics, &limits);
        Rc::new(Http::new(limits, move |request| {
            endpoint.clone().handle(request)
        }))
    }
}
