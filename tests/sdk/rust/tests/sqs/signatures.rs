//! What a server that enforces signatures makes of the SDK's signer: right keys and wrong ones, sessions,
//! clocks that are off, and URLs signed beforehand. LCLQ_SIGNED_ENDPOINT names that server.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{self, Credentials};
use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_async::time::TimeSource;
use http::Uri;
use lclq_sdk_rust::*;
use serde_json::Value;

const TWENTY_MINUTES: Duration = Duration::from_secs(20 * 60);

fn given(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} must be set, of a server that was started with --sqs-auth enforce"))
}

fn key() -> Credentials {
    key_of(&given("LCLQ_SIGNED_ID"), &given("LCLQ_SIGNED_SECRET"))
}

fn key_of(id: &str, secret: &str) -> Credentials {
    Credentials::new(id, secret, None, None, "tests")
}

fn session() -> Credentials {
    session_by(Some(given("LCLQ_SESSION_TOKEN")))
}

fn session_by(token: Option<String>) -> Credentials {
    let (id, secret) = (given("LCLQ_SESSION_ID"), given("LCLQ_SESSION_SECRET"));
    Credentials::new(id, secret, token, None, "tests")
}

async fn signing(credentials: Credentials) -> config::Builder {
    let client = client_at(given("LCLQ_SIGNED_ENDPOINT"), "us-east-1", credentials.access_key_id()).await;
    client.config().to_builder().credentials_provider(credentials)
}

async fn signed_by(credentials: Credentials) -> Client {
    Client::from_conf(signing(credentials).await.build())
}

/// Does with a queue of its own what clients do.
async fn works_by(client: Client) {
    let queue = Queue::create(client, &unique("rust"), &[]).await;
    assert!(queue.url.contains("/111122223333/"), "{}", queue.url);
    queue.send("signed: ü & = + %20").await;
    let got = queue.receive_one().await;
    assert_eq!(got.body(), Some("signed: ü & = + %20"));
    queue.delete(&got).await;
    let entries = ["a", "b"].map(|id| {
        let entry = SendMessageBatchRequestEntry::builder().id(id).message_body(id);
        entry.build().unwrap()
    });
    let batch = queue.client.send_message_batch().queue_url(&queue.url);
    let sent = batch.set_entries(Some(entries.into())).send().await.unwrap();
    assert_eq!((sent.successful().len(), sent.failed().len()), (2, 0), "{sent:?}");
    assert_eq!(sorted(bodies(&queue.receive_exactly(2).await)), ["a", "b"]);
    queue.client.delete_queue().queue_url(&queue.url).send().await.unwrap();
}

/// Expects that a client may not even list queues.
async fn refuses_to_list(client: Client, code: &str, json_code: &str, text: &str) {
    let error = client.list_queues().send().await.expect_err("a refusal");
    let response = error.raw_response().expect("a response");
    assert_eq!(response.status().as_u16(), 403, "{error:?}");
    // The SDK's code is the header's; the body has the protocol's own.
    assert_eq!(error.code(), Some(code), "{error:?}");
    let answer: Value = serde_json::from_slice(response.body().bytes().expect("a whole body")).expect("JSON");
    assert_eq!(answer["__type"], format!("com.amazon.coral.service#{json_code}"));
    let header = response.headers().get("x-amzn-query-error");
    assert_eq!(header, Some(format!("{code};Sender").as_str()));
    let message = error.message().unwrap_or_default();
    assert!(message.starts_with(text), "{message}");
}

async fn refuses_signature(client: Client, text: &str) {
    refuses_to_list(client, "SignatureDoesNotMatch", "InvalidSignatureException", text).await;
}

async fn refuses_key(credentials: Credentials) {
    refuses_to_list(
        signed_by(credentials).await,
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    )
    .await;
}

#[test]
fn right_key_works_for_its_account() {
    run(async { works_by(signed_by(key()).await).await });
}

#[test]
fn wrong_secret_is_refused() {
    run(async {
        let wrong = key_of(&given("LCLQ_SIGNED_ID"), "not-the-secret-of-this-key");
        refuses_signature(
            signed_by(wrong).await,
            "The request signature we calculated does not match the signature you provided.",
        )
        .await;
    });
}

#[test]
fn unknown_key_is_refused() {
    run(async { refuses_key(key_of("AKIAIOSFODNN7EXAMPLE", &given("LCLQ_SIGNED_SECRET"))).await });
}

