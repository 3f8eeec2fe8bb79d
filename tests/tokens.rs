//! Pub/Sub requests with bearer tokens through the real binary, over REST: who is let in, who isn't, in
//! which words, and where tokens are had. The official libraries are in tests/pubsub/python.

mod support;

use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use support::accounts::{Account, asked, with_token};
use support::{Answer, Client, Launch, Server};

const PATIENCE: Duration = Duration::from_secs(20);
const TOPIC: &str = "/v1/projects/project-1/topics/events";

fn served(file: &Path, mode: &str) -> Server {
    Launch::new()
        .flag("--pubsub-auth", mode)
        .flag("--credentials", file)
        .start()
}

fn exchanged(client: &mut Client, assertion: &str) -> Answer {
    let form = format!(
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={assertion}"
    );
    let headers = "Content-Type: application/x-www-form-urlencoded\r\n";
    asked(client, "POST", "/token", headers, &form)
}

#[test]
fn a_service_account_is_let_in_by_tokens_of_both_kinds() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys.toml");
    let account = Account::create(&file);
    assert_eq!(
        account.0["client_email"],
        "worker@p.iam.gserviceaccount.com"
    );
    let server = served(&file, "enforce");
    let mut client = server.pubsub_client();
    let own = account.sign("https://pubsub.googleapis.com/");
    with_token(&mut client, "PUT", TOPIC, &own).ok();
    let given = exchanged(&mut client, &account.sign("https://localhost:8085/token")).ok();
    assert_eq!(
        (&given["token_type"], &given["expires_in"]),
        (&json!("Bearer"), &json!(3599))
    );
    let token = given["access_token"].as_str().unwrap();
    let topic = with_token(&mut client, "GET", TOPIC, token).ok();
    assert_eq!(topic["name"], "projects/project-1/topics/events");
    let refused = exchanged(&mut client, &own);
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["error"], "invalid_grant");
    server.stop();
}

#[test]
fn a_stranger_is_told_so_and_may_ask_how_the_server_is() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys.toml");
    Account::create(&file);
    let stranger = Account::create(&directory.path().join("others.toml"));
    let server = served(&file, "enforce");
    let mut client = server.pubsub_client();
    let token = stranger.sign("https://pubsub.googleapis.com/");
    let missing = asked(&mut client, "GET", TOPIC, "", "");
    let unknown = with_token(&mut client, "GET", TOPIC, &token);
    for (answer, begin, reason) in [
        (
            missing,
            "Request is missing required authentication credential.",
            "CREDENTIALS_MISSING",
        ),
        (
            unknown,
            "Request had invalid authentication credentials.",
            "ACCESS_TOKEN_TYPE_UNSUPPORTED",
        ),
    ] {
        assert_eq!(answer.status, 401);
        let error = &answer.json()["error"];
        assert_eq!(error["status"], "UNAUTHENTICATED");
        assert!(
            error["message"].as_str().unwrap().starts_with(begin),
            "{error}"
        );
        assert_eq!(error["details"][0]["reason"], reason);
    }
    assert_eq!(asked(&mut client, "GET", "/health", "", "").status, 200);
    assert_eq!(asked(&mut client, "GET", "/", "", "").status, 200);
    let refused = exchanged(&mut client, &stranger.sign("https://localhost:8085/token"));
    let told = refused.json();
    assert_eq!(
        told["error_description"],
        "Invalid grant: account not found"
    );
    server.stop();
}

#[test]
fn accounts_come_and_go_while_the_server_runs_and_tokens_with_them() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys.toml");
    let first = Account::create(&file);
    let server = served(&file, "enforce");
    let mut client = server.pubsub_client();
    let token = first.sign("https://pubsub.googleapis.com/");
    with_token(&mut client, "PUT", TOPIC, &token).ok();
    let given = exchanged(&mut client, &first.sign("https://localhost:8085/token")).ok();
    let given = given["access_token"].as_str().unwrap();
    with_token(&mut client, "GET", TOPIC, given).ok();
    let deleted = Command::new(support::binary())
        .args([
            "credentials",
            "delete",
            first.0["private_key_id"].as_str().unwrap(),
            "--file",
        ])
        .arg(&file)
        .output()
        .unwrap();
    assert!(deleted.status.success(), "{deleted:?}");
    server.hang_up();
    let until = Instant::now() + PATIENCE;
    while with_token(&mut client, "GET", TOPIC, &token).status != 401 {
        assert!(Instant::now() < until);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(with_token(&mut client, "GET", TOPIC, given).status, 401);
    server.stop();
}

#[test]
fn what_would_be_refused_can_be_told_first() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys.toml");
    Account::create(&file);
    let mut server = served(&file, "report");
    let mut client = server.pubsub_client();
    assert_eq!(asked(&mut client, "PUT", TOPIC, "", "{}").status, 200);
    let until = Instant::now() + PATIENCE;
    while !server.stderr().contains("would be refused") {
        assert!(Instant::now() < until, "{}", server.stderr());
        std::thread::sleep(Duration::from_millis(5));
    }
    server.stop();
}
