//! A subscription with a filter gets only the messages whose attributes match it.

use google_cloud_pubsub::model::Message;

use crate::service::{Service, ack, texts};

pub async fn run(service: &mut Service) -> crate::Outcome {
    let topic = service.topic("events", |topic| topic).await?;
    let everything = service.subscribe(&topic, "events-all", |s| s).await?;
    let filter = r#"attributes.kind = "order""#;
    let orders = service.subscribe(&topic, "events-orders", |s| s.set_filter(filter)).await?;
    let message =
        |kind: &str, number| Message::new().set_data(format!("{kind}-{number}")).set_attributes([("kind", kind)]);
    service.publish(&topic, [1, 2].map(|number| message("visit", number))).await?;
    service.publish(&topic, [1, 2].map(|number| message("order", number))).await?;

    let got = texts(&service.receive(&everything, 4, ack).await?);
    assert_eq!(got, "order-1, order-2, visit-1, visit-2");
    println!("all: {got}");
    let got = texts(&service.receive(&orders, 2, ack).await?);
    assert_eq!(got, "order-1, order-2");
    println!("orders: {got}");
    Ok(())
}
