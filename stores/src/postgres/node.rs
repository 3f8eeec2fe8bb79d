//! One process's way to a database: a thread that serves the logs of all its shards.

use super::PostgresError;
use super::limits::{OPENS_WAITING_MAX, START_WAIT};
use super::log::{self, PostgresLog, Wake};
use super::risks::{self, Risk};
use super::settings::PostgresSettings;
use super::tls::Tls;
use super::worker::Worker;
use super::{schema, session};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc as blocking};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// What the workers of one node share.
pub(super) struct Shared {
    pub settings: PostgresSettings,
    pub tls: Tls,
    risks: Mutex<BTreeSet<Risk>>,
}

impl Shared {
    /// Remembers what was found on a server, beside what was found before.
    pub fn found(&self, risks: Vec<Risk>) {
        self.risks().extend(risks);
    }

    fn risks(&self) -> MutexGuard<'_, BTreeSet<Risk>> {
        self.risks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One process's way to a database. Its thread ends once this and all logs from it are dropped.
pub struct PostgresNode {
    shared: Arc<Shared>,
    workers: mpsc::Sender<Worker>,
}

impl PostgresNode {
    /// Connects, makes the schema if it isn't there or is an older version's, and starts the thread.
    /// Waits for the database, up to 30 s.
    ///
    /// # Errors
    ///
    /// If the database can't be reached, is a later version's or was made for another number of shards,
    /// or if its user may not do what docs/stores.md lists.
    pub fn start(settings: PostgresSettings) -> Result<Self, PostgresError> {
        let shared = Arc::new(Shared {
            tls: Tls::new(&settings)?,
            settings,
            risks: Mutex::default(),
        });
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (workers, new_workers) = mpsc::channel(OPENS_WAITING_MAX);
        let (made, is_made) = blocking::sync_channel(1);
        let of_thread = shared.clone();
        std::thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || run(&runtime, &of_thread, &made, new_workers))?;
        let started = is_made.recv();
        started.unwrap_or(Err(PostgresError::Busy))?;
        Ok(Self { shared, workers })
    }

    /// The log of a shard. `wake` is called on the node's thread whenever [`PostgresLog`] has an answer
    /// to be polled; it must not block. Connections are made as they are needed: while the database
    /// can't be reached, requests wait, and are then answered that nobody knows.
    ///
    /// # Errors
    ///
    /// If there is no such shard, or the thread can't take it up.
    pub fn open(&self, shard: u16, wake: Wake) -> Result<PostgresLog, PostgresError> {
        let shards = self.shared.settings.shards();
        if shard >= shards {
            return Err(PostgresError::NoSuchShard { shard, shards });
        }
        let (log, end) = log::pair(wake);
        let worker = Worker::new(self.shared.clone(), i32::from(shard), end);
        let taken = self.workers.try_send(worker);
        taken.map_err(|_| PostgresError::Busy)?;
        Ok(log)
    }

    /// Settings with which acknowledged records can be lost, of all servers that were connected to so
    /// far.
    pub fn risks(&self) -> Vec<Risk> {
        self.shared.risks().iter().copied().collect()
    }
}

fn run(
    runtime: &Runtime,
    shared: &Arc<Shared>,
    made: &blocking::SyncSender<Result<(), PostgresError>>,
    mut new_workers: mpsc::Receiver<Worker>,
) {
    runtime.block_on(async {
        let making = tokio::time::timeout(START_WAIT, make(shared)).await;
        let result = making.unwrap_or(Err(PostgresError::Late(START_WAIT.as_secs())));
        let is_made = result.is_ok();
        if made.send(result).is_err() || !is_made {
            return;
        }
        let mut workers = JoinSet::new();
        loop {
            tokio::select! {
                worker = new_workers.recv() => match worker {
                    Some(worker) => drop(workers.spawn(worker.run())),
                    None => break,
                },
                Some(_) = workers.join_next() => {}
            }
        }
        // Logs may outlive the node.
        while workers.join_next().await.is_some() {}
    });
}

async fn make(shared: &Shared) -> Result<(), PostgresError> {
    let settings = &shared.settings;
    let connected = session::connect(settings, &shared.tls).await;
    let (mut client, _link) =
        connected.map_err(|words| PostgresError::Database(words.into_string()))?;
    schema::make(&mut client, settings.schema(), settings.shards()).await?;
    let found = risks::find(&client).await;
    let words = |error| PostgresError::Database(session::words(&error).into_string());
    shared.found(found.map_err(words)?);
    Ok(())
}
