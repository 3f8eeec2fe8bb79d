//! Configuration as its user meets it: layers, errors, what is shown, and declared resources.

#![cfg(unix)]

mod support;

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use support::{Launch, Server};

/// Runs lclq in a directory, with these variables alone of its own.
fn lclq_in(directory: &Path, args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(support::binary());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LCLQ_") {
            command.env_remove(name);
        }
    }
    let command = command.current_dir(directory).args(args);
    let output = command.envs(variables.iter().copied()).output();
    output.expect("the binary under test can be run")
}

fn lclq(args: &[&str], variables: &[(&str, &str)]) -> Output {
    lclq_in(&std::env::temp_dir(), args, variables)
}

fn written(directory: &Path, text: &str) -> PathBuf {
    let path = directory.join("lclq.toml");
    std::fs::write(&path, text).unwrap();
    path
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What `config check` says about a file, without the file's name, and its exit code.
fn checked(file: &str) -> (String, Option<i32>) {
    let directory = tempfile::tempdir().unwrap();
    written(directory.path(), file);
    let output = lclq_in(directory.path(), &["config", "check"], &[]);
    let all = text(&output.stderr) + &text(&output.stdout);
    (all.replace("lclq.toml", "F"), output.status.code())
}

#[track_caller]
fn assert_wrong(file: &str, lines: &[&str]) {
    let (said, code) = checked(file);
    let lines: Vec<String> = lines
        .iter()
        .map(|line| format!("lclq: F:{line}\n"))
        .collect();
    assert_eq!(said, lines.concat());
    assert_eq!(code, Some(2));
}

#[test]
fn all_errors_of_a_file_are_told_at_once() {
    let file = "[sqs]\nprot = 1\nport = \"x\"\n\n[storage]\ndurability = \"some\"\n\n[[queues]]\nfifo = true\n";
    assert_wrong(
        file,
        &[
            "2: sqs.prot: no such key; `port` is a near one",
            "3: sqs.port: expected a whole number from 0 to 65535, not `\"x\"`",
            "6: storage.durability: expected one of full, normal, not `some`",
            "8: queues[0]: name is missing",
            "9: queues[0].fifo: no such key; there are attributes, dead-letter, name, policy, tags",
        ],
    );
}

#[test]
fn each_kind_of_wrong_value_is_told_with_what_is_allowed() {
    assert_wrong(
        "[server]\ncores = 0\nconnections-max = -1\nservices = [\"sqs\", \"kafka\"]\nbind = \"localhost\"\nallow-host = \"lclq\"\n",
        &[
            "2: server.cores: expected a whole number from 1 to 256, not `0`",
            "3: server.connections-max: expected a whole number of at least 0, not `-1`",
            "4: server.services[1]: expected one of sqs, pubsub, admin, not `kafka`",
            "5: server.bind: expected an IP address, not `localhost`",
            "6: server.allow-host: expected a list, each a host's name without scheme and port, \
             *.name for all below one, or *, not `\"lclq\"`",
        ],
    );
    assert_wrong(
        "[log]\nfilter = \"a=b=c\"\n[cloud-storage]\nendpoint = \"ftp://x\"\n[sqs]\nregion = \"a b\"\nenforce-purge-interval = 1\n",
        &[
            "2: log.filter: expected error, warn, info, debug, trace, or per module \
             (lclq::sqs=debug,info), not `a=b=c`",
            "4: cloud-storage.endpoint: expected a URL that begins with http:// or https:// and has \
             a host, not `ftp://x`",
            "6: sqs.region: expected 1 to 80 letters, digits, hyphens and underscores, not `a b`",
            "7: sqs.enforce-purge-interval: expected true or false, not `1`",
        ],
    );
}

#[test]
fn tables_that_are_none_and_keys_that_stand_elsewhere() {
    assert_wrong(
        "sqs = 1\n[queues]\nname = \"q\"\n",
        &[
            "1: sqs: expected a table, not `1`",
            "2: queues: expected a list, each a table, not `[queues]`",
        ],
    );
    assert_wrong(
        "[server]\nsqs-port = 1\ndata_dir = \"d\"\n\n[storge]\n",
        &[
            "2: server.sqs-port: no such key; `sqs.port` is what --sqs-port says",
            "3: server.data_dir: no such key; `storage.data-dir` is what --data-dir says",
            "5: storge: no such key; `storage` is a near one",
        ],
    );
}

#[test]
fn toml_that_is_none_is_told_with_its_line() {
    let (said, code) = checked("[sqs]\nport = \n");
    assert!(said.starts_with("lclq: F:2: "), "{said}");
    assert_eq!(code, Some(2));
    let (said, _) = checked("[sqs]\nport = 1\nport = 2\n");
    assert!(said.starts_with("lclq: F:3: duplicate key"), "{said}");
}

#[test]
fn what_is_wrong_with_declared_resources_is_told() {
    assert_wrong(
        "[[queues]]\nname = \"q\"\nattributes = { VisibilityTimout = 1, DelaySeconds = 901 }\n\
         [[queues]]\nname = \"r\"\ndead-letter = { queue = \"q\" }\npolicy = \"[]\"\n\
         [[subscriptions]]\nname = \"s\"\nack-deadline-seconds = 5\n\
         message-retention-duration = \"1d\"\npush-config = { endpoint = \"http://x\" }\n\
         [[schemas]]\nname = \"x\"\ntype = \"avro\"\ndefinition = \"\"\n",
        &[
            "3: queues[0].attributes.VisibilityTimout: no such key; `VisibilityTimeout` is a near one",
            "3: queues[0].attributes.DelaySeconds: expected a whole number from 0 to 900, not `901`",
            "6: queues[1].dead-letter: max-receive-count is missing",
            "7: queues[1].policy: expected a JSON object as a text, not `[]`",
            "8: subscriptions[0]: topic is missing",
            "10: subscriptions[0].ack-deadline-seconds: expected a whole number from 10 to 600, not `5`",
            "11: subscriptions[0].message-retention-duration: expected a time in seconds such as \
             \"600s\" or \"1.5s\", not `1d`",
            "12: subscriptions[0].push-config.endpoint: no such key; `push-endpoint` is a near one",
            "15: schemas[0].type: expected one of AVRO, PROTOCOL_BUFFER, not `avro`",
        ],
    );
    assert_wrong(
        "[[topics]]\nname = \"t\"\n\n[[topics]]\nname = \"t\"\n",
        &["4: topics: t is declared at F:1, too"],
    );
}

#[test]
fn keys_that_exclude_each_other() {
    assert_wrong(
        "[cloud-storage]\ndir = \"d\"\nendpoint = \"http://h\"\n",
        &["3: cloud-storage.endpoint and cloud-storage.dir (F:2) exclude each other"],
    );
}

#[test]
fn flags_go_before_the_environment_and_that_before_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = "[sqs]\nport = 1\nregion = \"a\"\naccount = \"f\"\nenforce-purge-interval = true\n";
    let path = written(directory.path(), file);
    let path = path.to_str().unwrap();
    let args = [
        "config",
        "show",
        "--output",
        "json",
        "--config",
        path,
        "--sqs-port",
        "3",
        "--sqs-enforce-purge-interval=false",
    ];
    let variables = [
        ("LCLQ_SQS_PORT", "2"),
        ("LCLQ_REGION", "b"),
        ("LCLQ_SQS_ENFORCE_RECREATE_INTERVAL", "true"),
    ];
    let output = lclq(&args, &variables);
    assert_eq!(text(&output.stderr), "");
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    let sqs = &shown["sqs"];
    assert_eq!(sqs["port"], json!({"value": 3, "from": "--sqs-port"}));
    assert_eq!(sqs["region"], json!({"value": "b", "from": "LCLQ_REGION"}));
    let account = json!({"value": "f", "from": format!("{path}:4")});
    assert_eq!(sqs["account"], account);
    assert_eq!(sqs["enforce-purge-interval"]["value"], false);
    assert_eq!(sqs["enforce-recreate-interval"]["value"], true);
    let port = json!({"value": 8085, "from": "default"});
    assert_eq!(shown["pubsub"]["port"], port);
}

