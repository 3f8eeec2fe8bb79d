//! What the server does with messages on their way: transforms, schemas, push, Cloud Storage.

#![cfg(unix)]

mod support;

use apache_avro::types::Value as Avro;
use base64_simd::STANDARD;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use support::{Client, Launch, Server};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

const TOPIC: &str = "projects/p/topics/topic";
const SUBSCRIPTION: &str = "projects/p/subscriptions/sub";

struct Pubsub {
    client: Client,
}

impl Pubsub {
    fn of(server: &Server) -> Self {
        Self {
            client: server.pubsub_client(),
        }
    }

    #[track_caller]
    fn ok(&mut self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.client.rest(method, &format!("/v1/{path}"), &body);
        answer.expect("an answer").ok()
    }

    fn refused(&mut self, method: &str, path: &str, body: Value) -> String {
        let answer = self.client.rest(method, &format!("/v1/{path}"), &body);
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, 400, "{:?}", answer.json());
        answer.json()["error"]["message"]
            .as_str()
            .expect("a message")
            .to_owned()
    }

    fn create(&mut self, topic: Value, subscription: Value) {
        self.ok("PUT", TOPIC, topic);
        let mut subscription = subscription;
        subscription["topic"] = json!(TOPIC);
        self.ok("PUT", SUBSCRIPTION, subscription);
    }

    fn publish(&mut self, data: &[&str]) -> Vec<String> {
        let messages: Vec<Value> = data
            .iter()
            .map(|data| json!({"data": STANDARD.encode_to_string(data)}))
            .collect();
        let path = format!("{TOPIC}:publish");
        let answer = self.ok("POST", &path, json!({ "messages": messages }));
        let ids = answer["messageIds"].as_array().expect("ids");
        ids.iter()
            .map(|id| id.as_str().expect("text").to_owned())
            .collect()
    }

    /// Pulls and acknowledges until so many messages have come.
    fn pull(&mut self, count: usize) -> Vec<Value> {
        let until = Instant::now() + PATIENCE;
        let mut messages = Vec::new();
        while messages.len() < count {
            assert!(Instant::now() < until, "only {} messages", messages.len());
            let path = format!("{SUBSCRIPTION}:pull");
            let request = json!({"maxMessages": 100, "returnImmediately": true});
            let answer = self.ok("POST", &path, request);
            let Some(received) = answer["receivedMessages"].as_array() else {
                std::thread::sleep(Duration::from_millis(50));
                continue;
            };
            let ids: Vec<&Value> = received.iter().map(|message| &message["ackId"]).collect();
            let path = format!("{SUBSCRIPTION}:acknowledge");
            self.ok("POST", &path, json!({ "ackIds": ids }));
            messages.extend(received.iter().map(|message| message["message"].clone()));
        }
        messages
    }

    fn nothing_is_left(&mut self) {
        let path = format!("{SUBSCRIPTION}:pull");
        let request = json!({"maxMessages": 100, "returnImmediately": true});
        assert_eq!(self.ok("POST", &path, request), json!({}));
    }
}

fn data(message: &Value) -> String {
    let data = message["data"].as_str().unwrap_or_default();
    String::from_utf8(STANDARD.decode_to_vec(data).expect("base64")).expect("text")
}

fn udf(code: &str) -> Value {
    json!([{"javascriptUdf": {"functionName": "f", "code": code}}])
}

const DOUBLE_BUT_SKIP: &str = "function f(message, metadata) {
    if (message.data === 'skip') return null;
    if (message.data === 'throw') throw new Error('as told');
    return {data: message.data + message.data, attributes: {seen: String(metadata.message_id)}};
}";

