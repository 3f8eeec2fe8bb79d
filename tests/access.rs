//! What policies let be done, through the real binary: those of keys, those of queues, and both across
//! accounts; in both protocols, on every core, from the moment that a change is answered.

mod support;

use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use support::signing::{Asked, Key, create, curl, in_json, in_query, served};
use support::{Launch, Server};

const OWN: &str = "111122223333";
const OTHER: &str = "444455556666";
const PATIENCE: Duration = Duration::from_secs(20);

struct Files {
    directory: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn keys(&self) -> PathBuf {
        self.directory.path().join("keys.toml")
    }

    fn policy(&self, name: &str, statement: &Value) -> PathBuf {
        let path = self.directory.path().join(format!("{name}.json"));
        let policy = json!({"Version": "2012-10-17", "Statement": statement});
        fs::write(&path, policy.to_string()).unwrap();
        path
    }

    fn key(&self, words: &[&str]) -> Key {
        create(&self.keys(), words)
    }

    /// A key of an account that may do what a policy says.
    fn key_with(&self, account: &str, user: &str, policy: &Path) -> Key {
        let policy = policy.to_str().unwrap();
        self.key(&["--account", account, "--user", user, "--policy", policy])
    }
}

fn made(server: &Server, key: &Key, name: &str) -> String {
    let made = in_json(server, key, "CreateQueue", &json!({"QueueName": name}));
    assert_eq!(made.status, 200, "{}", made.body);
    made.json()["QueueUrl"].as_str().unwrap().to_owned()
}

fn set_policy(server: &Server, key: &Key, url: &str, statement: &Value) {
    let policy = match statement {
        Value::Null => String::new(),
        statement => json!({"Version": "2012-10-17", "Statement": statement}).to_string(),
    };
    let body = json!({"QueueUrl": url, "Attributes": {"Policy": policy}});
    let set = in_json(server, key, "SetQueueAttributes", &body);
    assert_eq!(set.status, 200, "{}", set.body);
}

fn send(server: &Server, key: &Key, url: &str) -> Asked {
    let body = json!({"QueueUrl": url, "MessageBody": "x"});
    in_json(server, key, "SendMessage", &body)
}

/// Denied, in the service's words.
fn denied(asked: &Asked, words: &str) {
    assert_eq!(
        (asked.status, asked.query_error.as_str()),
        (403, "AccessDenied;Sender"),
        "{}",
        asked.body
    );
    let message = asked.json()["message"].as_str().map(str::to_owned);
    let message = message.or_else(|| asked.json()["Message"].as_str().map(str::to_owned));
    assert_eq!(message.as_deref(), Some(words));
}

