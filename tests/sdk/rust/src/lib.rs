//! What every test shares: a client, queues that clean up after themselves, and
//! a few ways to wait for messages and to expect errors.

use std::collections::HashMap;
use std::future::Future;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, Region};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Credentials;
use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::operation::get_queue_attributes::GetQueueAttributesOutput;
use aws_sdk_sqs::operation::receive_message::builders::ReceiveMessageFluentBuilder;
use aws_sdk_sqs::operation::send_message::builders::SendMessageFluentBuilder;
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName};
use md5::{Digest, Md5};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

/// One runtime for all tests, so that they share one client and its connections.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a tokio runtime"));

static CLIENT: OnceCell<Client> = OnceCell::const_new();

/// Runs one test to its end.
pub fn run(test: impl Future<Output = ()>) {
    RUNTIME.block_on(test);
}

pub fn endpoint() -> String {
    let url = std::env::var("LCLQ_ENDPOINT").expect("LCLQ_ENDPOINT must name a running server");
    url.trim_end_matches('/').to_owned()
}

/// The client that nearly all tests share.
pub async fn client() -> Client {
    CLIENT.get_or_init(|| client_in("us-east-1", "test")).await.clone()
}

/// A client of its own, for some region and account.
pub async fn client_in(region: &'static str, access_key: &str) -> Client {
    client_at(endpoint(), region, access_key).await
}

pub async fn client_at(endpoint: String, region: &'static str, access_key: &str) -> Client {
    let config = aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(Region::new(region))
        .credentials_provider(Credentials::new(access_key, "test", None, None, "tests"))
        .load()
        .await;
    Client::new(&config)
}

pub fn unique(prefix: &str) -> String {
    format!("{prefix}-{}", uuid::Uuid::new_v4())
}

pub type Attributes<'a> = &'a [(&'a str, &'a str)];

/// A FIFO queue that deduplicates by content.
pub const FIFO: Attributes = &[("FifoQueue", "true"), ("ContentBasedDeduplication", "true")];

/// A FIFO queue whose messages need deduplication ids.
pub const FIFO_BY_ID: Attributes = &[("FifoQueue", "true")];

pub fn named(attributes: Attributes) -> HashMap<QueueAttributeName, String> {
    attributes
        .iter()
        .map(|(name, value)| (QueueAttributeName::from(*name), value.to_string()))
        .collect()
}

/// A queue of one test, deleted when it goes out of scope.
pub struct Queue {
    pub client: Client,
    pub url: String,
    pub name: String,
    pub arn: String,
}

impl Drop for Queue {
    fn drop(&mut self) {
        let request = self.client.delete_queue().queue_url(&self.url);
        // The outcome doesn't matter: the test may have deleted the queue itself.
        let delete = async { drop(request.send().await) };
        tokio::task::block_in_place(|| RUNTIME.handle().block_on(delete));
    }
}

impl Queue {
    pub async fn standard() -> Queue {
        Queue::with(&[]).await
    }

    pub async fn fifo() -> Queue {
        Queue::with(FIFO).await
    }

    /// A queue with a unique name; `.fifo` is added where the attributes ask for it.
    pub async fn with(attributes: Attributes<'_>) -> Queue {
        let fifo = attributes.contains(&("FifoQueue", "true"));
        let name = unique("rust") + if fifo { ".fifo" } else { "" };
        Queue::create(client().await, &name, attributes).await
    }

    pub async fn create(client: Client, name: &str, attributes: Attributes<'_>) -> Queue {
        let request = client
            .create_queue()
            .queue_name(name)
            .set_attributes(Some(named(attributes)));
        let url = request.send().await.expect("create").queue_url.expect("a queue URL");
        let mut queue = Queue {
            client,
            url,
            name: name.to_owned(),
            arn: String::new(),
        };
        queue.arn = queue.attribute("QueueArn").await.expect("QueueArn");
        queue
    }

    pub async fn attributes(&self, names: &[&str]) -> GetQueueAttributesOutput {
        let names = names.iter().map(|name| QueueAttributeName::from(*name)).collect();
        let request = self.client.get_queue_attributes().queue_url(&self.url);
        request
            .set_attribute_names(Some(names))
            .send()
            .await
            .expect("attributes")
    }

