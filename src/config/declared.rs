//! Resources that the file declares, as people write them. What values mean and allow is the
//! service's matter; keys are known here, so that a mistyped one is found.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A text map: attributes of endpoints, labels, tags.
type Texts = BTreeMap<String, String>;

/// Attributes of a queue by their names in SQS, without those that have keys of their own.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct QueueAttributes {
    /// Seconds that a received message stays hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 43_200))]
    pub visibility_timeout: Option<u32>,
    /// Seconds that a message is delayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 900))]
    pub delay_seconds: Option<u32>,
    /// Seconds that messages are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 60, max = 1_209_600))]
    pub message_retention_period: Option<u32>,
    /// Bytes that a message may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1_024, max = 1_048_576))]
    pub maximum_message_size: Option<u32>,
    /// Seconds that a receive waits which doesn't say for how long.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 20))]
    pub receive_message_wait_time_seconds: Option<u32>,
    /// Whether a FIFO queue takes a message's body for its deduplication id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_based_deduplication: Option<bool>,
    /// Within what a FIFO queue looks for duplicates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deduplication_scope: Option<DeduplicationScope>,
    /// What a FIFO queue's quota is for; kept, not enforced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fifo_throughput_limit: Option<FifoThroughputLimit>,
    /// Name of a key; kept, not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_master_key_id: Option<String>,
    /// Seconds that a data key is used; kept, not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 60, max = 86_400))]
    pub kms_data_key_reuse_period_seconds: Option<u32>,
    /// Whether the service encrypts; kept, not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sqs_managed_sse_enabled: Option<bool>,
    /// Which queues may have this one for their dead letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "json"))]
    pub redrive_allow_policy: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug)]
#[serde(rename_all = "camelCase")]
pub enum DeduplicationScope {
    Queue,
    MessageGroup,
}

#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug)]
#[serde(rename_all = "camelCase")]
pub enum FifoThroughputLimit {
    PerQueue,
    PerMessageGroupId,
}

/// Where messages go that are received too often.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DeadLetter {
    /// Name of the dead-letter queue.
    pub queue: String,
    /// Receives after which a message goes there.
    #[schemars(range(min = 1, max = 1000))]
    pub max_receive_count: u32,
}

/// An SQS queue.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Queue {
    /// Its name; one that ends in .fifo makes a FIFO queue.
    pub name: String,
    /// Attributes by their names in SQS, such as VisibilityTimeout.
    #[serde(default)]
    pub attributes: QueueAttributes,
    /// Its dead-letter queue.
    #[serde(default)]
    pub dead_letter: Option<DeadLetter>,
    /// Its tags.
    #[serde(default)]
    pub tags: Option<Texts>,
    /// Its access policy, as the JSON text that SQS takes.
    #[serde(default)]
    #[schemars(extend("format" = "json"))]
    pub policy: Option<String>,
}

/// What a schema is written in.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SchemaType {
    Avro,
    ProtocolBuffer,
}

/// How messages with a schema are encoded.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Encoding {
    Json,
    Binary,
}

/// Which of a source's log entries a topic gets.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Severity {
    Disabled,
    Debug,
    Info,
    Warning,
    Error,
}

