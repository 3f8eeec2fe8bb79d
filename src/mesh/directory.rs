//! From a name to what it stands for, for every dialect: remembered while no change of it has been
//! answered, looked up otherwise, and looked up again where a shard says that it has changed.
//!
//! What isn't there is not remembered: a name that leads nowhere is asked for each time.

use super::core::Mesh;
use super::remembered::{Bounds, Definition, Remembered};
use super::versions::Stamp;
use hashbrown::Equivalent;
use lclq_shards::NameBucket;
use lclq_shards::command::{Command, Reply};
use std::hash::Hash;
use std::rc::Rc;

/// Names of one sort that one core remembers.
const NAMES_MAX: usize = 65_536;
/// Bytes of what one core remembers of one sort.
const REMEMBERED_BYTES_MAX: usize = 32 << 20;
/// Times that a command is made anew because what it is about has changed. After that, what is
/// changed all the time counts as gone, or as busy.
const STALE_MAX: usize = 8;

/// What one core knows of one sort of things: queues, topics, subscriptions, schemas.
pub struct Directory<K, D> {
    remembered: Remembered<K, D>,
    /// Other nodes may run shards.
    is_clustered: bool,
}

impl<K, D: Definition> Directory<K, D> {
    /// Of `mesh`'s core.
    pub fn new(mesh: &Mesh) -> Self {
        let bounds = Bounds {
            names_max: NAMES_MAX,
            bytes_max: REMEMBERED_BYTES_MAX,
        };
        Self {
            remembered: Remembered::new(mesh.versions().clone(), bounds),
            is_clustered: mesh.is_clustered(),
        }
    }

    /// What a key stands for, if that is known. It is as good as if the shard had just said so.
    #[inline]
    pub fn get<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<Rc<D>> {
        self.remembered.get(key)
    }

    /// Whether what was got some time ago still is what its name stands for.
    #[inline]
    pub fn is_current(&self, definition: &D) -> bool {
        self.remembered.versions().is_current(definition.stamp())
    }

    /// Asks the shards what a key stands for, and remembers it. `find` is given the stamp that the
    /// definition has to keep. `key_bytes` is the memory that the key takes.
    pub async fn find<Q, E>(
        &self,
        key: &Q,
        key_bytes: usize,
        bucket: NameBucket,
        find: impl AsyncFnOnce(Stamp) -> Result<D, E>,
    ) -> Result<Rc<D>, E>
    where
        Q: Hash + Equivalent<K> + ?Sized,
        for<'q> K: From<&'q Q>,
    {
        let stamp = self.remembered.versions().stamp(bucket);
        let found = Rc::new(find(stamp).await?);
        debug_assert_eq!(found.stamp(), &stamp);
        if !self.is_clustered || found.is_checked_by_its_shard() {
            self.remembered.insert(key, key_bytes, found.clone());
        }
        Ok(found)
    }
}

/// Has `shard` carry out a command that names something there. Where that has changed since it was
/// looked up, `anew` looks it up again and makes the command anew; it is given the one that came
/// back. `None` if it changes all the time.
#[allow(
    clippy::manual_async_fn,
    reason = "an `async fn` would keep what it is given twice"
)]
pub fn ask_until_current<E>(
    mesh: &Mesh,
    mut shard: u16,
    mut command: Command,
    mut anew: impl AsyncFnMut(Command) -> Result<(u16, Command), E>,
) -> impl Future<Output = Result<Option<Reply>, E>> {
    async move {
        for _ in 0..STALE_MAX {
            match mesh.call(shard, command).await {
                // Boxed, so that the futures of hot methods don't carry its room.
                Reply::Stale(back) => (shard, command) = Box::pin(anew(*back)).await?,
                reply => return Ok(Some(reply)),
            }
        }
        Ok(None)
    }
}
