//! What access policies of Google Cloud let be done, through the real binary: those of projects, which the
//! file of credentials has, and those that resources are given; on every core, from the moment that a
//! change is answered.

mod support;

use lclq::pubsub::proto::StreamingPullRequest;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use support::accounts::{Account, asked};
use support::streaming::Stream;
use support::{Answer, Client, Launch, Server};

const AUDIENCE: &str = "https://pubsub.googleapis.com/";
const TOPIC: &str = "projects/project/topics/events";
const SUBSCRIPTION: &str = "projects/project/subscriptions/readers";

struct Setup {
    directory: tempfile::TempDir,
    admin: Account,
    worker: Account,
}

impl Setup {
    /// An account that may do all in each project, and one that may do nothing yet.
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("keys.toml");
        let admin = Account::named("admin", &file);
        let worker = Account::named("worker", &file);
        let setup = Self {
            directory,
            admin,
            worker,
        };
        setup.add_policy("*", "roles/pubsub.admin", &setup.admin);
        setup
    }

    fn keys(&self) -> PathBuf {
        self.directory.path().join("keys.toml")
    }

    fn add(&self, text: &str) {
        let before = fs::read_to_string(self.keys()).unwrap();
        fs::write(self.keys(), format!("{before}\n{text}")).unwrap();
    }

    fn add_policy(&self, project: &str, role: &str, to: &Account) {
        let policy = json!({"bindings": [{"role": role, "members": [to.member()]}]});
        self.add(&format!(
            "[[project-policies]]\nproject = \"{project}\"\ndocument = '''{policy}'''\n"
        ));
    }

    fn served(&self, mode: &str) -> Server {
        Launch::new()
            .flag("--pubsub-auth", mode)
            .flag("--credentials", self.keys())
            .flag("--cores", "2")
            .start()
    }
}

/// Somebody with a token, on a connection of their own for each request: these are dealt out to all cores.
struct Caller<'s> {
    server: &'s Server,
    token: String,
}

impl<'s> Caller<'s> {
    fn new(server: &'s Server, account: &Account) -> Self {
        Self {
            server,
            token: account.sign(AUDIENCE),
        }
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        let headers = format!(
            "Content-Type: application/json\r\nAuthorization: Bearer {}\r\n",
            self.token
        );
        let mut client: Client = self.server.pubsub_client();
        asked(
            &mut client,
            method,
            &format!("/v1/{path}"),
            &headers,
            &body.to_string(),
        )
    }

    fn publish(&self) -> Answer {
        let message = json!({"messages": [{"data": "eA=="}]});
        self.ask("POST", &format!("{TOPIC}:publish"), &message)
    }

    fn set_policy(&self, resource: &str, bindings: &Value) -> Answer {
        let body = json!({"policy": {"version": 3, "bindings": bindings}});
        self.ask("POST", &format!("{resource}:setIamPolicy"), &body)
    }

    fn may(&self, resource: &str, permissions: &[&str]) -> Value {
        let body = json!({ "permissions": permissions });
        let told = self.ask("POST", &format!("{resource}:testIamPermissions"), &body);
        told.ok()["permissions"].take()
    }
}

#[track_caller]
fn denied(answer: &Answer) {
    assert_eq!(answer.status, 403, "{}", answer.text());
    let error = &answer.json()["error"];
    assert_eq!(error["status"], "PERMISSION_DENIED");
    assert_eq!(
        error["message"],
        "User not authorized to perform this action."
    );
}

