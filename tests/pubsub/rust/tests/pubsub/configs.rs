//! The configurations that subscriptions and topics carry for other services, and transforms.

use google_cloud_pubsub::model::cloud_storage_config::TextConfig;
use google_cloud_pubsub::model::ingestion_data_source_settings::AwsKinesis;
use google_cloud_pubsub::model::{
    BigQueryConfig, CloudStorageConfig, IngestionDataSourceSettings, JavaScriptUDF, MessageTransform, big_query_config,
};
use lclq_pubsub_rust::*;

fn javascript(name: &str, code: &str) -> MessageTransform {
    MessageTransform::new().set_javascript_udf(JavaScriptUDF::new().set_function_name(name).set_code(code))
}

#[tokio::test]
async fn bigquery_config_reads_back() {
    let world = World::new().await;
    let topic = world.topic().await;
    let config = BigQueryConfig::new()
        .set_table("project.dataset.table")
        .set_write_metadata(true);
    let made = world
        .subscription_with(&topic, |s| s.set_bigquery_config(config))
        .await
        .unwrap();
    let config = made.bigquery_config.as_ref().unwrap();
    assert_eq!(config.table, "project.dataset.table");
    assert!(config.write_metadata);
    assert_eq!(config.state, big_query_config::State::Active);
    assert_eq!(made, world.get(&made.name).await);
}

#[tokio::test]
async fn cloud_storage_config_reads_back() {
    let world = World::new().await;
    let topic = world.topic().await;
    let config = CloudStorageConfig::new()
        .set_bucket("my-bucket")
        .set_filename_prefix("log_")
        .set_max_duration(seconds(60))
        .set_max_bytes(1_000_000)
        .set_text_config(TextConfig::new());
    let made = world
        .subscription_with(&topic, |s| s.set_cloud_storage_config(config))
        .await
        .unwrap();
    let config = made.cloud_storage_config.as_ref().unwrap();
    assert_eq!(
        (config.bucket.as_str(), config.filename_prefix.as_str()),
        ("my-bucket", "log_")
    );
    assert_eq!((config.max_duration, config.max_bytes), (Some(seconds(60)), 1_000_000));
    assert!(config.text_config().is_some());
    assert_eq!(made, world.get(&made.name).await);
}

#[tokio::test]
async fn ingestion_settings_read_back() {
    let world = World::new().await;
    let kinesis = AwsKinesis::new()
        .set_stream_arn("arn:aws:kinesis:us-east-1:111111111111:stream/s")
        .set_consumer_arn("arn:aws:kinesis:us-east-1:111111111111:stream/s/consumer/c:1")
        .set_aws_role_arn("arn:aws:iam::111111111111:role/r")
        .set_gcp_service_account("a@b.iam.gserviceaccount.com");
    let settings = IngestionDataSourceSettings::new().set_aws_kinesis(kinesis.clone());
    let made = world
        .topic_with(|topic| topic.set_ingestion_data_source_settings(settings))
        .await
        .unwrap();
    let stored = made
        .ingestion_data_source_settings
        .as_ref()
        .unwrap()
        .aws_kinesis()
        .unwrap();
    assert_eq!(stored.stream_arn, kinesis.stream_arn);
    assert_eq!(stored.aws_role_arn, kinesis.aws_role_arn);
    assert_eq!(
        made,
        world.topics.get_topic().set_topic(&made.name).send().await.unwrap()
    );
}

#[tokio::test]
async fn transforms_run_on_topics_and_subscriptions() {
    let world = World::new().await;
    let shout = "function shout(message, metadata) { message.data = message.data.toUpperCase(); return message; }";
    let short = "function short(message, metadata) { return message.data.length > 5 ? null : message; }";
    let topic = world
        .topic_with(|topic| topic.set_message_transforms([javascript("shout", shout)]))
        .await
        .unwrap();
    assert_eq!(topic.message_transforms.len(), 1);
    let filtering = world
        .subscription_with(&topic.name, |s| s.set_message_transforms([javascript("short", short)]))
        .await
        .unwrap()
        .name;
    let plain = world.subscription(&topic.name).await;
    world.publish(&topic.name, &["much too long", "fits"]).await;
    assert_eq!(sorted(world.take(&plain, 2).await), ["FITS", "MUCH TOO LONG"]);
    assert_eq!(world.take(&filtering, 1).await, ["FITS"]);
    world.is_empty(&filtering, "null drops the message").await;
    let broken = javascript("f", "function f(message {");
    invalid(
        world.topic_with(|topic| topic.set_message_transforms([broken])).await,
        "",
    );
}