#[test]
fn a_topic_transforms_before_it_stores() {
    let server = Launch::new().start();
    let mut pubsub = Pubsub::of(&server);
    pubsub.create(
        json!({"messageTransforms": udf(DOUBLE_BUT_SKIP)}),
        json!({}),
    );
    let ids = pubsub.publish(&["a", "skip", "b"]);
    assert_eq!(ids.len(), 3);
    let got = pubsub.pull(2);
    let mut texts: Vec<String> = got.iter().map(data).collect();
    texts.sort();
    assert_eq!(texts, ["aa", "bb"]);
    let mut got_ids: Vec<&str> = got
        .iter()
        .map(|m| m["messageId"].as_str().unwrap())
        .collect();
    got_ids.sort_unstable();
    assert_eq!(got_ids, [&ids[0], &ids[2]]);
    let all = json!({"messages": [{"data": STANDARD.encode_to_string("throw")}]});
    let error = pubsub.refused("POST", &format!("{TOPIC}:publish"), all);
    assert!(error.contains("as told"), "{error}");
    assert_eq!(pubsub.publish(&["skip"]).len(), 1);
    pubsub.nothing_is_left();
    server.stop();
}

#[test]
fn a_subscription_transforms_what_it_delivers() {
    let server = Launch::new().start();
    let mut pubsub = Pubsub::of(&server);
    pubsub.create(
        json!({}),
        json!({"messageTransforms": udf(DOUBLE_BUT_SKIP)}),
    );
    let ids = pubsub.publish(&["skip", "a"]);
    let got = pubsub.pull(1);
    assert_eq!(data(&got[0]), "aa");
    assert_eq!(got[0]["attributes"]["seen"], json!(ids[1]));
    pubsub.nothing_is_left();
    server.stop();
}

#[test]
fn transforms_that_cannot_work_are_refused() {
    let server = Launch::new().start();
    let mut pubsub = Pubsub::of(&server);
    let topic = json!({"messageTransforms": udf("function g() {}")});
    let error = pubsub.refused("PUT", TOPIC, topic);
    assert!(error.contains("no function f"), "{error}");
    let mut disabled = udf("function f(m) { return {data: 'changed'}; }");
    disabled[0]["disabled"] = json!(true);
    pubsub.create(json!({"messageTransforms": disabled}), json!({}));
    pubsub.publish(&["same"]);
    assert_eq!(data(&pubsub.pull(1)[0]), "same");
    server.stop();
}

