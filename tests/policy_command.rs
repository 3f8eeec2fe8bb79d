//! `lclq policy` by what it prints and exits with.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const QUEUE: &str = "arn:aws:sqs:us-east-1:111122223333:orders";

fn policy(words: &[&str]) -> Output {
    Command::new(support::binary())
        .arg("policy")
        .args(words)
        .output()
        .unwrap()
}

fn file(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, text).unwrap();
    path
}

fn told(output: &Output) -> (Option<i32>, String) {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code(), text)
}

#[test]
fn a_decision_is_explained_statement_by_statement() {
    let directory = tempfile::tempdir().unwrap();
    let queue = file(
        directory.path(),
        "queue.json",
        r#"{"Version": "2012-10-17", "Statement": [
            {"Sid": "Topic", "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"},
             "Action": "sqs:SendMessage", "Resource": "*",
             "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:orders"}}},
            {"Sid": "Clear", "Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*",
             "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}"#,
    );
    let asked = |principal: &str, more: &[&str]| {
        let mut words = vec!["test", "--action", "sqs:SendMessage", "--resource", QUEUE];
        let queue = queue.to_str().unwrap();
        words.extend(["--resource-policy", queue, "--principal", principal]);
        words.extend(more);
        told(&policy(&words))
    };
    let topic = [
        "--context",
        "aws:SourceArn=arn:aws:sns:us-east-1:111122223333:orders",
    ];
    let (code, text) = asked("sns.amazonaws.com", &topic);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(
        text.lines().next(),
        Some("allowed: the resource's policy, statement 0 (Topic)")
    );
    let clear = [
        topic.as_slice(),
        &["--context", "aws:SecureTransport=false"],
    ]
    .concat();
    let (code, text) = asked("sns.amazonaws.com", &clear);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("statement 1 (Clear): Deny applies"), "{text}");
    let (code, text) = asked("arn:aws:iam::444455556666:user/ann", &topic);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("statement 0 (Topic): Allow doesn't apply: Principal"),
        "{text}"
    );

    let own = file(
        directory.path(),
        "own.json",
        r#"{"Statement": {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}}"#,
    );
    let own = ["--identity-policy", own.to_str().unwrap()];
    let (code, text) = asked("arn:aws:iam::111122223333:user/ann", &own);
    assert_eq!(code, Some(0), "{text}");
}

#[test]
fn what_cannot_be_read_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let wrong = file(
        directory.path(),
        "wrong.json",
        r#"{"Statement": {"Effect": "Maybe", "Action": "*", "Resource": "*"}}"#,
    );
    let wrong = wrong.to_str().unwrap();
    let output = policy(&["check", wrong]);
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains(wrong) && stderr.contains("Effect"),
        "{stderr}"
    );
    let output = policy(&[
        "test",
        "--action",
        "sqs:SendMessage",
        "--resource",
        QUEUE,
        "--principal",
        "somebody",
    ]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}
