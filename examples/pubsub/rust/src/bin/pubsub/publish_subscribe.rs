//! A topic with two subscriptions, each of which gets every message.

use google_cloud_pubsub::model::Message;

use crate::service::{Service, ack, texts};

pub async fn run(service: &mut Service) -> crate::Outcome {
    let topic = service.topic("orders", |topic| topic).await?;
    let billing = service.subscribe(&topic, "orders-billing", |s| s).await?;
    let shipping = service.subscribe(&topic, "orders-shipping", |s| s).await?;
    let orders = ["order-1", "order-2", "order-3"];
    let messages = orders.map(|order| Message::new().set_data(order).set_attributes([("currency", "EUR")]));
    service.publish(&topic, messages).await?;

    for (name, subscription) in [("billing", billing), ("shipping", shipping)] {
        let messages = service.receive(&subscription, orders.len(), ack).await?;
        assert!(messages.iter().all(|message| message.attributes["currency"] == "EUR"));
        assert_eq!(texts(&messages), orders.join(", "));
        println!("{name}: {}", texts(&messages));
    }
    Ok(())
}
