//! The cluster that this server is a node of, as the store last said it is.

use super::Admin;
use super::answers::AdminResult;
use super::route::Asked;
use crate::cluster::{NodeView, Overview};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;
use std::rc::Rc;

/// Nodes that share this server's store.
#[derive(Serialize, JsonSchema)]
pub(super) struct ClusterView {
    /// This server's name; null where it is no node of a cluster, and there are no others.
    node: Option<String>,
    /// Nodes of the last hour, this server among them.
    nodes: Vec<NodeView>,
    /// Shards that no node that lives runs. What is asked of them waits.
    unowned: BTreeSet<u16>,
}

pub(super) async fn show(admin: Rc<Admin>, _: Asked) -> AdminResult<ClusterView> {
    let Some(joined) = admin.mesh.joined() else {
        return Ok(ClusterView {
            node: None,
            nodes: Vec::new(),
            unowned: BTreeSet::new(),
        });
    };
    let Overview { nodes, unowned } = Overview::new(&joined.seen(), admin.mesh.shards());
    Ok(ClusterView {
        node: Some(joined.member.node.to_string()),
        nodes,
        unowned,
    })
}
