//! A Redis that goes away, comes back, loses what it had, or has a replica that is waited for.

mod contract;
mod redis_server;

use contract::{add, answers, append, ask_until_known, fill, is_unknown, plain, read_all, tail};
use lclq_shards::journal::{Answer, Append, JournalSetup, LogStore as _, Store as _};
use lclq_stores::{NodeError, RedisSettings, Risk, StoreJournals, StoreNode, Surroundings};
use redis_server::{Kind, Server};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[test]
fn a_server_that_was_killed_and_came_back_has_what_it_acknowledged() {
    for kind in [Kind::Redis, Kind::Valkey] {
        let server = Server::start(kind, &[]);
        let node = server.node("lclq", 1);
        let mut store = node.open(0, Arc::new(|| {})).unwrap();
        for round in 0..3 {
            let begin = round * 5 + 1;
            fill(&mut store, begin..=begin + 2, 1);
            let tickets: Vec<_> = (begin + 3..=begin + 4)
                .map(|position| store.append(append(1, position, 1)))
                .collect();
            server.kill();
            answers(&mut store, &tickets);
            server.go_on();
            for position in begin + 3..=begin + 4 {
                let again = ask_until_known(&mut store, &append(1, position, 1));
                assert!(
                    matches!(again, Answer::Appended | Answer::Present),
                    "{again:?}"
                );
            }
            let all: Vec<_> = (1..=begin + 4).map(|at| plain(at, 1)).collect();
            assert_eq!(read_all(&mut store, 1 << 20), all);
        }
    }
}

#[test]
fn connections_that_are_lost_and_scripts_that_are_forgotten_are_made_up_for() {
    let server = Server::start(Kind::Redis, &[]);
    let node = server.node("lclq", 1);
    let mut store = node.open(0, Arc::new(|| {})).unwrap();
    let mut next = 1;
    for round in 0..20 {
        match round % 2 {
            0 => server.by_hand(&["CLIENT", "KILL", "TYPE", "normal"]),
            _ => server.by_hand(&["SCRIPT", "FLUSH"]),
        };
        for _ in 0..5 {
            let before = if next == 1 { 0 } else { 1 };
            let answer = ask_until_known(&mut store, &append(before, next, 1));
            assert!(
                matches!(answer, Answer::Appended | Answer::Present),
                "{answer:?}"
            );
            next += 1;
        }
    }
    assert_eq!(read_all(&mut store, 1 << 20).len(), 100);
}

#[test]
fn a_log_that_is_gone_is_not_taken_for_a_new_one() {
    let server = Server::start(Kind::Redis, &[]);
    let node = server.node("lclq", 1);
    let mut store = node.open(0, Arc::new(|| {})).unwrap();
    fill(&mut store, 1..=3, 1);
    server.by_hand(&["FLUSHALL"]);
    for asked in [append(1, 4, 1), append(0, 1, 2)] {
        match add(&mut store, asked) {
            Answer::Unknown(words) => assert!(words.contains("gone"), "{words}"),
            other => panic!("{other:?}"),
        }
    }
    let ticket = store.tail();
    assert!(is_unknown(&contract::answer(&mut store, ticket)));
}

#[test]
fn why_a_log_cannot_be_taken_over_is_said_in_the_words_of_redis() {
    let server = Server::start(Kind::Redis, &[]);
    drop(server.node("lclq", 1));
    server.by_hand(&["DEL", "{lclq:0}:head"]);
    let opened = journals(&server).unwrap().open_shard(0, setup());
    let error = opened.err().map(|error| error.to_string());
    let said = |words| error.as_deref().is_some_and(|error| error.contains(words));
    assert!(
        said("nothing came of it within 30 s") && said("this log is gone"),
        "{error:?}"
    );
}

