//! What the tests of `lclq export` and `lclq import` share.

#![allow(
    dead_code,
    reason = "each test binary compiles this module for itself and uses a part of it"
)]

use crate::support::{self, Launch, Server};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub fn run(server: &Server, words: &[&str]) -> Output {
    Command::new(support::binary())
        .args(words)
        .env("LCLQ_URL", format!("http://{}", server.admin_address()))
        .output()
        .expect("the binary under test can be run")
}

#[track_caller]
pub fn json_of(server: &Server, words: &[&str]) -> Value {
    let output = run(server, &[words, &["--output", "json"]].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {stderr}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[track_caller]
pub fn fails(server: &Server, words: &[&str]) -> String {
    let output = run(server, words);
    assert!(!output.status.success(), "{words:?}");
    String::from_utf8(output.stderr).unwrap()
}

pub fn export(server: &Server, file: &Path) -> Value {
    json_of(server, &["export", file.to_str().unwrap()])
}

pub fn import(server: &Server, file: &Path, more: &[&str]) -> Value {
    json_of(
        server,
        &[&["import", file.to_str().unwrap()], more].concat(),
    )
}

pub fn launch(shards: &str) -> Launch {
    Launch::new().flag("--cores", "2").flag("--shards", shards)
}

/// A file's place that goes with its value.
pub struct File {
    _directory: tempfile::TempDir,
    pub path: PathBuf,
}

pub fn file() -> File {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("all.lclq");
    File {
        _directory: directory,
        path,
    }
}
