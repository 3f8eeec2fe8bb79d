//! A PostgreSQL server of the test's own, on loopback unless it is told where, in a directory that goes with it.

#![allow(dead_code, reason = "each test uses a part")]

pub mod pooler;
mod programs;
mod standby;

use lclq_stores::{PostgresSettings, StoreNode, Surroundings};
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls};

/// What a start may take on a busy machine.
const START_WAIT: Duration = Duration::from_secs(60);
/// Between two looks at whether it answers.
const START_PAUSE: Duration = Duration::from_millis(20);
/// A user that root can become; the server refuses to run as root.
pub const NOBODY: u32 = 65_534;
/// Starts the server, and ends it by its number once its own input ends: with the test, however that
/// ends.
const KEEPER: &str = r#"
"$@" </dev/null &
server=$!
read -r how
kill "-${how:-QUIT}" "$server"
wait "$server"
"#;

fn shared(shared: &Mutex<Weak<Server>>, programs: fn() -> PathBuf) -> Arc<Server> {
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = shared.upgrade() {
        return server;
    }
    let server = Arc::new(Server::start_by(programs(), Place::here(), &[]));
    *shared = Arc::downgrade(&server);
    server
}

/// Where a server listens, and is run.
#[derive(Clone)]
pub struct Place {
    pub address: String,
    pub port: u16,
    /// A program and its arguments that become another one there, as [`NOBODY`]; nothing for here.
    pub within: Vec<String>,
}

impl Place {
    fn here() -> Self {
        Self {
            address: "127.0.0.1".to_owned(),
            port: free_port(),
            within: Vec::new(),
        }
    }

    fn command(&self, program: &Path) -> Command {
        let Some((by, arguments)) = self.within.split_first() else {
            return as_somebody(program);
        };
        let mut command = Command::new(by);
        command.args(arguments).arg(program);
        command
    }
}

/// A server that runs, or may be made to.
pub struct Server {
    directory: TempDir,
    programs: PathBuf,
    place: Place,
    options: Vec<String>,
    keeper: Mutex<Option<Child>>,
    schemas: AtomicU32,
}

/// Whether its transactions are finished first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// As after a crash.
    AtOnce,
    InOrder,
    /// By SIGKILL to its first process, which the others notice.
    Killed,
}

impl Server {
    /// A new server with these settings on top.
    pub fn start(options: &[&str]) -> Self {
        Self::start_by(programs::find(), Place::here(), options)
    }

    /// A new server at a place, for everybody who reaches it there.
    pub fn start_at(place: Place, options: &[&str]) -> Self {
        Self::start_by(programs::find(), place, options)
    }

    fn start_by(programs: PathBuf, place: Place, options: &[&str]) -> Self {
        let directory = directory();
        let data = directory.path().join("data");
        let made = as_somebody(&programs.join("initdb"))
            .args([
                "--auth=trust",
                "--username=lclq",
                "--encoding=UTF8",
                "--locale=C",
            ])
            .args(["--no-sync", "--pgdata"])
            .arg(&data)
            .current_dir(directory.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "initdb: {said}");
        if !place.within.is_empty() {
            standby::let_neighbours_in(&data);
        }
        let server = Self::of(directory, programs, place, options);
        server.go_on(&[]);
        server
    }

    fn of(directory: TempDir, programs: PathBuf, place: Place, options: &[&str]) -> Self {
        Self {
            directory,
            programs,
            place,
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            keeper: Mutex::default(),
            schemas: AtomicU32::new(0),
        }
    }

