//! Keys by `lclq credentials`, and requests that curl signs with them.

use super::{Launch, Server};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

/// What `lclq credentials create` has printed.
pub struct Key {
    pub id: String,
    pub secret: String,
    pub token: Option<String>,
}

/// Runs `lclq credentials` on a file.
pub fn credentials(words: &[&str], file: &Path) -> Output {
    let mut command = Command::new(super::binary());
    command
        .arg("credentials")
        .args(words)
        .arg("--file")
        .arg(file);
    command.output().unwrap()
}

/// A new key.
pub fn create(file: &Path, words: &[&str]) -> Key {
    let output = credentials(&[&["create"], words].concat(), file);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let value = |name: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.map(str::to_owned)
    };
    Key {
        id: value("AWS_ACCESS_KEY_ID").unwrap(),
        secret: value("AWS_SECRET_ACCESS_KEY").unwrap(),
        token: value("AWS_SESSION_TOKEN"),
    }
}

/// A server that knows the keys of a file.
pub fn served(file: &Path, mode: &str) -> Server {
    Launch::new()
        .flag("--sqs-auth", mode)
        .flag("--credentials", file)
        .start()
}

/// What is answered: status, error header and body.
pub struct Asked {
    pub status: u16,
    pub query_error: String,
    pub body: String,
}

impl Asked {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

/// Asks by curl, with these words before the address.
pub fn curl(server: &Server, words: &[&str]) -> Asked {
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "20"])
        .args(["--write-out", "\n%{http_code} %header{x-amzn-query-error}"])
        .args(words)
        .arg(format!("http://{}/", server.address()))
        .output()
        .expect("curl is there");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, end) = text.rsplit_once('\n').unwrap();
    let (status, query_error) = end.split_once(' ').unwrap();
    Asked {
        status: status.parse().unwrap(),
        query_error: query_error.to_owned(),
        body: body.to_owned(),
    }
}

/// Asks in the JSON protocol.
pub fn in_json(server: &Server, key: &Key, action: &str, body: &Value) -> Asked {
    let user = format!("{}:{}", key.id, key.secret);
    let (target, body) = (
        format!("X-Amz-Target: AmazonSQS.{action}"),
        body.to_string(),
    );
    let token = key
        .token
        .as_ref()
        .map(|token| format!("X-Amz-Security-Token: {token}"));
    let mut words = vec!["--aws-sigv4", "aws:amz:us-east-1:sqs", "--user", &user];
    words.extend(["--header", &target, "--data-binary", &body]);
    words.extend(["--header", "Content-Type: application/x-amz-json-1.0"]);
    if let Some(token) = &token {
        words.extend(["--header", token]);
    }
    curl(server, &words)
}

/// Asks in the query protocol.
pub fn in_query(server: &Server, key: &Key, body: &str) -> Asked {
    let user = format!("{}:{}", key.id, key.secret);
    let words = [
        "--aws-sigv4",
        "aws:amz:us-east-1:sqs",
        "--user",
        &user,
        "--data-binary",
        body,
    ];
    curl(server, &words)
}
