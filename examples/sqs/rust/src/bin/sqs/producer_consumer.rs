//! A producer and a consumer, side by side.

use std::collections::BTreeSet;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageAttributeValue, QueueAttributeName};

const ORDERS: [&str; 5] = ["order-1", "order-2", "order-3", "order-4", "order-5"];

pub async fn run(sqs: &Client) -> crate::Outcome {
    let url = &crate::create_queue(sqs, "orders", &[]).await?;
    let ((), handled) = tokio::try_join!(produce(sqs, url), consume(sqs, url))?;
    assert!(handled.iter().eq(ORDERS), "{handled:?}");

    let answer = sqs.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::All).send().await?;
    let counts = answer.attributes().unwrap();
    let left = counts[&QueueAttributeName::ApproximateNumberOfMessages].parse::<u32>()?
        + counts[&QueueAttributeName::ApproximateNumberOfMessagesNotVisible].parse::<u32>()?;
    assert_eq!(left, 0);
    println!("handled {} orders, {left} left", handled.len());
    sqs.delete_queue().queue_url(url).send().await?;
    Ok(())
}

async fn produce(sqs: &Client, url: &str) -> Result<(), aws_sdk_sqs::Error> {
    let currency = MessageAttributeValue::builder().data_type("String").string_value("EUR").build()?;
    for order in ORDERS {
        let send = sqs.send_message().queue_url(url).message_body(order);
        send.message_attributes("currency", currency.clone()).send().await?;
    }
    Ok(())
}

async fn consume(sqs: &Client, url: &str) -> Result<BTreeSet<String>, aws_sdk_sqs::Error> {
    let mut handled = BTreeSet::new();
    while handled.len() < ORDERS.len() {
        let receive = sqs.receive_message().queue_url(url).max_number_of_messages(10).wait_time_seconds(10);
        let answer = receive.message_attribute_names("All").send().await?;
        assert!(!answer.messages().is_empty(), "nothing came for 10 s");
        for message in answer.messages() {
            let currency = &message.message_attributes().unwrap()["currency"];
            assert_eq!(currency.string_value(), Some("EUR"));
            handled.insert(message.body().unwrap().to_owned());
            // What isn't deleted comes again when its visibility timeout has passed.
            crate::delete(sqs, url, message).await?;
        }
    }
    Ok(handled)
}
