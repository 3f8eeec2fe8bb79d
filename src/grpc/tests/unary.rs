use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use http::{Request, StatusCode};
use prost::Message;
use std::io::{Read, Write};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::client::{begin, call, client, finish, framed, head, send_all};
use super::{on_servers, wait_for};
use crate::http::HttpLimits;
use crate::proto::google::rpc;

#[test]
fn a_call_is_answered() {
    on_servers(HttpLimits::default(), |server| {
        client(server, |send| async move {
            let reply = call(&send, "/test/Echo", &[], framed(b"hello")).await;
            assert_eq!(reply.head.status(), StatusCode::OK);
            assert_eq!(reply.head.headers()["content-type"], "application/grpc");
            assert_eq!(reply.messages(), ["hello"]);
            assert_eq!((reply.status(), reply.message()), ("0", ""));
            let reply = call(&send, "/test/Echo", &[], framed(b"")).await;
            assert_eq!(reply.messages(), [""]);
        });
    });
}

#[test]
fn frames_may_be_cut_anywhere() {
    on_servers(HttpLimits::default(), |server| {
        client(server, |send| async move {
            let (reply, mut stream) = begin(&send, head("/test/Echo", &[])).await;
            for byte in framed(b"piece by piece") {
                stream.send_data(vec![byte].into(), false).unwrap();
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            // The end in a frame of its own, as some clients have it.
            stream.send_data(Bytes::new(), true).unwrap();
            let reply = finish(reply).await.unwrap();
            assert_eq!(reply.messages(), ["piece by piece"]);
        });
    });
}

#[test]
fn ten_megabytes_go_both_ways() {
    on_servers(HttpLimits::default(), |server| {
        client(server, |send| async move {
            let body: Vec<u8> = (0..10_485_760u32).map(|n| ((n * 31) >> 3) as u8).collect();
            let reply = call(&send, "/test/Echo", &[], framed(&body)).await;
            assert!(reply.messages() == [body]);
        });
    });
}

#[test]
fn too_large_a_request_is_refused_by_its_head() {
    on_servers(HttpLimits::default(), |server| {
        client(server, |send| async move {
            let (reply, mut stream) = begin(&send, head("/test/Echo", &[])).await;
            let mut frame = framed(b"").to_vec();
            frame[1..5].copy_from_slice(&10_485_761u32.to_be_bytes());
            stream.send_data(frame.into(), false).unwrap();
            let reply = finish(reply).await.unwrap();
            assert_eq!(reply.status(), "3");
            assert_eq!(
                reply.message(),
                "Request payload size exceeds the limit: 10485760 bytes."
            );
        });
    });
}

#[test]
fn a_unary_request_is_one_message() {
    on_servers(HttpLimits::default(), |server| {
        client(server, |send| async move {
            let two = [framed(b"one"), framed(b"two")].concat();
            let short = framed(b"short").slice(..7);
            for (body, what) in [
                (Bytes::new(), "no message"),
                (two.into(), "several messages"),
                (short, "ends within a message"),
                (Bytes::from_static(&[9, 0, 0, 0, 0]), "flag"),
            ] {
                let reply = call(&send, "/test/Echo", &[], body).await;
                assert_eq!(reply.status(), "13", "{what}");
                assert!(reply.message().contains(what), "{}", reply.message());
            }
        });
    });
}

#[test]
fn a_request_that_never_ends_is_given_up() {
    on_servers(HttpLimits::default(), |server| {
        client(server, |send| async move {
            for sent in [Bytes::new(), framed(b"and then nothing")] {
                let (reply, mut stream) = begin(&send, head("/test/Echo", &[])).await;
                stream.send_data(sent, false).unwrap();
                assert_eq!(finish(reply).await.unwrap().status(), "4");
            }
        });
    });
}

#[test]
fn what_does_not_exist_is_unimplemented() {
    on_servers(HttpLimits::default(), |server| {
        client(server, |send| async move {
            for path in ["/test/Nothing", "/nobody/Echo", "/", "/test", "/a/b/c"] {
                let reply = call(&send, path, &[], framed(b"")).await;
                assert_eq!(reply.head.status(), StatusCode::OK);
                assert_eq!(reply.status(), "12");
                assert_eq!(reply.message(), format!("Method not found: {path}"));
            }
        });
    });
}

#[test]
fn what_is_not_grpc_is_refused() {
    on_servers(HttpLimits::default(), |server| {
        client(server, |send| async move {
            for (content_type, status) in [
                ("application/json", 415),
                ("application/grpc-web", 415),
                ("application/grpc+json", 415),
                ("application/grpc+proto", 200),
                ("application/grpc;charset=utf-8", 200),
            ] {
                let mut request = head("/test/Echo", &[]);
                let headers = request.headers_mut();
                headers.insert("content-type", content_type.parse().unwrap());
                let (reply, mut stream) = begin(&send, request).await;
                send_all(&mut stream, framed(b""), true).await;
                let reply = finish(reply).await.unwrap();
                assert_eq!(reply.head.status(), status, "{content_type}");
            }
            let get = Request::get("http://x/test/Echo")
                .header("content-type", "application/grpc")
                .body(())
                .unwrap();
            let (reply, mut stream) = begin(&send, get).await;
            stream.send_data(Bytes::new(), true).unwrap();
            let reply = finish(reply).await.unwrap();
            assert_eq!(reply.head.status(), 405);
        });
    });
}

#[test]
fn errors_carry_their_details() {
    on_servers(HttpLimits::default(), |server| {
        client(server, |send| async move {
            let reply = call(&send, "/test/Fail", &[], framed(b"")).await;
            assert_eq!((reply.status(), reply.message()), ("9", "d%C3%A9g%C3%A2t"));
            let details = reply.ending()["grpc-status-details-bin"].as_bytes();
            let details = base64_simd::STANDARD_NO_PAD.decode_to_vec(details).unwrap();
            let status = rpc::Status::decode(&details[..]).unwrap();
            assert_eq!((status.code, &*status.message), (9, "dégât"));
            let info = rpc::ErrorInfo::decode(&status.details[0].value[..]).unwrap();
            assert_eq!(info.reason, "WHY");
        });
    });
}

#[test]
fn compression_goes_both_ways() {
    on_servers(HttpLimits::default(), |server| {
        client(server, |send| async move {
            let message = vec![b'a'; 50_000];
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&message).unwrap();
            let mut frame = framed(&encoder.finish().unwrap()).to_vec();
            frame[0] = 1;
            let headers = [
                ("grpc-encoding", "gzip"),
                ("grpc-accept-encoding", "identity, deflate, gzip"),
            ];
            let reply = call(&send, "/test/Echo", &headers, frame).await;
            assert_eq!(reply.status(), "0");
            assert_eq!(reply.head.headers()["grpc-encoding"], "gzip");
            assert_eq!(reply.body[0], 1);
            let mut decoded = Vec::new();
            let mut decoder = GzDecoder::new(&reply.body[5..]);
            decoder.read_to_end(&mut decoded).unwrap();
            assert!(decoded == message);

            // What isn't compressed may stand in such a call, and short replies stay as they are.
            let reply = call(&send, "/test/Echo", &headers, framed(b"short")).await;
            assert_eq!(reply.messages(), ["short"]);
            // Who only could read gzip isn't bothered with it.
            let reply = call(&send, "/test/Echo", &headers[1..], framed(&message)).await;
            assert!(reply.messages() == [message]);

            let headers = [("grpc-encoding", "snappy")];
            let reply = call(&send, "/test/Echo", &headers, framed(b"x")).await;
            assert_eq!(reply.status(), "12");
            let accepted = &reply.head.headers()["grpc-accept-encoding"];
            assert_eq!(accepted, "identity,deflate,gzip");
        });
    });
}