#[test]
fn a_key_may_do_what_its_policies_say() {
    let files = Files::new();
    let sender = files.policy(
        "sender",
        &json!({
            "Effect": "Allow", "Action": ["sqs:SendMessage", "sqs:GetQueueUrl"],
            "Resource": format!("arn:aws:sqs:*:{OWN}:orders-*"),
        }),
    );
    let owner = files.key(&["--account", OWN]);
    let sender = files.key_with(OWN, "sender", &sender);
    let server = served(&files.keys(), "enforce");
    let orders = made(&server, &owner, "orders-1");
    let others = made(&server, &owner, "others");
    assert_eq!(send(&server, &sender, &orders).status, 200);
    let batch = json!({"QueueUrl": orders, "Entries": [{"Id": "a", "MessageBody": "x"}]});
    assert_eq!(
        in_json(&server, &sender, "SendMessageBatch", &batch).status,
        200
    );
    let found = in_json(
        &server,
        &sender,
        "GetQueueUrl",
        &json!({"QueueName": "orders-1"}),
    );
    assert_eq!(found.status, 200);
    denied(
        &send(&server, &sender, &others),
        &format!(
            "User: arn:aws:iam::{OWN}:user/sender is not authorized to perform: sqs:sendmessage on \
             resource: arn:aws:sqs:us-east-1:{OWN}:others because no identity-based policy allows \
             the sqs:sendmessage action"
        ),
    );
    let received = in_json(
        &server,
        &sender,
        "ReceiveMessage",
        &json!({"QueueUrl": orders}),
    );
    assert_eq!(received.query_error, "AccessDenied;Sender");
    for (action, body) in [
        ("CreateQueue", json!({"QueueName": "new"})),
        ("ListQueues", json!({})),
        ("DeleteQueue", json!({"QueueUrl": orders})),
        ("PurgeQueue", json!({"QueueUrl": orders})),
        (
            "SetQueueAttributes",
            json!({"QueueUrl": orders, "Attributes": {}}),
        ),
        ("TagQueue", json!({"QueueUrl": orders, "Tags": {"a": "b"}})),
        // Whether or not it is there.
        ("GetQueueUrl", json!({"QueueName": "nothing"})),
        (
            "SendMessage",
            json!({"QueueUrl": others.replace("others", "nothing"), "MessageBody": "x"}),
        ),
    ] {
        let told = in_json(&server, &sender, action, &body);
        assert_eq!(
            told.query_error, "AccessDenied;Sender",
            "{action}: {}",
            told.body
        );
    }
    let form = format!("Action=ReceiveMessage&Version=2012-11-05&QueueUrl={orders}");
    let told = in_query(&server, &sender, &form);
    assert_eq!(told.status, 403);
    assert!(
        told.body.contains("<Code>AccessDenied</Code>"),
        "{}",
        told.body
    );
    // What is asked in an allowed way and isn't there says so.
    let missing = in_json(
        &server,
        &sender,
        "GetQueueUrl",
        &json!({"QueueName": "orders-2"}),
    );
    assert_eq!(missing.status, 400, "{}", missing.body);
    server.stop();
}

#[test]
fn a_queue_opens_itself_to_another_account_and_closes_again_at_once() {
    let files = Files::new();
    let all = files.policy(
        "all",
        &json!({"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}),
    );
    let nothing = files.policy(
        "nothing",
        &json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}),
    );
    let owner = files.key(&["--account", OWN]);
    let other = files.key_with(OTHER, "other", &all);
    let powerless = files.key_with(OTHER, "powerless", &nothing);
    let server = Launch::new()
        .flag("--sqs-auth", "enforce")
        .flag("--credentials", files.keys())
        .flag("--cores", "2")
        .start();
    let url = made(&server, &owner, "shared");
    let arn = format!("arn:aws:sqs:us-east-1:{OWN}:shared");
    let refused = |who: &str, why: &str| {
        format!(
            "User: arn:aws:iam::{OTHER}:user/{who} is not authorized to perform: sqs:sendmessage on \
             resource: {arn} {why}"
        )
    };
    let by_queue = "because no resource-based policy allows the sqs:sendmessage action";
    let by_key = "because no identity-based policy allows the sqs:sendmessage action";
    for round in 0..3 {
        denied(&send(&server, &other, &url), &refused("other", by_queue));
        let allow = json!({
            "Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "sqs:SendMessage", "Resource": arn,
        });
        set_policy(&server, &owner, &url, &allow);
        // Connections are dealt out to both cores.
        for _ in 0..4 {
            let sent = send(&server, &other, &url);
            assert_eq!(sent.status, 200, "round {round}: {}", sent.body);
        }
        denied(
            &send(&server, &powerless, &url),
            &refused("powerless", by_key),
        );
        let received = in_json(&server, &other, "ReceiveMessage", &json!({"QueueUrl": url}));
        assert_eq!(received.query_error, "AccessDenied;Sender");
        // Some things no policy lets another account do.
        set_policy(
            &server,
            &owner,
            &url,
            &json!({"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": arn}),
        );
        let deleted = in_json(&server, &other, "DeleteQueue", &json!({"QueueUrl": url}));
        denied(
            &deleted,
            &format!("Access to the resource {arn} is denied."),
        );
        set_policy(&server, &owner, &url, &Value::Null);
    }
    for _ in 0..4 {
        denied(&send(&server, &other, &url), &refused("other", by_queue));
    }
    server.stop();
}

