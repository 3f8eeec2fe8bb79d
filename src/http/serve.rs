//! A listener with HTTP on it and nothing else to decide.

use std::error::Error;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;

use super::conn::Http;
use super::limits::HttpLimits;
use crate::net::{self, NetLimits, Secure};
use crate::runtime::{Listener, Shutdown};

/// Serves one core's side of a listener as [`net::serve`] does, within the usual [`NetLimits`], and
/// answers requests with `handler`.
pub async fn serve<H, Fut, B>(
    listener: Listener,
    limits: Rc<HttpLimits>,
    handler: H,
    shutdown: Shutdown,
) where
    H: Fn(Request<Incoming>) -> Fut + 'static,
    Fut: Future<Output = Response<B>> + 'static,
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    serve_with(listener, limits, None, handler, shutdown).await;
}

/// The same with TLS besides, where there is somebody to do it.
pub async fn serve_with<H, Fut, B>(
    listener: Listener,
    limits: Rc<HttpLimits>,
    secure: Option<Rc<dyn Secure>>,
    handler: H,
    shutdown: Shutdown,
) where
    H: Fn(Request<Incoming>) -> Fut + 'static,
    Fut: Future<Output = Response<B>> + 'static,
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let http = Rc::new(Http::new(limits, move |request, _| handler(request)));
    let (limits, uncounted) = (NetLimits::default(), Arc::default());
    net::serve(listener, limits, secure, http, shutdown, None, uncounted).await;
}
