//! Clients of SQS queues of every kind, on every shard, and what they do.

#![allow(dead_code, reason = "each test binary uses a part")]

use super::ledger::{Id, Kind, Ledger, Moment, Queue, Seen, Totals, body, group_name};
use crate::support::killing::{Load, queue_on};
use crate::support::{Answer, Client, Server};
use rand::Rng;
use rand::rngs::SmallRng;
use serde_json::{Value, json};
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const GROUPS: u32 = 3;
/// Longer than any drain, seconds.
const DRAIN_LEASE_S: u32 = 120;
/// A drain that brings nothing for so long has brought all there is.
const STALL: Duration = Duration::from_secs(5);
/// Senders pause above this.
const LIVE_MAX: usize = 3000;

/// A queue of this kind on a given shard.
fn queue_of(shard: u16, kind: Kind) -> Queue {
    let suffix = if kind == Kind::Fifo { ".fifo" } else { "" };
    let purpose = format!("{kind:?}-{shard}").to_lowercase();
    let name = queue_on(shard, &purpose, suffix);
    Queue { name, kind }
}

/// One load: queues on every shard, and a dead-letter queue on another shard than its source.
fn queues() -> Vec<Queue> {
    vec![
        queue_of(0, Kind::Standard),
        queue_of(1, Kind::Standard),
        queue_of(2, Kind::Standard),
        queue_of(0, Kind::Fifo),
        queue_of(1, Kind::Fifo),
        queue_of(2, Kind::DeadLetter),
        queue_of(1, Kind::Poison),
    ]
}

/// What a server may refuse (503) besides when it was told to stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusals {
    Nothing,
    /// What nobody knows of: a node has asked another which doesn't answer, or from which another has taken a shard.
    Doubts,
    /// Anything, for a while: nodes can't reach each other or their store.
    All,
}

/// Hears of each call: who made it, what was asked and when, and what came of it.
pub type Observer = Box<dyn Fn(&Client, &Value, Instant, &io::Result<Answer>) + Send + Sync>;

pub struct World {
    queues: Vec<Queue>,
    ledger: Mutex<Ledger>,
    stop: AtomicBool,
    /// What a consumer asks for, seconds.
    lease_s: u32,
    leases_stay: bool,
    refusals: Refusals,
    observer: Option<Observer>,
    /// What a client waits between two steps.
    pause: Duration,
}

impl World {
    /// With leases of so many seconds: more than any run of the server takes, so that none ends by itself.
    /// They may outlive it.
    pub fn new(lease_s: u32, leases_stay: bool) -> Self {
        World {
            queues: queues(),
            ledger: Mutex::new(Ledger::new(queues())),
            stop: AtomicBool::new(false),
            lease_s,
            leases_stay,
            refusals: Refusals::Nothing,
            observer: None,
            pause: Duration::ZERO,
        }
    }

    /// On servers that may refuse this.
    pub fn refused(self, refusals: Refusals) -> Self {
        Self { refusals, ..self }
    }

    /// With somebody who hears of each call.
    pub fn observed(self, observer: Observer) -> Self {
        let observer = Some(observer);
        Self { observer, ..self }
    }

