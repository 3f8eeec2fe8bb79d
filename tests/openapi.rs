//! The admin API's OpenAPI document, held against the server: each operation in it is asked for, and
//! what is taken and answered is held against its schemas. Nothing else is answered.

mod support;

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use support::{Answer, Client, Launch, Server, signing};

/// One call: an operation, what stands in its path and behind it, what it is given.
struct Asked {
    operation: &'static str,
    path: String,
    body: Option<Value>,
}

fn asked(operation: &'static str, path: &str, body: Option<Value>) -> Asked {
    Asked {
        operation,
        path: path.to_owned(),
        body,
    }
}

/// An operation as the document has it.
struct Operation {
    method: String,
    path: String,
    spec: Value,
}

struct Document {
    whole: Value,
    operations: BTreeMap<String, Operation>,
}

impl Document {
    fn of(admin: &mut Client) -> Self {
        let whole = admin.get("/api/v1/openapi.json").unwrap().ok();
        let mut operations = BTreeMap::new();
        for (path, methods) in whole["paths"].as_object().expect("paths") {
            for (method, spec) in methods.as_object().expect("methods") {
                let id = spec["operationId"].as_str().expect("an id").to_owned();
                let operation = Operation {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    spec: spec.clone(),
                };
                assert!(operations.insert(id, operation).is_none(), "{path}");
            }
        }
        Self { whole, operations }
    }

    /// Why a value isn't what a schema of the document says. What answers have, the schema names.
    fn problems(&self, schema: &Value, value: &Value, is_answer: bool) -> Vec<String> {
        let mut schema = schema.clone();
        schema["components"] = self.whole["components"].clone();
        if is_answer {
            forbid_others(&mut schema);
        }
        let validator = jsonschema::draft202012::new(&schema).expect("a schema");
        let problems = validator.iter_errors(value);
        problems.map(|problem| problem.to_string()).collect()
    }
}

/// Members that aren't named are mistakes.
fn forbid_others(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.contains_key("properties") && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".to_owned(), false.into());
            }
            members.values_mut().for_each(forbid_others);
        }
        Value::Array(members) => members.iter_mut().for_each(forbid_others),
        _ => {}
    }
}

fn is_path(template: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let (template, path): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template
            .iter()
            .zip(path)
            .all(|(part, given)| part.starts_with('{') || *part == given)
}

fn ask(server: &Server, document: &Document, asked: &Asked) -> Value {
    let name = asked.operation;
    let operation = &document.operations[name];
    assert!(
        is_path(&operation.path, &asked.path),
        "{name}: {}",
        asked.path
    );
    let (status, media_type, _) = promised(document, name);
    let request = &operation.spec["requestBody"]["content"]["application/json"]["schema"];
    if let Some(body) = &asked.body {
        assert!(!request.is_null(), "{name} takes no body");
        let problems = document.problems(request, body, false);
        assert!(problems.is_empty(), "{name} takes {body}: {problems:?}");
    }
    let path = format!("/api/v1{}", asked.path);
    if media_type == "text/event-stream" {
        let lines = first_lines(server, &path);
        assert!(
            lines[0].starts_with(&format!("HTTP/1.1 {status} ")),
            "{lines:?}"
        );
        let head = lines.join("\n").to_lowercase();
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        return Value::Null;
    }
    let mut admin = server.admin_client();
    let body = asked.body.clone().unwrap_or_else(|| json!({}));
    let answer = admin.rest(&operation.method, &path, &body).unwrap();
    is_as_said(document, name, &answer)
}

/// The status, media type and content of the answer that an operation's document promises.
fn promised<'a>(document: &'a Document, name: &str) -> (&'a String, &'a String, &'a Value) {
    let (status, answered) = document.operations[name].spec["responses"]
        .as_object()
        .and_then(|answers| answers.iter().find(|(status, _)| *status != "default"))
        .expect("an answer");
    let (media_type, content) = answered["content"]
        .as_object()
        .and_then(|content| content.iter().next())
        .expect("content");
    (status, media_type, content)
}

