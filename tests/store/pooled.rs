//! A server whose PostgreSQL is behind PgBouncer in transaction mode.

use super::server::pooler::Pooler;
use super::{Postgres, create, drain, on, send};
use std::time::Duration;

#[test]
fn a_server_on_a_pooled_database_keeps_what_it_acknowledged_and_others_out() {
    let postgres = Postgres::shared();
    let pooler = Pooler::before(&postgres);
    let store = pooler.store(&postgres.schema());
    // More connections than sessions.
    let first = on(&store).flag("--shards", "8").start();
    let mut client = first.client();
    let queues: Vec<String> = (0..8).map(|number| format!("queue-{number}")).collect();
    for queue in &queues {
        create(&mut client, queue);
        send(&mut client, queue, "one");
    }
    let refused = on(&store).refused();
    assert_eq!(refused.status.code(), Some(1));
    let process = format!("process {}", first.pid());
    for needle in ["is in use by lclq on", &process] {
        assert!(refused.stderr.contains(needle), "{}", refused.stderr);
    }
    first.kill();
    std::thread::sleep(Duration::from_millis(100));
    let second = on(&store).start();
    let mut client = second.client();
    for queue in &queues {
        send(&mut client, queue, "two");
        assert_eq!(drain(&mut client, queue), ["one", "two"], "{queue}");
    }
    second.stop();
}