#[test]
fn session_works_with_its_token_alone() {
    run(async {
        works_by(signed_by(session()).await).await;
        refuses_key(session_by(None)).await;
        refuses_key(session_by(Some("another session's token".to_owned()))).await;
    });
}

/// The system's clock, off by something.
#[derive(Debug)]
struct Clock(fn(SystemTime) -> SystemTime);

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        self.0(SystemTime::now())
    }
}

const SLOW: Clock = Clock(|now| now - TWENTY_MINUTES);
const FAST: Clock = Clock(|now| now + TWENTY_MINUTES);

#[test]
fn clock_that_is_off_is_refused() {
    run(async {
        for (clock, text) in [(SLOW, "Signature expired: "), (FAST, "Signature not yet current: ")] {
            let signing = signing(key()).await.time_source(clock);
            let uncorrected = signing.disable_clock_skew_correction(true).build();
            refuses_signature(Client::from_conf(uncorrected), text).await;
        }
    });
}

#[test]
fn clock_is_corrected_by_the_date_of_the_refusal() {
    run(async {
        for clock in [SLOW, FAST] {
            let corrected = signing(key()).await.time_source(clock).build();
            let listed = Client::from_conf(corrected).list_queues().send().await;
            listed.expect("the second attempt is believed");
        }
    });
}

/// A URL that lists queues for some seconds.
fn presigned(credentials: Credentials, seconds: u64) -> Uri {
    let endpoint = given("LCLQ_SIGNED_ENDPOINT");
    let url = endpoint.trim_end_matches('/').to_owned() + "/?Action=ListQueues&Version=2012-11-05";
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(Duration::from_secs(seconds));
    let identity = credentials.into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("sqs")
        .time(SystemTime::now())
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let request = SignableRequest::new("GET", &url, std::iter::empty(), SignableBody::empty()).unwrap();
    let (instructions, _) = sign(request, &params).unwrap().into_parts();
    let mut request = http::Request::get(&url).body(()).unwrap();
    instructions.apply_to_request_http1x(&mut request);
    assert!(request.headers().is_empty(), "a URL is enough: {request:?}");
    request.uri().clone()
}

/// GETs a URL as anybody would. Answers the status line, and everything after it.
fn fetch(url: &Uri) -> (String, String) {
    let host = url.authority().expect("a host").as_str();
    let mut server = TcpStream::connect(host).expect("a connection");
    let target = url.path_and_query().expect("a path and a query");
    write!(
        server,
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .expect("write");
    let mut response = String::new();
    server.read_to_string(&mut response).expect("read");
    let (status, rest) = response.split_once("\r\n").expect("a status line");
    assert!(rest.to_lowercase().contains("content-type: text/xml\r\n"), "{response}");
    (status.to_owned(), rest.to_owned())
}

fn lists_by_url(url: &Uri) {
    let (status, rest) = fetch(url);
    assert!(status.starts_with("HTTP/1.1 200 "), "{status}: {rest}");
    assert!(rest.contains("<ListQueuesResponse"), "{rest}");
}

fn refuses_url(url: &Uri, text: &str) {
    let (status, rest) = fetch(url);
    assert!(status.starts_with("HTTP/1.1 403 "), "{status}: {rest}");
    assert!(rest.contains("<Code>SignatureDoesNotMatch</Code>"), "{rest}");
    assert!(rest.contains(&format!("<Message>{text}")), "{rest}");
}

#[test]
fn presigned_url_works_until_it_expires() {
    run(async {
        // Dates tell whole seconds only, so a URL for a single one may be over at once.
        let url = presigned(key(), 3);
        lists_by_url(&url);
        sleep(3200).await;
        refuses_url(&url, "Signature expired: ");
    });
}

#[test]
fn presigned_url_of_a_session() {
    let url = presigned(session(), 60);
    assert!(url.to_string().contains("X-Amz-Security-Token="), "{url}");
    lists_by_url(&url);
}

#[test]
fn changed_presigned_url_is_refused() {
    let url = presigned(key(), 60).to_string();
    for (from, to) in [
        ("Version=2012-11-05", "Version=2012-11-06"),
        ("X-Amz-Expires=60", "X-Amz-Expires=90"),
        ("Action=ListQueues", "Action=ListQueuez"),
    ] {
        let changed = url.replacen(from, to, 1);
        assert_ne!(changed, url, "nothing to change");
        refuses_url(
            &changed.parse().unwrap(),
            "The request signature we calculated does not match",
        );
    }
}
