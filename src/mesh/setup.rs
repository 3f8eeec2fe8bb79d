//! Putting the mesh together: which core has which shards, and the lanes between cores.

use super::away::Away;
use super::core::{Lanes, Mesh, Shared};
use super::figures::MeshFigures;
use super::lane::{Receiver, Sender};
use super::orders::Orders;
use super::ownership::Ownership;
use super::taker::Taker;
use super::test_clock::TestClock;
use crate::cluster::{self, ClusterConfig, Control, Joined, News};
use crate::runtime::{
    Doorbell, PanicReport, SharedListener, become_journal_writer, doorbell, wall_clock,
};
use lclq_shards::journal::{
    DataDirectory, DirectoryError, Durability, Finding, JournalError, JournalFigures, JournalSetup,
    Recovery, Secrets, Store, StoreError,
};
use lclq_shards::{Eviction, LoadedHost, MemoryPool, ShardConfig, ShardHost};
use lclq_stores::{NodeError, Notice, StoreJournals, StoreSettings, Surroundings};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

/// Where messages are kept.
#[derive(Clone, Debug)]
pub enum Storage {
    /// In memory only.
    Memory,
    /// In one SQLite file per shard.
    Sqlite {
        /// Data directory.
        path: PathBuf,
        /// What a commit waits for.
        durability: Durability,
        /// Go on with what can be read where something is damaged or missing.
        recover: bool,
    },
    /// In a log per shard in a store that other machines can reach, too.
    Store {
        /// Which, and how it is reached.
        settings: Box<StoreSettings>,
        /// With normal durability, settings of the store may lose what was acknowledged.
        durability: Durability,
    },
}

impl Storage {
    /// Its name in figures.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite { .. } => "sqlite",
            Self::Store { settings, .. } => settings.name(),
        }
    }
}

/// What the mesh is to be.
#[derive(Clone, Debug)]
pub struct MeshConfig {
    /// Cores.
    pub cores: usize,
    /// Shards; by default one per core, or what the data directory has.
    pub shards: Option<u16>,
    /// Where messages are kept.
    pub storage: Storage,
    /// Memory that messages may take in all, bytes.
    pub memory_bytes_max: Option<u64>,
    /// What to do when they would take more.
    pub eviction: Eviction,
    /// How it shares its store with other servers, if it does.
    pub cluster: Option<ClusterConfig>,
    /// Events that each shard keeps of where messages went; 0 keeps none.
    pub journey_events: usize,
}

/// Why the mesh can't start.
#[derive(Debug, thiserror::Error)]
pub enum MeshError {
    /// The data directory can't be used.
    #[error("{0}")]
    Directory(#[from] DirectoryError),
    /// A shard's journal can't be had.
    #[error("{0}")]
    Store(StoreError),
    /// The store can't be used.
    #[error("{0}")]
    Node(#[from] NodeError),
    /// The store may lose what is acknowledged, and nobody has agreed to that.
    #[error("{0}. With --durability normal the server starts nevertheless")]
    Risky(String),
    /// A shard's kept state can't be loaded, as it is damaged.
    #[error(
        "shard {shard}: {error}. Put back what was there, or start with --recover to go on with \
         what can be read"
    )]
    Damaged {
        /// The shard.
        shard: u16,
        /// What is wrong.
        error: JournalError,
    },
    /// A shard's kept state can't be loaded.
    #[error("shard {shard}: {error}")]
    Load {
        /// The shard.
        shard: u16,
        /// What is wrong.
        error: JournalError,
    },
    /// There is nothing to take a shard over from.
    #[error("nothing is kept that a shard could be taken over from")]
    NoStore,
    /// It can't be a node of a cluster.
    #[error("{0}")]
    NodePort(std::io::Error),
    /// No randomness for secrets.
    #[error("no randomness from the system: {0}")]
    Random(getrandom::Error),
}

/// A checked configuration with what is shared between cores.
pub struct MeshPlan {
    config: MeshConfig,
    shards: u16,
    store: Option<Arc<dyn Store>>,
    memory: Option<MemoryPool>,
    secrets: Secrets,
    joined: Option<Arc<Joined>>,
    /// What control is going to hear; core 0 starts it.
    news: Mutex<Option<mpsc::Receiver<News>>>,
}

