//! Traces and metrics for an OpenTelemetry collector
//! (<https://opentelemetry.io/docs/specs/otlp/>).

mod context;
mod export;
mod metrics;
mod span;

pub use context::SpanContext;
pub use export::{Exporter, OtlpProtocol};
pub use span::{Attribute, LINKS_MAX, Span};
