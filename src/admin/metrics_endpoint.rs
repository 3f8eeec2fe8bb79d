//! The endpoint of a port that has metrics and health and nothing else.

use super::Metrics;
use super::answers::{AdminError, AdminResult};
use super::metrics::lists_of_names;
use crate::http::{Door, HttpLimits, Negotiated, ReplyBody, is_preflight, preflight_reply};
use http::request::Parts;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use std::rc::Rc;

/// One core's part of it.
pub struct MetricsEndpoint {
    metrics: Rc<Metrics>,
    door: Door,
}

impl MetricsEndpoint {
    /// Shows `metrics` to those whom `limits` let in.
    pub fn new(metrics: Rc<Metrics>, limits: &HttpLimits) -> Rc<Self> {
        Rc::new(Self {
            metrics,
            door: Door::new(&limits.callers),
        })
    }

    /// Answers one request. A body is not read.
    pub async fn handle(self: Rc<Self>, request: Request<Incoming>) -> Response<ReplyBody> {
        if let Err(refusal) = self.door.admit(&request) {
            return AdminError::forbidden(refusal).answer();
        }
        if is_preflight(&request) {
            return preflight_reply(request.headers());
        }
        let asked = Negotiated::of(request.headers());
        let (head, _) = request.into_parts();
        let mut answer = self.answer(&head).await.unwrap_or_else(AdminError::answer);
        asked.finish(&mut answer);
        answer
    }

    async fn answer(&self, head: &Parts) -> AdminResult<Response<ReplyBody>> {
        let path = head.uri.path();
        if !matches!(path, "/metrics" | "/health") {
            return Err(AdminError::not_found(format!("there is nothing at {path}")));
        }
        if !matches!(head.method, Method::GET | Method::HEAD) {
            return Err(AdminError::wrong_method("GET"));
        }
        match path {
            "/metrics" => {
                let lists = lists_of_names(head.uri.query().unwrap_or(""));
                self.metrics.answer(head, &lists).await
            }
            _ => Ok(self.metrics.health()),
        }
    }
}
