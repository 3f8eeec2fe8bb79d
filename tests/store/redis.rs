//! The real binary on Redis: it goes on after a restart, is refused a store that another has and one that
//! loses what it acknowledges, and loses nothing when it is killed or Redis is.

use super::crash::load::World;
use super::crashes::KEPT_LEASE_S;
use super::redis_server::{Kind, Server as Redis};
use super::support::killing::{Durability, Killing};
use super::{create, delete, drain, held, on, receive, send, send_request, starts};
use std::time::{Duration, Instant};

/// The URL of a store of its own.
fn store(redis: &Redis) -> String {
    format!("{}?prefix={}", redis.url(), redis.prefix())
}

#[test]
fn a_restart_goes_on_with_what_there_was() {
    for kind in [Kind::Redis, Kind::Valkey] {
        let redis = Redis::start(kind, &[]);
        let store = store(&redis);
        let server = on(&store).flag("--shards", "3").start();
        let mut client = server.client();
        for queue in ["a", "b"] {
            create(&mut client, queue);
        }
        for body in ["one", "two", "three"] {
            send(&mut client, "a", body);
        }
        let gone = receive(&mut client, "a").remove(0);
        delete(&mut client, "a", &gone);
        send(&mut client, "b", "last");
        server.kill();
        redis.kill();
        redis.go_on();
        let server = on(&store).flag("--cores", "1").start();
        let mut client = server.client();
        // Those two that were received are held by leases that outlive their server.
        assert!(receive(&mut client, "a").is_empty());
        assert_eq!(held(&mut client, "a"), "2");
        assert_eq!(drain(&mut client, "b"), ["last"]);
        server.stop();
        // Its connection ended with it, so nobody waits for the next.
        let began = Instant::now();
        on(&store).start().stop();
        assert!(began.elapsed() < Duration::from_secs(4));
    }
}

#[test]
fn a_second_server_is_refused() {
    let redis = Redis::shared(Kind::Redis);
    let store = store(&redis);
    let first = on(&store).flag("--shards", "2").start();
    let refused = on(&store).refused();
    let process = format!("process {}", first.pid());
    starts::assert_clear(&refused, 1, &["is in use by lclq on", &process]);
    first.stop();
}

#[test]
fn settings_that_lose_what_was_acknowledged_want_consent() {
    let redis = Redis::start(Kind::Redis, &["appendfsync everysec"]);
    let store = store(&redis);
    let refused = on(&store).flag("--shards", "2").refused();
    starts::assert_clear(
        &refused,
        1,
        &["appendfsync is everysec", "--durability normal"],
    );
    let normal = on(&store).flag("--durability", "normal");
    let mut server = normal.start();
    let mut client = server.client();
    create(&mut client, "q");
    send(&mut client, "q", "x");
    assert_eq!(drain(&mut client, "q"), ["x"]);
    let said = server.stderr();
    assert!(said.contains("appendfsync is everysec"), "{said}");
    server.stop();
}

#[test]
fn a_restart_of_redis_within_the_grace_is_not_seen_by_clients() {
    let redis = Redis::start(Kind::Redis, &[]);
    let server = on(&store(&redis))
        .flag("--shards", "2")
        .flag("--store-grace-ms", "20000")
        .start();
    let mut client = server.client();
    create(&mut client, "q");
    let mut sent = Vec::new();
    for round in 0..4 {
        for n in 0..20 {
            sent.push(format!("{round}-{n:02}"));
            send(&mut client, "q", &sent[sent.len() - 1]);
        }
        client
            .send("SendMessage", &send_request("q", "under way"))
            .unwrap();
        redis.kill();
        redis.go_on();
        assert_eq!(client.receive().unwrap().status, 200);
    }
    let mut bodies = drain(&mut client, "q");
    assert_eq!(bodies.iter().filter(|body| *body == "under way").count(), 4);
    bodies.retain(|body| body != "under way");
    assert_eq!(bodies, sent);
    server.stop();
}

#[test]
fn nothing_acknowledged_is_lost_when_killed() {
    let redis = Redis::start(Kind::Redis, &[]);
    let world = World::new(KEPT_LEASE_S, true);
    let killing = Killing {
        durability: Durability::Full,
        kills: 15,
        forgetful: false,
        store: Some(store(&redis)),
    };
    killing.run(&world, world.workers());
}
