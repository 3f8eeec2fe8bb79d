//! What goes wrong with the settings of topics, subscriptions, snapshots and schemas.

use super::super::export::SettingsError;
use super::super::limits::{EXPIRATION_MIN, SCHEMA_REVISIONS_MAX};
use super::super::schema::DefinitionError;
use super::super::transform::TransformError;
use super::{PubsubError, failed, invalid, spoken, too_small};
use crate::grpc::{Code, Status};
use lclq_shards::pubsub::FilterError;

/// A method that pull subscriptions have and this one, with a push endpoint or an export, has not.
pub fn wrong_subscription_type() -> PubsubError {
    failed("This method is not supported for this subscription type.")
}

/// A retry policy whose bounds are the wrong way round.
pub fn backoff_order(
    minimum: &prost_types::Duration,
    maximum: &prost_types::Duration,
) -> PubsubError {
    invalid(format!(
        "The specified maximum_backoff {} cannot be smaller than minimum_backoff {}.",
        spoken(maximum.seconds, maximum.nanos),
        spoken(minimum.seconds, minimum.nanos)
    ))
}

/// A subscription that would keep messages longer than it lives itself.
pub fn retention_beyond_expiration(
    retention: &prost_types::Duration,
    ttl: &prost_types::Duration,
) -> PubsubError {
    invalid(format!(
        "The specified message_retention_duration {} cannot be greater than the \
         expiration_policy.ttl {}.",
        spoken(retention.seconds, retention.nanos),
        spoken(ttl.seconds, ttl.nanos)
    ))
}

/// A filter that can't be read.
pub fn invalid_filter(why: &FilterError) -> PubsubError {
    invalid(format!("Invalid filter expression: {why}"))
}

/// A schema definition that isn't one.
pub fn invalid_schema(why: &DefinitionError) -> PubsubError {
    invalid(format!("Invalid schema definition: {why}"))
}

/// A snapshot that would expire within the hour.
pub fn snapshot_too_old() -> PubsubError {
    failed(
        "The operation could not be completed because the requested snapshot would expire in less \
         than an hour: the subscription's oldest unacknowledged message is too old.",
    )
}

/// A write to a policy that has changed since it was read.
pub fn stale_etag() -> PubsubError {
    Status::new(
        Code::Aborted,
        "There were concurrent policy changes. Please retry the whole read-modify-write with \
         exponential backoff.",
    )
}

/// A subscription that would go sooner than one may.
pub fn expiration_too_short(ttl: &prost_types::Duration) -> PubsubError {
    too_small(
        "expiration_policy.ttl",
        spoken(ttl.seconds, ttl.nanos),
        spoken(EXPIRATION_MIN.as_secs() as i64, 0),
    )
}

/// A subscription that would deliver in several ways.
pub fn several_deliveries() -> PubsubError {
    invalid(
        "At most one of push_config, bigquery_config, bigtable_config and cloud_storage_config may \
         be set.",
    )
}

/// Exactly-once delivery where the server delivers by itself.
pub fn exactly_once_without_pull() -> PubsubError {
    invalid("Exactly-once delivery is supported for pull subscriptions only.")
}

/// A push endpoint that isn't one.
pub fn invalid_push_endpoint(endpoint: &str, why: &str) -> PubsubError {
    invalid(format!(
        "Invalid push endpoint given (endpoint={endpoint}): {why}."
    ))
}

/// A push attribute other than the only one that there is.
pub fn invalid_push_attribute(key: &str, known: &str) -> PubsubError {
    invalid(format!(
        "Invalid push attribute given (key={key}). The one there is is {known}."
    ))
}

/// An export to BigQuery under two schemas.
pub fn several_table_schemas() -> PubsubError {
    invalid("At most one of use_topic_schema and use_table_schema may be set.")
}

/// An export to Cloud Storage that can't be carried out.
pub fn invalid_export(why: &SettingsError) -> PubsubError {
    invalid(format!("Invalid cloud_storage_config given: its {why}."))
}

/// A transform that can't be carried out.
pub fn invalid_transform(why: &TransformError) -> PubsubError {
    invalid(format!("Invalid message transform given: {why}"))
}

/// A revision of a schema in another language than its others.
pub fn fixed_schema_type() -> PubsubError {
    invalid("The type of a schema can't be changed by a revision.")
}

/// A revision more than a schema can have. `id` is the last part of its name.
pub fn too_many_revisions(id: &str) -> PubsubError {
    failed(format!(
        "The schema has {SCHEMA_REVISIONS_MAX} revisions, which is the maximum (resource={id}). \
         Delete some first."
    ))
}

/// A schema that would be left without a revision. `id` is the last part of its name.
pub fn only_revision(id: &str) -> PubsubError {
    failed(format!(
        "The only revision of a schema can't be deleted (resource={id})."
    ))
}

/// A seek to a snapshot of another topic.
pub fn snapshot_of_other_topic() -> PubsubError {
    failed("The snapshot is of another topic than the subscription.")
}
