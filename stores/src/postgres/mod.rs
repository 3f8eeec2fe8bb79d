//! Logs in a PostgreSQL database: a row is a record, and an append is one statement.

mod database;
mod error;
mod guard;
mod limits;
mod node;
mod numbers;
mod risks;
mod schema;
mod session;
mod settings;
mod statements;
mod tls;
mod work;

pub use error::PostgresError;
pub use node::{PostgresNode, PostgresStore};
pub use risks::Risk;
pub use settings::{LOG_SHARDS_MAX, PostgresSettings};
