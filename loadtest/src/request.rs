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

    /// Any action of the query protocol, from its parameters in form encoding.
    pub fn query(&self, form: &str) -> Vec<u8> {
        format!(
            "POST / HTTP/1.1\r\nhost: {}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             user-agent: Boto3/1.20.0 Python/3.12.0 Linux Botocore/1.23.0\r\n\
             x-amz-date: 20260101T000000Z\r\n\
             authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/\
             sqs/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=\
             5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7\r\n\
             content-length: {}\r\n\r\n{form}",
            self.host,
            form.len()
        )
        .into_bytes()
    }

    /// CreateQueue. A name that ends in `.fifo` makes a FIFO queue.
    pub fn create_queue(&self, queue: &str) -> Vec<u8> {
        let attributes = if queue.ends_with(".fifo") {
            r#","Attributes":{"FifoQueue":"true"}"#
        } else {
            ""
        };
        let body = format!(r#"{{"QueueName":"{queue}"{attributes}}}"#);
        self.action("CreateQueue", &body)
    }

    /// SendMessage to a FIFO queue, with a group and a deduplication id for [`Stamps`] to change.
    pub fn send_fifo(&self, queue_url: &str, body_bytes: usize) -> Vec<u8> {
        let message = message_body(body_bytes);
        self.action(
            "SendMessage",
            &format!(
                r#"{{"QueueUrl":"{queue_url}","MessageBody":"{message}",{}}}"#,
                fifo_members()
            ),
        )
    }

    /// SendMessageBatch to a FIFO queue, likewise.
    pub fn send_batch_fifo(&self, queue_url: &str, body_bytes: usize, count: usize) -> Vec<u8> {
        let message = message_body(body_bytes);
        let members = fifo_members();
        self.batch(queue_url, count, |entry| {
            format!(r#"{{"Id":"m{entry}","MessageBody":"{message}",{members}}}"#)
        })
    }

    /// SendMessage in the query protocol.
    pub fn send_query(&self, queue_url: &str, body_bytes: usize) -> Vec<u8> {
        let (url, message) = (
            escaped(queue_url),
            message_body(body_bytes).replace(' ', "+"),
        );
        self.query(&format!(
            "Action=SendMessage&Version=2012-11-05&QueueUrl={url}&MessageBody={message}"
        ))
    }

    /// SendMessageBatch in the query protocol.
    pub fn send_batch_query(&self, queue_url: &str, body_bytes: usize, count: usize) -> Vec<u8> {
        let (url, message) = (
            escaped(queue_url),
            message_body(body_bytes).replace(' ', "+"),
        );
        let mut form = format!("Action=SendMessageBatch&Version=2012-11-05&QueueUrl={url}");
        for entry in 1..=count {
            let name = format!("SendMessageBatchRequestEntry.{entry}");
            form += &format!("&{name}.Id=m{entry}&{name}.MessageBody={message}");
        }
        self.query(&form)
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
        self.batch(queue_url, count, |entry| {
            format!(r#"{{"Id":"m{entry}","MessageBody":"{message}"}}"#)
        })
    }

    fn batch(&self, queue_url: &str, count: usize, entry: impl Fn(usize) -> String) -> Vec<u8> {
        let entries: Vec<String> = (0..count).map(entry).collect();
        let entries = entries.join(",");
        self.action(
            "SendMessageBatch",
            &format!(r#"{{"QueueUrl":"{queue_url}","Entries":[{entries}]}}"#),
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

const UNIQUE: &str = "d0000000000000000";
const GROUP: &str = "g00";

fn fifo_members() -> String {
    format!(r#""MessageGroupId":"{GROUP}","MessageDeduplicationId":"{UNIQUE}""#)
}

fn escaped(url: &str) -> String {
    url.replace(':', "%3A").replace('/', "%2F")
}

/// Where a request has ids that must differ from one time to the next.
#[derive(Clone, Debug, Default)]
pub struct Stamps {
    unique: Vec<usize>,
    groups: Vec<usize>,
}

impl Stamps {
    /// Finds them; there are none in a request that isn't for a FIFO queue.
    pub fn find(request: &[u8]) -> Self {
        let ids_of = |name: &str, id: &str| {
            let pattern = format!("\"{name}\":\"{id}\"");
            let at = memchr::memmem::find_iter(request, pattern.as_bytes());
            // Behind the letter, where the digits begin.
            at.map(|at| at + name.len() + 5).collect()
        };
        Stamps {
            unique: ids_of("MessageDeduplicationId", UNIQUE),
            groups: ids_of("MessageGroupId", GROUP),
        }
    }

    /// Writes the numbers that follow `count`, and groups by them, into the request.
    pub fn write(&self, request: &mut [u8], count: &mut u64) {
        let digits = |request: &mut [u8], mut number: u64| {
            for digit in request.iter_mut().rev() {
                *digit = b'0' + (number % 10) as u8;
                number /= 10;
            }
        };
        for (unique, group) in self.unique.iter().zip(&self.groups) {
            *count += 1;
            digits(&mut request[*unique..*unique + UNIQUE.len() - 1], *count);
            digits(&mut request[*group..*group + GROUP.len() - 1], *count);
        }
    }
}

fn message_body(bytes: usize) -> String {
    const TEXT: &str = "The quick brown fox jumps over the lazy dog. 0123456789 ";
    TEXT.chars().cycle().take(bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_change_every_id() {
        let requests = Requests::new("h");
        let mut request = requests.send_batch_fifo("u", 10, 2);
        let before = request.len();
        let mut count = 1233;
        Stamps::find(&request).write(&mut request, &mut count);
        assert_eq!((count, request.len()), (1235, before));
        let text = String::from_utf8(request).unwrap();
        for part in [
            r#""MessageGroupId":"g34","MessageDeduplicationId":"d0000000000001234""#,
            r#""MessageGroupId":"g35","MessageDeduplicationId":"d0000000000001235""#,
        ] {
            assert!(text.contains(part), "{text}");
        }
        let mut plain = requests.send("u", 10);
        let same = plain.clone();
        Stamps::find(&plain).write(&mut plain, &mut count);
        assert_eq!((plain, count), (same, 1235));
    }
}