    pub async fn attribute(&self, name: &str) -> Option<String> {
        self.attributes(&[name])
            .await
            .attributes?
            .remove(&QueueAttributeName::from(name))
    }

    pub async fn set(&self, attributes: Attributes<'_>) -> Result<(), aws_sdk_sqs::Error> {
        let request = self.client.set_queue_attributes().queue_url(&self.url);
        request.set_attributes(Some(named(attributes))).send().await?;
        Ok(())
    }

    pub fn sending(&self, body: impl Into<String>) -> SendMessageFluentBuilder {
        self.client.send_message().queue_url(&self.url).message_body(body)
    }

    /// Sends a body, and answers the message's id.
    pub async fn send(&self, body: impl Into<String>) -> String {
        self.sending(body)
            .send()
            .await
            .expect("send")
            .message_id
            .expect("a message id")
    }

    /// Sends to a group of a FIFO queue, and answers the sequence numbers.
    pub async fn send_group(&self, group: &str, bodies: &[&str]) -> Vec<String> {
        let mut numbers = Vec::new();
        for body in bodies {
            let sent = self.sending(*body).message_group_id(group).send().await.expect("send");
            numbers.push(sent.sequence_number.expect("a sequence number"));
        }
        numbers
    }

    /// One receive of up to ten messages with everything that comes with them.
    pub fn receiving(&self) -> ReceiveMessageFluentBuilder {
        self.client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(10)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::All)
    }

    pub async fn receive(&self) -> Vec<Message> {
        messages(self.receiving()).await
    }

    pub async fn receive_waiting(&self, seconds: i32) -> Vec<Message> {
        messages(self.receiving().wait_time_seconds(seconds)).await
    }

    /// Receives until `count` messages have come.
    pub async fn receive_exactly(&self, count: usize) -> Vec<Message> {
        let give_up = Instant::now() + Duration::from_secs(10);
        let mut got = Vec::new();
        while got.len() < count && Instant::now() < give_up {
            got.extend(self.receive_waiting(1).await);
        }
        assert_eq!(got.len(), count, "number of messages received: {:?}", bodies(&got));
        got
    }

    pub async fn receive_one(&self) -> Message {
        one(self.receiving()).await
    }

    pub async fn receive_hiding(&self, seconds: i32) -> Message {
        one(self.receiving().visibility_timeout(seconds)).await
    }

    /// Expects that there is nothing to receive now.
    #[track_caller]
    pub fn is_empty(&self, why: &str) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        let receiving = self.receiving();
        async move {
            let got = messages(receiving).await;
            assert!(got.is_empty(), "{place}: {why}, but there is {:?}", bodies(&got));
        }
    }

    pub async fn delete(&self, message: &Message) {
        self.delete_handle(handle(message)).await.expect("delete");
    }

    pub async fn delete_handle(&self, handle: &str) -> Result<(), aws_sdk_sqs::Error> {
        self.client
            .delete_message()
            .queue_url(&self.url)
            .receipt_handle(handle)
            .send()
            .await?;
        Ok(())
    }

    pub async fn hide(&self, message: &Message, seconds: i32) {
        self.hide_handle(handle(message), seconds)
            .await
            .expect("change of visibility");
    }

    pub async fn hide_handle(&self, handle: &str, seconds: i32) -> Result<(), aws_sdk_sqs::Error> {
        let request = self
            .client
            .change_message_visibility()
            .queue_url(&self.url)
            .receipt_handle(handle);
        request.visibility_timeout(seconds).send().await?;
        Ok(())
    }

    pub async fn purge(&self) {
        self.client
            .purge_queue()
            .queue_url(&self.url)
            .send()
            .await
            .expect("purge");
    }
}

pub async fn messages(request: ReceiveMessageFluentBuilder) -> Vec<Message> {
    request.send().await.expect("receive").messages.unwrap_or_default()
}

/// The one message that a receive gets, waiting for it a little.
pub async fn one(request: ReceiveMessageFluentBuilder) -> Message {
    let mut got = messages(request.max_number_of_messages(1).wait_time_seconds(5)).await;
    assert_eq!(got.len(), 1, "number of messages received");
    got.remove(0)
}

