//! What of a request's headers its reply depends on, whatever the request is about.

use http::Response;
use http::header::{HeaderMap, HeaderValue, ORIGIN};

use super::body::ReplyBody;
use super::compress::{accepts_gzip, compress_reply};
use super::cors::add_cors;

/// Kept while a request is carried out, when its headers may be gone already.
pub struct Negotiated {
    origin: Option<HeaderValue>,
    gzip: bool,
}

impl Negotiated {
    /// What these headers ask for.
    pub fn of(request: &HeaderMap) -> Self {
        Self {
            origin: request.get(ORIGIN).cloned(),
            gzip: accepts_gzip(request),
        }
    }

    /// Gives a reply the form that was asked for.
    pub fn finish(&self, reply: &mut Response<ReplyBody>) {
        add_cors(self.origin.as_ref(), reply.headers_mut());
        if self.gzip {
            compress_reply(reply);
        }
    }
}
