//! Settings of a store with which acknowledged records can be lost.

use std::fmt;

/// A setting of the store with which acknowledged records can be lost.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Risk {
    /// PostgreSQL: `fsync` is off: a crash of the machine may damage all that there is.
    FsyncIsOff,
    /// PostgreSQL: `synchronous_commit` is off: a crash of the server loses its last moments.
    SynchronousCommitIsOff,
    /// PostgreSQL: `full_page_writes` is off: a crash of the machine may leave half a page.
    FullPageWritesIsOff,
    /// PostgreSQL: there are synchronous standbys, and `synchronous_commit` doesn't wait for them.
    StandbysAreNotWaitedFor,
    /// Redis: `appendonly` is off: whatever came after the last snapshot goes with the server's process.
    AppendOnlyIsOff,
    /// Redis: `appendfsync` is `everysec`: about a second goes with the machine.
    FsyncEverySecond,
    /// Redis: `appendfsync` is `no`: half a minute goes with the machine.
    FsyncIsTheSystems,
    /// Redis: nothing is forced to disk while the append-only file is rewritten.
    NoFsyncOnRewrite,
    /// Redis: a full memory makes it drop keys.
    KeysAreEvicted,
    /// Redis: there are replicas, and a fail-over to one loses what it has not been sent.
    ReplicasLag,
    /// Redis: its settings or replicas can't be seen, so what it promises isn't known.
    SettingsAreHidden,
}

impl fmt::Display for Risk {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::FsyncIsOff => {
                "fsync is off in the database: a crash of its machine may lose everything"
            }
            Self::SynchronousCommitIsOff => {
                "synchronous_commit is off in the database: a crash of the server loses what it \
                 acknowledged last"
            }
            Self::FullPageWritesIsOff => {
                "full_page_writes is off in the database: a crash of its machine may damage what is \
                 kept"
            }
            Self::StandbysAreNotWaitedFor => {
                "synchronous_commit is local, though the database has synchronous standbys: a \
                 fail-over loses what was acknowledged last"
            }
            Self::AppendOnlyIsOff => {
                "appendonly is off in Redis: when its process ends, everything since its last snapshot \
                 is lost"
            }
            Self::FsyncEverySecond => {
                "appendfsync is everysec in Redis: a crash of its machine loses about the last second, \
                 up to two"
            }
            Self::FsyncIsTheSystems => {
                "appendfsync is no in Redis: a crash of its machine loses what the system has not \
                 written yet, usually up to 30 s"
            }
            Self::NoFsyncOnRewrite => {
                "no-appendfsync-on-rewrite is on in Redis: a crash of its machine during a rewrite \
                 loses what came since the rewrite began"
            }
            Self::KeysAreEvicted => {
                "maxmemory-policy of Redis drops keys without an expiry when memory is full, whole \
                 logs among them; it has to be noeviction"
            }
            Self::ReplicasLag => {
                "Redis has replicas: a fail-over to one loses what it was not sent yet, whatever \
                 appendfsync and WAIT say"
            }
            Self::SettingsAreHidden => {
                "Redis hides its settings (CONFIG GET) or its replicas (INFO), so whether it keeps what it \
                 acknowledges isn't known"
            }
        })
    }
}
