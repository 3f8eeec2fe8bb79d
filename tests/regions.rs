//! Regions that Pub/Sub plays: how long the way to a topic takes, what a cut way does, and what a message
//! storage policy lets in by which.

mod support;

use lclq::pubsub::proto::{StreamingPullRequest, StreamingPullResponse};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::streaming::Stream;
use support::{Answer, Client, Launch, Server};

const US: &str = "us-east1";
const EUROPE: &str = "europe-west1";
const ASIA: &str = "asia-east1";
/// From the United States to Europe, and as long back, ms.
const LATENCY_MS: u64 = 300;
const LATENCY: Duration = Duration::from_millis(LATENCY_MS);
const PATIENCE: Duration = Duration::from_secs(15);
const TOPIC: &str = "projects/p/topics/orders";
const BILLS: &str = "projects/p/subscriptions/bills";

fn launch() -> Launch {
    Launch::new()
        .flag("--cores", "2")
        .flag("--shards", "3")
        .flag("--pubsub-regions", format!("{US},{EUROPE},{ASIA}"))
        .flag(
            "--pubsub-region-latency",
            format!("{US}:{EUROPE}={LATENCY_MS}"),
        )
        .switch("--test-controls")
}

/// A client of a region's endpoint.
struct At {
    client: Client,
    host: String,
}

impl At {
    fn region(server: &Server, region: &str) -> Self {
        Self::host(server, &format!("{region}-pubsub.localhost"))
    }

    fn host(server: &Server, host: &str) -> Self {
        Self {
            client: server.pubsub_client(),
            host: host.to_owned(),
        }
    }

    fn call(&mut self, method: &str, path: &str, body: &Value) -> Answer {
        self.send(method, path, body);
        self.client.receive().expect("an answer")
    }

