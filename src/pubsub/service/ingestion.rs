//! Sources that would publish to a topic by themselves. They are checked, kept and shown.

use super::rules::check_text;
use crate::pubsub::error::{PubsubResult, invalid_argument};
use crate::pubsub::limits::SETTING_BYTES_MAX;
use crate::pubsub::proto::IngestionDataSourceSettings;
use crate::pubsub::proto::ingestion_data_source_settings::cloud_storage::InputFormat;
use crate::pubsub::proto::ingestion_data_source_settings::{
    Source, aws_kinesis, aws_msk, azure_event_hubs, cloud_storage, confluent_cloud,
};

/// Checks that a source says what it must, and sets its state.
pub(super) fn check_ingestion(settings: &mut IngestionDataSourceSettings) -> PubsubResult<()> {
    let Some(source) = &mut settings.source else {
        // Logging alone may be set.
        return Ok(());
    };
    match source {
        Source::AwsKinesis(kinesis) => {
            kinesis.state = aws_kinesis::State::Active.into();
            required("aws_kinesis.stream_arn", &kinesis.stream_arn)?;
            required("aws_kinesis.consumer_arn", &kinesis.consumer_arn)?;
            required("aws_kinesis.aws_role_arn", &kinesis.aws_role_arn)?;
            required(
                "aws_kinesis.gcp_service_account",
                &kinesis.gcp_service_account,
            )
        }
        Source::CloudStorage(storage) => {
            storage.state = cloud_storage::State::Active.into();
            required("cloud_storage.bucket", &storage.bucket)?;
            match &storage.input_format {
                None => Err(invalid_argument("cloud_storage.input_format")),
                Some(InputFormat::TextFormat(format))
                    if format
                        .delimiter
                        .as_ref()
                        .is_some_and(|delimiter| delimiter.chars().count() != 1) =>
                {
                    Err(invalid_argument("cloud_storage.text_format.delimiter"))
                }
                Some(_) => Ok(()),
            }
        }
        Source::AzureEventHubs(hubs) => {
            hubs.state = azure_event_hubs::State::Active.into();
            required("azure_event_hubs.namespace", &hubs.namespace)?;
            required("azure_event_hubs.event_hub", &hubs.event_hub)?;
            required("azure_event_hubs.client_id", &hubs.client_id)?;
            required("azure_event_hubs.tenant_id", &hubs.tenant_id)
        }
        Source::AwsMsk(msk) => {
            msk.state = aws_msk::State::Active.into();
            required("aws_msk.cluster_arn", &msk.cluster_arn)?;
            required("aws_msk.topic", &msk.topic)?;
            required("aws_msk.aws_role_arn", &msk.aws_role_arn)?;
            required("aws_msk.gcp_service_account", &msk.gcp_service_account)
        }
        Source::ConfluentCloud(cloud) => {
            cloud.state = confluent_cloud::State::Active.into();
            required("confluent_cloud.bootstrap_server", &cloud.bootstrap_server)?;
            required("confluent_cloud.topic", &cloud.topic)?;
            required("confluent_cloud.identity_pool_id", &cloud.identity_pool_id)?;
            required(
                "confluent_cloud.gcp_service_account",
                &cloud.gcp_service_account,
            )
        }
    }
}

fn required(what: &str, text: &str) -> PubsubResult<()> {
    check_text(
        &format!("ingestion_data_source_settings.{what}"),
        text,
        SETTING_BYTES_MAX,
    )
}
