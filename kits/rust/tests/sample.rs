use aws_sdk_sqs::config::{Credentials, Region};
use lclq_testkit::{REGION, Sandbox, Server};
use std::time::Duration;

fn client(sandbox: &Sandbox) -> aws_sdk_sqs::Client {
    let config = aws_sdk_sqs::Config::builder()
        .endpoint_url(sandbox.endpoint())
        .region(Region::from_static(REGION))
        .credentials_provider(Credentials::new(
            sandbox.account(),
            "test",
            None,
            None,
            "lclq",
        ))
        // Not needed with the SDK's default features, which bring a client with TLS.
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    aws_sdk_sqs::Client::from_conf(config)
}

#[tokio::test]
async fn a_message_comes_back_after_its_visibility_timeout() {
    // Of this test's own, since it moves the clock; else `lclq_testkit::sandbox()`.
    let server = Server::start().expect("a server");
    let sqs = client(&server.sandbox());
    let made = sqs
        .create_queue()
        .queue_name("orders")
        .send()
        .await
        .expect("a queue");
    let url = made.queue_url().expect("its URL");
    let sent = sqs.send_message().queue_url(url).message_body("order 7");
    sent.send().await.expect("sent");

    let receive = async || {
        let got = sqs.receive_message().queue_url(url).send().await;
        got.expect("received").messages().len()
    };
    assert_eq!(receive().await, 1);
    assert_eq!(receive().await, 0);
    server
        .clock()
        .advance(Duration::from_secs(30))
        .expect("moved");
    assert_eq!(receive().await, 1);
}