    fn send(&mut self, method: &str, path: &str, body: &Value) {
        let (host, body) = (&self.host, body.to_string());
        let request = format!(
            "{method} /v1/{path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.client.write(request.as_bytes()).expect("written");
    }

    #[track_caller]
    fn make(&mut self, path: &str, body: &Value) -> Value {
        self.call("PUT", path, body).ok()
    }

    fn publish(&mut self, data: &str) -> Answer {
        let message = json!({ "data": base64_simd::STANDARD.encode_to_string(data) });
        let body = json!({ "messages": [message] });
        self.call("POST", &format!("{TOPIC}:publish"), &body)
    }

    /// A pull that doesn't wait.
    fn pull(&mut self, subscription: &str) -> Answer {
        let body = json!({ "maxMessages": 100, "returnImmediately": true });
        self.call("POST", &format!("{subscription}:pull"), &body)
    }

    /// What a pull finds within a while.
    fn pulled(&mut self, subscription: &str) -> Vec<String> {
        let until = Instant::now() + PATIENCE;
        loop {
            let found = data_of(&self.pull(subscription).ok());
            if !found.is_empty() || Instant::now() > until {
                return found;
            }
        }
    }
}

fn data_of(pulled: &Value) -> Vec<String> {
    let messages = pulled["receivedMessages"].as_array().into_iter().flatten();
    let data = messages.map(|one| {
        let data = one["message"]["data"].as_str().expect("data");
        let bytes = base64_simd::STANDARD.decode_to_vec(data).expect("base64");
        String::from_utf8(bytes).expect("text")
    });
    data.collect()
}

/// A topic that is made by a region, and a subscription to it.
fn make_by(server: &Server, region: &str, policy: Option<Value>) {
    let mut at = At::region(server, region);
    let topic = match policy {
        Some(policy) => json!({ "messageStoragePolicy": policy }),
        None => json!({}),
    };
    at.make(TOPIC, &topic);
    at.make(BILLS, &json!({ "topic": TOPIC }));
}

fn timed<T>(run: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    let outcome = run();
    (outcome, began.elapsed())
}

#[track_caller]
fn is_refused(answer: &Answer, http: u16, status: &str, text: &str) {
    let error = &answer.json()["error"];
    assert_eq!(answer.status, http, "{error}");
    assert_eq!(error["status"], status, "{error}");
    let message = error["message"].as_str().unwrap_or_default();
    assert!(message.contains(text), "{message}");
}

fn control(server: &Server, method: &str, path: &str, body: &Value) -> Answer {
    let mut admin = server.admin_client();
    let path = format!("/api/v1/test/{path}");
    admin.rest(method, &path, body).expect("an answer")
}

fn cut(server: &Server, between: &[&str]) {
    control(
        server,
        "POST",
        "regions/cut",
        &json!({ "between": between }),
    )
    .ok();
}

fn heal(server: &Server) {
    control(server, "POST", "regions/heal", &json!({})).ok();
}

fn stream(server: &Server, region: &str) -> Stream {
    let first = StreamingPullRequest {
        subscription: BILLS.to_owned(),
        stream_ack_deadline_seconds: 60,
        ..StreamingPullRequest::default()
    };
    let authority = format!("{region}-pubsub.localhost");
    Stream::open_at(server.pubsub_address(), &authority, &first).expect("a stream")
}

fn streamed(response: &StreamingPullResponse) -> Vec<(String, String)> {
    let received = response.received_messages.iter();
    let read = received.map(|one| {
        let data = one.message.as_ref().map(|message| message.data.to_vec());
        let data = String::from_utf8(data.unwrap_or_default()).expect("text");
        (data, one.ack_id.clone())
    });
    read.collect()
}

#[test]
fn a_topic_is_as_far_away_as_its_region() {
    let server = launch().start();
    make_by(&server, EUROPE, None);
    let (mut europe, mut us) = (At::region(&server, EUROPE), At::region(&server, US));
    let (answer, took) = timed(|| europe.publish("near"));
    answer.ok();
    assert!(took < LATENCY, "{took:?}");
    assert_eq!(europe.pulled(BILLS), ["near"]);
    let (answer, took) = timed(|| us.publish("far"));
    answer.ok();
    assert!(took >= 2 * LATENCY, "{took:?}");
    let (answer, took) = timed(|| us.pull(BILLS));
    assert_eq!(data_of(&answer.ok()), ["far"]);
    assert!(took >= 2 * LATENCY, "{took:?}");
    // The global endpoint leads to the default region.
    for host in ["localhost", "127.0.0.1", "pubsub.localhost"] {
        let (_, took) = timed(|| At::host(&server, host).publish("far"));
        assert!(took >= 2 * LATENCY, "{host}: {took:?}");
    }
    // Nothing was said of this way.
    let (_, took) = timed(|| At::region(&server, ASIA).publish("near enough"));
    assert!(took < LATENCY, "{took:?}");
    // What is wrong comes from as far away, and what isn't there is nowhere.
    let (answer, took) = timed(|| us.call("PUT", TOPIC, &json!({})));
    assert_eq!(answer.status, 409);
    assert!(took >= 2 * LATENCY, "{took:?}");
    let (answer, took) = timed(|| us.pull("projects/p/subscriptions/nobody"));
    assert_eq!(answer.status, 404);
    assert!(took < LATENCY, "{took:?}");
    server.stop();
}

#[test]
fn a_topic_is_in_the_first_region_that_its_policy_allows() {
    let server = launch().start();
    let policy = json!({ "allowedPersistenceRegions": ["mars-north1", EUROPE, US] });
    make_by(&server, US, Some(policy));
    let (mut europe, mut us) = (At::region(&server, EUROPE), At::region(&server, US));
    assert!(timed(|| europe.publish("near")).1 < LATENCY);
    assert!(timed(|| us.publish("far")).1 >= 2 * LATENCY);
    // Without the policy it is where it was made.
    let update = json!({ "topic": {}, "updateMask": "messageStoragePolicy" });
    us.call("PATCH", TOPIC, &update).ok();
    assert!(timed(|| us.publish("near")).1 < LATENCY);
    assert!(timed(|| europe.publish("far")).1 >= 2 * LATENCY);
    server.stop();
}

#[test]
fn a_restart_leaves_topics_where_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let server = launch().data_dir(directory.path()).start();
    make_by(&server, EUROPE, None);
    server.stop();
    let server = launch().data_dir(directory.path()).start();
    assert!(timed(|| At::region(&server, EUROPE).publish("near")).1 < LATENCY);
    assert!(timed(|| At::region(&server, US).publish("far")).1 >= 2 * LATENCY);
    server.stop();
}

