//! FIFO queues whose consumers ask different nodes: of each group, every message comes once, in order, and to one
//! holder at a time.

use crate::support::killing::{SHARDS, queue_on};
use crate::support::{Answer, Client};
use crate::watch::Watch;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const GROUPS: usize = 4;
const CONSUMERS: usize = 4;
/// Longer than any request takes, so that an answer comes while its lease lasts.
const LEASE: Duration = Duration::from_secs(15);
/// What is left of a lease when its holder gives it up: as much as a request may take to begin.
const LEASE_REST: Duration = Duration::from_secs(2);
/// How much earlier than by its holder's clock a lease may end: each node tells the time by the machine's clock as it
/// was at the node's start, and by the time since boot.
const CLOCKS: Duration = Duration::from_millis(250);
/// Messages of a group that wait.
const AHEAD_MAX: u32 = 20;
/// How long a holder works on a message, milliseconds.
const WORK_MS_MAX: u64 = 40;
const RECEIVED_MAX: u32 = 2;
/// After a refusal.
const PAUSE: Duration = Duration::from_millis(20);
/// What taking everything out may take once leases are over.
const DRAIN_MAX: Duration = Duration::from_secs(30);

/// Who has a group's first messages.
#[derive(Debug)]
struct Holder {
    by: usize,
    /// Its lease lasts at least until then.
    until: Instant,
}

/// What is known of a group. Its messages are numbered from 0.
#[derive(Default, Debug)]
struct Group {
    /// Those below this were asked to be sent.
    sent: u32,
    /// Those below this are gone.
    gone: u32,
    /// Those below this may be gone: that was asked for.
    doubted: u32,
    holder: Option<Holder>,
}

impl Group {
    /// A consumer that asked at `asked` gets these at `now`. `false` where they come too late to tell anything.
    fn received(
        &mut self,
        by: usize,
        asked: Instant,
        now: Instant,
        numbers: &[u32],
    ) -> Result<bool, String> {
        let until = asked + LEASE;
        if now >= until {
            return Ok(false);
        }
        let first = numbers[0];
        let left = self.holder.as_ref().map_or(Duration::ZERO, |holder| {
            holder.until.saturating_duration_since(now)
        });
        let told = |what: &str| {
            Err(format!(
                "{what}: {by} gets {numbers:?} of {self:?}, a lease of which has {left:?} left"
            ))
        };
        if left > CLOCKS {
            return told("two have a group at a time");
        }
        if first < self.gone {
            return told("a message came back that was deleted");
        }
        if first > self.doubted.max(self.gone) {
            return told("a message overtook another");
        }
        let follows = numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]);
        if !follows || numbers.last() >= Some(&self.sent) {
            return told("not what was sent");
        }
        self.gone = first;
        self.holder = Some(Holder { by, until });
        Ok(true)
    }

    /// The holder is about to ask for the deletion of a message, which may be its last. `false` where its lease
    /// doesn't last.
    fn deleting(&mut self, by: usize, now: Instant, number: u32, is_last: bool) -> bool {
        let holder = self.holder.as_ref();
        if holder.is_none_or(|holder| holder.by != by || holder.until < now + LEASE_REST) {
            return false;
        }
        self.doubted = self.doubted.max(number + 1);
        if is_last {
            self.holder = None;
        }
        true
    }

    fn deleted(&mut self, number: u32) {
        self.gone = self.gone.max(number + 1);
    }
}

/// Messages of a group in a consumer's hands, with their handles.
struct Held {
    by: usize,
    queue: usize,
    at: usize,
    until: Instant,
    messages: Vec<(u32, String)>,
}

/// Producers and consumers of some queues, and what they know of each group.
pub struct Lines {
    queues: Vec<String>,
    groups: Vec<Mutex<Group>>,
    nodes: Vec<SocketAddr>,
    watch: Arc<Watch>,
    no_more: AtomicBool,
    over: AtomicBool,
}

impl Lines {
    /// One queue on each shard.
    pub fn new(nodes: &[SocketAddr], watch: &Arc<Watch>) -> Self {
        let queues = (0..SHARDS).map(|shard| queue_on(shard, "line", ".fifo"));
        let queues: Vec<String> = queues.collect();
        let groups = queues.len() * GROUPS;
        Self {
            queues,
            groups: (0..groups).map(|_| Mutex::default()).collect(),
            nodes: nodes.to_vec(),
            watch: watch.clone(),
            no_more: AtomicBool::new(false),
            over: AtomicBool::new(false),
        }
    }

    pub fn set_up(&self) {
        let mut client = Client::new(self.nodes[0]);
        for queue in &self.queues {
            let fifo = json!({ "FifoQueue": "true" });
            let request = json!({ "QueueName": queue, "Attributes": fifo });
            client.ok("CreateQueue", &request);
        }
    }

