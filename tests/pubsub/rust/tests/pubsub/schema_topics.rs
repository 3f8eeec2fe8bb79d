//! Topics with a schema: what may be published to them.

use google_cloud_gax::error::rpc::Code;
use google_cloud_pubsub::error::PublishError;
use google_cloud_pubsub::model::schema::Type;
use google_cloud_pubsub::model::{Encoding, Message, Schema, SchemaSettings};
use lclq_pubsub_rust::*;

use crate::schemas::{AVRO, AVRO_WITH_DEFAULT, BOB_AVRO, BOB_JSON, BOB_PROTO, PROTO, create, definition};

const WRONG: &[u8] = br#"{"name":7}"#;

async fn topic_of(world: &World, schema: &Schema, encoding: Encoding) -> String {
    let settings = SchemaSettings::new().set_schema(&schema.name).set_encoding(encoding);
    world
        .topic_with(|topic| topic.set_schema_settings(settings))
        .await
        .unwrap()
        .name
}

fn bytes(data: &'static [u8]) -> Message {
    Message::new().set_data(bytes::Bytes::from_static(data))
}

#[track_caller]
fn refused(result: Result<String, PublishError>) {
    match result {
        Err(PublishError::Rpc(error)) => is(&error, Code::InvalidArgument, ""),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn messages_must_match_and_carry_the_schema() {
    let world = World::new().await;
    let schemas = world.schemas().await;
    let avro = create(&world, &schemas, Type::Avro, AVRO).await.unwrap();
    let proto = create(&world, &schemas, Type::ProtocolBuffer, PROTO).await.unwrap();
    for (schema, encoding, good) in [
        (&avro, Encoding::Json, BOB_JSON),
        (&avro, Encoding::Binary, BOB_AVRO),
        (&proto, Encoding::Json, BOB_JSON),
        (&proto, Encoding::Binary, BOB_PROTO),
    ] {
        let topic = topic_of(&world, schema, encoding.clone()).await;
        let subscription = world.subscription(&topic).await;
        let publisher = world.publisher(&topic).await;
        publisher.publish(bytes(good)).await.unwrap();
        refused(publisher.publish(bytes(WRONG)).await);
        let mut inbox = world.inbox(&subscription).await;
        let (got, handler) = inbox.next().await;
        handler.ack();
        assert_eq!(got.data, good);
        assert_eq!(got.attributes["googclient_schemaname"], schema.name);
        assert_eq!(got.attributes["googclient_schemaencoding"], encoding.name().unwrap());
        assert_eq!(got.attributes["googclient_schemarevisionid"], schema.revision_id);
        inbox.close().await;
        world
            .is_empty(&subscription, "the wrong message was not published")
            .await;
    }
}

#[tokio::test]
async fn new_revision_is_accepted() {
    let world = World::new().await;
    let schemas = world.schemas().await;
    let schema = create(&world, &schemas, Type::Avro, AVRO).await.unwrap();
    let topic = topic_of(&world, &schema, Encoding::Json).await;
    let publisher = world.publisher(&topic).await;
    let with_email = br#"{"name":"bob","age":30,"email":"b@c"}"#;
    refused(publisher.publish(bytes(with_email)).await);
    let commit = schemas
        .commit_schema()
        .set_name(&schema.name)
        .set_schema(definition(Type::Avro, AVRO_WITH_DEFAULT));
    commit.send().await.unwrap();
    publisher.publish(bytes(with_email)).await.unwrap();
}

#[tokio::test]
async fn settings_are_checked_and_read_back() {
    let world = World::new().await;
    let schemas = world.schemas().await;
    let missing = SchemaSettings::new()
        .set_schema(world.schema_name("missing"))
        .set_encoding(Encoding::Json);
    not_found(
        world.topic_with(|topic| topic.set_schema_settings(missing)).await,
        "missing",
    );
    let schema = create(&world, &schemas, Type::Avro, AVRO).await.unwrap();
    let topic = topic_of(&world, &schema, Encoding::Json).await;
    let read = || async {
        world
            .topics
            .get_topic()
            .set_topic(&topic)
            .send()
            .await
            .unwrap()
            .schema_settings
            .unwrap()
    };
    assert_eq!(read().await.schema, schema.name);
    assert_eq!(read().await.encoding, Encoding::Json);
    schemas.delete_schema().set_name(&schema.name).send().await.unwrap();
    assert_eq!(read().await.schema, "_deleted-schema_");
}
