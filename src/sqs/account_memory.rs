//! Memory that the messages of one account may take: looked at again and again beside requests, so that a
//! send costs one look. It is a bound within a moment, not to the byte.

use crate::mesh::Mesh;
use crate::runtime::{Shutdown, sleep, timeout, yield_now};
use lclq_shards::QueueName;
use lclq_shards::command::{Command, QueueCommand, Reply};
use lclq_shards::figures::FiguresOf;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// Between two looks.
const LOOKS_EVERY: Duration = Duration::from_millis(200);
/// Queues that a shard is asked about at once.
const PAGE_QUEUES: usize = 500;

/// The accounts of a process that have as much as they may.
#[derive(Clone, Debug)]
pub struct AccountMemory(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bytes_max: u64,
    any: AtomicBool,
    full: RwLock<HashSet<Box<str>>>,
}

impl AccountMemory {
    /// So many bytes for each.
    pub fn new(bytes_max: u64) -> Self {
        Self(Arc::new(Inner {
            bytes_max,
            any: AtomicBool::new(false),
            full: RwLock::default(),
        }))
    }

    /// Whether an account has room for more.
    #[inline]
    pub(super) fn has_room(&self, account: &str) -> bool {
        !self.0.any.load(Ordering::Relaxed) || !self.is_full(account)
    }

    #[cold]
    fn is_full(&self, account: &str) -> bool {
        let full = self.0.full.read().unwrap_or_else(PoisonError::into_inner);
        full.contains(account)
    }

    /// Looks at all accounts until the server ends. On one core.
    pub async fn watch(self, mesh: Mesh, shutdown: Shutdown) {
        loop {
            let used = used(&mesh).await;
            let full = used
                .into_iter()
                .filter(|(_, bytes)| *bytes >= self.0.bytes_max);
            let full: HashSet<Box<str>> = full.map(|(account, _)| account).collect();
            self.0.any.store(!full.is_empty(), Ordering::Relaxed);
            *self.0.full.write().unwrap_or_else(PoisonError::into_inner) = full;
            if timeout(LOOKS_EVERY, shutdown.wait()).await.is_ok() {
                return;
            }
        }
    }
}

/// What the messages of each account take.
async fn used(mesh: &Mesh) -> HashMap<Box<str>, u64> {
    let mut used = HashMap::new();
    for shard in 0..mesh.shards() {
        let mut after = None;
        loop {
            let command = QueueCommand::Figures {
                of: FiguresOf::Queues,
                after: after.take(),
                figures_max: PAGE_QUEUES,
            };
            let reply = mesh.call(shard, Command::Queue(Box::new(command))).await;
            let Reply::Figures(page) = reply else {
                // It is stopping, or has too much to do: this account of it will be a little short.
                sleep(LOOKS_EVERY).await;
                break;
            };
            for queue in &page.figures {
                if let Some(name) = QueueName::from_arn(&queue.id) {
                    *used.entry(name.account).or_default() += queue.bytes;
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
            yield_now().await;
        }
    }
    used
}