#[test]
fn a_stream_gets_messages_after_the_latency_and_many_are_under_way_at_once() {
    const MESSAGES: usize = 20;
    let server = launch().start();
    make_by(&server, EUROPE, None);
    let mut far = stream(&server, US);
    // So that it stands there when they are published.
    std::thread::sleep(2 * LATENCY);
    let mut europe = At::region(&server, EUROPE);
    let began = Instant::now();
    let (mut got, mut first) = (Vec::new(), None);
    for number in 0..MESSAGES {
        europe.publish(&number.to_string()).ok();
    }
    while got.len() < MESSAGES {
        let response = far.next(PATIENCE).unwrap().expect("a response");
        first.get_or_insert(began.elapsed());
        got.extend(streamed(&response));
    }
    let (first, last) = (first.unwrap(), began.elapsed());
    assert!(first >= LATENCY, "{first:?}");
    assert!(last < MESSAGES as u32 * LATENCY / 2, "{last:?}");
    // Acknowledgements take as long, and arrive.
    far.send(&StreamingPullRequest {
        ack_ids: got.into_iter().map(|(_, ack_id)| ack_id).collect(),
        ..StreamingPullRequest::default()
    })
    .unwrap();
    // The connection moves only while somebody waits for it.
    assert!(far.next(LATENCY / 4).unwrap().is_none());
    assert_eq!(unacknowledged(&server), MESSAGES as u64);
    let until = Instant::now() + PATIENCE;
    while unacknowledged(&server) > 0 {
        assert!(Instant::now() < until, "acknowledgements are lost");
        let nothing = far.next(Duration::from_millis(10));
        assert!(nothing.unwrap().is_none());
    }
    drop(far);
    server.stop();
}

/// Messages that the subscription has not seen acknowledged.
fn unacknowledged(server: &Server) -> u64 {
    let path = "/api/v1/subscriptions/bills?project=p";
    let shown = server.admin_client().get(path).unwrap().ok();
    let count = |member: &str| shown[member].as_u64().unwrap_or_else(|| panic!("{shown}"));
    count("available") + count("outstanding")
}

#[test]
fn what_is_published_while_regions_are_cut_arrives_when_they_are_healed() {
    let server = launch().start();
    make_by(&server, EUROPE, None);
    let (mut europe, mut us) = (At::region(&server, EUROPE), At::region(&server, US));
    let mut far = stream(&server, US);
    europe.publish("before").ok();
    let before = far.next(PATIENCE).unwrap().expect("a response");
    assert_eq!(streamed(&before)[0].0, "before");
    // One that waits when the way is cut.
    let mut waits = At::region(&server, US);
    let body = json!({ "maxMessages": 1 });
    waits.send("POST", &format!("{BILLS}:pull"), &body);
    std::thread::sleep(2 * LATENCY);

    cut(&server, &[US, EUROPE]);
    let unreachable = "europe-west1 can't be reached from us-east1";
    let (answer, took) = timed(|| waits.client.receive().unwrap());
    is_refused(&answer, 503, "UNAVAILABLE", unreachable);
    assert!(took < PATIENCE, "{took:?}");
    let ended = far.next(PATIENCE).unwrap_err().to_string();
    assert!(
        ended.contains("\"14\"") && ended.contains("reached"),
        "{ended}"
    );
    let again = stream(&server, US).next(PATIENCE).unwrap_err().to_string();
    assert!(again.contains("14"), "{again}");
    is_refused(&us.publish("lost"), 503, "UNAVAILABLE", unreachable);
    is_refused(&us.pull(BILLS), 503, "UNAVAILABLE", unreachable);
    // Europe is there for itself and for others.
    europe.publish("meanwhile").ok();
    At::region(&server, ASIA).publish("from asia").ok();
    // What is in the United States is, too.
    let other = "projects/p/topics/other";
    us.make(other, &json!({}));
    let message = json!({ "messages": [{ "data": "YQ==" }] });
    let path = format!("{other}:publish");
    us.call("POST", &path, &message).ok();
    let answer = europe.call("POST", &path, &message);
    is_refused(
        &answer,
        503,
        "UNAVAILABLE",
        "us-east1 can't be reached from europe-west1",
    );

    heal(&server);
    us.publish("after").ok();
    far = stream(&server, US);
    let mut got = Vec::new();
    while got.len() < 4 {
        let response = far.next(PATIENCE).unwrap().expect("a response");
        got.extend(streamed(&response).into_iter().map(|(data, _)| data));
    }
    got.sort();
    // The first was not acknowledged, and the stream that had it has ended.
    assert_eq!(got, ["after", "before", "from asia", "meanwhile"]);
    drop(far);
    server.stop();
}