/// Declares types whose keys in the file are the service's in kebab-case. Serialised they are what
/// its REST API takes.
macro_rules! of_the_service {
    ($($(#[$doc:meta])* $name:ident { $($(#[$of_field:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default)]
        #[serde(rename_all(serialize = "camelCase", deserialize = "kebab-case"), deny_unknown_fields)]
        #[schemars(rename_all = "kebab-case")]
        pub struct $name {
            $($(#[$of_field])*
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub $field: Option<$type>,)*
        }
    )*};
}

of_the_service! {
    /// A Pub/Sub schema.
    Schema {
        /// Its name, alone or with its project.
        name: String,
        /// What it is written in.
        r#type: SchemaType,
        /// Its text.
        definition: String,
    }
    /// A Pub/Sub topic.
    Topic {
        /// Its name, alone or with its project.
        name: String,
        /// Its labels.
        labels: Texts,
        /// How long published messages are kept, such as "600s".
        #[schemars(extend("format" = "duration"))]
        message_retention_duration: String,
        /// What its messages have to conform to.
        schema_settings: SchemaSettings,
        /// Where messages may be stored.
        message_storage_policy: MessageStoragePolicy,
        /// Name of a key; kept, not used.
        kms_key_name: String,
        /// Where messages come from besides publishers; kept, not done.
        ingestion_data_source_settings: IngestionDataSourceSettings,
        /// JavaScript that messages go through.
        message_transforms: Vec<MessageTransform>,
    }
    /// What messages have to conform to.
    SchemaSettings {
        /// Name of the schema.
        schema: String,
        /// How messages are encoded.
        encoding: Encoding,
        /// First revision that counts.
        first_revision_id: String,
        /// Last revision that counts.
        last_revision_id: String,
    }
    /// Where messages may be stored.
    MessageStoragePolicy {
        /// Names of regions.
        allowed_persistence_regions: Vec<String>,
        /// Whether publishers elsewhere are refused.
        enforce_in_transit: bool,
    }
    /// One step that messages go through.
    MessageTransform {
        /// A function in JavaScript.
        javascript_udf: JavaScriptUdf,
        /// Whether it is left out.
        disabled: bool,
    }
    /// A function in JavaScript.
    JavaScriptUdf {
        /// Its name in the code.
        function_name: String,
        /// The code.
        code: String,
    }
    /// A Pub/Sub subscription.
    Subscription {
        /// Its name, alone or with its project.
        name: String,
        /// Name of its topic.
        topic: String,
        /// Push instead of pull.
        push_config: PushConfig,
        /// Write to Cloud Storage instead.
        cloud_storage_config: CloudStorageConfig,
        /// Write to BigQuery instead; kept, not done.
        bigquery_config: BigQueryConfig,
        /// Write to Bigtable instead; kept, not done.
        bigtable_config: BigtableConfig,
        /// Seconds in which a message has to be acknowledged.
        #[schemars(range(min = 10, max = 600))]
        ack_deadline_seconds: i64,
        /// Whether acknowledged messages are kept, too.
        retain_acked_messages: bool,
        /// How long messages are kept, such as "600s".
        #[schemars(extend("format" = "duration"))]
        message_retention_duration: String,
        /// Its labels.
        labels: Texts,
        /// Whether messages with one key come in order.
        enable_message_ordering: bool,
        /// When it is deleted if nobody uses it.
        expiration_policy: ExpirationPolicy,
        /// Which messages are for it.
        filter: String,
        /// Where messages go that are delivered too often.
        dead_letter_policy: DeadLetterPolicy,
        /// When messages that aren't acknowledged come again.
        retry_policy: RetryPolicy,
        /// Whether an acknowledged message never comes again.
        enable_exactly_once_delivery: bool,
        /// JavaScript that messages go through.
        message_transforms: Vec<MessageTransform>,
    }
    /// Push.
    PushConfig {
        /// URL of the endpoint.
        push_endpoint: String,
        /// Attributes of the endpoint, such as x-goog-version.
        attributes: Texts,
        /// The token that requests carry.
        oidc_token: OidcToken,
        /// Push messages with their attributes, which is the default.
        pubsub_wrapper: PubsubWrapper,
        /// Push the data alone.
        no_wrapper: NoWrapper,
    }
    /// The usual form of a push has no settings.
    PubsubWrapper {}
    /// The token that push requests carry.
    OidcToken {
        /// Whom it names.
        service_account_email: String,
        /// Whom it is for.
        audience: String,
    }
    /// Push the data alone.
    NoWrapper {
        /// Whether attributes go into headers.
        write_metadata: bool,
    }
    /// Write to Cloud Storage.
    CloudStorageConfig {
        /// Name of the bucket.
        bucket: String,
        /// What objects' names begin with.
        filename_prefix: String,
        /// What objects' names end with.
        filename_suffix: String,
        /// Form of the time in objects' names.
        filename_datetime_format: String,
        /// Write text.
        text_config: TextConfig,
        /// Write Avro.
        avro_config: AvroConfig,
        /// How long an object may stay open, such as "60s".
        #[schemars(extend("format" = "duration"))]
        max_duration: String,
        /// Bytes that an object may have.
        max_bytes: i64,
        /// Messages that an object may have.
        max_messages: i64,
        /// Whose account writes.
        service_account_email: String,
    }
    /// Text has no settings.
    TextConfig {}
    /// Avro.
    AvroConfig {
        /// Whether attributes are written.
        write_metadata: bool,
        /// Whether the topic's schema is used.
        use_topic_schema: bool,
    }
    /// Write to BigQuery.
    BigQueryConfig {
        /// Name of the table.
        table: String,
        /// Whether the topic's schema is used.
        use_topic_schema: bool,
        /// Whether the table's schema is used.
        use_table_schema: bool,
        /// Whether attributes are written.
        write_metadata: bool,
        /// Whether fields that the table lacks are dropped.
        drop_unknown_fields: bool,
        /// Whose account writes.
        service_account_email: String,
    }
    /// Write to Bigtable.
    BigtableConfig {
        /// Name of the table.
        table: String,
        /// Id of the app profile.
        app_profile_id: String,
        /// Whose account writes.
        service_account_email: String,
        /// Whether attributes are written.
        write_metadata: bool,
        /// How messages become rows.
        column_family_mapping: ColumnFamilyMapping,
    }
    /// How messages become rows.
    ColumnFamilyMapping {
        /// By the schema's row key.
        row_key_schema: RowKeySchema,
        /// By fields in a row.
        delimited_key: DelimitedKey,
    }
    /// The schema's row key has no settings.
    RowKeySchema {}
    /// Fields in a row.
    DelimitedKey {
        /// Names of the fields.
        key_fields: Vec<String>,
        /// What stands between them, in base64.
        delimiter: String,
    }
    /// Where messages come from besides publishers.
    IngestionDataSourceSettings {
        /// Kinesis.
        aws_kinesis: AwsKinesis,
        /// Cloud Storage.
        cloud_storage: IngestedCloudStorage,
        /// Event Hubs.
        azure_event_hubs: AzureEventHubs,
        /// Amazon MSK.
        aws_msk: AwsMsk,
        /// Confluent Cloud.
        confluent_cloud: ConfluentCloud,
        /// Logs of the service.
        platform_logs_settings: PlatformLogsSettings,
    }
    /// Kinesis.
    AwsKinesis {
        /// ARN of the stream.
        stream_arn: String,
        /// ARN of the consumer.
        consumer_arn: String,
        /// ARN of the role.
        aws_role_arn: String,
        /// Whose account reads.
        gcp_service_account: String,
    }
    /// Cloud Storage as a source.
    IngestedCloudStorage {
        /// Name of the bucket.
        bucket: String,
        /// Read text.
        text_format: TextFormat,
        /// Read Avro.
        avro_format: AvroFormat,
        /// Read Avro that Pub/Sub has written.
        pubsub_avro_format: AvroFormat,
        /// Objects from then on, such as "2026-01-01T00:00:00Z".
        minimum_object_create_time: String,
        /// Which objects.
        match_glob: String,
    }
    /// Text.
    TextFormat {
        /// What stands between messages.
        delimiter: String,
    }
    /// Avro has no settings.
    AvroFormat {}
    /// Event Hubs.
    AzureEventHubs {
        /// Name of the resource group.
        resource_group: String,
        /// Name of the namespace.
        namespace: String,
        /// Name of the event hub.
        event_hub: String,
        /// Id of the client.
        client_id: String,
        /// Id of the tenant.
        tenant_id: String,
        /// Id of the subscription.
        subscription_id: String,
        /// Whose account reads.
        gcp_service_account: String,
    }
    /// Amazon MSK.
    AwsMsk {
        /// ARN of the cluster.
        cluster_arn: String,
        /// Name of the topic.
        topic: String,
        /// ARN of the role.
        aws_role_arn: String,
        /// Whose account reads.
        gcp_service_account: String,
    }
    /// Confluent Cloud.
    ConfluentCloud {
        /// Host and port of the bootstrap server.
        bootstrap_server: String,
        /// Id of the cluster.
        cluster_id: String,
        /// Name of the topic.
        topic: String,
        /// Id of the identity pool.
        identity_pool_id: String,
        /// Whose account reads.
        gcp_service_account: String,
    }
    /// Logs of the service.
    PlatformLogsSettings {
        /// How grave they have to be.
        severity: Severity,
    }
    /// When a subscription is deleted if nobody uses it.
    ExpirationPolicy {
        /// After how long, such as "86400s"; without it, never.
        #[schemars(extend("format" = "duration"))]
        ttl: String,
    }
    /// Where messages go that are delivered too often.
    DeadLetterPolicy {
        /// Name of the topic.
        dead_letter_topic: String,
        /// Deliveries after which a message goes there.
        #[schemars(range(min = 5, max = 100))]
        max_delivery_attempts: i64,
    }
    /// When messages that aren't acknowledged come again.
    RetryPolicy {
        /// At first after how long, such as "10s".
        #[schemars(extend("format" = "duration"))]
        minimum_backoff: String,
        /// At most after how long.
        #[schemars(extend("format" = "duration"))]
        maximum_backoff: String,
    }
    /// A snapshot, made once of what a subscription has then.
    Snapshot {
        /// Its name, alone or with its project.
        name: String,
        /// Name of the subscription.
        subscription: String,
        /// Its labels.
        labels: Texts,
    }
}

/// A resource and where it is declared.
#[derive(Clone, Debug)]
pub struct At<T> {
    pub file: String,
    pub line: usize,
    /// As it stands in the file.
    pub written: Value,
    pub value: T,
}

impl<T> At<T> {
    /// File and line, for people.
    pub fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }

    /// The name that the file gives it.
    pub fn name(&self) -> &str {
        self.written["name"].as_str().unwrap_or_default()
    }
}

/// Everything that a file declares. Pub/Sub's resources are what its REST API takes.
#[derive(Clone, Debug, Default)]
pub struct Declared {
    pub queues: Vec<At<Queue>>,
    pub schemas: Vec<At<Value>>,
    pub topics: Vec<At<Value>>,
    pub subscriptions: Vec<At<Value>>,
    pub snapshots: Vec<At<Value>>,
}

/// Lists of declared resources in a file, in the order in which they are made.
pub const LISTS: &[&str] = &["queues", "schemas", "topics", "subscriptions", "snapshots"];

impl Declared {
    /// All that is declared: its list, where it stands, its name and how it is written.
    pub fn entries(&self) -> impl Iterator<Item = (&'static str, String, &str, &Value)> {
        fn of<'d, T>(
            list: &'static str,
            all: &'d [At<T>],
        ) -> impl Iterator<Item = (&'static str, String, &'d str, &'d Value)> {
            all.iter()
                .map(move |at| (list, at.place(), at.name(), &at.written))
        }
        of("queues", &self.queues)
            .chain(of("schemas", &self.schemas))
            .chain(of("topics", &self.topics))
            .chain(of("subscriptions", &self.subscriptions))
            .chain(of("snapshots", &self.snapshots))
    }
}

