use aws_config::{BehaviorVersion, Region};
use aws_sdk_sqs::{Client, Error, config::Credentials};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let endpoint = std::env::var("AWS_ENDPOINT_URL").unwrap_or("http://127.0.0.1:9324".into());
    let config = aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "static"))
        .load()
        .await;
    let sqs = Client::new(&config);

    let queue = sqs.create_queue().queue_name("hello").send().await?;
    let url = queue.queue_url().unwrap();
    sqs.send_message().queue_url(url).message_body("Hello from Rust").send().await?;

    let answer = sqs.receive_message().queue_url(url).wait_time_seconds(10).send().await?;
    for message in answer.messages() {
        println!("{}", message.body().unwrap());
        let handle = message.receipt_handle().unwrap();
        sqs.delete_message().queue_url(url).receipt_handle(handle).send().await?;
    }
    Ok(())
}
