//! A port for metrics and health alone, where one is asked for.

use super::registry::{Dialect, Endpoint, OnCore, StartOnCore};
use crate::admin::{Metrics, MetricsEndpoint, MetricsSettings, Periods, SCRAPES_MAX, Turns};
use crate::config::{Config, Service};
use crate::http::{Http, HttpLimits};
use crate::interceptors::Interceptors;
use crate::net::AnyProtocol;
use crate::otlp::Exporter;
use crate::runtime::{Shutdown, spawn_local, timeout, wall_clock};
use std::error::Error;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

pub(super) struct MetricsDialect {
    endpoints: Vec<Endpoint>,
    limits: HttpLimits,
    settings: MetricsSettings,
    interceptors: Interceptors,
    /// Time between two tellings of a collector.
    told_every: Option<Duration>,
}

impl MetricsDialect {
    pub(super) fn new(config: &Config, settings: MetricsSettings) -> Self {
        let endpoint = |port| Endpoint {
            name: "metrics",
            scheme: config.scheme(),
            address: SocketAddr::new(config.bind, port),
        };
        Self {
            endpoints: config.ports.metrics.map(endpoint).into_iter().collect(),
            limits: config.http_of(Service::Admin),
            settings,
            interceptors: config.interceptors.clone(),
            told_every: config
                .otlp
                .as_ref()
                .filter(|otlp| otlp.metrics_ms > 0)
                .map(|otlp| Duration::from_millis(otlp.metrics_ms)),
        }
    }
}

/// Tells a collector, again and again and once more at the end.
async fn tell(metrics: Rc<Metrics>, exporter: Exporter, every: Duration, shutdown: Shutdown) {
    loop {
        let ends = timeout(every, shutdown.wait()).await.is_ok();
        match metrics.text().await {
            Ok(text) => exporter.metrics(text, wall_clock()),
            Err(error) => tracing::warn!(error, "no metrics for the OTLP collector"),
        }
        if ends {
            return;
        }
    }
}

/// How metrics are shown, here and on the admin port.
pub(super) fn settings(config: &Config) -> MetricsSettings {
    MetricsSettings {
        series_max: config.metrics_series_max,
        backend: config.mesh.storage.name(),
        bodies: config.http.bodies.clone(),
        turns: (0..config.cores).map(|_| Turns::default()).collect(),
        scrapes: Arc::new(Semaphore::new(SCRAPES_MAX)),
        periods: Arc::new(Periods::default()),
        refusals: config.interceptors.refusals.clone(),
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
        if core.mesh.core() == 0
            && let (Some(every), Some(exporter)) = (self.told_every, self.interceptors.exporter())
        {
            let (metrics, shutdown) = (metrics.clone(), core.shutdown.clone());
            spawn_local(tell(metrics, exporter, every, shutdown));
        }
        let endpoint = MetricsEndpoint::new(metrics, &limits);
        Rc::new(Http::new(limits, move |request, _| {
            endpoint.clone().handle(request)
        }))
    }
}
