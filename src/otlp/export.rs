//! The thread that tells a collector.
//!
//! Hazard: a collector may be slow, gone or never there. Spans wait in a bounded channel, those for
//! which there is no room are counted and dropped, and nobody waits for the thread.

use super::metrics::metrics_of;
use super::span::{Span, key_value};
use crate::runtime::{spawn_beside, wall_clock};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::{ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};
use prost::Message;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::Builder;
use std::time::{Duration, Instant};
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};

/// Spans and texts of metrics that wait to be told.
const WAITING_MAX: usize = 8192;
/// Spans that are told at once.
const BATCH_SPANS_MAX: usize = 512;
/// How long a span waits for others to be told with: as OpenTelemetry's own SDKs have it wait.
const BATCH_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a collector may take for an answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
/// How often at most the log says that a collector doesn't take what it is told.
const COMPLAINT_EVERY: Duration = Duration::from_secs(60);

/// How a collector is spoken to.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Default,
    serde::Serialize,
    serde::Deserialize,
    clap::ValueEnum,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum OtlpProtocol {
    /// gRPC, by custom on port 4317.
    #[default]
    Grpc,
    /// HTTP with protobuf, by custom on port 4318, at `/v1/traces` and `/v1/metrics`.
    Http,
}

/// Something to tell.
enum News {
    Span(Box<Span>),
    /// Of a scrape, and when that was, ms since 1970.
    Metrics(String, u64),
    /// All that came before is told by the time that the other side is dropped.
    Flush(SyncSender<()>),
}

/// Where spans and metrics are left.
#[derive(Clone, Debug)]
pub struct Exporter {
    news: SyncSender<News>,
    dropped: Arc<AtomicU64>,
}

impl std::fmt::Debug for News {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("News")
    }
}

impl Exporter {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where the endpoint is none, or the thread can't be started.
    pub fn start(endpoint: &str, protocol: OtlpProtocol, service: &str) -> io::Result<Self> {
        let wrong = |error: String| io::Error::new(io::ErrorKind::InvalidInput, error);
        let way = Way::new(endpoint, protocol).map_err(wrong)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (news, incoming) = sync_channel(WAITING_MAX);
        let dropped = Arc::new(AtomicU64::new(0));
        let mut teller = Teller {
            incoming,
            way,
            runtime,
            resource: resource(service),
            start_ns: wall_clock() * 1_000_000,
            spans: Vec::new(),
            complained_at: None,
            dropped: dropped.clone(),
        };
        spawn_beside(Builder::new().name("lclq-otlp".to_owned()), move || {
            teller.run();
        })?;
        Ok(Self { news, dropped })
    }

    /// Leaves a span.
    pub fn span(&self, span: Span) {
        self.leave(News::Span(Box::new(span)));
    }

    /// Leaves what a scrape read.
    pub fn metrics(&self, text: String, at: u64) {
        self.leave(News::Metrics(text, at));
    }

