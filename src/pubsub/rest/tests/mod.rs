//! Requests and replies, through the whole of the endpoint, with a caller that remembers.

mod http;
mod properties;
mod reading;
mod writing;

use ::http::{Method, Request, Response};
use bytes::Bytes;
use http_body_util::Full;
use prost::Message;
use serde_json::Value;
use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::bindings::{Bindings, Route};
use super::{Rest, Sender, UnaryCaller};
use crate::http::{HttpLimits, ReplyBody};
use crate::pubsub::error::{PubsubError, PubsubResult};

/// Answers every call alike.
struct Caller {
    calls: Rc<RefCell<Vec<(String, Bytes)>>>,
    reply: PubsubResult<Bytes>,
    failure: Option<String>,
}

impl UnaryCaller for Caller {
    async fn call(&self, method: &str, request: Bytes, _: Sender) -> PubsubResult<Bytes> {
        self.calls.borrow_mut().push((method.to_owned(), request));
        self.reply.clone()
    }

    fn failure(&self) -> Option<String> {
        self.failure.clone()
    }

    async fn document(&self, path: &str, host: &str) -> Option<PubsubResult<Bytes>> {
        (path == "/_lclq/jwks").then(|| Ok(format!("{{\"keys\":[\"{host}\"]}}").into()))
    }
}

struct Endpoint {
    rest: Rc<Rest<Caller>>,
    calls: Rc<RefCell<Vec<(String, Bytes)>>>,
}

impl Endpoint {
    fn new(reply: PubsubResult<Bytes>) -> Self {
        Endpoint::failing(reply, None)
    }

    fn failing(reply: PubsubResult<Bytes>, failure: Option<String>) -> Self {
        let calls = Rc::default();
        let caller = Caller {
            calls: Rc::clone(&calls),
            reply,
            failure,
        };
        Endpoint {
            rest: Rest::new(caller, &HttpLimits::default()),
            calls,
        }
    }

    fn send(&self, request: Request<Full<Bytes>>) -> Response<ReplyBody> {
        // Bodies are there already and the caller answers at once: nothing ever waits.
        let mut answer = pin!(self.rest.clone().handle(request));
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(reply) = answer.as_mut().poll(&mut cx) {
                return reply;
            }
        }
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Response<ReplyBody> {
        self.send(request(method, path, body.as_bytes()))
    }
}

fn request(method: &str, path: &str, body: &[u8]) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(path)
        .body(Full::new(Bytes::copy_from_slice(body)))
        .unwrap()
}

/// What the method would get.
fn read<M: Message + Default>(method: &str, path: &str, body: &str) -> Result<M, PubsubError> {
    read_bytes(method, path, body.as_bytes())
}

fn read_bytes<M: Message + Default>(
    method: &str,
    path: &str,
    body: &[u8],
) -> Result<M, PubsubError> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let method: Method = method.parse().unwrap();
    let bindings = Bindings::all();
    let Route::To(binding, fields) = bindings.route(&method, path) else {
        panic!("{path} leads nowhere");
    };
    let (bytes, _) = super::request::transcode(bindings, binding, &fields, query, body)?;
    Ok(M::decode(&*bytes).expect("what is transcoded can be decoded"))
}

/// How a message of that type is shown.
fn show(type_name: &str, message: &impl Message) -> String {
    let (types, id) = typed(type_name);
    let bytes = message.encode_to_vec();
    let json = super::to_json::write_json(types, id, &bytes, Default::default()).unwrap();
    String::from_utf8(json).unwrap()
}

fn show_value(type_name: &str, message: &impl Message) -> Value {
    serde_json::from_str(&show(type_name, message)).unwrap()
}

fn typed(type_name: &str) -> (&'static super::types::Types, super::types::MessageId) {
    let types = &Bindings::all().types;
    let full = format!("google.pubsub.v1.{type_name}");
    let (id, _) = types
        .messages()
        .find(|(_, message)| message.name == full || message.name == type_name)
        .unwrap();
    (types, id)
}
