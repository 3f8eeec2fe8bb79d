//! Queues and topics with one client each, which therefore knows what every call has done that had
//! an answer.

pub use crate::support::killing::queue_on;
use crate::support::{Answer, Client, Server};
use rand::rngs::SmallRng;
use serde_json::{Value, json};
use std::io;
use std::time::{Duration, Instant};

/// A drain that brings nothing for so long has brought all there is.
const STALL: Duration = Duration::from_secs(10);
/// Longer than any run of the server, so that no lease ends by itself.
pub const LEASE_S: u32 = 120;

/// The server has died, or is about to.
#[derive(Debug)]
pub struct Died;

impl From<io::Error> for Died {
    fn from(_: io::Error) -> Self {
        Died
    }
}

pub trait Scene: Send {
    /// Makes what it works with.
    fn set_up(&mut self, server: &Server);

    /// A client of the endpoint that it works with.
    fn client(&self, server: &Server) -> Client;

    /// The server runs again, or for the first time.
    fn restarted(&mut self, server: &Server);

    /// The server is gone.
    fn ended(&mut self) {}

    /// Does one thing.
    fn step(&mut self, client: &mut Client, rng: &mut SmallRng) -> Result<(), Died>;

    /// Takes everything out and sees that it is what should be there.
    fn drain(&mut self, server: &Server);

    /// What there was, and whether there was something of everything.
    fn summary(&self) -> (String, bool);
}

/// The answer of a server that nobody has killed.
#[track_caller]
pub fn alive<T>(answer: Result<T, Died>) -> T {
    answer.unwrap_or_else(|Died| panic!("died by itself"))
}

/// An answer, unless it is that of a server that was told to stop.
fn unless_stopping(answer: Answer) -> Result<Answer, Died> {
    let stopping = String::from_utf8_lossy(&answer.body).contains("is stopping");
    if answer.status == 503 && stopping {
        return Err(Died);
    }
    Ok(answer)
}

/// Calls an SQS action, which may be refused.
pub fn try_sqs(client: &mut Client, action: &str, request: &Value) -> Result<Answer, Died> {
    unless_stopping(client.call(action, request)?)
}

/// Calls an SQS action that must succeed.
#[track_caller]
pub fn sqs(client: &mut Client, action: &str, request: &Value) -> Result<Value, Died> {
    Ok(try_sqs(client, action, request)?.ok())
}

/// Calls a Pub/Sub method, which may be refused.
pub fn try_rest(
    client: &mut Client,
    method: &str,
    path: &str,
    body: &Value,
) -> Result<Answer, Died> {
    unless_stopping(client.rest(method, path, body)?)
}

/// Calls a Pub/Sub method that must succeed.
#[track_caller]
pub fn rest(client: &mut Client, method: &str, path: &str, body: &Value) -> Result<Value, Died> {
    Ok(try_rest(client, method, path, body)?.ok())
}

pub fn url(name: &str) -> String {
    format!("http://localhost/000000000000/{name}")
}

pub fn arn(name: &str) -> String {
    format!("arn:aws:sqs:us-east-1:000000000000:{name}")
}

/// A message of SQS as a client holds it: its number, which is its body, and the receipt handle.
#[derive(Clone, Debug)]
pub struct Held {
    pub number: u32,
    pub handle: String,
}

/// Receives up to ten messages.
pub fn receive(client: &mut Client, queue: &str, lease_s: u32) -> Result<Vec<Held>, Died> {
    let request = json!({
        "QueueUrl": url(queue),
        "MaxNumberOfMessages": 10,
        "VisibilityTimeout": lease_s,
        "WaitTimeSeconds": 0,
    });
    let answer = sqs(client, "ReceiveMessage", &request)?;
    let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
    let held = messages.iter().map(|message| Held {
        number: number_in(message["Body"].as_str().expect("a body")),
        handle: message["ReceiptHandle"]
            .as_str()
            .expect("a handle")
            .to_owned(),
    });
    Ok(held.collect())
}

/// Deletes messages, all of which are this client's.
pub fn delete(client: &mut Client, queue: &str, held: &[Held]) -> Result<(), Died> {
    let entry =
        |(at, held): (usize, &Held)| json!({ "Id": at.to_string(), "ReceiptHandle": held.handle });
    let entries: Vec<Value> = held.iter().enumerate().map(entry).collect();
    let request = json!({ "QueueUrl": url(queue), "Entries": entries });
    let answer = sqs(client, "DeleteMessageBatch", &request)?;
    let deleted = answer["Successful"].as_array().map_or(0, Vec::len);
    assert_eq!(deleted, held.len(), "{queue}: {answer}");
    Ok(())
}

/// Messages of all kinds that a queue counts.
pub fn counted(client: &mut Client, queue: &str) -> u64 {
    let request = json!({ "QueueUrl": url(queue), "AttributeNames": ["All"] });
    let answer = client.ok("GetQueueAttributes", &request);
    let count = |kind: &&str| {
        let count = &answer["Attributes"][format!("ApproximateNumberOfMessages{kind}")];
        count
            .as_str()
            .expect("a count")
            .parse::<u64>()
            .expect("a count")
    };
    ["", "Delayed", "NotVisible"].iter().map(count).sum()
}

/// A body or data that names a message, and is of another length than its neighbour's.
pub fn text_of(number: u32) -> String {
    format!("{number}:{}", "x".repeat(number as usize * 7 % 300))
}

#[track_caller]
pub fn number_in(text: &str) -> u32 {
    let number = text
        .split_once(':')
        .and_then(|(number, _)| number.parse().ok());
    let number = number.unwrap_or_else(|| panic!("a message that nobody sent: {text:.80}"));
    assert_eq!(text, text_of(number), "a message that changed");
    number
}

/// What a round of a drain has come to.
pub enum Round {
    /// It took something out.
    Some,
    /// There was nothing, but there has to be more: it is on its way between shards, or counted.
    Due,
    /// There was nothing, and nothing is missing.
    Done,
}

/// Has `round` take out what there is, again and again, until it says twice that that was all, or
/// nothing comes any more.
pub fn until_drained(mut round: impl FnMut() -> Round) {
    let mut progress = Instant::now();
    let mut empty_rounds = 0;
    while progress.elapsed() < STALL && empty_rounds < 2 {
        match round() {
            Round::Some => (empty_rounds, progress) = (0, Instant::now()),
            Round::Done => empty_rounds += 1,
            Round::Due => {
                empty_rounds = 0;
                // What is on its way can only be asked for again.
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}
