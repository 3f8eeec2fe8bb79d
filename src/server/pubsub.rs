//! Pub/Sub among what is served.

use super::registry::{Dialect, Endpoint, OnCore, StartOnCore};
use crate::config::{Config, Service};
use crate::http::{Arrival, Http, HttpLimits};
use crate::interceptors::Interceptors;
use crate::net::AnyProtocol;
use crate::pubsub::export::StoreTarget;
use crate::pubsub::push::PushConfig;
use crate::pubsub::{AccessSettings, OutsidePlan, PubsubEndpoint};
use crate::runtime::spawn_local;
use std::error::Error;
use std::rc::Rc;

/// Pub/Sub, which pushes and exports whether or not anybody may ask it.
pub(super) struct PubsubDialect {
    endpoints: Vec<Endpoint>,
    push: PushConfig,
    cloud_storage: Option<StoreTarget>,
    cores: usize,
    limits: HttpLimits,
    interceptors: Interceptors,
    access: AccessSettings,
}

impl PubsubDialect {
    pub(super) fn new(config: &Config) -> Self {
        let ports = [
            ("pubsub", config.ports.pubsub),
            // The same again, for REST clients that expect a port of their own.
            ("pubsub-rest", config.ports.pubsub_rest),
        ];
        Self {
            endpoints: config.endpoints(Service::Pubsub, &ports),
            push: config.push.clone(),
            cloud_storage: config.cloud_storage.clone(),
            cores: config.cores,
            limits: config.http_of(Service::Pubsub),
            interceptors: config.interceptors.clone(),
            access: AccessSettings {
                auth: config.pubsub_auth.clone(),
                quotas: config.quotas.clone(),
            },
        }
    }
}

impl Dialect for PubsubDialect {
    fn endpoints(&self) -> Vec<Endpoint> {
        self.endpoints.clone()
    }

    fn prepare(self: Box<Self>) -> Result<StartOnCore, Box<dyn Error + Send + Sync>> {
        let outside = OutsidePlan::new(self.push, self.cloud_storage, self.cores)?;
        let (limits, interceptors, access) = (self.limits, self.interceptors, self.access);
        Ok(Box::new(move |core: &OnCore<'_>| {
            start(core, &outside, &limits, &interceptors, access.clone())
        }))
    }
}

fn start(
    core: &OnCore<'_>,
    outside: &OutsidePlan,
    limits: &HttpLimits,
    interceptors: &Interceptors,
    access: AccessSettings,
) -> Rc<dyn AnyProtocol> {
    let limits = Rc::new(limits.clone());
    let mesh = core.mesh.clone();
    let outside = outside.on_core();
    let looks_at_peers = access.auth.is_some() || access.quotas.is_some();
    let pubsub = PubsubEndpoint::new(
        mesh,
        core.receipt_secret,
        limits.clone(),
        outside,
        core.observer.clone(),
        interceptors.clone(),
        access,
    );
    {
        let (pubsub, shutdown) = (pubsub.clone(), core.shutdown.clone());
        spawn_local(async move {
            shutdown.wait().await;
            pubsub.stop();
        });
    }
    *core.inside.pubsub.borrow_mut() = Some(pubsub.clone());
    let http = Http::new(limits, move |mut request, arrival: Arrival| {
        if looks_at_peers {
            arrival.tell(request.extensions_mut());
        }
        pubsub.clone().handle(request)
    });
    Rc::new(http.watched(interceptors.watched.clone()))
}