    /// Each of these runs until [`Lines::drain`] has ended.
    pub fn workers(&self, rng: &mut SmallRng) -> Vec<Box<dyn FnOnce() + Send + '_>> {
        let mut workers: Vec<Box<dyn FnOnce() + Send + '_>> = Vec::new();
        self.no_more.store(false, Ordering::Relaxed);
        self.over.store(false, Ordering::Relaxed);
        for queue in 0..self.queues.len() {
            let mut rng = SmallRng::seed_from_u64(rng.random());
            workers.push(Box::new(move || self.produce(queue, &mut rng)));
        }
        for consumer in 0..CONSUMERS {
            let mut rng = SmallRng::seed_from_u64(rng.random());
            workers.push(Box::new(move || self.consume(consumer, &mut rng)));
        }
        workers
    }

    fn group(&self, queue: usize, group: usize) -> MutexGuard<'_, Group> {
        let group = self.groups[queue * GROUPS + group].lock();
        group.unwrap_or_else(PoisonError::into_inner)
    }

    fn url(&self, queue: usize) -> String {
        format!("http://localhost/000000000000/{}", self.queues[queue])
    }

    fn call(&self, client: &mut Client, action: &str, request: &Value) -> io::Result<Answer> {
        let asked = Instant::now();
        let answer = client.call(action, request);
        self.watch.note(client, request, asked, &answer);
        answer
    }

    /// What an action answers; nothing where it was refused for now, or its node is gone.
    fn try_call(&self, client: &mut Client, action: &str, request: &Value) -> Option<Value> {
        match self.call(client, action, request) {
            Ok(answer) if answer.status == 503 => None,
            Ok(answer) => Some(answer.ok()),
            Err(_) => None,
        }
    }

    /// Another node than the last.
    fn other(&self, client: &mut Client, rng: &mut SmallRng) {
        std::thread::sleep(PAUSE);
        *client = Client::new(self.nodes[rng.random_range(0..self.nodes.len())]);
    }

    /// Sends to one queue. What was refused is sent again, as the same message, until it is acknowledged.
    fn produce(&self, queue: usize, rng: &mut SmallRng) {
        let mut client = Client::new(self.nodes[queue % self.nodes.len()]);
        while !self.no_more.load(Ordering::Relaxed) {
            let at = rng.random_range(0..GROUPS);
            let number = {
                let mut group = self.group(queue, at);
                if group.sent - group.gone >= AHEAD_MAX {
                    drop(group);
                    std::thread::sleep(PAUSE);
                    continue;
                }
                group.sent += 1;
                group.sent - 1
            };
            let request = json!({
                "QueueUrl": self.url(queue), "MessageGroupId": at.to_string(),
                "MessageBody": format!("{at}/{number}"),
                "MessageDeduplicationId": format!("{at}/{number}"),
            });
            while self
                .try_call(&mut client, "SendMessage", &request)
                .is_none()
            {
                if self.over.load(Ordering::Relaxed) {
                    return;
                }
                self.other(&mut client, rng);
            }
            std::thread::sleep(Duration::from_millis(rng.random_range(0..WORK_MS_MAX)));
        }
    }

    fn consume(&self, by: usize, rng: &mut SmallRng) {
        let mut client = Client::new(self.nodes[by % self.nodes.len()]);
        while !self.over.load(Ordering::Relaxed) {
            let queue = rng.random_range(0..self.queues.len());
            let mut request = json!({
                "QueueUrl": self.url(queue), "MaxNumberOfMessages": RECEIVED_MAX,
                "VisibilityTimeout": LEASE.as_secs(),
            });
            // Without, the queue's own time holds, which is none.
            if rng.random() {
                request["WaitTimeSeconds"] = json!(1);
            }
            let asked = Instant::now();
            let Some(answer) = self.try_call(&mut client, "ReceiveMessage", &request) else {
                self.other(&mut client, rng);
                continue;
            };
            for (at, messages) in by_group(&answer) {
                let numbers: Vec<u32> = messages.iter().map(|(number, _)| *number).collect();
                let told = self
                    .group(queue, at)
                    .received(by, asked, Instant::now(), &numbers);
                let in_time = told.unwrap_or_else(|told| panic!("{}: {told}", self.queues[queue]));
                if in_time {
                    let held = Held {
                        by,
                        queue,
                        at,
                        until: asked + LEASE,
                        messages,
                    };
                    self.work(&mut client, &held, rng);
                }
            }
        }
    }

    /// Works on messages and deletes them, one after the other.
    fn work(&self, client: &mut Client, held: &Held, rng: &mut SmallRng) {
        let Held { queue, at, .. } = *held;
        for (place, (number, handle)) in held.messages.iter().enumerate() {
            std::thread::sleep(Duration::from_millis(rng.random_range(0..WORK_MS_MAX)));
            let is_last = place + 1 == held.messages.len();
            let now = Instant::now();
            if !self
                .group(queue, at)
                .deleting(held.by, now, *number, is_last)
            {
                return;
            }
            let request = json!({ "QueueUrl": self.url(queue), "ReceiptHandle": handle });
            match self.call(client, "DeleteMessage", &request) {
                Ok(answer) if answer.status == 200 => self.group(queue, at).deleted(*number),
                // It comes again once its lease is over, unless it is gone.
                Ok(answer) if answer.status == 503 => return self.other(client, rng),
                Err(_) => return self.other(client, rng),
                Ok(answer) => {
                    let lasts = Instant::now() < held.until;
                    assert!(!lasts, "a delete in time is refused: {}", answer.text());
                    return;
                }
            }
        }
    }

    /// Sends no more, has consumers take everything out, and sees that they get it.
    pub fn drain(&self) {
        self.no_more.store(true, Ordering::Relaxed);
        let until = Instant::now() + LEASE + DRAIN_MAX;
        let all = || {
            self.groups
                .iter()
                .map(|group| group.lock().unwrap_or_else(PoisonError::into_inner))
        };
        let is_empty = || all().all(|group| group.gone == group.sent);
        while !is_empty() && Instant::now() < until {
            std::thread::sleep(PAUSE);
        }
        // Whatever there is twice would come now.
        std::thread::sleep(Duration::from_secs(1));
        let lost: Vec<String> = all()
            .filter(|group| group.gone != group.sent)
            .map(|group| format!("{:?}", *group))
            .collect();
        self.over.store(true, Ordering::Relaxed);
        assert!(lost.is_empty(), "messages of groups are lost: {lost:?}");
    }

    /// Has all workers end.
    pub fn end(&self) {
        self.no_more.store(true, Ordering::Relaxed);
        self.over.store(true, Ordering::Relaxed);
    }

    /// Messages that went through.
    pub fn count(&self) -> u64 {
        let gone = |group: &Mutex<Group>| group.lock().unwrap_or_else(PoisonError::into_inner).gone;
        self.groups.iter().map(|group| u64::from(gone(group))).sum()
    }
}