#[test]
fn a_region_is_cut_off_from_all_others_and_what_is_on_its_way_does_not_arrive() {
    let server = launch().start();
    make_by(&server, EUROPE, None);
    let mut us = At::region(&server, US);
    let body = json!({ "messages": [{ "data": "YQ==" }] });
    us.send("POST", &format!("{TOPIC}:publish"), &body);
    std::thread::sleep(LATENCY / 4);
    cut(&server, &[EUROPE]);
    let answer = us.client.receive().unwrap();
    is_refused(&answer, 503, "UNAVAILABLE", "can't be reached");
    let mut asia = At::region(&server, ASIA);
    is_refused(
        &asia.publish("x"),
        503,
        "UNAVAILABLE",
        "europe-west1 can't be reached",
    );
    assert_eq!(unacknowledged(&server), 0, "it wasn't carried out");
    heal(&server);
    // Carried out, and the answer is lost: a client that tries again publishes twice.
    us.send("POST", &format!("{TOPIC}:publish"), &body);
    let until = Instant::now() + PATIENCE;
    while unacknowledged(&server) == 0 {
        assert!(Instant::now() < until, "it isn't carried out");
    }
    cut(&server, &[EUROPE]);
    let answer = us.client.receive().unwrap();
    is_refused(&answer, 503, "UNAVAILABLE", "can't be reached");
    server.stop();
}

#[test]
fn a_policy_that_is_enforced_in_transit_lets_nothing_in_by_other_regions() {
    let server = launch().start();
    let policy = json!({ "allowedPersistenceRegions": [EUROPE], "enforceInTransit": true });
    make_by(&server, EUROPE, Some(policy));
    let text = "isn't allowed by the message storage policy of topic orders";
    // The global endpoint leads to the default region, which isn't allowed.
    for host in ["asia-east1-pubsub.localhost", "localhost"] {
        let mut other = At::host(&server, host);
        is_refused(&other.publish("x"), 400, "FAILED_PRECONDITION", text);
        is_refused(&other.pull(BILLS), 400, "FAILED_PRECONDITION", text);
    }
    let ended = stream(&server, ASIA)
        .next(PATIENCE)
        .unwrap_err()
        .to_string();
    assert!(ended.contains("\"9\""), "{ended}");
    let mut europe = At::region(&server, EUROPE);
    europe.publish("x").ok();
    assert_eq!(europe.pulled(BILLS), ["x"]);
    // What carries no messages may come from anywhere.
    At::region(&server, ASIA)
        .call("GET", TOPIC, &json!({}))
        .ok();
    let update = json!({ "updateMask": "messageStoragePolicy.enforceInTransit",
        "topic": { "messageStoragePolicy": { "enforceInTransit": false } } });
    europe.call("PATCH", TOPIC, &update).ok();
    At::region(&server, ASIA).publish("y").ok();
    server.stop();
}

#[test]
fn messages_with_ordering_keys_are_not_passed_on_to_another_region() {
    let server = launch().start();
    let policy = json!({ "allowedPersistenceRegions": [EUROPE, US] });
    make_by(&server, EUROPE, Some(policy));
    let path = format!("{TOPIC}:publish");
    let keyed = json!({ "messages": [{ "data": "YQ==" }, { "data": "YQ==", "orderingKey": "k" }] });
    let refused = At::region(&server, ASIA).call("POST", &path, &keyed);
    let text = "would require the messages to be forwarded to another region";
    is_refused(&refused, 400, "FAILED_PRECONDITION", text);
    At::region(&server, ASIA).publish("without").ok();
    At::region(&server, US).call("POST", &path, &keyed).ok();
    server.stop();
}

#[test]
fn an_endpoint_of_a_region_that_is_not_there_answers_nobody() {
    let server = launch().start();
    let mut nowhere = At::region(&server, "europe-west3");
    let text = "no endpoint of the region europe-west3; there are regions us-east1, europe-west1";
    is_refused(&nowhere.publish("x"), 400, "INVALID_ARGUMENT", text);
    let ended = stream(&server, "europe-west3").next(PATIENCE);
    assert!(ended.unwrap_err().to_string().contains("\"3\""));
    server.stop();
    // Without regions nobody looks at it.
    let plain = Launch::new().start();
    make_by(&plain, "europe-west3", None);
    At::region(&plain, US).publish("x").ok();
    plain.stop();
}