    fn leave(&self, news: News) {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = self.news.try_send(news)
        {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until all is told, or `within` is over.
    pub fn flush(&self, within: Duration) {
        let (done, is_done) = sync_channel(1);
        if self.news.try_send(News::Flush(done)).is_ok() {
            let _ = is_done.recv_timeout(within);
        }
    }
}

fn resource(service: &str) -> Resource {
    let text = |key, value: &str| key_value(key, Value::StringValue(value.to_owned()));
    Resource {
        attributes: vec![
            text("service.name", service),
            text("service.version", env!("CARGO_PKG_VERSION")),
            key_value("process.pid", Value::IntValue(std::process::id().into())),
        ],
        ..Resource::default()
    }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "lclq".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}

/// How to reach the collector.
enum Way {
    Grpc(Box<Endpoint>, Option<Channel>),
    Http(String, ureq::Agent),
}

impl Way {
    fn new(endpoint: &str, protocol: OtlpProtocol) -> Result<Self, String> {
        let endpoint = endpoint.trim_end_matches('/');
        match protocol {
            OtlpProtocol::Grpc => {
                let url = endpoint.to_owned();
                let to = Endpoint::from_shared(url).map_err(|error| error.to_string())?;
                let to = to.timeout(ANSWER_TIME_MAX).connect_timeout(ANSWER_TIME_MAX);
                let to = if endpoint.starts_with("https://") {
                    let tls = ClientTlsConfig::new().with_native_roots();
                    to.tls_config(tls).map_err(|error| error.to_string())?
                } else {
                    to
                };
                Ok(Self::Grpc(Box::new(to), None))
            }
            OtlpProtocol::Http => {
                let config = ureq::Agent::config_builder().timeout_global(Some(ANSWER_TIME_MAX));
                let config = if endpoint.starts_with("https://") {
                    let tls = crate::tls::client(None, None).map_err(|error| error.to_string())?;
                    config.tls_config(tls)
                } else {
                    config
                };
                Ok(Self::Http(endpoint.to_owned(), config.build().into()))
            }
        }
    }

    async fn channel(to: &Endpoint, open: &mut Option<Channel>) -> Result<Channel, String> {
        if let Some(channel) = open {
            return Ok(channel.clone());
        }
        let channel = to.connect().await.map_err(|error| told(&error))?;
        Ok(open.insert(channel).clone())
    }

    fn traces(
        &mut self,
        runtime: &tokio::runtime::Runtime,
        request: ExportTraceServiceRequest,
    ) -> Result<(), String> {
        match self {
            Self::Http(url, agent) => post(agent, &format!("{url}/v1/traces"), &request),
            Self::Grpc(to, open) => runtime.block_on(async {
                let channel = Self::channel(to, open).await?;
                let asked = TraceServiceClient::new(channel).export(request).await;
                asked.map(drop).map_err(|status| told(&status))
            }),
        }
    }

    fn metrics(
        &mut self,
        runtime: &tokio::runtime::Runtime,
        request: ExportMetricsServiceRequest,
    ) -> Result<(), String> {
        match self {
            Self::Http(url, agent) => post(agent, &format!("{url}/v1/metrics"), &request),
            Self::Grpc(to, open) => runtime.block_on(async {
                let channel = Self::channel(to, open).await?;
                let asked = MetricsServiceClient::new(channel).export(request).await;
                asked.map(drop).map_err(|status| told(&status))
            }),
        }
    }
}

/// An error and what caused it.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn post(agent: &ureq::Agent, url: &str, request: &impl Message) -> Result<(), String> {
    let sent = agent
        .post(url)
        .content_type("application/x-protobuf")
        .send(&request.encode_to_vec()[..]);
    sent.map(drop).map_err(|error| error.to_string())
}

struct Teller {
    incoming: Receiver<News>,
    way: Way,
    runtime: tokio::runtime::Runtime,
    resource: Resource,
    /// Since when figures are counted.
    start_ns: u64,
    spans: Vec<Span>,
    complained_at: Option<Instant>,
    dropped: Arc<AtomicU64>,
}

impl Teller {
    fn run(&mut self) {
        let mut due = None;
        loop {
            let news = match due {
                None => self
                    .incoming
                    .recv()
                    .map_err(|_| RecvTimeoutError::Disconnected),
                Some(due) => {
                    let left = Instant::saturating_duration_since(&due, Instant::now());
                    self.incoming.recv_timeout(left)
                }
            };
            match news {
                Ok(News::Span(span)) => {
                    self.spans.push(*span);
                    due.get_or_insert_with(|| Instant::now() + BATCH_TIME_MAX);
                    if self.spans.len() < BATCH_SPANS_MAX {
                        continue;
                    }
                    self.tell_spans();
                }
                Ok(News::Metrics(text, at)) => {
                    self.tell_metrics(&text, at);
                    continue;
                }
                Ok(News::Flush(done)) => {
                    self.tell_spans();
                    drop(done);
                }
                Err(RecvTimeoutError::Timeout) => self.tell_spans(),
                Err(RecvTimeoutError::Disconnected) => return self.tell_spans(),
            }
            due = None;
        }
    }

    fn tell_spans(&mut self) {
        if self.spans.is_empty() {
            return;
        }
        let spans = self.spans.drain(..).map(Span::told).collect();
        let outcome = self.way.traces(
            &self.runtime,
            ExportTraceServiceRequest {
                resource_spans: vec![ResourceSpans {
                    resource: Some(self.resource.clone()),
                    scope_spans: vec![ScopeSpans {
                        scope: Some(scope()),
                        spans,
                        ..ScopeSpans::default()
                    }],
                    ..ResourceSpans::default()
                }],
            },
        );
        self.complain(outcome);
    }

    fn tell_metrics(&mut self, text: &str, at: u64) {
        let metrics = metrics_of(text, self.start_ns, at * 1_000_000);
        let outcome = self.way.metrics(
            &self.runtime,
            ExportMetricsServiceRequest {
                resource_metrics: vec![ResourceMetrics {
                    resource: Some(self.resource.clone()),
                    scope_metrics: vec![ScopeMetrics {
                        scope: Some(scope()),
                        metrics,
                        ..ScopeMetrics::default()
                    }],
                    ..ResourceMetrics::default()
                }],
            },
        );
        self.complain(outcome);
    }

    fn complain(&mut self, outcome: Result<(), String>) {
        let Err(error) = outcome else {
            return;
        };
        let again = self
            .complained_at
            .is_none_or(|at| at.elapsed() >= COMPLAINT_EVERY);
        if again {
            self.complained_at = Some(Instant::now());
            let dropped = self.dropped.swap(0, Ordering::Relaxed);
            tracing::warn!(
                error,
                dropped,
                "the OTLP collector doesn't take what it is told"
            );
        }
    }
}
