//! Drives the real binary: starts it with flags on a free port, talks to it, ends it one way or
//! another, and starts it again on the same data.
//!
//! The binary is `$LCLQ_BIN`, or the one Cargo built for this test run.

#![allow(
    dead_code,
    unused_imports,
    reason = "each test binary compiles this module for itself and uses a part of it"
)]

pub mod accounts;
mod client;
pub mod killing;
#[cfg(target_os = "linux")]
pub mod shim;
pub mod signing;
mod status;
pub mod streaming;

pub use client::{Answer, Client};
pub use status::status_bytes;

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long anything may take that should take milliseconds.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The program under test.
pub fn binary() -> PathBuf {
    std::env::var_os("LCLQ_BIN").map_or_else(|| env!("CARGO_BIN_EXE_lclq").into(), PathBuf::from)
}

/// `lclq start` before it runs.
pub struct Launch {
    pub command: Command,
}

impl Launch {
    /// On a free port, in memory, with no settings from the environment.
    pub fn new() -> Self {
        Self::on_port(0)
    }

    /// On a port of the caller's choice, otherwise like [`Launch::new`].
    pub fn on_port(port: u16) -> Self {
        Self::by(Command::new(binary()), port)
    }

    /// By a command to which a program's path and arguments may be added, otherwise like [`Launch::on_port`]. It has
    /// to become that program, so that signals reach it.
    pub fn within(mut command: Command, port: u16) -> Self {
        command.arg(binary());
        Self::by(command, port)
    }

    fn by(mut command: Command, port: u16) -> Self {
        for (name, _) in std::env::vars_os() {
            let name_text = name.to_string_lossy();
            if name_text.starts_with("LCLQ_") && name_text != "LCLQ_BIN" {
                command.env_remove(name);
            }
        }
        command.args(["start", "--sqs-port", &port.to_string()]);
        command.args(["--pubsub-port", "0", "--pubsub-rest-port", "0"]);
        command.args(["--admin-port", "0"]);
        Self { command }
    }

    /// With one more flag.
    pub fn flag(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.arg(name).arg(value);
        self
    }

    /// With one more flag that takes no value.
    pub fn switch(mut self, name: &str) -> Self {
        self.command.arg(name);
        self
    }

    /// With its data kept in `path`.
    pub fn data_dir(self, path: &Path) -> Self {
        self.flag("--data-dir", path)
    }

    /// Starts it, and doesn't wait.
    pub fn spawn(mut self) -> Starting {
        let mut child = self
            .command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary under test can be run");
        let stdout = child.stdout.take().expect("piped");
        let mut stderr = child.stderr.take().expect("piped");
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        let log = Arc::new(Mutex::new(Vec::new()));
        let log_too = log.clone();
        let logger = std::thread::spawn(move || {
            let mut part = [0; 4096];
            while let Ok(count @ 1..) = stderr.read(&mut part) {
                log_too.lock().unwrap().extend_from_slice(&part[..count]);
            }
        });
        Starting {
            server: Server {
                child,
                address: SocketAddr::from(([127, 0, 0, 1], 0)),
                pubsub_address: SocketAddr::from(([127, 0, 0, 1], 0)),
                admin_address: SocketAddr::from(([127, 0, 0, 1], 0)),
                metrics_address: SocketAddr::from(([127, 0, 0, 1], 0)),
                node_address: SocketAddr::from(([127, 0, 0, 1], 0)),
                tls: None,
                log,
                logger: Some(logger),
                spawned: Instant::now(),
            },
            lines,
        }
    }

    /// Starts it and waits until it is ready.
    pub fn start(self) -> Server {
        match self.spawn().ready() {
            Ok(server) => server,
            Err(refused) => panic!("lclq did not start: {} {}", refused.status, refused.stderr),
        }
    }

    /// Starts it where it must refuse to start.
    pub fn refused(self) -> Refused {
        match self.spawn().ready() {
            Ok(_) => panic!("lclq started"),
            Err(refused) => refused,
        }
    }
}

/// How a start failed.
#[derive(Debug)]
pub struct Refused {
    pub status: ExitStatus,
    pub stderr: String,
}

/// A process that has not said yet that it is ready.
pub struct Starting {
    server: Server,
    lines: Receiver<String>,
}

impl Starting {
    /// Waits for the lines that say where it listens and that it is ready.
    pub fn ready(mut self) -> Result<Server, Refused> {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(until - Instant::now()) {
                Ok(line) if line == "ready" => return Ok(self.server),
                Ok(line) => self.server.take(&line),
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.server.wait();
                    let stderr = self.server.stderr();
                    return Err(Refused { status, stderr });
                }
                Err(RecvTimeoutError::Timeout) => {
                    panic!("lclq is neither ready nor gone: {}", self.server.stderr())
                }
            }
        }
    }

    /// Kills it wherever it is.
    pub fn kill(self) {
        self.server.kill();
    }
}