impl MeshPlan {
    /// Opens the data directory, if there is one, and fixes the number of shards.
    pub fn new(config: MeshConfig) -> Result<Self, MeshError> {
        let shards_default = config.cores as u16;
        // Its port first: it is the likeliest to be refused.
        let listener = config.cluster.as_ref().map(|cluster| {
            SharedListener::bind(cluster.address, config.cores).map_err(MeshError::NodePort)
        });
        let listener = listener.transpose()?;
        let mut membership = None;
        let (store, shards, secrets): (Option<Arc<dyn Store>>, _, _) = match &config.storage {
            Storage::Memory => {
                let shards = config.shards.unwrap_or(shards_default);
                (None, shards, random_secrets()?)
            }
            Storage::Sqlite {
                path,
                durability,
                recover,
            } => {
                let recovery = recover.then(|| Recovery { now: wall_clock() });
                let directory = DataDirectory::open(
                    path,
                    config.shards,
                    shards_default,
                    *durability,
                    recovery,
                )?;
                if let Some(mode) = directory.open_to_others() {
                    tracing::warn!(
                        path = %path.display(),
                        mode,
                        "others may use the data directory, which holds messages and secrets; chmod 700 it"
                    );
                }
                let (shards, secrets) = (directory.shards(), directory.secrets());
                (Some(Arc::new(directory)), shards, secrets)
            }
            Storage::Store {
                settings,
                durability,
            } => {
                let surroundings = Surroundings {
                    prepare: Box::new(become_journal_writer),
                    notice: Arc::new(|notice| note_store(&notice)),
                };
                let settings = (**settings).clone();
                let store = match config.cluster {
                    Some(_) => StoreJournals::join(settings, surroundings)?,
                    None => StoreJournals::start(settings, surroundings)?,
                };
                membership = Some(store.membership().clone());
                if let (Some(risk), Durability::Full) = (store.risks().first(), durability) {
                    return Err(MeshError::Risky(risk.to_string()));
                }
                let (shards, secrets) = (store.shards(), store.secrets());
                (Some(Arc::new(store)), shards, secrets)
            }
        };
        let joined = match (listener, membership) {
            (Some(listener), Some(membership)) => {
                let joined = Joined::new(listener, membership, config.cores);
                Some(joined.map_err(MeshError::NodePort)?)
            }
            _ => None,
        };
        let (joined, news) = joined.unzip();
        Ok(Self {
            joined: joined.map(Arc::new),
            news: Mutex::new(news),
            memory: memory_pool(&config, shards),
            config,
            shards,
            store,
            secrets,
        })
    }

    /// Number of shards.
    pub fn shards(&self) -> u16 {
        self.shards
    }

    /// Where other nodes reach it, if there may be any.
    pub fn node_address(&self) -> Option<SocketAddr> {
        let joined = self.joined.as_ref()?;
        Some(joined.listener.local_addr())
    }

    /// Secret that signs receipt handles.
    pub fn receipt_secret(&self) -> [u8; 32] {
        self.secrets.receipt
    }

    /// What each core takes to start, by core.
    pub fn into_parts(self) -> MeshParts {
        let cores = self.config.cores;
        let (bell_senders, bell_receivers): (Vec<_>, Vec<_>) =
            (0..cores).map(|_| mpsc::channel::<Vec<Doorbell>>()).unzip();
        let mut lanes: Vec<Vec<Option<RawLanes>>> = (0..cores)
            .map(|_| (0..cores).map(|_| None).collect())
            .collect();
        for (one, other) in (0..cores).flat_map(|one| (one + 1..cores).map(move |n| (one, n))) {
            let ring = || rtrb::RingBuffer::new(super::LANE_REQUESTS_MAX);
            let (there, there_in) = ring();
            let (other_there, other_there_in) = ring();
            let ring = || rtrb::RingBuffer::new(super::LANE_REQUESTS_MAX);
            let (back, back_in) = ring();
            let (other_back, other_back_in) = ring();
            lanes[one][other] = Some(RawLanes {
                requests_out: there,
                replies_in: back_in,
                requests_in: other_there_in,
                replies_out: other_back,
            });
            lanes[other][one] = Some(RawLanes {
                requests_out: other_there,
                replies_in: other_back_in,
                requests_in: there_in,
                replies_out: back,
            });
        }
        let parts = lanes
            .into_iter()
            .zip(bell_receivers)
            .map(|(lanes, bells)| Some(Part { lanes, bells }))
            .collect();
        let shared = Shared {
            ownership: Arc::new(match self.joined {
                Some(_) => Ownership::of_nobody(self.shards),
                None => Ownership::deal(self.shards, cores),
            }),
            versions: Arc::default(),
            journals_down: Arc::default(),
            test_clock: Arc::new(TestClock::new(cores)),
            figures: MeshFigures::new(cores, self.shards),
            memory_bytes_max: self.config.memory_bytes_max,
        };
        MeshParts {
            orders: Arc::new(Orders::new(cores)),
            plan: Arc::new(self),
            parts: Arc::new(Mutex::new(parts)),
            bells: Arc::new(Mutex::new(Gathering {
                bells: (0..cores).map(|_| None).collect(),
                tell: bell_senders,
            })),
            shared,
        }
    }

