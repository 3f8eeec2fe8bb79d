//! Nodes on a store, and clients that ask any of them.

use crate::redis_server::{Kind, Server as Redis};
use crate::server::Server as Postgres;
use crate::support::{Client, Launch, Server};
use lclq_stores::{Member, StoreNode, StoreSettings, Surroundings};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Shards of a cluster of tests: some for each of three nodes, and few to take over.
pub const SHARDS: &str = "12";
/// How long a cluster may take to come to rest.
const PATIENCE: Duration = Duration::from_secs(60);

/// A store that nodes share.
pub enum Store {
    Postgres(Arc<Postgres>, String),
    Redis(Arc<Redis>, String),
}

impl Store {
    pub fn postgres() -> Self {
        let postgres = Postgres::shared();
        let schema = postgres.schema();
        Self::Postgres(postgres, schema)
    }

    pub fn redis() -> Self {
        let redis = Redis::shared(Kind::Redis);
        let prefix = redis.prefix();
        Self::Redis(redis, prefix)
    }

    pub fn url(&self) -> String {
        match self {
            Self::Postgres(postgres, schema) => format!("{}&schema={schema}", postgres.url()),
            Self::Redis(redis, prefix) => format!("{}?prefix={prefix}", redis.url()),
        }
    }

    /// The nodes that it knows.
    pub fn members(&self) -> Vec<Member> {
        let settings = StoreSettings::new(&self.url(), None).unwrap();
        let store = StoreNode::start(settings, Surroundings::default()).unwrap();
        let cluster = store.membership().look().unwrap();
        let members = cluster.members.into_iter();
        members.map(|seen| seen.member).collect()
    }

    /// A node before it starts.
    pub fn node(&self) -> Launch {
        self.node_of(SHARDS)
    }

    /// One of a store with so many shards.
    pub fn node_of(&self, shards: &str) -> Launch {
        Launch::new()
            .flag("--store", self.url())
            .flag("--shards", shards)
            .switch("--cluster")
            .flag("--log", "lclq=info,lclq::cluster=debug,lclq::mesh=debug")
            .flag("--node-port", "0")
            .flag("--cores", "2")
    }

    /// Nodes that each run some of the shards.
    pub fn nodes(&self, count: usize) -> Nodes {
        let starting: Vec<_> = (0..count).map(|_| self.node().spawn()).collect();
        let ready = starting
            .into_iter()
            .map(|starting| starting.ready().unwrap());
        let nodes = Nodes(ready.collect());
        wait_for_shares(&nodes);
        nodes
    }
}

/// Nodes, which tell what they have logged where a test fails.
pub struct Nodes(Vec<Server>);

impl Nodes {
    /// Asks all to end, one after the other.
    pub fn stop(mut self) {
        for node in self.0.drain(..) {
            node.stop();
        }
    }
}

impl std::ops::Deref for Nodes {
    type Target = Vec<Server>;

    fn deref(&self) -> &Vec<Server> {
        &self.0
    }
}

impl std::ops::DerefMut for Nodes {
    fn deref_mut(&mut self) -> &mut Vec<Server> {
        &mut self.0
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for (number, node) in self.0.iter_mut().enumerate() {
                eprintln!("node {number}:\n{}", node.stderr());
            }
        }
    }
}

/// Shards that a node runs, as it says.
pub fn shards_of(node: &Server) -> usize {
    let cores = node.admin_client().get("/api/v1/cores").unwrap().ok();
    let cores = cores["cores"].as_array().expect("cores").clone();
    cores
        .iter()
        .map(|core| core["shards"].as_array().expect("shards").len())
        .sum()
}

/// Waits until each node runs some shards, and together all.
pub fn wait_for_shares(nodes: &[Server]) {
    let all: usize = SHARDS.parse().unwrap();
    let until = Instant::now() + PATIENCE;
    loop {
        let shares: Vec<usize> = nodes.iter().map(shards_of).collect();
        if shares.iter().all(|share| *share > 0) && shares.iter().sum::<usize>() == all {
            return;
        }
        assert!(Instant::now() < until, "shards by node: {shares:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub fn url(queue: &str) -> String {
    format!("http://localhost/000000000000/{queue}")
}

pub fn queues(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("queue-{number}")).collect()
}

pub fn create(client: &mut Client, queue: &str) {
    client.ok("CreateQueue", &json!({ "QueueName": queue }));
}

pub fn send_request(queue: &str, body: &str) -> Value {
    json!({ "QueueUrl": url(queue), "MessageBody": body })
}

pub fn send(client: &mut Client, queue: &str, body: &str) {
    client.ok("SendMessage", &send_request(queue, body));
}

/// Takes all messages out of a queue; answers their bodies. A body that comes twice is a failure.
pub fn drain(client: &mut Client, queue: &str) -> BTreeSet<String> {
    let request = json!({
        "QueueUrl": url(queue), "MaxNumberOfMessages": 10, "VisibilityTimeout": 600,
    });
    let mut bodies = BTreeSet::new();
    loop {
        let answer = client.ok("ReceiveMessage", &request);
        let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
        if messages.is_empty() {
            return bodies;
        }
        for message in messages {
            let body = message["Body"].as_str().unwrap().to_owned();
            assert!(bodies.insert(body), "twice: {message}");
            let handle = &message["ReceiptHandle"];
            let delete = json!({ "QueueUrl": url(queue), "ReceiptHandle": handle });
            client.ok("DeleteMessage", &delete);
        }
    }
}
