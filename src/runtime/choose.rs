//! Which driver to run on, and why.

use std::fmt;
use std::str::FromStr;

/// What carries a core's I/O.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriverKind {
    /// tokio's current-thread runtime: epoll on Linux, kqueue on macOS, IOCP on Windows.
    Epoll,
    /// The same, but connections receive through io_uring; Linux only.
    IoUring,
}

/// What cores are to run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Driver {
    /// The driver.
    pub kind: DriverKind,
    /// A core for which it can't be set up after all takes epoll.
    pub or_epoll: bool,
}

impl From<DriverKind> for Driver {
    /// That one, or an error.
    fn from(kind: DriverKind) -> Self {
        let or_epoll = false;
        Self { kind, or_epoll }
    }
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
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    clap::ValueEnum,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
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
pub fn choose(choice: RuntimeChoice) -> Result<(Driver, String), RuntimeError> {
    let (kind, reason) = choose_kind(choice)?;
    let or_epoll = choice == RuntimeChoice::Auto;
    Ok((Driver { kind, or_epoll }, reason))
}

fn choose_kind(choice: RuntimeChoice) -> Result<(DriverKind, String), RuntimeError> {
    match choice {
        RuntimeChoice::Epoll => Ok((DriverKind::Epoll, "asked for".to_owned())),
        RuntimeChoice::IoUring => match probe() {
            Ok(()) => Ok((
                DriverKind::IoUring,
                "asked for, and the kernel allows it".to_owned(),
            )),
            Err(reason) => Err(RuntimeError { reason }),
        },
        // By measurement (`loadtest/run drivers`), not by fashion: docs/benchmarks.md has the figures.
        RuntimeChoice::Auto => Ok(match probe() {
            Ok(()) => (
                DriverKind::IoUring,
                "auto: the faster one, and the kernel allows it".to_owned(),
            ),
            Err(reason) => (
                DriverKind::Epoll,
                format!("auto: io_uring can't run here ({reason})"),
            ),
        }),
    }
}

#[cfg(not(target_os = "linux"))]
fn probe() -> Result<(), String> {
    Err("io_uring exists on Linux only".to_owned())
}

/// Does what a core does, and tells what a failure means.
#[cfg(target_os = "linux")]
fn probe() -> Result<(), String> {
    super::ring::probe().map_err(|error| match error.raw_os_error() {
        Some(libc::ENOSYS) => "the kernel has no io_uring".to_owned(),
        Some(libc::EPERM) => {
            "io_uring is forbidden (a seccomp profile such as Docker's default, or \
             kernel.io_uring_disabled)"
                .to_owned()
        }
        Some(libc::EINVAL) => {
            "the kernel's io_uring is too old (Linux 6.1 or later is needed)".to_owned()
        }
        _ => format!("io_uring can't be set up: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epoll_is_always_possible_and_auto_takes_io_uring_where_it_is() {
        assert_eq!(
            choose_kind(RuntimeChoice::Epoll).unwrap().0,
            DriverKind::Epoll
        );
        let auto = choose_kind(RuntimeChoice::Auto).unwrap().0;
        assert_eq!(auto == DriverKind::IoUring, probe().is_ok());
    }

    #[test]
    fn names_parse_as_the_command_line_spells_them() {
        assert_eq!("io-uring".parse(), Ok(RuntimeChoice::IoUring));
        assert_eq!("epoll".parse(), Ok(RuntimeChoice::Epoll));
        assert!("kqueue".parse::<RuntimeChoice>().is_err());
    }
}
