//! A node is asked to end: it hands over, and no client sees an error.

use crate::nodes::{SHARDS, Store, create, drain, queues, send, shards_of, wait_for_shares};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const QUEUES: usize = 12;

#[test]
fn a_node_that_ends_hands_over_without_an_error() {
    let store = Store::postgres();
    let mut nodes = store.nodes(2);
    let names = queues(QUEUES);
    for queue in &names {
        create(&mut nodes[0].client(), queue);
    }
    let (over, leaving) = (AtomicBool::new(false), nodes.pop().unwrap());
    let (sent, longest) = std::thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let mut client = nodes[0].client();
            let (mut sent, mut longest) = (vec![0; QUEUES], Duration::ZERO);
            while !over.load(Ordering::Relaxed) {
                for (number, queue) in names.iter().enumerate() {
                    let began = Instant::now();
                    send(&mut client, queue, &sent[number].to_string());
                    longest = longest.max(began.elapsed());
                    sent[number] += 1;
                }
            }
            (sent, longest)
        });
        std::thread::sleep(Duration::from_millis(300));
        leaving.stop();
        std::thread::sleep(Duration::from_millis(300));
        over.store(true, Ordering::Relaxed);
        sender.join().unwrap()
    });
    println!("the longest request took {longest:?} while a node handed over");
    assert!(longest < Duration::from_secs(5), "{longest:?}");
    assert_eq!(shards_of(&nodes[0]).to_string(), SHARDS);
    for (queue, sent) in names.iter().zip(sent) {
        let found = drain(&mut nodes[0].client(), queue);
        let all = (0..sent).map(|number: u32| number.to_string());
        assert_eq!(found, all.collect());
    }
}

#[test]
fn a_node_that_joins_gets_its_share_without_an_error() {
    let store = Store::postgres();
    let mut nodes = store.nodes(1);
    let names = queues(QUEUES);
    for queue in &names {
        create(&mut nodes[0].client(), queue);
    }
    let mut client = nodes[0].client();
    nodes.push(store.node().start());
    let until = Instant::now() + Duration::from_secs(20);
    let mut sent = 0_u32;
    while shards_of(&nodes[1]) == 0 {
        assert!(Instant::now() < until, "it gets none");
        for queue in &names {
            send(&mut client, queue, &sent.to_string());
        }
        sent += 1;
    }
    wait_for_shares(&nodes);
    for queue in &names {
        let found = drain(&mut nodes[1].client(), queue);
        let all = (0..sent).map(|number| number.to_string());
        assert_eq!(found, all.collect());
    }
}