#[test]
fn what_is_shown_is_a_file() {
    let directory = tempfile::tempdir().unwrap();
    written(directory.path(), RESOURCES);
    let shown = lclq_in(directory.path(), &["config", "show", "--cores", "2"], &[]);
    let shown = text(&shown.stdout);
    assert!(shown.contains("cores = 2  # --cores\n"), "{shown}");
    assert!(shown.contains("[[queues]]  # lclq.toml:2\n"), "{shown}");
    let (said, code) = checked(&shown);
    assert_eq!((said.as_str(), code), ("F: good\n", Some(0)), "{shown}");
}

#[test]
fn the_file_of_the_working_directory_is_read_unless_another_is_named() {
    let directory = tempfile::tempdir().unwrap();
    written(directory.path(), "[storage]\ndata-dir = \"here\"\n");
    let other = directory.path().join("other");
    std::fs::create_dir(&other).unwrap();
    let named = written(&other, "[storage]\ndata-dir = \"data\"\n");
    let shown = |args: &[&str]| {
        let args = [&["config", "show", "--output", "json"], args].concat();
        let output = lclq_in(directory.path(), &args, &[]);
        let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
        shown["storage"]["data-dir"].clone()
    };
    let from_here = json!({"value": "here", "from": "lclq.toml:2"});
    assert_eq!(shown(&[]), from_here);
    // Paths start at the file's folder.
    let (from, data) = (format!("{}:2", named.display()), other.join("data"));
    let from_there = json!({"value": data, "from": from});
    assert_eq!(shown(&["--config", named.to_str().unwrap()]), from_there);
    // A way to have none.
    assert_eq!(shown(&["--config", "/dev/null"])["from"], "default");
    let missing = lclq_in(directory.path(), &["start", "--config", "no.toml"], &[]);
    let said = text(&missing.stderr);
    assert!(said.starts_with("lclq: no.toml: No such file"), "{said}");
    assert_eq!(missing.status.code(), Some(2));
}

