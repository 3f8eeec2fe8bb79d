//! Pub/Sub's messages and services, and what they are made of.

pub use crate::proto::google::iam::v1 as iam;
pub use crate::proto::google::pubsub::v1::*;
pub use crate::proto::google::rpc;
pub use prost_types::{Duration, FieldMask, Timestamp};