#[test]
fn a_topic_opens_itself_and_closes_again_at_once_on_every_core() {
    let setup = Setup::new();
    let server = setup.served("enforce");
    let (admin, worker) = (
        Caller::new(&server, &setup.admin),
        Caller::new(&server, &setup.worker),
    );
    admin.ask("PUT", TOPIC, &json!({})).ok();
    let permissions = [
        "pubsub.topics.publish",
        "pubsub.topics.get",
        "pubsub.topics.delete",
    ];
    let publisher = json!([{"role": "roles/pubsub.publisher", "members": [setup.worker.member()]}]);
    for _ in 0..3 {
        for _ in 0..4 {
            denied(&worker.publish());
        }
        assert_eq!(worker.may(TOPIC, &permissions), Value::Null);
        denied(&worker.set_policy(TOPIC, &publisher));
        admin.set_policy(TOPIC, &publisher).ok();
        for _ in 0..4 {
            worker.publish().ok();
        }
        assert_eq!(
            worker.may(TOPIC, &permissions),
            json!(["pubsub.topics.publish"])
        );
        assert_eq!(admin.may(TOPIC, &permissions), json!(permissions));
        denied(&worker.ask("GET", TOPIC, &json!({})));
        denied(&worker.ask("DELETE", TOPIC, &json!({})));
        admin.set_policy(TOPIC, &json!([])).ok();
    }
    // Who may not look isn't told what there is.
    denied(&worker.ask("GET", "projects/project/topics/nothing", &json!({})));
    assert_eq!(
        admin
            .ask("GET", "projects/project/topics/nothing", &json!({}))
            .status,
        404
    );
    let shown = server.admin_client().get("/api/v1/refusals").unwrap().ok();
    let latest = &shown["latest"][0];
    assert_eq!(latest["who"], "worker@p.iam.gserviceaccount.com");
    assert_eq!(latest["reason"], "pubsub.topics.get: no binding allows it");
    server.stop();
}

#[test]
fn a_subscription_takes_leave_of_its_project_and_of_its_topic() {
    let setup = Setup::new();
    setup.add_policy("project", "roles/pubsub.editor", &setup.worker);
    let server = setup.served("enforce");
    let (admin, worker) = (
        Caller::new(&server, &setup.admin),
        Caller::new(&server, &setup.worker),
    );
    let far = "projects/another/topics/events";
    admin.ask("PUT", far, &json!({})).ok();
    admin.ask("PUT", TOPIC, &json!({})).ok();
    // Where the project lets it, and where the topic's doesn't.
    worker
        .ask("PUT", SUBSCRIPTION, &json!({ "topic": TOPIC }))
        .ok();
    let second = "projects/project/subscriptions/second";
    denied(&worker.ask("PUT", second, &json!({ "topic": far })));
    let attach = json!([{"role": "roles/pubsub.subscriber", "members": [setup.worker.member()]}]);
    admin.set_policy(far, &attach).ok();
    worker.ask("PUT", second, &json!({ "topic": far })).ok();
    denied(&worker.ask(
        "PUT",
        "projects/another/subscriptions/third",
        &json!({ "topic": far }),
    ));
    // Detaching is the topic's to allow.
    denied(&worker.ask("POST", &format!("{second}:detach"), &json!({})));
    worker
        .ask("POST", &format!("{SUBSCRIPTION}:detach"), &json!({}))
        .ok();
    denied(&worker.ask("GET", "projects/another/topics", &json!({})));
    worker
        .ask("GET", "projects/project/topics", &json!({}))
        .ok();
    server.stop();
}

#[test]
fn a_binding_with_a_condition_holds_while_that_does() {
    let setup = Setup::new();
    let server = setup.served("enforce");
    let (admin, worker) = (
        Caller::new(&server, &setup.admin),
        Caller::new(&server, &setup.worker),
    );
    admin.ask("PUT", TOPIC, &json!({})).ok();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let until = |seconds: u64| {
        // RFC 3339 by hand would take a calendar; a year that is over or isn't will do.
        let year = 1970 + seconds / 31_556_952;
        format!("request.time < timestamp(\"{year}-01-01T00:00:00Z\")")
    };
    let with = |expression: &str| {
        json!([{
            "role": "roles/pubsub.publisher", "members": [setup.worker.member()],
            "condition": {"title": "for a while", "expression": expression},
        }])
    };
    admin
        .set_policy(TOPIC, &with(&until(now + 2 * 31_556_952)))
        .ok();
    worker.publish().ok();
    admin
        .set_policy(TOPIC, &with(&until(now - 2 * 31_556_952)))
        .ok();
    denied(&worker.publish());
    admin
        .set_policy(TOPIC, &with("resource.name.endsWith(\"/events\")"))
        .ok();
    worker.publish().ok();
    let wrong = admin.set_policy(TOPIC, &with("request.time <"));
    assert_eq!(wrong.status, 400, "{}", wrong.text());
    let unknown = json!([{"role": "roles/pubsub.nothing", "members": [setup.worker.member()]}]);
    assert_eq!(admin.set_policy(TOPIC, &unknown).status, 400);
    worker.publish().ok();
    server.stop();
}

