//! `lclq log dump` beside a server that runs.

use super::support::binary;
use super::{Postgres, create, on, send, store};
use serde_json::Value;
use std::process::{Command, Output};

fn dump(store: &str, more: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.args(["log", "dump"]).args(more);
    command.env("LCLQ_STORE", store).output().unwrap()
}

#[test]
fn records_are_told_while_a_server_writes_them() {
    let postgres = Postgres::shared();
    let store = store(&postgres);
    let missing = dump(&store, &[]);
    let said = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert_eq!(missing.status.code(), Some(1));
    assert!(said.contains("has no logs of this version"), "{said}");
    let server = on(&store).flag("--shards", "2").start();
    let mut client = server.client();
    create(&mut client, "q");
    send(&mut client, "q", "secret words");
    let dumped = dump(&store, &[]);
    assert!(dumped.status.success(), "{dumped:?}");
    let text = String::from_utf8(dumped.stdout).unwrap();
    assert!(!text.contains("secret words"));
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let fences = lines.iter().filter(|line| line["kind"] == "fence");
    let process = format!("process {}", server.pid());
    let is_own = |line: &Value| line["owner"].as_str().unwrap().ends_with(&process);
    assert_eq!(fences.filter(|line| is_own(line)).count(), 2);
    let changes = lines.iter().filter_map(|line| line["changes"].as_array());
    let changes: Vec<&Value> = changes.flatten().collect();
    let of = |kind: &str| changes.iter().find(|change| change["change"] == kind);
    let made = of("put-queue").unwrap();
    assert_eq!(made["record"]["name"]["name"], "q", "{made}");
    assert_eq!(of("insert").unwrap()["body_bytes"], "secret words".len());
    let one = dump(&store, &["--shard", "1", "--from", "1"]);
    let text = String::from_utf8(one.stdout).unwrap();
    assert!(text.lines().count() < lines.len() && !text.is_empty());
    let none = dump(&store, &["--shard", "2"]);
    assert!(String::from_utf8_lossy(&none.stderr).contains("no shard 2"));
    server.stop();
}
