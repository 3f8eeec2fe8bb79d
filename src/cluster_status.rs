//! `lclq cluster status`: which nodes a store knows, for people.

use crate::cli::ClusterStatusArgs;
use crate::cluster::SILENCE_MAX;
use lclq_stores::{Cluster, NodeError, StoreNode, StoreSettings, Surroundings};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Prints each node with the shards that it runs, and the shards that nobody runs.
///
/// # Errors
/// If the store can't be used.
pub fn status(args: &ClusterStatusArgs, out: &mut dyn Write) -> Result<(), NodeError> {
    let settings = StoreSettings::new(&args.store, None)?.as_it_is();
    let node = StoreNode::start(settings, Surroundings::default())?;
    let cluster = node.membership().look()?;
    for line in lines(&cluster, node.shards()) {
        match writeln!(out, "{line}") {
            // Whoever reads has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            other => other?,
        }
    }
    Ok(())
}

fn lines(cluster: &Cluster, shards: u16) -> Vec<Value> {
    let mut unowned: BTreeSet<u16> = (0..shards).collect();
    let mut lines = Vec::new();
    for seen in &cluster.members {
        let owners = cluster.owners.iter();
        let own = owners.filter(|(_, owner)| owner.node == seen.member.node);
        let own: BTreeSet<u16> = own.map(|(shard, _)| *shard).collect();
        let lives = seen.silent <= SILENCE_MAX;
        if lives {
            unowned.retain(|shard| !own.contains(shard));
        }
        let state = match (lives, seen.draining) {
            (false, _) => "gone",
            (true, true) => "leaving",
            (true, false) => "up",
        };
        lines.push(json!({
            "node": seen.member.node,
            "address": seen.member.address,
            "state": state,
            "silent_ms": seen.silent.as_millis() as u64,
            "shards": own,
        }));
    }
    if !unowned.is_empty() {
        lines.push(json!({ "node": null, "shards": unowned }));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use lclq_stores::{Member, SeenMember, ShardOwner};
    use std::time::Duration;

    #[test]
    fn shards_of_nodes_that_are_gone_are_nobodys() {
        let member = |node: &str, silent_s| SeenMember {
            member: Member {
                node: node.into(),
                address: "127.0.0.1:1".into(),
                protocol: 1,
                key_hash: [].into(),
            },
            draining: false,
            silent: Duration::from_secs(silent_s),
        };
        let owner = |node: &str| ShardOwner {
            node: node.into(),
            epoch: 1,
        };
        let cluster = Cluster {
            members: vec![member("a", 1), member("b", 60)],
            owners: [(0, owner("a")), (1, owner("b"))].into(),
        };
        let lines = lines(&cluster, 3);
        assert_eq!(
            (&lines[0]["state"], &lines[1]["state"]),
            (&json!("up"), &json!("gone"))
        );
        assert_eq!(lines[0]["shards"], json!([0]));
        assert_eq!(lines[2], json!({ "node": null, "shards": [1, 2] }));
    }
}
