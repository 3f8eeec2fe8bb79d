//! The service's limits, from its documentation, and those of the types that it is made of. Units
//! come last.

use std::time::Duration;

/// A day.
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Bytes of any encoded request.
pub const REQUEST_BYTES_MAX: usize = 10_485_760;
/// Items of a page.
pub const PAGE_ITEMS_MAX: usize = 1_000;
/// The last second of the year 9999, since 1970: the last of a `Timestamp`.
pub const TIMESTAMP_S_MAX: i64 = 253_402_300_799;

/// Bytes of one encoded publish request.
pub const PUBLISH_REQUEST_BYTES_MAX: usize = 10_000_000;
/// Messages of one publish request.
pub const PUBLISH_MESSAGES_MAX: usize = 1_000;
/// Bytes of one message's data.
pub const DATA_BYTES_MAX: usize = 10_000_000;
/// Attributes of a message.
pub const ATTRIBUTES_MAX: usize = 100;
/// Key of an attribute.
pub const ATTRIBUTE_KEY_BYTES_MAX: usize = 256;
/// Value of an attribute.
pub const ATTRIBUTE_VALUE_BYTES_MAX: usize = 1024;
/// Ordering key of a message.
pub const ORDERING_KEY_BYTES_MAX: usize = 1024;

/// Bytes of one request that acknowledges or changes deadlines.
pub const ACK_REQUEST_BYTES_MAX: usize = 512 * 1024;
/// Ack deadline of a subscription or a stream. A message's own can be changed to 0.
pub const ACK_DEADLINE_S_MIN: i32 = 10;
/// Any ack deadline.
pub const ACK_DEADLINE_S_MAX: i32 = 600;

/// Characters of a resource's id.
pub const ID_CHARS_MIN: usize = 3;
/// Characters of a resource's id.
pub const ID_CHARS_MAX: usize = 255;
/// Bytes of a project's id. The service's are shorter.
pub const PROJECT_BYTES_MAX: usize = 255;
/// Labels of a resource.
pub const LABELS_MAX: usize = 64;
/// Key or value of a label.
pub const LABEL_CHARS_MAX: usize = 63;

/// Time that a topic or subscription keeps messages.
pub const RETENTION_MIN: Duration = Duration::from_secs(10 * 60);
/// Time that a topic or subscription keeps messages.
pub const RETENTION_MAX: Duration = Duration::from_secs(31 * 24 * 60 * 60);
/// Time of inactivity after which a subscription goes.
pub const EXPIRATION_MIN: Duration = DAY;
/// Deliveries of a message before it is dead-lettered.
pub const DELIVERY_ATTEMPTS_MIN: i32 = 5;
/// Deliveries of a message before it is dead-lettered.
pub const DELIVERY_ATTEMPTS_MAX: i32 = 100;
/// Pause before a message is delivered again.
pub const BACKOFF_MAX: Duration = Duration::from_secs(600);
/// Bytes of a push endpoint.
pub const PUSH_ENDPOINT_BYTES_MAX: usize = 8192;
/// Bytes of a text among a subscription's or topic's settings that has no limit of its own.
pub const SETTING_BYTES_MAX: usize = 2048;

/// Time from a snapshot's making to its end.
pub const SNAPSHOT_LIFETIME_MS_MAX: u64 = 7 * 24 * 60 * 60 * 1000;
/// Time from a snapshot's making to its end.
pub const SNAPSHOT_LIFETIME_MS_MIN: u64 = 60 * 60 * 1000;

/// Revisions of a schema.
pub const SCHEMA_REVISIONS_MAX: usize = 20;
/// Bytes of a schema's definition.
pub const DEFINITION_BYTES_MAX: usize = 300_000;

/// Message transforms of one topic or subscription.
pub const TRANSFORMS_MAX: usize = 5;
/// Bytes of a user-defined function's code.
pub const CODE_BYTES_MAX: usize = 20 * 1024;
/// Bytes of a user-defined function's name.
pub const FUNCTION_NAME_BYTES_MAX: usize = 256;
/// Time for which one call of a user-defined function may run.
pub const SCRIPT_MS_MAX: u64 = 500;

/// Permissions that are tested at once.
pub const PERMISSIONS_MAX: usize = 100;
/// Bindings of a policy.
pub const BINDINGS_MAX: usize = 1_500;
/// Members of all bindings together, as the service's quota of principals.
pub const MEMBERS_MAX: usize = 1_500;

/// Age of an export's open batch.
pub const EXPORT_DURATION_MIN: Duration = Duration::from_secs(60);
/// Age of an export's open batch.
pub const EXPORT_DURATION_MAX: Duration = Duration::from_secs(600);
/// Size of an exported object.
pub const EXPORT_BYTES_MIN: u64 = 1_000;
/// Size of an exported object.
pub const EXPORT_BYTES_MAX: u64 = 10 << 30;
/// Least bound of an exported object's messages.
pub const EXPORT_MESSAGES_MIN: u64 = 1_000;
/// Characters of a bucket's name, dots included.
pub const BUCKET_CHARS_MIN: usize = 3;
/// Characters of a bucket's name, dots included.
pub const BUCKET_CHARS_MAX: usize = 222;
/// Bytes of an object's whole name.
pub const OBJECT_NAME_BYTES_MAX: usize = 1024;
