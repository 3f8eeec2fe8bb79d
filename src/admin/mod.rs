//! The admin endpoint: what the server does, and its queues, as JSON over HTTP, and metrics.
//!
//! It reaches all shards through the mesh, from whichever core a connection is on. What changes a
//! queue goes through the dialect's own action, so that its checks and texts are the same.

mod answers;
mod attention;
mod chosen;
mod cluster;
mod config;
mod connections;
mod controls;
mod cores;
mod dead_letters;
mod endpoints;
mod events;
mod gate;
mod groups;
mod history;
mod journeys;
mod messages;
mod metrics;
mod metrics_endpoint;
mod moves;
mod openapi;
mod operations;
mod pages;
mod policies;
mod portable;
mod pubsub;
mod pubsub_lists;
mod pubsub_messages;
mod pubsub_peek;
mod pubsub_streams;
mod queues;
mod reference;
mod refusals;
mod route;
mod routes;
mod sessions;
mod stats;
mod tail;
mod transforms;
mod watched;

use crate::config::Live;
use crate::console;
use crate::credentials::{AdminAuth, Scope};
use crate::http::{
    Door, HttpLimits, Negotiated, Refusal, ReplyBody, is_preflight, preflight_reply, skip_body,
};
use crate::interceptors::Interceptors;
use crate::mesh::{Mesh, wall_clock};
use crate::net::ConnectionList;
use crate::observe::Observers;
use crate::pubsub::PubsubEndpoint;
use crate::runtime::{Shutdown, core_index};
use crate::sqs::{Sqs, SqsConfig};
pub use answers::AdminBody;
pub use controls::{Controls, restore_clock};
pub use endpoints::EndpointView;
pub use metrics::{
    Metrics, MetricsSettings, Periods, SCRAPES_MAX, Turns, reference as metrics_reference,
};
pub use metrics_endpoint::MetricsEndpoint;
pub use openapi::document as openapi_document;
pub use reference::reference;

use answers::AdminError;
use attention::Attention;
use events::Subscribers;
use gate::Gate;
use history::History;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use portable::Shared as Portable;
use sessions::Sessions;
use std::rc::Rc;
use std::sync::Arc;
use watched::Watched;

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
    portable: Portable,
    /// Those who follow events, on all cores.
    pub(crate) subscribers: Subscribers,
    /// What was in the last minutes.
    history: History,
    watched: Watched,
    attention: Attention,
    /// Who may ask.
    auth: AdminAuth,
    sessions: Sessions,
    /// Tells this run of the server from others.
    run: String,
}

impl Operated {
    /// Of a server that starts now.
    pub fn new(live: Arc<Live>, controls: Controls, auth: AdminAuth) -> Self {
        Self {
            live,
            controls,
            auth,
            sessions: Sessions::default(),
            portable: Portable::default(),
            subscribers: Subscribers::default(),
            history: History::default(),
            watched: Watched::default(),
            attention: Attention::default(),
            run: format!("{:x}", wall_clock()),
        }
    }
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
    gate: Gate,
    /// Whether who asks has to show a token.
    enforces_auth: bool,
    limits: Rc<HttpLimits>,
    controls: Controls,
    portable: Portable,
    subscribers: Subscribers,
    history: History,
    watched: Watched,
    attention: Attention,
    listening: Vec<EndpointView>,
    run: String,
    observers: Observers,
    connections: ConnectionList,
    shutdown: Shutdown,
    interceptors: Interceptors,
}

/// What one core's endpoint works with, beside the mesh.
pub struct Surroundings {
    /// Shows what all cores count.
    pub metrics: Rc<Metrics>,
    /// What all cores took note of.
    pub observers: Observers,
    /// The open connections of all cores.
    pub connections: ConnectionList,
    /// Where the server listens.
    pub listening: Vec<EndpointView>,
    /// Tells when the server stops.
    pub shutdown: Shutdown,
    /// What hangs on clients' requests.
    pub interceptors: Interceptors,
    /// Answers what is asked of Pub/Sub's own REST paths.
    pub pubsub: Option<Rc<PubsubEndpoint>>,
}

