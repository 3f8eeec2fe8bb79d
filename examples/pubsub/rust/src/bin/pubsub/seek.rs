//! Going back to a snapshot: messages that were acknowledged since come again.

use google_cloud_pubsub::model::Message;

use crate::service::{Service, ack, texts};

pub async fn run(service: &mut Service) -> crate::Outcome {
    let topic = service.topic("replayed-orders", |topic| topic).await?;
    let subscription = service.subscribe(&topic, "replayed-orders", |s| s).await?;
    let orders = ["order-1", "order-2", "order-3"];
    service.publish(&topic, orders.map(|order| Message::new().set_data(order))).await?;
    let snapshot = format!("{}/snapshots/before-the-release", service.project);
    let create = service.subscriptions.create_snapshot().set_name(&snapshot);
    create.set_subscription(&subscription).send().await?;

    let got = texts(&service.receive(&subscription, orders.len(), ack).await?);
    assert_eq!(got, orders.join(", "));
    println!("handled {}, by a release with a fault", orders.len());

    let seek = service.subscriptions.seek().set_subscription(&subscription);
    seek.set_snapshot(&snapshot).send().await?;
    let got = texts(&service.receive(&subscription, orders.len(), ack).await?);
    assert_eq!(got, orders.join(", "));
    println!("again, from the snapshot: {got}");
    service.subscriptions.delete_snapshot().set_snapshot(snapshot).send().await?;
    Ok(())
}
