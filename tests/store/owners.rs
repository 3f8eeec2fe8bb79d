//! Two servers on one store: the second waits and is refused; one that took the logs nevertheless ends
//! the first.

use super::support::Server;
use super::{Postgres, create, drain, on, receive, send, send_request, store};
use std::time::{Duration, Instant};

/// A server whose queue has a message.
fn with_one(store: &str) -> Server {
    let server = on(store).flag("--shards", "2").start();
    let mut client = server.client();
    create(&mut client, "q");
    send(&mut client, "q", "one");
    server
}

#[test]
fn a_second_server_is_refused_and_the_first_goes_on() {
    let postgres = Postgres::shared();
    let store = store(&postgres);
    let first = with_one(&store);
    let mut client = first.client();
    let refused = on(&store).refused();
    assert_eq!(refused.status.code(), Some(1));
    let process = format!("process {}", first.pid());
    for needle in ["is in use by lclq on", &process, "127.0.0.1"] {
        assert!(refused.stderr.contains(needle), "{}", refused.stderr);
    }
    send(&mut client, "q", "two");
    assert_eq!(drain(&mut client, "q"), ["one", "two"]);
    first.stop();
}

#[test]
fn a_second_server_takes_over_once_the_first_has_ended() {
    let postgres = Postgres::shared();
    let store = store(&postgres);
    let first = with_one(&store);
    let second = on(&store).spawn();
    std::thread::sleep(Duration::from_millis(1_500));
    first.stop();
    let stopped = Instant::now();
    let mut second = second.ready().unwrap();
    assert!(stopped.elapsed() < Duration::from_secs(5));
    assert!(
        second.stderr().contains("is in use by"),
        "{}",
        second.stderr()
    );
    assert_eq!(drain(&mut second.client(), "q"), ["one"]);
    second.stop();
}

#[test]
fn a_server_that_stood_still_while_another_took_its_logs_ends() {
    let postgres = Postgres::start(&[]);
    let store = store(&postgres);
    let mut first = with_one(&store);
    let mut client = first.client();
    assert!(first.signal("-STOP"));
    // As a network would that loses its connections.
    let by_hand = postgres.by_hand();
    let others = "SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                  WHERE application_name LIKE 'lclq%') AS ended";
    assert!(by_hand.number(others) >= 3);
    let second = on(&store).start();
    let mut of_second = second.client();
    assert_eq!(receive(&mut of_second, "q").len(), 1);
    send(&mut of_second, "q", "two");
    client
        .send("SendMessage", &send_request("q", "lost"))
        .unwrap();
    assert!(first.signal("-CONT"));
    // Refused, or cut off as the process ends; never acknowledged.
    if let Ok(answer) = client.receive() {
        assert_eq!(answer.status, 503, "{}", answer.text());
    }
    let status = first.wait();
    assert_eq!(status.code(), Some(1));
    let said = first.stderr();
    let line = said.lines().find(|line| line.starts_with("lclq: "));
    assert!(
        line.is_some_and(|line| line.contains("another owner has one of its shards")),
        "{said}"
    );
    assert_eq!(drain(&mut of_second, "q"), ["two"]);
    second.stop();
}
