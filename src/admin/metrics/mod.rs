//! `/metrics`: Prometheus' text format, and OpenMetrics where a scraper asks for it.
//!
//! A scrape asks shards in slices and writes its text in short steps, so that no core is kept from its
//! clients: the figures of different series are of slightly different moments.

mod cloudwatch;
mod families;
mod monitoring;
mod pace;
mod periods;
mod process;
mod reference;
mod resources;
mod server;
mod text;

pub use periods::Periods;
pub use reference::reference;

use super::answers::{AdminError, AdminResult, with_status};
use super::stats;
use crate::http::{BodyBudget, ReplyBody, accepts_gzip};
use crate::interceptors::Refusals;
use crate::mesh::{Mesh, wall_clock};
use crate::net::EndpointFigures;
use crate::observe::Observers;
use crate::pubsub::PubsubEndpoint;
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, VARY};
use http::request::Parts;
use http::{Response, StatusCode};
use lclq_shards::Millis;
use lclq_shards::figures::{FiguresOf, ShardStats};
use pace::Pace;
pub use pace::Turns;
use resources::Resources;
use schemars::JsonSchema;
use serde::Serialize;
use std::rc::Rc;
use std::sync::Arc;
use text::Text;
use tokio::sync::Semaphore;

const PROMETHEUS: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// Scrapes that are carried out at a time; others wait. One takes some megabytes.
pub const SCRAPES_MAX: usize = 4;

/// How metrics are shown.
#[derive(Clone, Debug)]
pub struct MetricsSettings {
    /// Queues, topics and subscriptions, of each so many, with series of their own; the others of a
    /// kind are summed in one.
    pub series_max: usize,
    /// What keeps the messages.
    pub backend: &'static str,
    /// Bounds what answers take, and knows how many requests found no room for their bodies.
    pub bodies: BodyBudget,
    /// How long scrapes kept each core in one go.
    pub turns: Arc<[Turns]>,
    /// Scrapes that may be under way at once.
    pub scrapes: Arc<Semaphore>,
    /// What was seen at earlier scrapes.
    pub periods: Arc<Periods>,
    /// What was refused because of who asked.
    pub refusals: Refusals,
}

/// One core's view of what all cores count.
pub struct Metrics {
    mesh: Mesh,
    observers: Observers,
    connections: EndpointFigures,
    /// Knows what became of push requests.
    pubsub: Option<Rc<PubsubEndpoint>>,
    settings: MetricsSettings,
}

/// Under which names series are asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    Own,
    Cloudwatch,
    Monitoring,
}

/// What was read of the shards for one scrape.
struct Scrape {
    now: Millis,
    totals: ShardStats,
    queues: Resources,
    topics: Resources,
    subscriptions: Resources,
}