#[test]
fn a_start_says_which_file_it_read_and_stops_at_a_bad_one() {
    let directory = tempfile::tempdir().unwrap();
    written(directory.path(), "[log]\nfilter = \"info\"\n");
    let ports = [
        "--sqs-port",
        "0",
        "--pubsub-port",
        "0",
        "--pubsub-rest-port",
        "0",
    ];
    let check = [&["start", "--check", "--admin-port", "0"], &ports[..]].concat();
    let output = lclq_in(directory.path(), &check, &[]);
    let said = text(&output.stdout);
    assert!(said.contains("config       lclq.toml\n"), "{said}");
    written(directory.path(), "[log]\nfiltre = \"info\"\n");
    let output = lclq_in(directory.path(), &check, &[]);
    let golden = "lclq: lclq.toml:2: log.filtre: no such key; `filter` is a near one\n";
    assert_eq!(text(&output.stderr), golden);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
}

#[test]
fn a_start_recovers_what_the_file_names_and_nothing_else() {
    let output = lclq(&["start", "--recover", "--config", "/dev/null"], &[]);
    let said = text(&output.stderr);
    assert!(
        said.contains("--recover") && said.contains("--data-dir"),
        "{said}"
    );
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_new_file_is_good_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    assert!(
        lclq_in(here, &["config", "init", "lclq.toml"], &[])
            .status
            .success()
    );
    let printed = lclq_in(here, &["config", "init"], &[]);
    assert_eq!(
        text(&printed.stdout),
        std::fs::read_to_string(here.join("lclq.toml")).unwrap()
    );
    // What is there is not replaced.
    let again = lclq_in(here, &["config", "init", "lclq.toml"], &[]);
    assert_eq!(again.status.code(), Some(1));
    let checked = lclq_in(here, &["config", "check"], &[]);
    assert_eq!(
        text(&checked.stdout),
        "lclq.toml: good\n",
        "{}",
        text(&checked.stderr)
    );
    let values = |args: &[&str]| {
        let args = [&["config", "show", "--output", "json"], args].concat();
        let shown: Value = serde_json::from_slice(&lclq_in(here, &args, &[]).stdout).unwrap();
        let tables = shown.as_object().unwrap().values();
        let keys = tables
            .filter_map(Value::as_object)
            .flat_map(|table| table.values());
        keys.map(|key| key["value"].clone()).collect::<Vec<_>>()
    };
    assert!(values(&[]).len() > 30);
    assert_eq!(values(&[]), values(&["--config", "/dev/null"]));
}

