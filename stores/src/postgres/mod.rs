//! Logs in a PostgreSQL database: a row is a record, and an append is one statement.

mod database;
mod guard;
mod limits;
mod members;
mod query;
mod risks;
mod schema;
mod session;
mod settings;
mod statements;
mod tls;
mod work;

pub use settings::PostgresSettings;

use crate::NodeError;
use crate::remote::{AnyNode, Node, Surroundings, Usage};
use database::Database;
use std::sync::Arc;

/// Starts a node.
pub(crate) fn start(
    settings: PostgresSettings,
    surroundings: Surroundings,
    usage: Usage,
) -> Result<Box<dyn AnyNode>, NodeError> {
    let Surroundings { prepare, notice } = surroundings;
    let grace = settings.common().grace;
    let backend = Arc::new(Database::new(settings, notice)?);
    Ok(Box::new(Node::start(backend, usage, prepare, grace)?))
}