#[test]
fn an_append_without_room_changes_nothing() {
    let server = Server::start(Kind::Redis, &["maxmemory 3mb"]);
    let node = server.node("lclq", 1);
    let mut store = node.open(0, Arc::new(|| {})).unwrap();
    fill(&mut store, 1..=1, 1);
    let large = Append {
        after: Some(contract::place(1, 1)),
        record: contract::record(2, 1, &vec![7; 4 << 20]),
    };
    let mut next = 2;
    let refusal = loop {
        let of_position = Append {
            after: Some(contract::place(next - 1, 1)),
            record: contract::record(next, 1, &large.record.bytes),
        };
        match add(&mut store, of_position) {
            Answer::Appended => next += 1,
            Answer::Unknown(words) => break words,
            other => panic!("{other:?}"),
        }
    };
    assert!(refusal.contains("OOM"), "{refusal}");
    assert_eq!(tail(&mut store).unwrap().place.position, next - 1);
    server.by_hand(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(add(&mut store, append(1, next, 1)), Answer::Appended);
}

#[test]
fn replicas_are_waited_for_and_named_as_a_risk() {
    let primary = Server::start(Kind::Redis, &[]);
    let of = format!("replicaof 127.0.0.1 {}", primary.port());
    let replica = Server::start(Kind::Redis, &[&of]);
    primary.wait_for(&["INFO", "replication"], "connected_slaves:1");
    primary.wait_for(&["INFO", "replication"], "state=online");
    let node_of = |more: &str| {
        let url = format!("{}?{more}", primary.url());
        let settings = RedisSettings::new(&url, Some(1)).unwrap();
        StoreNode::start(settings, Surroundings::default()).unwrap()
    };
    let node = node_of("wait=1");
    assert_eq!(node.risks(), [Risk::ReplicasLag]);
    let mut store = node.open(0, Arc::new(|| {})).unwrap();
    fill(&mut store, 1..=20, 1);
    let too_many = node_of("wait=2");
    let mut of_too_many = too_many.open(0, Arc::new(|| {})).unwrap();
    let said = add(&mut of_too_many, append(1, 21, 1));
    match &said {
        Answer::Unknown(words) => assert!(words.contains("1 of 2 replicas"), "{words}"),
        other => panic!("{other:?}"),
    }
    // It is there, and the next one with enough replicas proves it.
    assert_eq!(add(&mut store, append(1, 21, 1)), Answer::Present);
    assert_eq!(add(&mut store, append(1, 22, 1)), Answer::Appended);
    // Only what is added needs replicas: one that was fenced off is told so.
    assert_eq!(add(&mut of_too_many, append(1, 22, 1)), Answer::Present);
    assert_eq!(add(&mut store, append(1, 23, 2)), Answer::Appended);
    let tail = Some(contract::place(23, 2));
    let fenced = add(&mut of_too_many, append(1, 23, 1));
    assert_eq!(fenced, Answer::Refused { tail });
    // The replica is one that can't be written to, and is left.
    let url = replica.url();
    let settings = RedisSettings::new(&url, Some(1)).unwrap();
    let of_replica = StoreNode::start(settings, Surroundings::default());
    let error = of_replica.err().map(|error| error.to_string());
    assert!(
        error
            .as_deref()
            .is_some_and(|words| words.contains("is a replica")),
        "{error:?}"
    );
}

/// Hands connections on to a server, and each script of a log after a pause.
fn slowly_to(server: &Server, pause: Duration) -> u16 {
    let (to, listener) = (server.port(), TcpListener::bind("127.0.0.1:0").unwrap());
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, server) = (client.unwrap(), TcpStream::connect(("127.0.0.1", to)));
            let mut server = server.unwrap();
            let (mut answers, mut back) =
                (server.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut answers, &mut back));
            std::thread::spawn(move || {
                let mut part = [0; 4096];
                while let Ok(count @ 1..) = client.read(&mut part) {
                    if part[..count].windows(7).any(|of| of == b"EVALSHA") {
                        std::thread::sleep(pause);
                    }
                    server.write_all(&part[..count]).unwrap();
                }
            });
        }
    });
    port
}

/// What fills a log without one append after the other.
const FILL: &str = "for at = 1, ARGV[1] do redis.call('XADD', KEYS[1], at .. '-1', 'd', 'x') end \
                    redis.call('HSET', KEYS[2], 'tail', ARGV[1] .. '-1')";

#[test]
fn a_trim_may_take_longer_than_each_of_its_scripts() {
    let server = Server::start(Kind::Redis, &[]);
    drop(server.node("lclq", 1));
    let (log, head) = ("{lclq:0}:log", "{lclq:0}:head");
    server.by_hand(&["EVAL", FILL, "2", log, head, "4000"]);
    let port = slowly_to(&server, Duration::from_secs(1));
    let settings = RedisSettings::new(&format!("redis://127.0.0.1:{port}"), Some(1)).unwrap();
    let node = StoreNode::start(settings, Surroundings::default()).unwrap();
    let mut store = node.open(0, Arc::new(|| {})).unwrap();
    let began = Instant::now();
    let ticket = store.trim(3_600, contract::place(4_000, 1));
    let trimmed = contract::answer(&mut store, ticket);
    assert_eq!(trimmed, Answer::Trimmed);
    // Longer than any one request is waited for.
    assert!(began.elapsed() > Duration::from_secs(12));
    let left = server.by_hand(&["XLEN", log]);
    assert_eq!(left, redis::Value::Int(401));
}

fn setup() -> JournalSetup {
    JournalSetup {
        prepare: Box::new(|| {}),
        wake: Box::new(|| {}),
        found: Box::new(|_| {}),
        figures: Arc::default(),
    }
}

fn journals(server: &Server) -> Result<StoreJournals, NodeError> {
    StoreJournals::start(server.settings("lclq", 1).into(), Surroundings::default())
}

#[test]
fn a_second_server_is_refused_until_the_first_is_gone() {
    let server = Server::start(Kind::Redis, &[]);
    let first = journals(&server).unwrap();
    let began = Instant::now();
    match journals(&server).err() {
        Some(NodeError::InUse { holder, .. }) => {
            let process = format!("process {}", std::process::id());
            assert!(holder.contains(&process), "{holder}");
        }
        other => panic!("{other:?}"),
    }
    assert!(began.elapsed() > Duration::from_secs(5));
    drop(first);
    let began = Instant::now();
    let second = journals(&server).unwrap();
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
    // The key's holder has it after its connection was lost, too.
    server.by_hand(&["CLIENT", "KILL", "TYPE", "normal"]);
    server.by_hand(&["DEL", "{lclq}:server"]);
    server.wait_for(&["GET", "{lclq}:server"], "lclq on");
    drop(second);
}
