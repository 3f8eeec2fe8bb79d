//! A database that goes away while the server runs, and connections that are lost.

use super::server::Stop;
use super::support::{Answer, Client};
use super::{Postgres, create, drain, on, send, send_request, store};
use std::time::{Duration, Instant};

/// As soon as anything may be expected of a busy machine.
const SOON: Duration = Duration::from_secs(20);
const GRACE: Duration = Duration::from_millis(700);

fn try_send(client: &mut Client, body: &str) -> Answer {
    let answer = client.call("SendMessage", &send_request("q", body));
    answer.expect("an answer")
}

#[test]
fn writes_are_refused_while_the_database_is_gone_and_go_on_after_it() {
    let postgres = Postgres::start(&[]);
    let grace = GRACE.as_millis().to_string();
    let server = on(&store(&postgres))
        .flag("--shards", "2")
        .flag("--store-grace-ms", &grace)
        .start();
    let mut client = server.client();
    create(&mut client, "q");
    send(&mut client, "q", "before");
    postgres.stop(Stop::AtOnce);
    let since = Instant::now();
    let answer = try_send(&mut client, "in doubt");
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(since.elapsed() >= GRACE, "{:?}", since.elapsed());
    // From then on at once, and whoever only looks is answered.
    let since = Instant::now();
    assert_eq!(try_send(&mut client, "refused").status, 503);
    assert!(since.elapsed() < GRACE);
    let mut admin = server.admin_client();
    assert_eq!(admin.get("/health").unwrap().status, 503);
    let until = Instant::now() + SOON;
    while admin.get("/ready").unwrap().status != 503 {
        assert!(Instant::now() < until, "it is ready for more");
        std::thread::sleep(Duration::from_millis(50));
    }
    postgres.go_on(&[]);
    let until = Instant::now() + SOON;
    while try_send(&mut client, "after").status != 200 {
        assert!(Instant::now() < until, "it doesn't go on");
        std::thread::sleep(Duration::from_millis(50));
    }
    let until = Instant::now() + SOON;
    while admin.get("/ready").unwrap().status != 200 {
        assert!(Instant::now() < until, "it isn't ready again");
        std::thread::sleep(Duration::from_millis(50));
    }
    // What was in doubt was written in the end.
    assert_eq!(drain(&mut client, "q"), ["after", "before", "in doubt"]);
    server.stop();
}

#[test]
fn a_restart_of_the_database_within_the_grace_is_not_seen_by_clients() {
    let postgres = Postgres::start(&[]);
    let server = on(&store(&postgres))
        .flag("--shards", "2")
        .flag("--store-grace-ms", "20000")
        .start();
    let mut client = server.client();
    create(&mut client, "q");
    let sent = std::thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let mut client = server.client();
            let until = Instant::now() + Duration::from_secs(3);
            let mut sent = 0;
            while Instant::now() < until {
                send(&mut client, "q", &format!("{sent:05}"));
                sent += 1;
            }
            sent
        });
        for how in [Stop::InOrder, Stop::AtOnce] {
            std::thread::sleep(Duration::from_millis(500));
            postgres.stop(how);
            postgres.go_on(&[]);
        }
        sender.join().unwrap()
    });
    let expected: Vec<String> = (0..sent).map(|n| format!("{n:05}")).collect();
    assert_eq!(drain(&mut client, "q"), expected);
    server.stop();
}

#[test]
fn lost_connections_are_not_seen_by_clients() {
    let postgres = Postgres::start(&[]);
    let server = on(&store(&postgres)).flag("--shards", "2").start();
    let mut client = server.client();
    create(&mut client, "q");
    let by_hand = postgres.by_hand();
    let mut sent = Vec::new();
    for round in 0..10 {
        let ended = by_hand.number(
            "SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE application_name LIKE 'lclq%') AS ended",
        );
        assert!(round > 0 || ended >= 3, "{ended}");
        for n in 0..20 {
            sent.push(format!("{round}-{n:02}"));
            send(&mut client, "q", &sent[sent.len() - 1]);
        }
    }
    assert_eq!(drain(&mut client, "q"), sent);
    server.stop();
}
