//! One process's way to a store: a thread that serves the logs of all its shards.

use super::backend::Backend;
use super::facts::Facts;
use super::limits::{OPENS_WAITING_MAX, START_WAIT};
use super::log::{self, RemoteLog, Wake};
use super::membership::{self, Ask, Membership};
use super::owner::Usage;
use super::worker::Worker;
use crate::NodeError;
use std::io;
use std::sync::{Arc, mpsc as blocking};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// The thread's name: figures of processes go by it.
const THREAD_NAME: &str = "lclq-journal";

/// What a node finds out by itself, for those who run it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notice {
    /// A setting of the store with which acknowledged records can be lost, in words.
    Risk(String),
    /// The node waits for another one to be gone, in words.
    Waits(String),
}

/// How a node fits into the process that runs it.
pub struct Surroundings {
    /// The node's thread calls this before anything else.
    pub prepare: Box<dyn FnOnce() + Send>,
    /// Told what the node finds out; it must not block.
    pub notice: Arc<dyn Fn(Notice) + Send + Sync>,
}

impl Default for Surroundings {
    /// Nobody who wants to know anything.
    fn default() -> Self {
        Self {
            prepare: Box::new(|| {}),
            notice: Arc::new(|_| {}),
        }
    }
}

/// The thread ends once this and all logs from it are dropped.
pub(crate) struct Node<B> {
    backend: Arc<B>,
    workers: mpsc::Sender<Worker<B>>,
    membership: Membership,
    grace: Duration,
}

impl<B: Backend> Node<B> {
    /// Starts the thread, and waits until the store is ready for logs. Clients wait for `grace` where an
    /// append isn't acknowledged.
    pub fn start(
        backend: Arc<B>,
        usage: Usage,
        prepare: Box<dyn FnOnce() + Send>,
        grace: Duration,
    ) -> Result<Self, NodeError> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (workers, new_workers) = mpsc::channel(OPENS_WAITING_MAX);
        let (membership, asks) = Membership::new();
        let (begun, has_begun) = blocking::sync_channel(1);
        let of_thread = backend.clone();
        std::thread::Builder::new()
            .name(THREAD_NAME.to_owned())
            .spawn(move || {
                prepare();
                run(&runtime, &of_thread, usage, &begun, new_workers, asks);
            })?;
        let gone = |_| NodeError::from(io::Error::other("the store's thread is gone"));
        has_begun.recv().map_err(gone)??;
        Ok(Self {
            backend,
            workers,
            membership,
            grace,
        })
    }
}

/// A node, whatever store it is a way to.
pub(crate) trait AnyNode: Send + Sync {
    /// What is known of the store.
    fn facts(&self) -> &Facts;

    /// The log of a shard; or nothing, where the thread takes up no more.
    fn open(&self, shard: u16, wake: Wake) -> Option<RemoteLog>;

    /// Who is there.
    fn membership(&self) -> &Membership;
}

impl<B: Backend> AnyNode for Node<B> {
    fn facts(&self) -> &Facts {
        self.backend.facts()
    }

    fn open(&self, shard: u16, wake: Wake) -> Option<RemoteLog> {
        let (log, end) = log::pair(wake);
        let worker = Worker::new(self.backend.clone(), shard, end, self.grace);
        self.workers.try_send(worker).ok()?;
        Some(log)
    }

    fn membership(&self) -> &Membership {
        &self.membership
    }
}

fn run<B: Backend>(
    runtime: &Runtime,
    backend: &Arc<B>,
    usage: Usage,
    begun: &blocking::SyncSender<Result<(), NodeError>>,
    mut new_workers: mpsc::Receiver<Worker<B>>,
    asks: mpsc::Receiver<Ask>,
) {
    runtime.block_on(async {
        let guard = match begin(backend.as_ref(), &usage).await {
            Ok(guard) => guard,
            Err(error) => return drop(begun.send(Err(error))),
        };
        if begun.send(Ok(())).is_err() {
            return;
        }
        let mut beside = JoinSet::new();
        if let Some(guard) = guard {
            beside.spawn(backend.clone().keep(guard, usage));
        }
        beside.spawn(membership::serve(backend.clone(), asks));
        let mut workers = JoinSet::new();
        loop {
            tokio::select! {
                worker = new_workers.recv() => match worker {
                    Some(worker) => drop(workers.spawn(worker.run())),
                    None => break,
                },
                Some(done) = workers.join_next() => go_on_after(done),
                Some(done) = beside.join_next() => go_on_after(done),
            }
        }
        // Logs may outlive the node.
        while let Some(done) = workers.join_next().await {
            go_on_after(done);
        }
    });
}

/// Has the store ready for logs, and nobody else at it who may not have it as well.
async fn begin<B: Backend>(backend: &B, usage: &Usage) -> Result<Option<B::Guard>, NodeError> {
    let making = tokio::time::timeout(START_WAIT, backend.make()).await;
    making.unwrap_or(Err(NodeError::Late(START_WAIT.as_secs())))?;
    match usage {
        Usage::Beside => Ok(None),
        Usage::Alone(_) | Usage::Together(_) => backend.take(usage).await.map(Some),
    }
}

/// A task's panic is the thread's: whoever waits for that log would wait for good.
fn go_on_after(done: Result<(), tokio::task::JoinError>) {
    if let Err(error) = done
        && let Ok(panic) = error.try_into_panic()
    {
        std::panic::resume_unwind(panic);
    }
}