fn is_as_said(document: &Document, name: &str, answer: &Answer) -> Value {
    let (status, media_type, content) = promised(document, name);
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert_eq!(answer.status.to_string(), *status, "{name}: {text}");
    let head = answer.head.to_lowercase();
    assert!(
        head.contains(&format!("content-type: {media_type}")),
        "{name}: {head}"
    );
    let value = answer.json();
    let schema = &content["schema"];
    if !schema.is_null() {
        let problems = document.problems(schema, &value, true);
        assert!(problems.is_empty(), "{name} answers {text}: {problems:#?}");
    }
    value
}

/// An export, by a client to whom its end is the connection's.
fn export(server: &Server, document: &Document, path: &str) -> Vec<u8> {
    let (status, media_type, _) = promised(document, "export");
    assert_eq!(media_type, "application/zstd");
    let mut stream = TcpStream::connect(server.admin_address()).unwrap();
    write!(
        stream,
        "GET /api/v1{path} HTTP/1.0\r\nHost: localhost\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("a head");
    let file = answer.split_off(end + 4);
    let head = String::from_utf8(answer).unwrap().to_lowercase();
    assert!(head.contains(&format!(" {status} ")), "{head}");
    assert!(head.contains("content-type: application/zstd"), "{head}");
    file
}

fn import(server: &Server, document: &Document, path: &str, file: &[u8]) -> Value {
    let taken = &document.operations["import"].spec["requestBody"]["content"];
    assert!(!taken["application/zstd"].is_null(), "{taken}");
    let mut admin = server.admin_client();
    let head = format!(
        "POST /api/v1{path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/zstd\r\n\
         Content-Length: {}\r\n\r\n",
        file.len()
    );
    admin.write(&[head.as_bytes(), file].concat()).unwrap();
    is_as_said(document, "import", &admin.receive().unwrap())
}

/// The head of an answer that goes on.
fn first_lines(server: &Server, path: &str) -> Vec<String> {
    let mut stream = TcpStream::connect(server.admin_address()).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let lines = BufReader::new(stream)
        .lines()
        .map(|line| line.expect("a line"));
    lines.take_while(|line| !line.is_empty()).collect()
}

fn started(directory: &std::path::Path) -> Server {
    let file = directory.join("lclq.toml");
    std::fs::write(&file, "").unwrap();
    let keys = directory.join("keys.toml");
    let made = signing::credentials(&["create-token", "someone"], &keys);
    let made = String::from_utf8(made.stdout).unwrap();
    let token = made.trim().strip_prefix("LCLQ_TOKEN=").unwrap();
    std::fs::write(directory.join("token"), token).unwrap();
    Launch::new()
        .flag("--cores", "2")
        .flag("--shards", "3")
        .flag("--config", file)
        .flag("--journey-events", "1000")
        .flag("--credentials", directory.join("keys.toml"))
        .switch("--test-controls")
        .start()
}

fn of_queues() -> Vec<Asked> {
    let dead =
        r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":1}"#;
    let message = json!({ "MessageBody": "x", "MessageAttributes": {
        "kind": { "DataType": "String", "StringValue": "test" } } });
    vec![
        asked("createQueue", "/queues", Some(json!({ "name": "dead" }))),
        asked(
            "createQueue",
            "/queues",
            Some(
                json!({ "name": "q", "attributes": { "RedrivePolicy": dead }, "tags": { "a": "b" } }),
            ),
        ),
        asked(
            "changeQueue",
            "/queues/q",
            Some(json!({ "attributes": { "VisibilityTimeout": 7 }, "tags": { "a": null } })),
        ),
        asked(
            "getQueue",
            "/queues/q?region=us-east-1&account=000000000000",
            None,
        ),
        asked("sendMessage", "/queues/q/messages", Some(message.clone())),
        asked("sendMessage", "/queues/dead/messages", Some(message)),
        asked(
            "listQueues",
            "/queues?sort=visible&descending=true&limit=1&contains=d",
            None,
        ),
        asked("listQueues", "/queues?prefix=q", None),
        asked(
            "peekMessages",
            "/queues/q/messages?max=3&state=visible&contains=test",
            None,
        ),
        asked(
            "redriveQueue",
            "/queues/dead/redrive",
            Some(json!({ "destination": "q", "rate": 500 })),
        ),
        asked("listRedrives", "/queues/dead/redrive", None),
        asked("getQueueHistory", "/queues/q/history?after=0", None),
        asked("getDeadLetterWay", "/queues/q/dead-letters", None),
        asked("listGroups", "/queues/q/groups?max=10&contains=x", None),
        asked(
            "testQueuePolicy",
            "/queues/q/policy/test",
            Some(
                json!({ "action": "sqs:SendMessage", "principal": "sns.amazonaws.com",
                "context": { "aws:SourceIp": "127.0.0.1" },
                "policy": r#"{"Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}"# }),
            ),
        ),
        asked("tailQueue", "/queues/q/tail", None),
    ]
}

fn of_pubsub() -> Vec<Asked> {
    let topic = "projects/local/topics/events";
    let schema = r#"{"type":"record","name":"R","fields":[]}"#;
    let more = r#"{"type":"record","name":"R","fields":[{"name":"n","type":"int","default":0}]}"#;
    vec![
        asked(
            "createTopic",
            "/topics",
            Some(json!({ "name": "events", "definition": { "labels": { "a": "b" } } })),
        ),
        asked(
            "changeTopic",
            "/topics/events",
            Some(json!({ "definition": { "messageRetentionDuration": "600s" } })),
        ),
        asked("getTopic", "/topics/events?project=local", None),
        asked(
            "createSubscription",
            "/subscriptions",
            Some(json!({ "name": "bills", "definition": { "topic": topic } })),
        ),
        asked(
            "publishMessages",
            "/topics/events/publish",
            Some(
                json!({ "messages": [{ "text": "one", "attributes": { "k": "v" } }, { "data": "/w==", "ordering_key": "k" }] }),
            ),
        ),
        asked("listTopics", "/topics?project=local&sort=attached", None),
        asked(
            "changeSubscription",
            "/subscriptions/bills",
            Some(
                json!({ "definition": { "ackDeadlineSeconds": 30 }, "update_mask": "ackDeadlineSeconds" }),
            ),
        ),
        asked(
            "getSubscription",
            "/subscriptions/projects%2Flocal%2Fsubscriptions%2Fbills",
            None,
        ),
        asked(
            "listSubscriptions",
            "/subscriptions?project=local&topic=events&sort=available&descending=true",
            None,
        ),
        asked(
            "createSnapshot",
            "/snapshots",
            Some(
                json!({ "name": "before", "definition": { "subscription": "projects/local/subscriptions/bills" } }),
            ),
        ),
        asked(
            "changeSnapshot",
            "/snapshots/before",
            Some(json!({ "definition": { "labels": { "a": "b" } } })),
        ),
        asked("getSnapshot", "/snapshots/before", None),
        asked("listSnapshots", "/snapshots", None),
        asked(
            "seekSubscription",
            "/subscriptions/bills/seek",
            Some(json!({ "snapshot": "before" })),
        ),
        asked("listStreams", "/subscriptions/bills/streams", None),
        asked("tailTopic", "/topics/events/tail", None),
        asked("tailSubscription", "/subscriptions/bills/tail", None),
        asked("purgeSubscription", "/subscriptions/bills/purge", None),
        asked(
            "createSchema",
            "/schemas",
            Some(
                json!({ "name": "records", "definition": { "type": "AVRO", "definition": schema } }),
            ),
        ),
        asked(
            "commitSchema",
            "/schemas/records/commit",
            Some(json!({ "definition": { "type": "AVRO", "definition": more } })),
        ),
        asked("getSchema", "/schemas/records", None),
        asked("listSchemas", "/schemas?contains=ecor", None),
        asked("deleteSchema", "/schemas/records", None),
        asked("deleteSnapshot", "/snapshots/before", None),
        asked("detachSubscription", "/subscriptions/bills/detach", None),
        asked("deleteSubscription", "/subscriptions/bills", None),
        asked("deleteTopic", "/topics/events", None),
    ]
}

fn of_server() -> Vec<Asked> {
    let mut asked_for: Vec<Asked> = [
        ("getHealth", "/health"),
        ("getReadiness", "/ready"),
        ("getVersion", "/version"),
        ("getOpenApi", "/openapi.json"),
        (
            "getMetrics",
            "/metrics?names=lclq,cloudwatch&names=monitoring",
        ),
        ("getStats", "/stats"),
        ("listShards", "/shards"),
        ("listCores", "/cores"),
        ("listOperations", "/operations"),
        ("followEvents", "/events?kinds=resource,stats"),
        ("listConnections", "/connections?endpoint=admin&limit=1"),
        ("listRefusals", "/refusals"),
        ("getHistory", "/history?after=1&every=minute"),
        ("getAttention", "/attention"),
        ("getConfigSchema", "/config/schema"),
        ("getConfigFile", "/config/file"),
        ("listEndpoints", "/endpoints"),
        ("getCluster", "/cluster"),
        ("getSession", "/session"),
        ("endSession", "/session"),
        ("getConfig", "/config"),
        ("reloadConfig", "/config/reload"),
        ("getClock", "/test/clock"),
        ("stopClock", "/test/clock/stop"),
    ]
    .into_iter()
    .map(|(operation, path)| asked(operation, path, None))
    .collect();
    let rule = json!({ "name": "slow", "dialect": "sqs", "action": "PurgeQueue", "times": 1,
                       "effect": { "latency": { "ms": 1 } } });
    let function = json!({ "functionName": "f", "code": "function f(m) { return null; }" });
    asked_for.extend([
        asked(
            "testTransforms",
            "/transforms/test",
            Some(json!({ "transforms": [{ "javascriptUdf": function }],
                "messages": [{ "text": "one", "attributes": { "k": "v" } }] })),
        ),
        asked(
            "checkConfig",
            "/config/check",
            Some(json!({ "text": "[log]\nfilter = 7\n" })),
        ),
        asked(
            "saveConfigFile",
            "/config/file",
            Some(json!({ "text": "[log]\nfilter = \"warn\"\n", "was": "" })),
        ),
        asked("setFault", "/test/faults", Some(rule)),
        asked("listFaults", "/test/faults", None),
        asked("removeFault", "/test/faults/slow", None),
        asked("clearFaults", "/test/faults", None),
        asked(
            "setProfile",
            "/test/profile",
            Some(json!({ "seed": 7, "sqs": { "fewer": 0.5 } })),
        ),
        asked("getProfile", "/test/profile", None),
        asked("endProfile", "/test/profile", None),
        asked(
            "setRegions",
            "/test/regions",
            Some(json!({ "regions": ["a", "b"], "links": [{ "between": ["a", "b"], "latency_ms": 5 }] })),
        ),
        asked(
            "setRegionLatency",
            "/test/regions/latency",
            Some(json!({ "between": ["a", "b"], "latency_ms": 1 })),
        ),
        asked("cutRegions", "/test/regions/cut", Some(json!({ "between": ["a"] }))),
        asked("healRegions", "/test/regions/heal", Some(json!({}))),
        asked("getRegions", "/test/regions", None),
        asked("resetRegions", "/test/regions", None),
        asked(
            "advanceClock",
            "/test/clock/advance",
            Some(json!({ "ms": 1000 })),
        ),
        asked(
            "setClock",
            "/test/clock/set",
            Some(json!({ "to": "2126-01-01T00:00:00Z" })),
        ),
        asked("resumeClock", "/test/clock/resume", None),
        asked("saveState", "/test/states/before", None),
        asked("listStates", "/test/states", None),
        asked("restoreState", "/test/states/before/restore", None),
        asked("deleteState", "/test/states/before", None),
        asked(
            "resetServer",
            "/test/reset",
            Some(json!({ "project": "local" })),
        ),
    ]);
    asked_for
}

/// The path of the history of the topic that the subscription is of.
fn peeked_topic(call: &mut dyn FnMut(&Asked) -> Value) -> String {
    let shown = call(&asked("getSubscription", "/subscriptions/bills", None));
    let full = shown["topic"].as_str().expect("a topic").to_owned();
    format!("/topics/{}/history", full.replace('/', "%2F"))
}

/// Ends a move that takes its time.
fn cancel_a_move(call: &mut dyn FnMut(&Asked) -> Value) {
    let dead = json!({
        "deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:late", "maxReceiveCount": 3
    });
    for made in [
        json!({ "name": "late" }),
        json!({ "name": "early", "attributes": { "RedrivePolicy": dead } }),
    ] {
        call(&asked("createQueue", "/queues", Some(made)));
    }
    for _ in 0..5 {
        let message = json!({ "MessageBody": "z" });
        call(&asked(
            "sendMessage",
            "/queues/late/messages",
            Some(message),
        ));
    }
    let slowly = json!({ "rate": 1, "destination": "early" });
    let task = call(&asked("redriveQueue", "/queues/late/redrive", Some(slowly)));
    let path = "/queues/late/redrive/cancel";
    let told = call(&asked("cancelRedrive", path, Some(task)));
    let moved = &told["ApproximateNumberOfMessagesMoved"];
    assert!(moved.as_u64().is_some_and(|moved| moved < 5), "{told}");
}

#[test]
fn every_operation_answers_as_the_document_says() {
    let directory = tempfile::tempdir().unwrap();
    let server = started(directory.path());
    let document = Document::of(&mut server.admin_client());
    let mut called: BTreeSet<&str> = BTreeSet::new();
    let mut call = |one: &Asked| {
        called.insert(one.operation);
        ask(&server, &document, one)
    };
    for one in of_queues() {
        call(&one);
    }
    // Those that need what another has answered.
    let received = loop {
        let body = json!({ "MaxNumberOfMessages": 1, "WaitTimeSeconds": 1 });
        let mut answer = call(&asked("receiveMessages", "/queues/q/receive", Some(body)));
        if let Value::Array(messages) = answer["messages"].take()
            && let Some(message) = messages.into_iter().next()
        {
            break message;
        }
    };
    let settle = json!({ "receipt": received["ReceiptHandle"], "visibility_timeout": 0 });
    call(&asked("settleMessage", "/queues/q/settle", Some(settle)));
    let sent = call(&asked(
        "sendMessage",
        "/queues/dead/messages",
        Some(json!({ "MessageBody": "y" })),
    ));
    let id = sent["MessageId"].as_str().expect("an id");
    call(&asked(
        "getJourney",
        &format!("/messages/{id}/journey"),
        None,
    ));
    let missing = "11111111-2222-3333-4444-555555555555";
    let chosen = json!({ "messages": [sent["MessageId"], missing], "visibility_timeout": 0 });
    let path = "/queues/dead/messages/settle";
    let settled = call(&asked("settleChosen", path, Some(chosen)));
    assert_eq!(settled["left"][0]["id"], missing, "{settled}");
    let chosen = json!({ "messages": [sent["MessageId"]], "destination": "q" });
    let moved = call(&asked("moveMessages", "/queues/dead/move", Some(chosen)));
    assert_eq!(moved["left"], json!([]), "{moved}");
    cancel_a_move(&mut call);
    call(&asked("purgeQueue", "/queues/q/purge", None));
    call(&asked("deleteQueue", "/queues/q", None));
    for one in of_pubsub() {
        if one.operation == "purgeSubscription" {
            let path = "/subscriptions/bills/messages?max=1&state=available&contains=";
            let peeked = call(&asked("peekSubscription", path, None));
            let path = "/subscriptions/bills/history?project=local";
            call(&asked("getSubscriptionHistory", path, None));
            let topic = peeked_topic(&mut call);
            call(&asked("getTopicHistory", &topic, None));
            assert_eq!(peeked["messages"][0]["deliveries"], 0, "{peeked}");
            let body = json!({ "max": 10, "wait": true });
            let pulled = call(&asked(
                "pullMessages",
                "/subscriptions/bills/pull",
                Some(body),
            ));
            let id = &pulled["messages"][0]["ack_id"];
            let body = json!({ "ack_ids": [id], "ack_deadline": 20 });
            call(&asked(
                "settleDeliveries",
                "/subscriptions/bills/settle",
                Some(body),
            ));
        }
        call(&one);
    }
    for one in of_server() {
        call(&one);
    }
    let token = std::fs::read_to_string(directory.path().join("token")).unwrap();
    call(&asked(
        "beginSession",
        "/session",
        Some(json!({ "token": token })),
    ));
    let file = export(
        &server,
        &document,
        "/export?only=queue%3Ddead&only=topic%3Dnone*",
    );
    let path = "/import?on_conflict=replace&dry_run=true&only=queue%3Dd*";
    let imported = import(&server, &document, path, &file);
    assert_eq!(imported["queues"], 1, "{imported}");
    assert_eq!(imported["conflicting"].as_array().map(Vec::len), Some(1));
    let mut other = server.client();
    other.ok("ListQueues", &json!({}));
    let listed = call(&asked("listConnections", "/connections?endpoint=sqs", None));
    let path = format!(
        "/connections/{}",
        listed["connections"][0]["id"].as_str().unwrap()
    );
    call(&asked("closeConnection", &path, None));
    assert!(other.receive().is_err(), "the connection was ended");
    called.extend(["export", "import"]);
    let all: BTreeSet<&str> = document.operations.keys().map(String::as_str).collect();
    assert_eq!(called, all, "each operation is called here");
    server.stop();
}

#[test]
fn the_document_is_one() {
    let directory = tempfile::tempdir().unwrap();
    let server = started(directory.path());
    let document = Document::of(&mut server.admin_client());
    assert_eq!(document.whole["openapi"], "3.1.0");
    let text = document.whole.to_string();
    // Every reference leads somewhere, and every parameter of a path is declared.
    for part in text.split("\"$ref\":\"#").skip(1) {
        let pointer = part.split('"').next().unwrap();
        assert!(document.whole.pointer(pointer).is_some(), "{pointer}");
    }
    for (id, operation) in &document.operations {
        let declared: BTreeSet<&str> = operation.spec["parameters"]
            .as_array()
            .expect("parameters")
            .iter()
            .filter(|parameter| parameter["in"] == "path")
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        let parts = operation.path.split('/');
        let needed = parts.filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        assert_eq!(declared, needed.collect(), "{id}");
        let scope = operation.spec["x-scope"].as_str().unwrap();
        assert!(
            ["read", "operate", "admin"].contains(&scope),
            "{id}: {scope}"
        );
        // The configuration's file may hold what nobody else is to see.
        let is_secret = id == "getConfigFile";
        assert!(
            scope == "read" || operation.method != "GET" || is_secret,
            "{id}"
        );
    }
    server.stop();
}

#[test]
fn what_is_refused_is_refused_as_the_document_says() {
    let directory = tempfile::tempdir().unwrap();
    let server = started(directory.path());
    let mut admin = server.admin_client();
    let document = Document::of(&mut admin);
    let error = json!({ "$ref": "#/components/schemas/Error" });
    for (method, path, body, status) in [
        ("GET", "/queues/none", json!({}), 404),
        ("GET", "/queues?limt=3", json!({}), 400),
        ("GET", "/queues?sort=size", json!({}), 400),
        ("GET", "/queues?sort=visible&after=x", json!({}), 400),
        (
            "POST",
            "/queues",
            json!({ "name": "q", "colour": "red" }),
            400,
        ),
        ("POST", "/queues/none/messages", json!({}), 400),
        ("GET", "/queues/none/messages?state=lost", json!({}), 400),
        ("GET", "/queues/none/tail", json!({}), 404),
        ("GET", "/topics/none/tail", json!({}), 404),
        ("GET", "/events?kinds=all", json!({}), 400),
        ("DELETE", "/connections/0-0-0", json!({}), 404),
        ("DELETE", "/connections/x", json!({}), 404),
        ("POST", "/topics", json!({ "name": "x" }), 400),
        ("POST", "/subscriptions/none/seek", json!({}), 400),
        ("GET", "/export?only=x", json!({}), 400),
        ("GET", "/export?all=true", json!({}), 400),
        ("DELETE", "/export", json!({}), 405),
        ("GET", "/import", json!({}), 405),
        ("POST", "/import", json!({}), 400),
        ("POST", "/import?on_conflict=merge", json!({}), 400),
        ("GET", "/metrics?names=none", json!({}), 400),
        ("POST", "/test/states/none/restore", json!({}), 404),
        ("DELETE", "/stats", json!({}), 405),
        ("GET", "/nothing", json!({}), 404),
    ] {
        let answer = admin
            .rest(method, &format!("/api/v1{path}"), &body)
            .unwrap();
        let value = answer.json();
        assert_eq!(answer.status, status, "{method} {path}: {value}");
        let problems = document.problems(&error, &value, true);
        assert!(problems.is_empty(), "{method} {path} {value}: {problems:?}");
    }
    server.stop();
}

#[test]
fn the_page_in_docs_is_what_this_version_has() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/admin-api.md");
    let kept = std::fs::read_to_string(file).expect("docs/admin-api.md");
    let output = std::process::Command::new(support::binary())
        .args(["generate", "admin-api"])
        .output()
        .expect("the binary under test can be run");
    let new = String::from_utf8(output.stdout).unwrap();
    assert!(
        kept == new,
        "run: lclq generate admin-api > docs/admin-api.md"
    );
}