impl Metrics {
    /// What keeps the messages.
    pub(super) fn backend(&self) -> &'static str {
        self.settings.backend
    }

    /// Connections that were refused since there were too many, since the start.
    pub(super) fn connections_refused(&self) -> u64 {
        self.connections.seen().map(|(_, seen)| seen.refused).sum()
    }

    /// A view from a core, by that core's mesh.
    pub fn new(
        mesh: Mesh,
        observers: Observers,
        connections: EndpointFigures,
        pubsub: Option<Rc<PubsubEndpoint>>,
        settings: MetricsSettings,
    ) -> Rc<Self> {
        Rc::new(Self {
            mesh,
            observers,
            connections,
            pubsub,
            settings,
        })
    }

    /// Answers a scrape for series under names of these lists.
    pub(super) async fn answer(
        &self,
        head: &Parts,
        lists: &[String],
    ) -> AdminResult<Response<ReplyBody>> {
        let accept = head
            .headers
            .get(ACCEPT)
            .and_then(|accept| accept.to_str().ok());
        let open = accept.is_some_and(|accept| accept.contains("application/openmetrics-text"));
        let names = names(lists)?;
        let busy = || AdminError::unavailable("too many scrapes, or answers that nobody reads");
        let _turn = self.settings.scrapes.acquire().await.map_err(|_| busy())?;
        let bodies = &self.settings.bodies;
        if !bodies.has_room_for_replies() {
            return Err(busy());
        }
        let mut pace = Pace::new(&self.settings.turns[self.mesh.core()]);
        let text = self.written(open, &names, &mut pace).await?.into_bytes();
        // In steps: the usual way would compress all of it in one go.
        let compressed = match accepts_gzip(&head.headers) {
            true => pace.compress(&text).await,
            false => None,
        };
        let is_compressed = compressed.is_some();
        let body = bodies.hold_reply(compressed.unwrap_or(text));
        let mut answer = Response::new(ReplyBody::new(body));
        let headers = answer.headers_mut();
        if is_compressed {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            headers.append(VARY, HeaderValue::from_static("accept-encoding"));
        }
        headers.insert(CONTENT_TYPE, if open { OPEN_METRICS } else { PROMETHEUS });
        Ok(answer)
    }

    /// Series under their own names, as text, for whoever reads it in this process.
    ///
    /// # Errors
    /// Where a shard doesn't answer.
    pub async fn text(&self) -> Result<String, String> {
        let Ok(_turn) = self.settings.scrapes.acquire().await else {
            return Err("no more scrapes".to_owned());
        };
        let mut pace = Pace::new(&self.settings.turns[self.mesh.core()]);
        let text = self.written(false, &[Names::Own], &mut pace).await;
        text.map_err(|error| error.message)
    }

    async fn written(
        &self,
        open: bool,
        names: &[Names],
        pace: &mut Pace<'_>,
    ) -> AdminResult<String> {
        let scrape = self.scrape(pace).await?;
        let mut text = Text::new(open);
        if names.contains(&Names::Own) {
            server::requests(self, &mut text, pace).await;
            resources::messages(&scrape, &mut text, pace).await;
            resources::queues(&scrape, &mut text, pace).await;
            resources::subscriptions(self, &scrape, &mut text, pace).await;
            server::totals(self, &scrape.totals, &mut text);
            server::mesh(self, &mut text);
            process::write(&mut text, pace).await;
        }
        if names.contains(&Names::Cloudwatch) {
            cloudwatch::write(self, &scrape, &mut text, pace).await;
        }
        if names.contains(&Names::Monitoring) {
            monitoring::write(self, &scrape, &mut text, pace).await;
        }
        Ok(text.finish())
    }

    /// The shard whose store has been silent for longest.
    pub(super) fn silent_journal(&self) -> Option<(u16, std::time::Duration)> {
        self.mesh.silent_journal()
    }

    /// Answers whether the server can do its work.
    pub(super) fn health(&self) -> Response<ReplyBody> {
        let reason = self.mesh.journal_down();
        let (code, status) = match reason {
            None => (StatusCode::OK, "ok"),
            Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "failing"),
        };
        with_status(code, &Health { status, reason })
    }

    async fn scrape(&self, pace: &mut Pace<'_>) -> AdminResult<Scrape> {
        let mut by_shard = Vec::new();
        let mut totals = ShardStats::default();
        for shard in 0..self.mesh.shards() {
            // Others' are in what they say themselves.
            let stats = match self.mesh.runs(shard) {
                true => stats::of_shard(&self.mesh, shard).await?,
                false => ShardStats::default(),
            };
            totals.add(&stats);
            by_shard.push(stats);
            pace.step().await;
        }
        let (mesh, most) = (&self.mesh, self.settings.series_max);
        let counts = |count: fn(&ShardStats) -> u64| by_shard.iter().map(count).collect::<Vec<_>>();
        let (queues, topics) = (counts(|stats| stats.queues), counts(|stats| stats.topics));
        let subscriptions = counts(|stats| stats.subscriptions);
        Ok(Scrape {
            now: wall_clock(),
            queues: Resources::read(mesh, FiguresOf::Queues, &queues, most, pace).await?,
            topics: Resources::read(mesh, FiguresOf::Topics, &topics, most, pace).await?,
            subscriptions: Resources::read(
                mesh,
                FiguresOf::Subscriptions,
                &subscriptions,
                most,
                pace,
            )
            .await?,
            totals,
        })
    }
}

/// How the server is.
#[derive(Serialize, JsonSchema)]
pub(super) struct Health {
    /// `ok` or, with status 503, `failing`.
    status: &'static str,
    /// What fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// The lists of names in a query: `names=cloudwatch,lclq`.
pub(super) fn lists_of_names(query: &str) -> Vec<String> {
    form_urlencoded::parse(query.as_bytes())
        .filter(|(key, _)| key == "names")
        .map(|(_, list)| list.into_owned())
        .collect()
}

/// The names that lists have. By default our own.
fn names(lists: &[String]) -> AdminResult<Vec<Names>> {
    let mut names = Vec::new();
    for list in lists {
        for name in list.split(',') {
            names.push(match name {
                "lclq" => Names::Own,
                "cloudwatch" => Names::Cloudwatch,
                "monitoring" => Names::Monitoring,
                _ => {
                    return Err(AdminError::bad_request(format!(
                        "names has to be lclq, cloudwatch or monitoring, not {name:?}"
                    )));
                }
            });
        }
    }
    if names.is_empty() {
        names.push(Names::Own);
    }
    Ok(names)
}
