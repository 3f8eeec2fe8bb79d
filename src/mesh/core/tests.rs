//! One core, and several, by hand.

use super::super::setup::{MeshConfig, MeshParts, MeshPlan, Storage};
use super::*;
use crate::runtime::{DriverKind, sleep, spawn_cores};
use lclq_shards::attributes::{AttributeMap, QueueAttribute};
use lclq_shards::command::QueueCommand;
use lclq_shards::command::{Receive, SendEntry};
use lclq_shards::pubsub::command::PubsubCommand;
use lclq_shards::pubsub::command::{AdminCommand, SharedBytes};
use lclq_shards::pubsub::{SubscriptionSettings, TopicSettings};
use lclq_shards::{Draft, Eviction, QueueName, Section};
use std::sync::atomic::{AtomicBool, Ordering};

/// With a shard each.
fn two_cores() -> MeshParts {
    let plan = MeshPlan::new(MeshConfig {
        cores: 2,
        shards: None,
        storage: Storage::Memory,
        memory_bytes_max: None,
        eviction: Eviction::default(),
        cluster: None,
        journey_events: 0,
    });
    plan.unwrap().into_parts()
}

async fn ask(mesh: &Mesh, shard: u16, command: PubsubCommand) -> Reply {
    mesh.call(shard, Command::Pubsub(Box::new(command))).await
}

async fn make(
    mesh: &Mesh,
    shard: u16,
    command: AdminCommand,
) -> Box<lclq_shards::pubsub::command::Resource> {
    match ask(mesh, shard, PubsubCommand::Admin(Box::new(command))).await {
        Reply::Resource(resource) => resource,
        reply => panic!("{reply:?}"),
    }
}

/// Asks for messages and goes before the answer is there; they must be there for the next.
async fn lose_an_answer(mesh: &Mesh, shard: u16) {
    let topic = AdminCommand::CreateTopic {
        name: "t".into(),
        spec: SharedBytes::from([]),
        settings: TopicSettings { retention_ms: None },
    };
    let topic = make(mesh, shard, topic).await.topic_ref();
    let subscription = AdminCommand::CreateSubscription {
        name: "s".into(),
        topic: "t".into(),
        spec: SharedBytes::from([]),
        settings: SubscriptionSettings {
            ack_deadline_s: 600,
            ..Default::default()
        },
    };
    let subscription = make(mesh, shard, subscription).await.subscription_ref();
    let messages = vec![SharedBytes::from(*b"\x0a\x01a")];
    let publish = PubsubCommand::Publish { topic, messages };
    assert!(matches!(
        ask(mesh, shard, publish).await,
        Reply::Published(_)
    ));
    let pull = || PubsubCommand::Pull {
        subscription,
        messages_max: 1,
        bytes_max: 1000,
        wait_ms: 0,
        client: 0,
    };
    drop(mesh.call(shard, Command::Pubsub(Box::new(pull()))));
    for _ in 0..3000 {
        match ask(mesh, shard, pull()).await {
            Reply::Pulled(pulled) if pulled.is_empty() => {
                sleep(Duration::from_millis(10)).await;
            }
            Reply::Pulled(_) => return,
            reply => panic!("{reply:?}"),
        }
    }
    panic!("the message did not come back");
}

/// The same of a queue. No receive may count that nobody saw.
async fn lose_a_receive(mesh: &Mesh, shard: u16, attributes: AttributeMap, group: bool) {
    let name = QueueName::new("r", "a", if group { "q.fifo" } else { "q" });
    let create = QueueCommand::Create {
        name,
        attributes,
        tags: Default::default(),
        recreate_after_ms: 0,
    };
    let reply = mesh.call(shard, Command::Queue(Box::new(create))).await;
    let Reply::Queue(queue) = reply else {
        panic!("{reply:?}")
    };
    let mut draft = Draft {
        body: b"a",
        sent_at: wall_clock(),
        ..Default::default()
    };
    if group {
        draft.sections.push((Section::Group, b"g"));
        draft.sections.push((Section::Deduplication, b"d"));
    }
    let entry = SendEntry {
        payload: draft.build(),
        counted_bytes: 1,
        delay_s: None,
        deduplication_from_content: false,
    };
    let entries = [entry].into_iter().collect();
    let reply = mesh.call(shard, Command::Send { queue, entries }).await;
    assert!(matches!(reply, Reply::Sent(_)), "{reply:?}");
    let receive = || {
        Command::Receive(Receive {
            queue,
            messages_max: 10,
            visibility_timeout_s: Some(43_200),
            wait_s: Some(0),
            attempt: None,
            client: 0,
        })
    };
    drop(mesh.call(shard, receive()));
    for _ in 0..3000 {
        match mesh.call(shard, receive()).await {
            Reply::Received(received) if received.is_empty() => {
                sleep(Duration::from_millis(10)).await;
            }
            Reply::Received(received) => {
                assert_eq!(received[0].lease.receive_count, 1);
                return;
            }
            reply => panic!("{reply:?}"),
        }
    }
    panic!("the message did not come back");
}

#[test]
fn messages_for_who_has_gone_are_returned() {
    let parts = two_cores();
    let over = Arc::new(AtomicBool::new(false));
    let cores = spawn_cores(DriverKind::Epoll, 2, move |core| {
        let (parts, over) = (parts.clone(), over.clone());
        async move {
            let mesh = parts.start(core).unwrap();
            if core == 0 {
                // Of this core, then of the other one.
                lose_an_answer(&mesh, 0).await;
                lose_an_answer(&mesh, 1).await;
                for shard in 0..2 {
                    lose_a_receive(&mesh, shard, AttributeMap::new(), false).await;
                    let fifo = [(QueueAttribute::FifoQueue, "true".to_owned())];
                    lose_a_receive(&mesh, shard, fifo.into(), true).await;
                }
                over.store(true, Ordering::Relaxed);
            }
            while !over.load(Ordering::Relaxed) {
                sleep(Duration::from_millis(10)).await;
            }
            mesh.close(Duration::from_secs(1)).await;
        }
    })
    .unwrap();
    cores.join().unwrap();
}

/// The root task looks whether a core is over after its other tasks have had their turn: they find it closed.
#[test]
fn what_runs_after_a_core_has_closed_finds_no_shards_there() {
    let parts = two_cores();
    let cores = spawn_cores(DriverKind::Epoll, 2, move |core| {
        let parts = parts.clone();
        async move {
            let mesh = parts.start(core).unwrap();
            let own = mesh.own_stats()[0].0;
            mesh.close(Duration::from_secs(1)).await;
            assert!(!mesh.serve_lanes_once());
            mesh.tick_hosts(wall_clock());
            mesh.answer_clock(1);
            let stats = Command::Queue(Box::new(QueueCommand::Stats));
            let reply = mesh.call(own, stats).await;
            assert!(
                matches!(reply, Reply::Refused(Refusal::Stopping)),
                "{reply:?}"
            );
            assert!(mesh.own_stats().is_empty());
        }
    });
    cores.unwrap().join().unwrap();
}