#[cfg(test)]
mod tests {
    use crate::config::schema;
    use prost_reflect::{DescriptorPool, Kind, MessageDescriptor};
    use serde_json::Value;

    /// What the service says, what has a newer name, and what it takes and forgets.
    const NO_KEYS: &[&str] = &[
        "ai_inference",
        "analytics_hub_subscription_info",
        "compiled_proto_schema",
        "compression",
        "detached",
        "enabled",
        "revision_create_time",
        "revision_id",
        "satisfies_pzs",
        "state",
        "tags",
        "topic_message_retention_duration",
    ];

    fn assert_fields(schema: &Value, message: &MessageDescriptor) {
        if message.full_name().starts_with("google.protobuf.") || message.is_map_entry() {
            return;
        }
        for field in message.fields() {
            let key = field.name().replace('_', "-");
            let is_there = schema["properties"].get(&key).is_some();
            let is_left_out = NO_KEYS.contains(&field.name());
            assert!(is_there != is_left_out, "{}", field.full_name());
        }
        for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
            let name = key.replace('-', "_");
            let field = message.get_field_by_name(&name);
            let field = field.unwrap_or_else(|| panic!("{} has no {name}", message.full_name()));
            if let Kind::Message(message) = field.kind() {
                let is_list = schema["type"] == "array";
                assert_fields(if is_list { &schema["items"] } else { schema }, &message);
            }
        }
    }

    #[test]
    fn keys_of_pubsub_are_the_services() {
        let pool = DescriptorPool::decode(crate::proto::DESCRIPTORS).unwrap();
        let file = schema::of_file();
        for (list, message) in [
            ("schemas", "Schema"),
            ("topics", "Topic"),
            ("subscriptions", "Subscription"),
            ("snapshots", "CreateSnapshotRequest"),
        ] {
            let message = format!("google.pubsub.v1.{message}");
            let message = pool.get_message_by_name(&message).unwrap();
            assert_fields(&file["properties"][list]["items"], &message);
        }
    }
}
