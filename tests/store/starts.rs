//! What it refuses to start with on a store, in one line and without a password.

use super::support::{Launch, Refused};
use super::{Postgres, create, on, send, store};
use std::net::TcpListener;

#[track_caller]
pub fn assert_clear(refused: &Refused, code: i32, needles: &[&str]) {
    let stderr = &refused.stderr;
    assert_eq!(refused.status.code(), Some(code), "{stderr}");
    let is_error = |line: &&str| !line.contains("INFO") && !line.contains("WARN");
    let errors: Vec<&str> = stderr.lines().filter(is_error).collect();
    let [line] = errors[..] else {
        panic!("not one line: {stderr}");
    };
    for needle in needles {
        assert!(line.contains(needle), "{needle:?} not in {line:?}");
    }
    assert!(!stderr.contains("hush"), "{stderr}");
    println!("{line}");
}

#[test]
fn a_database_that_cannot_be_reached_is_named_without_its_password() {
    let port = {
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
        nobody.local_addr().unwrap().port()
    };
    let url = format!("postgres://me:hush@127.0.0.1:{port}/x?sslmode=disable");
    let place = format!("127.0.0.1:{port}");
    assert_clear(&on(&url).refused(), 1, &[&place, "can't be reached"]);
}

#[test]
fn a_url_that_cannot_be_used_is_not_repeated() {
    for wrong in [
        "mysql://me:hush@h/x",
        "postgres://me:hush@h:port/x",
        "postgres:///hush",
    ] {
        assert_clear(&on(wrong).refused(), 2, &["--store", "storage.store"]);
        let mut launch = Launch::new();
        launch.command.env("LCLQ_STORE", wrong);
        assert_clear(&launch.refused(), 2, &["--store"]);
    }
}

#[test]
fn a_store_and_a_directory_exclude_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let both = on("postgres://me:hush@h/x").data_dir(&directory.path().join("data"));
    assert_clear(
        &both.refused(),
        2,
        &["--store", "--data-dir", "exclude each other"],
    );
}

#[test]
fn another_number_of_shards_is_refused() {
    let postgres = Postgres::shared();
    let store = store(&postgres);
    on(&store).flag("--shards", "2").start().stop();
    let refused = on(&store).flag("--shards", "3").refused();
    assert_clear(&refused, 1, &["made for 2 shards, not for 3"]);
}

#[test]
fn settings_that_lose_what_was_acknowledged_want_consent() {
    let postgres = Postgres::start(&["fsync=off", "synchronous_commit=off"]);
    let store = store(&postgres);
    let few = |launch: Launch| launch.flag("--shards", "2");
    let refused = few(on(&store)).refused();
    assert_clear(&refused, 1, &["fsync is off", "--durability normal"]);
    let mut server = few(on(&store)).flag("--durability", "normal").start();
    let mut client = server.client();
    create(&mut client, "q");
    send(&mut client, "q", "x");
    let said = server.stderr();
    assert!(said.contains("fsync is off"), "{said}");
    assert!(said.contains("synchronous_commit is off"), "{said}");
    server.stop();
}

#[test]
fn what_the_database_refuses_is_said_in_its_words() {
    let postgres = Postgres::start(&[]);
    let schema = postgres.schema();
    let store = format!("{}&schema={schema}", postgres.url());
    on(&store).flag("--shards", "1").start().stop();
    let rights = format!(
        "CREATE ROLE few LOGIN; GRANT USAGE ON SCHEMA {schema} TO few; \
         GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO few; \
         REVOKE INSERT ON {schema}.log FROM few"
    );
    postgres.by_hand().run(&rights).unwrap();
    let refused = on(&store.replace("//lclq@", "//few@")).refused();
    let words = "the store says: permission denied for table log";
    assert_clear(&refused, 1, &["shard 0", words]);
}
