//! What one client may take of us by its requests.

use super::budget::BodyBudget;
use super::door::SharedCallers;

/// Bounds on sizes and times. Units come last in the names.
#[derive(Clone, Debug)]
pub struct HttpLimits {
    /// Who may ask at all.
    pub callers: SharedCallers,
    /// Bytes of one request's head (HTTP/2: of its header list). More is answered with 431. At
    /// least 8 KiB.
    pub header_bytes_max: usize,
    /// Header fields of one request. More is answered with 431.
    pub headers_max: usize,
    /// Bytes of one request's body, as sent and, if it was compressed, as decoded.
    pub body_bytes_max: usize,
    /// What the bodies of all requests may take at once.
    pub bodies: BodyBudget,
    /// From a request's first byte to the end of its head.
    pub header_ms_max: u64,
    /// Without any request, after which a connection is closed. Checked once per such period, so
    /// that it costs nothing per request: it can take up to twice as long.
    pub idle_ms_max: u64,
    /// From the end of a request's head to the end of its body.
    pub body_read_ms_max: u64,
    /// Requests open on one HTTP/2 connection.
    pub http2_streams_max: u32,
    /// Between two pings on a quiet HTTP/2 connection.
    pub http2_ping_every_ms: u64,
    /// For the answer to a ping, after which the connection is closed.
    pub http2_ping_ms_max: u64,
}

impl Default for HttpLimits {
    fn default() -> Self {
        HttpLimits {
            callers: SharedCallers::default(),
            header_bytes_max: 64 * 1024,
            headers_max: 128,
            // SQS and Pub/Sub both stay below: 1 MiB of payload, grown by base64 and JSON escapes,
            // and 10 MB of a publish request.
            body_bytes_max: 16 * 1024 * 1024,
            bodies: BodyBudget::default(),
            header_ms_max: 30_000,
            // Longer than the SDKs keep an unused connection, so that it is them who close it and
            // no request meets a connection that is just being closed.
            idle_ms_max: 120_000,
            body_read_ms_max: 60_000,
            http2_streams_max: 10_000,
            http2_ping_every_ms: 60_000,
            http2_ping_ms_max: 20_000,
        }
    }
}
