//! Who may ask the admin endpoint, through the real binary: tokens and what they let their holders do,
//! sessions of browsers, the command line, and what the audit log says of it all.

mod support;

use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use support::signing::credentials;
use support::{Answer, Client, Launch, Server};

const PATIENCE: Duration = Duration::from_secs(20);

fn token(file: &Path, name: &str, words: &[&str]) -> String {
    let output = credentials(&[&["create-token", name], words].concat(), file);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim().strip_prefix("LCLQ_TOKEN=").unwrap().to_owned()
}

fn asked(client: &mut Client, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    );
    client.write(request.as_bytes()).unwrap();
    client.receive().unwrap()
}

fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}\r\n")
}

fn lines(path: &Path, count: usize) -> Vec<Value> {
    let until = Instant::now() + PATIENCE;
    loop {
        let text = fs::read_to_string(path).unwrap();
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        if lines.len() >= count {
            return lines;
        }
        assert!(Instant::now() < until, "{text}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

struct Files {
    directory: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn served(&self) -> Server {
        Launch::new()
            .flag("--admin-auth", "enforce")
            .flag("--credentials", self.path("keys.toml"))
            .flag("--audit-log", self.path("audit.log"))
            .start()
    }
}

#[test]
fn a_token_lets_its_holder_do_what_it_is_for() {
    let files = Files::new();
    let keys = files.path("keys.toml");
    let read = token(&keys, "look", &[]);
    let operate = token(&keys, "work", &["--scope", "operate"]);
    let admin = token(&keys, "rule", &["--scope", "admin"]);
    let kept = fs::read_to_string(&keys).unwrap();
    assert!(
        ![&read, &operate, &admin]
            .iter()
            .any(|token| kept.contains(*token))
    );
    let server = files.served();
    let mut client = server.admin_client();
    // Who looks after the server needs none.
    for path in ["/health", "/api/v1/health", "/ready"] {
        assert_eq!(client.get(path).unwrap().status, 200, "{path}");
    }
    // What the console is made of is no secret; what it shows is.
    let page = client.get("/").unwrap();
    assert_eq!(page.status, 200);
    assert!(page.text().contains("<!doctype html>"), "{}", page.text());
    for path in [
        "/api/v1/queues",
        "/api/v1/history",
        "/metrics",
        "/console/nothing",
        "/nothing",
        "/v1/projects/p/topics",
    ] {
        let answer = asked(&mut client, "GET", path, "", "");
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(answer.json()["error"]["code"], "Unauthenticated");
    }
    let wrong = bearer("lclq_nobody");
    assert_eq!(
        asked(&mut client, "GET", "/api/v1/queues", &wrong, "").status,
        401
    );
    let make = r#"{"name": "q"}"#;
    let topic = "/v1/projects/project/topics/topic";
    for (token, statuses) in [
        (&read, [200, 403, 403, 403]),
        (&operate, [200, 201, 200, 403]),
        (&admin, [200, 201, 409, 200]),
    ] {
        let header = bearer(token);
        let mut of =
            |method: &str, path: &str, body: &str| asked(&mut client, method, path, &header, body);
        let seen = [
            of("GET", "/api/v1/queues", "").status,
            of("POST", "/api/v1/queues", make).status,
            of("PUT", topic, "{}").status,
            of("POST", "/api/v1/config/reload", "").status,
        ];
        assert_eq!(seen[..3], statuses[..3], "{token}");
        assert_eq!(seen[3] == 403, statuses[3] == 403, "{token}: {}", seen[3]);
        let header = bearer(&admin);
        let _ = asked(&mut client, "DELETE", "/api/v1/queues/q", &header, "");
    }
    let told = asked(&mut client, "POST", "/api/v1/queues", &bearer(&read), make);
    let message = told.json()["error"]["message"].clone();
    assert_eq!(
        message,
        "the token look may read, and this takes one that may operate"
    );
    server.stop();
    let audit = lines(&files.path("audit.log"), 5);
    let changed = |line: &&Value| line["event"] == "change" && line["operation"] == "createQueue";
    let whose: Vec<_> = audit
        .iter()
        .filter(changed)
        .map(|line| &line["who"])
        .collect();
    assert_eq!(whose, ["work", "rule"]);
    assert!(audit.iter().any(|line| {
        line["event"] == "refusal"
            && line["who"] == "look"
            && line["outcome"] == "refused"
            && line["peer"] == "127.0.0.1"
    }));
    let all = fs::read_to_string(files.path("audit.log")).unwrap();
    assert!(!all.contains("lclq_"), "{all}");
}

#[test]
fn a_session_stands_for_a_token_and_ends() {
    let files = Files::new();
    let keys = files.path("keys.toml");
    let read = token(&keys, "look", &[]);
    let server = files.served();
    let mut client = server.admin_client();
    let begin = |client: &mut Client, token: &str| {
        let body = json!({ "token": token }).to_string();
        asked(client, "POST", "/api/v1/session", "", &body)
    };
    assert_eq!(begin(&mut client, "lclq_nobody").status, 401);
    let begun = begin(&mut client, &read);
    assert_eq!(begun.status, 200, "{}", begun.text());
    assert_eq!(begun.json()["name"], "look");
    let cookie = begun
        .head
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: "))
        .unwrap()
        .to_owned();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"),
        "{cookie}"
    );
    let header = format!("cookie: {}\r\n", cookie.split(';').next().unwrap());
    let seen = asked(&mut client, "GET", "/api/v1/session", &header, "");
    assert_eq!(seen.json()["scope"], "read");
    let make = asked(
        &mut client,
        "POST",
        "/api/v1/queues",
        &header,
        r#"{"name": "q"}"#,
    );
    assert_eq!(make.status, 403);
    // A page of another origin is turned away though its browser had the cookie.
    let page = format!("{header}origin: https://evil.example\r\n");
    assert_eq!(
        asked(&mut client, "GET", "/api/v1/queues", &page, "").status,
        403
    );
    assert_eq!(
        asked(&mut client, "DELETE", "/api/v1/session", &header, "").status,
        200
    );
    assert_eq!(
        asked(&mut client, "GET", "/api/v1/queues", &header, "").status,
        401
    );
    server.stop();
}

fn lclq(server: &Server, words: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(support::binary());
    command
        .args(words)
        .env("LCLQ_URL", format!("http://{}", server.admin_address()));
    command.envs(variables.iter().copied()).output().unwrap()
}

#[test]
fn the_command_line_takes_a_token_from_a_file_or_its_environment() {
    let files = Files::new();
    let keys = files.path("keys.toml");
    let operate = token(&keys, "work", &["--scope", "operate", "--seconds", "600"]);
    let server = files.served();
    let without = lclq(&server, &["queue", "list"], &[]);
    assert!(!without.status.success());
    let told = String::from_utf8_lossy(&without.stderr).into_owned();
    assert!(told.contains("LCLQ_TOKEN"), "{told}");
    let made = lclq(
        &server,
        &["queue", "create", "q"],
        &[("LCLQ_TOKEN", &operate)],
    );
    assert!(made.status.success(), "{made:?}");
    let file = files.path("token");
    fs::write(&file, format!("LCLQ_TOKEN={operate}\n")).unwrap();
    let listed = lclq(
        &server,
        &[
            "queue",
            "list",
            "--output",
            "name",
            "--token-file",
            file.to_str().unwrap(),
        ],
        &[],
    );
    assert_eq!(
        String::from_utf8_lossy(&listed.stdout).trim(),
        "q",
        "{listed:?}"
    );
    let shown = String::from_utf8(credentials(&["list"], &keys).stdout).unwrap();
    assert!(
        shown.contains("work") && shown.contains("operate"),
        "{shown}"
    );
    let again = credentials(&["create-token", "work"], &keys);
    assert!(!again.status.success());
    let deleted = credentials(&["delete", "work"], &keys);
    assert!(deleted.status.success(), "{deleted:?}");
    server.hang_up();
    let until = Instant::now() + PATIENCE;
    while lclq(&server, &["queue", "list"], &[("LCLQ_TOKEN", &operate)])
        .status
        .success()
    {
        assert!(
            Instant::now() < until,
            "a token that was taken away goes on"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    server.stop();
}

#[test]
fn beyond_loopback_a_token_is_asked_for_unless_somebody_says_otherwise() {
    let status = |launch: Launch| {
        let server = launch.flag("--bind", "0.0.0.0").start();
        let port = server.admin_address().port();
        let mut client = Client::new(([127, 0, 0, 1], port).into());
        let status = client.get("/api/v1/queues").unwrap().status;
        assert_eq!(client.get("/health").unwrap().status, 200);
        server.stop();
        status
    };
    assert_eq!(status(Launch::new()), 401);
    assert_eq!(status(Launch::new().flag("--admin-auth", "off")), 200);
    let refused = Launch::new().flag("--admin-auth", "enforce").refused();
    assert!(
        refused.stderr.contains("--credentials"),
        "{}",
        refused.stderr
    );
}

/// Answered while they still sent, one of a few broke off with an error of HTTP/2.
#[test]
fn who_is_refused_over_http2_hears_why() {
    let files = Files::new();
    let keys = files.path("keys.toml");
    assert!(credentials(&["create"], &keys).status.success());
    let server = Launch::new()
        .flag("--admin-auth", "enforce")
        .flag("--pubsub-auth", "enforce")
        .flag("--credentials", keys)
        .start();
    for (address, path, host, status) in [
        (server.admin_address(), "/api/v1/queues", "localhost", "401"),
        (server.admin_address(), "/api/v1/queues", "elsewhere", "403"),
        (
            server.admin_address(),
            "/v1/projects/p/topics",
            "localhost",
            "401",
        ),
        (
            server.pubsub_address(),
            "/v1/projects/p/topics/t:publish",
            "localhost",
            "401",
        ),
        (
            server.pubsub_address(),
            "/v1/projects/p/topics/t:publish",
            "elsewhere",
            "403",
        ),
        (server.address(), "/", "elsewhere", "403"),
    ] {
        let mut statuses = Vec::new();
        for _ in 0..20 {
            let mut command = Command::new("curl");
            command.args([
                "--silent",
                "--output",
                "/dev/null",
                "--write-out",
                "%{http_code}",
            ]);
            command.args(["--http2-prior-knowledge", "--data", "{}"]);
            command.arg("--header").arg(format!("Host: {host}"));
            let output = command.arg(format!("http://{address}{path}")).output();
            statuses.push(String::from_utf8(output.unwrap().stdout).unwrap());
        }
        assert_eq!(statuses, [status; 20], "{host} {path}");
    }
    server.stop();
}

#[test]
fn who_is_refused_is_not_asked_to_send_more() {
    let files = Files::new();
    let keys = files.path("keys.toml");
    assert!(credentials(&["create"], &keys).status.success());
    let server = Launch::new()
        .flag("--admin-auth", "enforce")
        .flag("--credentials", keys)
        .start();
    for (mut client, path, host, status) in [
        (server.admin_client(), "/api/v1/queues", "localhost", 401),
        (server.client(), "/", "elsewhere", 403),
    ] {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 10\r\nexpect: 100-continue\r\n\r\n"
        );
        client.write(request.as_bytes()).unwrap();
        assert_eq!(client.receive().unwrap().status, status, "{path}");
    }
    server.stop();
}