    /// The server that tests of one program share while one of them has it.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        shared(&SHARED, programs::find)
    }

    /// The same of the newest version.
    pub fn shared_newest() -> Arc<Self> {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        shared(&SHARED, programs::newest)
    }

    /// Starts it where it was stopped, with further settings.
    pub fn go_on(&self, options: &[&str]) {
        let log = self.directory.path().join("log");
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(log)
            .unwrap();
        let mut keeper = self.place.command(Path::new("/bin/sh"));
        keeper
            .args(["-c", KEEPER, "keeper"])
            .arg(self.programs.join("postgres"));
        keeper.arg("-D").arg(self.directory.path().join("data"));
        let port = format!("port={}", self.place.port);
        let addresses = format!("listen_addresses={}", self.place.address);
        let always = [&*addresses, "unix_socket_directories=", &port];
        let own = self.options.iter().map(String::as_str);
        for option in always.into_iter().chain(own).chain(options.iter().copied()) {
            keeper.args(["-c", option]);
        }
        keeper
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        keeper.current_dir(self.directory.path());
        *self.keeper.lock().unwrap() = Some(keeper.spawn().unwrap());
        let until = Instant::now() + START_WAIT;
        let runtime = runtime();
        loop {
            match runtime.block_on(tokio_postgres::connect(&self.url(), NoTls)) {
                Ok(_) => return,
                Err(error) => assert!(Instant::now() < until, "{error}: {}", self.log()),
            }
            std::thread::sleep(START_PAUSE);
        }
    }

    pub fn stop(&self, how: Stop) {
        let Some(mut keeper) = self.keeper.lock().unwrap().take() else {
            return;
        };
        let signal: &[u8] = match how {
            Stop::AtOnce => b"",
            Stop::InOrder => b"INT\n",
            Stop::Killed => b"KILL\n",
        };
        if let Some(mut input) = keeper.stdin.take() {
            use std::io::Write as _;
            input.write_all(signal).unwrap();
        }
        keeper.wait().unwrap();
    }

    /// What it has written about itself.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    pub fn port(&self) -> u16 {
        self.place.port
    }

    /// Its host and port, as a URL has them.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.place.address, self.place.port)
    }

    pub fn url(&self) -> String {
        let authority = self.authority();
        format!("postgres://lclq@{authority}/postgres?sslmode=disable")
    }

    /// Name of a schema that no other test has.
    pub fn schema(&self) -> String {
        let number = self.schemas.fetch_add(1, Ordering::Relaxed);
        format!("test_{number}")
    }

    pub fn settings(&self, schema: &str, shards: u16) -> PostgresSettings {
        let settings = PostgresSettings::new(&self.url(), Some(shards)).unwrap();
        settings.in_schema(schema).unwrap()
    }

    pub fn node(&self, schema: &str, shards: u16) -> StoreNode {
        StoreNode::start(self.settings(schema, shards), Surroundings::default()).unwrap()
    }

    /// A connection for statements by hand.
    pub fn by_hand(&self) -> ByHand {
        ByHand::connect(&self.url())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop(Stop::AtOnce);
    }
}

/// A connection for statements by hand.
pub struct ByHand {
    runtime: Runtime,
    pub client: Client,
}

impl ByHand {
    pub fn connect(url: &str) -> Self {
        let runtime = runtime();
        let (client, connection) = runtime
            .block_on(tokio_postgres::connect(url, NoTls))
            .unwrap();
        runtime.spawn(connection);
        Self { runtime, client }
    }

    /// Its backend's number.
    pub fn backend(&self) -> i32 {
        self.number("SELECT pg_backend_pid()") as i32
    }

    pub fn run(&self, statements: &str) -> Result<(), tokio_postgres::Error> {
        self.runtime.block_on(self.client.batch_execute(statements))
    }

    /// Runs a statement; answers how many rows it was about.
    pub fn execute(&self, statement: &str) -> Result<u64, tokio_postgres::Error> {
        self.runtime.block_on(self.client.execute(statement, &[]))
    }

    /// The one number that a query answers.
    pub fn number(&self, query: &str) -> i64 {
        let query = format!("SELECT ({query})::bigint");
        let row = self
            .runtime
            .block_on(self.client.query_one(&query, &[]))
            .unwrap();
        row.get(0)
    }

    /// The texts that a query answers, a row each.
    pub fn texts(&self, query: &str) -> Vec<String> {
        let rows = self
            .runtime
            .block_on(self.client.query(query, &[]))
            .unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Waits until a query's number is this.
    pub fn wait_for(&self, query: &str, number: i64) {
        let until = Instant::now() + START_WAIT;
        while self.number(query) != number {
            assert!(Instant::now() < until, "{query}");
            std::thread::sleep(START_PAUSE);
        }
    }
}

/// A directory that the server may write.
fn directory() -> TempDir {
    let directory = TempDir::new().unwrap();
    if is_root() {
        chown(directory.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    directory
}

fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().unwrap()
}

fn free_port() -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}

fn is_root() -> bool {
    // A new file is its maker's.
    let file = tempfile::NamedTempFile::new().unwrap();
    std::os::unix::fs::MetadataExt::uid(&file.as_file().metadata().unwrap()) == 0
}

fn as_somebody(program: &Path) -> Command {
    let mut command = Command::new(program);
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}
