//! The SQS dialect on a core of its own, without sockets.

use crate::at_once;
use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use lclq::http::{HttpLimits, ReplyBody};
use lclq::interceptors::Interceptors;
use lclq::mesh::{Mesh, MeshConfig, MeshPlan, Storage};
use lclq::observe::Observers;
use lclq::runtime::{DriverKind, spawn_cores};
use lclq::sqs::{Sqs, SqsConfig, measure};
use lclq_shards::Eviction;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

/// Where queues are, by the requests below.
pub const HOST: &str = "127.0.0.1:9324";

/// An endpoint in memory with one shard.
pub struct Dialect {
    sqs: Rc<Sqs>,
}

/// Runs `f` with an endpoint, on a core.
///
/// # Panics
/// If the core can't be started, or `f` panics.
pub fn with_dialect(f: impl FnOnce(&Dialect) + Send + 'static) {
    on_a_mesh(|mesh, secret| async move {
        let config = SqsConfig {
            region: "us-east-1".to_owned(),
            account: "000000000000".to_owned(),
            enforce_purge_interval: false,
            enforce_recreate_interval: false,
            auth: None,
            quotas: None,
            queues_per_account_max: None,
            account_memory: None,
        };
        let limits = Rc::new(HttpLimits::default());
        let observer = Observers::new(1).of_core(0);
        let interceptors = Interceptors::default();
        let sqs = Sqs::new(mesh, config, &secret, limits, observer, interceptors);
        f(&Dialect { sqs });
    });
}

/// Runs `f` on a core, with a mesh of one shard in memory and the secret under which receipts are
/// signed.
pub(crate) fn on_a_mesh<F, Fut>(f: F)
where
    F: FnOnce(Mesh, [u8; 32]) -> Fut + Send + 'static,
    Fut: Future<Output = ()>,
{
    let plan = MeshPlan::new(MeshConfig {
        cores: 1,
        shards: Some(1),
        storage: Storage::Memory,
        memory_bytes_max: None,
        eviction: Eviction::Reject,
        cluster: None,
        journey_events: 0,
    })
    .expect("memory is always to be had");
    let secret = plan.receipt_secret();
    let parts = plan.into_parts();
    let f = Arc::new(Mutex::new(Some(f)));
    let core = move |core| {
        let (parts, f) = (parts.clone(), f.clone());
        async move {
            let mesh = parts.start(core).expect("a core in memory starts");
            let f = f.lock().expect("one core").take().expect("one core");
            f(mesh, secret).await;
        }
    };
    spawn_cores(DriverKind::Epoll, 1, core)
        .and_then(lclq::runtime::CoreThreads::join)
        .expect("the core ran to its end");
}

/// A request, ready to be asked any number of times.
#[derive(Clone)]
pub struct Asked {
    head: Parts,
    body: Bytes,
}

impl Asked {
    /// A request of the JSON protocol, with the headers of an SDK.
    pub fn json(action: &str, body: impl Into<Bytes>) -> Self {
        let request = common()
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("AmazonSQS.{action}"));
        Self::with(request, body.into())
    }

    /// A request of the query protocol.
    pub fn query(body: impl Into<Bytes>) -> Self {
        let request = common().header("content-type", "application/x-www-form-urlencoded");
        Self::with(request, body.into())
    }

    fn with(request: http::request::Builder, body: Bytes) -> Self {
        let (head, ()) = request.body(()).expect("a sound request").into_parts();
        Self { head, body }
    }
}

fn common() -> http::request::Builder {
    Request::post("/")
        .header("host", HOST)
        .header("user-agent", "aws-sdk-rust/1.3.8 os/linux lang/rust")
        .header("x-amz-date", "20260101T000000Z")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/sqs/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date;x-amz-target, \
             Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        )
}

impl Dialect {
    /// Answers a request.
    ///
    /// # Panics
    /// If the answer isn't a success.
    pub fn answer(&self, asked: Asked) -> Response<ReplyBody> {
        let reply = at_once(measure::answer(&self.sqs, asked.head, asked.body));
        assert!(reply.status().is_success(), "{:?}", reply.body().as_bytes());
        reply
    }

