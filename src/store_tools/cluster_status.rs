//! `lclq cluster status`: which nodes a store knows, for people.

use super::{open, print_lines};
use crate::cli::ClusterStatusArgs;
use crate::cluster::Overview;
use lclq_stores::{Cluster, NodeError};
use serde_json::{Value, json};
use std::io::Write;

/// Prints each node with the shards that it runs, and the shards that nobody runs.
///
/// # Errors
/// If the store can't be used.
pub fn status(args: &ClusterStatusArgs, out: &mut dyn Write) -> Result<(), NodeError> {
    let node = open(&args.store)?;
    let cluster = node.membership().look()?;
    Ok(print(&cluster, node.shards(), out)?)
}

/// Prints what a store knows.
pub(super) fn print(cluster: &Cluster, shards: u16, out: &mut dyn Write) -> std::io::Result<()> {
    print_lines(out, lines(cluster, shards))
}

fn lines(cluster: &Cluster, shards: u16) -> Vec<Value> {
    let Overview { nodes, unowned } = Overview::new(cluster, shards);
    let mut lines: Vec<Value> = nodes.iter().map(|node| json!(node)).collect();
    if !unowned.is_empty() {
        lines.push(json!({ "node": null, "shards": unowned }));
    }
    lines
}
