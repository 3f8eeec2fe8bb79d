//! A node is killed: others take over what it ran, with all that was acknowledged.

use crate::nodes::{Store, create, drain, queues, send, send_request, url, wait_for_shares};
use crate::support::{Client, Server};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Silence after which a node is taken for gone, and what taking over may take on a busy machine. A node whose
/// machine says that nobody listens there is gone at once.
const TAKEN_OVER_MAX: Duration = Duration::from_secs(9);
const QUEUES: usize = 24;

/// Each node answers for all queues, and for a topic and its subscription.
fn ask_any(nodes: &[Server]) {
    let mut clients: Vec<Client> = nodes.iter().map(Server::client).collect();
    let names = queues(QUEUES);
    for (number, queue) in names.iter().enumerate() {
        create(&mut clients[number % nodes.len()], queue);
        for (by, client) in clients.iter_mut().enumerate() {
            send(client, queue, &format!("{queue} by {by}"));
        }
    }
    let listed = clients[0].ok("ListQueues", &json!({}));
    assert_eq!(listed["QueueUrls"].as_array().unwrap().len(), QUEUES);
    for (number, queue) in names.iter().enumerate() {
        let found = drain(&mut clients[(number + 1) % nodes.len()], queue);
        let sent = (0..nodes.len()).map(|by| format!("{queue} by {by}"));
        assert_eq!(found, sent.collect::<BTreeSet<_>>());
    }
    let mut rest: Vec<Client> = nodes.iter().map(Server::pubsub_client).collect();
    let topic = "/v1/projects/project/topics/topic";
    let put = |client: &mut Client, path: &str, body: &Value| {
        client.rest("PUT", path, body).unwrap().ok();
    };
    put(&mut rest[0], topic, &json!({}));
    let subscription = json!({ "topic": "projects/project/topics/topic" });
    put(
        &mut rest[1],
        "/v1/projects/project/subscriptions/subscription",
        &subscription,
    );
    for client in &mut rest {
        let messages = json!({ "messages": [{ "data": "aGVsbG8=" }] });
        let publish = format!("{topic}:publish");
        client.rest("POST", &publish, &messages).unwrap().ok();
    }
    let mut pulled = 0;
    while pulled < nodes.len() {
        let pull = "/v1/projects/project/subscriptions/subscription:pull";
        let client = &mut rest[pulled % nodes.len()];
        let answer = client.rest("POST", pull, &json!({ "maxMessages": 1 }));
        let answer = answer.unwrap().ok();
        let messages = answer["receivedMessages"].as_array().expect("messages");
        let ids: Vec<&Value> = messages.iter().map(|message| &message["ackId"]).collect();
        let ack = "/v1/projects/project/subscriptions/subscription:acknowledge";
        rest[(pulled + 1) % nodes.len()]
            .rest("POST", ack, &json!({ "ackIds": ids }))
            .unwrap()
            .ok();
        pulled += messages.len();
    }
}

/// Kills one of three nodes while clients send by the others.
fn survive_a_kill(store: &Store) {
    let mut nodes = store.nodes(3);
    ask_any(&nodes);
    let names = queues(QUEUES);
    let mut expected: Vec<BTreeSet<String>> = vec![BTreeSet::new(); QUEUES];
    let mut maybe = expected.clone();
    let mut client = nodes[0].client();
    for (number, queue) in names.iter().enumerate() {
        let body = format!("before {number}");
        send(&mut client, queue, &body);
        expected[number].insert(body);
    }
    // A long poll on a queue of each shard waits at a node that lives, whoever runs the shard.
    create(&mut client, "awaited");
    let mut poller = nodes[0].client();
    let wait = json!({ "QueueUrl": url("awaited"), "WaitTimeSeconds": 20 });
    poller.send("ReceiveMessage", &wait).unwrap();
    nodes.pop().unwrap().kill();
    let killed = Instant::now();
    let mut longest = Duration::ZERO;
    for (number, queue) in names.iter().enumerate() {
        let body = format!("after {number}");
        let began = Instant::now();
        let mut by = nodes[number % 2].client();
        let answer = by.call("SendMessage", &send_request(queue, &body)).unwrap();
        longest = longest.max(began.elapsed());
        match answer.status {
            200 => expected[number].insert(body),
            // It was on its way to the one that was killed.
            503 => maybe[number].insert(body),
            _ => panic!("{answer:?}"),
        };
    }
    let taken_over = killed.elapsed();
    println!("answered for all queues {taken_over:?} after the kill; longest {longest:?}");
    assert!(taken_over < TAKEN_OVER_MAX, "{taken_over:?}");
    wait_for_shares(&nodes);
    send(&mut nodes[1].client(), "awaited", "at last");
    let polled = poller.receive().unwrap().ok();
    assert_eq!(polled["Messages"][0]["Body"], "at last", "{polled}");
    for (number, queue) in names.iter().enumerate() {
        let found = drain(&mut nodes[(number + 1) % 2].client(), queue);
        assert!(found.is_superset(&expected[number]), "{queue}: {found:?}");
        let known: BTreeSet<_> = expected[number].union(&maybe[number]).cloned().collect();
        assert!(found.is_subset(&known), "{queue}: {found:?}");
    }
    nodes.stop();
}

#[test]
fn others_take_over_what_a_killed_node_ran_on_postgresql() {
    survive_a_kill(&Store::postgres());
}

#[test]
fn others_take_over_what_a_killed_node_ran_on_redis() {
    survive_a_kill(&Store::redis());
}
