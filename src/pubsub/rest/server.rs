//! One core's REST endpoint: from an HTTP request to its answer.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use std::future::Future;
use std::rc::Rc;

use super::super::error::{
    self, PubsubError, PubsubResult, path_not_text, payload_too_large, rest_error, unknown_path,
    unreadable_reply, wrong_http_method,
};
use super::super::limits::REQUEST_BYTES_MAX;
use super::super::push::hops::read_hops;
use super::bindings::{Bindings, Route};
use super::request::transcode;
use super::to_json::write_json;
use crate::http::{
    BodyError, Caller, HttpLimits, Negotiated, ReplyBody, broken_off, decompress_admitted,
    is_preflight, preflight_reply, read_body,
};

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=UTF-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=UTF-8");
/// For clients whose HTTP library knows no PATCH.
const METHOD_OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");

/// Whom a call is of.
#[derive(Debug, Default)]
pub struct Sender {
    /// How often what it publishes has been pushed.
    pub hops: u32,
    /// It comes from elsewhere in this process, and isn't a client's.
    pub is_inside: bool,
    /// Who it is, where somebody wants to know.
    pub caller: Option<Box<Caller>>,
}

/// Marks a request that comes from elsewhere in this process.
#[derive(Clone, Copy)]
pub struct FromInside;

/// What carries out the calls. The same serves gRPC.
pub trait UnaryCaller: 'static {
    /// Calls a unary method, `/google.pubsub.v1.Publisher/Publish`, with an encoded request; gives
    /// the encoded reply.
    fn call(
        &self,
        method: &str,
        request: Bytes,
        sender: Sender,
    ) -> impl Future<Output = PubsubResult<Bytes>>;

    /// Why the server can't do its work at present, if it can't.
    fn failure(&self) -> Option<String>;

    /// JSON that is served as it is at a path outside of the API, such as the keys that push
    /// tokens are signed with. `host` is the one that the client asked.
    fn document(&self, path: &str, host: &str)
    -> impl Future<Output = Option<PubsubResult<Bytes>>>;
}

/// One core's REST endpoint.
#[derive(Debug)]
pub struct Rest<C> {
    caller: C,
    bindings: &'static Bindings,
    limits: HttpLimits,
}

impl<C: UnaryCaller> Rest<C> {
    /// An endpoint for the calls of `caller`.
    pub fn new(caller: C, limits: &HttpLimits) -> Rc<Self> {
        let limits = HttpLimits {
            body_bytes_max: limits.body_bytes_max.min(REQUEST_BYTES_MAX),
            ..limits.clone()
        };
        Rc::new(Rest {
            caller,
            bindings: Bindings::all(),
            limits,
        })
    }

    /// Answers one request.
    pub async fn handle<B>(self: Rc<Self>, request: Request<B>) -> Response<ReplyBody>
    where
        B: Body<Data = Bytes>,
    {
        if is_preflight(&request) {
            return preflight_reply(request.headers());
        }
        let (head, body) = request.into_parts();
        let asked = Negotiated::of(&head.headers);
        let mut reply = match self.fixed_reply(&head).await {
            Some(reply) => reply,
            None => match read_body(body, &self.limits).await {
                Ok(body) => self.answer(head, body).await,
                Err(error) => error_reply(&self.body_error(error)),
            },
        };
        asked.finish(&mut reply);
        reply
    }

    /// What is answered without a call.
    async fn fixed_reply(&self, head: &http::request::Parts) -> Option<Response<ReplyBody>> {
        if !matches!(head.method, Method::GET | Method::HEAD) {
            return None;
        }
        match head.uri.path() {
            // Google's emulator says so, and scripts wait for it.
            "/" => Some(reply(TEXT, "Ok\n")),
            "/health" => Some(self.health()),
            path if path.starts_with("/v1/") => None,
            path => {
                let host = head.headers.get(HOST).and_then(|host| host.to_str().ok());
                let host = host.or(head.uri.authority().map(http::uri::Authority::as_str));
                let document = self.caller.document(path, host.unwrap_or("localhost"));
                Some(match document.await? {
                    Ok(json) => reply(JSON, json),
                    Err(error) => error_reply(&error),
                })
            }
        }
    }