#[test]
fn a_test_sets_regions_and_brings_back_those_of_the_start() {
    let server = launch().start();
    let as_started = json!({
        "on": true, "as_started": true, "default": US, "regions": [US, EUROPE, ASIA],
        "links": [{ "between": [US, EUROPE], "latency_ms": LATENCY_MS, "cut": false }],
    });
    let shown = |path: &str| server.admin_client().get(path).unwrap();
    assert_eq!(shown("/api/v1/test/regions").ok(), as_started);
    let further = json!({ "between": [ASIA, US], "latency_ms": 30 });
    let changed = control(&server, "POST", "regions/latency", &further).ok();
    assert_eq!(changed["links"].as_array().unwrap().len(), 2, "{changed}");
    assert_eq!(changed["as_started"], false);
    cut(&server, &[US]);
    for (method, path, wrong, text) in [
        (
            "POST",
            "cut",
            json!({ "between": ["nowhere"] }),
            "there is no region",
        ),
        (
            "POST",
            "cut",
            json!({ "between": [] }),
            "between: two regions, or one",
        ),
        ("POST", "cut", json!({ "among": [US] }), "unknown field"),
        (
            "POST",
            "heal",
            json!({ "between": [US, US] }),
            "a region and another one",
        ),
        (
            "POST",
            "latency",
            json!({ "between": [US], "latency_ms": 1 }),
            "two regions",
        ),
        (
            "POST",
            "latency",
            json!({ "between": [US, ASIA], "latency_ms": 60_001 }),
            "at most 60000",
        ),
        (
            "PUT",
            "",
            json!({ "regions": [] }),
            "1 to 64 regions, not 0",
        ),
        ("PUT", "", json!({ "regions": ["a", "a"] }), "twice"),
    ] {
        let path = format!("regions/{path}");
        let refused = control(&server, method, path.trim_end_matches('/'), &wrong);
        assert_eq!(refused.status, 400, "{wrong}");
        let said = refused.json()["error"]["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(said.contains(text), "{wrong}: {said}");
    }
    let reset = control(&server, "DELETE", "regions", &json!({})).ok();
    assert_eq!(reset, as_started);
    let other = json!({ "regions": ["a", "b"], "links": [{ "between": ["b", "a"], "cut": true }] });
    let set = control(&server, "PUT", "regions", &other).ok();
    assert_eq!(
        set["links"][0],
        json!({ "between": ["a", "b"], "latency_ms": 0, "cut": true })
    );
    control(&server, "POST", "reset", &json!({})).ok();
    assert_eq!(shown("/api/v1/test/regions").ok(), as_started);
    server.stop();

    let without = Launch::new().switch("--test-controls").start();
    let off = json!({ "on": false, "as_started": true, "regions": [], "links": [] });
    let shown = without.admin_client().get("/api/v1/test/regions").unwrap();
    assert_eq!(shown.ok(), off);
    let refused = control(&without, "POST", "regions/cut", &json!({ "between": [US] }));
    assert_eq!(refused.json()["error"]["message"], "no regions are set");
    control(&without, "PUT", "regions", &other).ok();
    assert_eq!(control(&without, "DELETE", "regions", &json!({})).ok(), off);
    without.stop();

    let plain = Launch::new().flag("--pubsub-regions", US).start();
    for (method, path, body) in [
        ("GET", "regions", json!({})),
        ("PUT", "regions", json!({ "regions": [US] })),
        ("DELETE", "regions", json!({})),
        ("POST", "regions/latency", further),
        ("POST", "regions/cut", json!({ "between": [US] })),
        ("POST", "regions/heal", json!({})),
    ] {
        let refused = control(&plain, method, path, &body);
        assert_eq!(refused.status, 403, "{method} {path}: {}", refused.text());
    }
    plain.stop();
}

#[test]
fn regions_that_make_no_sense_are_refused_at_the_start() {
    let with = |regions: &str, latency: &str| {
        let launch = Launch::new().flag("--pubsub-regions", regions);
        match latency {
            "" => launch,
            latency => launch.flag("--pubsub-region-latency", latency),
        }
    };
    for (launch, text) in [
        (with("a,a", ""), "the region a is there twice"),
        (
            with("a,b", "a:c=1"),
            "there is no region \"c\"; there are a, b",
        ),
        (with("a,b", "a:a=1"), "a region and another one"),
        (with("a,b", "a-b=1"), "europe-west1:us-east1=80"),
        (
            Launch::new().flag("--pubsub-region-latency", "a:b=1"),
            "between which regions? Give them with --pubsub-regions (pubsub.regions)",
        ),
        (
            with("a,b", "")
                .flag("--store", "redis://localhost")
                .switch("--cluster"),
            "the regions of a server are its own",
        ),
    ] {
        let refused = launch.refused();
        assert!(refused.stderr.contains(text), "{}", refused.stderr);
    }
}
