//! The admin endpoint: what the server does, and its queues, as JSON over HTTP, and metrics.
//!
//! It reaches all shards through the mesh, from whichever core a connection is on. What changes a
//! queue goes through the dialect's own action, so that its checks and texts are the same.

mod answers;
mod config;
mod controls;
mod metrics;
mod metrics_endpoint;
mod portable;
mod queues;
mod routes;
mod stats;

use crate::config::Live;
use crate::faults::Faults;
use crate::http::{
    Door, HttpLimits, Negotiated, ReplyBody, Streamed, is_preflight, preflight_reply, read_body,
};
use crate::mesh::Mesh;
use crate::observe::Observers;
use crate::pubsub::PubsubEndpoint;
use crate::sqs::{Sqs, SqsConfig};
pub use controls::{Controls, restore_clock};
pub use metrics::{
    Metrics, MetricsSettings, Periods, SCRAPES_MAX, Turns, reference as metrics_reference,
};
pub use metrics_endpoint::MetricsEndpoint;
pub use portable::Shared as Portable;

use answers::{AdminError, AdminResult};
use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;
use std::rc::Rc;
use std::sync::Arc;

/// Topics, subscriptions, snapshots and schemas are reached by Pub/Sub's own REST API.
const PUBSUB_REST: &str = "/v1/projects/";

/// What operators and tests may see and change of the server itself.
#[derive(Clone)]
pub struct Operated {
    /// The configuration in effect.
    pub live: Arc<Live>,
    /// Whether tests may drive the server.
    pub controls: Controls,
    /// Exports, imports and saved states.
    pub portable: Portable,
}

/// One core's admin endpoint.
pub struct Admin {
    mesh: Mesh,
    /// Carries out what changes queues. What it is asked here is not counted among clients' requests.
    sqs: Rc<Sqs>,
    config: SqsConfig,
    metrics: Rc<Metrics>,
    /// Answers what is asked of Pub/Sub's own REST paths.
    pubsub: Option<Rc<PubsubEndpoint>>,
    live: Arc<Live>,
    door: Door,
    limits: Rc<HttpLimits>,
    controls: Controls,
    portable: Portable,
}

impl Admin {
    /// An endpoint on `mesh`, which must be of the calling core.
    pub fn new(
        mesh: Mesh,
        config: SqsConfig,
        receipt_secret: &[u8; 32],
        limits: Rc<HttpLimits>,
        metrics: Rc<Metrics>,
        pubsub: Option<Rc<PubsubEndpoint>>,
        operated: Operated,
    ) -> Rc<Self> {
        let Operated {
            live,
            controls,
            portable,
        } = operated;
        let uncounted = Observers::new(1).of_core(0);
        let sqs = Sqs::new(
            mesh.clone(),
            config.clone(),
            receipt_secret,
            limits.clone(),
            uncounted,
            Faults::default(),
        );
        Rc::new(Self {
            mesh,
            sqs,
            config,
            metrics,
            pubsub,
            live,
            door: Door::new(&limits.callers),
            limits,
            controls,
            portable,
        })
    }

    /// Answers one request.
    pub async fn handle(self: Rc<Self>, request: Request<Incoming>) -> Response<Streamed> {
        if let Err(refusal) = self.door.admit(&request) {
            return AdminError::forbidden(refusal).answer().map(Streamed::Whole);
        }
        if is_preflight(&request) {
            return preflight_reply(request.headers()).map(Streamed::Whole);
        }
        if request.uri().path().starts_with(PUBSUB_REST)
            && let Some(pubsub) = &self.pubsub
        {
            return pubsub.rest_inside(request).await.map(Streamed::Whole);
        }
        let (head, body) = request.into_parts();
        // Of any length: these are never collected.
        if portable::is_export(&head) {
            return stream_or_refusal(portable::export(&self, &head).await);
        }
        if portable::is_import(&head) {
            return stream_or_refusal(portable::import(&self, &head, body).await);
        }
        let asked = Negotiated::of(&head.headers);
        let mut answer = self
            .answer(head, body)
            .await
            .unwrap_or_else(AdminError::answer);
        asked.finish(&mut answer);
        answer.map(Streamed::Whole)
    }

    async fn answer(&self, head: Parts, body: Incoming) -> AdminResult<Response<ReplyBody>> {
        let body = read_body(body, &self.limits)
            .await
            .map_err(AdminError::unread)?;
        routes::answer(self, &head, &body).await
    }
}

fn stream_or_refusal(outcome: AdminResult<Response<Streamed>>) -> Response<Streamed> {
    outcome.unwrap_or_else(|refusal| refusal.answer().map(Streamed::Whole))
}
