//! Requests, as the bytes that go over the wire.

/// Builds SQS JSON requests for one host.
#[derive(Clone, Debug)]
pub struct Requests {
    host: String,
}

impl Requests {
    /// For the server at `host` ("127.0.0.1:9324").
    pub fn new(host: &str) -> Self {
        Requests {
            host: host.to_owned(),
        }
    }

    /// The URL a queue most likely has, if the server doesn't tell.
    pub fn queue_url(&self, queue: &str) -> String {
        format!("http://{}/000000000000/{queue}", self.host)
    }

    /// Any action. The headers are those of an SDK, signature included: they are most of what a
    /// server has to parse.
    pub fn action(&self, action: &str, body: &str) -> Vec<u8> {
        format!(
            "POST / HTTP/1.1\r\nhost: {}\r\ncontent-type: application/x-amz-json-1.0\r\n\
             x-amz-target: AmazonSQS.{action}\r\n\
             user-agent: aws-sdk-rust/1.3.8 ua/2.1 api/sqs#1.80.0 os/linux lang/rust#1.90.0\r\n\
             x-amz-date: 20260101T000000Z\r\n\
             authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/\
             sqs/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target;\
             x-amz-user-agent, Signature=\
             5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7\r\n\
             amz-sdk-request: attempt=1; max=3\r\n\
             amz-sdk-invocation-id: 3c1c6b9c-2b0b-4a5e-8f5e-2f1f0a7f9b1d\r\n\
             content-length: {}\r\n\r\n{body}",
            self.host,
            body.len()
        )
        .into_bytes()
    }

    /// CreateQueue.
    pub fn create_queue(&self, queue: &str) -> Vec<u8> {
        self.action("CreateQueue", &format!(r#"{{"QueueName":"{queue}"}}"#))
    }

    /// SendMessage with a body of `body_bytes`.
    pub fn send(&self, queue_url: &str, body_bytes: usize) -> Vec<u8> {
        let message = message_body(body_bytes);
        self.action(
            "SendMessage",
            &format!(r#"{{"QueueUrl":"{queue_url}","MessageBody":"{message}"}}"#),
        )
    }

    /// SendMessageBatch of `count` messages.
    pub fn send_batch(&self, queue_url: &str, body_bytes: usize, count: usize) -> Vec<u8> {
        let message = message_body(body_bytes);
        let entries: Vec<String> = (0..count)
            .map(|entry| format!(r#"{{"Id":"m{entry}","MessageBody":"{message}"}}"#))
            .collect();
        self.action(
            "SendMessageBatch",
            &format!(
                r#"{{"QueueUrl":"{queue_url}","Entries":[{}]}}"#,
                entries.join(",")
            ),
        )
    }

    /// ReceiveMessage of up to `count` messages, without waiting.
    pub fn receive(&self, queue_url: &str, count: usize) -> Vec<u8> {
        self.action(
            "ReceiveMessage",
            &format!(r#"{{"QueueUrl":"{queue_url}","MaxNumberOfMessages":{count}}}"#),
        )
    }

    /// DeleteMessage, or DeleteMessageBatch if there are several handles.
    pub fn delete(&self, queue_url: &str, handles: &[&str]) -> Vec<u8> {
        if let [handle] = handles {
            return self.action(
                "DeleteMessage",
                &format!(r#"{{"QueueUrl":"{queue_url}","ReceiptHandle":"{handle}"}}"#),
            );
        }
        let entries: Vec<String> = handles
            .iter()
            .enumerate()
            .map(|(entry, handle)| format!(r#"{{"Id":"d{entry}","ReceiptHandle":"{handle}"}}"#))
            .collect();
        self.action(
            "DeleteMessageBatch",
            &format!(
                r#"{{"QueueUrl":"{queue_url}","Entries":[{}]}}"#,
                entries.join(",")
            ),
        )
    }
}

fn message_body(bytes: usize) -> String {
    const TEXT: &str = "The quick brown fox jumps over the lazy dog. 0123456789 ";
    TEXT.chars().cycle().take(bytes).collect()
}
