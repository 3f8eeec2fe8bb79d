//! The admin endpoint among what is served.

use super::metrics;
use super::registry::{Dialect, Endpoint, OnCore, StartOnCore};
use crate::admin::{Admin, MetricsSettings, Operated, Surroundings};
use crate::config::{Config, Service};
use crate::http::{Arrival, Http, HttpLimits};
use crate::interceptors::Interceptors;
use crate::net::AnyProtocol;
use crate::sqs::SqsConfig;
use std::error::Error;
use std::rc::Rc;

/// Where nobody says otherwise.
const PORT_DEFAULT: u16 = 9000;

pub(super) struct AdminDialect {
    endpoints: Vec<Endpoint>,
    is_asked_for: bool,
    sqs: SqsConfig,
    limits: HttpLimits,
    operated: Operated,
    metrics: MetricsSettings,
    interceptors: Interceptors,
}

impl AdminDialect {
    pub(super) fn new(config: &Config, metrics: MetricsSettings) -> Self {
        let ports = [("admin", config.ports.admin.unwrap_or(PORT_DEFAULT))];
        Self {
            endpoints: config.endpoints(Service::Admin, &ports),
            is_asked_for: config.ports.admin.is_some(),
            sqs: config.sqs.clone(),
            limits: config.http_of(Service::Admin),
            operated: Operated::new(
                config.live.clone(),
                config.controls.clone(),
                config.admin_auth.clone(),
            ),
            metrics,
            interceptors: config.interceptors.clone(),
        }
    }
}

impl Dialect for AdminDialect {
    fn endpoints(&self) -> Vec<Endpoint> {
        self.endpoints.clone()
    }

    /// A second server on a machine would not start for want of a port that few look at.
    fn is_dispensable(&self) -> bool {
        !self.is_asked_for
    }

    fn prepare(self: Box<Self>) -> Result<StartOnCore, Box<dyn Error + Send + Sync>> {
        Ok(Box::new(move |core: &OnCore<'_>| self.start(core)))
    }
}

impl AdminDialect {
    fn start(&self, core: &OnCore<'_>) -> Rc<dyn AnyProtocol> {
        let limits = Rc::new(self.limits.clone());
        let admin = Admin::new(
            core.mesh.clone(),
            self.sqs.clone(),
            core.receipt_secret,
            limits.clone(),
            Surroundings {
                metrics: metrics::on_core(core, &self.metrics),
                observers: core.observers.clone(),
                connections: core.connections.clone(),
                listening: core.listening.to_vec(),
                shutdown: core.shutdown.clone(),
                interceptors: self.interceptors.clone(),
                pubsub: core.inside.pubsub.borrow().clone(),
            },
            self.operated.clone(),
        );
        let http = Http::new(limits, move |mut request, arrival: Arrival| {
            arrival.tell(request.extensions_mut());
            admin.clone().handle(request)
        });
        Rc::new(http)
    }
}