#[test]
fn pulling_and_seeking_take_leave_of_the_subscription() {
    let setup = Setup::new();
    let server = setup.served("enforce");
    let (admin, worker) = (
        Caller::new(&server, &setup.admin),
        Caller::new(&server, &setup.worker),
    );
    admin.ask("PUT", TOPIC, &json!({})).ok();
    admin
        .ask("PUT", SUBSCRIPTION, &json!({ "topic": TOPIC }))
        .ok();
    admin.publish().ok();
    let snapshot = "projects/project/snapshots/before";
    admin
        .ask("PUT", snapshot, &json!({ "subscription": SUBSCRIPTION }))
        .ok();
    let pull = || {
        worker.ask(
            "POST",
            &format!("{SUBSCRIPTION}:pull"),
            &json!({"maxMessages": 1}),
        )
    };
    denied(&pull());
    let reader = json!([{"role": "roles/pubsub.subscriber", "members": [setup.worker.member()]}]);
    admin.set_policy(SUBSCRIPTION, &reader).ok();
    let pulled = pull().ok();
    let ack = json!({"ackIds": [pulled["receivedMessages"][0]["ackId"]]});
    worker
        .ask("POST", &format!("{SUBSCRIPTION}:acknowledge"), &ack)
        .ok();
    let seek = |to: Value| worker.ask("POST", &format!("{SUBSCRIPTION}:seek"), &to);
    seek(json!({"time": "2020-01-01T00:00:00Z"})).ok();
    denied(&seek(json!({ "snapshot": snapshot })));
    admin.set_policy(snapshot, &reader).ok();
    seek(json!({ "snapshot": snapshot })).ok();
    server.stop();
}

#[test]
fn a_stream_is_for_who_may_consume_and_ends_when_they_may_not_any_more() {
    let setup = Setup::new();
    let server = Launch::new()
        .flag("--pubsub-auth", "enforce")
        .flag("--credentials", setup.keys())
        .flag("--limit-waiting-per-key", "1")
        .start();
    let (admin, worker) = (
        Caller::new(&server, &setup.admin),
        Caller::new(&server, &setup.worker),
    );
    admin.ask("PUT", TOPIC, &json!({})).ok();
    admin
        .ask("PUT", SUBSCRIPTION, &json!({ "topic": TOPIC }))
        .ok();
    let open = || {
        let first = StreamingPullRequest {
            subscription: SUBSCRIPTION.to_owned(),
            stream_ack_deadline_seconds: 10,
            ..StreamingPullRequest::default()
        };
        let address = server.pubsub_address();
        Stream::open_by(address, "localhost", Some(&worker.token), &first).unwrap()
    };
    let code = |stream: &mut Stream| {
        let ended = stream.next(Duration::from_secs(20));
        ended.unwrap_err().to_string()
    };
    let denied = code(&mut open());
    assert!(denied.contains("\"7\""), "{denied}");
    let reader = json!([{"role": "roles/pubsub.subscriber", "members": [setup.worker.member()]}]);
    admin.set_policy(SUBSCRIPTION, &reader).ok();
    let mut stream = open();
    admin.publish().ok();
    let received = stream.next(Duration::from_secs(20)).unwrap().unwrap();
    assert_eq!(received.received_messages.len(), 1);
    // One at a time.
    let second = code(&mut open());
    assert!(second.contains("\"8\""), "{second}");
    admin.set_policy(SUBSCRIPTION, &json!([])).ok();
    admin.publish().ok();
    let ended = loop {
        match stream.next(Duration::from_secs(20)) {
            Ok(Some(response)) => assert!(response.received_messages.is_empty(), "{response:?}"),
            Ok(None) => panic!("the stream goes on"),
            Err(error) => break error.to_string(),
        }
    };
    assert!(ended.contains("\"7\""), "{ended}");
    drop(stream);
    server.stop();
}

