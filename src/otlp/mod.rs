//! Traces and metrics for an OpenTelemetry collector
//! (<https://opentelemetry.io/docs/specs/otlp/>).

mod context;
mod export;
mod metrics;
mod span;
mod tracer;

/// A collector, and what it is told.
#[derive(Clone, Debug)]
pub struct OtlpConfig {
    /// Its URL.
    pub endpoint: String,
    /// How it is spoken to.
    pub protocol: OtlpProtocol,
    /// Share of requests that are traced beside those whose callers trace them.
    pub sample: f64,
    /// Time between two tellings of metrics, ms; 0 tells none.
    pub metrics_ms: u64,
}

pub use context::SpanContext;
pub use export::{Exporter, OtlpProtocol};
pub use span::{Attribute, LINKS_MAX, Span};
pub use tracer::Tracer;
