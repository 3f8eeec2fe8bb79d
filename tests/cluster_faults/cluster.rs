//! Three nodes and their store, each on a machine of its own.

use crate::network::Network;
use crate::server::{Place, Server as Postgres};
use crate::support::killing::{SHARDS, queue_on};
use crate::support::{Client, Launch, Server};
use crate::watch::Watch;
use serde_json::json;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// One for each shard, so that every fault of one is about some queues.
pub const NODES: usize = SHARDS as usize;
/// Machines of the database: the second is its standby's.
const DATABASES: [usize; 2] = [NODES, NODES + 1];
const SQS_PORT: u16 = 9324;
const NODE_PORT: u16 = 9330;
const POSTGRES_PORT: u16 = 5432;
const SCHEMA: &str = "lclq_faults";
/// How long a cluster may take to come to rest, and a shard to be answered for.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// What is dropped first stands first.
pub struct Cluster {
    nodes: Vec<Option<Server>>,
    primary: Option<Postgres>,
    standby: Option<Postgres>,
    /// Which machine of the database is the primary's.
    primary_at: usize,
    turn: usize,
    pub network: Network,
    pub watch: Arc<Watch>,
    /// Sessions of nodes in the store while nothing happens.
    pub sessions: OnceLock<i64>,
}

impl Cluster {
    /// Starts all, the standby only where it is wanted.
    ///
    /// # Errors
    /// Says what this machine doesn't allow.
    pub fn start(watch: &Arc<Watch>, has_standby: bool) -> Result<Self, String> {
        let not_here = |error| {
            format!("machines of their own can't be made here, as root by ip and iptables: {error}")
        };
        let network = Network::new(NODES + DATABASES.len()).map_err(not_here)?;
        network.can_cut().map_err(not_here)?;
        let mut cluster = Self {
            nodes: Vec::new(),
            primary: None,
            standby: None,
            primary_at: 0,
            turn: 0,
            network,
            watch: watch.clone(),
            sessions: OnceLock::new(),
        };
        cluster.primary = Some(Postgres::start_at(cluster.place(0), &[]));
        if has_standby {
            cluster.add_standby();
        }
        let nodes = (0..NODES).map(|node| cluster.launch(node).spawn());
        let starting: Vec<_> = nodes.collect();
        for starting in starting {
            let server = starting.ready();
            let server = server.map_err(|refused| format!("a node doesn't start: {refused:?}"));
            cluster.nodes.push(Some(server?));
        }
        cluster.wait_for_shares();
        let mut client = cluster.client(0);
        for shard in 0..SHARDS {
            client.ok("CreateQueue", &json!({ "QueueName": probe(shard) }));
        }
        Ok(cluster)
    }

    fn place(&self, database: usize) -> Place {
        let machine = DATABASES[database];
        Place {
            address: self.network.address(machine),
            port: POSTGRES_PORT,
            within: self.network.within_as_nobody(machine),
        }
    }

    /// The machine of the database that is the primary.
    pub fn store(&self) -> usize {
        DATABASES[self.primary_at]
    }

    pub fn primary(&self) -> &Postgres {
        self.primary.as_ref().expect("it is there")
    }

    pub fn add_standby(&mut self) {
        let place = self.place(1 - self.primary_at);
        self.standby = Some(self.primary().synchronous_standby(place));
    }

    /// Has the standby take the place of a primary that is gone.
    pub fn promote(&mut self) {
        let standby = self.standby.take().expect("there is a standby");
        standby.promote();
        self.primary = Some(standby);
        self.primary_at = 1 - self.primary_at;
    }

    fn launch(&self, node: usize) -> Launch {
        let hosts = [0, 1].map(|database| {
            let Place { address, port, .. } = self.place(database);
            format!("{address}:{port}")
        });
        let hosts = match &self.standby {
            None => hosts[0].clone(),
            Some(_) => hosts.join(","),
        };
        let url = format!("postgres://lclq@{hosts}/postgres?sslmode=disable&schema={SCHEMA}");
        let address = self.network.address(node);
        Launch::within(self.network.within(node), SQS_PORT)
            .flag("--store", url)
            .flag("--shards", SHARDS.to_string())
            .switch("--cluster")
            .flag("--bind", &address)
            .flag("--node-address", &address)
            .flag("--node-port", NODE_PORT.to_string())
            .flag("--admin-auth", "off")
            .flag("--cores", "2")
            .flag("--log", "lclq=info,lclq::cluster=debug,lclq::mesh=debug")
    }