#[test]
fn what_would_be_denied_can_be_told_first_and_without_policies_all_may() {
    let setup = Setup::new();
    let server = setup.served("report");
    let worker = Caller::new(&server, &setup.worker);
    worker.ask("PUT", TOPIC, &json!({})).ok();
    let shown = server.admin_client().get("/api/v1/refusals").unwrap().ok();
    let counted =
        json!({"dialect": "pubsub", "about": "authorization", "enforced": false, "count": 1});
    assert_eq!(shown["counts"], json!([counted]));
    server.stop();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys.toml");
    let anybody = Account::create(&file);
    let server = Launch::new()
        .flag("--pubsub-auth", "enforce")
        .flag("--credentials", &file)
        .start();
    let anybody = Caller::new(&server, &anybody);
    anybody.ask("PUT", TOPIC, &json!({})).ok();
    assert_eq!(
        anybody.may(TOPIC, &["pubsub.topics.delete"]),
        json!(["pubsub.topics.delete"])
    );
    server.stop();
}

#[test]
fn policies_of_projects_are_read_again_and_wrong_ones_are_refused() {
    let setup = Setup::new();
    let mut server = setup.served("enforce");
    {
        let admin = Caller::new(&server, &setup.admin);
        admin.ask("PUT", TOPIC, &json!({})).ok();
        denied(&Caller::new(&server, &setup.worker).publish());
    }
    setup.add(
        "[[custom-roles]]\nname = \"projects/project/roles/sender\"\n\
         permissions = [\"pubsub.topics.publish\"]\n",
    );
    setup.add_policy("project", "projects/project/roles/sender", &setup.worker);
    server.hang_up();
    let until = std::time::Instant::now() + Duration::from_secs(20);
    while Caller::new(&server, &setup.worker).publish().status != 200 {
        assert!(std::time::Instant::now() < until, "{}", server.stderr());
        std::thread::sleep(Duration::from_millis(20));
    }
    denied(&Caller::new(&server, &setup.worker).ask("GET", TOPIC, &json!({})));
    server.stop();
    setup.add_policy("wrong", "roles/pubsub.nothing", &setup.worker);
    let refused = Launch::new()
        .flag("--pubsub-auth", "enforce")
        .flag("--credentials", setup.keys())
        .refused();
    assert!(
        refused.stderr.contains("policy of project wrong"),
        "{}",
        refused.stderr
    );
}

#[test]
fn who_asks_too_much_is_told_when_to_ask_again() {
    let setup = Setup::new();
    let server = Launch::new()
        .flag("--pubsub-auth", "enforce")
        .flag("--credentials", setup.keys())
        .flag("--limit-requests-per-key", "10")
        .start();
    let admin = Caller::new(&server, &setup.admin);
    let answers: Vec<Answer> = (0..60)
        .map(|_| admin.ask("GET", "projects/project/topics", &json!({})))
        .collect();
    let passed = answers.iter().filter(|answer| answer.status == 200).count();
    assert!((10..60).contains(&passed), "{passed}");
    let told = answers.iter().find(|answer| answer.status != 200).unwrap();
    assert_eq!(told.status, 429, "{}", told.text());
    let error = told.json()["error"].take();
    assert_eq!(error["status"], "RESOURCE_EXHAUSTED");
    let delay = error["details"][0]["retryDelay"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(delay.starts_with("0.") && delay.ends_with('s'), "{delay}");
    server.stop();
}
