//! Configuration as its user meets it: layers, errors, what is shown, and declared resources.

#![cfg(unix)]

#[path = "config/checking.rs"]
mod checking;
#[path = "config/declared.rs"]
mod declared;
#[path = "config/layers.rs"]
mod layers;
#[path = "config/reloading.rs"]
mod reloading;
mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

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
