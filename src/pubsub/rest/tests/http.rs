use bytes::Bytes;
use http::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderValue, Response};
use http_body_util::Full;
use prost::Message;
use serde_json::{Value, json};

use super::{Endpoint, request};
use crate::http::{ReplyBody, decompress_body};
use crate::pubsub::error::not_found;
use crate::pubsub::limits::REQUEST_BYTES_MAX;
use crate::pubsub::proto::*;

const PUBLISH: &str = "/v1/projects/p/topics/t:publish";

fn body(reply: &Response<ReplyBody>) -> Value {
    serde_json::from_slice(reply.body().as_bytes()).unwrap()
}

fn published() -> Endpoint {
    let reply = PublishResponse {
        message_ids: vec!["1".into()],
    };
    Endpoint::new(Ok(reply.encode_to_vec().into()))
}

#[test]
fn a_call_and_its_reply() {
    let endpoint = published();
    let reply = endpoint.ask("POST", PUBLISH, r#"{"messages": [{"data": "eA=="}]}"#);
    assert_eq!(reply.status(), 200);
    assert_eq!(
        reply.headers()[CONTENT_TYPE],
        "application/json; charset=UTF-8"
    );
    assert_eq!(
        reply.body().as_bytes(),
        "{\n  \"messageIds\": [\n    \"1\"\n  ]\n}\n"
    );
    let (method, request) = endpoint.calls.borrow_mut().remove(0);
    assert_eq!(method, "/google.pubsub.v1.Publisher/Publish");
    let request = PublishRequest::decode(request).unwrap();
    assert_eq!(request.topic, "projects/p/topics/t");
    assert_eq!(request.messages[0].data, "x");
}

#[test]
fn errors_of_calls_and_of_requests() {
    let endpoint = Endpoint::new(Err(not_found("t")));
    let reply = endpoint.ask("GET", "/v1/projects/p/topics/t", "");
    assert_eq!(reply.status(), 404);
    assert_eq!(
        reply.headers()[CONTENT_TYPE],
        "application/json; charset=UTF-8"
    );
    let expected = json!({"error": {"code": 404, "status": "NOT_FOUND",
                                    "message": "Resource not found (resource=t)."}});
    assert_eq!(body(&reply), expected);
    endpoint.calls.borrow_mut().clear();

    for (method, path, sent, status) in [
        ("GET", "/v1/nothing", "", 404),
        ("POST", "/v1/projects/p/topics/t", "{}", 405),
        ("OPTIONS", "/v1/projects/p/topics/t", "", 405),
        ("BREW", "/v1/projects/p/topics/t", "", 405),
        ("GET", "/v1/projects/p/topics/%C3%28", "", 400),
        ("PUT", "/v1/projects/p/topics/t", "{", 400),
        ("POST", "/google.pubsub.v1.Publisher/Publish", "", 404),
    ] {
        let reply = endpoint.ask(method, path, sent);
        assert_eq!(reply.status(), status, "{method} {path}");
        assert_eq!(body(&reply)["error"]["code"], status);
        assert!(endpoint.calls.borrow().is_empty());
    }
    let reply = endpoint.ask("PUT", PUBLISH, "{}");
    assert_eq!(reply.headers()[ALLOW], "POST");
}

#[test]
fn a_reply_that_is_no_message_is_our_error() {
    let endpoint = Endpoint::new(Ok(Bytes::from_static(b"\xff")));
    let reply = endpoint.ask("POST", PUBLISH, "{}");
    assert_eq!(reply.status(), 500);
    assert_eq!(body(&reply)["error"]["status"], "INTERNAL");
}

#[test]
fn styles_of_replies() {
    let topic = Topic {
        name: "n".into(),
        state: 1,
        ..Default::default()
    };
    let endpoint = Endpoint::new(Ok(topic.encode_to_vec().into()));
    for (query, expected) in [
        ("", "{\n  \"name\": \"n\",\n  \"state\": \"ACTIVE\"\n}\n"),
        (
            "?$alt=json;enum-encoding=int",
            "{\n  \"name\": \"n\",\n  \"state\": 1\n}\n",
        ),
        (
            "?%24alt=json%3Benum-encoding%3Dint&prettyPrint=false",
            "{\"name\":\"n\",\"state\":1}\n",
        ),
        ("?alt=json&pp=0", "{\"name\":\"n\",\"state\":\"ACTIVE\"}\n"),
    ] {
        let reply = endpoint.ask("GET", &format!("/v1/projects/p/topics/t{query}"), "");
        assert_eq!(reply.body().as_bytes(), expected, "{query}");
    }
}

#[test]
fn what_is_served_without_a_call() {
    let endpoint = published();
    assert_eq!(
        body(&endpoint.ask("GET", "/health", "")),
        json!({"status": "ok"})
    );
    assert_eq!(endpoint.ask("GET", "/", "").body().as_bytes(), "Ok\n");
    let keys = endpoint.ask("GET", "/_lclq/jwks", "");
    assert_eq!(
        keys.headers()[CONTENT_TYPE],
        "application/json; charset=UTF-8"
    );
    assert_eq!(body(&keys), json!({"keys": ["localhost"]}));
    assert_eq!(endpoint.ask("POST", "/health", "").status(), 404);
    let failing = Endpoint::failing(Ok(Bytes::new()), Some("disk full".into()));
    let reply = failing.ask("GET", "/health", "");
    assert_eq!(reply.status(), 503);
    assert_eq!(body(&reply)["reason"], "disk full");
    assert!(endpoint.calls.borrow().is_empty());
}

#[test]
fn browsers_may_call() {
    let endpoint = published();
    let mut preflight = request("OPTIONS", PUBLISH, b"");
    let headers = preflight.headers_mut();
    headers.insert("origin", HeaderValue::from_static("http://page"));
    headers.insert(
        "access-control-request-method",
        HeaderValue::from_static("POST"),
    );
    let reply = endpoint.send(preflight);
    assert_eq!(reply.status(), 204);
    assert_eq!(
        reply.headers()["access-control-allow-origin"],
        "http://page"
    );
    let mut post = request("POST", PUBLISH, b"{}");
    post.headers_mut()
        .insert("origin", HeaderValue::from_static("http://page"));
    let reply = endpoint.send(post);
    assert_eq!(
        reply.headers()["access-control-allow-origin"],
        "http://page"
    );
    assert_eq!(reply.status(), 200);
}

#[test]
fn patch_may_be_posted() {
    let endpoint = Endpoint::new(Ok(Bytes::new()));
    let mut post = request(
        "POST",
        "/v1/projects/p/topics/t",
        b"{\"updateMask\": \"labels\"}",
    );
    post.headers_mut()
        .insert("x-http-method-override", HeaderValue::from_static("PATCH"));
    assert_eq!(endpoint.send(post).status(), 200);
    assert_eq!(
        endpoint.calls.borrow()[0].0,
        "/google.pubsub.v1.Publisher/UpdateTopic"
    );
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn bodies_may_be_compressed() {
    let message = ReceivedMessage {
        ack_id: "a".repeat(5000),
        ..Default::default()
    };
    let pulled = PullResponse {
        received_messages: vec![message],
    };
    let endpoint = Endpoint::new(Ok(pulled.encode_to_vec().into()));
    let pull = "/v1/projects/p/subscriptions/s:pull";
    let mut compressed = request("POST", pull, &gzipped(b"{\"maxMessages\": 7}"));
    let headers = compressed.headers_mut();
    headers.insert("content-encoding", HeaderValue::from_static("gzip"));
    headers.insert("accept-encoding", HeaderValue::from_static("gzip"));
    let reply = endpoint.send(compressed);
    assert_eq!(reply.status(), 200);
    assert_eq!(reply.headers()[CONTENT_ENCODING], "gzip");
    let json = decompress_body(
        reply.headers().get("content-encoding"),
        reply.body().as_bytes().clone(),
        10_000,
    )
    .unwrap();
    let json: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["receivedMessages"][0]["ackId"], "a".repeat(5000));
    let sent = PullRequest::decode(endpoint.calls.borrow()[0].1.clone()).unwrap();
    assert_eq!(sent.max_messages, 7);

    let mut broken = request("POST", pull, b"not gzip");
    broken
        .headers_mut()
        .insert("content-encoding", HeaderValue::from_static("gzip"));
    assert_eq!(endpoint.send(broken).status(), 400);
}

#[test]
fn sizes_are_bounded() {
    let endpoint = published();
    let publish = |bytes: usize| {
        let data = base64_simd::STANDARD.encode_to_string(vec![7; bytes]);
        let body = format!("{{\"messages\": [{{\"data\": \"{data}\"}}]}}");
        let request = http::Request::builder()
            .method("POST")
            .uri(PUBLISH)
            .body(Full::new(Bytes::from(body)))
            .unwrap();
        endpoint.send(request)
    };
    // In base64, and with 30 bytes around them.
    let fits = (REQUEST_BYTES_MAX - 40) / 4 * 3;
    assert_eq!(publish(fits).status(), 200);
    let sent = PublishRequest::decode(endpoint.calls.borrow_mut().remove(0).1).unwrap();
    assert_eq!(sent.messages[0].data.len(), fits);
    for bytes in [fits + 30, REQUEST_BYTES_MAX, 13_000_000] {
        let reply = publish(bytes);
        assert_eq!(reply.status(), 400);
        assert_eq!(
            body(&reply)["error"]["message"],
            "Request payload size exceeds the limit: 10485760 bytes."
        );
    }
    assert!(endpoint.calls.borrow().is_empty());
}
