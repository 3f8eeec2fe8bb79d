//! Where a subscription's messages go other than to who pulls them.

use super::rules::{check_text, to_std};
use crate::pubsub::error::{
    PubsubResult, exactly_once_without_pull, invalid_argument, invalid_export,
    invalid_push_attribute, invalid_push_endpoint, several_deliveries, several_table_schemas,
};
use crate::pubsub::export::{ExportFormat, ExportSettings};
use crate::pubsub::limits::{PUSH_ENDPOINT_BYTES_MAX, SETTING_BYTES_MAX};
use crate::pubsub::proto::bigtable_config::column_family_mapping::KeyDefinition;
use crate::pubsub::proto::bigtable_config::{self, MessageMapping};
use crate::pubsub::proto::cloud_storage_config::OutputFormat;
use crate::pubsub::proto::push_config::AuthenticationMethod;
use crate::pubsub::proto::{
    BigQueryConfig, BigtableConfig, CloudStorageConfig, PushConfig, Subscription, big_query_config,
    cloud_storage_config,
};
use crate::pubsub::push::parse_endpoint;

/// The attribute that says what pushed messages look like.
const VERSION: &str = "x-goog-version";

/// Checks the configurations of a subscription, of which there may be one, and fills in what they
/// leave open.
pub(super) fn check_delivery(subscription: &mut Subscription) -> PubsubResult<()> {
    let push = subscription.push_config.get_or_insert_default();
    let pushes = !push.push_endpoint.is_empty();
    check_push(push)?;
    let kinds = [
        pushes,
        subscription.bigquery_config.is_some(),
        subscription.bigtable_config.is_some(),
        subscription.cloud_storage_config.is_some(),
    ];
    let kinds = kinds.into_iter().filter(|kind| *kind).count();
    if kinds > 1 {
        return Err(several_deliveries());
    }
    if kinds > 0 && subscription.enable_exactly_once_delivery {
        return Err(exactly_once_without_pull());
    }
    if let Some(config) = &mut subscription.bigquery_config {
        check_bigquery(config)?;
    }
    if let Some(config) = &mut subscription.bigtable_config {
        check_bigtable(config)?;
    }
    if let Some(config) = &mut subscription.cloud_storage_config {
        check_cloud_storage(config)?;
    }
    Ok(())
}

/// Checks a push configuration. One without an endpoint is that of a pull subscription, and is
/// emptied.
pub(super) fn check_push(push: &mut PushConfig) -> PubsubResult<()> {
    if push.push_endpoint.is_empty() {
        *push = PushConfig::default();
        return Ok(());
    }
    check_text(
        "push_config.push_endpoint",
        &push.push_endpoint,
        PUSH_ENDPOINT_BYTES_MAX,
    )?;
    parse_endpoint(&push.push_endpoint)
        .map_err(|why| invalid_push_endpoint(&push.push_endpoint, why))?;
    if let Some(AuthenticationMethod::OidcToken(token)) = &push.authentication_method {
        check_text(
            "push_config.oidc_token.service_account_email",
            &token.service_account_email,
            SETTING_BYTES_MAX,
        )?;
    }
    for (key, value) in &push.attributes {
        if key != VERSION {
            return Err(invalid_push_attribute(key, VERSION));
        }
        if !matches!(&**value, "v1" | "v1beta1" | "v1beta2") {
            return Err(invalid_argument("push_config.attributes"));
        }
    }
    push.attributes
        .entry(VERSION.into())
        .or_insert_with(|| "v1".into());
    Ok(())
}

fn check_bigquery(config: &mut BigQueryConfig) -> PubsubResult<()> {
    config.state = big_query_config::State::Active.into();
    // project.dataset.table, or project:dataset.table.
    let parts: Vec<&str> = config.table.split(['.', ':']).collect();
    if parts.len() < 3 || parts.iter().any(|part| part.is_empty()) {
        return Err(invalid_argument("bigquery_config.table"));
    }
    check_text("bigquery_config.table", &config.table, SETTING_BYTES_MAX)?;
    if config.use_topic_schema && config.use_table_schema {
        return Err(several_table_schemas());
    }
    if config.drop_unknown_fields && !config.use_topic_schema && !config.use_table_schema {
        return Err(invalid_argument("bigquery_config.drop_unknown_fields"));
    }
    Ok(())
}

fn check_bigtable(config: &mut BigtableConfig) -> PubsubResult<()> {
    config.state = bigtable_config::State::Active.into();
    check_text("bigtable_config.table", &config.table, SETTING_BYTES_MAX)?;
    let parts: Vec<&str> = config.table.split('/').collect();
    let is_good = matches!(
        parts[..],
        ["projects", project, "instances", instance, "tables", table]
            if !project.is_empty() && !instance.is_empty() && !table.is_empty()
    );
    if !is_good {
        return Err(invalid_argument("bigtable_config.table"));
    }
    if let Some(MessageMapping::ColumnFamilyMapping(mapping)) = &config.message_mapping
        && let Some(KeyDefinition::DelimitedKey(key)) = &mapping.key_definition
        && key.key_fields.is_empty()
    {
        return Err(invalid_argument(
            "bigtable_config.column_family_mapping.delimited_key.key_fields",
        ));
    }
    Ok(())
}

fn check_cloud_storage(config: &mut CloudStorageConfig) -> PubsubResult<()> {
    config.state = cloud_storage_config::State::Active.into();
    config
        .output_format
        .get_or_insert_with(|| OutputFormat::TextConfig(Default::default()));
    let settings = export_settings(config)?;
    settings.check().map_err(|why| invalid_export(&why))?;
    config
        .max_duration
        .get_or_insert_with(|| prost_types::Duration {
            seconds: settings.duration().as_secs() as i64,
            nanos: 0,
        });
    Ok(())
}

/// A configuration as the export has it.
pub(in crate::pubsub) fn export_settings(
    config: &CloudStorageConfig,
) -> PubsubResult<ExportSettings> {
    let count = |what: &str, count: i64| {
        u64::try_from(count).map_err(|_| invalid_argument(&format!("cloud_storage_config.{what}")))
    };
    let max_duration = match &config.max_duration {
        None => None,
        Some(duration) => Some(
            to_std(duration)
                .ok_or_else(|| invalid_argument("cloud_storage_config.max_duration"))?,
        ),
    };
    Ok(ExportSettings {
        bucket: config.bucket.clone(),
        filename_prefix: config.filename_prefix.clone(),
        filename_suffix: config.filename_suffix.clone(),
        filename_datetime_format: config.filename_datetime_format.clone(),
        format: match &config.output_format {
            Some(OutputFormat::AvroConfig(avro)) => ExportFormat::Avro {
                write_metadata: avro.write_metadata,
                use_topic_schema: avro.use_topic_schema,
            },
            Some(OutputFormat::TextConfig(_)) | None => ExportFormat::Text,
        },
        max_duration,
        max_bytes: count("max_bytes", config.max_bytes)?,
        max_messages: count("max_messages", config.max_messages)?,
    })
}
