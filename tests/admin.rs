//! The admin endpoint: queues and their messages as JSON, counts, health.

mod support;

use serde_json::{Value, json};
use support::{Client, Launch, Server};

fn get(client: &mut Client, path: &str) -> Value {
    client.get(path).unwrap().ok()
}

#[track_caller]
fn asked(client: &mut Client, method: &str, path: &str, body: Value) -> (u16, Value) {
    let answer = client.rest(method, path, &body).unwrap();
    (answer.status, answer.json())
}

/// Names of the queues in an answer.
fn names(answer: &Value) -> Vec<&str> {
    let queues = answer["queues"].as_array().expect("queues");
    queues
        .iter()
        .filter_map(|queue| queue["name"].as_str())
        .collect()
}

/// Several cores, so that queues are on others than the connection's.
fn started() -> Server {
    Launch::new()
        .flag("--cores", "2")
        .flag("--shards", "3")
        .start()
}

#[test]
fn a_queue_from_its_making_to_its_end() {
    let server = started();
    let mut admin = server.admin_client();
    let body = json!({
        "name": "orders.fifo",
        "attributes": { "VisibilityTimeout": 45, "ContentBasedDeduplication": true },
        "tags": { "team": "shop" },
    });
    let (status, made) = asked(&mut admin, "POST", "/api/v1/queues", body);
    assert_eq!(status, 201, "{made}");
    assert_eq!(
        made["arn"],
        "arn:aws:sqs:us-east-1:000000000000:orders.fifo"
    );
    assert_eq!(made["attributes"]["VisibilityTimeout"], "45");
    assert_eq!(
        (&made["fifo"], &made["tags"]["team"]),
        (&json!(true), &json!("shop"))
    );

    let message = json!({ "MessageBody": "one", "MessageGroupId": "g" });
    let path = "/api/v1/queues/orders.fifo/messages";
    let (status, sent) = asked(&mut admin, "POST", path, message);
    assert_eq!(
        (status, sent["MessageId"].is_string()),
        (201, true),
        "{sent}"
    );
    // A client of the service sees the same.
    let url = "http://localhost/000000000000/orders.fifo";
    let count = server.client().ok(
        "GetQueueAttributes",
        &json!({ "QueueUrl": url, "AttributeNames": ["ApproximateNumberOfMessages"] }),
    );
    assert_eq!(count["Attributes"]["ApproximateNumberOfMessages"], "1");
    let peeked = get(&mut admin, &format!("{path}?max=5"));
    assert_eq!(peeked["messages"][0]["body"], "one", "{peeked}");
    let path = "/api/v1/queues/orders.fifo";
    assert_eq!(get(&mut admin, path)["visible"], 1, "looking takes nothing");

    let receive = format!("{path}/receive");
    let (_, received) = asked(&mut admin, "POST", &receive, json!({}));
    let receipt = received["messages"][0]["ReceiptHandle"].clone();
    assert_eq!(get(&mut admin, path)["in_flight"], 1);
    let settle = format!("{path}/settle");
    let back = json!({ "receipt": receipt, "visibility_timeout": 0 });
    assert_eq!(asked(&mut admin, "POST", &settle, back).0, 200);
    let (_, received) = asked(&mut admin, "POST", &receive, json!({}));
    let receipt = received["messages"][0]["ReceiptHandle"].clone();
    let (status, _) = asked(&mut admin, "POST", &settle, json!({ "receipt": receipt }));
    let left = get(&mut admin, path);
    assert_eq!(
        (status, &left["visible"], &left["in_flight"]),
        (200, &json!(0), &json!(0))
    );

    let change =
        json!({ "attributes": { "VisibilityTimeout": "7" }, "tags": { "team": null, "x": "y" } });
    let (status, changed) = asked(&mut admin, "PATCH", path, change);
    assert_eq!(status, 200, "{changed}");
    assert_eq!(changed["attributes"]["VisibilityTimeout"], "7");
    assert_eq!(changed["tags"], json!({ "x": "y" }));

    let message = json!({ "MessageBody": "two", "MessageGroupId": "g" });
    asked(&mut admin, "POST", &format!("{path}/messages"), message);
    assert_eq!(
        asked(&mut admin, "POST", &format!("{path}/purge"), json!({})).0,
        200
    );
    assert_eq!(get(&mut admin, path)["visible"], 0);
    assert_eq!(asked(&mut admin, "DELETE", path, json!({})).0, 200);
    let (status, gone) = asked(&mut admin, "GET", path, json!({}));
    assert_eq!((status, &gone["error"]["code"]), (404, &json!("NotFound")));
    server.stop();
}

#[test]
fn refusals_are_the_services_own() {
    let server = started();
    let mut admin = server.admin_client();
    for (method, path, body, status, code) in [
        (
            "POST",
            "/queues",
            json!({ "name": "no such name!" }),
            400,
            "InvalidParameterValueException",
        ),
        ("POST", "/queues", json!({}), 400, "BadRequest"),
        (
            "POST",
            "/queues",
            json!({ "name": "q", "attributes": { "VisibilityTimeout": "x" } }),
            400,
            "InvalidAttributeValue",
        ),
        (
            "DELETE",
            "/queues/none",
            json!({}),
            404,
            "QueueDoesNotExist",
        ),
        (
            "POST",
            "/queues/none/purge",
            json!({}),
            404,
            "QueueDoesNotExist",
        ),
        (
            "POST",
            "/queues/none/messages",
            json!({ "MessageBody": "x" }),
            404,
            "QueueDoesNotExist",
        ),
        ("PUT", "/queues", json!({}), 405, "MethodNotAllowed"),
        ("GET", "/queues/q/nothing", json!({}), 404, "NotFound"),
        ("GET", "/nothing", json!({}), 404, "NotFound"),
        ("POST", "/stats", json!({}), 405, "MethodNotAllowed"),
    ] {
        let (found, answer) = asked(&mut admin, method, path, body);
        assert_eq!(found, status, "{method} {path}: {answer}");
        assert_eq!(answer["error"]["code"], code, "{method} {path}: {answer}");
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(!message.is_empty(), "{method} {path}");
    }
    let not_json = "POST /queues HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n{\"a";
    admin.write(not_json.as_bytes()).unwrap();
    assert_eq!(admin.receive().unwrap().status, 400);
    // A stranger's web page.
    let page = "GET /queues HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n\
                Sec-Fetch-Site: cross-site\r\n\r\n";
    admin.write(page.as_bytes()).unwrap();
    assert_eq!(admin.receive().unwrap().status, 403);
    server.stop();
}

