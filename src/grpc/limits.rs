//! What one gRPC client may take of us.

use crate::http::BodyBudget;

/// Bounds on messages, queues and times. Units come last in the names.
#[derive(Clone, Debug)]
pub struct GrpcLimits {
    /// Bytes of one request's message, as sent and, if it was compressed, as decoded.
    pub request_bytes_max: usize,
    /// What the messages of all requests may take at once.
    pub bodies: BodyBudget,
    /// From a unary request's head to its end.
    pub request_ms_max: u64,
    /// Bytes of replies that wait on one stream for its client to take them. A stream's handler
    /// waits while it is full; one reply more than fits is taken.
    pub stream_queue_bytes_max: usize,
}

impl Default for GrpcLimits {
    fn default() -> Self {
        GrpcLimits {
            request_bytes_max: 10 * 1024 * 1024,
            bodies: BodyBudget::default(),
            request_ms_max: 60_000,
            stream_queue_bytes_max: 256 * 1024,
        }
    }
}