    /// With clients that do something each so often, rather than as fast as they can.
    pub fn paced(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    /// Makes what the clients work with.
    pub fn make_queues(&self, mut client: Client) {
        let made = create_queues(self, &mut client);
        made.unwrap_or_else(|Died| panic!("died by itself"));
    }

    /// Leases of standard queues may be over before their time.
    pub fn leases_may_be_over(&self) {
        self.ledger().restarted();
    }

    /// Works by this client until it is refused something, its server is gone or [`Load::stop`] is told.
    pub fn work_by(&self, worker: &mut Worker, client: Client, rng: &mut SmallRng) {
        worker.run(self, client, rng);
    }

    /// Takes everything out by this client, and sees that it is what should be there.
    pub fn drain_by(&self, client: Client) {
        drain(self, client);
    }

    /// What there was of what.
    pub fn totals(&self) -> Totals {
        self.ledger().totals
    }

    /// The clients.
    pub fn workers(&self) -> Vec<Worker> {
        let fifo_sender = |queue: usize| Worker::FifoSender {
            queue,
            groups: (0..GROUPS).map(|_| FifoGroup::default()).collect(),
        };
        let consumer = |queues: Vec<usize>| Worker::Consumer {
            queues,
            held: Vec::new(),
        };
        let fifo = self.of_kind(Kind::Fifo);
        vec![
            Worker::Sender { next: 0 },
            Worker::Sender { next: 1 },
            fifo_sender(fifo[0]),
            fifo_sender(fifo[1]),
            consumer(self.of_kind(Kind::Standard)),
            consumer(self.of_kind(Kind::Standard)),
            consumer(fifo.clone()),
            consumer(self.of_kind(Kind::DeadLetter)),
            Worker::Rejecter {
                queue: self.of_kind(Kind::Poison)[0],
            },
        ]
    }

    fn ledger(&self) -> std::sync::MutexGuard<'_, Ledger> {
        // A failed check elsewhere has its own message; don't bury it under this one.
        self.ledger
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn of_kind(&self, kind: Kind) -> Vec<usize> {
        let all = 0..self.queues.len();
        all.filter(|queue| self.queues[*queue].kind == kind)
            .collect()
    }

    fn tick(&self) -> Moment {
        self.ledger().tick()
    }
}

/// A failed call: the server has died, or is about to.
struct Died;

impl From<io::Error> for Died {
    fn from(_: io::Error) -> Self {
        Died
    }
}

/// Calls an action. The only refusal there may be is that of a server that was told to stop, and what else this world
/// puts up with.
fn call(world: &World, client: &mut Client, action: &str, request: &Value) -> Result<Value, Died> {
    let asked = Instant::now();
    let answer = client.call(action, request);
    if let Some(observer) = &world.observer {
        observer(client, request, asked, &answer);
    }
    let answer = answer?;
    let text = match answer.status {
        503 => answer.text(),
        _ => String::new(),
    };
    let says = |words: &[&str]| words.iter().any(|words| text.contains(words));
    let may_be = says(&["is stopping"])
        || match world.refusals {
            Refusals::Nothing => false,
            Refusals::Doubts => says(&["may be done or not", "can't promise that this was done"]),
            Refusals::All => true,
        };
    if answer.status == 503 && may_be {
        return Err(Died);
    }
    Ok(answer.ok())
}

/// Sends one or several messages in one request, and notes what becomes of them.
fn send(world: &World, client: &mut Client, ids: &[Id], delay_s: u32) -> Result<Vec<Value>, Died> {
    let queue = &world.queues[ids[0].0];
    {
        let mut ledger = world.ledger();
        ids.iter().for_each(|id| ledger.sending(*id));
    }
    let message = |id: &Id| {
        let mut message = json!({ "MessageBody": body(*id) });
        if queue.kind == Kind::Fifo {
            message["MessageGroupId"] = json!(group_name(id.1));
            message["MessageDeduplicationId"] = json!(format!("{}-{}", id.1, id.2));
        } else {
            message["DelaySeconds"] = json!(delay_s);
        }
        message
    };
    let answers = if let [id] = ids {
        let mut request = message(id);
        request["QueueUrl"] = json!(queue.url());
        vec![call(world, client, "SendMessage", &request)?]
    } else {
        let entries: Vec<Value> = ids
            .iter()
            .enumerate()
            .map(|(at, id)| {
                let mut entry = message(id);
                entry["Id"] = json!(at.to_string());
                entry
            })
            .collect();
        let request = json!({ "QueueUrl": queue.url(), "Entries": entries });
        let answer = call(world, client, "SendMessageBatch", &request)?;
        let sent = answer["Successful"].as_array().cloned().unwrap_or_default();
        assert_eq!(sent.len(), ids.len(), "{answer}");
        sent
    };
    let mut ledger = world.ledger();
    for (id, answer) in ids.iter().zip(&answers) {
        ledger.sent(*id, answer["MessageId"].as_str().expect("a message id"));
    }
    Ok(answers)
}

/// A message in a client's hands.
#[derive(Clone)]
pub struct Held {
    id: Id,
    handle: String,
}

fn receive(
    world: &World,
    client: &mut Client,
    queue: usize,
    lease_s: u32,
    wait_s: u32,
) -> Result<Vec<Held>, Died> {
    let asked = world.tick();
    let request = json!({
        "QueueUrl": world.queues[queue].url(),
        "MaxNumberOfMessages": 10,
        "VisibilityTimeout": lease_s,
        "WaitTimeSeconds": wait_s,
        "AttributeNames": ["MessageGroupId"],
    });
    let answer = call(world, client, "ReceiveMessage", &request)?;
    let none = Vec::new();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let seen: Vec<Seen> = answer["Messages"]
        .as_array()
        .unwrap_or(&none)
        .iter()
        .map(|message| Seen {
            body: text(&message["Body"]),
            message_id: text(&message["MessageId"]),
            group: message["Attributes"]["MessageGroupId"]
                .as_str()
                .map(str::to_owned),
            handle: text(&message["ReceiptHandle"]),
        })
        .collect();
    let mut ledger = world.ledger();
    let ids = ledger.received(queue, asked, lease_s > 0, &seen);
    if world.queues[queue].kind == Kind::Poison {
        ledger.check_not_dead_lettered(&ids, asked);
    }
    let held = ids.into_iter().zip(seen);
    Ok(held
        .map(|(id, seen)| Held {
            id,
            handle: seen.handle,
        })
        .collect())
}

/// Deletes what a client holds. `late` are handles from before a restart, which a FIFO queue may
/// refuse.
fn delete(
    world: &World,
    client: &mut Client,
    queue: usize,
    held: &[Held],
    late: bool,
) -> Result<(), Died> {
    let ids: Vec<Id> = held.iter().map(|held| held.id).collect();
    world.ledger().deleting(&ids);
    let url = world.queues[queue].url();
    if let ([held], false) = (held, late) {
        let request = json!({ "QueueUrl": url, "ReceiptHandle": held.handle });
        call(world, client, "DeleteMessage", &request)?;
        world.ledger().deleted(held.id);
        return Ok(());
    }
    let entries: Vec<Value> = held
        .iter()
        .enumerate()
        .map(|(at, held)| json!({ "Id": at.to_string(), "ReceiptHandle": held.handle }))
        .collect();
    let request = json!({ "QueueUrl": url, "Entries": entries });
    let answer = call(world, client, "DeleteMessageBatch", &request)?;
    let deleted = answer["Successful"].as_array().cloned().unwrap_or_default();
    let may_refuse = late && world.queues[queue].kind == Kind::Fifo;
    assert!(may_refuse || deleted.len() == held.len(), "{answer}");
    let mut ledger = world.ledger();
    for entry in deleted {
        let at: usize = entry["Id"].as_str().unwrap().parse().unwrap();
        ledger.deleted(held[at].id);
    }
    Ok(())
}

/// A client that works until the server dies, and keeps what it knows for the next run.
pub enum Worker {
    /// Sends to standard queues.
    Sender { next: u32 },
    /// Sends to one FIFO queue, each group strictly in order: what is unknown is sent again.
    FifoSender {
        queue: usize,
        groups: Vec<FifoGroup>,
    },
    /// Receives and deletes, most of the time.
    Consumer {
        queues: Vec<usize>,
        held: Vec<(usize, Vec<Held>)>,
    },
    /// Receives and gives back.
    Rejecter { queue: usize },
}

#[derive(Default)]
pub struct FifoGroup {
    next: u32,
    /// Asked for without an answer.
    pending: Vec<Id>,
    sequence: u128,
}

impl Worker {
    fn run(&mut self, world: &World, mut client: Client, rng: &mut SmallRng) {
        // Whatever fails, fails because the server was killed; checks panic instead.
        let _ = self.start_over(world, &mut client);
        while !world.stop.load(Ordering::Relaxed) {
            if self.step(world, &mut client, rng).is_err() {
                return;
            }
            if !world.pause.is_zero() {
                std::thread::sleep(world.pause);
            }
        }
    }

