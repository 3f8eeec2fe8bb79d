use aws_config::{BehaviorVersion, Region};
use aws_sdk_sqs::{Client, config::Credentials, types::QueueAttributeName};
use serde_json::{Value, json};
use std::{env, error::Error};

async fn control(method: reqwest::Method, path: &str, body: Value) -> reqwest::Result<Value> {
    let lclq = env::var("LCLQ_URL").unwrap_or("http://127.0.0.1:9000".into());
    let url = format!("{lclq}/api/v1/test/{path}");
    let request = reqwest::Client::new().request(method, url).json(&body);
    request.send().await?.error_for_status()?.json().await
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
    let post = |path, body| control(reqwest::Method::POST, path, body);
    post("reset", json!({})).await?;
    let made = sqs.create_queue().queue_name("jobs");
    let made = made.attributes(QueueAttributeName::VisibilityTimeout, "3600").send().await?;
    let url = made.queue_url().unwrap();

    // The first try fails, and the SDK tries again.
    let failing = json!({ "error": { "code": "InternalFailure" } });
    let rule = json!({ "dialect": "sqs", "action": "SendMessage", "times": 1, "effect": failing });
    post("faults", rule).await?;
    sqs.send_message().queue_url(url).message_body("job").send().await?;
    let rules = control(reqwest::Method::GET, "faults", json!({})).await?;
    control(reqwest::Method::DELETE, "faults", json!({})).await?;

    // An hour in which nobody deletes the message.
    let receive = || sqs.receive_message().queue_url(url).send();
    post("clock/stop", json!({})).await?;
    receive().await?;
    let at_once = receive().await?.messages().len();
    post("clock/advance", json!({ "ms": 3_600_000 })).await?;
    let later = receive().await?.messages().len();
    post("clock/resume", json!({})).await?;

    let failures = &rules["faults"][0]["fired"];
    println!("{failures} failure, {at_once} at once, {later} an hour later");
    Ok(())
}