#[test]
fn a_bomb_is_cut_off() {
    on_servers(HttpLimits::default(), |server| {
        client(server, |send| async move {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            let zeros = vec![0; 1_000_000];
            for _ in 0..20 {
                encoder.write_all(&zeros).unwrap();
            }
            let mut frame = framed(&encoder.finish().unwrap()).to_vec();
            frame[0] = 1;
            let headers = [("grpc-encoding", "gzip")];
            let reply = call(&send, "/test/Echo", &headers, frame).await;
            assert_eq!(reply.status(), "3");
        });
    });
}

#[test]
fn a_call_ends_with_its_time() {
    on_servers(HttpLimits::default(), |server| {
        let slow = || server.seen.gone.load(Ordering::SeqCst);
        client(server, |send| async move {
            let headers = [("grpc-timeout", "50m")];
            let reply = call(&send, "/test/Slow", &headers, framed(b"")).await;
            assert_eq!(reply.status(), "4");
            // A call that is fast enough doesn't notice.
            let reply = call(
                &send,
                "/test/Echo",
                &[("grpc-timeout", "20S")],
                framed(b"x"),
            )
            .await;
            assert_eq!(reply.messages(), ["x"]);
        });
        wait_for("the handler to be dropped", || slow() == 1);
    });
}

#[test]
fn a_cancelled_call_drops_its_handler() {
    on_servers(HttpLimits::default(), |server| {
        client(server, |send| async move {
            let (reply, mut stream) = begin(&send, head("/test/Slow", &[])).await;
            send_all(&mut stream, framed(b""), true).await;
            while server.seen.begun.load(Ordering::SeqCst) == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            stream.send_reset(h2::Reason::CANCEL);
            drop(reply);
            while server.seen.gone.load(Ordering::SeqCst) == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
    });
}