#[test]
fn the_examples_of_a_new_file_are_good_too() {
    let init = text(&lclq(&["config", "init"], &[]).stdout);
    let (_, examples) = init.split_once("# Resources").unwrap();
    let examples: Vec<&str> = examples.lines().skip(1).collect();
    let examples: Vec<&str> = examples
        .iter()
        .map(|line| line.trim_start_matches("# "))
        .collect();
    let directory = tempfile::tempdir().unwrap();
    let path = written(directory.path(), &examples.join("\n"));
    let server = Launch::new().flag("--config", &path).start();
    let snapshot = "/v1/projects/local/snapshots/before";
    assert_eq!(server.pubsub_client().get(snapshot).unwrap().status, 200);
    server.stop();
}

#[test]
fn the_schema_and_the_reference_are_as_committed() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    for (command, name) in [
        ("schema", "lclq.schema.json"),
        ("reference", "configuration.md"),
    ] {
        let now = text(&lclq(&["config", command], &[]).stdout);
        let committed = std::fs::read_to_string(docs.join(name)).unwrap_or_default();
        assert!(now == committed, "lclq config {command} > docs/{name}");
    }
}

const RESOURCES: &str = r#"
[[queues]]
name = "orders"
attributes = { VisibilityTimeout = 60 }
dead-letter = { queue = "orders-dead", max-receive-count = 5 }
tags = { team = "shop" }
policy = '{"Version": "2012-10-17", "Statement": []}'

[[queues]]
name = "orders-dead"

[[queues]]
name = "bills.fifo"
attributes = { ContentBasedDeduplication = true, DeduplicationScope = "messageGroup" }

[[snapshots]]
name = "before"
subscription = "worker"
labels = { of = "worker" }

[[subscriptions]]
name = "worker"
topic = "events"
ack-deadline-seconds = 30
retry-policy = { minimum-backoff = "1s", maximum-backoff = "5s" }
dead-letter-policy = { dead-letter-topic = "dead", max-delivery-attempts = 7 }
expiration-policy = {}
filter = 'attributes.kind = "order"'
enable-message-ordering = true
labels = { team = "shop" }

[[subscriptions]]
name = "projects/other/subscriptions/pushed"
topic = "events"
push-config = { push-endpoint = "http://127.0.0.1:1/", attributes = { x-goog-version = "v1" } }

[[topics]]
name = "events"
message-retention-duration = "3600s"
schema-settings = { schema = "order", encoding = "JSON" }

[[topics]]
name = "dead"

[[schemas]]
name = "order"
type = "PROTOCOL_BUFFER"
definition = 'syntax = "proto3"; message Order { string id = 1; }'
"#;

fn attributes(server: &Server, queue: &str) -> Value {
    let url = format!("http://localhost/000000000000/{queue}");
    let request = json!({"QueueUrl": url, "AttributeNames": ["All"]});
    server.client().ok("GetQueueAttributes", &request)["Attributes"].clone()
}

fn tags(server: &Server, queue: &str) -> Value {
    let url = format!("http://localhost/000000000000/{queue}");
    server
        .client()
        .ok("ListQueueTags", &json!({"QueueUrl": url}))["Tags"]
        .clone()
}

fn pubsub(server: &Server, name: &str) -> Value {
    let answer = server.pubsub_client().get(&format!("/v1/{name}")).unwrap();
    assert_eq!(answer.status, 200, "{name}");
    answer.json()
}

