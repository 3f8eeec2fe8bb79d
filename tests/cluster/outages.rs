//! The store goes away and comes back under two nodes.

use crate::nodes::{Store, create, drain, queues, send, send_request, wait_for_shares};
use crate::server::{Server as Postgres, Stop};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

const QUEUES: usize = 12;
/// Longer than nodes go on without the store.
const OUTAGE: Duration = Duration::from_secs(7);
/// What a request waits for a shard that nobody runs, and a second.
const ANSWERED_MAX: Duration = Duration::from_secs(11);
const PATIENCE: Duration = Duration::from_secs(40);

#[test]
fn nothing_acknowledged_is_lost_when_the_store_was_away() {
    let postgres = Arc::new(Postgres::start(&[]));
    let store = Store::Postgres(postgres.clone(), postgres.schema());
    let nodes = store.nodes(2);
    let names = queues(QUEUES);
    let mut expected = vec![BTreeSet::new(); QUEUES];
    for (number, queue) in names.iter().enumerate() {
        let mut client = nodes[number % 2].client();
        create(&mut client, queue);
        send(&mut client, queue, "before");
        expected[number].insert("before".to_owned());
    }
    postgres.stop(Stop::InOrder);
    let stopped = Instant::now();
    for node in nodes.iter() {
        let began = Instant::now();
        let answer = node
            .client()
            .call("SendMessage", &send_request(&names[0], "meanwhile"));
        assert_eq!(answer.unwrap().status, 503);
        assert!(began.elapsed() < ANSWERED_MAX, "{:?}", began.elapsed());
    }
    std::thread::sleep(OUTAGE.saturating_sub(stopped.elapsed()));
    postgres.go_on(&[]);
    let back = Instant::now();
    let until = back + PATIENCE;
    for (number, queue) in names.iter().enumerate() {
        let mut client = nodes[number % 2].client();
        for attempt in 0.. {
            // What was refused may be there all the same.
            let body = format!("after {attempt}");
            let answer = client.call("SendMessage", &send_request(queue, &body));
            if answer.unwrap().status == 200 {
                expected[number].insert(body);
                break;
            }
            assert!(Instant::now() < until, "{queue} isn't there again");
        }
    }
    println!(
        "all is there {:?} after the store was back, which was away for {:?}",
        back.elapsed(),
        back.duration_since(stopped)
    );
    wait_for_shares(&nodes);
    for (number, queue) in names.iter().enumerate() {
        let found = drain(&mut nodes[number % 2].client(), queue);
        assert!(found.is_superset(&expected[number]), "{queue}: {found:?}");
    }
    nodes.stop();
}