/// A running server. Dropping it kills it.
pub struct Server {
    child: Child,
    address: SocketAddr,
    pubsub_address: SocketAddr,
    admin_address: SocketAddr,
    metrics_address: SocketAddr,
    node_address: SocketAddr,
    tls: Option<String>,
    log: Arc<Mutex<Vec<u8>>>,
    logger: Option<JoinHandle<()>>,
    spawned: Instant,
}

impl Server {
    /// Takes note of a line that it said before it was ready.
    fn take(&mut self, line: &str) {
        if let Some(said) = line.strip_prefix("tls ") {
            self.tls = Some(said.to_owned());
        }
        let Some(listening) = line.strip_prefix("listening ") else {
            return;
        };
        let (name, url) = listening.split_once(' ').expect("a name and a URL");
        let (_, address) = url.split_once("://").expect("a URL");
        let place = match name {
            "sqs" => &mut self.address,
            "pubsub" => &mut self.pubsub_address,
            "admin" => &mut self.admin_address,
            "metrics" => &mut self.metrics_address,
            "nodes" => &mut self.node_address,
            _ => return,
        };
        *place = address.parse().expect("an address is printed");
    }

    /// The authority of its own that clients have to trust.
    pub fn to_trust(&self) -> PathBuf {
        let said = self.tls.as_deref().expect("it speaks TLS");
        said.strip_prefix("trust ")
            .expect("by its own authority")
            .into()
    }

    /// Where it listens for SQS.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens for Pub/Sub, gRPC and REST.
    pub fn pubsub_address(&self) -> SocketAddr {
        self.pubsub_address
    }

    /// Where it listens for other nodes.
    pub fn node_address(&self) -> SocketAddr {
        self.node_address
    }

    /// Where its admin endpoint listens.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// A client of its admin endpoint, not connected yet.
    pub fn admin_client(&self) -> Client {
        Client::new(self.admin_address)
    }

    /// A client of its port for metrics alone, not connected yet.
    pub fn metrics_client(&self) -> Client {
        Client::new(self.metrics_address)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// When it was started.
    pub fn spawned(&self) -> Instant {
        self.spawned
    }

    /// A new connection to it.
    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// A client of its Pub/Sub endpoint, not connected yet.
    pub fn pubsub_client(&self) -> Client {
        Client::new(self.pubsub_address)
    }

    /// Waits until so many long polls wait in it.
    pub fn wait_for_polls(&self, count: usize) {
        let mut admin = self.admin_client();
        let until = Instant::now() + PATIENCE;
        loop {
            let stats = admin.get("/api/v1/stats").expect("an answer").ok();
            if stats["waiters"] == count {
                return;
            }
            assert!(Instant::now() < until, "{count} polls, but: {stats}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// What it has logged so far; all of it, once it has ended.
    pub fn stderr(&mut self) -> String {
        if matches!(self.child.try_wait(), Ok(Some(_)))
            && let Some(logger) = self.logger.take()
        {
            let _ = logger.join();
        }
        String::from_utf8_lossy(&self.log.lock().unwrap()).into_owned()
    }

    /// Ends it with SIGKILL and waits until it is gone.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends SIGKILL without waiting: others may still be using it.
    pub fn kill_now(&self) {
        self.signal("-KILL");
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Sends SIGHUP.
    pub fn hang_up(&self) {
        self.signal("-HUP");
    }

    /// Sends a signal, as `kill` names it; answers whether that could be done.
    pub fn signal(&self, signal: &str) -> bool {
        // Not by a library: that would be a dependency for one call.
        let sent = Command::new("kill")
            .args([signal, &self.pid().to_string()])
            .stderr(Stdio::null())
            .status();
        sent.expect("the kill program works").success()
    }

    /// Waits until it has ended by itself.
    pub fn wait(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                return status;
            }
            assert!(
                Instant::now() < until,
                "lclq doesn't end: {}",
                self.stderr()
            );
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// Asks it to stop, and sees that it does so well.
    pub fn stop(mut self) {
        self.terminate();
        let status = self.wait();
        assert!(status.success(), "{status}: {}", self.stderr());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A seed that differs from run to run; print it.
pub fn any_seed() -> u64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    since.as_nanos() as u64
}

/// Whether this machine can run the io_uring driver.
pub fn io_uring_works() -> bool {
    cfg!(target_os = "linux")
        && match Launch::new().flag("--runtime", "io-uring").spawn().ready() {
            Ok(_) => true,
            Err(refused) => {
                eprintln!("not on io_uring: {}", refused.stderr.trim());
                false
            }
        }
}
