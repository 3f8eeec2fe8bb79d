//! How many file descriptors a start takes, and whether there are so many.
//!
//! Asked before anything is opened: a core that finds none left can only say that something failed.

use std::io;

/// What is going to be opened.
#[derive(Clone, Copy, Debug)]
pub struct DescriptorPlan {
    pub cores: usize,
    /// Cores receive through io_uring.
    pub rings: bool,
    /// Ports.
    pub listeners: usize,
    /// Shards that have a file; 0 if everything is in memory.
    pub shards_on_disk: usize,
    /// Shards that have a connection to a store.
    pub shards_in_store: usize,
    /// Connections that clients may open.
    pub connections_max: usize,
}

/// Of each core: its poll, a second handle on that, what wakes it, and what hears signals.
const PER_CORE: usize = 4;
/// Of each core on io_uring, more.
const PER_RING: usize = 2;
/// Of each port: the socket, and a second handle on it for the core that accepts.
const PER_LISTENER: usize = 2;
/// Of each shard: its file and its write-ahead log.
const PER_SHARD: usize = 2;
/// Of a data directory: its lock.
const PER_DIRECTORY: usize = 1;
/// Of a store: its thread's poll and what wakes that, and the connection that keeps others away.
const PER_STORE: usize = 4;
/// Of the process: the two ends of two pipes for signals.
const PER_PROCESS: usize = 4;
/// For a few clients, and for files that are open for a moment.
const SPARE: usize = 16;

impl DescriptorPlan {
    /// Descriptors that a start takes, with some for the first clients.
    fn needed(self) -> usize {
        let per_core = PER_CORE + if self.rings { PER_RING } else { 0 };
        let directory = usize::from(self.shards_on_disk > 0) * PER_DIRECTORY;
        let store = match self.shards_in_store {
            0 => 0,
            shards => shards + PER_STORE,
        };
        PER_PROCESS
            + store
            + self.cores * per_core
            + self.listeners * PER_LISTENER
            + self.shards_on_disk * PER_SHARD
            + directory
            + SPARE
    }

    /// Raises the process's limit as far as it may and this plan can use, beside the `open` ones.
    /// Answers an error where even that is too low to start with.
    #[cfg(target_os = "linux")]
    pub fn provide(self, open: usize) -> io::Result<()> {
        let mut limit = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        // SAFETY: the kernel writes one rlimit.
        if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } != 0 {
            return Err(io::Error::last_os_error());
        }
        let needed = (open + self.needed()) as u64;
        let useful = needed + self.connections_max as u64;
        if limit.rlim_cur < useful && limit.rlim_cur < limit.rlim_max {
            let raised = libc::rlimit {
                rlim_cur: useful.min(limit.rlim_max),
                rlim_max: limit.rlim_max,
            };
            // SAFETY: the kernel reads one rlimit.
            if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raised) } == 0 {
                limit = raised;
            }
        }
        if limit.rlim_cur < needed {
            return Err(io::Error::other(format!(
                "too few file descriptors: {needed} are needed, the limit is {}; raise it \
                 (ulimit -n {needed} or more), or use fewer --cores or --shards",
                limit.rlim_cur
            )));
        }
        Ok(())
    }

    /// Other systems' limits are not looked at.
    #[cfg(not(target_os = "linux"))]
    pub fn provide(self, open: usize) -> io::Result<()> {
        let _ = open + self.needed();
        Ok(())
    }
}

/// Descriptors that are open now. Where none is left to count them by, the limit is refused anyway:
/// then the three standard ones.
pub fn descriptors_open() -> usize {
    // One of those counted is the directory's own.
    std::fs::read_dir("/proc/self/fd").map_or(3, |all| all.count() - 1)
}
