//! Connections that end with appends under way: nobody knows, until the same is asked again.

mod contract;
mod server;

use contract::{add, answer, answers, append, ask_until_known, fill, is_unknown, plain, read_all};
use lclq_shards::journal::{Answer, LogStore};
use lclq_stores::RemoteLog;
use server::{Server, Stop};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[test]
fn appends_of_a_backend_that_was_killed_are_in_doubt_until_asked_again() {
    let server = Server::start(&[]);
    let schema = server.schema();
    let node = server.node(&schema, 1);
    let mut store = node.open(0, Arc::new(|| {})).unwrap();
    fill(&mut store, 1..=3, 1);
    // It can't go on: the row before is held.
    let holder = server.by_hand();
    holder.run("BEGIN").unwrap();
    let hold = format!("SELECT FROM {schema}.log WHERE position = 3 FOR UPDATE");
    holder.execute(&hold).unwrap();
    let tickets: Vec<_> = (4..=6).map(|at| store.append(append(1, at, 1))).collect();
    let other = server.by_hand();
    let blocked =
        "SELECT count(*) FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0";
    other.wait_for(blocked, 1);
    let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                WHERE cardinality(pg_blocking_pids(pid)) > 0";
    assert_eq!(other.number(kill), 1);
    let said = answers(&mut store, &tickets);
    assert!(said.iter().all(is_unknown), "{said:?}");
    holder.run("ROLLBACK").unwrap();
    for position in 4..=6 {
        let again = ask_until_known(&mut store, &append(1, position, 1));
        assert_eq!(again, Answer::Appended, "{position}");
    }
    let all: Vec<_> = (1..=6).map(|position| plain(position, 1)).collect();
    assert_eq!(read_all(&mut store, 1 << 20), all);
}

