//! SQS among what is served.

use super::registry::{Dialect, Endpoint, OnCore, StartOnCore};
use crate::config::{Config, Service};
use crate::http::{Http, HttpLimits};
use crate::interceptors::Interceptors;
use crate::net::AnyProtocol;
use crate::runtime::spawn_local;
use crate::sqs::{Sqs, SqsConfig};
use std::error::Error;
use std::rc::Rc;

pub(super) struct SqsDialect {
    endpoints: Vec<Endpoint>,
    sqs: SqsConfig,
    limits: HttpLimits,
    interceptors: Interceptors,
}

impl SqsDialect {
    pub(super) fn new(config: &Config) -> Self {
        let ports = [("sqs", config.ports.sqs)];
        Self {
            endpoints: config.endpoints(Service::Sqs, &ports),
            sqs: config.sqs.clone(),
            limits: config.http_of(Service::Sqs),
            interceptors: config.interceptors.clone(),
        }
    }
}

impl Dialect for SqsDialect {
    fn endpoints(&self) -> Vec<Endpoint> {
        self.endpoints.clone()
    }

    fn prepare(self: Box<Self>) -> Result<StartOnCore, Box<dyn Error + Send + Sync>> {
        Ok(Box::new(move |core: &OnCore<'_>| self.start(core)))
    }
}

impl SqsDialect {
    fn start(&self, core: &OnCore<'_>) -> Rc<dyn AnyProtocol> {
        let limits = Rc::new(self.limits.clone());
        let mesh = core.mesh.clone();
        let sqs = Sqs::new(
            mesh,
            self.sqs.clone(),
            core.receipt_secret,
            limits.clone(),
            core.observer.clone(),
            self.interceptors.clone(),
        );
        if core.mesh.core() == 0
            && let Some(memory) = self.sqs.account_memory.clone()
        {
            spawn_local(memory.watch(core.mesh.clone(), core.shutdown.clone()));
        }
        let http = Http::new(limits, move |request, arrival| {
            sqs.clone().handle(request, arrival)
        });
        Rc::new(http.watched(self.interceptors.watched.clone()))
    }
}