#[track_caller]
fn assert_as_declared(server: &Server) {
    let orders = attributes(server, "orders");
    assert_eq!(orders["VisibilityTimeout"], "60");
    let redrive = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:orders-dead","maxReceiveCount":5}"#;
    assert_eq!(orders["RedrivePolicy"], redrive);
    assert!(orders["Policy"].as_str().unwrap().contains("2012-10-17"));
    assert_eq!(tags(server, "orders"), json!({"team": "shop"}));
    let bills = attributes(server, "bills.fifo");
    assert_eq!(bills["FifoQueue"], "true");
    assert_eq!(bills["DeduplicationScope"], "messageGroup");
    let worker = pubsub(server, "projects/local/subscriptions/worker");
    assert_eq!(worker["topic"], "projects/local/topics/events");
    assert_eq!(worker["ackDeadlineSeconds"], 30);
    assert_eq!(worker["filter"], "attributes.kind = \"order\"");
    assert_eq!(worker["enableMessageOrdering"], true);
    assert_eq!(worker["expirationPolicy"], json!({}));
    let dead_letters = &worker["deadLetterPolicy"];
    assert_eq!(
        dead_letters["deadLetterTopic"],
        "projects/local/topics/dead"
    );
    assert_eq!(dead_letters["maxDeliveryAttempts"], 7);
    let pushed = pubsub(server, "projects/other/subscriptions/pushed");
    assert_eq!(pushed["pushConfig"]["pushEndpoint"], "http://127.0.0.1:1/");
    let events = pubsub(server, "projects/local/topics/events");
    let schema = "projects/local/schemas/order";
    assert_eq!(events["schemaSettings"]["schema"], schema);
    assert_eq!(events["messageRetentionDuration"], "3600s");
    assert_eq!(pubsub(server, schema)["type"], "PROTOCOL_BUFFER");
    let before = pubsub(server, "projects/local/snapshots/before");
    assert_eq!(before["labels"], json!({"of": "worker"}));
}

#[test]
fn declared_resources_are_there_stay_and_change_if_asked() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let path = written(directory.path(), RESOURCES);
    let launch = || Launch::new().data_dir(&data).flag("--config", &path);
    for _ in 0..2 {
        let mut server = launch().start();
        assert_as_declared(&server);
        server.terminate();
        assert!(server.wait().success());
        let log = server.stderr();
        assert!(
            !log.contains("differs") && !log.contains("changed"),
            "{log}"
        );
    }
    let changed = RESOURCES
        .replace("= 60", "= 61")
        .replace("= 30", "= 31")
        .replace("team", "crew")
        .replace("max-receive-count = 5", "max-receive-count = 6")
        .replace("string id = 1;", "string id = 1; string more = 2;");
    written(directory.path(), &changed);
    let mut server = launch().start();
    assert_as_declared(&server);
    server.terminate();
    server.wait();
    let log = server.stderr();
    let file = path.display();
    for said in [
        format!(
            "{file}:2: queue orders exists and differs in RedrivePolicy, VisibilityTimeout, \
             tag crew, tag team; --apply-changes changes it"
        ),
        format!("{file}:21: subscription worker exists and differs in ackDeadlineSeconds, labels;"),
        format!("{file}:45: schema order exists and differs in definition;"),
    ] {
        assert!(log.contains(&said), "{said}\n{log}");
    }
    assert_eq!(log.matches("differs").count(), 3, "{log}");
    for _ in 0..2 {
        let server = launch().switch("--apply-changes").start();
        let orders = attributes(&server, "orders");
        assert_eq!(orders["VisibilityTimeout"], "61");
        let redrive = orders["RedrivePolicy"].as_str().unwrap();
        assert!(redrive.contains("\"maxReceiveCount\":6"), "{redrive}");
        assert_eq!(tags(&server, "orders"), json!({"crew": "shop"}));
        let worker = pubsub(&server, "projects/local/subscriptions/worker");
        assert_eq!(worker["ackDeadlineSeconds"], 31);
        assert_eq!(worker["labels"], json!({"crew": "shop"}));
        server.stop();
    }
    // By the key in the file, and all is as it should be: nothing to say.
    written(
        directory.path(),
        &format!("server.apply-changes = true\n{changed}"),
    );
    let mut server = launch().start();
    server.terminate();
    server.wait();
    assert!(
        !server.stderr().contains("changed as"),
        "{}",
        server.stderr()
    );
}