    /// Where clients ask a node.
    pub fn address(&self, node: usize) -> SocketAddr {
        let address = format!("{}:{SQS_PORT}", self.network.address(node));
        address.parse().expect("an address")
    }

    pub fn client(&self, node: usize) -> Client {
        Client::new(self.address(node))
    }

    pub fn addresses(&self) -> Vec<SocketAddr> {
        (0..NODES).map(|node| self.address(node)).collect()
    }

    pub fn node(&self, node: usize) -> &Server {
        self.nodes[node].as_ref().expect("it runs")
    }

    /// One node after the other.
    pub fn next_in_turn(&mut self) -> usize {
        self.turn = (self.turn + 1) % NODES;
        self.turn
    }

    /// Takes a node out, for it to end.
    pub fn take(&mut self, node: usize) -> Server {
        self.nodes[node].take().expect("it runs")
    }

    /// Starts a node that has ended, and says so to the watch.
    pub fn revive(&mut self, node: usize) {
        self.nodes[node] = Some(self.launch(node).start());
        self.watch.is_well(self.address(node));
    }

    /// The shards that a node runs, as it says.
    pub fn shards_of(&self, node: usize) -> Vec<u16> {
        let answer = self.node(node).admin_client().get("/api/v1/cores");
        let answer = answer.expect("a node that is well answers").ok();
        let cores = answer["cores"].as_array().expect("cores");
        let shards = cores.iter().flat_map(|core| core["shards"].as_array());
        shards
            .flatten()
            .map(|shard| shard.as_u64().expect("a number") as u16)
            .collect()
    }

    /// The shard that a node runs when all is at rest.
    pub fn shard_of(&self, node: usize) -> u16 {
        self.shards_of(node)[0]
    }

    /// Waits until each node runs a shard.
    pub fn wait_for_shares(&self) {
        let until = Instant::now() + PATIENCE;
        loop {
            let shares: Vec<_> = (0..NODES).map(|node| self.shards_of(node)).collect();
            if shares.iter().all(|share| share.len() == 1) {
                return;
            }
            assert!(Instant::now() < until, "shards by node: {shares:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until a node has had something done by a shard.
    pub fn wait_for_answer(&self, node: usize, shard: u16) {
        let mut client = self.client(node);
        let url = format!("http://localhost/000000000000/{}", probe(shard));
        let request = json!({ "QueueUrl": url, "MessageBody": "there" });
        let until = Instant::now() + PATIENCE;
        loop {
            let asked = Instant::now();
            let answer = client.call("SendMessage", &request);
            self.watch.note(&client, &request, asked, &answer);
            match answer {
                Ok(answer) if answer.status == 503 => {}
                Ok(answer) => return drop(answer.ok()),
                Err(_) => {}
            }
            assert!(Instant::now() < until, "shard {shard} isn't there again");
            std::thread::sleep(PAUSE);
        }
    }

    /// Waits until a node has had something done by each shard.
    pub fn wait_for_all(&self, node: usize) {
        for shard in 0..SHARDS {
            self.wait_for_answer(node, shard);
        }
    }

    /// Writes down what all have logged.
    pub fn write_logs(&mut self, directory: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(directory)?;
        for (number, node) in self.nodes.iter_mut().enumerate() {
            if let Some(node) = node {
                std::fs::write(directory.join(format!("node-{number}.log")), node.stderr())?;
            }
        }
        let log = self.primary.as_ref().map(Postgres::log);
        std::fs::write(directory.join("postgres.log"), log.unwrap_or_default())
    }
}

/// A queue on a shard that nobody reads.
fn probe(shard: u16) -> String {
    queue_on(shard, "probe", "")
}