/// A server that waits for a standby that isn't there: commits are there to be seen, and not safe.
fn waiting_for_a_standby() -> (Server, RemoteLog, String) {
    let server = Server::start(&[]);
    let schema = server.schema();
    let node = server.node(&schema, 1);
    let mut store = node.open(0, Arc::new(|| {})).unwrap();
    fill(&mut store, 1..=1, 1);
    let by_hand = server.by_hand();
    by_hand
        .run("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        .unwrap();
    by_hand.run("SELECT pg_reload_conf()").unwrap();
    let of_sessions = "SELECT count(*) FROM pg_settings WHERE setting = 'nobody'";
    by_hand.wait_for(of_sessions, 1);
    // Taken up by the log's session, too, before it commits again.
    contract::tail(&mut store);
    std::thread::sleep(Duration::from_millis(200));
    let of_log = "pid <> pg_backend_pid() AND wait_event = 'SyncRep'".to_owned();
    (server, store, of_log)
}

fn ended_while_it_waits(end: &str) {
    let (server, mut store, of_log) = waiting_for_a_standby();
    let ticket = store.append(append(1, 2, 1));
    let other = server.by_hand();
    let waiting = format!("SELECT count(*) FROM pg_stat_activity WHERE {of_log}");
    other.wait_for(&waiting, 1);
    let end = format!("SELECT count({end}(pid)) FROM pg_stat_activity WHERE {of_log}");
    assert_eq!(other.number(&end), 1);
    let said = answer(&mut store, ticket);
    assert!(is_unknown(&said), "{said:?}");
    // It is there, and whoever relies on that alone may lose it.
    assert_eq!(
        ask_until_known(&mut store, &append(1, 2, 1)),
        Answer::Present
    );
    // With standbys no longer waited for, the next one proves it.
    other
        .run("ALTER SYSTEM RESET synchronous_standby_names")
        .unwrap();
    other.run("SELECT pg_reload_conf()").unwrap();
    assert_eq!(
        ask_until_known(&mut store, &append(1, 3, 1)),
        Answer::Appended
    );
}

#[test]
fn a_commit_whose_backend_ended_while_it_waited_for_its_standby_is_in_doubt() {
    ended_while_it_waits("pg_terminate_backend");
}

/// Where the wait was cancelled, the server says that all is well.
#[test]
fn a_commit_whose_wait_for_its_standby_was_cancelled_is_in_doubt() {
    ended_while_it_waits("pg_cancel_backend");
}

#[test]
fn a_server_that_crashed_and_came_back_has_what_it_acknowledged() {
    let server = Server::start(&[]);
    let schema = server.schema();
    let node = server.node(&schema, 1);
    let mut store = node.open(0, Arc::new(|| {})).unwrap();
    for (round, how) in [Stop::AtOnce, Stop::InOrder].into_iter().enumerate() {
        let begin = round as u64 * 4 + 1;
        fill(&mut store, begin..=begin + 2, 1);
        server.stop(how);
        // It waits for the server, or comes to nothing in time and is asked again.
        let last = append(1, begin + 3, 1);
        let ticket = store.append(last.clone());
        server.go_on(&[]);
        let said = answer(&mut store, ticket);
        if is_unknown(&said) {
            ask_until_known(&mut store, &last);
        }
        let all: Vec<_> = (1..=begin + 3).map(|position| plain(position, 1)).collect();
        assert_eq!(read_all(&mut store, 1 << 20), all);
    }
}

#[test]
fn requests_are_answered_while_there_is_no_server() {
    let server = Server::start(&[]);
    let node = server.node(&server.schema(), 1);
    let wakes = Arc::new(AtomicUsize::new(0));
    let woken = wakes.clone();
    let wake = Arc::new(move || {
        woken.fetch_add(1, Ordering::SeqCst);
    });
    let mut store = node.open(0, wake).unwrap();
    fill(&mut store, 1..=1, 1);
    server.stop(Stop::InOrder);
    let before = wakes.load(Ordering::SeqCst);
    let tickets = [
        store.append(append(1, 2, 1)),
        store.tail(),
        store.read(1, 100),
    ];
    for said in answers(&mut store, &tickets) {
        assert!(is_unknown(&said), "{said:?}");
    }
    assert!(wakes.load(Ordering::SeqCst) > before);
    // More than it takes up are answered, too.
    let tickets: Vec<_> = (0..200).map(|_| store.tail()).collect();
    assert!(answers(&mut store, &tickets).iter().all(is_unknown));
}

/// Its kernel acknowledges what it is sent, so nothing but the time that passes tells. What it was
/// asked it does later.
#[test]
fn a_backend_that_was_stopped_is_given_up_and_what_it_does_late_is_found() {
    let server = Server::start(&[]);
    let node = server.node(&server.schema(), 1);
    let mut store = node.open(0, Arc::new(|| {})).unwrap();
    fill(&mut store, 1..=2, 1);
    let by_hand = server.by_hand();
    let of_log = "application_name = 'lclq' AND query LIKE 'INSERT%'";
    let backend = format!("SELECT min(pid) FROM pg_stat_activity WHERE {of_log}");
    let backend = by_hand.number(&backend);
    signal("STOP", backend);
    let said = add(&mut store, append(1, 3, 1));
    assert!(is_unknown(&said), "{said:?}");
    signal("CONT", backend);
    let is_there = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {backend}");
    by_hand.wait_for(&is_there, 0);
    // Whether or not the old backend read it before it saw that nobody listens, it is there once.
    let again = ask_until_known(&mut store, &append(1, 3, 1));
    assert!(
        matches!(again, Answer::Appended | Answer::Present),
        "{again:?}"
    );
    assert_eq!(
        ask_until_known(&mut store, &append(1, 4, 1)),
        Answer::Appended
    );
    let all: Vec<_> = (1..=4).map(|position| plain(position, 1)).collect();
    assert_eq!(read_all(&mut store, 1 << 20), all);
}

fn signal(name: &str, process: i64) {
    let mut kill = std::process::Command::new("kill");
    let status = kill
        .args([format!("-{name}"), process.to_string()])
        .status();
    assert!(status.unwrap().success());
}