impl Admin {
    /// An endpoint on `mesh`, which must be of the calling core.
    pub fn new(
        mesh: Mesh,
        config: SqsConfig,
        receipt_secret: &[u8; 32],
        limits: Rc<HttpLimits>,
        surroundings: Surroundings,
        operated: Operated,
    ) -> Rc<Self> {
        let Operated {
            live,
            controls,
            portable,
            subscribers,
            history,
            watched,
            attention,
            auth,
            sessions,
            run,
        } = operated;
        let Surroundings {
            metrics,
            observers,
            connections,
            listening,
            shutdown,
            interceptors,
            pubsub,
        } = surroundings;
        let uncounted = Observers::new(1).of_core(0);
        let sqs = Sqs::new(
            mesh.clone(),
            config.clone().inside(),
            receipt_secret,
            limits.clone(),
            uncounted,
            Interceptors::default(),
        );
        let admin = Rc::new(Self {
            mesh,
            sqs,
            config,
            metrics,
            pubsub,
            live,
            door: Door::new(&limits.callers),
            enforces_auth: auth.enforce,
            gate: Gate::new(auth, sessions, interceptors.clone()),
            limits,
            controls,
            portable,
            subscribers,
            history,
            watched,
            attention,
            listening,
            run,
            observers,
            connections,
            shutdown,
            interceptors,
        });
        // For all cores.
        if core_index() == 0 {
            history::start(&admin);
        }
        admin
    }

    /// Answers one request.
    pub async fn handle(self: Rc<Self>, request: Request<Incoming>) -> Response<AdminBody> {
        let is_of_console = console::is_asked_for(request.method(), request.uri());
        match self.door.admit(&request) {
            // A link that was followed here from another site's page. The files have no secrets, and no
            // page can look into another site's window.
            Err(Refusal::CrossSite) if is_of_console => {}
            Err(refusal) => {
                let (head, body) = request.into_parts();
                skip_body(&head.headers, body).await;
                return AdminError::forbidden(refusal).answer().map(AdminBody::from);
            }
            Ok(()) => {}
        }
        if is_of_console && let Some(answer) = console::answer(request.uri(), request.headers()) {
            return answer.map(AdminBody::from);
        }
        if is_preflight(&request) {
            return preflight_reply(request.headers()).map(AdminBody::from);
        }
        if request.uri().path().starts_with(PUBSUB_REST)
            && let Some(pubsub) = &self.pubsub
        {
            let (head, body) = request.into_parts();
            let scope = match head.method {
                Method::GET | Method::HEAD => Scope::Read,
                _ => Scope::Operate,
            };
            if let Err(error) = self.gate.admit_to(&head, scope, "pubsub") {
                skip_body(&head.headers, body).await;
                return error.answer().map(AdminBody::from);
            }
            let request = Request::from_parts(head, body);
            return pubsub.rest_inside(request).await.map(AdminBody::from);
        }
        let asked = Negotiated::of(request.headers());
        let (head, body) = request.into_parts();
        let answer = routes::answer(self, head, body)
            .await
            .unwrap_or_else(|error| error.answer().map(AdminBody::from));
        finished(&asked, answer)
    }
}

/// Gives an answer the form that was asked for. One that goes on is sent as it is.
fn finished(asked: &Negotiated, answer: Response<AdminBody>) -> Response<AdminBody> {
    let (head, body) = answer.into_parts();
    let (whole, stream) = match body {
        AdminBody::Whole(body) => (body, None),
        stream => (ReplyBody::empty(), Some(stream)),
    };
    let mut answer = Response::from_parts(head, whole);
    asked.finish(&mut answer);
    answer.map(|body| stream.unwrap_or(AdminBody::Whole(body)))
}