#[test]
fn declared_resources_are_made_where_only_one_service_listens() {
    let directory = tempfile::tempdir().unwrap();
    let path = written(directory.path(), RESOURCES);
    let launch = Launch::new().flag("--config", &path);
    let server = launch.flag("--services", "pubsub").start();
    pubsub(&server, "projects/local/subscriptions/worker");
    server.stop();
}

#[test]
fn what_the_service_refuses_ends_the_start_with_its_message() {
    let directory = tempfile::tempdir().unwrap();
    for (file, said) in [
        (
            "\n[[queues]]\nname = \"q/r\"\n",
            "2: queue q/r: InvalidParameterValueException: ",
        ),
        (
            "[[queues]]\nname = \"q\"\ndead-letter = { queue = \"none\", max-receive-count = 1 }\n",
            "1: queue q: dead-letter queue none: QueueDoesNotExist: ",
        ),
        (
            "[[subscriptions]]\nname = \"work\"\ntopic = \"none\"\n",
            "1: subscription work: ",
        ),
        (
            "[[topics]]\nname = \"projects/p/subscriptions/x\"\n",
            "1: topic projects/p/subscriptions/x: its name has to be like projects/local/topics/NAME",
        ),
    ] {
        let path = written(directory.path(), file);
        let refused = Launch::new().flag("--config", &path).refused();
        let said = format!("lclq: {}:{said}", path.display());
        assert!(refused.stderr.contains(&said), "{}", refused.stderr);
        assert_eq!(refused.status.code(), Some(1));
    }
}

fn reload(server: &Server) -> (u16, Value) {
    let mut client = server.admin_client();
    let answer = client.rest("POST", "/config/reload", &json!({})).unwrap();
    (answer.status, answer.json())
}

#[test]
fn the_configuration_in_effect_is_shown_without_secrets() {
    let directory = tempfile::tempdir().unwrap();
    let file = "[[topics]]\nname = \"t\"\n\n[[subscriptions]]\nname = \"s-1\"\ntopic = \"t-1\"\n\
                push-config = { push-endpoint = \"http://u:p@127.0.0.1:1/?token=x\" }\n"
        .replace("\"t\"", "\"t-1\"");
    let path = written(directory.path(), &file);
    let server = Launch::new().flag("--config", &path).start();
    for at in ["/config", "/api/v1/config"] {
        let shown = server.admin_client().get(at).unwrap().json();
        assert_eq!(shown["file"], path.display().to_string());
        let config = &shown["config"];
        let port = json!({"value": 0, "from": "--sqs-port"});
        assert_eq!(config["sqs"]["port"], port);
        let push = &config["subscriptions"][0]["value"]["push-config"];
        assert_eq!(push["push-endpoint"], "http://***@127.0.0.1:1/?***");
    }
    let refused = server.admin_client().get("/config/reload").unwrap();
    assert_eq!(refused.status, 405);
    server.stop();
    let server = Launch::new().flag("--config", "/dev/null").start();
    let shown = server.admin_client().get("/config").unwrap().json();
    assert_eq!(shown["config"]["topics"], json!([]));
    server.stop();
}