pub async fn sleep(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

pub fn handle(message: &Message) -> &str {
    message.receipt_handle().expect("a receipt handle")
}

pub fn bodies(messages: &[Message]) -> Vec<&str> {
    messages
        .iter()
        .map(|message| message.body().unwrap_or_default())
        .collect()
}

pub fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items = Vec::from_iter(items);
    items.sort();
    items
}

/// A system attribute of a message, by its name on the wire.
pub fn system<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    message
        .attributes()?
        .get(&MessageSystemAttributeName::from(name))
        .map(String::as_str)
}

pub fn string(value: &str) -> MessageAttributeValue {
    typed("String", value)
}

pub fn typed(data_type: &str, value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder()
        .data_type(data_type)
        .string_value(value)
        .build()
        .unwrap()
}

pub fn binary(data_type: &str, value: &[u8]) -> MessageAttributeValue {
    MessageAttributeValue::builder()
        .data_type(data_type)
        .binary_value(Blob::new(value))
        .build()
        .unwrap()
}

pub type MessageAttributes = HashMap<String, MessageAttributeValue>;

pub fn attributes<const N: usize>(list: [(&str, MessageAttributeValue); N]) -> MessageAttributes {
    list.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// One attribute of every kind.
pub fn every_kind() -> MessageAttributes {
    attributes([
        ("text", string("grüße, 世界 🚀")),
        ("number", typed("Number", "-12.50")),
        ("bytes", binary("Binary", &[0, 1, 127, 128, 255])),
        ("custom.text", typed("String.json", "{}")),
        ("custom.number", typed("Number.int", "42")),
        ("custom.bytes", binary("Binary.png", &[137, 80, 78, 71])),
    ])
}

/// A trace header, and the MD5 that the service documents for it.
pub const TRACE: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
pub const TRACE_MD5: &str = "5ae4d5d7636402d80f4eb6d213245a88";

pub fn md5_of(body: &str) -> String {
    hex(&Md5::digest(body))
}

/// The MD5 of message attributes as the service documents it.
pub fn md5_of_attributes(attributes: &MessageAttributes) -> String {
    fn field(hash: &mut Md5, data: &[u8]) {
        hash.update(u32::try_from(data.len()).unwrap().to_be_bytes());
        hash.update(data);
    }
    let mut hash = Md5::new();
    for (name, value) in sorted(attributes.keys())
        .into_iter()
        .map(|name| (name, &attributes[name]))
    {
        field(&mut hash, name.as_bytes());
        field(&mut hash, value.data_type().as_bytes());
        if let Some(binary) = value.binary_value() {
            hash.update([2]);
            field(&mut hash, binary.as_ref());
        } else {
            hash.update([1]);
            field(&mut hash, value.string_value().unwrap().as_bytes());
        }
    }
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Expects an error of a class that the SDK models, with this in its message.
#[macro_export]
macro_rules! raises {
    ($result:expr, $class:ident, $text:expr) => {{
        let error = aws_sdk_sqs::Error::from($result.expect_err("an error"));
        assert!(
            matches!(error, aws_sdk_sqs::Error::$class(_)),
            "not {}: {error:?}",
            stringify!($class)
        );
        $crate::says(&error, $text);
    }};
    ($result:expr, $class:ident) => {
        $crate::raises!($result, $class, "")
    };
}

/// Expects an error that the SDK doesn't model, by its code.
#[macro_export]
macro_rules! raises_code {
    ($result:expr, $code:expr, $text:expr) => {{
        let error = aws_sdk_sqs::Error::from($result.expect_err("an error"));
        assert_eq!(
            aws_sdk_sqs::error::ProvideErrorMetadata::code(&error),
            Some($code),
            "{error:?}"
        );
        $crate::says(&error, $text);
    }};
    ($result:expr, $code:expr) => {
        $crate::raises_code!($result, $code, "")
    };
}

#[track_caller]
pub fn says(error: &aws_sdk_sqs::Error, text: &str) {
    let message = error.message().unwrap_or_default();
    assert!(message.contains(text), "{message:?} lacks {text:?}");
}
