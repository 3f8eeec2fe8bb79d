//! `grpc.health.v1`: whether the server can serve.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use super::error::unknown_service;
use super::replies::Replies;
use super::status::Status;
use crate::proto::grpc::health::v1::health_check_response::ServingStatus;
use crate::proto::grpc::health::v1::{
    Health, HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse,
};
use crate::runtime::sleep;

/// How often a watched status is looked at.
const WATCH_EVERY: Duration = Duration::from_millis(500);

/// The health of the server and of its services, which stand and fall together.
pub struct HealthService {
    services: &'static [&'static str],
    is_serving: Box<dyn Fn() -> bool>,
}

impl HealthService {
    /// `services` are full names; the empty one, the whole server, is always among them.
    pub fn new(
        services: &'static [&'static str],
        is_serving: impl Fn() -> bool + 'static,
    ) -> Rc<Self> {
        Rc::new(HealthService {
            services,
            is_serving: Box::new(is_serving),
        })
    }

    fn knows(&self, service: &str) -> bool {
        service.is_empty() || self.services.contains(&service)
    }

    fn now(&self) -> HealthCheckResponse {
        let status = if (self.is_serving)() {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        };
        HealthCheckResponse {
            status: status.into(),
        }
    }
}

impl Health for HealthService {
    async fn check(
        self: Rc<Self>,
        request: HealthCheckRequest,
    ) -> Result<HealthCheckResponse, Status> {
        if !self.knows(&request.service) {
            return Err(unknown_service());
        }
        Ok(self.now())
    }

    async fn list(
        self: Rc<Self>,
        _request: HealthListRequest,
    ) -> Result<HealthListResponse, Status> {
        let names = std::iter::once(&"").chain(self.services);
        let statuses: BTreeMap<_, _> = names.map(|name| ((*name).into(), self.now())).collect();
        Ok(HealthListResponse { statuses })
    }

    async fn watch(
        self: Rc<Self>,
        request: HealthCheckRequest,
        replies: Replies<HealthCheckResponse>,
    ) -> Result<(), Status> {
        let mut told = None;
        loop {
            let now = if self.knows(&request.service) {
                self.now()
            } else {
                HealthCheckResponse {
                    status: ServingStatus::ServiceUnknown.into(),
                }
            };
            if told != Some(now) {
                told = Some(now);
                if replies.send(now).await.is_err() {
                    return Ok(());
                }
            }
            sleep(WATCH_EVERY).await;
        }
    }
}
