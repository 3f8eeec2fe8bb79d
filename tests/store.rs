//! The real binary on a real PostgreSQL and Redis: it starts, goes on after a restart with what it had, meets a
//! second server, and a database that goes away and comes back.

#![cfg(unix)]

#[path = "crash"]
mod crash {
    pub mod ledger;
    pub mod load;
}
#[path = "store/crashes.rs"]
mod crashes;
#[path = "store/dump.rs"]
mod dump;
#[path = "store/export.rs"]
mod export;
#[path = "store/losses.rs"]
mod losses;
#[path = "store/owners.rs"]
mod owners;
#[path = "store/pooled.rs"]
mod pooled;
#[path = "store/redis.rs"]
mod redis;
#[path = "../stores/tests/redis_server/mod.rs"]
mod redis_server;
#[path = "store/restarts.rs"]
mod restarts;
#[path = "../stores/tests/server/mod.rs"]
mod server;
#[path = "export/shared.rs"]
mod shared;
#[path = "store/starts.rs"]
mod starts;
mod support;

use serde_json::{Value, json};
use server::Server as Postgres;
use support::{Client, Launch};

/// The URL of a store of its own.
fn store(postgres: &Postgres) -> String {
    format!("{}&schema={}", postgres.url(), postgres.schema())
}

/// A server on a store.
fn on(store: &str) -> Launch {
    Launch::new().flag("--store", store)
}

fn url(queue: &str) -> String {
    format!("http://localhost/000000000000/{queue}")
}

fn create(client: &mut Client, queue: &str) {
    let fifo = match queue.ends_with(".fifo") {
        true => json!({ "FifoQueue": "true" }),
        false => json!({}),
    };
    let request = json!({ "QueueName": queue, "Attributes": fifo });
    client.ok("CreateQueue", &request);
}

fn send_request(queue: &str, body: &str) -> Value {
    json!({ "QueueUrl": url(queue), "MessageBody": body })
}

fn send(client: &mut Client, queue: &str, body: &str) {
    client.ok("SendMessage", &send_request(queue, body));
}

/// At most ten messages, held for a long time.
fn receive(client: &mut Client, queue: &str) -> Vec<Value> {
    let request = json!({
        "QueueUrl": url(queue), "MaxNumberOfMessages": 10, "VisibilityTimeout": 600,
    });
    let answer = client.ok("ReceiveMessage", &request);
    answer["Messages"].as_array().cloned().unwrap_or_default()
}

fn delete(client: &mut Client, queue: &str, message: &Value) {
    let handle = &message["ReceiptHandle"];
    let request = json!({ "QueueUrl": url(queue), "ReceiptHandle": handle });
    client.ok("DeleteMessage", &request);
}

/// How many of a queue's messages receivers hold.
fn held(client: &mut Client, queue: &str) -> Value {
    let request = json!({ "QueueUrl": url(queue), "AttributeNames": ["All"] });
    let answer = client.ok("GetQueueAttributes", &request);
    answer["Attributes"]["ApproximateNumberOfMessagesNotVisible"].clone()
}

/// Takes all messages out of a queue; answers their bodies, sorted.
fn drain(client: &mut Client, queue: &str) -> Vec<String> {
    let mut bodies = Vec::new();
    loop {
        let messages = receive(client, queue);
        if messages.is_empty() {
            bodies.sort();
            return bodies;
        }
        for message in messages {
            bodies.push(message["Body"].as_str().unwrap().to_owned());
            delete(client, queue, &message);
        }
    }
}