    fn shard_config(&self, shard: u16) -> ShardConfig {
        let mut config = ShardConfig::new(shard, self.shards);
        config.secret = self.secrets.engine;
        config.eviction = self.config.eviction;
        config.journey_events = self.config.journey_events;
        config.memory = self.memory.clone();
        config
    }

    fn open_host(
        &self,
        shard: u16,
        bell: Doorbell,
        figures: Arc<JournalFigures>,
    ) -> Result<ShardHost, MeshError> {
        if self.store.is_none() {
            let config = self.shard_config(shard);
            return Ok(ShardHost::in_memory(config, wall_clock()));
        }
        self.load_host(shard, bell, figures)
            .map(LoadedHost::into_host)
    }

    /// Takes over a shard of a store or a data directory, on any thread.
    pub(super) fn load_host(
        &self,
        shard: u16,
        bell: Doorbell,
        figures: Arc<JournalFigures>,
    ) -> Result<LoadedHost, MeshError> {
        let config = self.shard_config(shard);
        let store = self.store.as_ref().ok_or(MeshError::NoStore)?;
        let report = PanicReport::new("a journal's thread");
        let setup = JournalSetup {
            prepare: Box::new(become_journal_writer),
            wake: Box::new(move || {
                // Moved in whole, so that the thread owns it.
                let _ = &report;
                bell.ring();
            }),
            found: Box::new(move |finding| note(shard, &finding)),
            figures,
        };
        let journal = store.open_shard(shard, setup).map_err(MeshError::Store)?;
        LoadedHost::open(config, journal, wall_clock()).map_err(|error| {
            if error.can_be_recovered_from() {
                MeshError::Damaged { shard, error }
            } else {
                MeshError::Load { shard, error }
            }
        })
    }
}

/// Says what the way to a store has found out.
fn note_store(notice: &Notice) {
    match notice {
        Notice::Risk(risk) => tracing::warn!("what is acknowledged can be lost: {risk}"),
        Notice::Waits(words) => tracing::info!("{words}"),
    }
}

/// Says what a journal has found out.
fn note(shard: u16, finding: &Finding) {
    match finding {
        Finding::SetAside(row) => tracing::error!(
            shard,
            %row,
            "a stored row is damaged; it is set aside in the table `damaged` of the shard's file"
        ),
        Finding::Damaged(row) => tracing::error!(
            shard,
            %row,
            "a stored row is damaged on disk; memory has it still, a restart won't"
        ),
        Finding::Recovered(line) => tracing::warn!(shard, "recovered: {line}"),
    }
}

fn random_secrets() -> Result<Secrets, MeshError> {
    let mut secrets = Secrets {
        receipt: [0; 32],
        engine: [0; 16],
    };
    getrandom::fill(&mut secrets.receipt).map_err(MeshError::Random)?;
    getrandom::fill(&mut secrets.engine).map_err(MeshError::Random)?;
    Ok(secrets)
}

fn memory_pool(config: &MeshConfig, shards: u16) -> Option<MemoryPool> {
    config
        .memory_bytes_max
        .map(|bytes| MemoryPool::new(bytes, shards))
}