#[test]
fn a_reload_takes_what_it_can_and_names_the_rest() {
    let directory = tempfile::tempdir().unwrap();
    let path = written(directory.path(), "[sqs]\nregion = \"us-east-1\"\n");
    let server = Launch::new().flag("--config", &path).start();
    let nothing = json!({"created": [], "changed": [], "differing": []});
    let expected = json!({
        "file": path.display().to_string(), "applied": [], "restart": [], "resources": nothing,
    });
    assert_eq!(reload(&server), (200, expected));
    let url = "/000000000000/orders";
    written(
        directory.path(),
        "[sqs]\nregion = \"eu-west-1\"\nport = 1\n[server]\nallow-host = [\"queues.test\"]\n\
         [log]\nfilter = \"debug\"\n[[queues]]\nname = \"orders\"\n",
    );
    let host_is_let_in = |host: &str| {
        let request = json!({"QueueUrl": url, "AttributeNames": ["All"]});
        let body = request.to_string();
        let request = format!(
            "POST / HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/x-amz-json-1.0\r\n\
             x-amz-target: AmazonSQS.GetQueueAttributes\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut client = server.client();
        client.write(request.as_bytes()).unwrap();
        // A queue that isn't there is none of the door's business.
        client.receive().unwrap().status != 403
    };
    assert!(!host_is_let_in("queues.test"));
    let (status, reloaded) = reload(&server);
    assert_eq!(status, 200);
    // The port is a flag's, so the file's doesn't count.
    assert_eq!(reloaded["restart"], json!(["sqs.region"]));
    let applied = json!(["server.allow-host", "log.filter"]);
    assert_eq!(sorted(&reloaded["applied"]), sorted(&applied));
    assert_eq!(reloaded["resources"]["created"], json!(["queue orders"]));
    assert!(host_is_let_in("queues.test"));
    assert!(!host_is_let_in("other.test"));
    let shown = server.admin_client().get("/config").unwrap().json();
    let sqs = &shown["config"]["sqs"];
    assert_eq!(sqs["region"]["value"], "us-east-1");
    assert_eq!(shown["config"]["log"]["filter"]["value"], "debug");
    let arn = attributes(&server, "orders")["QueueArn"].clone();
    assert_eq!(arn, "arn:aws:sqs:us-east-1:000000000000:orders");
    server.stop();
}

fn sorted(list: &Value) -> Vec<String> {
    let mut all: Vec<String> = list
        .as_array()
        .unwrap()
        .iter()
        .map(Value::to_string)
        .collect();
    all.sort();
    all
}

#[test]
fn a_reload_changes_declared_resources_only_if_asked() {
    let directory = tempfile::tempdir().unwrap();
    let path = written(directory.path(), RESOURCES);
    let server = Launch::new().flag("--config", &path).start();
    let changed = RESOURCES.replace("= 60", "= 61");
    written(directory.path(), &changed);
    let differing = json!({"created": [], "changed": [], "differing": ["queue orders"]});
    assert_eq!(reload(&server).1["resources"], differing);
    assert_eq!(attributes(&server, "orders")["VisibilityTimeout"], "60");
    let asked = format!("server.apply-changes = true\n{changed}");
    written(directory.path(), &asked);
    let (_, reloaded) = reload(&server);
    assert_eq!(reloaded["applied"], json!(["server.apply-changes"]));
    assert_eq!(reloaded["resources"]["changed"], json!(["queue orders"]));
    assert_eq!(attributes(&server, "orders")["VisibilityTimeout"], "61");
    server.stop();
}

#[test]
fn a_bad_file_is_refused_at_a_reload_and_nothing_changes() {
    let directory = tempfile::tempdir().unwrap();
    let path = written(directory.path(), "");
    let mut server = Launch::new().flag("--config", &path).start();
    written(directory.path(), "[log]\nfilter = \"debug\"\nfromat = 1\n");
    let (status, refused) = reload(&server);
    assert_eq!(status, 422);
    let message = format!(
        "{}:3: log.fromat: no such key; `format` is a near one",
        path.display()
    );
    let expected = json!({"error": {"code": "BadConfiguration", "message": message}});
    assert_eq!(refused, expected);
    let shown = server.admin_client().get("/config").unwrap().json();
    assert_eq!(shown["config"]["log"]["filter"]["value"], "info");
    written(directory.path(), "[[queues]]\nname = \"a/b\"\n");
    let (status, refused) = reload(&server);
    assert_eq!(
        (status, &refused["error"]["code"]),
        (422, &json!("Refused"))
    );
    server.terminate();
    server.wait();
    let log = server.stderr();
    assert!(
        log.contains("not reloaded") && log.contains(&message),
        "{log}"
    );
    let server = Launch::new().start();
    assert_eq!(reload(&server).0, 409);
    server.stop();
}

#[test]
fn of_saves_at_once_one_is_made_and_the_others_are_told() {
    const ROUNDS: usize = 20;
    const SAVERS: usize = 4;
    let directory = tempfile::tempdir().unwrap();
    let path = written(directory.path(), "");
    let server = Launch::new().flag("--config", &path).start();
    let mut was = String::new();
    for round in 0..ROUNDS {
        let together = std::sync::Barrier::new(SAVERS);
        let save = &|saver: usize| {
            let text = format!("# {round}, {saver}\n");
            let body = json!({"text": text, "was": was});
            let mut client = server.admin_client();
            together.wait();
            let answer = client.rest("PUT", "/config/file", &body).unwrap();
            (answer.status, answer.json(), text)
        };
        let answers: Vec<_> = std::thread::scope(|scope| {
            let savers: Vec<_> = (0..SAVERS)
                .map(|at| scope.spawn(move || save(at)))
                .collect();
            savers.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let (made, told): (Vec<_>, Vec<_>) = answers.iter().partition(|one| one.0 == 200);
        assert_eq!(made.len(), 1, "{answers:?}");
        for (status, error, _) in told {
            let code = &error["error"]["code"];
            assert!(
                *status == 409 && (code == "Changed" || code == "Busy"),
                "{error}"
            );
        }
        was = std::fs::read_to_string(&path).unwrap();
        assert_eq!(was, made[0].2, "{answers:?}");
    }
    server.stop();
}

#[test]
fn a_hangup_reloads_where_there_is_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = written(directory.path(), "");
    let mut server = Launch::new().flag("--config", &path).start();
    written(
        directory.path(),
        "[[queues]]\nname = \"orders\"\n[sqs]\nregion = \"x\"\n",
    );
    hang_up(&server);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !server
        .stderr()
        .contains("from the next start on: sqs.region")
    {
        assert!(std::time::Instant::now() < until, "{}", server.stderr());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(attributes(&server, "orders")["VisibilityTimeout"], "30");
    server.stop();
    // Without a file it is what it always was: the end.
    let mut launch = Launch::new();
    heed_hangups(&mut launch.command);
    let mut server = launch.start();
    hang_up(&server);
    assert!(!server.wait().success());
}

/// Undoes what `nohup` does, under which these tests may run.
fn heed_hangups(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    // SAFETY: `signal` may be called between fork and exec, and the default action has no conditions.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGHUP, libc::SIG_DFL);
            Ok(())
        });
    }
}

fn hang_up(server: &Server) {
    let pid = server.pid().to_string();
    let sent = Command::new("kill").args(["-HUP", &pid]).status();
    assert!(sent.unwrap().success());
}

#[test]
fn settings_that_are_kept_and_not_done_may_be_declared_too() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let path = written(
        directory.path(),
        r#"
[[topics]]
name = "ingested"
ingestion-data-source-settings.cloud-storage = { bucket = "a-bucket", text-format = {} }

[[subscriptions]]
name = "rows"
topic = "ingested"
bigtable-config = { table = "projects/p/instances/i/tables/t", write-metadata = true }
"#,
    );
    for _ in 0..2 {
        let mut server = Launch::new()
            .data_dir(&data)
            .flag("--config", &path)
            .start();
        let topic = pubsub(&server, "projects/local/topics/ingested");
        let source = &topic["ingestionDataSourceSettings"]["cloudStorage"];
        assert_eq!(source["bucket"], "a-bucket", "{topic}");
        let rows = pubsub(&server, "projects/local/subscriptions/rows");
        assert_eq!(rows["bigtableConfig"]["writeMetadata"], true, "{rows}");
        server.terminate();
        server.wait();
        let log = server.stderr();
        assert!(!log.contains("differs"), "{log}");
    }
}
