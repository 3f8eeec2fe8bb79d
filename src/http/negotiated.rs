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

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::{
        ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_ENCODING, HeaderName,
    };

    fn long_reply_to(request: &[(HeaderName, &'static str)]) -> Response<ReplyBody> {
        let headers = request.iter().cloned();
        let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
        let asked = Negotiated::of(&headers.collect());
        let mut reply = Response::new(ReplyBody::new(vec![b'a'; 5000]));
        asked.finish(&mut reply);
        reply
    }

    #[test]
    fn a_reply_has_the_form_that_was_asked_for_and_no_other() {
        let unasked = long_reply_to(&[]);
        assert!(unasked.headers().is_empty());
        assert_eq!(unasked.body().as_bytes().len(), 5000);

        let gzip = long_reply_to(&[(ACCEPT_ENCODING, "gzip")]);
        assert_eq!(gzip.headers()[CONTENT_ENCODING], "gzip");
        assert!(!gzip.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));

        let refused = long_reply_to(&[(ACCEPT_ENCODING, "gzip;q=0"), (ORIGIN, "http://page")]);
        assert!(!refused.headers().contains_key(CONTENT_ENCODING));
        assert_eq!(
            refused.headers()[ACCESS_CONTROL_ALLOW_ORIGIN],
            "http://page"
        );
    }
}
