//! Who is there, as PostgreSQL, Redis and Valkey say it.

mod redis_server;
mod server;

use lclq_stores::{Beat, Cluster, Member, Membership, ShardOwner, StoreNode, Wish};
use redis_server::Kind;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A node that says what it runs.
struct Node {
    store: StoreNode,
    member: Arc<Member>,
}

impl Node {
    fn new(store: StoreNode, name: &str) -> Self {
        let member = Member {
            node: name.into(),
            address: format!("[::1]:{}", name.len()).into(),
            protocol: 7,
            key_hash: (0..=255).collect(),
        };
        Self {
            store,
            member: Arc::new(member),
        }
    }

    fn membership(&self) -> &Membership {
        self.store.membership()
    }

    fn beat(&self, owns: &[(u16, u64)], draining: bool) -> Cluster {
        let beat = Beat {
            member: self.member.clone(),
            draining,
            owns: owns.iter().copied().collect(),
        };
        self.membership().beat(beat).unwrap()
    }
}

fn owners(cluster: &Cluster) -> Vec<(u16, &str, u64)> {
    let owners: &BTreeMap<u16, ShardOwner> = &cluster.owners;
    let each = owners.iter();
    each.map(|(shard, owner)| (*shard, &*owner.node, owner.epoch))
        .collect()
}

fn nodes_see_each_other(make: impl Fn() -> StoreNode) {
    let (one, other) = (Node::new(make(), "one"), Node::new(make(), "other"));
    assert_eq!(one.membership().look().unwrap(), Cluster::default());
    one.beat(&[(0, 5), (3, 9)], false);
    // What a node says is there for whoever looks next.
    let seen = other.beat(&[], true);
    let of_one = seen.members.iter().find(|seen| seen.member == *one.member);
    let of_one = of_one.expect("all that it said of itself");
    assert!(!of_one.draining && of_one.silent < Duration::from_secs(5));
    assert_eq!(owners(&seen), [(0, "one", 5), (3, "one", 9)]);
    let seen = one.membership().look().unwrap();
    assert_eq!(seen.members.len(), 2);
    assert!(seen.members.iter().any(|seen| seen.draining));
    // A later epoch has the shard, an earlier one hasn't, whatever comes last.
    other.beat(&[(0, 6), (3, 8)], false);
    one.beat(&[(0, 5), (3, 9)], false);
    let seen = one.membership().look().unwrap();
    assert_eq!(owners(&seen), [(0, "other", 6), (3, "one", 9)]);
    assert!(!seen.members.iter().any(|seen| seen.draining));
    // What a node doesn't name any more is nobody's, and can be taken.
    one.beat(&[], false);
    let seen = other.membership().look().unwrap();
    assert_eq!(owners(&seen), [(0, "other", 6)]);
    other.beat(&[(0, 6), (3, 10)], false);
    let seen = one.membership().look().unwrap();
    assert_eq!(owners(&seen), [(0, "other", 6), (3, "other", 10)]);
    // One that leaves is forgotten.
    one.membership().leave("one").unwrap();
    let seen = other.membership().look().unwrap();
    assert_eq!(seen.members.len(), 1);
    assert_eq!(seen.members[0].member, *other.member);
    // Time passes by the store's clock.
    std::thread::sleep(Duration::from_millis(300));
    let seen = one.membership().look().unwrap();
    assert!(
        seen.members[0].silent >= Duration::from_millis(200),
        "{seen:?}"
    );
}

fn wishes_are_kept(make: impl Fn() -> StoreNode) {
    let (one, other) = (Node::new(make(), "one"), Node::new(make(), "other"));
    one.beat(&[(0, 5)], false);
    other.beat(&[], false);
    let drain = |node: &str, drained| {
        let node = node.into();
        let wish = Wish::Drain { node, drained };
        one.membership().wish(wish).unwrap();
    };
    let pin = |shard, node: Option<&str>| {
        let node = node.map(Box::from);
        one.membership().wish(Wish::Pin { shard, node }).unwrap();
    };
    let drained = |cluster: &Cluster| {
        let members = cluster.members.iter().filter(|seen| seen.drained);
        let nodes = members.map(|seen| seen.member.node.to_string());
        nodes.collect::<Vec<_>>()
    };
    let pins = |cluster: &Cluster| {
        let pins = cluster.pins.iter();
        let pins = pins.map(|(shard, node)| (*shard, node.to_string()));
        pins.collect::<Vec<_>>()
    };
    drain("other", true);
    pin(0, Some("other"));
    pin(2, Some("one"));
    pin(2, Some("other"));
    pin(3, Some("one"));
    pin(3, None);
    // Of one that isn't there nothing is wished.
    drain("nobody", true);
    pin(1, Some("nobody"));
    // They outlive the signs of life of those that they are about.
    one.beat(&[(0, 5)], false);
    other.beat(&[], false);
    let seen = other.membership().look().unwrap();
    assert_eq!(drained(&seen), ["other"]);
    let other_has = |shard| (shard, "other".to_owned());
    assert_eq!(pins(&seen), [other_has(0), other_has(2)]);
    assert_eq!(owners(&seen), [(0, "one", 5)], "a wish moves nothing");
    drain("other", false);
    pin(2, None);
    pin(2, None);
    let seen = one.beat(&[(0, 5)], false);
    assert_eq!(drained(&seen), [""; 0]);
    assert_eq!(pins(&seen), [other_has(0)]);
    // They go with the node.
    drain("other", true);
    other.membership().leave("other").unwrap();
    one.beat(&[(0, 5)], false);
    let seen = one.membership().look().unwrap();
    assert_eq!((seen.members.len(), pins(&seen).len()), (1, 0));
    let seen = other.beat(&[], false);
    assert_eq!(drained(&seen), [""; 0]);
}

#[test]
fn nodes_see_each_other_in_postgresql() {
    let server = server::Server::shared();
    let schema = server.schema();
    nodes_see_each_other(|| server.node(&schema, 4));
    let schema = server.schema();
    wishes_are_kept(|| server.node(&schema, 4));
    let pooler = server::pooler::Pooler::before(&server);
    let schema = server.schema();
    nodes_see_each_other(|| pooler.node(&schema, 4));
    let schema = server.schema();
    wishes_are_kept(|| pooler.node(&schema, 4));
    let newest = server::Server::shared_newest();
    let schema = newest.schema();
    nodes_see_each_other(|| newest.node(&schema, 4));
}

#[test]
fn nodes_see_each_other_in_redis_and_valkey() {
    for kind in [Kind::Redis, Kind::Valkey] {
        let server = redis_server::Server::shared(kind);
        let prefix = server.prefix();
        nodes_see_each_other(|| server.node(&prefix, 4));
        let prefix = server.prefix();
        wishes_are_kept(|| server.node(&prefix, 4));
    }
}

#[test]
fn a_store_that_was_away_is_asked_again() {
    let server = server::Server::start(&[]);
    let schema = server.schema();
    let node = Node::new(server.node(&schema, 4), "one");
    node.beat(&[(1, 1)], false);
    server.stop(server::Stop::InOrder);
    assert!(node.membership().look().is_err());
    server.go_on(&[]);
    let seen = node.beat(&[(1, 1)], false);
    assert_eq!(owners(&seen), [(1, "one", 1)]);
}
