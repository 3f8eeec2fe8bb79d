//! One core's Pub/Sub endpoint: gRPC and REST on one port, told apart by the request's head.

use super::core::Pubsub;
use super::proto::{publisher, schema_service, subscriber};
use crate::grpc::{
    Answer, Call, GrpcBody, GrpcCore, GrpcLimits, HealthService, ReflectionService, is_grpc,
};
use crate::http::{HttpLimits, ReplyBody};
use crate::mesh::Mesh;
use crate::proto::google::iam::v1::iam_policy;
use crate::proto::grpc::health::v1::health;
use crate::proto::grpc::reflection::{v1, v1alpha};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use sha2::{Digest, Sha256};
use std::rc::Rc;

/// Services of the endpoint, for health checks and reflection.
const SERVICES: &[&str] = &[
    publisher::NAME,
    subscriber::NAME,
    schema_service::NAME,
    iam_policy::NAME,
    health::NAME,
    v1::server_reflection::NAME,
    v1alpha::server_reflection::NAME,
];

/// One core's endpoint.
pub struct PubsubEndpoint {
    pubsub: Rc<Pubsub>,
    grpc: Rc<GrpcCore>,
    health: Rc<HealthService>,
    reflection: Rc<ReflectionService>,
}

impl PubsubEndpoint {
    /// An endpoint on `mesh`, which must be of the calling core.
    pub fn new(mesh: Mesh, receipt_secret: &[u8; 32], _limits: Rc<HttpLimits>) -> Rc<Self> {
        let is_serving = {
            let mesh = mesh.clone();
            move || mesh.journal_down().is_none()
        };
        Rc::new(Self {
            pubsub: Pubsub::new(mesh, ack_key(receipt_secret)),
            grpc: GrpcCore::new(GrpcLimits::default()),
            health: HealthService::new(SERVICES, is_serving),
            reflection: ReflectionService::new(crate::proto::DESCRIPTORS, SERVICES),
        })
    }

    /// Ends the streams; requests go on.
    pub fn stop(&self) {
        self.grpc.stop();
    }

    /// Answers one request.
    pub async fn handle(self: Rc<Self>, request: Request<Incoming>) -> Answer {
        if is_grpc(&request) {
            return match Call::new(self.grpc.clone(), request) {
                Ok(call) => self.call(call).await,
                Err(answer) => answer,
            };
        }
        let mut reply = Response::new(GrpcBody::from(ReplyBody::empty()));
        *reply.status_mut() = StatusCode::NOT_FOUND;
        reply
    }

    async fn call(&self, call: Call) -> Answer {
        let _ = &self.pubsub;
        let (service, method) = call.names();
        match service {
            health::NAME => match health::Method::from_name(method) {
                Some(method) => health::dispatch(self.health.clone(), method, call).await,
                None => call.unimplemented(),
            },
            v1::server_reflection::NAME => match v1::server_reflection::Method::from_name(method) {
                Some(method) => {
                    let reflection = self.reflection.clone();
                    v1::server_reflection::dispatch(reflection, method, call).await
                }
                None => call.unimplemented(),
            },
            v1alpha::server_reflection::NAME => {
                match v1alpha::server_reflection::Method::from_name(method) {
                    Some(method) => {
                        let reflection = self.reflection.clone();
                        v1alpha::server_reflection::dispatch(reflection, method, call).await
                    }
                    None => call.unimplemented(),
                }
            }
            _ => call.unimplemented(),
        }
    }
}

/// Ack ids are signed with a key of their own, made of the secret that is kept with the data.
fn ack_key(secret: &[u8; 32]) -> [u8; 16] {
    let digest = Sha256::new()
        .chain_update(b"lclq ack ids")
        .chain_update(secret)
        .finalize();
    digest[..16].try_into().expect("SHA-256 has 32 bytes")
}
