//! What servers send each other has a number, and keeps its form as long as it has that number.

#[path = "wire_format/explorer.rs"]
mod explorer;

use explorer::describe;
use lclq_shards::command::{Command, FORMAT, Reply};
use lclq_shards::moves::Address;
use lclq_shards::{Draft, Payload, QueueName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Where what goes by a number is kept.
fn kept(format: u32) -> PathBuf {
    let name = format!("tests/wire_format/format-{format}.txt");
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Bytes that types take which don't take any.
fn samples() -> Vec<Vec<u8>> {
    let payload: Payload = Draft::default().build();
    // JSON has no bytes, so serde's form of them is a list.
    let payload = serde_json::to_value(&payload).unwrap();
    let address = Address::Queue(QueueName::new("r", "a", "q"));
    vec![
        Vec::new(),
        serde_json::from_value(payload).unwrap(),
        serde_json::to_vec(&address).unwrap(),
        include_bytes!("../src/journal/golden/queue.json").to_vec(),
        include_bytes!("../src/journal/golden/topic.json").to_vec(),
        include_bytes!("../src/journal/golden/subscription.json").to_vec(),
        include_bytes!("../src/journal/golden/schema.json").to_vec(),
    ]
}

#[test]
fn commands_and_replies_have_the_form_that_goes_by_their_number() {
    let mut lines = describe::<Command>(&samples());
    lines.append(&mut describe::<Reply>(&samples()));
    let path = kept(FORMAT);
    if std::env::var_os("LCLQ_WRITE_FORMAT").is_some() {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(&path, text).unwrap();
    }
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let kept: BTreeSet<String> = text.lines().map(str::to_owned).collect();
    let added: Vec<_> = lines.difference(&kept).collect();
    let gone: Vec<_> = kept.difference(&lines).collect();
    assert!(
        added.is_empty() && gone.is_empty(),
        "servers of another build don't understand this any more: raise FORMAT beside Command, and run this with \
         LCLQ_WRITE_FORMAT=1.\nnew: {added:#?}\ngone: {gone:#?}"
    );
}

#[derive(Serialize, Deserialize)]
enum Word {
    Short,
    Long { first: u8, rest: Option<Box<Word>> },
    Pair(u16, Result<(), Other>),
}

#[derive(Serialize, Deserialize)]
enum Other {
    Text(String),
    All([u64; 2]),
}

#[test]
fn every_field_and_variant_is_seen() {
    let lines: Vec<_> = describe::<Word>(&[Vec::new()]).into_iter().collect();
    let expected = [
        ": Word",
        "Other: Text | All",
        "Other::All: 2 together",
        "Other::All.0: u64",
        "Other::All.1: u64",
        "Other::Text: text",
        "Word: Short | Long | Pair",
        "Word::Long.first: u8",
        "Word::Long.rest: may be left out",
        "Word::Long.rest?: Word",
        "Word::Long: {first, rest}",
        "Word::Pair.0: u16",
        "Word::Pair.1 Result: Ok | Err",
        "Word::Pair.1 Result::Err: Other",
        "Word::Pair.1 Result::Ok: nothing",
        "Word::Pair.1: Result",
        "Word::Pair: 2 together",
    ];
    let expected: BTreeSet<_> = expected.into_iter().map(str::to_owned).collect();
    assert_eq!(lines, expected.into_iter().collect::<Vec<_>>());
}