#[test]
fn lists_come_in_pages_over_all_shards() {
    // With one shard a page may be all that its shard was asked for.
    for shards in ["1", "3"] {
        pages_hold_every_queue(&Launch::new().flag("--shards", shards).start());
    }
}

fn pages_hold_every_queue(server: &Server) {
    const QUEUES: usize = 25;
    let mut client = server.client();
    for number in 0..QUEUES {
        client.ok(
            "CreateQueue",
            &json!({ "QueueName": format!("q-{number:02}") }),
        );
    }
    client.ok("CreateQueue", &json!({ "QueueName": "other" }));
    let mut admin = server.admin_client();
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/queues?prefix=q-&limit=7{after}");
        let page = get(&mut admin, &path);
        let names = names(&page);
        assert!(names.len() <= 7);
        seen.extend(names.into_iter().map(str::to_owned));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={}", next.replace('/', "%2F")),
            None => break,
        }
    }
    let expected: Vec<String> = (0..QUEUES).map(|number| format!("q-{number:02}")).collect();
    assert_eq!(seen, expected);
    let all = get(&mut admin, "/queues");
    assert_eq!(names(&all).len(), QUEUES + 1);
    for limit in ["0", "1001", "x"] {
        let answer = admin.get(&format!("/queues?limit={limit}")).unwrap();
        assert_eq!(answer.status, 400);
    }
}

#[test]
fn redrive_moves_dead_letters_back() {
    let server = started();
    let mut admin = server.admin_client();
    let made = asked(&mut admin, "POST", "/queues", json!({ "name": "dead" })).1;
    let policy = json!({ "deadLetterTargetArn": made["arn"], "maxReceiveCount": 1 });
    let body = json!({ "name": "work", "attributes": { "RedrivePolicy": policy, "VisibilityTimeout": 0 } });
    let (status, made) = asked(&mut admin, "POST", "/queues", body);
    assert_eq!(status, 201, "{made}");
    asked(
        &mut admin,
        "POST",
        "/queues/work/messages",
        json!({ "MessageBody": "x" }),
    );
    let visible = |admin: &mut Client, queue: &str| {
        get(admin, &format!("/queues/{queue}"))["visible"]
            .as_u64()
            .unwrap()
    };
    while visible(&mut admin, "dead") == 0 {
        asked(&mut admin, "POST", "/queues/work/receive", json!({}));
    }
    let (status, answer) = asked(&mut admin, "POST", "/queues/dead/redrive", json!({}));
    assert_eq!(status, 202, "{answer}");
    while visible(&mut admin, "work") == 0 {}
    assert_eq!(visible(&mut admin, "dead"), 0);
    server.stop();
}

#[test]
fn counts_versions_and_health() {
    let server = started();
    let mut admin = server.admin_client();
    asked(&mut admin, "POST", "/queues", json!({ "name": "a" }));
    asked(
        &mut admin,
        "POST",
        "/queues/a/messages",
        json!({ "MessageBody": "x" }),
    );
    assert_eq!(get(&mut admin, "/health")["status"], "ok");
    assert_eq!(get(&mut admin, "/api/v1/ready")["status"], "ready");
    assert_eq!(
        get(&mut admin, "/version")["version"],
        env!("CARGO_PKG_VERSION")
    );
    let stats = get(&mut admin, "/stats");
    assert_eq!(
        (&stats["queues"], &stats["visible"], &stats["sent"]),
        (&json!(1), &json!(1), &json!(1))
    );
    let shards = get(&mut admin, "/api/v1/shards");
    assert_eq!(shards["shards"].as_array().unwrap().len(), 3);
    server.stop();
}

#[test]
fn a_port_that_nobody_asked_for_by_number_may_be_taken() {
    // Where it is taken already, that is as good.
    let _taken = std::net::TcpListener::bind("127.0.0.1:9000");
    let launched = |given: &[&str]| {
        let mut launch = Launch::new();
        launch.command = std::process::Command::new(support::binary());
        launch
            .command
            .env_remove("LCLQ_ADMIN_PORT")
            .args(["start", "--sqs-port", "0"]);
        launch
            .command
            .args(["--pubsub-port", "0", "--pubsub-rest-port", "0"])
            .args(given);
        launch
    };
    let mut server = launched(&[]).start();
    server.client().ok("ListQueues", &json!({}));
    let log = server.stderr();
    assert!(
        log.contains("the port is taken") && log.contains("admin"),
        "{log}"
    );
    server.stop();
    let refused = launched(&["--admin-port", "9000"]).refused();
    assert!(refused.stderr.contains("9000"), "{}", refused.stderr);
    // Nor is it missed by those who do without.
    launched(&["--services", "sqs,pubsub"]).start().stop();
}
