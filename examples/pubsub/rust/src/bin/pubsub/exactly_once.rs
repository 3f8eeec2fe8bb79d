//! Exactly-once delivery: an acknowledgement has an answer, and what it confirmed never comes again.

use google_cloud_pubsub::model::Message;
use google_cloud_pubsub::subscriber::handler::Handler;

use crate::service::{Service, texts};

pub async fn run(service: &mut Service) -> crate::Outcome {
    let topic = service.topic("single-orders", |topic| topic).await?;
    let subscription = service.subscribe(&topic, "single-orders", |s| s.set_enable_exactly_once_delivery(true)).await?;
    let orders = ["order-1", "order-2", "order-3"];
    service.publish(&topic, orders.map(|order| Message::new().set_data(order))).await?;
    let first = service.receive(&subscription, orders.len(), confirmed_ack).await?;
    println!("{} acknowledgements confirmed", first.len());

    // What comes now is only what is new.
    service.publish(&topic, [Message::new().set_data("order-4")]).await?;
    let second = service.receive(&subscription, 1, confirmed_ack).await?;
    assert_eq!(texts(&second), "order-4");
    println!("none came again");
    Ok(())
}

async fn confirmed_ack(_: &Message, handler: Handler) -> crate::Outcome {
    let Handler::ExactlyOnce(handler) = handler else { Err("the subscription isn't exactly-once")? };
    Ok(handler.confirmed_ack().await?)
}
