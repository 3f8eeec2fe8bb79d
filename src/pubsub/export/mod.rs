//! Cloud Storage subscriptions: messages gathered into objects of a bucket.
//!
//! A bucket is a directory, or lives behind an endpoint that speaks Cloud Storage's JSON API.
//! Messages are acknowledged when their object is stored for good, not before.

mod avro;
mod batch;
mod datetime;
pub(super) mod exporter;
mod settings;
mod store;
mod topic_schema;

pub use batch::{Batch, ExportMessage, Object};
pub use settings::{ExportFormat, ExportSettings, SettingsError};
pub use store::{BucketStore, StoreTarget};
pub use topic_schema::TopicSchema;
