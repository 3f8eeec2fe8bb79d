//! A topic with a schema takes only messages that fit it.

use google_cloud_gax::error::rpc::Code;
use google_cloud_pubsub::error::PublishError;
use google_cloud_pubsub::model::schema::Type;
use google_cloud_pubsub::model::{Encoding, Message, Schema, SchemaSettings};

use crate::service::{Service, ack, text};

const ORDER: &str = r#"{
  "type": "record",
  "name": "Order",
  "fields": [{"name": "id", "type": "string"}, {"name": "amount", "type": "int"}]
}"#;

pub async fn run(service: &mut Service) -> crate::Outcome {
    let schemas = service.schemas().await?;
    let definition = Schema::new().set_type(Type::Avro).set_definition(ORDER);
    let create = schemas.create_schema().set_parent(&service.project).set_schema_id("order");
    let schema = create.set_schema(definition).send().await?.name;
    let settings = SchemaSettings::new().set_schema(&schema).set_encoding(Encoding::Json);
    let topic = service.topic("checked-orders", |topic| topic.set_schema_settings(settings)).await?;
    let subscription = service.subscribe(&topic, "checked-orders", |s| s).await?;

    let order = r#"{"id": "order-1", "amount": 3}"#;
    service.publish(&topic, [Message::new().set_data(order)]).await?;
    let refused = service.publish(&topic, [Message::new().set_data(r#"{"id": "order-2"}"#)]).await.unwrap_err();
    let Some(PublishError::Rpc(status)) = refused.downcast_ref() else { panic!("{refused}") };
    assert_eq!(status.status().map(|status| status.code), Some(Code::InvalidArgument));
    println!("refused an order without an amount");

    let message = service.receive(&subscription, 1, ack).await?.remove(0);
    assert_eq!(text(&message), order);
    assert_eq!(message.attributes["googclient_schemaencoding"], "JSON");
    println!("received order-1 with its amount");
    schemas.delete_schema().set_name(schema).send().await?;
    Ok(())
}
