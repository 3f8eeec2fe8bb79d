//! What is made of the command line: completions, manual pages, the reference.

mod support;

use std::process::Command;

fn lclq(words: &[&str]) -> String {
    let output = Command::new(support::binary())
        .args(words)
        .output()
        .expect("the binary under test can be run");
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What bash offers for a command line whose last word is being typed.
fn offered_by_bash(words: &[&str]) -> Vec<String> {
    let script = r#"
        source "$1"; shift
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _lclq lclq "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let directory = tempfile::tempdir().unwrap();
    let completions = directory.path().join("lclq.bash");
    std::fs::write(&completions, lclq(&["generate", "completions", "bash"])).unwrap();
    let output = Command::new("bash")
        .args(["-c", script, "bash"])
        .arg(&completions)
        .args(words)
        .output()
        .expect("bash can be run");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_flags_and_values() {
    assert_eq!(offered_by_bash(&["lclq", "subs"]), ["subscription"]);
    assert_eq!(offered_by_bash(&["lclq", "queue", "re"]), ["redrive"]);
    assert_eq!(offered_by_bash(&["lclq", "conn"]), ["connection"]);
    let messages = offered_by_bash(&["lclq", "message", "m"]);
    assert_eq!(messages, ["move"]);
    assert_eq!(
        offered_by_bash(&["lclq", "start", "--durab"]),
        ["--durability"]
    );
    let values = offered_by_bash(&["lclq", "start", "--eviction", ""]);
    assert_eq!(values, ["reject", "oldest", "lru"]);
}

#[test]
fn every_shell_has_completions() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let text = lclq(&["generate", "completions", shell]);
        for command in ["start", "queue", "subscription", "clock", "tail", "top"] {
            assert!(text.contains(command), "{shell} doesn't know {command}");
        }
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let directory = tempfile::tempdir().unwrap();
    let pages = directory.path().join("man");
    lclq(&["generate", "man", pages.to_str().unwrap()]);
    for (page, text) in [
        ("lclq.1", "AWS_ENDPOINT_URL_SQS"),
        ("lclq-start.1", "--data-dir"),
        ("lclq-queue-redrive.1", "DEAD-LETTER"),
        ("lclq-clock-advance.1", "15m"),
    ] {
        let found = std::fs::read_to_string(pages.join(page))
            .expect(page)
            .replace('\\', "");
        assert!(
            found.to_uppercase().contains(&text.to_uppercase()),
            "{page} says nothing of {text}: {found}"
        );
    }
}

#[test]
fn the_reference_in_docs_is_what_this_version_has() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cli.md");
    let kept = std::fs::read_to_string(file).expect("docs/cli.md");
    let new = lclq(&["generate", "reference"]);
    assert!(kept == new, "run: lclq generate reference > docs/cli.md");
}

#[test]
fn the_metrics_in_docs_are_what_this_version_has() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");
    let kept = std::fs::read_to_string(file).expect("docs/metrics.md");
    let new = lclq(&["generate", "metrics"]);
    assert!(kept == new, "run: lclq generate metrics > docs/metrics.md");
}
