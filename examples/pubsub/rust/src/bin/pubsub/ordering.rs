//! Messages with an ordering key come in the order in which they were published.

use google_cloud_pubsub::model::Message;

use crate::service::{Service, ack, text};

const STEPS: [&str; 3] = ["created", "paid", "shipped"];
const CUSTOMERS: [&str; 2] = ["customer-1", "customer-2"];

pub async fn run(service: &mut Service) -> crate::Outcome {
    let topic = service.topic("order-steps", |topic| topic).await?;
    let subscription = service.subscribe(&topic, "order-steps", |s| s.set_enable_message_ordering(true)).await?;
    let messages = STEPS
        .into_iter()
        .flat_map(|step| CUSTOMERS.map(|customer| Message::new().set_data(step).set_ordering_key(customer)));
    service.publish(&topic, messages).await?;

    let messages = service.receive(&subscription, STEPS.len() * CUSTOMERS.len(), ack).await?;
    for customer in CUSTOMERS {
        let of_customer = messages.iter().filter(|message| message.ordering_key == customer);
        let got: Vec<_> = of_customer.map(text).collect();
        assert_eq!(got, STEPS);
        println!("{customer}: {}", got.join(", "));
    }
    Ok(())
}
