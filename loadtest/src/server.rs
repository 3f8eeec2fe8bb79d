//! The server under test: started, watched through /proc, and ended.

use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How a server is started.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The program.
    pub binary: PathBuf,
    /// The driver to run it on.
    pub runtime: String,
    /// Cores to run it on; by default all.
    pub cores: Option<usize>,
    /// Where it keeps messages; by default in memory.
    pub data_dir: Option<PathBuf>,
}

/// A running server; dropping it kills it.
pub struct Server {
    child: Child,
    /// Host and port of its SQS endpoint, or of the only one it has.
    pub address: String,
    /// Host and port of its Pub/Sub endpoint, if it has one.
    pub pubsub: Option<String>,
    /// When it was started.
    pub spawned: Instant,
}

impl Server {
    /// Starts lclq.
    ///
    /// # Errors
    /// If it can't be run, or doesn't get ready.
    pub fn start(setup: &Setup) -> io::Result<Self> {
        let mut command = Command::new(&setup.binary);
        command.args(["start", "--sqs-port", "0", "--log", "warn"]);
        command.args(["--pubsub-port", "0", "--pubsub-rest-port", "0"]);
        if let Some(path) = &setup.data_dir {
            command.arg("--data-dir").arg(path);
        }
        Self::run(command, setup)
    }

    /// Starts a reference server, which does nothing but answer, on the same driver and cores.
    ///
    /// # Errors
    /// If it can't be run, or doesn't get ready.
    pub fn start_noop(setup: &Setup, binary: &Path, messages: usize) -> io::Result<Self> {
        let mut command = Command::new(binary);
        command.args(["--port", "0", "--messages", &messages.to_string()]);
        // It takes one core if it isn't told; lclq takes all.
        let all = std::thread::available_parallelism().map_or(1, usize::from);
        let setup = Setup {
            cores: setup.cores.or(Some(all)),
            ..setup.clone()
        };
        Self::run(command, &setup)
    }

    fn run(mut command: Command, setup: &Setup) -> io::Result<Self> {
        command.args(["--runtime", &setup.runtime]);
        if let Some(cores) = setup.cores {
            command.args(["--cores", &cores.to_string()]);
        }
        let spawned = Instant::now();
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| {
            let program = Path::new(command.get_program()).display();
            io::Error::other(format!("can't run {program}: {error}"))
        })?;
        let stdout = child.stdout.take().expect("piped");
        let (mut sqs, mut pubsub, mut ready) = (None, None, false);
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            if let Some(found) = line.strip_prefix("listening sqs http://") {
                sqs = Some(found.to_owned());
            }
            if let Some(found) = line.strip_prefix("listening pubsub http://") {
                pubsub = Some(found.to_owned());
            }
            if line == "ready" {
                ready = true;
                break;
            }
        }
        let address = sqs.or_else(|| pubsub.clone()).filter(|_| ready);
        let Some(address) = address else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(io::Error::other("the server did not start"));
        };
        Ok(Self {
            child,
            address,
            pubsub,
            spawned,
        })
    }

    /// Resident memory, bytes.
    ///
    /// # Errors
    /// If /proc doesn't tell.
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
    ///
    /// # Errors
    /// If /proc doesn't tell.
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
    ///
    /// # Errors
    /// If it doesn't end well.
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
///
/// # Errors
/// If the hard limit is lower.
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
