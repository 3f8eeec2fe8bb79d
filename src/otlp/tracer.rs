//! Which requests are recorded, and what is told of them.

use super::context::SpanContext;
use super::export::Exporter;
use super::span::{Attribute, Span};
use crate::http::Caller;
use crate::interceptors::{Answer, Understood};
use crate::observe::{Dialect, Outcome};
use http::header::{HeaderMap, HeaderName};
use std::cell::Cell;
use std::hash::{BuildHasher, Hasher, RandomState};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const AMAZON_TRACE: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// Who decides and tells.
#[derive(Clone, Debug)]
pub struct Tracer {
    exporter: Exporter,
    /// Of requests that belong to nobody's trace yet, 0 to 1.
    share: f64,
}

thread_local! {
    /// A xorshift generator's state; never zero.
    static RANDOM: Cell<u64> = Cell::new(RandomState::new().build_hasher().finish() | 1);
}

/// A number that nobody should foresee to the point of harm: ids of traces need no more.
fn random() -> u64 {
    RANDOM.with(|state| {
        let mut x = state.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        state.set(x);
        x.wrapping_mul(0x2545_f491_4f6c_dd1d)
    })
}

impl Tracer {
    /// Tells `exporter` of this share of requests, and of those whose caller records them.
    pub fn new(exporter: Exporter, share: f64) -> Self {
        Self { exporter, share }
    }

    /// Whether a request with this head is recorded: as its caller's trace is, or by chance.
    pub fn records(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let of_w3c = text(TRACEPARENT).and_then(SpanContext::of_traceparent);
        let parent = of_w3c.or_else(|| text(AMAZON_TRACE).and_then(SpanContext::of_amazon));
        match parent {
            Some(parent) => parent.sampled,
            None => ((random() >> 11) as f64) < self.share * (1u64 << 53) as f64,
        }
    }

    /// Tells of a request that began at `start_ns` and took so long. Without an answer, nobody waited
    /// for it.
    pub fn tell(
        &self,
        understood: &Understood,
        answer: Option<&Answer<'_>>,
        start_ns: u64,
        took_ns: u64,
        links: &[SpanContext],
    ) {
        let parent = parent_of(&understood.caller);
        let operation = understood.operation.name();
        let resource = understood.resource.rsplit('/').next().unwrap_or_default();
        let name = [operation, resource].join(" ");
        let trace_id = parent.map_or_else(
            || (u128::from(random()) << 64 | u128::from(random())).to_be_bytes(),
            |parent| parent.trace_id,
        );
        let error = match answer {
            Some(answer) if answer.outcome == Outcome::Done => None,
            Some(answer) => Some(answer.error.unwrap_or(answer.outcome.name()).to_owned()),
            None => Some("given_up".to_owned()),
        };
        self.exporter.span(Span {
            context: SpanContext {
                trace_id,
                span_id: random().max(1).to_be_bytes(),
                sampled: true,
            },
            parent,
            state: understood
                .caller
                .tracestate
                .as_deref()
                .unwrap_or_default()
                .to_owned(),
            name: name.trim_end().to_owned(),
            start_ns,
            end_ns: start_ns + took_ns,
            attributes: attributes(understood, answer, error.as_deref()),
            links: links.to_vec(),
            error,
        });
    }

    /// Where spans and metrics are left.
    pub fn exporter(&self) -> &Exporter {
        &self.exporter
    }
}

fn parent_of(caller: &Caller) -> Option<SpanContext> {
    let of_w3c = caller.traceparent.as_deref();
    let of_w3c = of_w3c.and_then(SpanContext::of_traceparent);
    of_w3c.or_else(|| {
        let text = caller.amazon_trace.as_deref();
        text.and_then(SpanContext::of_amazon)
    })
}

/// By <https://opentelemetry.io/docs/specs/semconv/messaging/>.
fn attributes(
    understood: &Understood,
    answer: Option<&Answer<'_>>,
    error: Option<&str>,
) -> Vec<(&'static str, Attribute)> {
    let (system, rpc) = match understood.operation.dialect() {
        Dialect::Sqs => ("aws_sqs", "aws-api"),
        Dialect::Pubsub => ("gcp_pubsub", "grpc"),
    };
    let text = |text: &str| Attribute::Text(text.to_owned());
    let mut attributes = vec![
        ("messaging.system", text(system)),
        (
            "messaging.operation.name",
            text(understood.operation.name()),
        ),
        ("rpc.system", text(rpc)),
        ("lclq.wire", text(understood.wire.name())),
    ];
    if !understood.resource.is_empty() {
        attributes.push(("messaging.destination.name", text(&understood.resource)));
    }
    let caller = &understood.caller;
    if let Some(peer) = caller.peer {
        attributes.push((
            "network.peer.address",
            Attribute::Text(peer.ip().to_string()),
        ));
        attributes.push(("network.peer.port", Attribute::Number(peer.port().into())));
    }
    if let Some(agent) = &caller.user_agent {
        attributes.push(("user_agent.original", text(agent)));
    }
    if let Some(id) = answer.and_then(|answer| answer.request_id) {
        attributes.push(("aws.request_id", text(id)));
    }
    if let Some(error) = error {
        attributes.push(("error.type", text(error)));
    }
    attributes
}
