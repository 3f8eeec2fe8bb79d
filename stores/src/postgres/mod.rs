//! Logs in a PostgreSQL database: a row is a record, and an append is one statement.

mod error;
mod limits;
mod log;
mod node;
mod numbers;
mod risks;
mod schema;
mod session;
mod settings;
mod statements;
mod tls;
mod work;
mod worker;

pub use error::PostgresError;
pub use log::{PostgresLog, Wake};
pub use node::PostgresNode;
pub use risks::Risk;
pub use settings::{LOG_SHARDS_MAX, PostgresSettings};