/// Lanes before the bells of the other side are known.
struct RawLanes {
    requests_out: rtrb::Producer<super::lane::Request>,
    replies_in: rtrb::Consumer<super::lane::Answer>,
    requests_in: rtrb::Consumer<super::lane::Request>,
    replies_out: rtrb::Producer<super::lane::Answer>,
}

struct Part {
    lanes: Vec<Option<RawLanes>>,
    bells: mpsc::Receiver<Vec<Doorbell>>,
}

struct Gathering {
    bells: Vec<Option<Doorbell>>,
    tell: Vec<mpsc::Sender<Vec<Doorbell>>>,
}

/// What each core takes to start; clone it into every core.
#[derive(Clone)]
pub struct MeshParts {
    plan: Arc<MeshPlan>,
    parts: Arc<Mutex<Vec<Option<Part>>>>,
    bells: Arc<Mutex<Gathering>>,
    shared: Shared,
    orders: Arc<Orders>,
}

impl MeshParts {
    /// Starts the mesh on the calling core. Every core has to do so: each waits, blocking, until
    /// all have got as far as to have a bell.
    pub fn start(&self, core: usize) -> Result<Mesh, MeshError> {
        let part = self.parts.lock().expect("no core panics in here")[core]
            .take()
            .expect("a core starts once");
        let (bell, waiter) = doorbell();
        self.gather(core, &bell);
        let bells = part.bells.recv().expect("every core starts");
        self.shared.test_clock.set_bells(&bells);
        for (core, bell) in bells.iter().enumerate() {
            self.orders.attach(core, bell.clone());
        }
        if let Some(memory) = &self.plan.memory {
            let bells = bells.clone();
            memory.when_short(move || bells.iter().for_each(Doorbell::ring));
        }
        let lanes = part
            .lanes
            .into_iter()
            .zip(&bells)
            .map(|(raw, other)| {
                raw.map(|raw| Lanes {
                    requests_out: Sender::new(raw.requests_out, other.clone()),
                    replies_in: Receiver::new(raw.replies_in),
                    requests_in: Receiver::new(raw.requests_in),
                    replies_out: Sender::new(raw.replies_out, other.clone()),
                })
            })
            .collect();
        let hosts = (0..self.plan.shards)
            .map(|shard| {
                // Of a cluster's, each is taken over later, if at all.
                let own = self.shared.ownership.is_of_core(shard, core);
                let figures = &self.shared.figures.journals[usize::from(shard)];
                own.then(|| self.plan.open_host(shard, bell.clone(), figures.clone()))
                    .transpose()
            })
            .collect::<Result<Vec<_>, _>>()?;
        let again = bell.clone();
        let shared = self.shared.clone();
        let joined = self.plan.joined.clone();
        let away = joined.map(|joined| Away::new(joined, self.orders.clone()));
        let mesh = Mesh::start(core, hosts, lanes, bell, waiter, shared, away);
        self.join(core, &mesh)?;
        // What a restart brought back, transfers above all, goes out with the first round.
        again.ring();
        Ok(mesh)
    }

    /// Begins to answer other nodes on this core; on the first, to be one among them, too.
    fn join(&self, core: usize, mesh: &Mesh) -> Result<(), MeshError> {
        let Some(joined) = &self.plan.joined else {
            return Ok(());
        };
        let listener = joined.listener.listener(core);
        let listener = listener.map_err(MeshError::NodePort)?;
        cluster::serve(mesh, joined, listener);
        let news = match core {
            0 => self
                .plan
                .news
                .lock()
                .expect("no core panics in here")
                .take(),
            _ => None,
        };
        let Some(news) = news else {
            return Ok(());
        };
        let taker = Taker {
            plan: self.plan.clone(),
            shared: self.shared.clone(),
            orders: self.orders.clone(),
            cores: self.plan.config.cores,
        };
        Control::start(joined.clone(), Arc::new(taker), news).map_err(MeshError::NodePort)
    }

    fn gather(&self, core: usize, bell: &Doorbell) {
        let mut gathering = self.bells.lock().expect("no core panics in here");
        gathering.bells[core] = Some(bell.clone());
        if gathering.bells.iter().all(Option::is_some) {
            let bells: Vec<Doorbell> = gathering.bells.iter().flatten().cloned().collect();
            for tell in &gathering.tell {
                let _ = tell.send(bells.clone());
            }
        }
    }
}
