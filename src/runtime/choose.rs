//! Which driver to run on, and why.

use std::fmt;
use std::str::FromStr;

/// What carries a core's I/O.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriverKind {
    /// tokio's current-thread runtime: epoll on Linux, kqueue on macOS, IOCP on Windows.
    Epoll,
    /// glommio: io_uring, Linux only.
    IoUring,
}

impl fmt::Display for DriverKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DriverKind::Epoll => "epoll",
            DriverKind::IoUring => "io_uring",
        })
    }
}

/// What the user asked for with `--runtime`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum RuntimeChoice {
    /// The faster driver this machine can run.
    #[default]
    Auto,
    /// io_uring, or an error where it can't run.
    IoUring,
    /// epoll (kqueue or IOCP elsewhere), which runs everywhere.
    Epoll,
}

impl FromStr for RuntimeChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(RuntimeChoice::Auto),
            "io-uring" | "io_uring" => Ok(RuntimeChoice::IoUring),
            "epoll" => Ok(RuntimeChoice::Epoll),
            other => Err(format!(
                "unknown runtime {other:?}: expected auto, io-uring or epoll"
            )),
        }
    }
}

/// The driver asked for can't run here.
#[derive(Debug)]
pub struct RuntimeError {
    reason: String,
}

impl fmt::Display for RuntimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the io_uring runtime can't run here: {}", self.reason)
    }
}

impl std::error::Error for RuntimeError {}

/// Picks the driver, with a sentence for the log on why.
pub fn choose(choice: RuntimeChoice) -> Result<(DriverKind, String), RuntimeError> {
    match choice {
        RuntimeChoice::Epoll => Ok((DriverKind::Epoll, "asked for".to_owned())),
        RuntimeChoice::IoUring => match probe() {
            Ok(()) => Ok((
                DriverKind::IoUring,
                "asked for, and the kernel allows it".to_owned(),
            )),
            Err(reason) => Err(RuntimeError { reason }),
        },
        // By measurement (loadtest/ratio.sh), not by fashion: see ARCHITECTURE.md for the figures.
        RuntimeChoice::Auto => Ok((
            DriverKind::Epoll,
            match probe() {
                Ok(()) => "auto: io_uring is possible here, but epoll measured faster".to_owned(),
                Err(reason) => format!("auto: io_uring can't run here ({reason})"),
            },
        )),
    }
}

#[cfg(not(target_os = "linux"))]
fn probe() -> Result<(), String> {
    Err("io_uring exists on Linux only".to_owned())
}

/// glommio panics or aborts deep inside where io_uring is missing, so ask the kernel first.
#[cfg(target_os = "linux")]
fn probe() -> Result<(), String> {
    /// glommio refuses to start below this.
    const MEMLOCK_BYTES_MIN: u64 = 512 * 1024;
    /// IORING_FEAT_FAST_POLL (5.7) and IORING_FEAT_POLL_32BITS (5.9): old enough to be anywhere
    /// that io_uring is sound, new enough for every opcode glommio uses.
    const FEATURES_NEEDED: u32 = (1 << 5) | (1 << 6);

    // The layout of `struct io_uring_params`: sq_entries, cq_entries, flags, sq_thread_cpu,
    // sq_thread_idle, features, wq_fd, resv[3], then two 40-byte offset tables. 120 bytes.
    let mut params = [0u32; 30];
    // SAFETY: io_uring_setup reads and writes exactly one io_uring_params, which is 120 bytes.
    let fd = unsafe { libc::syscall(libc::SYS_io_uring_setup, 4u32, params.as_mut_ptr()) };
    if fd < 0 {
        let error = std::io::Error::last_os_error();
        return Err(match error.raw_os_error() {
            Some(libc::ENOSYS) => "the kernel has no io_uring".to_owned(),
            Some(libc::EPERM) => {
                "io_uring is forbidden (a seccomp profile such as Docker's default, or \
                 kernel.io_uring_disabled)"
                    .to_owned()
            }
            _ => format!("io_uring_setup failed: {error}"),
        });
    }
    // SAFETY: the descriptor was just made by us and nobody else knows it.
    unsafe { libc::close(fd as libc::c_int) };
    let features = params[5];
    if features & FEATURES_NEEDED != FEATURES_NEEDED {
        return Err("the kernel's io_uring is too old (5.9 or later is needed)".to_owned());
    }

    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: getrlimit fills one rlimit.
    if unsafe { libc::getrlimit(libc::RLIMIT_MEMLOCK, &mut limit) } != 0 {
        return Err(format!(
            "RLIMIT_MEMLOCK is unknown: {}",
            std::io::Error::last_os_error()
        ));
    }
    if limit.rlim_cur < MEMLOCK_BYTES_MIN {
        return Err(format!(
            "the locked-memory limit is {} KiB, and io_uring needs {} KiB (ulimit -l)",
            limit.rlim_cur / 1024,
            MEMLOCK_BYTES_MIN / 1024
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epoll_is_always_possible() {
        assert_eq!(choose(RuntimeChoice::Epoll).unwrap().0, DriverKind::Epoll);
        assert_eq!(choose(RuntimeChoice::Auto).unwrap().0, DriverKind::Epoll);
    }

    #[test]
    fn names_parse_as_the_command_line_spells_them() {
        assert_eq!("io-uring".parse(), Ok(RuntimeChoice::IoUring));
        assert_eq!("epoll".parse(), Ok(RuntimeChoice::Epoll));
        assert!("kqueue".parse::<RuntimeChoice>().is_err());
    }
}