/// Numbers and handles of an answer's messages, by their group, as they came.
fn by_group(answer: &Value) -> Vec<(usize, Vec<(u32, String)>)> {
    let mut groups: Vec<(usize, Vec<(u32, String)>)> = Vec::new();
    for message in answer["Messages"].as_array().into_iter().flatten() {
        let body = message["Body"].as_str().expect("a body");
        let (group, number) = body.split_once('/').expect("what was sent");
        let (group, number) = (
            group.parse().expect("a group"),
            number.parse().expect("a number"),
        );
        let handle = message["ReceiptHandle"].as_str().expect("a handle");
        let message = (number, handle.to_owned());
        match groups.iter_mut().find(|(known, _)| *known == group) {
            Some((_, messages)) => messages.push(message),
            None => groups.push((group, vec![message])),
        }
    }
    groups
}

/// The canary: each broken promise is noticed, and nothing else.
pub fn notices_what_is_broken() {
    let start = Instant::now();
    let at = |seconds: u64| start + Duration::from_secs(seconds);
    let group = || Group {
        sent: 10,
        ..Group::default()
    };
    let noticed = |told: Result<bool, String>, words: &str| {
        let told = told.expect_err(words);
        assert!(told.starts_with(words), "{told}");
    };
    let mut held = group();
    assert_eq!(held.received(0, at(0), at(1), &[0, 1]), Ok(true));
    noticed(held.received(1, at(1), at(2), &[0]), "two have a group");
    assert_eq!(
        held.received(1, at(15), at(16), &[0, 1]),
        Ok(true),
        "its lease is over"
    );
    assert!(!held.deleting(0, at(16), 0, false), "another has it");
    assert!(held.deleting(1, at(16), 0, false));
    noticed(held.received(2, at(16), at(17), &[1]), "two have a group");
    held.deleted(0);
    assert!(held.deleting(1, at(17), 1, true));
    let in_doubt = |numbers: &[u32]| {
        let mut group = Group {
            gone: 1,
            doubted: 2,
            ..group()
        };
        group.received(2, at(20), at(21), numbers)
    };
    assert_eq!(in_doubt(&[1]), Ok(true));
    assert_eq!(in_doubt(&[2, 3]), Ok(true));
    noticed(in_doubt(&[0]), "a message came back");
    noticed(in_doubt(&[3]), "a message overtook another");
    noticed(in_doubt(&[2, 4]), "not what was sent");
    noticed(
        held.received(2, at(20), at(21), &[10]),
        "a message overtook",
    );
}
