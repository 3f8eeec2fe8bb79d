//! `lclq cluster drain` and `move`: what somebody wants of a cluster is kept in its store, whose nodes see it with
//! their next sign of life. These wait until it is so.

use super::cluster_status::print;
use super::open;
use crate::cli::{ClusterDrainArgs, ClusterMoveArgs};
use crate::cluster::{NodeState, NodeView, Overview};
use lclq_stores::{NodeError, StoreNode, Wish};
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// Between two looks at whether it is so.
const LOOK_PAUSE: Duration = Duration::from_millis(100);

/// Why it isn't as somebody wants it.
#[derive(Debug, thiserror::Error)]
pub enum WishError {
    /// The store can't be used.
    #[error("{0}")]
    Store(#[from] NodeError),
    /// Nothing can be printed.
    #[error("{0}")]
    Output(#[from] io::Error),
    /// No node that lives is called so.
    #[error("no node that lives is called {0}, by name or address; lclq cluster status names them")]
    NoSuchNode(String),
    /// More than one is.
    #[error("more than one node is called {0}; write more of its name")]
    Ambiguous(String),
    /// Nobody would run shards.
    #[error("no other node would run shards: the others are drained, leaving or gone")]
    NobodyElse,
    /// It takes no shards.
    #[error("{0} takes no shards: it is drained, or leaving")]
    TakesNone(String),
    /// It isn't so yet.
    #[error("it is not done after {0} s; it is still wanted, so nodes go on")]
    NotYet(u64),
}

/// Has a node run no shards, or some again.
///
/// # Errors
/// If the store can't be used, there is no such node or nobody else, or it takes too long.
pub fn drain(args: &ClusterDrainArgs, out: &mut dyn Write) -> Result<(), WishError> {
    let store = open(&args.store)?;
    let nodes = living(&store)?;
    let node = named(&nodes, &args.node)?;
    let takes = |other: &NodeView| other.state == NodeState::Up && other.node != node.node;
    if !args.undo && !nodes.iter().any(takes) {
        return Err(WishError::NobodyElse);
    }
    store.membership().wish(Wish::Drain {
        node: node.node.as_str().into(),
        drained: !args.undo,
    })?;
    wait(&store, args.wait_s, out, |overview| {
        let found = overview.nodes.iter().find(|seen| seen.node == node.node);
        match args.undo {
            // What it gets is a matter of others, and may be nothing.
            true => found.is_none_or(|seen| seen.state == NodeState::Up),
            false => found.is_none_or(|seen| seen.shards.is_empty()) && overview.unowned.is_empty(),
        }
    })
}

/// Has a certain node run a shard, or whichever has its turn.
///
/// # Errors
/// As [`drain`], and if there is no such shard or the node takes none.
pub fn move_shard(args: &ClusterMoveArgs, out: &mut dyn Write) -> Result<(), WishError> {
    let store = open(&args.store)?;
    let (shard, shards) = (args.shard, store.shards());
    if shard >= shards {
        return Err(NodeError::NoSuchShard { shard, shards }.into());
    }
    let node = match &args.node {
        Some(wanted) => {
            let nodes = living(&store)?;
            let node = named(&nodes, wanted)?.clone();
            if node.state != NodeState::Up {
                return Err(WishError::TakesNone(wanted.clone()));
            }
            Some(node.node)
        }
        None => None,
    };
    store.membership().wish(Wish::Pin {
        shard,
        node: node.as_deref().map(Box::from),
    })?;
    wait(&store, args.wait_s, out, |overview| match &node {
        Some(node) => {
            let mut nodes = overview.nodes.iter();
            nodes.any(|seen| seen.node == *node && seen.shards.contains(&shard))
        }
        None => true,
    })
}

fn living(store: &StoreNode) -> Result<Vec<NodeView>, NodeError> {
    let cluster = store.membership().look()?;
    let mut nodes = Overview::new(&cluster, store.shards()).nodes;
    nodes.retain(|node| node.state != NodeState::Gone);
    Ok(nodes)
}

/// By its name, the beginning of it, or its address.
fn named<'n>(nodes: &'n [NodeView], wanted: &str) -> Result<&'n NodeView, WishError> {
    let is_called = |node: &&NodeView| {
        !wanted.is_empty() && (node.node.starts_with(wanted) || node.address == wanted)
    };
    let mut called = nodes.iter().filter(is_called);
    match (called.next(), called.next()) {
        (Some(node), None) => Ok(node),
        (Some(_), Some(_)) => Err(WishError::Ambiguous(wanted.to_owned())),
        (None, _) => Err(WishError::NoSuchNode(wanted.to_owned())),
    }
}

/// Waits until it is so, and prints how all nodes are.
fn wait(
    store: &StoreNode,
    wait_s: u64,
    out: &mut dyn Write,
    is_so: impl Fn(&Overview) -> bool,
) -> Result<(), WishError> {
    let until = Instant::now() + Duration::from_secs(wait_s);
    loop {
        let cluster = store.membership().look()?;
        let is_so = is_so(&Overview::new(&cluster, store.shards()));
        if is_so || Instant::now() >= until {
            print(&cluster, store.shards(), out)?;
            return match is_so || wait_s == 0 {
                true => Ok(()),
                false => Err(WishError::NotYet(wait_s)),
            };
        }
        std::thread::sleep(LOOK_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_called_by_name_its_beginning_or_address() {
        let node = |node: &str, address: &str| NodeView {
            node: node.to_owned(),
            address: address.to_owned(),
            state: NodeState::Up,
            silent_ms: 0,
            shards: [].into(),
            pinned: [].into(),
        };
        let nodes = [node("ab1", "10.0.0.1:9330"), node("ab2", "10.0.0.2:9330")];
        for wanted in ["ab1", "10.0.0.1:9330"] {
            assert_eq!(named(&nodes, wanted).unwrap().node, "ab1");
        }
        assert!(matches!(named(&nodes, "ab"), Err(WishError::Ambiguous(_))));
        for wanted in ["", "b1", "10.0.0.1"] {
            assert!(matches!(
                named(&nodes, wanted),
                Err(WishError::NoSuchNode(_))
            ));
        }
    }
}