    /// What a client does first after a restart.
    fn start_over(&mut self, world: &World, client: &mut Client) -> Result<(), Died> {
        if let Worker::Consumer { held, .. } = self {
            for (queue, held) in std::mem::take(held) {
                delete(world, client, queue, &held, true)?;
            }
        }
        Ok(())
    }

    fn step(&mut self, world: &World, client: &mut Client, rng: &mut SmallRng) -> Result<(), Died> {
        let full = world.ledger().live() > LIVE_MAX;
        match self {
            Worker::Sender { .. } | Worker::FifoSender { .. } if full => {
                std::thread::sleep(Duration::from_millis(5));
                Ok(())
            }
            Worker::Sender { next } => {
                let mut queues = world.of_kind(Kind::Standard);
                queues.extend(world.of_kind(Kind::Poison));
                let queue = queues[rng.random_range(0..queues.len())];
                let ids: Vec<Id> = (0..batch_size(rng))
                    .map(|_| {
                        *next += 2;
                        (queue, 0, *next)
                    })
                    .collect();
                let delay_s = u32::from(rng.random_ratio(1, 20));
                send(world, client, &ids, delay_s).map(drop)
            }
            Worker::FifoSender { queue, groups } => {
                let at = rng.random_range(0..groups.len());
                let group = &mut groups[at];
                if group.pending.is_empty() {
                    for _ in 0..batch_size(rng) {
                        group.pending.push((*queue, at as u32, group.next));
                        group.next += 1;
                    }
                }
                let answers = send(world, client, &group.pending, 0)?;
                group.pending.clear();
                for answer in answers {
                    let sequence = answer["SequenceNumber"].as_str().expect("a number");
                    let sequence = sequence.parse().expect("a number");
                    assert!(group.sequence < sequence, "sequence numbers grow: {answer}");
                    group.sequence = sequence;
                }
                Ok(())
            }
            Worker::Consumer { queues, held } => {
                let queue = queues[rng.random_range(0..queues.len())];
                let wait_s = u32::from(rng.random_ratio(1, 10));
                let got = receive(world, client, queue, world.lease_s, wait_s)?;
                if got.is_empty() {
                    return Ok(());
                }
                match rng.random_range(0..10) {
                    // Deleted after the next restart, with a handle from before it.
                    0 => held.push((queue, got)),
                    // Forgotten: comes back after the next restart.
                    1 => {}
                    2..5 => {
                        for one in &got {
                            delete(world, client, queue, std::slice::from_ref(one), false)?;
                        }
                    }
                    _ => delete(world, client, queue, &got, false)?,
                }
                Ok(())
            }
            Worker::Rejecter { queue } => {
                let got = receive(world, client, *queue, 0, 0)?;
                if let [first, ..] = &got[..]
                    && rng.random_ratio(1, 20)
                {
                    delete(world, client, *queue, std::slice::from_ref(first), false)?;
                }
                Ok(())
            }
        }
    }
}

fn batch_size(rng: &mut SmallRng) -> usize {
    if rng.random_ratio(1, 2) {
        1
    } else {
        rng.random_range(2..=10)
    }
}

fn create_queues(world: &World, client: &mut Client) -> Result<(), Died> {
    for queue in &world.queues {
        let attributes = match queue.kind {
            Kind::Fifo => json!({ "FifoQueue": "true" }),
            Kind::Poison => {
                let target = &world.queues[world.of_kind(Kind::DeadLetter)[0]].name;
                let policy = json!({
                    "deadLetterTargetArn": format!("arn:aws:sqs:us-east-1:000000000000:{target}"),
                    "maxReceiveCount": 2,
                });
                json!({ "RedrivePolicy": policy.to_string() })
            }
            Kind::Standard | Kind::DeadLetter => json!({}),
        };
        let request = json!({ "QueueName": queue.name, "Attributes": attributes });
        call(world, client, "CreateQueue", &request)?;
    }
    Ok(())
}

/// Takes everything out of a server that has just been started, and sees that it is what should be
/// there.
fn drain(world: &World, mut client: Client) {
    world.ledger().begin_drain();
    let mut progress = Instant::now();
    let mut empty_rounds = 0;
    let stall = match world.leases_stay {
        false => STALL,
        true => STALL + Duration::from_secs(world.lease_s.into()),
    };
    // Delayed messages and those on their way between shards take a moment.
    while progress.elapsed() < stall && (empty_rounds < 2 || !world.ledger().missing().is_empty()) {
        let mut any = false;
        for queue in 0..world.queues.len() {
            loop {
                let got = receive(world, &mut client, queue, DRAIN_LEASE_S, 0);
                let got = got.unwrap_or_else(|Died| panic!("died during a drain"));
                if got.is_empty() {
                    break;
                }
                (any, progress) = (true, Instant::now());
                let deleted = delete(world, &mut client, queue, &got, false);
                deleted.unwrap_or_else(|Died| panic!("died during a drain"));
            }
        }
        let empty =
            !any && (0..world.queues.len()).all(|queue| is_empty(world, &mut client, queue));
        empty_rounds = if empty { empty_rounds + 1 } else { 0 };
        if !any {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    if !world.ledger().missing().is_empty() {
        describe(world, &mut client);
    }
    world.ledger().end_drain();
    assert!(empty_rounds == 2, "an empty queue counts messages");
}

/// What the server says it has, for whoever looks into a failure.
fn describe(world: &World, client: &mut Client) {
    for queue in &world.queues {
        let request = json!({ "QueueUrl": queue.url(), "AttributeNames": ["All"] });
        let counts = client.ok("GetQueueAttributes", &request);
        let peek = client
            .get(&format!("/_lclq/sqs/messages?QueueUrl={}", queue.url()))
            .expect("an answer");
        let body = String::from_utf8_lossy(&peek.body);
        println!("{}: {counts}\n{body:.2000}", queue.name);
    }
}

/// Whether a queue counts no messages of any kind.
fn is_empty(world: &World, client: &mut Client, queue: usize) -> bool {
    let request = json!({ "QueueUrl": world.queues[queue].url(), "AttributeNames": ["All"] });
    let answer = client.ok("GetQueueAttributes", &request);
    ["", "Delayed", "NotVisible"].iter().all(|kind| {
        let count = &answer["Attributes"][format!("ApproximateNumberOfMessages{kind}")];
        count.as_str().expect("a count") == "0"
    })
}

impl Load for World {
    type Worker = Worker;

    fn set_up(&self, server: &Server) {
        self.make_queues(server.client());
    }

    fn restarted(&self, _server: &Server, _rng: &mut SmallRng) {
        self.ledger().restarted();
    }

    fn drain(&self, server: &Server) {
        drain(self, server.client());
    }

    fn work(&self, worker: &mut Worker, server: &Server, rng: &mut SmallRng) {
        worker.run(self, server.client(), rng);
    }

    fn stop(&self, stop: bool) {
        self.stop.store(stop, Ordering::Relaxed);
    }

    fn summarise(&self) {
        println!("{:?}", self.ledger().totals);
    }
}
