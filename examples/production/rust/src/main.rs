//! Two consumers of orders, one of which charges an order whenever its message comes.

use aws_config::{BehaviorVersion, Region};
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use aws_sdk_sqs::{Client, config::Credentials};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::{env, error::Error};

const ORDERS: usize = 100;

async fn control(method: Method, path: &str, body: Value) -> reqwest::Result<Value> {
    let lclq = env::var("LCLQ_URL").unwrap_or("http://127.0.0.1:9000".into());
    let url = format!("{lclq}/api/v1/test/{path}");
    let request = reqwest::Client::new().request(method, url).json(&body);
    request.send().await?.error_for_status()?.json().await
}

/// How many orders were not charged exactly once.
async fn charged_wrongly(sqs: &Client, is_careful: bool) -> Result<usize, Box<dyn Error>> {
    let made = sqs.create_queue().queue_name("orders").send().await?;
    let url = made.queue_url().unwrap();
    for first in (0..ORDERS).step_by(10) {
        let mut batch = sqs.send_message_batch().queue_url(url);
        for n in first..first + 10 {
            let entry = SendMessageBatchRequestEntry::builder().id(n.to_string());
            batch = batch.entries(entry.message_body(format!("order {n}")).build()?);
        }
        batch.send().await?;
    }
    let (mut charges, mut done) = (HashMap::new(), HashSet::new());
    let mut empty = 0;
    while empty < 2 {
        let receive = sqs.receive_message().queue_url(url).max_number_of_messages(10);
        let got = receive.wait_time_seconds(1).send().await?;
        empty = if got.messages().is_empty() { empty + 1 } else { 0 };
        for message in got.messages() {
            let is_new = done.insert(message.message_id().unwrap().to_owned());
            if is_new || !is_careful {
                *charges.entry(message.body().unwrap().to_owned()).or_insert(0) += 1;
            }
            let handle = message.receipt_handle().unwrap();
            sqs.delete_message().queue_url(url).receipt_handle(handle).send().await?;
        }
    }
    Ok(ORDERS - charges.values().filter(|times| **times == 1).count())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let endpoint = env::var("AWS_ENDPOINT_URL").unwrap_or("http://127.0.0.1:9324".into());
    let config = aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "static"))
        .load()
        .await;
    let sqs = Client::new(&config);
    control(Method::POST, "reset", json!({})).await?;
    let often = json!({ "duplicated": 0.1, "back_after_delete": 0.1, "again_ms_max": 0 });
    control(Method::PUT, "profile", json!({ "seed": 1, "sqs": often })).await?;
    let careful = charged_wrongly(&sqs, true).await?;
    let careless = charged_wrongly(&sqs, false).await? > 0;
    control(Method::DELETE, "profile", json!({})).await?;
    let careless = if careless { "caught" } else { "not caught" };
    println!("careful: {careful} wrong charges, careless: {careless}");
    Ok(())
}
