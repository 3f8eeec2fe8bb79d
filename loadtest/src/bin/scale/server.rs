//! The server under test: started, watched through /proc, and ended.

use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How a server is started.
#[derive(Clone, Debug)]
pub struct Setup {
    pub binary: PathBuf,
    pub runtime: String,
    pub cores: Option<usize>,
    pub data_dir: Option<PathBuf>,
}

/// A running server; dropping it kills it.
pub struct Server {
    child: Child,
    /// Host and port.
    pub address: String,
    pub spawned: Instant,
}

impl Server {
    pub fn start(setup: &Setup) -> io::Result<Self> {
        let mut command = Command::new(&setup.binary);
        command.args(["start", "--sqs-port", "0", "--log", "warn"]);
        command.args(["--pubsub-port", "0", "--pubsub-rest-port", "0"]);
        command.args(["--runtime", &setup.runtime]);
        if let Some(cores) = setup.cores {
            command.args(["--cores", &cores.to_string()]);
        }
        if let Some(path) = &setup.data_dir {
            command.arg("--data-dir").arg(path);
        }
        let spawned = Instant::now();
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| {
            io::Error::other(format!("can't run {}: {error}", setup.binary.display()))
        })?;
        let stdout = child.stdout.take().expect("piped");
        let mut address = None;
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            if let Some(found) = line.strip_prefix("listening sqs http://") {
                address = Some(found.to_owned());
            }
            if line == "ready" {
                break;
            }
        }
        let address = address.ok_or_else(|| io::Error::other("the server did not start"))?;
        Ok(Self {
            child,
            address,
            spawned,
        })
    }

    /// Resident memory, bytes.
    pub fn resident_bytes(&self) -> io::Result<u64> {
        let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id()))?;
        rollup
            .lines()
            .find_map(|line| line.strip_prefix("Rss:"))
            .and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok())
            .map(|kib| kib << 10)
            .ok_or_else(|| io::Error::other("smaps_rollup has no Rss"))
    }

    /// CPU time that all its threads have had.
    pub fn cpu(&self) -> io::Result<Duration> {
        let mut nanos = 0;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let times = std::fs::read_to_string(thread?.path().join("schedstat"))?;
            let on_cpu = times
                .split(' ')
                .next()
                .and_then(|text| text.parse::<u64>().ok());
            nanos += on_cpu.ok_or_else(|| io::Error::other("schedstat has no times"))?;
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// Ends it with SIGTERM; answers how long that took.
    pub fn stop(mut self) -> io::Result<Duration> {
        let asked = Instant::now();
        // SAFETY: kill takes two numbers, and the child has not been waited for.
        unsafe { libc::kill(self.child.id() as libc::pid_t, libc::SIGTERM) };
        let status = self.child.wait()?;
        if !status.success() {
            return Err(io::Error::other(format!("the server ended with {status}")));
        }
        Ok(asked.elapsed())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `lclq` beside this program, if nothing else is said.
pub fn default_binary() -> PathBuf {
    if let Some(path) = std::env::var_os("LCLQ_BIN") {
        return path.into();
    }
    let own = std::env::current_exe().unwrap_or_default();
    own.parent().unwrap_or(Path::new(".")).join("lclq")
}

/// Lets this process and the servers it starts have many connections.
pub fn raise_descriptor_limit(wanted: u64) -> io::Result<()> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: getrlimit writes one rlimit, setrlimit reads one.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) != 0 {
            return Err(io::Error::last_os_error());
        }
        limit.rlim_cur = limit.rlim_max.min(wanted.max(limit.rlim_cur));
        if libc::setrlimit(libc::RLIMIT_NOFILE, &limit) != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    if limit.rlim_cur < wanted {
        let had = limit.rlim_cur;
        return Err(io::Error::other(format!(
            "{wanted} open files are needed, {had} are allowed (ulimit -Hn)"
        )));
    }
    Ok(())
}
