//! A span of this server's, and how it is told.

use super::context::SpanContext;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::{Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{self as proto, Status as SpanStatus};

/// Links that a span has at most: spans of the messages that it is about.
pub const LINKS_MAX: usize = 32;

/// A request that was recorded.
#[derive(Debug)]
pub struct Span {
    /// What it is.
    pub context: SpanContext,
    /// Whose request it was, where the request said.
    pub parent: Option<SpanContext>,
    /// `tracestate`, as it came.
    pub state: String,
    /// `SendMessage orders`.
    pub name: String,
    /// ns since 1970.
    pub start_ns: u64,
    /// ns since 1970.
    pub end_ns: u64,
    /// By the names of OpenTelemetry's conventions.
    pub attributes: Vec<(&'static str, Attribute)>,
    /// Spans of the messages that it is about.
    pub links: Vec<SpanContext>,
    /// The dialect's code, where it failed.
    pub error: Option<String>,
}

/// A value.
#[derive(Debug)]
pub enum Attribute {
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
}

pub(super) fn key_value(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

impl Span {
    /// As the protocol has it.
    pub(super) fn told(self) -> proto::Span {
        let attribute = |(key, value)| {
            let value = match value {
                Attribute::Text(text) => Value::StringValue(text),
                Attribute::Number(number) => Value::IntValue(number),
            };
            key_value(key, value)
        };
        let link = |context: SpanContext| Link {
            trace_id: context.trace_id.to_vec(),
            span_id: context.span_id.to_vec(),
            ..Link::default()
        };
        let status = self.error.map(|message| SpanStatus {
            message,
            code: StatusCode::Error.into(),
        });
        proto::Span {
            trace_id: self.context.trace_id.to_vec(),
            span_id: self.context.span_id.to_vec(),
            parent_span_id: self
                .parent
                .map(|parent| parent.span_id.to_vec())
                .unwrap_or_default(),
            trace_state: self.state,
            name: self.name,
            kind: SpanKind::Server.into(),
            start_time_unix_nano: self.start_ns,
            end_time_unix_nano: self.end_ns,
            attributes: self.attributes.into_iter().map(attribute).collect(),
            links: self.links.into_iter().take(LINKS_MAX).map(link).collect(),
            status,
            ..proto::Span::default()
        }
    }
}
