//! Health and reflection.

use bytes::Bytes;
use prost::Message;
use prost_types::FileDescriptorProto;
use std::sync::atomic::Ordering;

use super::client::{Messages, begin, call, client, framed, head, send_all};
use super::{SERVICES, on_servers};
use crate::http::HttpLimits;
use crate::proto::grpc::health::v1::health_check_response::ServingStatus;
use crate::proto::grpc::health::v1::{HealthCheckRequest, HealthCheckResponse, HealthListResponse};
use crate::proto::grpc::reflection::v1::server_reflection_request::MessageRequest;
use crate::proto::grpc::reflection::v1::server_reflection_response::MessageResponse;
use crate::proto::grpc::reflection::v1::{ServerReflectionRequest, ServerReflectionResponse};

fn check(service: &str) -> Bytes {
    let request = HealthCheckRequest {
        service: service.into(),
    };
    framed(&request.encode_to_vec())
}

fn status(message: Bytes) -> ServingStatus {
    HealthCheckResponse::decode(message).unwrap().status()
}

#[test]
fn health_is_told_and_watched() {
    on_servers(HttpLimits::default(), |server| {
        let set_down = |down| server.seen.is_down.store(down, Ordering::SeqCst);
        client(server, |send| async move {
            let path = "/grpc.health.v1.Health/Check";
            for service in ["", "test"] {
                let reply = call(&send, path, &[], check(service)).await;
                assert_eq!(status(reply.messages()[0].clone()), ServingStatus::Serving);
            }
            let reply = call(&send, path, &[], check("nobody")).await;
            assert_eq!((reply.status(), reply.message()), ("5", "unknown service"));
            let reply = call(&send, "/grpc.health.v1.Health/List", &[], framed(b"")).await;
            let list = HealthListResponse::decode(reply.messages()[0].clone()).unwrap();
            assert_eq!(list.statuses.len(), SERVICES.len() + 1);

            let watch = |service| {
                let send = send.clone();
                async move {
                    let watch = head("/grpc.health.v1.Health/Watch", &[]);
                    let (reply, mut stream) = begin(&send, watch).await;
                    send_all(&mut stream, check(service), true).await;
                    Messages::of(reply).await
                }
            };
            let mut nobody = watch("nobody").await;
            let first = nobody.next().await.unwrap();
            assert_eq!(status(first), ServingStatus::ServiceUnknown);
            let mut changes = watch("test").await;
            for expected in [ServingStatus::Serving, ServingStatus::NotServing] {
                assert_eq!(status(changes.next().await.unwrap()), expected);
                set_down(true);
            }
            let reply = call(&send, path, &[], check("")).await;
            assert_eq!(
                status(reply.messages()[0].clone()),
                ServingStatus::NotServing
            );
        });
        set_down(false);
    });
}

#[test]
fn reflection_answers_in_a_stream() {
    on_servers(HttpLimits::default(), |server| {
        client(server, |send| async move {
            let path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
            let (reply, mut stream) = begin(&send, head(path, &[])).await;
            let mut replies = Messages::of(reply).await;
            let mut ask = async |question| {
                let request = ServerReflectionRequest {
                    host: "here".into(),
                    message_request: Some(question),
                };
                send_all(&mut stream, framed(&request.encode_to_vec()), false).await;
                let reply = replies.next().await.unwrap();
                let reply = ServerReflectionResponse::decode(reply).unwrap();
                assert_eq!(reply.valid_host, "here");
                assert_eq!(reply.original_request, Some(request));
                reply.message_response.unwrap()
            };
            match ask(MessageRequest::ListServices(String::new())).await {
                MessageResponse::ListServicesResponse(list) => {
                    let names: Vec<_> = list.service.iter().map(|service| &*service.name).collect();
                    assert_eq!(names, SERVICES);
                }
                other => panic!("{other:?}"),
            }
            let symbol = "grpc.health.v1.Health".to_owned();
            match ask(MessageRequest::FileContainingSymbol(symbol)).await {
                MessageResponse::FileDescriptorResponse(files) => {
                    let file = files.file_descriptor_proto[0].clone();
                    let file = FileDescriptorProto::decode(file).unwrap();
                    assert_eq!(file.name(), "grpc/health/v1/health.proto");
                }
                other => panic!("{other:?}"),
            }
            match ask(MessageRequest::FileByFilename("nothing".into())).await {
                MessageResponse::ErrorResponse(error) => assert_eq!(error.error_code, 5),
                other => panic!("{other:?}"),
            }
        });
    });
}