#[test]
fn a_schema_is_demanded_and_told() {
    let server = Launch::new().start();
    let mut pubsub = Pubsub::of(&server);
    let definition = r#"{"type":"record","name":"R","fields":[{"name":"n","type":"int"}]}"#;
    let schema = json!({"type": "AVRO", "definition": definition});
    let made = pubsub.ok("POST", "projects/p/schemas?schemaId=numbers", schema);
    let settings = json!({"schema": "projects/p/schemas/numbers", "encoding": "JSON"});
    pubsub.create(json!({ "schemaSettings": settings }), json!({}));
    pubsub.publish(&[r#"{"n":1}"#]);
    let bad = json!({"messages": [{"data": STANDARD.encode_to_string(r#"{"n":"x"}"#)}]});
    pubsub.refused("POST", &format!("{TOPIC}:publish"), bad);
    let got = pubsub.pull(1);
    assert_eq!(
        got[0]["attributes"],
        json!({
            "googclient_schemaname": "projects/p/schemas/numbers",
            "googclient_schemaencoding": "JSON",
            "googclient_schemarevisionid": made["revisionId"],
        })
    );
    server.stop();
}

/// An HTTP server that answers with statuses in turn, the last for ever, and reports the bodies.
fn endpoint(statuses: &'static [u16]) -> (String, Receiver<Value>) {
    let (listener, port) = listen();
    let seen = serve(listener, statuses, Some);
    (format!("http://127.0.0.1:{port}/push"), seen)
}

/// The same with TLS; what fails its handshake reaches no one.
fn tls_endpoint(config: ServerConfig) -> (String, Receiver<Value>) {
    let (listener, port) = listen();
    let config = Arc::new(config);
    let seen = serve(listener, &[200], move |stream| {
        let session = ServerConnection::new(config.clone()).ok()?;
        Some(StreamOwned::new(session, stream))
    });
    (format!("https://127.0.0.1:{port}/push"), seen)
}

fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    (listener, port)
}

fn serve<S: Read + Write>(
    listener: TcpListener,
    statuses: &'static [u16],
    wrap: impl Fn(TcpStream) -> Option<S> + Clone + Send + 'static,
) -> Receiver<Value> {
    let (report, seen) = channel();
    let turn = Arc::new(AtomicUsize::new(0));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.expect("one");
            let (report, turn, wrap) = (report.clone(), turn.clone(), wrap.clone());
            std::thread::spawn(move || {
                let Some(stream) = wrap(stream) else { return };
                let mut stream = BufReader::new(stream);
                while let Some(body) = read_request(&mut stream) {
                    let at = turn.fetch_add(1, Ordering::SeqCst);
                    let status = statuses.get(at).or(statuses.last()).expect("one");
                    let _ = report.send(body);
                    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
                    if stream.get_mut().write_all(head.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    seen
}

/// The body of one request; `None` when the connection ends or breaks.
fn read_request(stream: &mut impl BufRead) -> Option<Value> {
    let (mut line, mut length) = (String::new(), 0);
    while line != "\r\n" {
        line.clear();
        if stream.read_line(&mut line).unwrap_or(0) == 0 {
            return None;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a number");
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(serde_json::from_slice(&body).expect("JSON"))
}

fn texts(seen: &Receiver<Value>, count: usize) -> Vec<String> {
    (0..count)
        .map(|_| data(&seen.recv_timeout(PATIENCE).expect("a push")["message"]))
        .collect()
}

#[test]
fn push_goes_on_after_a_restart_and_a_kill_loses_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let launch = || Launch::new().data_dir(directory.path());
    let server = launch().start();
    let mut pubsub = Pubsub::of(&server);
    let (down, refusals) = endpoint(&[503]);
    pubsub.create(json!({}), json!({"pushConfig": {"pushEndpoint": down}}));
    pubsub.publish(&["kept"]);
    assert_eq!(texts(&refusals, 1), ["kept"]);
    server.kill();
    let server = launch().start();
    let mut pubsub = Pubsub::of(&server);
    // The other endpoint answers; the change interrupts the pause after failures.
    let (up, seen) = endpoint(&[200]);
    let config = json!({"pushConfig": {"pushEndpoint": up}});
    pubsub.ok("POST", &format!("{SUBSCRIPTION}:modifyPushConfig"), config);
    assert_eq!(texts(&seen, 1), ["kept"]);
    server.stop();
}

#[test]
fn a_failed_push_of_an_ordering_key_holds_up_its_key_alone() {
    let server = Launch::new().start();
    let mut pubsub = Pubsub::of(&server);
    let (url, seen) = endpoint(&[200, 500, 200]);
    let config = json!({"pushEndpoint": url});
    pubsub.create(
        json!({}),
        json!({"enableMessageOrdering": true, "pushConfig": config}),
    );
    let messages: Vec<Value> = (0..20)
        .map(|n| json!({"data": STANDARD.encode_to_string(n.to_string()), "orderingKey": "k"}))
        .collect();
    let path = format!("{TOPIC}:publish");
    pubsub.ok("POST", &path, json!({ "messages": messages }));
    let mut expected: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    expected.insert(1, "1".to_owned());
    assert_eq!(texts(&seen, 21), expected);
    server.stop();
}

#[test]
fn push_over_https_goes_to_those_it_trusts() {
    let directory = tempfile::tempdir().expect("a directory");
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("made");
    let authorities = directory.path().join("authorities.pem");
    std::fs::write(&authorities, made.cert.pem()).expect("written");
    let config = || {
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("a certificate")
    };
    let push = |launch: Launch| {
        let server = launch.start();
        let mut pubsub = Pubsub::of(&server);
        let (url, seen) = tls_endpoint(config());
        pubsub.create(json!({}), json!({"pushConfig": {"pushEndpoint": url}}));
        pubsub.publish(&["secret"]);
        (server, pubsub, seen)
    };

    let (server, _, seen) = push(Launch::new().flag("--push-ca-file", &authorities));
    assert_eq!(texts(&seen, 1), ["secret"]);
    server.stop();
    let (server, _, seen) = push(Launch::new().switch("--push-accept-any-certificate"));
    assert_eq!(texts(&seen, 1), ["secret"]);
    server.stop();

    let (server, mut pubsub, seen) = push(Launch::new());
    let refused = seen.recv_timeout(Duration::from_secs(2));
    assert!(refused.is_err(), "pushed to a stranger: {refused:?}");
    // What could not be pushed can still be pulled.
    let config = json!({"pushConfig": {}});
    pubsub.ok("POST", &format!("{SUBSCRIPTION}:modifyPushConfig"), config);
    assert_eq!(data(&pubsub.pull(1)[0]), "secret");
    server.stop();
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Waits for the first finished object under a directory.
fn object(directory: &Path, suffix: &str) -> PathBuf {
    let until = Instant::now() + PATIENCE;
    loop {
        let done = |path: &PathBuf| path.to_string_lossy().ends_with(suffix);
        if let Some(file) = files(directory).into_iter().find(done) {
            return file;
        }
        assert!(Instant::now() < until, "no object appears");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn messages_become_lines_of_a_bucket_s_object() {
    let buckets = tempfile::tempdir().expect("a directory");
    let server = Launch::new()
        .flag("--cloud-storage-dir", buckets.path())
        .start();
    let mut pubsub = Pubsub::of(&server);
    let config = json!({
        "bucket": "my-bucket",
        "filenamePrefix": "logs/",
        "filenameSuffix": ".log",
        "maxMessages": "1000",
    });
    pubsub.create(json!({}), json!({ "cloudStorageConfig": config }));
    let texts: Vec<String> = (0..1000).map(|n| format!("line {n:04}")).collect();
    let all: Vec<&str> = texts.iter().map(String::as_str).collect();
    pubsub.publish(&all);
    let file = object(&buckets.path().join("my-bucket/logs"), ".log");
    let content = std::fs::read_to_string(file).expect("text");
    let mut lines: Vec<&str> = content.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, all);
    server.stop();
}

#[test]
fn messages_become_records_of_an_avro_object() {
    let buckets = tempfile::tempdir().expect("a directory");
    let data = tempfile::tempdir().expect("a directory");
    // As a server that keeps its data and was killed before the object was complete.
    let launch = || {
        Launch::new()
            .flag("--cloud-storage-dir", buckets.path())
            .data_dir(data.path())
    };
    let server = launch().start();
    let mut pubsub = Pubsub::of(&server);
    let config = json!({
        "bucket": "my-bucket",
        "filenameSuffix": ".avro",
        "maxMessages": "2000",
        "avroConfig": {"writeMetadata": true},
    });
    pubsub.create(json!({}), json!({ "cloudStorageConfig": config }));
    let texts: Vec<String> = (0..2000).map(|n| format!("record {n:04}")).collect();
    let all: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut ids = pubsub.publish(&all[..1000]);
    server.kill();
    let server = launch().start();
    let mut pubsub = Pubsub::of(&server);
    ids.extend(pubsub.publish(&all[1000..]));
    let file = object(&buckets.path().join("my-bucket"), ".avro");
    let mut found: Vec<(String, String)> = apache_avro::Reader::new(File::open(file).expect("it"))
        .expect("an object container file")
        .map(|record| {
            let Ok(Avro::Record(fields)) = record else {
                panic!("{record:?}")
            };
            let field = |name: &str| &fields.iter().find(|(it, _)| it == name).expect(name).1;
            assert_eq!(
                *field("subscription_name"),
                Avro::String(SUBSCRIPTION.into())
            );
            match (field("message_id"), field("data")) {
                (Avro::String(id), Avro::Bytes(data)) => {
                    (id.clone(), String::from_utf8(data.clone()).expect("text"))
                }
                other => panic!("{other:?}"),
            }
        })
        .collect();
    let mut expected: Vec<(String, String)> = ids.into_iter().zip(texts).collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
    server.stop();
}
