//! What somebody who operates a cluster asks of it by `lclq cluster`, while clients use it.

use crate::nodes::{SHARDS, Store, create, drain, queues, send, shards_of, wait_for_shares};
use crate::support::{Server, binary};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const QUEUES: usize = 12;

/// Lines of JSON that `lclq cluster` prints, its exit code, and what it complains about.
fn cluster(store: &Store, words: &[&str]) -> (Vec<Value>, i32, String) {
    run(store, &[&["cluster"], words].concat())
}

fn run(store: &Store, words: &[&str]) -> (Vec<Value>, i32, String) {
    let done = Command::new(binary())
        .args(words)
        .env("LCLQ_STORE", store.url())
        .output()
        .unwrap();
    let out = String::from_utf8(done.stdout).unwrap();
    let lines = out.lines().map(|line| serde_json::from_str(line).unwrap());
    let complaint = String::from_utf8(done.stderr).unwrap();
    (lines.collect(), done.status.code().unwrap(), complaint)
}

fn done(store: &Store, words: &[&str]) -> Vec<Value> {
    let (lines, code, complaint) = cluster(store, words);
    assert_eq!(code, 0, "{words:?}: {complaint}");
    lines
}

fn refused(store: &Store, words: &[&str]) -> String {
    let (_, code, complaint) = cluster(store, words);
    assert_eq!(code, 1, "{words:?}: {complaint}");
    complaint
}

/// What a node is called, and the rest of what its admin API says of it.
fn own_line(node: &Server) -> (String, Value) {
    let seen = node.admin_client().get("/api/v1/cluster").unwrap().ok();
    let name = seen["node"].as_str().expect("a node").to_owned();
    let nodes = seen["nodes"].as_array().expect("nodes");
    let own = nodes.iter().find(|of| of["node"] == *name);
    (name, own.cloned().unwrap_or_default())
}

fn shards(line: &Value) -> BTreeSet<u64> {
    let shards = line["shards"].as_array().expect("shards").iter();
    shards.map(|shard| shard.as_u64().unwrap()).collect()
}

fn operates(store: &Store) {
    let nodes = store.nodes(3);
    let names = queues(QUEUES);
    for queue in &names {
        create(&mut nodes[0].client(), queue);
    }
    let over = AtomicBool::new(false);
    let (drained, line) = own_line(&nodes[1]);
    let address = line["address"].as_str().unwrap();
    let others = [own_line(&nodes[0]).0, own_line(&nodes[2]).0];
    let sent = std::thread::scope(|scope| {
        let sender = scope.spawn(|| {
            // By the node that is drained, too, which goes on answering.
            let mut clients = [nodes[0].client(), nodes[1].client()];
            let mut sent = 0_u32;
            while !over.load(Ordering::Relaxed) {
                for queue in &names {
                    send(&mut clients[sent as usize % 2], queue, &sent.to_string());
                }
                sent += 1;
            }
            sent
        });
        // A client sees no error, whatever is asked of the cluster meanwhile.
        let asked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let lines = done(store, &["drain", address]);
            let line = lines.iter().find(|line| line["node"] == *drained).unwrap();
            assert_eq!((&line["state"], shards(line).len()), (&json!("drained"), 0));
            assert_eq!(shards_of(&nodes[1]), 0);
            assert!(
                lines.iter().all(|line| !line["node"].is_null()),
                "all are run: {lines:?}"
            );
            let word = refused(store, &["move", "3", &drained]);
            assert!(word.contains("takes no shards"), "{word}");
            done(store, &["drain", &others[0]]);
            let word = refused(store, &["drain", &others[1]]);
            assert!(word.contains("no other node would run shards"), "{word}");
            assert_eq!(shards_of(&nodes[2]).to_string(), SHARDS);
            done(store, &["drain", "--undo", &others[0]]);
            done(store, &["drain", "--undo", &drained]);
            wait_for_shares(&nodes);
            for node in [&others[1], &drained] {
                let lines = done(store, &["move", "3", node]);
                let line = lines.iter().find(|line| line["node"] == **node).unwrap();
                assert!(shards(line).contains(&3), "{line}");
                assert_eq!(line["pinned"], json!([3]));
            }
            let lines = done(store, &["move", "3", "--unpin"]);
            assert!(
                lines.iter().all(|line| line["pinned"] == json!([])),
                "{lines:?}"
            );
            std::thread::sleep(Duration::from_millis(300));
        }));
        over.store(true, Ordering::Relaxed);
        let sent = sender.join().unwrap();
        asked.unwrap();
        sent
    });
    for queue in &names {
        let found = drain(&mut nodes[2].client(), queue);
        assert_eq!(found, (0..sent).map(|number| number.to_string()).collect());
    }
    let lines = done(store, &["check"]);
    let shards = lines.iter().filter(|line| line.get("shard").is_some());
    assert_eq!(shards.count().to_string(), SHARDS);
    nodes.stop();
}

#[test]
fn nodes_are_drained_and_shards_moved_on_postgresql() {
    operates(&Store::postgres());
}

#[test]
fn nodes_are_drained_and_shards_moved_on_redis() {
    operates(&Store::redis());
}

#[test]
fn a_check_finds_what_is_wrong() {
    let store = Store::postgres();
    let node = store.node().start();
    for queue in &queues(QUEUES) {
        create(&mut node.client(), queue);
    }
    let word = refused(&store, &["move", "12", "x"]);
    assert!(
        word.contains("there are 12 shards, and no shard 12"),
        "{word}"
    );
    let word = refused(&store, &["drain", "nobody"]);
    assert!(
        word.contains("no node that lives is called nobody"),
        "{word}"
    );
    for number in 0..20 {
        for queue in &queues(QUEUES) {
            send(&mut node.client(), queue, &number.to_string());
        }
    }
    done(&store, &["check"]);
    // The first record that a reader needs of one shard, where it isn't the last, and the last of another.
    let (records, _, _) = run(&store, &["log", "dump"]);
    let ends: BTreeMap<u64, (u64, u64)> = records
        .iter()
        .map(|record| {
            let number = |name: &str| record[name].as_u64().unwrap();
            (number("shard"), (number("low"), number("position")))
        })
        .collect();
    let mut longer = ends.iter().filter(|(_, (low, last))| low < last);
    let (gap, (low, _)) = longer.next().expect("a log with more than one record");
    let (broken, (_, last)) = longer.next().expect("another");
    let Store::Postgres(postgres, schema) = &store else {
        unreachable!("made above")
    };
    let by_hand = postgres.by_hand();
    by_hand
        .run(&format!(
            "DELETE FROM {schema}.log WHERE shard = {gap} AND position = {low};
             UPDATE {schema}.log SET data = '\\x00' WHERE shard = {broken} AND position = {last};"
        ))
        .unwrap();
    node.kill();
    let (lines, code, complaint) = cluster(&store, &["check"]);
    assert_eq!(code, 1, "{complaint}");
    for line in lines.iter().filter(|line| line.get("shard").is_some()) {
        let (shard, faults) = (line["shard"].as_u64().unwrap(), line["faults"].to_string());
        assert_eq!(faults.contains("is missing"), shard == *gap, "{line}");
        assert_eq!(faults.contains("can't be read"), shard == *broken, "{line}");
    }
}
