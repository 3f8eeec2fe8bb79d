//! Who is there, as PostgreSQL, Redis and Valkey say it.

mod redis_server;
mod server;

use lclq_stores::{Beat, Cluster, Member, Membership, ShardOwner, StoreNode};
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

#[test]
fn nodes_see_each_other_in_postgresql() {
    let server = server::Server::shared();
    let schema = server.schema();
    nodes_see_each_other(|| server.node(&schema, 4));
}

#[test]
fn nodes_see_each_other_in_redis_and_valkey() {
    for kind in [Kind::Redis, Kind::Valkey] {
        let server = redis_server::Server::shared(kind);
        let prefix = server.prefix();
        nodes_see_each_other(|| server.node(&prefix, 4));
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