#[test]
fn what_a_policy_forbids_nobody_may_and_everybody_may_be_let_in() {
    let files = Files::new();
    let owner = files.key(&["--account", OWN, "--user", "owner"]);
    let server = served(&files.keys(), "enforce");
    let url = made(&server, &owner, "q");
    let arn = format!("arn:aws:sqs:us-east-1:{OWN}:q");
    let unsigned = |action: &str| {
        let body = format!("Action={action}&Version=2012-11-05&MessageBody=x&QueueUrl={url}");
        curl(&server, &["--data-binary", &body])
    };
    assert!(
        unsigned("SendMessage")
            .body
            .contains("MissingAuthenticationToken")
    );
    set_policy(
        &server,
        &owner,
        &url,
        &json!([
            {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn},
            {"Effect": "Deny", "Principal": "*", "Action": "sqs:ReceiveMessage", "Resource": arn},
            // By clear text nothing is purged.
            {
                "Effect": "Deny", "Principal": "*", "Action": "sqs:PurgeQueue", "Resource": arn,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
            {
                "Effect": "Deny", "Principal": "*", "Action": "sqs:TagQueue", "Resource": arn,
                "Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}},
            },
            {
                "Effect": "Deny", "Principal": "*", "Action": "sqs:UntagQueue", "Resource": arn,
                "Condition": {"NotIpAddress": {"aws:SourceIp": "127.0.0.0/8"}},
            },
        ]),
    );
    let sent = unsigned("SendMessage");
    assert_eq!(sent.status, 200, "{}", sent.body);
    for action in [
        "ReceiveMessage",
        "GetQueueAttributes",
        "DeleteQueue",
        "ListQueues",
    ] {
        let told = unsigned(action);
        assert_eq!(told.status, 403, "{action}");
        assert!(
            told.body.contains("MissingAuthenticationToken"),
            "{}",
            told.body
        );
    }
    let words = |action: &str| {
        format!(
            "User: arn:aws:iam::{OWN}:user/owner is not authorized to perform: sqs:{action} on \
             resource: {arn} with an explicit deny in a resource-based policy"
        )
    };
    let asked = |action: &str, body: Value| in_json(&server, &owner, action, &body);
    denied(
        &asked("ReceiveMessage", json!({"QueueUrl": url})),
        &words("receivemessage"),
    );
    denied(
        &asked("PurgeQueue", json!({"QueueUrl": url})),
        &words("purgequeue"),
    );
    let tags = json!({"QueueUrl": url, "Tags": {"a": "b"}});
    denied(&asked("TagQueue", tags), &words("tagqueue"));
    let keys = json!({"QueueUrl": url, "TagKeys": ["a"]});
    assert_eq!(asked("UntagQueue", keys).status, 200);
    // Looking into the queue is receiving.
    let look = format!("/_aws/sqs/messages?QueueUrl={url}");
    assert_eq!(server.client().get(&look).unwrap().status, 403);
    server.stop();
}

#[test]
fn a_policy_that_nobody_can_read_is_refused_where_policies_count() {
    let files = Files::new();
    let owner = files.key(&["--account", OWN]);
    let data = files.directory.path().join("data");
    let unreadable = json!({"Statement": {"Effect": "Perhaps", "Principal": "*", "Action": "*", "Resource": "*"}});
    let attributes = json!({"Policy": unreadable.to_string()});
    {
        // Nobody looks here.
        let server = Launch::new().data_dir(&data).flag("--account", OWN).start();
        let body = json!({"QueueName": "q", "Attributes": attributes});
        server.client().ok("CreateQueue", &body);
        server.stop();
    }
    let server = Launch::new()
        .data_dir(&data)
        .flag("--sqs-auth", "enforce")
        .flag("--credentials", files.keys())
        .start();
    let url = format!("http://localhost/{OWN}/q");
    let sent = send(&server, &owner, &url);
    assert_eq!(sent.query_error, "AccessDenied;Sender", "{}", sent.body);
    let body = json!({"QueueUrl": url, "Attributes": attributes});
    let set = in_json(&server, &owner, "SetQueueAttributes", &body);
    assert_eq!(set.status, 400, "{}", set.body);
    assert!(
        set.body.contains("Invalid value for the parameter Policy."),
        "{}",
        set.body
    );
    set_policy(&server, &owner, &url, &Value::Null);
    assert_eq!(send(&server, &owner, &url).status, 200);
    server.stop();
}

#[test]
fn moves_take_what_they_do_for_whoever_starts_them() {
    let files = Files::new();
    let mover = |name: &str, actions: &[&str]| {
        let statement = json!({"Effect": "Allow", "Action": actions, "Resource": "*"});
        let policy = files.policy(name, &statement);
        files.key_with(OWN, name, &policy)
    };
    let owner = files.key(&["--account", OWN]);
    let all = [
        "sqs:StartMessageMoveTask",
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:SendMessage",
    ];
    let able = mover("able", &all);
    let unable: Vec<Key> = (0..all.len())
        .map(|left_out| {
            let others = all.iter().enumerate().filter(|(n, _)| *n != left_out);
            let others: Vec<&str> = others.map(|(_, action)| *action).collect();
            mover(&format!("unable{left_out}"), &others)
        })
        .collect();
    let server = served(&files.keys(), "enforce");
    made(&server, &owner, "dead");
    made(&server, &owner, "to");
    let arn = |name: &str| format!("arn:aws:sqs:us-east-1:{OWN}:{name}");
    let redrive = json!({"deadLetterTargetArn": arn("dead"), "maxReceiveCount": 1}).to_string();
    let source = json!({"QueueName": "from", "Attributes": {"RedrivePolicy": redrive}});
    assert_eq!(in_json(&server, &owner, "CreateQueue", &source).status, 200);
    let body = json!({"SourceArn": arn("dead"), "DestinationArn": arn("to")});
    for key in &unable {
        let told = in_json(&server, key, "StartMessageMoveTask", &body);
        assert_eq!(told.query_error, "AccessDenied;Sender", "{}", told.body);
    }
    let started = in_json(&server, &able, "StartMessageMoveTask", &body);
    assert_eq!(started.status, 200, "{}", started.body);
    server.stop();
}

#[test]
fn roles_and_organizations_are_who_they_are() {
    let files = Files::new();
    let all = files.policy(
        "all",
        &json!({"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}),
    );
    let all = all.to_str().unwrap().to_owned();
    let owner = files.key(&["--account", OWN]);
    let base = ["--account", OTHER, "--user", "one", "--policy", &all];
    let role = files.key(&[&base[..], &["--role", "worker"]].concat());
    let member = files.key(&[&base[..], &["--organization", "o-abc"]].concat());
    let server = served(&files.keys(), "enforce");
    let url = made(&server, &owner, "q");
    let arn = format!("arn:aws:sqs:us-east-1:{OWN}:q");
    let allow = |principal: Value, condition: Value| {
        json!({
            "Effect": "Allow", "Principal": principal, "Action": "sqs:SendMessage", "Resource": arn,
            "Condition": condition,
        })
    };
    let role_arn = format!("arn:aws:iam::{OTHER}:role/worker");
    set_policy(
        &server,
        &owner,
        &url,
        &allow(json!({"AWS": role_arn}), json!({})),
    );
    assert_eq!(send(&server, &role, &url).status, 200);
    let told = send(&server, &member, &url);
    assert_eq!(told.query_error, "AccessDenied;Sender");
    let of_organization = json!({"StringEquals": {"aws:PrincipalOrgID": "o-abc"}});
    set_policy(&server, &owner, &url, &allow(json!("*"), of_organization));
    assert_eq!(send(&server, &member, &url).status, 200);
    let told = send(&server, &role, &url);
    let session = format!("arn:aws:sts::{OTHER}:assumed-role/worker/one");
    assert!(told.body.contains(&session), "{}", told.body);
    server.stop();
}

#[test]
fn what_would_be_denied_can_be_told_first_and_is_counted() {
    let files = Files::new();
    let nothing = files.policy(
        "nothing",
        &json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}),
    );
    let powerless = files.key_with("000000000000", "powerless", &nothing);
    let audit = files.directory.path().join("audit.log");
    let mut server = Launch::new()
        .flag("--sqs-auth", "report")
        .flag("--credentials", files.keys())
        .flag("--audit-log", &audit)
        .start();
    let url = made(&server, &powerless, "q");
    assert_eq!(send(&server, &powerless, &url).status, 200);
    let shown = server.admin_client().get("/api/v1/refusals").unwrap().ok();
    let counted =
        json!({"dialect": "sqs", "about": "authorization", "enforced": false, "count": 2});
    assert_eq!(shown["counts"], json!([counted]));
    let latest = &shown["latest"][0];
    assert_eq!(latest["who"], powerless.id.as_str());
    assert_eq!(latest["operation"], "SendMessage");
    assert_eq!(latest["resource"], "arn:aws:sqs:us-east-1:000000000000:q");
    assert_eq!(latest["reason"], "no statement allows it");
    assert_eq!(latest["peer"], "127.0.0.1");
    let metrics = server.admin_client().get("/metrics").unwrap();
    let line = "lclq_refusals_total{api=\"sqs\",about=\"authorization\",mode=\"report\"} 2";
    assert!(metrics.text().contains(line));
    let until = Instant::now() + PATIENCE;
    let lines = loop {
        let text = fs::read_to_string(&audit).unwrap();
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        if lines.len() == 3 {
            break lines;
        }
        assert!(Instant::now() < until, "{text}");
        std::thread::sleep(Duration::from_millis(5));
    };
    let change = lines.iter().find(|line| line["event"] == "change").unwrap();
    assert_eq!(change["operation"], "CreateQueue");
    assert_eq!(change["resource"], "q");
    assert_eq!(change["who"], powerless.id.as_str());
    assert_eq!(change["outcome"], "ok");
    assert!(change["request_id"].is_string());
    let refusals = lines.iter().filter(|line| line["event"] == "refusal");
    assert!(
        refusals
            .clone()
            .all(|line| line["outcome"] == "would_be_refused")
    );
    assert_eq!(refusals.count(), 2);
    // What messages say is nobody's business.
    assert!(!fs::read_to_string(&audit).unwrap().contains("MessageBody"));
    assert!(server.stderr().contains("would be refused"));
    server.stop();
}

#[test]
fn a_file_whose_policies_are_no_use_is_refused() {
    let files = Files::new();
    for (text, told) in [
        (
            "[[access-keys]]\nid = \"A\"\naccount = \"000000000000\"\nuser = \"u\"\nsecret = \"s\"\npolicies = [\"p\"]\n",
            "there is no policy p",
        ),
        (
            "[[policies]]\nname = \"p\"\ndocument = \"{}\"\n",
            "policy p: ",
        ),
        (
            "[[access-keys]]\nid = \"A\"\naccount = \"000000000000\"\nuser = \"a b\"\nsecret = \"s\"\n",
            "user is 1 to 64",
        ),
    ] {
        fs::write(files.keys(), text).unwrap();
        let refused = Launch::new()
            .flag("--sqs-auth", "enforce")
            .flag("--credentials", files.keys())
            .refused();
        assert!(refused.stderr.contains(told), "{told}: {}", refused.stderr);
    }
}
