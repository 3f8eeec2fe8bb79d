//! What a store knows of a cluster, for people.

use super::SILENCE_MAX;
use lclq_stores::{Cluster, SeenMember};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;

/// How a node is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// It lives, and runs shards.
    Up,
    /// Somebody wants it to run no shards; it still runs some.
    Draining,
    /// Somebody wants it to run no shards, and it runs none. It answers requests.
    Drained,
    /// It ends, and hands over what it runs.
    Leaving,
    /// It has given no sign of life for some seconds.
    Gone,
}

/// A node.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct NodeView {
    /// Its name, another one with each start.
    pub node: String,
    /// Where other nodes reach it.
    pub address: String,
    /// How it is.
    pub state: NodeState,
    /// Time since its last sign of life by the store's clock, ms.
    pub silent_ms: u64,
    /// Shards that it runs.
    pub shards: BTreeSet<u16>,
    /// Shards that somebody wants it to run.
    pub pinned: BTreeSet<u16>,
}

/// All nodes, and what none of them runs.
#[derive(Debug)]
pub struct Overview {
    /// Nodes of the last hour.
    pub nodes: Vec<NodeView>,
    /// Shards that no node that lives runs.
    pub unowned: BTreeSet<u16>,
}

impl Overview {
    /// Of what a store knows, which has so many shards.
    pub fn new(cluster: &Cluster, shards: u16) -> Self {
        let nodes = cluster.members.iter().map(|seen| view(cluster, seen));
        let nodes: Vec<NodeView> = nodes.collect();
        let living = nodes.iter().filter(|node| node.state != NodeState::Gone);
        let owned: BTreeSet<u16> = living.flat_map(|node| node.shards.clone()).collect();
        let unowned = (0..shards).filter(|shard| !owned.contains(shard));
        Self {
            unowned: unowned.collect(),
            nodes,
        }
    }
}

fn view(cluster: &Cluster, seen: &SeenMember) -> NodeView {
    let node = &seen.member.node;
    let owners = cluster.owners.iter();
    let own = owners.filter(|(_, owner)| owner.node == *node);
    let shards: BTreeSet<u16> = own.map(|(shard, _)| *shard).collect();
    let pins = cluster.pins.iter().filter(|(_, pinned)| *pinned == node);
    let state = match (seen.silent <= SILENCE_MAX, seen.draining, seen.drained) {
        (false, ..) => NodeState::Gone,
        (true, true, _) => NodeState::Leaving,
        (true, false, true) if shards.is_empty() => NodeState::Drained,
        (true, false, true) => NodeState::Draining,
        (true, false, false) => NodeState::Up,
    };
    NodeView {
        node: node.to_string(),
        address: seen.member.address.to_string(),
        state,
        silent_ms: seen.silent.as_millis() as u64,
        shards,
        pinned: pins.map(|(shard, _)| *shard).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lclq_stores::{Member, ShardOwner};
    use std::time::Duration;

    #[test]
    fn shards_of_nodes_that_are_gone_are_nobodys() {
        let member = |node: &str, silent_s, draining, drained| SeenMember {
            member: Member {
                node: node.into(),
                address: "127.0.0.1:1".into(),
                protocol: 1,
                key_hash: [].into(),
            },
            draining,
            drained,
            silent: Duration::from_secs(silent_s),
        };
        let owner = |node: &str| ShardOwner {
            node: node.into(),
            epoch: 1,
        };
        let cluster = Cluster {
            members: vec![
                member("a", 1, false, false),
                member("b", 60, false, false),
                member("c", 0, true, true),
                member("d", 0, false, true),
                member("e", 0, false, true),
            ],
            owners: [(0, owner("a")), (1, owner("b")), (2, owner("d"))].into(),
            pins: [(2, "a".into()), (3, "a".into())].into(),
        };
        let Overview { nodes, unowned } = Overview::new(&cluster, 4);
        let states: Vec<NodeState> = nodes.iter().map(|node| node.state).collect();
        use NodeState::{Drained, Draining, Gone, Leaving, Up};
        assert_eq!(states, [Up, Gone, Leaving, Draining, Drained]);
        assert_eq!(
            (&nodes[0].shards, &nodes[0].pinned),
            (&[0].into(), &[2, 3].into())
        );
        assert_eq!(unowned, [1, 3].into());
    }
}