    fn health(&self) -> Response<ReplyBody> {
        let Some(reason) = self.caller.failure() else {
            return reply(JSON, "{\"status\":\"ok\"}\n");
        };
        let text = serde_json::json!({"status": "failing", "reason": reason});
        let mut reply = reply(JSON, format!("{text}\n"));
        *reply.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        reply
    }

    async fn answer(&self, head: http::request::Parts, body: Bytes) -> Response<ReplyBody> {
        let asked = overridden(&head);
        let method = asked.as_ref().unwrap_or(&head.method);
        let path = head.uri.path();
        let (binding, fields) = match self.bindings.route(method, path) {
            Route::To(binding, fields) => (binding, fields),
            Route::WrongMethod(others) => return wrong_method(method, path, &others),
            Route::NotText => return error_reply(&path_not_text()),
            Route::Nowhere => return error_reply(&unknown_path(path)),
        };
        let query = head.uri.query().unwrap_or("");
        let encoding = head.headers.get(CONTENT_ENCODING);
        let transcoded = decompress_admitted(encoding, body, &self.limits)
            .await
            .map_err(|error| self.body_error(error))
            .and_then(|body| transcode(self.bindings, binding, &fields, query, &body));
        let (request, style) = match transcoded {
            Ok((request, _)) if request.len() > REQUEST_BYTES_MAX => {
                return error_reply(&payload_too_large());
            }
            Ok((request, style)) => (request, style),
            Err(error) => return error_reply(&error),
        };
        let sender = Sender {
            hops: read_hops(&head.headers),
            is_inside: head.extensions.get::<FromInside>().is_some(),
            caller: Caller::of(&head.headers, &head.uri, &head.extensions),
        };
        drop(fields);
        // Ten thousand pulls that wait need not keep ten thousand requests.
        drop(head);
        let result = self
            .caller
            .call(&binding.method, request.into(), sender)
            .await;
        let written = result.and_then(|message| {
            write_json(&self.bindings.types, binding.reply, &message, style)
                .map_err(unreadable_reply)
        });
        match written {
            Ok(json) => reply(JSON, self.limits.bodies.hold_reply(json)),
            Err(error) => error_reply(&error),
        }
    }

    fn body_error(&self, error: BodyError) -> PubsubError {
        match error {
            BodyError::TooLarge => error::request_too_large(self.limits.body_bytes_max),
            BodyError::Timeout => error::body_timeout(),
            BodyError::Broken => error::body_broken(),
            BodyError::Busy => error::bodies_full(),
        }
    }
}

/// The HTTP method that a POST stands for.
fn overridden(head: &http::request::Parts) -> Option<Method> {
    if head.method != Method::POST {
        return None;
    }
    let name = head.headers.get(METHOD_OVERRIDE)?;
    Method::from_bytes(name.as_bytes()).ok()
}

fn wrong_method(method: &Method, path: &str, others: &str) -> Response<ReplyBody> {
    let error = wrong_http_method(method.as_str(), path);
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let body = error::rest_error_body(&error, status);
    let mut reply = reply(JSON, body);
    *reply.status_mut() = status;
    if let Ok(others) = HeaderValue::from_str(others) {
        reply.headers_mut().insert(ALLOW, others);
    }
    reply
}

fn reply(content_type: HeaderValue, body: impl Into<Bytes>) -> Response<ReplyBody> {
    let mut reply = Response::new(ReplyBody::new(body));
    reply.headers_mut().insert(CONTENT_TYPE, content_type);
    reply
}

/// The answer to what can't be carried out.
pub(in super::super) fn error_reply(error: &PubsubError) -> Response<ReplyBody> {
    tracing::debug!(%error, "refused");
    let (status, body) = rest_error(error);
    let mut reply = reply(JSON, body);
    *reply.status_mut() = status;
    if error.breaks_off {
        return broken_off(reply);
    }
    reply
}
