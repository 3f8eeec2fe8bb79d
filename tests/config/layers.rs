//! Flags, the environment and the file: which is read, which goes before, what is shown of them and written anew.

use crate::declared::RESOURCES;
use crate::support::Launch;
use crate::{checked, lclq, lclq_in, text, written};
use serde_json::{Value, json};
use std::path::Path;

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