    /// Makes a queue and tells its URL.
    pub fn create(&self, name: &str) -> String {
        let attributes = if name.ends_with(".fifo") {
            r#","Attributes":{"FifoQueue":"true"}"#
        } else {
            ""
        };
        let body = format!(r#"{{"QueueName":"{name}"{attributes}}}"#);
        self.answer(Asked::json("CreateQueue", body));
        format!("http://{HOST}/000000000000/{name}")
    }

    /// Receives up to ten messages and tells their handles.
    pub fn receive(&self, url: &str, protocol: impl Fn(&str) -> Asked) -> Vec<String> {
        let reply = self.answer(protocol(url));
        let text = String::from_utf8_lossy(reply.body().as_bytes()).into_owned();
        let starts = text.match_indices("\"ReceiptHandle\":\"");
        starts
            .map(|(at, name)| {
                let rest = &text[at + name.len()..];
                rest[..rest.find('"').expect("a closing quote")].to_owned()
            })
            .collect()
    }
}

/// Bodies of requests.
pub mod bodies {
    /// A message's body; the characters are those of ordinary text.
    pub fn message(bytes: usize) -> String {
        const TEXT: &str = "The quick brown fox jumps over the lazy dog. 0123456789 ";
        TEXT.chars().cycle().take(bytes).collect()
    }

    /// SendMessage.
    pub fn send_json(url: &str, bytes: usize) -> String {
        let message = message(bytes);
        format!(r#"{{"QueueUrl":"{url}","MessageBody":"{message}"}}"#)
    }

    /// SendMessageBatch.
    pub fn send_batch_json(url: &str, bytes: usize, count: usize) -> String {
        let message = message(bytes);
        let entries: Vec<String> = (0..count)
            .map(|entry| format!(r#"{{"Id":"m{entry}","MessageBody":"{message}"}}"#))
            .collect();
        format!(
            r#"{{"QueueUrl":"{url}","Entries":[{}]}}"#,
            entries.join(",")
        )
    }

    /// SendMessage in the query protocol.
    pub fn send_query(url: &str, bytes: usize) -> String {
        let message = message(bytes).replace(' ', "+");
        let url = escaped(url);
        format!("Action=SendMessage&Version=2012-11-05&QueueUrl={url}&MessageBody={message}")
    }

    /// SendMessageBatch in the query protocol.
    pub fn send_batch_query(url: &str, bytes: usize, count: usize) -> String {
        let message = message(bytes).replace(' ', "+");
        let url = escaped(url);
        let mut form = format!("Action=SendMessageBatch&Version=2012-11-05&QueueUrl={url}");
        for entry in 1..=count {
            let name = format!("SendMessageBatchRequestEntry.{entry}");
            form += &format!("&{name}.Id=m{entry}&{name}.MessageBody={message}");
        }
        form
    }

    /// ReceiveMessage of ten.
    pub fn receive_json(url: &str) -> String {
        format!(r#"{{"QueueUrl":"{url}","MaxNumberOfMessages":10}}"#)
    }

    /// ReceiveMessage of ten in the query protocol.
    pub fn receive_query(url: &str) -> String {
        let url = escaped(url);
        format!("Action=ReceiveMessage&Version=2012-11-05&QueueUrl={url}&MaxNumberOfMessages=10")
    }

    /// DeleteMessageBatch.
    pub fn delete_batch_json(url: &str, handles: &[String]) -> String {
        let entries: Vec<String> = handles
            .iter()
            .enumerate()
            .map(|(entry, handle)| format!(r#"{{"Id":"d{entry}","ReceiptHandle":"{handle}"}}"#))
            .collect();
        format!(
            r#"{{"QueueUrl":"{url}","Entries":[{}]}}"#,
            entries.join(",")
        )
    }

    fn escaped(url: &str) -> String {
        url.replace(':', "%3A").replace('/', "%2F")
    }
}
