//! Consumes queues by the AWS SDK while nodes of a cluster hand over. tests/sdk/hand_over/run.py says what it is given.

use std::fs::File;
use std::io::Write;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Credentials;
use aws_sdk_sqs::error::DisplayErrorContext;

type Report = Arc<Mutex<File>>;

fn report(report: &Report, line: &str) {
    let mut file = report.lock().expect("nobody panics with it");
    writeln!(file, "{line}").expect("the report can be written");
}

/// Takes messages until one says that it was the last.
async fn consume(client: Client, url: String, to: Report) -> Result<(), aws_sdk_sqs::Error> {
    loop {
        let received = client.receive_message().queue_url(&url);
        let received = received.max_number_of_messages(10).wait_time_seconds(20);
        for message in received.send().await?.messages() {
            let delete = client.delete_message().queue_url(&url);
            let handle = message.receipt_handle().expect("a handle");
            delete.receipt_handle(handle).send().await?;
            match message.body().expect("a body") {
                "end" => return Ok(()),
                body => report(&to, body),
            }
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let variable = |name| std::env::var(name).expect("tests/sdk/hand_over/run.py starts this");
    let config = aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(variable("LCLQ_ENDPOINT"))
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "tests"))
        .retry_config(RetryConfig::disabled())
        .load()
        .await;
    let client = Client::new(&config);
    let file = File::options().create(true).append(true).open(variable("LCLQ_REPORT"));
    let file = Arc::new(Mutex::new(file.expect("the report can be made")));
    let urls = variable("LCLQ_QUEUE_URLS");
    let consumers = urls
        .split_whitespace()
        .map(|url| tokio::spawn(consume(client.clone(), url.to_owned(), file.clone())));
    let mut code = ExitCode::SUCCESS;
    for consumer in consumers.collect::<Vec<_>>() {
        if let Err(error) = consumer.await.expect("it doesn't panic") {
            report(&file, &format!("error {}", DisplayErrorContext(&error)));
            code = ExitCode::FAILURE;
        }
    }
    code
}
