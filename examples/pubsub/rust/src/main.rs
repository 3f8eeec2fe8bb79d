use google_cloud_auth::credentials::anonymous;
use google_cloud_pubsub::client::{Publisher, Subscriber, SubscriptionAdmin, TopicAdmin};
use google_cloud_pubsub::model::Message;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The library does not look at PUBSUB_EMULATOR_HOST itself.
    let host = std::env::var("PUBSUB_EMULATOR_HOST").unwrap_or("localhost:8085".into());
    let endpoint = format!("http://{host}");
    let nobody = anonymous::Builder::new().build();
    let topics = TopicAdmin::builder().with_endpoint(&endpoint).with_credentials(nobody.clone()).build().await?;
    let subscriptions =
        SubscriptionAdmin::builder().with_endpoint(&endpoint).with_credentials(nobody.clone()).build().await?;

    let topic = "projects/local/topics/hello-rust";
    let subscription = "projects/local/subscriptions/hello-rust";
    topics.create_topic().set_name(topic).send().await?;
    subscriptions.create_subscription().set_name(subscription).set_topic(topic).send().await?;

    let publisher =
        Publisher::builder(topic).with_endpoint(&endpoint).with_credentials(nobody.clone()).build().await?;
    publisher.publish(Message::new().set_data("Hello from Rust")).await?;

    let subscriber = Subscriber::builder().with_endpoint(&endpoint).with_credentials(nobody).build().await?;
    let mut stream = subscriber.subscribe(subscription).build();
    if let Some((message, handler)) = stream.next().await.transpose()? {
        println!("{}", String::from_utf8_lossy(&message.data));
        handler.ack();
    }
    stream.shutdown_token().shutdown().await;

    subscriptions.delete_subscription().set_subscription(subscription).send().await?;
    topics.delete_topic().set_topic(topic).send().await?;
    Ok(())
}
