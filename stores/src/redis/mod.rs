//! Logs in Redis or Valkey: a stream is a log, an entry is a record, and an append is one script.

mod database;
mod guard;
mod limits;
mod making;
mod members;
mod risks;
mod scripts;
mod session;
mod settings;
mod work;

pub use settings::RedisSettings;

use crate::NodeError;
use crate::remote::{AnyNode, Node, Surroundings, Usage};
use database::Redis;
use std::sync::Arc;

/// Starts a node.
pub(crate) fn start(
    settings: RedisSettings,
    surroundings: Surroundings,
    usage: Usage,
) -> Result<Box<dyn AnyNode>, NodeError> {
    let Surroundings { prepare, notice } = surroundings;
    let grace = settings.common().grace;
    let backend = Arc::new(Redis::new(settings, notice)?);
    Ok(Box::new(Node::start(backend, usage, prepare, grace)?))
}
